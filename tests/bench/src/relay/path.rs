//! One direction of the path: what is lost, when the rest arrives. It is handed the time, so its
//! tests need none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What waits for the rate is dropped when it would wait longer.
const QUEUE: Duration = Duration::from_millis(200);

/// What the path is like, both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nature {
    pub(crate) delay: Duration,
    /// Of a thousand.
    pub(crate) lost_permille: u32,
    /// Bytes a second, 0 for any.
    pub(crate) rate: u64,
}

impl Default for Nature {
    fn default() -> Self {
        Self { delay: Duration::ZERO, lost_permille: 0, rate: 0 }
    }
}

/// One direction.
pub(crate) struct Path {
    under_way: VecDeque<(Instant, Vec<u8>)>,
    /// When the last packet has left for good.
    free: Option<Instant>,
    random: u64,
}

impl Path {
    pub(crate) fn new(seed: u64) -> Self {
        Self { under_way: VecDeque::new(), free: None, random: seed | 1 }
    }

    /// Takes a packet; whether it will arrive.
    pub(crate) fn send(&mut self, packet: &[u8], nature: &Nature, now: Instant) -> bool {
        if self.chance(1_000) < u64::from(nature.lost_permille) {
            return false;
        }
        let mut leaves = now;
        if nature.rate > 0 {
            let begin = self.free.map_or(now, |free| free.max(now));
            if begin - now > QUEUE {
                return false;
            }
            let takes = packet.len() as f64 / nature.rate as f64;
            leaves = begin + Duration::from_secs_f64(takes);
            self.free = Some(leaves);
        }
        self.under_way.push_back((leaves + nature.delay, packet.to_vec()));
        true
    }

    /// The next packet that has arrived.
    pub(crate) fn arrived(&mut self, now: Instant) -> Option<Vec<u8>> {
        let due = self.due()?;
        if due > now {
            return None;
        }
        self.under_way.pop_front().map(|(_, packet)| packet)
    }

    /// When the next one arrives.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.under_way.front().map(|(due, _)| *due)
    }

    /// A number below `bound`, by xorshift: the same packets are lost in each run.
    fn chance(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % bound
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
