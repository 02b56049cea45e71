//! What people put to messages: of one user's events about one emoji the newest counts, in whatever
//! order they come.

use std::collections::BTreeMap;

use parlour_protocol::{
    generated::EventMessage,
    ids::{ClientRef, UserId},
    reaction::{ReactionAdded, ReactionWithdrawn},
};
use prost::Message as _;

use super::item::Reaction;
use crate::event::LogEvent;

/// The emoji of a reaction, and whether it is put there or taken off; `None` for other events.
pub(super) fn of(event: &LogEvent) -> Option<(String, bool)> {
    let body = event.body.clone();
    match event.header.kind {
        kind if kind == ReactionAdded::RULE.kind => {
            Some((ReactionAdded::decode(body).unwrap_or_default().emoji, true))
        }
        kind if kind == ReactionWithdrawn::RULE.kind => {
            Some((ReactionWithdrawn::decode(body).unwrap_or_default().emoji, false))
        }
        _ => None,
    }
}

/// By emoji, then by user: the newest event and what it says.
type ToOne = BTreeMap<String, BTreeMap<UserId, (u64, bool)>>;

/// All that is known of reactions.
#[derive(Debug, Default)]
pub(super) struct Reactions {
    known: BTreeMap<u64, ToOne>,
    /// The user's own that the server doesn't have yet, by message and emoji.
    pending: BTreeMap<(u64, String), (ClientRef, bool)>,
}

impl Reactions {
    /// Takes in an event; whether it says anything new. Of more than `pending_max` messages the
    /// oldest are forgotten: they are the last to be looked at.
    pub(super) fn apply(
        &mut self,
        target: u64,
        emoji: String,
        user: UserId,
        seq: u64,
        on: bool,
        pending_max: usize,
    ) -> bool {
        let newest = self.known.entry(target).or_default().entry(emoji).or_default();
        let newest = newest.entry(user).or_default();
        if newest.0 >= seq {
            return false;
        }
        *newest = (seq, on);
        if self.known.len() > pending_max {
            self.known.pop_first();
        }
        true
    }

    /// The user did something that isn't sent yet. Of two the later one is shown.
    pub(super) fn put_pending(
        &mut self,
        target: u64,
        emoji: &str,
        client_ref: ClientRef,
        on: bool,
    ) {
        self.pending.insert((target, emoji.to_owned()), (client_ref, on));
    }

    /// It won't be sent, or it was.
    pub(super) fn drop_pending(&mut self, target: u64, emoji: &str, client_ref: ClientRef) {
        let key = (target, emoji.to_owned());
        if self.pending.get(&key).is_some_and(|(of, _)| *of == client_ref) {
            self.pending.remove(&key);
        }
    }

    /// The server has it at `seq`, or had it already (0): its event says the same.
    pub(super) fn settle(
        &mut self,
        target: u64,
        emoji: &str,
        client_ref: ClientRef,
        seq: u64,
        on: bool,
        me: Option<UserId>,
    ) {
        self.drop_pending(target, emoji, client_ref);
        if let Some(me) = me.filter(|_| seq > 0) {
            self.apply(target, emoji.to_owned(), me, seq, on, usize::MAX);
        }
    }

    pub(super) fn forget_to(&mut self, seq: u64) {
        self.known = self.known.split_off(&(seq + 1));
    }

    /// What is to be seen at a message.
    pub(super) fn shown(&self, target: u64, me: Option<UserId>) -> Vec<Reaction> {
        let mut shown: BTreeMap<&str, Vec<UserId>> = BTreeMap::new();
        for (emoji, users) in self.known.get(&target).into_iter().flatten() {
            let on = users.iter().filter(|(_, (_, on))| *on).map(|(user, _)| *user);
            shown.insert(emoji, on.collect());
        }
        let range = (target, String::new())..(target + 1, String::new());
        for ((_, emoji), (_, on)) in self.pending.range(range) {
            let Some(me) = me else { continue };
            let users = shown.entry(emoji).or_default();
            users.retain(|user| *user != me);
            if *on {
                users.push(me);
            }
        }
        let some = shown.into_iter().filter(|(_, users)| !users.is_empty());
        some.map(|(emoji, users)| Reaction { emoji: emoji.to_owned(), users }).collect()
    }
}
