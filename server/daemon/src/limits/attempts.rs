//! Attempts to come in with what isn't right, by the address they come from. Beyond a rate most of what comes
//! from there isn't looked at, right or wrong, so that guessing is slow. That must not lock anybody out who
//! only has the same address: what was right before is looked at always, and of the rest some by chance.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    time::Duration,
};

use parlour_core::{admission::Refusal, ports::auth::TokenError};

use super::rate::{Admission, Buckets, Rate, address_key};

/// Of those that come beyond the rate, one in so many is looked at all the same.
pub const LOOKED_AT_ONE_IN: u8 = 8;

/// What an attempt was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was right.
    Right,
    /// It was nobody's: a guess, as far as anyone can tell.
    Wrong,
    /// Whoever made the token was right to, and it isn't good now; or nobody could look.
    Neither,
}

impl Attempt {
    /// What became of a token. One that is over, or ended, was somebody's.
    pub fn of<T>(result: &Result<T, Refusal>) -> Self {
        use TokenError as T;
        match result {
            Ok(_) => Attempt::Right,
            Err(Refusal::TooOften(_)) => Attempt::Wrong,
            Err(Refusal::Token(
                T::Malformed | T::BadSignature | T::UnknownKey | T::WrongApiKey,
            )) => Attempt::Wrong,
            Err(_) => Attempt::Neither,
        }
    }
}

/// Failed attempts by address, and what was right.
#[derive(Debug)]
pub struct Attempts {
    failed: Buckets<IpAddr>,
    // Keyed hashes of tokens that were right, and when: nobody can make another with the same one.
    right: HashMap<u64, Duration>,
    right_max: usize,
    hasher: RandomState,
}

impl Attempts {
    /// None yet; at most so many addresses and tokens are known one by one.
    pub fn new(rate: Rate, keys_max: usize) -> Self {
        let (failed, right) = (Buckets::new(rate, keys_max), HashMap::new());
        Attempts { failed, right, right_max: keys_max, hasher: RandomState::new() }
    }

    /// Puts another rate in force.
    pub fn set_rate(&mut self, rate: Rate) {
        self.failed.set_rate(rate);
    }

    /// Whether a secret from there is looked at now.
    pub fn may_try(
        &self,
        from: IpAddr,
        secret: &[u8],
        is_lucky: impl FnOnce() -> bool,
        now: Duration,
    ) -> Admission {
        match self.failed.wait(&address_key(from), now) {
            Some(wait) if !self.right.contains_key(&self.hash(secret)) && !is_lucky() => Err(wait),
            _ => Ok(()),
        }
    }

    /// One was looked at.
    pub fn handle(&mut self, from: IpAddr, secret: &[u8], attempt: Attempt, now: Duration) {
        match attempt {
            Attempt::Right => {
                if self.right.len() >= self.right_max {
                    self.forget_older_half();
                }
                self.right.insert(self.hash(secret), now);
            }
            // Beyond the rate it is owed already.
            Attempt::Wrong => drop(self.failed.take(address_key(from), 1, now)),
            Attempt::Neither => {}
        }
    }

    fn hash(&self, secret: &[u8]) -> u64 {
        self.hasher.hash_one(secret)
    }

    fn forget_older_half(&mut self) {
        let mut times: Vec<Duration> = self.right.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.right.retain(|_, at| *at > median);
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
