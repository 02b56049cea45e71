//! Every bound of this crate in one place.

use std::time::Duration;

/// Bytes that are written, read and hashed at once.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;
/// An upload is synced each time so many bytes have come: no more is lost by a power cut.
pub(crate) const SYNC_EVERY_BYTES: u64 = 8 * 1024 * 1024;
/// Pictures with more pixels are kept, but not looked into.
pub(crate) const PIXELS_MAX: u64 = 50_000_000;
/// Memory one picture may take while it is looked into, in bytes.
pub(crate) const PICTURE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Largest file that is looked into as a picture, in bytes.
pub(crate) const PICTURE_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Longer side of a preview, in pixels.
pub(crate) const PREVIEW_PIXELS: u32 = 640;
/// Pictures no larger than a preview have none, unless their file is larger than this, in bytes.
pub(crate) const PREVIEW_ABOVE_BYTES: u64 = 64 * 1024;
/// Quality of previews, of 100.
pub(crate) const PREVIEW_QUALITY: u8 = 80;
/// Files looked into at once: each may take a processor, and memory.
pub(crate) const EXAMINED_AT_ONCE: usize = 2;
/// How long a program may look into a file.
pub(crate) const TOOL_FOR: Duration = Duration::from_secs(30);
/// Sound behind that time isn't in the waveform.
pub(crate) const WAVEFORM_SECONDS_MAX: u32 = 4 * 3600;
/// What a program may say, in bytes.
pub(crate) const TOOL_OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// How long the scanner may take for one step.
pub(crate) const SCANNER_WITHIN: Duration = Duration::from_secs(60);
/// Longest answer of the scanner, in bytes.
pub(crate) const SCANNER_ANSWER_BYTES_MAX: u64 = 1024;
/// Parts that a blob goes to a bucket in, in bytes. S3 takes at most 10,000, and none but the last under 5 MiB.
pub(crate) const BUCKET_PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts of one blob under way at once.
pub(crate) const BUCKET_PARTS_AT_ONCE: usize = 2;
/// Blobs under way to a bucket at once: each holds its parts in memory, and one more.
pub(crate) const PUT_AT_ONCE: usize = 4;
/// How often what a bucket's store doesn't answer is asked again, the first time not counted.
pub(crate) const BUCKET_RETRIES_MAX: usize = 8;
/// After this time nothing is asked again: whoever waits is told.
pub(crate) const BUCKET_RETRIES_WITHIN: Duration = Duration::from_secs(30);
/// How long a blob waits for its turn to go to a bucket.
pub(crate) const PUT_TURN_WITHIN: Duration = Duration::from_secs(30);
/// How long is believed whose a bucket is; after so many removals in a row that failed, nothing is removed for as long.
pub(crate) const BUCKET_LOOK_AFTER: Duration = Duration::from_secs(60);
/// How long somebody waits for an upload that is on its way to where it is kept.
pub(crate) const SLOT_WITHIN: Duration = Duration::from_secs(5);
/// Removals from a bucket that may fail one after the other before it is left alone.
pub(crate) const FAILURES_MAX: u32 = 5;
/// A bucket's store removes a blob, or says whose it is, within this time.
pub(crate) const REMOVED_WITHIN: Duration = Duration::from_secs(60);
