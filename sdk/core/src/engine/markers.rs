//! Read markers and typing.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventMessage, Rpc, rpc},
    ids::RoomId,
    marker::{
        MarkReadRequest, MarkReadResponse, MarkUnreadRequest, MarkUnreadResponse, Marker, Unread,
    },
    typing::Typing,
    wire::{Ephemeral, Error, RoomPulse},
};
use prost::Message;

use super::{Action, Engine, Purpose, repair::is_transient};
use crate::{
    cache::Write,
    counts::{Head, head_of_pulse},
    limits::{COUNTS_AGAIN_AFTER, EARLY_MARKS_MAX, TYPING_EVERY},
    time::{Now, sooner},
};

impl Engine {
    /// Everything up to `seq` is read. Kept and told to the server once there is a connection.
    pub fn mark_read(&mut self, room: RoomId, seq: u64) {
        let Some(record) = self.rooms.get(room) else { return self.mark_early(room, seq) };
        if seq <= record.counts.read_seq().max(record.unsent_read) && record.counts.messages == 0 {
            return;
        }
        let record = self.rooms.entry(room);
        record.unsent_read = record.unsent_read.max(seq);
        let head = record.head;
        record.counts.assume_read(seq, head);
        self.changed(room);
        self.send_mark(room);
    }

    /// The client hasn't heard of the room, as right after another user has made it. The server may
    /// take the mark all the same, and the user's log tells of it then.
    fn mark_early(&mut self, room: RoomId, seq: u64) {
        let is_kept = self.early_marks.contains_key(&room);
        if seq == 0 || !is_kept && self.early_marks.len() >= EARLY_MARKS_MAX {
            return;
        }
        let kept = self.early_marks.entry(room).or_default();
        *kept = seq.max(*kept);
        self.send_mark(room);
    }

    pub(super) fn send_marks(&mut self) {
        let unsent = self.rooms.iter().filter(|record| record.unsent_read > 0);
        let rooms: BTreeSet<RoomId> =
            unsent.map(|record| record.id).chain(self.early_marks.keys().copied()).collect();
        rooms.into_iter().for_each(|room| self.send_mark(room));
    }

    fn unsent_read(&self, room: RoomId) -> u64 {
        let early = self.early_marks.get(&room).copied().unwrap_or_default();
        self.rooms.get(room).map_or(early, |record| record.unsent_read.max(early))
    }

    fn send_mark(&mut self, room: RoomId) {
        let under_way =
            |p: &Purpose| matches!(p, Purpose::Mark { room: other, .. } if *other == room);
        // One at a time per room; the answer sends what has been marked since.
        if self.session.is_none() || self.calls.values().any(under_way) {
            return;
        }
        let seq = self.unsent_read(room);
        if seq > 0 {
            self.ask_mark(room, seq);
        }
    }

    fn ask_mark(&mut self, room: RoomId, seq: u64) {
        let body = MarkReadRequest { room: room.to_field(), seq }.encode_to_vec().into();
        self.start_call(rpc::MarkRead::METHOD.id, body, Purpose::Mark { room, seq });
    }

    pub(super) fn handle_mark_reply(
        &mut self,
        room: RoomId,
        seq: u64,
        result: Result<Bytes, Error>,
        now: Now,
    ) {
        match result.map(MarkReadResponse::decode) {
            Ok(Ok(MarkReadResponse { marker: Some(marker), unread, head })) => {
                self.learn_counts(room, marker, unread, head, now);
            }
            Err(error) if is_transient(&error) => {
                // It stays unsent, and goes out again a while later, or with the next mark or connection.
                self.recount_soon(now);
                return;
            }
            _ => {}
        }
        if self.early_marks.get(&room).is_some_and(|early| *early <= seq) {
            self.early_marks.remove(&room);
        }
        if self.rooms.get(room).is_some() {
            if self.rooms.entry(room).unsent_read == seq {
                self.finish_mark(room);
            }
            self.changed(room);
        }
        self.send_mark(room);
    }

    /// The server knows the marker. A power cut must not bring it back: it would be told again,
    /// over one that was moved back since.
    fn finish_mark(&mut self, room: RoomId) {
        if std::mem::take(&mut self.rooms.entry(room).unsent_read) > 0 {
            self.writes.push(Write::Sync);
        }
    }

    /// The answer to a call that moved a marker back.
    pub(super) fn learn_marker(&mut self, request: &Bytes, answer: Bytes, now: Now) {
        let Ok(request) = MarkUnreadRequest::decode(request.clone()) else { return };
        let Ok(answer) = MarkUnreadResponse::decode(answer) else { return };
        let (Ok(room), Some(marker)) = (RoomId::parse(&request.room), answer.marker) else {
            return;
        };
        if self.rooms.get(room).is_some() {
            self.learn_counts(room, marker, answer.unread, answer.head, now);
            self.finish_mark(room);
            self.changed(room);
        }
    }

    /// The server's counts of a room, and up to which head: it may be ahead of what was told here, and
    /// events up to it aren't counted again; or behind.
    fn learn_counts(
        &mut self,
        room: RoomId,
        marker: Marker,
        unread: Option<Unread>,
        head: Option<RoomPulse>,
        now: Now,
    ) {
        let Some(before) = self.rooms.get(room).map(|record| record.head) else { return };
        let as_of = head.map_or(before, |head| head_of_pulse(&head, before));
        self.jump(room, as_of, now);
        let record = self.rooms.entry(room);
        if record.head.seq == as_of.seq {
            record.head = Head { at_ms: record.head.at_ms, ..as_of };
        }
        record.counts.handle_answer(marker, unread.unwrap_or_default(), as_of, record.head);
        if record.counts.is_uncertain {
            self.recount_soon(now);
        }
    }

    /// Asks for counts that became uncertain, soon and once for all of them.
    pub(super) fn recount_soon(&mut self, now: Now) {
        self.recount_at = sooner(self.recount_at, Some(now.elapsed + COUNTS_AGAIN_AFTER));
    }

    /// Marking what is marked already changes nothing, and its answer has the counts. What the server didn't
    /// take yet is marked with it.
    pub(super) fn recount(&mut self) {
        self.send_marks();
        let uncertain: Vec<(RoomId, u64)> = self
            .rooms
            .iter()
            .filter(|record| record.counts.is_uncertain && record.unsent_read == 0)
            .map(|record| (record.id, record.counts.marker.seq))
            .collect();
        for (room, marker) in uncertain {
            self.ask_mark(room, marker);
        }
    }

    /// The user is typing, or has stopped. May be called at every key: it is sent every 4 s.
    pub fn typing(&mut self, room: RoomId, active: bool, now: Now) {
        let last = self.typed_at.get(&room).copied();
        let due = match last {
            Some(at) => !active || at + TYPING_EVERY <= now.elapsed,
            None => active,
        };
        if !due || self.session.is_none() {
            return;
        }
        if active {
            self.typed_at.insert(room, now.elapsed);
        } else {
            self.typed_at.remove(&room);
        }
        let ephemeral = Ephemeral {
            room: room.to_field(),
            kind: Typing::RULE.kind,
            body: Typing { active }.encode_to_vec().into(),
            sender: Bytes::new(),
        };
        self.actions.push_back(Action::Datagram(ephemeral.encode_to_vec().into()));
    }
}
