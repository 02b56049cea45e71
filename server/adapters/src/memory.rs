//! The store in memory: the model the others are measured against, and what the simulator runs
//! on. No thread, no clock; nothing survives a drop.

use std::{
    collections::BTreeMap,
    ops::Bound,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use parlour_core::{
    ports::{
        Task,
        store::{
            Batch, Erase, Head, LogKey, ReadRange, Refusal, Row, Scan, Store, StoreError,
            StoreInfo, Stored,
        },
    },
    tables::Table,
};

use crate::kv::bounds;

#[cfg(test)]
#[path = "memory_tests.rs"]
mod memory_tests;

/// A log: its head, what was purged, and the records after that.
#[derive(Debug)]
struct Log {
    head: Head,
    purged: u64,
    records: BTreeMap<u64, Bytes>,
}

#[derive(Debug, Default)]
struct Inner {
    logs: BTreeMap<LogKey, Log>,
    rows: BTreeMap<(Table, Bytes), Bytes>,
}

/// A store that forgets.
#[derive(Debug)]
pub struct Memory {
    incarnation: [u8; 16],
    inner: Mutex<Inner>,
}

impl Memory {
    /// An empty store. The incarnation is an argument so that a simulation can repeat it.
    pub fn new(incarnation: [u8; 16]) -> Self {
        Memory { incarnation, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while the lock is held, so a poisoned one still holds whole batches.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn apply(&mut self, batch: Batch) -> Result<(), Refusal> {
        bounds::check(&batch)?;
        for (table, key) in &batch.absent {
            if self.rows.contains_key(&(*table, key.clone())) {
                return Err(Refusal::RowExists { table: *table });
            }
        }
        for append in &batch.appends {
            let actual = self.logs.get(&append.log).map_or(0, |log| log.head.seq);
            if actual != append.expected_seq {
                return Err(Refusal::HeadMoved { log: append.log, actual });
            }
        }
        for erase in &batch.erases {
            if !self.may_erase(&batch, erase) {
                return Err(Refusal::NoSuchRecord { seq: erase.seq });
            }
        }
        self.write(batch);
        Ok(())
    }

    fn may_erase(&self, batch: &Batch, erase: &Erase) -> bool {
        let stored = self.logs.get(&erase.log);
        let (purged, head) = stored.map_or((0, 0), |log| (log.purged, log.head.seq));
        let appended = batch.appends.iter().filter(|append| append.log == erase.log);
        let added: usize = appended.map(|append| append.records.len()).sum();
        erase.seq > purged && erase.seq <= head + added as u64
    }

    fn write(&mut self, batch: Batch) {
        for append in batch.appends {
            let log = self.logs.entry(append.log).or_insert_with(|| Log {
                head: Head { seq: 0, state: Bytes::new() },
                purged: 0,
                records: BTreeMap::new(),
            });
            for record in append.records {
                log.head.seq += 1;
                log.records.insert(log.head.seq, record);
            }
            log.head.state = append.state;
        }
        for erase in batch.erases {
            if let Some(log) = self.logs.get_mut(&erase.log) {
                log.records.insert(erase.seq, erase.record);
            }
        }
        for put in batch.puts {
            match put.value {
                Some(value) => self.rows.insert((put.table, put.key), value),
                None => self.rows.remove(&(put.table, put.key)),
            };
        }
    }

    fn read(&self, log: LogKey, range: ReadRange) -> Vec<Stored> {
        let Some(log) = self.logs.get(&log) else { return vec![] };
        if range.from > range.to {
            return vec![];
        }
        let mut found = log.records.range(range.from..=range.to);
        let mut out = Vec::new();
        let mut bytes = 0;
        while out.len() < range.records_max {
            let next = if range.reverse { found.next_back() } else { found.next() };
            let Some((seq, record)) = next else { break };
            bytes += record.len();
            if bytes > range.bytes_max && !out.is_empty() {
                break;
            }
            out.push(Stored { seq: *seq, record: Some(record.clone()) });
        }
        out
    }

    fn scan(&self, scan: Scan) -> Vec<Row> {
        if scan.to.as_ref().is_some_and(|to| *to <= scan.from) {
            return vec![];
        }
        let from = Bound::Included((scan.table, scan.from));
        let found = match scan.to {
            Some(to) => self.rows.range((from, Bound::Excluded((scan.table, to)))),
            None => self.rows.range((from, Bound::Unbounded)),
        };
        let found = found.filter(|((table, _), _)| *table == scan.table);
        let row = |((_, key), value): (&(Table, Bytes), &Bytes)| (key.clone(), value.clone());
        if scan.reverse {
            found.rev().take(scan.rows_max).map(row).collect()
        } else {
            found.take(scan.rows_max).map(row).collect()
        }
    }

    fn purge(&mut self, log: LogKey, up_to: u64) {
        if let Some(log) = self.logs.get_mut(&log) {
            log.purged = log.purged.max(up_to.min(log.head.seq));
            log.records = log.records.split_off(&(log.purged + 1));
        }
    }
}

impl Store for Memory {
    fn info(&self) -> StoreInfo {
        StoreInfo {
            adapter: "memory",
            schema: crate::kv::schema::CURRENT,
            incarnation: self.incarnation,
        }
    }

    fn append(
        &self,
        batches: Vec<Batch>,
    ) -> Task<'_, Result<Vec<Result<(), Refusal>>, StoreError>> {
        Box::pin(async move {
            let mut inner = self.lock();
            Ok(batches.into_iter().map(|batch| inner.apply(batch)).collect())
        })
    }

    fn read(&self, log: LogKey, range: ReadRange) -> Task<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move { Ok(self.lock().read(log, range)) })
    }

    fn heads<'a>(&'a self, logs: &'a [LogKey]) -> Task<'a, Result<Vec<Option<Head>>, StoreError>> {
        Box::pin(async move {
            let inner = self.lock();
            Ok(logs.iter().map(|log| inner.logs.get(log).map(|log| log.head.clone())).collect())
        })
    }

    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> Task<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(
            async move { Ok(self.lock().rows.get(&(table, Bytes::copy_from_slice(key))).cloned()) },
        )
    }

    fn scan(&self, scan: Scan) -> Task<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move { Ok(self.lock().scan(scan)) })
    }

    fn purge(&self, log: LogKey, up_to: u64) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.lock().purge(log, up_to);
            Ok(())
        })
    }

    /// There is no disk behind it: answers [`StoreError::Unavailable`].
    fn backup(&self, _to: PathBuf) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable) })
    }

    fn writable(&self) -> bool {
        true
    }
}
