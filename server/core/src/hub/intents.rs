//! Connections that don't want all of their rooms' events: what they want comes with the stretch of the log
//! that it stands for, so that what is left out isn't missed.

use bytes::Bytes;
use parlour_protocol::{
    event::room_stretch_frame,
    generated::event_rule,
    ids::{RoomId, UserId},
    wire::{Event, EventHeader, Intent, RoomPulse},
};
use prost::Message;
use rustc_hash::FxHashMap;

use super::{Conn, Hub, outbox::Fits};
use crate::{intents::Intents, rooms::RoomCell};

/// What a connection wants, and what was left out since it was told something last.
pub(super) struct Filter {
    intents: Intents,
    left_out: FxHashMap<RoomId, LeftOut>,
}

/// A stretch of a room's log without anything that is wanted.
struct LeftOut {
    from: u64,
    head: RoomPulse,
    own: Own,
}

impl Filter {
    pub(super) fn new(intents: Intents) -> Self {
        Filter { intents, left_out: FxHashMap::default() }
    }

    /// The client hears of the room anew.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.left_out.remove(&room);
    }
}

/// Events of a room that are told together.
pub(super) struct Told<'a> {
    pub(super) cell: &'a RoomCell,
    pub(super) records: &'a [Bytes],
    /// All of them, for those who want all.
    pub(super) frame: Bytes,
    // Read when somebody doesn't.
    headers: Option<Vec<EventHeader>>,
    // Who wrote what counts.
    authors: Option<Vec<(Bytes, Own)>>,
    // Encoded once for all who want the same from the same place.
    frames: Vec<(Intents, u64, Bytes)>,
}

impl<'a> Told<'a> {
    pub(super) fn new(cell: &'a RoomCell, records: &'a [Bytes], frame: Bytes) -> Self {
        Told { cell, records, frame, headers: None, authors: None, frames: vec![] }
    }

    /// What of it a connection is told now, and how many events that are; nothing if it wants none.
    pub(super) fn of(&mut self, filter: &mut Filter, user: UserId) -> Option<(Bytes, usize)> {
        let (records, room) = (self.records, self.cell.id);
        let left_out = filter.left_out.remove(&room);
        let own =
            self.own(user).max(left_out.as_ref().map(|left_out| left_out.own).unwrap_or_default());
        let headers = self.headers.get_or_insert_with(|| headers(records));
        let (first, last) = (headers.first()?, headers.last()?);
        let from = left_out.map_or(first.seq, |left_out| left_out.from);
        let wanted = |header: &EventHeader| filter.intents.wants_kind(header.kind);
        let count = headers.iter().filter(|header| wanted(header)).count();
        if count == 0 {
            filter.left_out.insert(room, LeftOut { from, head: pulse(room, last), own });
            return None;
        }
        let is_same = |(intents, begin, _): &&(Intents, u64, Bytes)| {
            (*intents, *begin) == (filter.intents, from)
        };
        let is_shared = own == Own::default();
        if is_shared && let Some((.., frame)) = self.frames.iter().find(is_same) {
            return Some((frame.clone(), count));
        }
        let events = records.iter().zip(headers.iter()).filter(|(_, header)| wanted(header));
        let events: Vec<Bytes> = events.map(|(record, _)| record.clone()).collect();
        let frame = room_stretch_frame(room, &events, from, own.on(pulse(room, last)));
        if is_shared {
            self.frames.push((filter.intents, from, frame.clone()));
        }
        Some((frame, count))
    }

    /// The newest message of it that a user wrote in the room itself.
    pub(super) fn own(&mut self, user: UserId) -> Own {
        let records = self.records;
        let headers = self.headers.get_or_insert_with(|| headers(records));
        let authors = self.authors.get_or_insert_with(|| authors(headers));
        let own = authors.iter().filter(|(author, _)| author[..] == user.as_bytes()[..]);
        own.map(|(_, own)| *own).max().unwrap_or_default()
    }
}

/// Where somebody's own message stands; at 0 there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Own {
    seq: u64,
    msg_no: u64,
}

impl Own {
    /// A pulse that says so.
    pub(super) fn on(self, pulse: RoomPulse) -> RoomPulse {
        RoomPulse { own_seq: self.seq, own_msg_no: self.msg_no, ..pulse }
    }
}

fn authors(headers: &[EventHeader]) -> Vec<(Bytes, Own)> {
    let counts = |header: &&EventHeader| {
        header.thread_root_seq == 0 && event_rule(header.kind).is_some_and(|rule| rule.countable)
    };
    let own = |header: &EventHeader| Own { seq: header.seq, msg_no: header.msg_no };
    let counted = headers.iter().filter(counts);
    counted.map(|header| (header.sender.clone(), own(header))).collect()
}

fn headers(records: &[Bytes]) -> Vec<EventHeader> {
    records.iter().map(header).collect()
}

fn header(record: &Bytes) -> EventHeader {
    Event::decode(record.clone()).ok().and_then(|event| event.header).unwrap_or_default()
}

/// The room as it was behind that event.
fn pulse(room: RoomId, header: &EventHeader) -> RoomPulse {
    let EventHeader { seq, msg_no, bcast_no, del_no, .. } = *header;
    RoomPulse { room: room.to_field(), seq, msg_no, bcast_no, del_no, ..RoomPulse::default() }
}

impl Conn {
    /// Whether it wants to hear that.
    pub(super) fn wants(&self, intent: Intent) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.intents.wants(intent))
    }

    /// What was left out of a room is told otherwise.
    pub(super) fn forget_left_out(&mut self, room: RoomId) {
        if let Some(filter) = &mut self.filter {
            filter.forget(room);
        }
    }
}

impl Hub {
    /// Tells connections up to where they were told everything that they want.
    pub(super) fn tell_left_out(&mut self) {
        for index in 0..self.conns.len() {
            let Some(conn) = self.conns[index].as_mut() else { continue };
            let Some(filter) = &mut conn.filter else { continue };
            let mut left_out: Vec<(RoomId, LeftOut)> = filter.left_out.drain().collect();
            left_out.sort_unstable_by_key(|(room, _)| *room);
            let mut fits = Fits::Yes;
            let index = index as u32;
            for (room, LeftOut { from, head, own }) in left_out {
                let frame = room_stretch_frame(room, &[], from, own.on(head));
                if conn.outbox.push_room(room, frame, 0) != Fits::Yes {
                    fits = Fits::Degrade;
                }
                self.totals.deliveries += 1;
                if !conn.is_dirty {
                    conn.is_dirty = true;
                    self.dirty.push(index);
                }
            }
            if fits == Fits::Degrade {
                self.degrade(index);
            }
        }
    }
}
