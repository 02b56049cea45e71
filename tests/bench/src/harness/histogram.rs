//! Latencies, counted in buckets that grow with the value: never more than 1/64 off, 15 KiB in all.

use std::time::Duration;

const SUB_BITS: u32 = 6;
const SUBS: usize = 1 << SUB_BITS;
const BUCKETS: usize = SUBS * 30;

/// A histogram of durations in microseconds.
#[derive(Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0 }
    }

    pub(crate) fn add(&mut self, value: Duration) {
        let us = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(us)] += 1;
        self.total += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// The value in microseconds below which `share` (0 to 1) of all are; `None` of nothing.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let rank = ((self.total as f64 * share).ceil() as u64).clamp(1, self.total);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Some(middle(at));
            }
        }
        None
    }
}

/// Values below 64 have a bucket each; above, each doubling is cut into 64.
fn bucket(us: u64) -> usize {
    if us < SUBS as u64 {
        return us as usize;
    }
    let shift = us.ilog2() - SUB_BITS;
    let at = (shift as usize + 1) * SUBS + ((us >> shift) as usize - SUBS);
    at.min(BUCKETS - 1)
}

fn middle(at: usize) -> f64 {
    if at < SUBS {
        return at as f64;
    }
    let (shift, sub) = (at / SUBS - 1, at % SUBS);
    let width = (1u64 << shift) as f64;
    (SUBS + sub) as f64 * width + (width - 1.0) / 2.0
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
