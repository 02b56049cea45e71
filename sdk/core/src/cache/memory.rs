//! A cache in memory: for tests, the simulator, and clients that shall leave no trace.

use std::collections::BTreeMap;

use bytes::Bytes;
use parlour_protocol::ids::{ClientRef, RoomId, UserId};

use super::{Cache, CacheError, Meta, RoomRecord, Run, Saved, Write};
use crate::{limits::USERS_KEPT_MAX, outbox::Entry};

/// Keeps everything until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryCache {
    meta: Meta,
    rooms: BTreeMap<RoomId, RoomRecord>,
    runs: BTreeMap<(RoomId, u64), Run>,
    outbox: BTreeMap<ClientRef, Entry>,
    users: BTreeMap<UserId, Bytes>,
}

impl MemoryCache {
    fn put_run(&mut self, run: &Run) {
        let overlapping: Vec<u64> = self
            .runs
            .range((run.room, 0)..=(run.room, run.to))
            .filter(|(_, old)| old.to >= run.from)
            .map(|((_, from), _)| *from)
            .collect();
        for from in overlapping {
            let old = self.runs.remove(&(run.room, from));
            for part in old.iter().flat_map(|old| old.without(run.from, run.to)) {
                self.runs.insert((part.room, part.from), part);
            }
        }
        self.runs.insert((run.room, run.from), run.clone());
    }

    fn runs_of(&mut self, room: RoomId) -> impl Iterator<Item = &mut Run> {
        self.runs.range_mut((room, 0)..=(room, u64::MAX)).map(|(_, run)| run)
    }
}

impl Cache for MemoryCache {
    fn load(&mut self) -> Result<Saved, CacheError> {
        let mut outbox: Vec<Entry> = self.outbox.values().cloned().collect();
        outbox.sort_by_key(|entry| entry.order);
        let rooms = self.rooms.values().cloned().collect();
        let users = self.users.iter().map(|(user, row)| (*user, row.clone())).collect();
        Ok(Saved { meta: self.meta.clone(), rooms, outbox, users })
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), CacheError> {
        for write in writes {
            match write {
                Write::Meta(meta) => self.meta = meta.clone(),
                Write::Room(record) => {
                    self.rooms.insert(record.id, (**record).clone());
                }
                Write::RoomGone(room) => {
                    self.rooms.remove(room);
                    self.runs.retain(|(of, _), _| of != room);
                }
                Write::Run(run) => self.put_run(run),
                Write::Packed(run) => self.put_run(&run.unpacked()?),
                Write::Stale(room) => self.runs_of(*room).for_each(|run| run.is_stale = true),
                Write::Erase(room, seqs) => self.runs_of(*room).for_each(|run| {
                    run.erase(seqs);
                }),
                Write::Outbox(entry) => {
                    self.outbox.insert(entry.client_ref, (**entry).clone());
                }
                Write::OutboxGone(client_ref) => {
                    self.outbox.remove(client_ref);
                }
                Write::Reset => {
                    self.rooms.clear();
                    self.runs.clear();
                    self.users.clear();
                }
                Write::ResetOutbox => self.outbox.clear(),
                Write::User(user, row) => {
                    if self.users.len() >= USERS_KEPT_MAX && !self.users.contains_key(user) {
                        self.users.pop_first();
                    }
                    self.users.insert(*user, row.clone());
                }
                Write::Sync => {}
            }
        }
        Ok(())
    }

    fn runs(&mut self, room: RoomId, before: u64, limit: usize) -> Result<Vec<Run>, CacheError> {
        let mut found = Vec::new();
        let mut events = 0;
        for run in self.runs.range((room, 0)..(room, before)).rev().map(|(_, run)| run) {
            events += run.events.iter().filter(|event| event.seq() < before).count();
            found.push(run.clone());
            if events >= limit {
                break;
            }
        }
        Ok(found)
    }

    fn is_instant(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::conformance;

    #[test]
    fn the_memory_cache_conforms() {
        conformance::run(MemoryCache::default);
    }
}
