//! What was applied and isn't in the engine yet, in memory. The journal has it on disk.

use std::{
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::Bytes;

use super::engine::Writes;

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;

#[derive(Debug, Default)]
struct Tables {
    current: Writes,
    /// What is being written to the engine; older than `current`.
    draining: Arc<Writes>,
}

/// The newest value of every key that the engine doesn't have yet; `None` for removed ones.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    tables: RwLock<Tables>,
}

/// All there is between two keys.
#[derive(Debug, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
    pub(crate) rows: Writes,
}

impl Overlay {
    /// What is known of a key: nothing, that it is removed, or its value.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.current.get(key).or_else(|| tables.draining.get(key)).cloned()
    }

    /// Lays writes over what there is, all at once.
    pub(crate) fn apply(&self, writes: Writes) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.current.extend(writes);
    }

    /// Everything applied so far, to be written to the engine. It stays readable here until
    /// [`Overlay::end`]; if that never came, it is part of the next.
    pub(crate) fn begin(&self) -> Arc<Writes> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let current = std::mem::take(&mut tables.current);
        if tables.draining.is_empty() {
            tables.draining = Arc::new(current);
        } else {
            Arc::make_mut(&mut tables.draining).extend(current);
        }
        tables.draining.clone()
    }

    /// What [`Overlay::begin`] gave is in the engine.
    pub(crate) fn end(&self) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.draining = Arc::default();
    }

    /// The first rows of `from..to`, about `max` of them, or with `reverse` the last.
    pub(crate) fn chunk(&self, from: &[u8], to: &[u8], reverse: bool, max: usize) -> Chunk {
        let mut chunk = Chunk { from: from.to_vec(), to: to.to_vec(), rows: Writes::new() };
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        for table in [&*tables.draining, &tables.current] {
            chunk.narrow(table, reverse, max);
        }
        for table in [&*tables.draining, &tables.current] {
            let rows = table.range::<[u8], _>(chunk.bounds());
            chunk.rows.extend(rows.map(|(key, value)| (key.clone(), value.clone())));
        }
        chunk
    }
}

impl Chunk {
    fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (Bound::Included(&self.from), Bound::Excluded(&self.to))
    }

    /// Makes the range so short that `table` has at most `max` rows in it.
    fn narrow(&mut self, table: &Writes, reverse: bool, max: usize) {
        let mut rows = table.range::<[u8], _>(self.bounds());
        let beyond = if reverse { rows.nth_back(max) } else { rows.nth(max) };
        match beyond {
            Some((key, _)) if reverse => self.from = [key, &[0][..]].concat(),
            Some((key, _)) => self.to = key.clone(),
            None => {}
        }
    }
}
