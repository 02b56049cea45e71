//! The process as the kernel sees it (Linux; elsewhere these metrics are absent).

use std::{fs, time::Duration};

/// Memory, files and processor time of this process.
pub(super) struct Process {
    pub(super) resident_bytes: u64,
    pub(super) open_files: u64,
    pub(super) cpu: Duration,
}

pub(super) fn read() -> Option<Process> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().ok()?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name and may hold spaces; the 14th and 15th are times.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let ticks = ticks(11)? + ticks(12)?;
    Some(Process {
        resident_bytes: kilobytes * 1024,
        open_files: u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?,
        // Linux counts in hundredths of a second on every architecture we build for.
        cpu: Duration::from_millis(ticks * 10),
    })
}
