//! How busy a generator is: the share of time it had something to do.

use std::time::{Duration, Instant};

/// Waiting time since a mark.
pub(crate) struct Meter {
    since: Instant,
    idle: Duration,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), idle: Duration::ZERO }
    }

    /// Counts time in which nothing came.
    pub(crate) fn waited(&mut self, time: Duration) {
        self.idle += time;
    }

    /// Begins anew.
    pub(crate) fn mark(&mut self) {
        *self = Self::new();
    }

    /// The share of time since the mark that was work, 0 to 1.
    pub(crate) fn util(&self) -> f64 {
        let whole = self.since.elapsed().as_secs_f64();
        if whole > 0.0 { (1.0 - self.idle.as_secs_f64() / whole).max(0.0) } else { 0.0 }
    }
}
