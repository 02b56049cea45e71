//! How fast one user changes what all of an organization's changes are decided on: whoever did it all the
//! time would make everybody else decide again and again.

use std::sync::Mutex;

use parlour_protocol::{
    ids::UserId,
    wire::{Error, ErrorReason},
};
use rustc_hash::FxHashMap;

use crate::{
    kit::Ctx,
    limits::{
        INTERACTION_EVERY_MS, INTERACTIONS_AT_ONCE, ORG_CHANGE_EVERY_MS, ORG_CHANGES_AT_ONCE,
        USER_CACHE_MAX,
    },
};

/// When all that users have changed would have been changed at an even rate, Unix milliseconds.
#[derive(Debug, Default)]
pub struct OrgPace {
    arrivals: Mutex<FxHashMap<UserId, u64>>,
}

impl OrgPace {
    /// How long the user has to wait, in milliseconds, if they have to.
    fn take(&self, user: UserId, now_ms: u64) -> Result<(), u64> {
        self.take_at(user, now_ms, ORG_CHANGE_EVERY_MS, ORG_CHANGES_AT_ONCE)
    }

    fn take_at(&self, user: UserId, now_ms: u64, every_ms: u64, at_once: u64) -> Result<(), u64> {
        let mut arrivals = self.arrivals.lock().expect("no panic while the lock is held");
        if arrivals.len() >= USER_CACHE_MAX {
            arrivals.retain(|_, at| *at > now_ms);
        }
        let at = arrivals.entry(user).or_default();
        let next = (*at).max(now_ms) + every_ms;
        let latest = now_ms + at_once * every_ms;
        if next > latest {
            return Err(next - latest);
        }
        *at = next;
        Ok(())
    }
}

impl Ctx {
    /// Refuses a user who changes things of the organization too fast. To be asked when it is sure that
    /// something is changed.
    pub(crate) fn pace_org_change(&self) -> Result<(), Error> {
        // What is decided again was let through before.
        if self.reruns > 0 {
            return Ok(());
        }
        self.node.org_pace.take(self.user(), self.now.unix_ms).map_err(|wait_ms| {
            let what = "changes of the organization come too fast";
            Error::new(ErrorReason::RateLimited, what).after_ms(wait_ms)
        })
    }
}

impl Ctx {
    /// Refuses a user who writes into other users' logs too fast, or tells them too much.
    pub(crate) fn pace_interaction(&self) -> Result<(), Error> {
        if self.reruns > 0 {
            return Ok(());
        }
        let (every_ms, at_once) = (INTERACTION_EVERY_MS, INTERACTIONS_AT_ONCE);
        let taken =
            self.node.interactions.take_at(self.user(), self.now.unix_ms, every_ms, at_once);
        taken.map_err(|wait_ms| {
            let what = "interactions come too fast";
            Error::new(ErrorReason::RateLimited, what).after_ms(wait_ms)
        })
    }
}

#[cfg(test)]
#[path = "org_pace_tests.rs"]
mod tests;
