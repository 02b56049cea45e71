//! The time that says which rooms changed since a sync. Unlike the host's clock it never goes
//! back, not even over a restart, or a room that was quiet while the clock was ahead would be
//! left out of the next sync.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;

/// See the module. Unix milliseconds throughout, as far as the host's clock behaves.
#[derive(Debug, Default)]
pub struct LogTime {
    // No change gets an earlier time.
    latest_ms: AtomicU64,
    // Not after the time that the changes being committed have; 0 while there are none.
    committing_ms: AtomicU64,
    // Committed itself: a restart begins with it.
    floor_ms: AtomicU64,
}

impl LogTime {
    /// A restart begins with what was committed before.
    pub fn restore(&self, floor_ms: u64) {
        self.floor_ms.fetch_max(floor_ms, Ordering::SeqCst);
        self.latest_ms.fetch_max(floor_ms, Ordering::SeqCst);
    }

    /// Changes are about to be committed: the time they get.
    pub fn begin(&self, now_ms: u64) -> u64 {
        // Noted first: a watermark that is made meanwhile sees either this or is seen below.
        let latest_ms = self.latest_ms.load(Ordering::SeqCst).max(1);
        self.committing_ms.store(latest_ms, Ordering::SeqCst);
        let time_ms = self.latest_ms.fetch_max(now_ms, Ordering::SeqCst).max(now_ms).max(1);
        self.committing_ms.store(time_ms, Ordering::SeqCst);
        time_ms
    }

    /// They are committed, or never will be.
    pub fn end(&self) {
        self.committing_ms.store(0, Ordering::SeqCst);
    }

    /// Whether changes of that time have to be committed together with a new floor.
    pub fn is_floor_due(&self, time_ms: u64) -> bool {
        time_ms >= self.floor_ms.load(Ordering::SeqCst) + limits::FLOOR_EVERY_MS
    }

    /// A floor was committed.
    pub fn floor_committed(&self, floor_ms: u64) {
        self.floor_ms.fetch_max(floor_ms, Ordering::SeqCst);
    }

    /// Every change with a time before this one is committed or never will be. "Now" wouldn't
    /// do: what is being committed carries an earlier time. And it is never further above the
    /// floor than a sync looks back, since a restart may begin with the floor.
    pub fn watermark(&self, now_ms: u64) -> u64 {
        let floor_ms = self.floor_ms.load(Ordering::SeqCst);
        let now_ms = now_ms.max(self.latest_ms.load(Ordering::SeqCst));
        let mark_ms = now_ms.min(floor_ms + limits::WATERMARK_OVERLAP_MS);
        self.latest_ms.fetch_max(mark_ms, Ordering::SeqCst);
        match self.committing_ms.load(Ordering::SeqCst) {
            0 => mark_ms,
            since_ms => mark_ms.min(since_ms),
        }
    }
}

#[cfg(test)]
#[path = "log_time_tests.rs"]
mod tests;
