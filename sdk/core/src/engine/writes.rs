//! What the cache is to be given.

use super::Engine;
use crate::cache::Write;

impl Engine {
    /// Changes for the cache, to be committed at once and in order, and their number: when that
    /// batch is committed, everything asked for before is durable.
    pub fn take_writes(&mut self) -> Option<(u64, Vec<Write>)> {
        for room in std::mem::take(&mut self.changed_rooms) {
            if let Some(record) = self.rooms.get(room) {
                self.writes.push(Write::Room(Box::new(record.clone())));
            }
        }
        if std::mem::take(&mut self.meta_changed) {
            self.writes.push(Write::Meta(self.meta.clone()));
        }
        if self.writes.is_empty() {
            return None;
        }
        self.writes_no += 1;
        Some((self.writes_no, std::mem::take(&mut self.writes)))
    }

    /// The number that the next batch of writes will have.
    pub fn next_writes_no(&self) -> u64 {
        self.writes_no + 1
    }

    /// Bytes of events among the changes that weren't taken yet.
    pub fn unwritten_bytes(&self) -> usize {
        self.writes.iter().map(Write::event_bytes).sum()
    }

    /// Whether there is something for the cache that wasn't taken yet.
    pub fn has_writes(&self) -> bool {
        // A room that is gone by now is nothing to write.
        let mut changed = self.changed_rooms.iter();
        !self.writes.is_empty()
            || self.meta_changed
            || changed.any(|room| self.rooms.get(*room).is_some())
    }
}
