//! A run: a stretch of a room's log of which everything is known.

use bytes::Bytes;
use parlour_protocol::ids::RoomId;

use crate::event::{LogEvent, Malformed, unpack};

/// A stretch of a room's log. Numbers in the range without an event are known to have none that
/// matters here: withheld, damaged, or folded into the events that are there.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The room.
    pub room: RoomId,
    /// The first number.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// In order.
    pub events: Vec<LogEvent>,
    /// Whether later edits and deletes of these may be missing.
    pub is_stale: bool,
}

impl Run {
    /// A fresh run.
    pub fn new(room: RoomId, from: u64, to: u64, events: Vec<LogEvent>) -> Self {
        Run { room, from, to, events, is_stale: false }
    }

    /// What remains of this run when `from..=to` is replaced: the part before and the part after.
    pub fn without(&self, from: u64, to: u64) -> Vec<Run> {
        let mut parts = Vec::new();
        if self.from < from {
            parts.push(self.within(self.from, self.to.min(from - 1)));
        }
        if self.to > to {
            parts.push(self.within(self.from.max(to + 1), self.to));
        }
        parts
    }

    /// The part of this run between two numbers, both included.
    pub fn within(&self, from: u64, to: u64) -> Run {
        let is_in = |event: &&LogEvent| (from..=to).contains(&event.seq());
        let events = self.events.iter().filter(is_in).cloned().collect();
        Run { room: self.room, from, to, events, is_stale: self.is_stale }
    }

    /// Bytes of its events.
    pub fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.raw.len()).sum()
    }

    /// Removes the bodies of some messages and of their edits; whether any of them was here.
    pub fn erase(&mut self, seqs: &[u64]) -> bool {
        let mut found = false;
        let is_meant = |event: &&mut LogEvent| !event.is_erased() && event.goes_with(seqs);
        for event in self.events.iter_mut().filter(is_meant) {
            *event = event.erased();
            found = true;
        }
        found
    }
}

/// A fresh run whose events nobody has to look at: as the bytes the cache keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedRun {
    /// The room.
    pub room: RoomId,
    /// The first number.
    pub from: u64,
    /// The last one.
    pub to: u64,
    /// What [`pack`](crate::event::pack) makes of its events.
    pub events: Bytes,
}

impl PackedRun {
    /// The same run with events to look at.
    ///
    /// # Errors
    /// When these aren't packed events.
    pub fn unpacked(&self) -> Result<Run, Malformed> {
        Ok(Run::new(self.room, self.from, self.to, unpack(self.events.clone())?))
    }
}
