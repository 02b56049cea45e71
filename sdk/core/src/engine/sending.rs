//! From the outbox to the room's log.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::{ClientRef, RoomId, UserId, uuid_v7},
    message::SendResponse,
    sync::ReadLogRequest,
    wire::{Error, ErrorReason},
};
use prost::Message;

use super::{Engine, Notice, Purpose, repair::Task};
use crate::{
    cache::Write,
    event::LogEvent,
    limits::{SENDS_MAX, SETTLED_PER_ROOM_MAX},
    outbox::{Entry, OutboxFull, Outcome, Payload, SendError, Transmit},
    time::Now,
    timeline::Timeline,
};

/// What was acknowledged at places that the known part of a log hasn't reached: by room and place,
/// with the time it got. It stays in the cache until then, or a client that ends now would not have
/// it at all; one that starts again sends it again, and is told that it was there.
pub(super) type Settled = BTreeMap<RoomId, BTreeMap<u64, (Entry, u64)>>;

impl Engine {
    /// Puts something into the outbox; it is sent when its turn comes. `random` makes its ref.
    pub fn send(
        &mut self,
        room: RoomId,
        payload: Payload,
        random: [u8; 10],
        now: Now,
    ) -> Result<ClientRef, OutboxFull> {
        self.send_after(room, payload, Duration::ZERO, random, now)
    }

    /// The same, but kept back for that long: until then [`Engine::discard`] undoes it.
    pub fn send_after(
        &mut self,
        room: RoomId,
        payload: Payload,
        wait: Duration,
        random: [u8; 10],
        now: Now,
    ) -> Result<ClientRef, OutboxFull> {
        // In the server's time, which is what the age of a ref is measured in.
        let client_ref = ClientRef::from_bytes(uuid_v7(self.server_ms(now), random));
        let after_seq = self.rooms.get(room).map_or(0, |record| record.log.to);
        let entry =
            self.outbox.push(room, client_ref, payload, self.server_ms(now), after_seq)?.clone();
        if !wait.is_zero() {
            self.outbox.hold(client_ref, now.elapsed.saturating_add(wait));
        }
        self.writes.push(Write::Outbox(Box::new(entry.clone())));
        self.show_entry(&entry);
        self.send_outbox(now);
        Ok(client_ref)
    }

    /// Sends a failed entry again.
    pub fn retry(&mut self, client_ref: ClientRef, now: Now) {
        if let Some(entry) = self.outbox.retry(client_ref).cloned() {
            self.writes.push(Write::Outbox(Box::new(entry.clone())));
            self.show_entry(&entry);
            self.send_outbox(now);
        }
    }

    /// Takes an entry out of the outbox. What was under way may still arrive.
    pub fn discard(&mut self, client_ref: ClientRef, now: Now) {
        if let Some(entry) = self.outbox.discard(client_ref) {
            self.end_entry(&entry);
            self.timelines_of(entry.room).for_each(|timeline| timeline.handle_discarded(&entry));
            self.notices.push_back(Notice::Failed(client_ref, SendError::Discarded));
            self.send_outbox(now);
        }
    }

    /// Gives a message that was never sent another text; `false` when it may have been sent.
    pub fn rewrite(&mut self, client_ref: ClientRef, text: &str) -> bool {
        let Some(entry) = self.outbox.rewrite(client_ref, text).cloned() else { return false };
        self.writes.push(Write::Outbox(Box::new(entry.clone())));
        self.show_entry(&entry);
        true
    }

    /// Gives an entry a new ref after [`Notice::RefExpired`]. Returns it; waiting callers follow.
    pub fn renew_ref(
        &mut self,
        client_ref: ClientRef,
        random: [u8; 10],
        now: Now,
    ) -> Option<ClientRef> {
        let new_ref = ClientRef::from_bytes(uuid_v7(self.server_ms(now), random));
        let entry = self.outbox.handle_not_in_log(client_ref, new_ref)?.clone();
        self.writes.push(Write::OutboxGone(client_ref));
        self.writes.push(Write::Outbox(Box::new(entry.clone())));
        self.show_entry(&entry);
        self.send_outbox(now);
        Some(new_ref)
    }

    pub(super) fn send_outbox(&mut self, now: Now) {
        while self.may_send()
            && let Some(transmit) = self.outbox.poll_transmit(now)
        {
            if let Some(entry) = self.outbox.entry(transmit.client_ref).cloned() {
                self.show_entry(&entry);
            }
            let Transmit { client_ref, method, body, chain } = transmit;
            self.start_chained(method, body, chain, Purpose::Send(client_ref));
        }
    }

    /// Whether there is a connection, with room for one more send among its calls.
    pub(super) fn may_send(&self) -> bool {
        let is_send = |purpose: &&Purpose| matches!(purpose, Purpose::Send(_));
        self.session.is_some() && self.calls.values().filter(is_send).count() < SENDS_MAX
    }

