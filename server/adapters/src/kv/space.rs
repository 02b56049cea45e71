//! The reserve: a store turns read-only while there is still room to open it again.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

/// Watches the free space under a store.
#[derive(Debug)]
pub(crate) struct Space {
    path: PathBuf,
    reserve_bytes: u64,
    low: AtomicBool,
}

impl Space {
    /// Watches the disk that holds `path`.
    pub(crate) fn new(path: PathBuf, reserve_bytes: u64) -> Self {
        Space { path, reserve_bytes, low: AtomicBool::new(false) }
    }

    /// Free bytes for an ordinary process, or `None` where the system doesn't say.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Whether writes may go on. Once low, a quarter of the reserve more has to come free, so
    /// that a store at the edge doesn't flap.
    pub(crate) fn has_room(&self) -> bool {
        let Some(free) = self.free_bytes() else { return true };
        let was_low = self.low.load(Ordering::Relaxed);
        let wanted = self.reserve_bytes + if was_low { self.reserve_bytes / 4 } else { 0 };
        let low = free < wanted;
        if low != was_low {
            self.low.store(low, Ordering::Relaxed);
            if low {
                tracing::warn!(free, "disk space is low, the store is read-only");
            } else {
                tracing::info!(free, "disk space is back, the store accepts writes");
            }
        }
        !low
    }

    /// Whether there is room to remove things, which an engine begins by writing.
    pub(crate) fn has_room_to_purge(&self) -> bool {
        self.free_bytes().is_none_or(|free| free >= self.reserve_bytes / 2)
    }
}
