//! What a store that can't be read as a whole is known to hold: where to look for more of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use parlour_core::{ports::store::LogKey, tables::Table};

use crate::kv::layout::{self, StoredHead};

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;

/// Logs by what their records' keys begin with, and their heads.
#[derive(Default)]
pub(super) struct Known {
    logs: BTreeMap<Vec<u8>, (LogKey, u64)>,
    /// Logs of which there are records, and those of which there is a head, be it a damaged one.
    with_records: BTreeSet<LogKey>,
    with_head: BTreeSet<LogKey>,
    last: Option<LogKey>,
}

impl Known {
    /// Notes what a row says of where others are.
    pub(super) fn learn(&mut self, key: &[u8], value: Option<&[u8]>) {
        if let Some((log, ..)) = layout::parse_record_key(key) {
            // They come one after the other.
            if self.last.replace(log) != Some(log) {
                self.with_records.insert(log);
            }
            return;
        }
        let Some(log) = layout::parse_head_key(key) else { return };
        self.with_head.insert(log);
        let body = value.and_then(|it| layout::body(key, &Bytes::copy_from_slice(it), &[]));
        if let Some(stored) = body.and_then(|body| StoredHead::from_body(&body)) {
            self.logs.insert(layout::record_key(log, 0), (log, stored.head.seq));
        }
    }

    /// The keys of heads that must have been there.
    pub(super) fn headless(self) -> Vec<Vec<u8>> {
        self.with_records.difference(&self.with_head).map(|log| layout::head_key(*log)).collect()
    }

    /// A key between two, as near the middle as what is known allows: where a region begins, a log,
    /// or a record of the only log there.
    pub(super) fn between(&self, from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
        let regions = [vec![layout::HEAD], vec![layout::RECORD], vec![layout::ROW]];
        let tables = Table::ALL.iter().map(|table| layout::row_key(*table, &[]));
        let mut begin: Vec<Vec<u8>> = regions.into_iter().chain(tables).collect();
        begin.retain(|key| from < &key[..] && &key[..] < to);
        begin.sort();
        if !begin.is_empty() {
            return Some(begin.swap_remove(begin.len() / 2));
        }
        let inside = || self.logs.range(from.to_vec()..to.to_vec()).map(|(key, _)| key);
        let count = inside().filter(|key| &key[..] > from).count();
        if count > 0 {
            return inside().filter(|key| &key[..] > from).nth(count / 2).cloned();
        }
        let (_, (log, head)) = self.logs.range(..=from.to_vec()).next_back()?;
        let seq = |key: &[u8]| match layout::parse_record_key(key) {
            Some((of, seq, _)) if of == *log => Some(seq),
            _ => None,
        };
        let (low, high) = (seq(from).unwrap_or(0), seq(to).unwrap_or(*head).min(*head));
        (high > low).then(|| layout::record_key(*log, low + (high - low).div_ceil(2)))
    }
}
