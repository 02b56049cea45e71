//! What a host of the simulation has of its own: a clock and entropy, both following from the
//! seed.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use crate::rng::Rng;

/// The wall clock's time at the start, Unix milliseconds.
pub const START_MS: u64 = 1_800_000_000_000;

/// A host's clocks over tokio's paused one.
#[derive(Debug)]
pub struct SimClock {
    start: Instant,
    skew_ms: u64,
}

impl SimClock {
    /// A clock that is ahead by that much.
    pub fn new(start: Instant, skew_ms: u64) -> Self {
        SimClock { start, skew_ms }
    }

    fn now(&self) -> (u64, Duration) {
        let elapsed = self.start.elapsed();
        (START_MS + self.skew_ms + elapsed.as_millis() as u64, elapsed)
    }
}

impl parlour_core::ports::clock::Clock for SimClock {
    fn now(&self) -> parlour_core::ports::clock::Now {
        let (unix_ms, elapsed) = self.now();
        parlour_core::ports::clock::Now { unix_ms, elapsed }
    }
}

impl parlour::Clock for SimClock {
    fn now(&self) -> parlour::Now {
        let (unix_ms, elapsed) = self.now();
        parlour::Now { unix_ms, elapsed }
    }
}

/// Address tokens are dated by this clock: by the machine's, a run that crosses a second would
/// differ from one that doesn't.
impl quinn::TimeSource for SimClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now().0)
    }
}

/// Entropy that isn't.
#[derive(Debug)]
pub struct SimEntropy(Mutex<Rng>);

impl SimEntropy {
    /// The stream of that generator.
    pub fn new(rng: Rng) -> Self {
        SimEntropy(Mutex::new(rng))
    }

    fn fill(&self, out: &mut [u8]) {
        self.0.lock().expect("nobody panics while filling").fill(out);
    }
}

impl parlour_core::ports::clock::Entropy for SimEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.fill(out);
    }
}

impl parlour::Entropy for SimEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.fill(out);
    }
}
