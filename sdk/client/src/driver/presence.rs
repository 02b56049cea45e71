//! Lists of presence and what the user has set: who observes them.

use std::{collections::BTreeMap, sync::Arc};

use parlour_protocol::ids::UserId;
use parlour_sdk_core::{
    diff::Diff,
    engine::TooManyWatched,
    presence::{PresenceSettings, UserPresence},
};

use super::{Driver, Input, command::Snapshot};
use crate::observe::{Feed, Publisher, feed};

#[derive(Default)]
pub(super) struct PresenceWaiters {
    lists: Vec<List>,
    settings: Vec<Publisher<PresenceSettings>>,
}

/// A list that somebody observes.
struct List {
    users: Vec<UserId>,
    /// Where in the list each user is.
    places: BTreeMap<UserId, usize>,
    publisher: Publisher<Diff<Arc<UserPresence>>>,
}

impl PresenceWaiters {
    pub(super) fn observe_settings(&mut self) -> Feed<PresenceSettings> {
        let (publisher, feed) = feed();
        self.settings.push(publisher);
        feed
    }

    pub(super) fn tell_settings(&mut self, settings: &PresenceSettings) {
        self.settings.retain(|publisher| {
            publisher.publish(|queue| {
                // Only the newest counts.
                queue.clear();
                queue.push_back(settings.clone());
            })
        });
    }
}

impl Driver {
    pub(super) fn watch_presence(
        &mut self,
        mut users: Vec<UserId>,
    ) -> Result<Snapshot<UserPresence>, TooManyWatched> {
        let now = self.now();
        let mut places = BTreeMap::new();
        users.retain(|user| {
            let next = places.len();
            *places.entry(*user).or_insert(next) == next
        });
        self.engine.watch_presence(&users, now)?;
        // Changes up to now are for those who observe already.
        self.publish_presence();
        let items = users.iter().filter_map(|user| self.engine.presence_of(*user)).collect();
        let (publisher, feed) = feed();
        self.waiters.presence.lists.push(List { users, places, publisher });
        Ok((items, feed))
    }

    /// Hands out what has changed, and stops watching for lists that nobody observes any more.
    pub(super) fn publish_presence(&mut self) {
        let changes = self.engine.take_presence_changes();
        let marks = changes.iter().map(|change| (change.user, change.user_mark));
        self.ask_users(self.ends.handle.hear_marks(marks));
        let engine = &self.engine;
        for list in self.waiters.presence.lists.iter().filter(|_| !changes.is_empty()) {
            let update = |item: &Arc<UserPresence>| {
                let index = *list.places.get(&item.user)?;
                Some(Diff::Update { index, item: item.clone() })
            };
            let diffs: Vec<_> = changes.iter().filter_map(update).collect();
            if diffs.is_empty() {
                continue;
            }
            let whole = || list.users.iter().filter_map(|user| engine.presence_of(*user)).collect();
            list.publisher.publish_diffs(&diffs, whole);
        }
        let now = self.now();
        let lists = &mut self.waiters.presence.lists;
        for list in lists.extract_if(.., |list| !list.publisher.is_observed()) {
            self.engine.unwatch_presence(&list.users, now);
        }
    }

    /// Asks for users who are others than what is known of them.
    pub(super) fn ask_users(&mut self, users: Vec<UserId>) {
        if users.is_empty() {
            return;
        }
        let handle = self.ends.handle.clone();
        self.tasks.push(Box::pin(async move {
            // Refused, they stay as they are until the next change.
            let _ = handle.ask_users(&users).await;
            Input::Nothing
        }));
    }
}
