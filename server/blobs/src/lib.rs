//! Attachments' bytes behind the core's port: a folder of files named by their hash, with a bucket behind
//! it where that is configured, or memory for tests. What comes in is hashed while it is written, scanned, and looked into: what kind it is, how
//! large a picture, how long a sound, and a smaller picture to show first.

mod bucket;
pub mod conformance;
mod examine;
mod folder;
mod limits;
mod memory;
mod scan;

use std::path::PathBuf;

pub use bucket::{Bucket, BucketError, BucketOptions};
pub use examine::{Tools, find_tools};
pub use folder::Folder;
use folder::{blocking, failed};
pub use memory::Memory;
pub use scan::Scanner;

/// Where and how files are kept.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder. It is made where it isn't there.
    pub path: PathBuf,
    /// Free space that is left alone, in bytes.
    pub reserve_bytes: u64,
    /// Who looks for malware; none for nobody. With one, nothing is kept that it hasn't seen.
    pub scanner: Option<Scanner>,
    /// What looks into sound and video; none for nothing.
    pub tools: Option<Tools>,
    /// Where complete files are kept; none for the folder. What is in the folder from before is found there.
    pub bucket: Option<Bucket>,
}
