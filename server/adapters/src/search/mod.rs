//! The index of messages in memory: looks at every message for each search. For tests.

pub mod conformance;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use parlour_core::{
    ports::{
        Task,
        search::{Change, Entry, Order, Place, Query, Search, SearchError},
    },
    search::words::tokens,
};
use parlour_protocol::ids::{Incarnation, RoomId};

/// See the module.
#[derive(Debug, Default)]
pub struct MemorySearch {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    of: Option<Incarnation>,
    is_open: bool,
    entries: BTreeMap<(RoomId, u64), Entry>,
    reached: BTreeMap<RoomId, u64>,
    // Taken in and not committed.
    pending: Vec<Change>,
}

impl MemorySearch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}

impl State {
    fn opened(&mut self) -> Result<&mut State, SearchError> {
        if self.is_open { Ok(self) } else { Err(SearchError::Closed) }
    }

    fn marks(&self) -> Vec<(RoomId, u64)> {
        let mut marks = self.reached.clone();
        for entry in self.entries.values() {
            let mark = marks.entry(entry.room).or_default();
            *mark = entry.upto.max(*mark);
        }
        marks.into_iter().collect()
    }

    fn commit(&mut self) {
        for change in self.pending.drain(..) {
            match change {
                Change::Add(entry) | Change::Replace(entry) => {
                    self.entries.insert((entry.room, entry.seq), entry);
                }
                Change::Remove { room, seq } => drop(self.entries.remove(&(room, seq))),
                Change::Reached { room, seq } => drop(self.reached.insert(room, seq)),
            }
        }
    }

    fn find(&self, query: &Query) -> Vec<Place> {
        let is_in = |entry: &&Entry| query.rooms.binary_search(&entry.room).is_ok();
        let found = self.entries.values().filter(is_in).filter(|entry| query.asked.is(entry));
        let place = |entry: &Entry| Place {
            score: match query.order {
                Order::Newest => 0,
                Order::Relevance => relevance(query, &entry.text),
            },
            at_ms: entry.at_ms,
            seq: entry.seq,
            room: entry.room,
        };
        let places = found.map(place);
        let mut places: Vec<Place> =
            places.filter(|place| query.after.is_none_or(|after| *place < after)).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.truncate(query.limit);
        places
    }
}

/// How much of the text is what was asked for.
fn relevance(query: &Query, text: &str) -> u32 {
    let parts = query.asked.highlights(text).unwrap_or_default();
    let share = parts.len() as f32 / tokens(text).len().max(1) as f32;
    share.to_bits()
}

impl Search for MemorySearch {
    fn open(&self, of: Incarnation) -> Task<'_, Result<Vec<(RoomId, u64)>, SearchError>> {
        let mut state = self.state();
        state.pending.clear();
        if state.of != Some(of) {
            *state = State { of: Some(of), ..State::default() };
        }
        state.is_open = true;
        let marks = state.marks();
        Box::pin(async move { Ok(marks) })
    }

    fn reset(&self) -> Task<'_, Result<(), SearchError>> {
        *self.state() = State::default();
        Box::pin(async { Ok(()) })
    }

    fn apply(&self, changes: Vec<Change>) -> Task<'_, Result<(), SearchError>> {
        let result = self.state().opened().map(|state| state.pending.extend(changes));
        Box::pin(async move { result })
    }

    fn commit(&self) -> Task<'_, Result<(), SearchError>> {
        let result = self.state().opened().map(State::commit);
        Box::pin(async move { result })
    }

    fn find(&self, query: Query) -> Task<'_, Result<Vec<Place>, SearchError>> {
        let result = self.state().opened().map(|state| state.find(&query));
        Box::pin(async move { result })
    }
}

#[cfg(test)]
#[path = "memory_search_tests.rs"]
mod tests;
