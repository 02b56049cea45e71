//! What the kernel says: processor time, memory, load. All of it from `/proc`, so that server and
//! generator are measured alike and from outside.

use std::fs;
use std::process::{Command, Stdio};

/// Processor time a process and its descendants have used, in nanoseconds: the sum over all living
/// threads of the first field of `schedstat`.
pub(crate) fn cpu_ns(pids: &[u32]) -> u64 {
    pids.iter().map(|pid| process_cpu_ns(*pid)).sum()
}

fn process_cpu_ns(pid: u32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

/// Resident memory of some processes in KiB.
pub(crate) fn rss_kb(pids: &[u32]) -> u64 {
    pids.iter().filter_map(|pid| status(*pid, "VmRSS:")).sum()
}

fn status(pid: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A process and everything it started that still lives.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let mut pairs = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = status(pid, "PPid:") {
            pairs.push((pid, parent as u32));
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

/// The load average over the last minute.
pub(crate) fn load1() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

/// The congestion control TCP has here, for figures in which it matters.
pub(crate) fn tcp_congestion_control() -> String {
    let text = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control");
    text.map_or_else(|_| "?".to_owned(), |text| text.trim().to_owned())
}

/// Lets this thread, and those it starts, give way to the others of this program: who measures latency isn't
/// to wait for work that would be another machine's.
pub(crate) fn give_way() {
    let own = fs::read_link("/proc/thread-self").unwrap_or_default();
    if let Some(thread) = own.file_name() {
        let mut renice = Command::new("renice");
        renice.args(["-n", "19", "-p"]).arg(thread);
        let _ = renice.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Lifts a process's session above the others on this machine. Nice values only count within a
/// session's group, so this is what isolates; without the right to do it the run goes on.
pub(crate) fn raise(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/autogroup"), "-20");
}
