//! Connections that don't want all of their rooms' events: what they want comes with the stretch of the log
//! that it stands for, so that what is left out isn't missed.

use bytes::Bytes;
use parlour_protocol::{
    event::room_stretch_frame,
    ids::RoomId,
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
    // Encoded once for all who want the same from the same place.
    frames: Vec<(Intents, u64, Bytes)>,
}

impl<'a> Told<'a> {
    pub(super) fn new(cell: &'a RoomCell, records: &'a [Bytes], frame: Bytes) -> Self {
        Told { cell, records, frame, headers: None, frames: vec![] }
    }

    /// What of it a connection is told now, and how many events that are; nothing if it wants none.
    pub(super) fn of(&mut self, filter: &mut Filter) -> Option<(Bytes, usize)> {
        let records = self.records;
        let headers = self.headers.get_or_insert_with(|| records.iter().map(header).collect());
        let (first, last) = (headers.first()?, headers.last()?);
        let room = self.cell.id;
        let left_out = filter.left_out.remove(&room);
        let from = left_out.map_or(first.seq, |left_out| left_out.from);
        let wanted = |header: &EventHeader| filter.intents.wants_kind(header.kind);
        let count = headers.iter().filter(|header| wanted(header)).count();
        if count == 0 {
            filter.left_out.insert(room, LeftOut { from, head: pulse(room, last) });
            return None;
        }
        let is_same = |(intents, begin, _): &&(Intents, u64, Bytes)| {
            (*intents, *begin) == (filter.intents, from)
        };
        if let Some((.., frame)) = self.frames.iter().find(is_same) {
            return Some((frame.clone(), count));
        }
        let events = records.iter().zip(headers.iter()).filter(|(_, header)| wanted(header));
        let events: Vec<Bytes> = events.map(|(record, _)| record.clone()).collect();
        let frame = room_stretch_frame(room, &events, from, pulse(room, last));
        self.frames.push((filter.intents, from, frame.clone()));
        Some((frame, count))
    }
}

fn header(record: &Bytes) -> EventHeader {
    Event::decode(record.clone()).ok().and_then(|event| event.header).unwrap_or_default()
}

/// The room as it was behind that event.
fn pulse(room: RoomId, header: &EventHeader) -> RoomPulse {
    let EventHeader { seq, msg_no, bcast_no, del_no, .. } = *header;
    RoomPulse { room: room.to_field(), seq, msg_no, bcast_no, del_no }
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
            for (room, LeftOut { from, head }) in left_out {
                let frame = room_stretch_frame(room, &[], from, head);
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
