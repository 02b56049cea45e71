//! Time and entropy as arguments: the core reads neither by itself.

use std::time::Duration;

/// A place in time: the wall clock for people, the monotonic one for timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Unix milliseconds UTC. May jump when the host's clock is set.
    pub unix_ms: u64,
    /// Since an arbitrary start; never goes back.
    pub elapsed: Duration,
}

/// A source of [`Now`].
pub trait Clock: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Now;

    /// Processor time this program has used so far, where that is known.
    fn processor_time(&self) -> Option<Duration> {
        None
    }
}

/// A source of unpredictable bytes (predictable from a seed in the simulator).
pub trait Entropy: Send + Sync + 'static {
    /// Fills `out` completely.
    fn fill(&self, out: &mut [u8]);
}
