//! What the host says about itself, read from /proc; `None` where there is no such thing.

use std::{fs, path::Path, time::SystemTime};

/// How many files this process may have open.
pub(super) fn file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft = line.split_whitespace().next()?;
    if soft == "unlimited" { Some(u64::MAX) } else { soft.parse().ok() }
}

/// Memory that could be used now, in bytes.
pub(super) fn memory_available() -> Option<u64> {
    let memory = fs::read_to_string("/proc/meminfo").ok()?;
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// When the newest file directly in a folder or one below was changed.
pub(super) fn newest_change(folder: &Path) -> Option<SystemTime> {
    let entries = || fs::read_dir(folder).ok();
    let inner = entries()?.flatten().filter(|entry| entry.path().is_dir());
    let inner = inner.filter_map(|entry| fs::read_dir(entry.path()).ok()).flatten();
    let all = entries()?.chain(inner).flatten();
    all.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()
}