    pub(super) fn handle_send_reply(
        &mut self,
        client_ref: ClientRef,
        result: Result<Bytes, Error>,
        now: Now,
    ) {
        // The answers to send, edit and delete have the same fields. One that can't be read says nothing:
        // under the same ref the server says it again.
        let unreadable = |_| Error::new(ErrorReason::StoreUnavailable, "the answer can't be read");
        let result = result.and_then(|body| SendResponse::decode(body).map_err(unreadable));
        let (seq, at_ms) = result.as_ref().map_or((0, 0), |answer| (answer.seq, answer.at_ms));
        match self.outbox.handle_answer(client_ref, result.map(|_| ()), now) {
            Outcome::Sent(entry) => self.finish_entry(&entry, seq, at_ms),
            Outcome::Again => {
                if let Some(entry) = self.outbox.entry(client_ref).cloned() {
                    self.show_entry(&entry);
                }
            }
            Outcome::Search(entry) => self.search(&entry),
            Outcome::Failed(entry) => {
                self.writes.push(Write::Outbox(entry.clone()));
                self.show_entry(&entry);
                if let crate::outbox::State::Failed(error) = &entry.state {
                    self.notices.push_back(Notice::Failed(client_ref, error.clone()));
                }
            }
            Outcome::Known => {}
        }
        self.send_outbox(now);
    }

    /// An own event of the log, live or read, answers for its entry.
    pub(super) fn handle_echo(&mut self, event: &LogEvent, me: UserId) {
        if event.sender() == Some(me)
            && let Some(client_ref) = event.client_ref()
            && let Some(entry) = self.outbox.handle_echo(client_ref)
        {
            self.calls.retain(|_, p| !matches!(p, Purpose::Send(sent) if *sent == client_ref));
            self.finish_entry(&entry, event.seq(), event.header.at_ms);
        }
    }

    /// The ref is too old for the server to remember: the log remembers.
    fn search(&mut self, entry: &Entry) {
        let request = ReadLogRequest {
            room: entry.room.to_field(),
            from_seq: entry.after_seq + 1,
            to_seq: 0,
            limit: 0,
        };
        let task = Task::Search { room: entry.room, client_ref: entry.client_ref };
        self.start_bulk(rpc::ReadLog::METHOD.id, &request, task);
    }

    /// The search has read the whole log after the entry's place.
    pub(super) fn finish_search(&mut self, client_ref: ClientRef) {
        if self.outbox.entry(client_ref).is_some() {
            self.notices.push_back(Notice::RefExpired(client_ref));
        }
    }

    fn finish_entry(&mut self, entry: &Entry, seq: u64, at_ms: u64) {
        // A room that was made just now may not be known yet.
        if seq > 0 && self.rooms.get(entry.room).is_none_or(|record| record.log.to < seq) {
            let places = self.settled.entry(entry.room).or_default();
            places.insert(seq, (entry.clone(), at_ms));
            // A room that nobody looks at may not be read for long.
            if places.len() > SETTLED_PER_ROOM_MAX
                && let Some((_, (oldest, _))) = places.pop_first()
            {
                self.end_entry(&oldest);
            }
        } else {
            self.end_entry(entry);
        }
        self.settle_poll(entry, seq);
        self.timelines_of(entry.room).for_each(|timeline| timeline.handle_sent(entry, seq, at_ms));
        let client_ref = entry.client_ref;
        self.notices.push_back(Notice::Sent { client_ref, seq, at_ms });
    }

    /// The log is known up to `to`: what was acknowledged there is no longer needed.
    pub(super) fn settle(&mut self, room: RoomId, to: u64) {
        let Some(places) = self.settled.get_mut(&room) else { return };
        let later = places.split_off(&(to + 1));
        let settled = std::mem::replace(places, later);
        if places.is_empty() {
            self.settled.remove(&room);
        }
        for (entry, _) in settled.into_values() {
            self.end_entry(&entry);
        }
    }

    fn end_entry(&mut self, entry: &Entry) {
        self.writes.push(Write::OutboxGone(entry.client_ref));
    }

    pub(super) fn fail_room(&mut self, room: RoomId) {
        self.settle(room, u64::MAX - 1);
        for entry in self.outbox.discard_room(room) {
            self.end_entry(&entry);
            self.notices.push_back(Notice::Failed(entry.client_ref, SendError::RoomLost));
        }
    }

    fn show_entry(&mut self, entry: &Entry) {
        self.timelines_of(entry.room).for_each(|timeline| timeline.handle_outbox(entry));
    }

    pub(super) fn refresh_outbox_items(&mut self) {
        let mut timelines = std::mem::take(&mut self.timelines);
        for (scope, open) in &mut timelines {
            self.show_unconfirmed(scope.room, &mut open.timeline);
        }
        self.timelines = timelines;
    }

    /// Shows what the known part of the log doesn't have: acknowledged, and not yet.
    pub(super) fn show_unconfirmed(&self, room: RoomId, timeline: &mut Timeline) {
        for (seq, (entry, at_ms)) in self.settled.get(&room).into_iter().flatten() {
            timeline.handle_outbox(entry);
            timeline.handle_sent(entry, *seq, *at_ms);
        }
        for entry in self.outbox.room(room) {
            timeline.handle_outbox(entry);
        }
    }
}
