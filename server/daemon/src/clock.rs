//! The real clock and the real entropy, for the core that has neither.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parlour_core::ports::clock::{Clock, Entropy, Now};
use ring::rand::{SecureRandom, SystemRandom};

/// The host's clocks.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { unix_ms: unix_ms(), elapsed: self.started.elapsed() }
    }

    fn processor_time(&self) -> Option<Duration> {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::try_from(used).ok()
    }
}

/// The operating system's random numbers.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        // Without entropy nothing that follows would be safe; no system we run on lacks it.
        SystemRandom::new().fill(out).expect("the system has random numbers");
    }
}

/// Unix milliseconds now; 0 for a clock before 1970.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    SystemEntropy.fill(&mut out);
    out
}
