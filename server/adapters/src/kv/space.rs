//! The reserve: a store turns read-only while there is still room to open it again. It does, too, where
//! what is to be written meets damage.

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
    damaged: AtomicBool,
}

impl Space {
    /// Watches the disk that holds `path`.
    pub(crate) fn new(path: PathBuf, reserve_bytes: u64) -> Self {
        Space { path, reserve_bytes, low: AtomicBool::new(false), damaged: AtomicBool::new(false) }
    }

    /// Free bytes for an ordinary process, or `None` where the system doesn't say.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.path).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Rows that were to be changed can't be read. What was acknowledged is in the journal and in memory,
    /// and stays readable there; nothing more is taken, since it couldn't be brought into the engine.
    pub(crate) fn close_for_damage(&self, what: &str) {
        if !self.damaged.swap(true, Ordering::Relaxed) {
            tracing::error!(
                what,
                "the store is damaged where it is to be written: it is read-only from now on, and what \
                 was acknowledged stays readable"
            );
        }
    }

    /// Whether [`Space::close_for_damage`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Whether writes may go on. Once low, a quarter of the reserve more has to come free, so
    /// that a store at the edge doesn't flap.
    pub(crate) fn has_room(&self) -> bool {
        if self.is_closed() {
            return false;
        }
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
        !self.is_closed() && self.free_bytes().is_none_or(|free| free >= self.reserve_bytes / 2)
    }
}
