//! A run: a stretch of a room's log of which everything is known.

use parlour_protocol::{generated::EventMessage, ids::RoomId, message::MessageEdited};

use crate::event::LogEvent;

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

    /// This run as runs of at most so many events, each beginning where the last one ends.
    pub fn split(mut self, events_max: usize) -> Vec<Run> {
        let mut parts = Vec::new();
        while self.events.len() > events_max {
            let rest = self.events.split_off(events_max);
            let events = std::mem::replace(&mut self.events, rest);
            let next = self.events[0].seq();
            let (room, from, is_stale) = (self.room, self.from, self.is_stale);
            parts.push(Run { room, from, to: next - 1, events, is_stale });
            self.from = next;
        }
        parts.push(self);
        parts
    }

    /// Removes the bodies of some messages and of their edits; whether any of them was here.
    pub fn erase(&mut self, seqs: &[u64]) -> bool {
        let mut found = false;
        let is_meant = |event: &&mut LogEvent| {
            let header = &event.header;
            let is_edit = header.kind == MessageEdited::RULE.kind;
            !event.is_erased()
                && (seqs.contains(&header.seq) || is_edit && seqs.contains(&header.target_seq))
        };
        for event in self.events.iter_mut().filter(is_meant) {
            *event = event.erased();
            found = true;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ROOM, message};

    #[test]
    fn parts_of_a_run_meet_and_hold_everything() {
        let events: Vec<LogEvent> =
            [2, 3, 5, 8, 9].into_iter().map(|seq| message(seq, "x")).collect();
        let parts = Run::new(ROOM, 1, 10, events.clone()).split(2);
        let ranges: Vec<(u64, u64)> = parts.iter().map(|run| (run.from, run.to)).collect();
        assert_eq!(ranges, [(1, 4), (5, 8), (9, 10)]);
        assert_eq!(parts.into_iter().flat_map(|run| run.events).collect::<Vec<_>>(), events);
    }
}
