//! Rate limits without a clock: time is an argument, and the tables are bounded.
//!
//! A bucket is one number (the "theoretical arrival time" of the generic cell rate algorithm,
//! ITU-T I.371): when everything let through so far would have been through at the even rate.

use std::{collections::HashMap, hash::Hash, time::Duration};

/// So many per second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    interval: Duration,
    burst: Duration,
}

impl Rate {
    /// `per_second` in the long run, `burst` (at least 1) at once.
    pub fn new(per_second: f64, burst: u32) -> Self {
        let per_second = per_second.clamp(0.001, 1_000_000.0);
        let interval = Duration::from_secs_f64(1.0 / per_second);
        Rate { interval, burst: interval * burst.max(1) }
    }
}

/// The answer to "may I": yes, or how long to wait.
pub type Admission = Result<(), Wait>;

/// Too many: try again after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

/// One bucket, of whoever has it.
#[derive(Debug, Default)]
pub struct Bucket(Duration);

impl Bucket {
    /// Takes `cost` units. A cost over the burst counts as the burst.
    pub fn take(&mut self, rate: Rate, cost: u32, now: Duration) -> Admission {
        admit(&mut self.0, rate, cost, now)
    }
}

/// Buckets by key, at most `keys_max` of them.
///
/// When the table is full of keys that are all in use, newcomers share one bucket: memory stays
/// bounded and filling the table buys nobody a higher rate.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    keys_max: usize,
    arrival: HashMap<K, Duration>,
    shared: Duration,
    swept_at: Option<Duration>,
}

/// A full table is searched for unused buckets at most this often.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

impl<K: Hash + Eq> Buckets<K> {
    /// No buckets yet.
    pub fn new(rate: Rate, keys_max: usize) -> Self {
        Buckets { rate, keys_max, arrival: HashMap::new(), shared: Duration::ZERO, swept_at: None }
    }

    /// Puts another rate in force; buckets keep their fill in time.
    pub fn set_rate(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Takes `cost` units of `key`'s bucket. A cost over the burst counts as the burst.
    pub fn take(&mut self, key: K, cost: u32, now: Duration) -> Admission {
        if self.arrival.len() >= self.keys_max && !self.arrival.contains_key(&key) {
            self.sweep(now);
            if self.arrival.len() >= self.keys_max {
                return admit(&mut self.shared, self.rate, cost, now);
            }
        }
        admit(self.arrival.entry(key).or_default(), self.rate, cost, now)
    }

    /// How long until a unit of `key`'s bucket can be taken, if it can't be now. Takes nothing.
    pub fn wait(&self, key: &K, now: Duration) -> Option<Wait> {
        let is_full = self.arrival.len() >= self.keys_max;
        let mut arrival = match self.arrival.get(key) {
            Some(arrival) => *arrival,
            None if is_full => self.shared,
            None => Duration::ZERO,
        };
        admit(&mut arrival, self.rate, 1, now).err()
    }

    /// How many buckets are kept.
    pub fn len(&self) -> usize {
        self.arrival.len()
    }

    /// Whether no bucket is kept.
    pub fn is_empty(&self) -> bool {
        self.arrival.is_empty()
    }

    /// Forgets buckets that are full again, since a new one would be the same.
    fn sweep(&mut self, now: Duration) {
        if self.swept_at.is_some_and(|at| now < at + SWEEP_EVERY) {
            return;
        }
        self.swept_at = Some(now);
        self.arrival.retain(|_, arrival| *arrival > now);
    }
}

fn admit(arrival: &mut Duration, rate: Rate, cost: u32, now: Duration) -> Admission {
    let next = (*arrival).max(now) + (rate.interval * cost).min(rate.burst);
    let latest = now + rate.burst;
    if next > latest {
        return Err(Wait(next - latest));
    }
    *arrival = next;
    Ok(())
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
