//! Time as an argument: this crate never reads a clock.

use std::time::Duration;

/// A place in time: the wall clock for people, the monotonic one for timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix milliseconds UTC. May jump when the host's clock is set.
    pub unix_ms: u64,
    /// Since an arbitrary start; never goes back.
    pub elapsed: Duration,
}

/// The earlier of two deadlines, where `None` is never.
pub(crate) fn sooner(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
