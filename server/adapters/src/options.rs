//! How a store is opened, and why it may not be.

use std::{io, path::PathBuf};

use crate::{any::Kind, limits};

/// Where a store lives and what it may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's folder; made if it isn't there. Ignored by the memory store.
    pub path: PathBuf,
    /// The engine's cache, in bytes. sled's resident memory may reach four times this.
    pub cache_bytes: u64,
    /// Free space on the disk below which the store is read-only, in bytes.
    pub reserve_bytes: u64,
}

impl Options {
    /// The defaults, in the folder `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Options {
            path: path.into(),
            cache_bytes: limits::CACHE_BYTES,
            reserve_bytes: limits::RESERVE_BYTES,
        }
    }
}

/// Why a store didn't open.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has it open.
    #[error("store is open elsewhere")]
    Locked,
    /// It was written by a newer release.
    #[error("store has schema {found}, this release knows up to {known}")]
    NewerSchema {
        /// The schema found.
        found: u32,
        /// The newest schema this release reads.
        known: u32,
    },
    /// What is on disk isn't a whole store of this kind. Restore a backup.
    #[error("store is damaged: {what}")]
    Damaged {
        /// What was found, for an operator.
        what: String,
    },
    /// The folder has to be new or empty and isn't.
    #[error("folder is not empty")]
    NotEmpty,
    /// The folder holds a store of another kind.
    #[error("folder holds a {found} store")]
    OtherKind {
        /// What it holds.
        found: Kind,
    },
    /// The folder holds no store.
    #[error("folder holds no store")]
    NotFound,
    /// There is less free space than opening needs.
    #[error("disk is full")]
    DiskFull,
    /// The disk said no.
    #[error("i/o error: {0}")]
    Io(#[from] io::Error),
}
