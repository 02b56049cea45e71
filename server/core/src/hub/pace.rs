//! Pace: a room with many hearers is told at most so often. What is committed meanwhile goes out
//! together, which costs each hearer one packet instead of several. Answers don't wait for it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_protocol::{
    event::room_events_frame,
    ids::{RoomId, UserId},
    limits::EVENT_FRAME_BYTES_MAX,
};
use rustc_hash::FxHashMap;

use super::{Hub, intents::Told};
use crate::{limits, rooms::RoomCell};

/// Committed events of rooms whose hearers weren't told yet.
#[derive(Default)]
pub(super) struct Untold {
    rooms: FxHashMap<RoomId, Waiting>,
}

struct Waiting {
    cell: Arc<RoomCell>,
    records: Vec<Bytes>,
    bytes: usize,
    /// `None` until it was decided: at the end of the group they were committed in.
    due: Option<Duration>,
}

impl Untold {
    /// Adds an event, in the order of the room's log.
    pub(super) fn add(&mut self, cell: &Arc<RoomCell>, record: Bytes) {
        let waiting = self.rooms.entry(cell.id).or_insert_with(|| Waiting {
            cell: cell.clone(),
            records: vec![],
            bytes: 0,
            due: None,
        });
        // After a failed commit a room is loaded anew: who may hear is read from what is known now.
        waiting.cell = cell.clone();
        waiting.bytes += record.len();
        waiting.records.push(record);
        let many = waiting.records.len() >= limits::UNTOLD_EVENTS_MAX;
        if many || waiting.bytes > limits::UNTOLD_BYTES_MAX {
            waiting.due = Some(Duration::ZERO);
        }
    }

    /// Whether something of this room is among them.
    pub(super) fn holds(&self, room: RoomId) -> bool {
        self.rooms.contains_key(&room)
    }

    /// When the first of them is to be told.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.rooms.values().filter_map(|waiting| waiting.due).min()
    }

    /// Whether all was told.
    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// The rooms for which `is_due` holds, in one order for the same rooms.
    fn filtered(&self, is_due: impl Fn(&Waiting) -> bool) -> Vec<RoomId> {
        let chosen = self.rooms.iter().filter(|(_, waiting)| is_due(waiting));
        let mut rooms: Vec<RoomId> = chosen.map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        rooms
    }
}

impl Hub {
    /// What one delivery costs, in processor time: rooms are told at a pace that leaves some over.
    pub fn handle_cost(&mut self, each: Duration) {
        self.delivery_cost = each.clamp(limits::DELIVERY_COST_MIN, limits::DELIVERY_COST_MAX);
    }

    /// How long a room is left alone once it was told.
    fn pause(&self, room: RoomId) -> Duration {
        let hearers = self.audiences.get(&room).map_or(0, |audience| audience.hearers());
        let cost = self.delivery_cost.saturating_mul(u32::try_from(hearers).unwrap_or(u32::MAX));
        let pause = (cost + cost / 4).min(limits::PAUSE_MAX);
        // A timer isn't finer than that.
        if pause < limits::PAUSE_MIN { Duration::ZERO } else { pause }
    }

    /// Tells those rooms that weren't told lately; the others get their time.
    pub(super) fn tell_or_wait(&mut self, now: Duration) {
        self.tell_due(now);
        for room in self.untold.filtered(|waiting| waiting.due.is_none()) {
            let told_at = self.audiences.get(&room).and_then(|audience| audience.told_at);
            let due = told_at.map_or(now, |at| at + self.pause(room));
            if due <= now {
                self.tell(room, None, now);
            } else if let Some(waiting) = self.untold.rooms.get_mut(&room) {
                waiting.due = Some(due);
            }
        }
    }

    /// Tells the rooms whose time has come.
    pub(super) fn tell_due(&mut self, now: Duration) {
        for room in self.untold.filtered(|waiting| waiting.due.is_some_and(|due| due <= now)) {
            self.tell(room, None, now);
        }
    }

    /// Tells everything, e.g. before heads are announced that nobody should find missing.
    pub fn tell_all(&mut self, now: Duration) {
        for room in self.untold.filtered(|_| true) {
            self.tell(room, None, now);
        }
    }

    /// Tells a room what waits for it. `leaving` is told one last time.
    pub(super) fn tell(&mut self, room: RoomId, leaving: Option<UserId>, now: Duration) {
        let Some(Waiting { cell, records, .. }) = self.untold.rooms.remove(&room) else { return };
        // Encoded once for everyone, several events to a frame.
        let mut from = 0;
        while from < records.len() {
            let (mut to, mut bytes) = (from, 64);
            while to < records.len() && (to == from || bytes < EVENT_FRAME_BYTES_MAX / 2) {
                bytes += records[to].len() + 4;
                to += 1;
            }
            if bytes > EVENT_FRAME_BYTES_MAX && to - from > 1 {
                to -= 1;
            }
            let frame = room_events_frame(cell.id, &records[from..to]);
            self.publish(Told::new(&cell, &records[from..to], frame), leaving, now);
            from = to;
        }
    }
}
