//! What was found lately, so that a link that goes round is visited once.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use super::page::Page;
use crate::limits::{PREVIEWS_KEPT, PREVIEWS_KEPT_FOR, PREVIEWS_MISSED_FOR};

/// See the module.
#[derive(Default)]
pub(super) struct Cache {
    pages: HashMap<String, (Duration, Option<Page>)>,
    // The oldest first; one that was replaced is here twice.
    order: VecDeque<(Duration, String)>,
}

impl Cache {
    /// What is known of a link; of one where nothing was found, that.
    pub(super) fn get(&self, link: &str, now: Duration) -> Option<Option<Page>> {
        let (at, page) = self.pages.get(link)?;
        let kept_for = if page.is_some() { PREVIEWS_KEPT_FOR } else { PREVIEWS_MISSED_FOR };
        (now < *at + kept_for).then(|| page.clone())
    }

    /// Something was found, or nothing.
    pub(super) fn put(&mut self, link: &str, page: Option<Page>, now: Duration) {
        self.pages.insert(link.to_owned(), (now, page));
        self.order.push_back((now, link.to_owned()));
        while self.order.len() > PREVIEWS_KEPT {
            let Some((at, link)) = self.order.pop_front() else { break };
            // One that was replaced since is further behind.
            if self.pages.get(&link).is_some_and(|(newest, _)| *newest <= at) {
                self.pages.remove(&link);
            }
        }
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
