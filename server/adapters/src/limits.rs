//! Every bound of the adapters in one place.

use std::time::Duration;

/// Most batches that share one sync.
pub const GROUP_BATCHES_MAX: usize = 256;
/// Bytes after which a group is committed even if more is waiting: it bounds what an engine
/// writes between two syncs, see [`SLED_SEGMENT_BYTES`].
pub const GROUP_BYTES_MAX: usize = 128 * 1024;
/// Size of each of a journal's two files.
pub const JOURNAL_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// sled's segment. As its source reads, a segment that sled has emptied is written again once
/// the log is a whole segment further, synced or not; so between two syncs sled should write
/// less than one. Fewer syncs at this size did lose pages in simulated power cuts.
pub const SLED_SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Bytes applied to a journaled engine after which it is synced; it is never behind by more
/// than twice this and one group. So much waits in memory, and is replayed after a crash.
pub const CHECKPOINT_BYTES: usize = 512 * 1024;
/// Length up to which a block is filled. Seventeen of them, as many as sled keeps on a page, and
/// the longest single rows too, stay well under the 128 KiB beyond which sled moves a page to a
/// file that it never syncs.
pub const BLOCK_BYTES: usize = 3600;
/// Bytes of rows that are merged into one block (and those split from it) at once.
pub const MERGE_BYTES: usize = 32 * 1024;
/// Bytes of blocks after which an engine is synced; a short or removed one counts as a full one.
/// With those of a last merge that is 28 blocks. sled writes a page of up to 17 of them anew at
/// every tenth change of it: should that fall on all at once, it is 1.7 MB, and twice that while
/// sled moves pages out of old segments; so still less than a segment.
pub const SLICE_BYTES: usize = 64 * 1024;
/// Bytes of rows that are packed at a time when a store of schema 1 is opened.
pub const MIGRATION_BYTES: usize = 256 * 1024;
/// Rows of the memory table that a scan copies before it looks at the engine; the first time.
pub const CHUNK_ROWS_FIRST: usize = 64;
/// Rows of the memory table that a scan copies at a time after that.
pub const CHUNK_ROWS: usize = 1024;
/// Calls that wait for the writer; a further caller waits for room.
pub const QUEUE_CALLS_MAX: usize = 1024;
/// Body bytes in one engine value; what is longer continues under adjacent keys. With its
/// header a value stays under 4 KiB, which keeps sled from moving pages to files it never syncs.
pub const CHUNK_BYTES: usize = 4000;
/// Records removed per transaction while a log is purged.
pub const PURGE_STEP_RECORDS: u64 = 1000;
/// Reads of at most this many records or rows are made inline, longer ones on a blocking thread.
pub const INLINE_READ_MAX: usize = 64;
/// Rows copied per transaction by backup, copy and restore.
pub const COPY_STEP_ROWS: usize = 2000;
/// Bytes copied per transaction by backup, copy and restore.
pub const COPY_STEP_BYTES: usize = 1024 * 1024;
/// Memory for rows that change while a backup runs; a backup that needs more fails.
pub const PREIMAGE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Damaged keys a check lists; it counts all of them.
pub const DAMAGED_LISTED_MAX: usize = 1000;
/// First wait before a failed store is opened again; it doubles up to [`REOPEN_WAIT_MAX`].
pub const REOPEN_WAIT_MIN: Duration = Duration::from_millis(50);
/// Longest wait between two attempts to open a failed store.
pub const REOPEN_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long an engine of this process may take to let go of its file lock.
pub const UNLOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// Free disk space below which a store is read-only, unless the options say otherwise. What waits
/// in memory or in the journal, rows that all lie in different blocks, may take 80 MiB of sled's log.
pub const RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// Engine cache, unless the options say otherwise.
pub const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Attempts to read a long row that another writer replaces meanwhile.
pub const READ_ATTEMPTS_MAX: usize = 4;
