//! What the user has sent and the server hasn't confirmed: per room in order, each under the
//! `client_ref` it was given once. Several are in flight, in a chain of calls: one that is refused
//! for a while isn't overtaken by those behind it (PROTOCOL.md, section 4).

mod entry;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use parlour_protocol::{
    ids::{ClientRef, RoomId},
    message::MessagePosted,
    wire::{Error, ErrorReason, Retry},
};
use prost::Message;

pub use entry::{Entry, Payload, SendError, State};

use crate::{
    limits::{NEW_REFS_MAX, OUTBOX_ENTRIES_MAX, SEND_AGAIN_AFTER, SENDS_PER_ROOM_MAX},
    time::{Now, sooner},
};

/// The outbox holds as much as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outbox is full")]
pub struct OutboxFull;

/// A call to make for an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Transmit {
    /// The entry.
    pub client_ref: ClientRef,
    /// The method's number.
    pub method: u32,
    /// The request message.
    pub body: Bytes,
    /// The chain the call is part of.
    pub chain: u64,
}

/// What an answer means for an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is in the room's log; the entry is gone from the outbox.
    Sent(Box<Entry>),
    /// It will be sent again.
    Again,
    /// The server doesn't remember so far back: look for it in the log after `after_seq`, then
    /// report with `handle_echo` or `handle_not_in_log`.
    Search(Box<Entry>),
    /// It failed and stays until it is retried or discarded.
    Failed(Box<Entry>),
    /// It isn't in the outbox any more: its echo came first.
    Known,
}

/// All that waits to be sent.
#[derive(Debug)]
pub struct Outbox {
    rooms: BTreeMap<RoomId, VecDeque<Entry>>,
    places: BTreeMap<ClientRef, RoomId>,
    last_order: u64,
    // The chain that isn't broken yet.
    chain: u64,
    // How many a room has in flight: fewer after the server had to slow the client down.
    window: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Outbox {
            rooms: BTreeMap::new(),
            places: BTreeMap::new(),
            last_order: 0,
            chain: 1,
            window: SENDS_PER_ROOM_MAX,
        }
    }
}

impl Outbox {
    /// The outbox as it was saved. What was under way then may have arrived.
    pub fn restore(saved: Vec<Entry>) -> Self {
        let mut outbox = Outbox::default();
        for entry in saved {
            outbox.last_order = outbox.last_order.max(entry.order);
            outbox.places.insert(entry.client_ref, entry.room);
            outbox.rooms.entry(entry.room).or_default().push_back(entry);
        }
        outbox
    }

    // Commands.

    /// Puts something at the end of its room's queue.
    pub fn push(
        &mut self,
        room: RoomId,
        client_ref: ClientRef,
        payload: Payload,
        created_ms: u64,
        after_seq: u64,
    ) -> Result<&Entry, OutboxFull> {
        if self.places.len() >= OUTBOX_ENTRIES_MAX {
            return Err(OutboxFull);
        }
        self.last_order += 1;
        let entry = Entry::new(self.last_order, room, client_ref, payload, created_ms, after_seq);
        self.places.insert(client_ref, room);
        let queue = self.rooms.entry(room).or_default();
        queue.push_back(entry);
        Ok(&queue[queue.len() - 1])
    }

    /// Keeps an entry back until then. What is behind it doesn't wait.
    pub fn hold(&mut self, client_ref: ClientRef, until: Duration) {
        if let Some(entry) = self.entry_mut(client_ref) {
            entry.state = State::Held { until };
        }
    }

    /// Puts entries back that were sent to a store that is another now, each at its old place.
    pub fn put_back(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for mut entry in entries {
            entry.state = State::Queued { not_before: Duration::ZERO };
            self.places.insert(entry.client_ref, entry.room);
            let queue = self.rooms.entry(entry.room).or_default();
            let at = queue.partition_point(|other| other.order < entry.order);
            queue.insert(at, entry);
        }
    }

    /// Tries a failed entry again, at its old place in the queue.
    pub fn retry(&mut self, client_ref: ClientRef) -> Option<&Entry> {
        let entry = self.entry_mut(client_ref)?;
        if !matches!(entry.state, State::Failed(_)) {
            return None;
        }
        entry.state = State::Queued { not_before: Duration::ZERO };
        Some(entry)
    }

