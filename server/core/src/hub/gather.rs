//! Gathering: when the next group is committed. At once when nobody else is about; otherwise those
//! who were just answered get a moment to come again, so that all share one sync instead of
//! forming two groups that wait for each other.

use std::time::Duration;

use crate::limits;

/// What is known of syncs, and of those who may come again.
#[derive(Debug, Default)]
pub(super) struct Gather {
    began: Option<Duration>,
    /// What a sync takes, half old, half new.
    sync: Duration,
    /// Until when to wait, and for how many drafts.
    wait: Option<(Duration, usize)>,
}

impl Gather {
    /// A group is on its way to the store.
    pub(super) fn handle_begin(&mut self, now: Duration) {
        self.began = Some(now);
        self.wait = None;
    }

    /// The store has taken a group in which `answered` callers waited; `pending` came meanwhile.
    pub(super) fn handle_end(&mut self, now: Duration, answered: usize, pending: usize) {
        let Some(began) = self.began.take() else { return };
        self.sync = (self.sync + now.saturating_sub(began)) / 2;
        // More than a group holds don't fit the next one either.
        let count = (answered + pending).min(limits::GROUP_DRAFTS_MAX);
        let moment = (self.sync / 3).min(limits::GATHER_MAX);
        // Alone there is nobody to wait for; and no timer is fine enough for a fast disk.
        let waits = count > 1 && moment >= limits::GATHER_MIN;
        self.wait = waits.then_some((now + moment, count));
    }

    /// Whether `pending` drafts wait for more to come.
    pub(super) fn waits(&self, now: Duration, pending: usize) -> bool {
        self.wait.is_some_and(|(until, count)| now < until && pending < count)
    }

    /// When waiting ends at the latest.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.wait.map(|(until, _)| until)
    }
}
