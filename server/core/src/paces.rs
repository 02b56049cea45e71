//! How fast one user does what others feel: changes of the organization, on which everybody else's are
//! decided again, and what is written into other users' logs or told to them alone.

use std::sync::Mutex;

use parlour_protocol::{
    ids::UserId,
    wire::{Error, ErrorReason},
};

use crate::{
    kit::Ctx,
    limits::{
        INTERACTIONS_AT_ONCE, INTERACTIONS_PER_SECOND, ORG_CHANGES_AT_ONCE, ORG_CHANGES_PER_SECOND,
        PACED_USERS_MAX, REPORTS_AT_ONCE, REPORTS_PER_SECOND,
    },
    rate::{Buckets, Rate},
};

/// What users have done of it lately.
#[derive(Debug)]
pub struct Paces {
    org_changes: Mutex<Buckets<UserId>>,
    interactions: Mutex<Buckets<UserId>>,
    reports: Mutex<Buckets<UserId>>,
}

impl Default for Paces {
    fn default() -> Self {
        let buckets = |per_second, at_once| {
            Mutex::new(Buckets::new(Rate::new(per_second, at_once), PACED_USERS_MAX))
        };
        Paces {
            org_changes: buckets(ORG_CHANGES_PER_SECOND, ORG_CHANGES_AT_ONCE),
            interactions: buckets(INTERACTIONS_PER_SECOND, INTERACTIONS_AT_ONCE),
            reports: buckets(REPORTS_PER_SECOND, REPORTS_AT_ONCE),
        }
    }
}

impl Ctx {
    /// Refuses a user who changes things of the organization too fast. To be asked when it is sure that
    /// something is changed.
    pub(crate) fn pace_org_change(&self) -> Result<(), Error> {
        self.pace(&self.node.paces.org_changes, "changes of the organization come too fast")
    }

    /// Refuses a user who writes into other users' logs too fast, or tells them too much.
    pub(crate) fn pace_interaction(&self) -> Result<(), Error> {
        self.pace(&self.node.paces.interactions, "interactions come too fast")
    }

    /// Refuses a user who reports too much.
    pub(crate) fn pace_report(&self) -> Result<(), Error> {
        self.pace(&self.node.paces.reports, "reports come too fast")
    }

    fn pace(&self, buckets: &Mutex<Buckets<UserId>>, what: &str) -> Result<(), Error> {
        // What is decided again was let through before.
        if self.reruns > 0 {
            return Ok(());
        }
        let mut buckets = buckets.lock().expect("no panic while the lock is held");
        buckets.take(self.user(), 1, self.now.elapsed).map_err(|wait| {
            let wait_ms = u64::try_from(wait.0.as_millis()).unwrap_or(u64::MAX).max(1);
            Error::new(ErrorReason::RateLimited, what).after_ms(wait_ms)
        })
    }
}