    /// Takes an entry out. One that was under way may still arrive.
    pub fn discard(&mut self, client_ref: ClientRef) -> Option<Entry> {
        let room = self.places.remove(&client_ref)?;
        let queue = self.rooms.get_mut(&room)?;
        let at = queue.iter().position(|entry| entry.client_ref == client_ref)?;
        let entry = queue.remove(at);
        if queue.is_empty() {
            self.rooms.remove(&room);
        }
        entry
    }

    /// Gives a message that was never sent another text. `None` when it may have been.
    pub fn rewrite(&mut self, client_ref: ClientRef, text: &str) -> Option<&Entry> {
        let entry = self.entry_mut(client_ref)?;
        match &mut entry.payload {
            Payload::Post { body, .. } if entry.attempts == 0 => {
                let mut posted = MessagePosted::decode(body.clone()).unwrap_or_default();
                posted.text = text.to_owned();
                *body = posted.encode_to_vec().into();
            }
            _ => return None,
        }
        Some(entry)
    }

    /// Takes out everything of a room the user is no longer in.
    pub fn discard_room(&mut self, room: RoomId) -> Vec<Entry> {
        let entries: Vec<Entry> = self.rooms.remove(&room).unwrap_or_default().into();
        for entry in &entries {
            self.places.remove(&entry.client_ref);
        }
        entries
    }

    // Inputs.

    /// There is a connection: what waited for one goes on.
    pub fn handle_connected(&mut self) {
        self.chain = 1;
        for entry in self.rooms.values_mut().flatten() {
            if matches!(entry.state, State::Queued { .. } | State::Sending) {
                entry.state = State::Queued { not_before: Duration::ZERO };
            }
        }
    }

    /// The connection is gone: what was under way is sent again under the same refs.
    pub fn handle_disconnected(&mut self) {
        for entry in self.rooms.values_mut().flatten() {
            if matches!(entry.state, State::Sending | State::Searching) {
                entry.state = State::Queued { not_before: Duration::ZERO };
            }
        }
    }

    /// The answer to a send.
    pub fn handle_answer(
        &mut self,
        client_ref: ClientRef,
        answer: Result<(), Error>,
        now: Now,
    ) -> Outcome {
        let Err(error) = answer else {
            self.window = SENDS_PER_ROOM_MAX.min(self.window + 1);
            return match self.discard(client_ref) {
                Some(entry) => Outcome::Sent(Box::new(entry)),
                None => Outcome::Known,
            };
        };
        if error.retry == Retry::AfterDelay as i32 {
            self.window = 1.max(self.window / 2);
        }
        let chain = self.chain;
        let Some(entry) = self.entry_mut(client_ref) else { return Outcome::Known };
        let breaks = entry.chain == chain;
        let outcome = refused(entry, error, now);
        // What is sent from here on is behind nothing that was refused.
        self.chain += u64::from(breaks);
        outcome
    }

    /// An own event of the log with this ref, or one found by searching: the entry is done.
    pub fn handle_echo(&mut self, client_ref: ClientRef) -> Option<Entry> {
        let entry = self.discard(client_ref)?;
        if entry.state == State::Sending {
            self.window = SENDS_PER_ROOM_MAX.min(self.window + 1);
        }
        Some(entry)
    }

    /// An expired entry isn't in the log: it goes out under a new ref. Returns the entry.
    pub fn handle_not_in_log(
        &mut self,
        client_ref: ClientRef,
        new_ref: ClientRef,
    ) -> Option<&Entry> {
        let room = self.places.remove(&client_ref)?;
        self.places.insert(new_ref, room);
        let queue = self.rooms.get_mut(&room)?;
        let entry = queue.iter_mut().find(|entry| entry.client_ref == client_ref)?;
        entry.client_ref = new_ref;
        entry.refs_replaced += 1;
        entry.state = State::Queued { not_before: Duration::ZERO };
        Some(entry)
    }

    /// The search for an expired entry failed; it is sent again, and searched for again.
    pub fn handle_search_failed(&mut self, client_ref: ClientRef, now: Now) {
        if let Some(entry) = self.entry_mut(client_ref) {
            entry.state = State::Queued { not_before: now.elapsed + SEND_AGAIN_AFTER };
        }
    }

