//! Guessing passwords gets slow: after some wrong ones an account is asked about less and less often,
//! whoever asks and whether it exists or not.

use std::time::Duration;

use parlour_protocol::ids::UserId;
use rustc_hash::FxHashMap;

use crate::limits::{ATTEMPT_WAIT_MAX, ATTEMPTS_FORGOTTEN_AFTER, ATTEMPTS_FREE, ATTEMPTS_KEPT_MAX};

/// Wrong passwords of the last time, by account.
#[derive(Debug, Default)]
pub struct Attempts {
    of: FxHashMap<UserId, Tries>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    wrong: u32,
    last: Duration,
    until: Duration,
}

impl Attempts {
    /// How long to wait before the account is asked about again, if at all.
    pub fn wait(&self, user: UserId, now: Duration) -> Option<Duration> {
        self.of.get(&user)?.until.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// A password was wrong.
    pub fn handle_wrong(&mut self, user: UserId, now: Duration) {
        if self.of.len() >= ATTEMPTS_KEPT_MAX && !self.of.contains_key(&user) {
            self.make_room(now);
        }
        let fresh = Tries { wrong: 0, last: now, until: now };
        let tries = self.of.entry(user).or_insert(fresh);
        if now.saturating_sub(tries.last) > ATTEMPTS_FORGOTTEN_AFTER {
            *tries = fresh;
        }
        tries.wrong += 1;
        tries.last = now;
        if tries.wrong >= ATTEMPTS_FREE {
            let doubled = 1_u32 << (tries.wrong - ATTEMPTS_FREE).min(16);
            tries.until = now + (Duration::from_secs(1) * doubled).min(ATTEMPT_WAIT_MAX);
        }
    }

    /// One that was counted as wrong couldn't be checked.
    pub fn handle_unchecked(&mut self, user: UserId) {
        if let Some(tries) = self.of.get_mut(&user) {
            tries.wrong = tries.wrong.saturating_sub(1);
            tries.until = tries.last;
        }
    }

    /// The right one was given.
    pub fn handle_right(&mut self, user: UserId) {
        self.of.remove(&user);
    }

    /// Forgets those of long ago; where there are none, the one that was tried last longest ago.
    fn make_room(&mut self, now: Duration) {
        self.of.retain(|_, tries| now.saturating_sub(tries.last) <= ATTEMPTS_FORGOTTEN_AFTER);
        if self.of.len() >= ATTEMPTS_KEPT_MAX
            && let Some(oldest) = self.of.iter().min_by_key(|(_, tries)| tries.last)
        {
            let oldest = *oldest.0;
            self.of.remove(&oldest);
        }
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
