//! How the C library's allocator gives memory back.
//!
//! glibc takes large blocks from the system one by one and gives each back when it is freed, those
//! of 128 KiB and more at first. But the first large block that is freed raises that bound to its
//! own size, up to 32 MiB, and from then on everything smaller comes out of the arenas, of which
//! there are eight for each processor and which keep what they have. A server that indexes messages
//! frees blocks of megabytes every second, on many threads: it had 60 MB in use and held 250.
//! A bound that is set stays where it is, and the same server holds a tenth of that.

/// Blocks of this many bytes and more are taken from the system and given back, one by one.
pub const MAPPED_FROM: usize = 256 << 10;

/// Keeps the bound at [`MAPPED_FROM`], for the whole process. To be called first of all, before
/// there are threads. Says whether there was something to set: other C libraries have no such bound.
pub fn settle() -> bool {
    settle_here()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn settle_here() -> bool {
    let bytes = libc::c_int::try_from(MAPPED_FROM).expect("a quarter of a mebibyte fits");
    // SAFETY: `mallopt` takes two numbers and touches nothing of ours; this one changes only where
    // later blocks come from, and blocks remember for themselves where they came from.
    #[expect(unsafe_code)]
    let done = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, bytes) };
    done == 1
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn settle_here() -> bool {
    false
}

#[cfg(test)]
#[path = "lib_tests.rs"]
mod tests;