    // Outputs.

    /// The next call to make, while there is a connection.
    pub fn poll_transmit(&mut self, now: Now) -> Option<Transmit> {
        for entry in self.rooms.values_mut().flatten() {
            if matches!(entry.state, State::Held { until } if until <= now.elapsed) {
                entry.state = State::Queued { not_before: Duration::ZERO };
            }
        }
        let (window, chain) = (self.window, self.chain);
        self.rooms.values_mut().find_map(|queue| {
            let at = next(queue, window, chain).filter(|(_, due)| *due <= now.elapsed)?.0;
            let entry = &mut queue[at];
            entry.state = State::Sending;
            entry.attempts = entry.attempts.saturating_add(1);
            entry.chain = chain;
            Some(entry.transmit())
        })
    }

    /// When [`Outbox::poll_transmit`] may have something again.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let held = self.rooms.values().flatten().filter_map(|entry| match entry.state {
            State::Held { until } => Some(until),
            _ => None,
        });
        self.rooms.values().fold(held.min(), |soonest, queue| {
            let due = next(queue, self.window, self.chain).map(|(_, due)| due);
            sooner(soonest, due.filter(|due| *due != Duration::MAX))
        })
    }

    /// An entry.
    pub fn entry(&self, client_ref: ClientRef) -> Option<&Entry> {
        let queue = self.rooms.get(self.places.get(&client_ref)?)?;
        queue.iter().find(|entry| entry.client_ref == client_ref)
    }

    /// What waits in a room, in order.
    pub fn room(&self, room: RoomId) -> impl Iterator<Item = &Entry> {
        self.rooms.get(&room).into_iter().flatten()
    }

    /// All that waits, by room and in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.rooms.values().flatten()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn entry_mut(&mut self, client_ref: ClientRef) -> Option<&mut Entry> {
        let queue = self.rooms.get_mut(self.places.get(&client_ref)?)?;
        queue.iter_mut().find(|entry| entry.client_ref == client_ref)
    }
}

/// The entry of a room that is sent next, and when, unless it waits for others: a room's entries
/// go out in order. Those under way in a chain that has broken may all have to come again first.
fn next(queue: &VecDeque<Entry>, window: usize, chain: u64) -> Option<(usize, Duration)> {
    let mut under_way = 0;
    for (at, entry) in queue.iter().enumerate() {
        match entry.state {
            State::Failed(_) | State::Held { .. } => {}
            State::Sending if entry.chain == chain => under_way += 1,
            State::Sending | State::Searching => return None,
            State::Queued { not_before } => {
                return (under_way < window).then_some((at, not_before));
            }
        }
    }
    None
}

/// What becomes of an entry that was refused.
fn refused(entry: &mut Entry, error: Error, now: Now) -> Outcome {
    let expired = error.reason == ErrorReason::RefExpired as i32;
    // Nothing is wrong with this one: it takes its place behind the one that was refused.
    let follows = error.reason == ErrorReason::ChainBroken as i32;
    if expired && entry.refs_replaced < NEW_REFS_MAX {
        entry.state = State::Searching;
        return Outcome::Search(Box::new(entry.clone()));
    }
    let not_before = match Retry::try_from(error.retry).unwrap_or(Retry::Never) {
        Retry::AfterDelay if error.retry_after_ms > 0 => {
            now.elapsed + Duration::from_millis(error.retry_after_ms)
        }
        Retry::Same if follows || entry.attempts < 3 => now.elapsed,
        Retry::Same | Retry::AfterDelay => now.elapsed + SEND_AGAIN_AFTER,
        Retry::AfterResync if expired => return fail(entry, error),
        // Released by `handle_connected`.
        Retry::Reconnect | Retry::AfterReauth | Retry::AfterResync => Duration::MAX,
        Retry::Never | Retry::Unspecified => return fail(entry, error),
    };
    entry.state = State::Queued { not_before };
    Outcome::Again
}

fn fail(entry: &mut Entry, error: Error) -> Outcome {
    entry.state = State::Failed(SendError::Refused(Box::new(error)));
    Outcome::Failed(Box::new(entry.clone()))
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
