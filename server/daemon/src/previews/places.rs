//! The places for looks that are under way, of which no organization has all.

use std::{collections::HashMap, future::pending};

use parlour_protocol::ids::OrgId;
use tokio::task::{Id, JoinSet};

use crate::limits::{PREVIEWS_AT_ONCE, PREVIEWS_PER_ORG_AT_ONCE};

/// See the module.
#[derive(Default)]
pub(super) struct Places {
    looks: JoinSet<()>,
    orgs: HashMap<Id, OrgId>,
}

impl Places {
    /// For which organizations another look may begin now.
    pub(super) fn open(&self) -> impl Fn(OrgId) -> bool + use<> {
        let taken: Vec<OrgId> = self.orgs.values().copied().collect();
        move |org| {
            let its = taken.iter().filter(|other| **other == org).count();
            taken.len() < PREVIEWS_AT_ONCE && its < PREVIEWS_PER_ORG_AT_ONCE
        }
    }

    /// Begins a look.
    pub(super) fn take(&mut self, org: OrgId, look: impl Future<Output = ()> + Send + 'static) {
        let id = self.looks.spawn(look).id();
        self.orgs.insert(id, org);
    }

    /// Waits until a look has ended, in whichever way.
    pub(super) async fn freed(&mut self) {
        let ended = match self.looks.join_next_with_id().await {
            Some(ended) => ended,
            None => pending().await,
        };
        let id = match ended {
            Ok((id, ())) => id,
            // A bug must not take the place of the others.
            Err(error) => {
                tracing::error!("a look where a link leads has panicked");
                error.id()
            }
        };
        self.orgs.remove(&id);
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
