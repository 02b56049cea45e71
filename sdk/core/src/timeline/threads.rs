//! Threads: what of a room's log a timeline shows, and what stands under its messages.

use std::collections::BTreeMap;

use parlour_protocol::{
    generated::EventMessage, ids::RoomId, message::MessagePosted, thread::Thread,
};

use super::item::ThreadSummary;
use crate::event::LogEvent;

/// What a timeline shows: a room without what stands in its threads, or one thread with its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The room.
    pub room: RoomId,
    /// The thread's root; 0 for the room itself.
    pub root: u64,
}

impl From<RoomId> for Scope {
    fn from(room: RoomId) -> Self {
        Scope { room, root: 0 }
    }
}

impl Scope {
    /// The thread under a message.
    pub fn thread(room: RoomId, root: u64) -> Self {
        Scope { room, root }
    }

    /// Whether it is a thread.
    pub fn is_thread(self) -> bool {
        self.root > 0
    }

    /// Whether it shows, or counts, an event of the room.
    pub fn covers(self, event: &LogEvent) -> bool {
        let header = &event.header;
        // What quotes the root elsewhere isn't part of its thread.
        let amends_root = header.target_seq == self.root && header.kind != MessagePosted::RULE.kind;
        !self.is_thread()
            || header.seq == self.root
            || header.thread_root_seq == self.root
            || amends_root
            || event.deleted().contains(&self.root)
    }
}

/// A thread, from what was seen of it.
#[derive(Debug, Default)]
struct Known {
    thread_no: u64,
    last_seq: u64,
    last_at_ms: u64,
    /// Replies deleted up to `as_of`, and the deletes after it.
    deleted: u64,
    as_of: u64,
    deletes: BTreeMap<u64, u64>,
}

/// All that is known of threads, by root. Nothing here depends on the order in which events come.
#[derive(Debug, Default)]
pub(super) struct Threads {
    known: BTreeMap<u64, Known>,
}

impl Threads {
    /// An event of a thread; whether it changes what is to be seen of it. Of more than
    /// `pending_max` threads those under the oldest messages are forgotten.
    pub(super) fn apply(&mut self, event: &LogEvent, pending_max: usize) -> bool {
        let header = &event.header;
        let before = self.shown(header.thread_root_seq);
        let known = self.known.entry(header.thread_root_seq).or_default();
        let gone = event.deleted().len() as u64;
        if gone > 0 {
            if header.seq > known.as_of {
                known.deletes.insert(header.seq, gone);
            }
        } else if header.thread_no > known.thread_no {
            known.thread_no = header.thread_no;
            (known.last_seq, known.last_at_ms) = (header.seq, header.at_ms);
        }
        let changed = self.shown(header.thread_root_seq) != before;
        if self.known.len() > pending_max {
            self.known.pop_first();
        }
        changed
    }

    /// What the server says of a thread.
    pub(super) fn learn(&mut self, thread: &Thread, pending_max: usize) -> bool {
        let before = self.shown(thread.root_seq);
        let known = self.known.entry(thread.root_seq).or_default();
        if thread.changed_seq > known.as_of {
            (known.as_of, known.deleted) = (thread.changed_seq, thread.deleted);
            known.deletes = known.deletes.split_off(&(thread.changed_seq + 1));
        }
        if thread.thread_no > known.thread_no {
            known.thread_no = thread.thread_no;
            (known.last_seq, known.last_at_ms) = (thread.last_seq, thread.last_at_ms);
        }
        let changed = self.shown(thread.root_seq) != before;
        if self.known.len() > pending_max {
            self.known.pop_first();
        }
        changed
    }

    pub(super) fn shown(&self, root: u64) -> Option<ThreadSummary> {
        let known = self.known.get(&root).filter(|known| known.thread_no > 0)?;
        let deleted = known.deleted + known.deletes.values().sum::<u64>();
        let replies = known.thread_no.saturating_sub(deleted);
        let (last_seq, last_at_ms) = (known.last_seq, known.last_at_ms);
        Some(ThreadSummary { replies, last_seq, last_at_ms })
    }

    pub(super) fn forget_to(&mut self, seq: u64) {
        self.known = self.known.split_off(&(seq + 1));
    }
}

#[cfg(test)]
#[path = "threads_tests.rs"]
mod tests;
