//! Turns batches into engine writes: checks each against what is stored and against what
//! earlier batches of the same group will write, and refuses it alone if it doesn't fit.

use bytes::Bytes;
use parlour_core::ports::store::{Append, Batch, Erase, LogKey, Put, Refusal};

use super::{
    bounds,
    engine::{Engine, EngineError, Writes},
    layout::{self, Front, PARTS_MAX, StoredHead},
    rows::{self, Whole},
    tally::Tally,
};

/// The name of the tally's row.
pub(crate) const TALLY: &str = "tally";

/// A group being put together.
pub(crate) struct Plan<'a, E> {
    engine: &'a E,
    tally: Tally,
    writes: Writes,
    bytes: usize,
}

/// Why planning a batch ended: its own fault, or the engine's.
enum Stop {
    Refused(Refusal),
    Failed(EngineError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Stop::Failed(error)
    }
}

impl<'a, E: Engine> Plan<'a, E> {
    /// An empty group on top of a store with this tally.
    pub(crate) fn new(engine: &'a E, tally: Tally) -> Self {
        Plan { engine, tally, writes: Writes::new(), bytes: 0 }
    }

    /// Bytes planned so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Adds a batch, or refuses it and leaves the group as it was.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<Result<(), Refusal>, EngineError> {
        if let Err(refusal) = bounds::check(batch) {
            return Ok(Err(refusal));
        }
        let mut step = Step { plan: self, tally: self.tally.clone(), writes: Writes::new() };
        match step.run(batch) {
            Ok(()) => {
                let Step { tally, writes, .. } = step;
                self.tally = tally;
                // One by one: `append` would build the whole group's map anew for each batch.
                self.writes.extend(writes);
                self.bytes += bounds::size(batch);
                Ok(Ok(()))
            }
            Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Moves a log's purge mark forward, if it isn't there yet. Returns where it is then, or
    /// `None` for a log that doesn't exist.
    pub(crate) fn purge_mark(
        &mut self,
        log: LogKey,
        up_to: u64,
    ) -> Result<Option<u64>, EngineError> {
        let mut step = Step { plan: self, tally: self.tally.clone(), writes: Writes::new() };
        let mut stored = match step.head(log) {
            Ok(stored) => stored,
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Refused(_)) => return Err(EngineError::Damaged("head".into())),
        };
        if stored.head.seq == 0 {
            return Ok(None);
        }
        let up_to = up_to.min(stored.head.seq);
        if stored.purged >= up_to {
            return Ok(Some(stored.purged));
        }
        stored.purged = up_to;
        match step.put(&layout::head_key(log), &stored.to_body()) {
            Ok(()) | Err(Stop::Refused(_)) => {}
            Err(Stop::Failed(error)) => return Err(error),
        }
        let Step { tally, writes, .. } = step;
        self.tally = tally;
        self.writes.extend(writes);
        Ok(Some(stored.purged))
    }

    /// The group's writes with the tally after it, which is returned too.
    pub(crate) fn finish(mut self) -> (Writes, Tally) {
        self.tally.commit += 1;
        layout::put(&mut self.writes, &layout::meta_key(TALLY), &self.tally.to_body());
        (self.writes, self.tally)
    }
}

/// One batch on top of a plan.
struct Step<'p, 'a, E> {
    plan: &'p Plan<'a, E>,
    tally: Tally,
    writes: Writes,
}

impl<E: Engine> Step<'_, '_, E> {
    fn run(&mut self, batch: &Batch) -> Result<(), Stop> {
        for (table, key) in &batch.absent {
            if self.front(&layout::row_key(*table, key))?.is_some() {
                return Err(Refusal::RowExists { table: *table }.into());
            }
        }
        for append in &batch.appends {
            self.append(append)?;
        }
        for erase in &batch.erases {
            self.erase(erase)?;
        }
        for put in &batch.puts {
            self.put_row(put)?;
        }
        Ok(())
    }

    fn append(&mut self, append: &Append) -> Result<(), Stop> {
        let mut stored = self.head(append.log)?;
        if stored.head.seq != append.expected_seq {
            return Err(Refusal::HeadMoved { log: append.log, actual: stored.head.seq }.into());
        }
        for record in &append.records {
            stored.head.seq += 1;
            let key = layout::record_key(append.log, stored.head.seq);
            layout::put(&mut self.writes, &key, record);
        }
        stored.head.state = append.state.clone();
        self.put(&layout::head_key(append.log), &stored.to_body())
    }

    fn erase(&mut self, erase: &Erase) -> Result<(), Stop> {
        let stored = self.head(erase.log)?;
        if erase.seq <= stored.purged || erase.seq > stored.head.seq {
            return Err(Refusal::NoSuchRecord { seq: erase.seq }.into());
        }
        self.put(&layout::record_key(erase.log, erase.seq), &erase.record)
    }

    fn put_row(&mut self, put: &Put) -> Result<(), Stop> {
        let key = layout::row_key(put.table, &put.key);
        match &put.value {
            Some(value) => self.put(&key, value),
            None => self.remove(&key),
        }
    }

    /// The head of a log, as this batch sees it.
    fn head(&self, log: LogKey) -> Result<StoredHead, Stop> {
        let key = layout::head_key(log);
        let body = match self.pending(&key) {
            // Heads are never removed and never long, so what is pending is whole.
            Some(value) => value.and_then(|first| layout::body(&key, &first, &[])),
            None => match rows::read(self.plan.engine, &key)? {
                Whole::Absent => return Ok(StoredHead::empty()),
                Whole::Body(body, _) => Some(body),
                Whole::Damaged => None,
            },
        };
        body.and_then(|body| StoredHead::from_body(&body)).ok_or(Refusal::Damaged.into())
    }

    /// Puts a body, removes what a longer one left behind, and keeps the tally.
    fn put(&mut self, key: &[u8], body: &[u8]) -> Result<(), Stop> {
        let old = self.clear(key)?;
        let new = layout::put(&mut self.writes, key, body);
        self.tally.change(key, old, Some(new));
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), Stop> {
        if let Some(old) = self.clear(key)? {
            self.tally.change(key, Some(old), None);
        }
        Ok(())
    }

    /// Removes the row under `key`; returns its checksum if there was one.
    fn clear(&mut self, key: &[u8]) -> Result<Option<u32>, Stop> {
        let Some(old) = self.front(key)? else { return Ok(None) };
        let parts = old.map_or(PARTS_MAX, Front::parts);
        self.writes.insert(key.to_vec(), None);
        for part in 1..=parts {
            self.writes.insert(layout::more_key(key, part), None);
        }
        // A front that can't be read was tallied under a checksum nobody knows any more; the
        // tally stays off by it, and a check says so.
        Ok(Some(old.map_or(0, |front| front.crc)))
    }

    /// The front of the row under `key`: absent, unreadable, or known.
    fn front(&self, key: &[u8]) -> Result<Option<Option<Front>>, Stop> {
        let first = match self.pending(key) {
            Some(value) => value,
            None => match self.plan.engine.get(key) {
                Err(EngineError::Damaged(_)) => return Ok(Some(None)),
                other => other?,
            },
        };
        Ok(first.map(|first| layout::front(&first)))
    }

    /// What this batch or an earlier one of the group does to `key`.
    fn pending(&self, key: &[u8]) -> Option<Option<Bytes>> {
        self.writes.get(key).or_else(|| self.plan.writes.get(key)).cloned()
    }
}
