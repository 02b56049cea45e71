//! Every bound of the index.

use std::time::Duration;

/// Least memory of the thread that writes, in bytes: what tantivy needs.
pub const MEMORY_BYTES_MIN: usize = 16 * 1024 * 1024;
/// Searches that run at the same time; more wait.
pub const SEARCHES_AT_ONCE: usize = 4;
/// How every file of the index ends at least, in bytes.
pub const FOOTER_BYTES: u64 = 8;
/// Rooms that the words' places are narrowed down by; with more, what was found is.
pub const ROOMS_IN_QUERY_MAX: usize = 16;
/// Words of the index that one beginning may stand for.
pub const PREFIXED_MAX: u32 = 50_000;
/// The same behind other words.
pub const PREFIXED_IN_PHRASE_MAX: u32 = 1_000;
/// Changes that wait for the thread that writes, in calls.
pub const JOBS_MAX: usize = 16;
/// How often the thread that writes looks for something to tidy up.
pub const TIDY_EVERY: Duration = Duration::from_secs(5);
/// What was removed leaves the files after this time.
pub const PURGE_AFTER: Duration = Duration::from_secs(60);
/// Between two such times there is at least so much times what the last took.
pub const PURGE_PAUSE: u32 = 19;
/// How much less than others the threads that write are given of the processor.
pub const NICE: i32 = 10;
