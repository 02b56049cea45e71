//! A freed block raises glibc's bound, unless the bound was set: seen by where blocks lie.

use super::*;

/// Anonymous memory of this process, in bytes.
fn held() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux has it");
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).expect("a line of it");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<usize>().expect("a number") << 10
}

/// One block of this size, of which every page is used.
fn block(bytes: usize) -> Vec<u8> {
    vec![1; bytes]
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn what_many_threads_free_is_given_back() {
    assert!(settle());
    // Would raise the bound to 16 MiB.
    drop(block(16 << 20));
    let before = held();
    let threads = (0..8).map(|_| {
        std::thread::spawn(|| {
            // The small block at the end is what keeps an arena from shrinking.
            let large: Vec<_> = (0..32).map(|_| block(MAPPED_FROM)).collect();
            let small = block(1_000);
            drop(large);
            small
        })
    });
    let threads: Vec<_> = threads.collect();
    let kept: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    // 64 MiB were used and freed: what the threads kept is a few kilobytes.
    let more = held().saturating_sub(before);
    assert!(more < 2 << 20, "{more} bytes are still held");
    drop(kept);
}
