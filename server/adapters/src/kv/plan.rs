//! Turns batches into engine writes: checks each against what is stored and against what
//! earlier batches of the same group will write, and refuses it alone if it doesn't fit.

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

/// What a batch was found to stand on.
#[derive(Default)]
struct Checked {
    /// The heads as the batch leaves them; those it appends to.
    heads: Vec<(LogKey, StoredHead)>,
    /// Keys that nothing lies under.
    absent: Vec<Vec<u8>>,
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

    /// Adds a batch, or refuses it and leaves the group as it was. After an engine's error the
    /// group is no good any more.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<Result<(), Refusal>, EngineError> {
        if let Err(refusal) = bounds::check(batch) {
            return Ok(Err(refusal));
        }
        match self.check(batch) {
            Ok(checked) => {
                self.write(batch, checked)?;
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
        let mut stored = match self.head(log) {
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
        self.put(&layout::head_key(log), &stored.to_body(), &[])?;
        Ok(Some(stored.purged))
    }

    /// The group's writes with the tally after it, which is returned too.
    pub(crate) fn finish(mut self) -> (Writes, Tally) {
        self.tally.commit += 1;
        layout::put(&mut self.writes, &layout::meta_key(TALLY), &self.tally.to_body());
        (self.writes, self.tally)
    }

    // Checking: nothing is changed yet.

    fn check(&self, batch: &Batch) -> Result<Checked, Stop> {
        let mut checked = Checked::default();
        for (table, key) in &batch.absent {
            let key = layout::row_key(*table, key);
            if self.front(&key)?.is_some() {
                return Err(Refusal::RowExists { table: *table }.into());
            }
            checked.absent.push(key);
        }
        for append in &batch.appends {
            let at = match checked.heads.iter().position(|(log, _)| *log == append.log) {
                Some(at) => at,
                None => {
                    checked.heads.push((append.log, self.head(append.log)?));
                    checked.heads.len() - 1
                }
            };
            let stored = &mut checked.heads[at].1;
            if stored.head.seq != append.expected_seq {
                let (log, actual) = (append.log, stored.head.seq);
                return Err(Refusal::HeadMoved { log, actual }.into());
            }
            stored.head.seq += append.records.len() as u64;
            stored.head.state = append.state.clone();
        }
        for erase in &batch.erases {
            let appended = checked.heads.iter().find(|(log, _)| *log == erase.log);
            let (purged, head) = match appended {
                Some((_, stored)) => (stored.purged, stored.head.seq),
                None => {
                    let stored = self.head(erase.log)?;
                    (stored.purged, stored.head.seq)
                }
            };
            if erase.seq <= purged || erase.seq > head {
                return Err(Refusal::NoSuchRecord { seq: erase.seq }.into());
            }
        }
        Ok(checked)
    }

    /// The head of a log, as earlier batches of the group leave it.
    fn head(&self, log: LogKey) -> Result<StoredHead, Stop> {
        let key = layout::head_key(log);
        let body = match self.writes.get(&key) {
            // Heads are never removed and never long, so what is pending is whole.
            Some(value) => value.as_ref().and_then(|first| layout::body(&key, first, &[])),
            None => match rows::read(self.engine, &key)? {
                Whole::Absent => return Ok(StoredHead::empty()),
                Whole::Body(body, _) => Some(body),
                Whole::Damaged => None,
            },
        };
        body.and_then(|body| StoredHead::from_body(&body)).ok_or(Refusal::Damaged.into())
    }

    // Writing: nothing is refused any more.

    fn write(&mut self, batch: &Batch, checked: Checked) -> Result<(), EngineError> {
        let Checked { heads, absent } = checked;
        for Append { log, expected_seq, records, .. } in &batch.appends {
            for (seq, record) in (expected_seq + 1..).zip(records) {
                layout::put(&mut self.writes, &layout::record_key(*log, seq), record);
            }
        }
        for (log, stored) in heads {
            self.put(&layout::head_key(log), &stored.to_body(), &[])?;
        }
        for Erase { log, seq, record } in &batch.erases {
            self.put(&layout::record_key(*log, *seq), record, &[])?;
        }
        for Put { table, key, value } in &batch.puts {
            let key = layout::row_key(*table, key);
            match value {
                Some(value) => self.put(&key, value, &absent)?,
                None => self.remove(&key)?,
            }
        }
        Ok(())
    }

    /// Puts a body, removes what a longer one left behind, and keeps the tally.
    fn put(&mut self, key: &[u8], body: &[u8], absent: &[Vec<u8>]) -> Result<(), EngineError> {
        let is_new = absent.iter().any(|absent| absent == key) && !self.writes.contains_key(key);
        let old = if is_new { None } else { self.clear(key)? };
        let new = layout::put(&mut self.writes, key, body);
        self.tally.change(key, old, Some(new));
        Ok(())
    }

    fn remove(&mut self, key: &[u8]) -> Result<(), EngineError> {
        if let Some(old) = self.clear(key)? {
            self.tally.change(key, Some(old), None);
        }
        Ok(())
    }

    /// Removes the row under `key`; returns its checksum if there was one.
    fn clear(&mut self, key: &[u8]) -> Result<Option<u32>, EngineError> {
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
    fn front(&self, key: &[u8]) -> Result<Option<Option<Front>>, EngineError> {
        let first = match self.writes.get(key) {
            Some(value) => value.clone(),
            None => match self.engine.get(key) {
                Err(EngineError::Damaged(_)) => return Ok(Some(None)),
                other => other?,
            },
        };
        Ok(first.map(|first| layout::front(&first)))
    }
}
