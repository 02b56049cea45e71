//! The scrub: every checksum, every head, every sequence number, and the tally.

use std::{collections::BTreeMap, ops::ControlFlow};

use bytes::Bytes;
use parlour_core::{
    ports::store::{LogKey, ReadRange},
    tables::Table,
};

use crate::{
    kv::{
        engine::{Engine, EngineError},
        layout::{self, StoredHead},
        read,
        rows::{self, Whole},
        tally::Tally,
    },
    limits::{COPY_STEP_BYTES, COPY_STEP_ROWS, DAMAGED_LISTED_MAX},
};

/// One thing that is wrong.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The engine can't read part of a region: `heads`, `records` or a table's name.
    Unreadable {
        /// Which region.
        region: &'static str,
    },
    /// A log's head fails its checksum.
    Head {
        /// The head's key as stored.
        key: Bytes,
    },
    /// A record is missing or fails its checksum.
    Record {
        /// Which log.
        log: LogKey,
        /// Which record.
        seq: u64,
    },
    /// A record of a log that has no head, or beyond its head.
    Stray {
        /// Which log.
        log: LogKey,
        /// Which record.
        seq: u64,
    },
    /// A table row fails its checksum.
    Row {
        /// Which table.
        table: Table,
        /// Its key.
        key: Bytes,
    },
    /// Rows are missing or stale: their number or sum isn't what the last commit left.
    Tally {
        /// `heads` or a table's name.
        region: &'static str,
    },
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Logs with a readable head.
    pub logs: u64,
    /// Records that match their checksum.
    pub records: u64,
    /// Table rows that match their checksum.
    pub rows: u64,
    /// How many things are wrong.
    pub damaged: u64,
    /// The first of them, at most [`DAMAGED_LISTED_MAX`].
    pub listed: Vec<Damage>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.damaged == 0
    }

    fn add(&mut self, damage: Damage) {
        self.damaged += 1;
        if self.listed.len() < DAMAGED_LISTED_MAX {
            self.listed.push(damage);
        }
    }
}

/// Checks a whole engine against the tally of its last commit. Also returns the tally of what is
/// there.
pub(super) fn run<E: Engine>(engine: &E, tally: &Tally) -> Result<(Report, Tally), EngineError> {
    let mut check = Check {
        engine,
        report: Report::default(),
        found: Tally::default(),
        heads: BTreeMap::new(),
    };
    check.heads()?;
    check.records()?;
    check.strays()?;
    for table in Table::ALL {
        check.table(*table)?;
    }
    for space in tally.differing(&check.found) {
        let region = Table::from_id(space).map_or("heads", Table::name);
        check.report.add(Damage::Tally { region });
    }
    Ok((check.report, check.found))
}

struct Check<'a, E> {
    engine: &'a E,
    report: Report,
    found: Tally,
    /// Purge mark and head by log.
    heads: BTreeMap<LogKey, (u64, u64)>,
}

impl<E: Engine> Check<'_, E> {
    fn heads(&mut self) -> Result<(), EngineError> {
        let (from, to) = (vec![layout::HEAD], vec![layout::RECORD]);
        self.each(from, to, "heads", |check, key| {
            let body = check.whole(key)?;
            let head = body.and_then(|(body, crc)| Some((StoredHead::from_body(&body)?, crc)));
            match (layout::parse_head_key(key), head) {
                (Some(log), Some((stored, crc))) => {
                    check.found.change(key, None, Some(crc));
                    check.heads.insert(log, (stored.purged, stored.head.seq));
                    check.report.logs += 1;
                }
                _ => check.report.add(Damage::Head { key: Bytes::copy_from_slice(&key[1..]) }),
            }
            Ok(())
        })
    }

    fn records(&mut self) -> Result<(), EngineError> {
        let heads = self.heads.clone();
        for (log, (purged, head)) in heads {
            let mut from = purged + 1;
            while from <= head {
                let range = ReadRange {
                    from,
                    to: head,
                    reverse: false,
                    records_max: COPY_STEP_ROWS,
                    bytes_max: COPY_STEP_BYTES,
                };
                let found = read::records(self.engine, log, range)?;
                // Every number of the range is answered, so an empty answer ends the log.
                let Some(last) = found.last() else { break };
                from = last.seq + 1;
                for stored in found {
                    match stored.record {
                        Some(_) => self.report.records += 1,
                        None => self.report.add(Damage::Record { log, seq: stored.seq }),
                    }
                }
            }
        }
        Ok(())
    }

    fn strays(&mut self) -> Result<(), EngineError> {
        let (from, to) = (vec![layout::RECORD], vec![layout::ROW]);
        self.each(from, to, "records", |check, key| {
            match layout::parse_record_key(key) {
                Some((log, seq, 0)) => {
                    let head = check.heads.get(&log).map_or(0, |(_, head)| *head);
                    if seq > head {
                        check.report.add(Damage::Stray { log, seq });
                    }
                }
                Some(_) => {}
                None => check.report.add(Damage::Unreadable { region: "records" }),
            }
            Ok(())
        })
    }

    fn table(&mut self, table: Table) -> Result<(), EngineError> {
        let (from, to) = (layout::row_key(table, &[]), layout::table_end(table));
        self.each(from, to, table.name(), |check, key| {
            match check.whole(key)? {
                Some((_, crc)) => {
                    check.found.change(key, None, Some(crc));
                    check.report.rows += 1;
                }
                None => {
                    let key = Bytes::copy_from_slice(&key[2..]);
                    check.report.add(Damage::Row { table, key });
                }
            }
            Ok(())
        })
    }

    /// The body under a key that a scan found, unless it is damaged.
    fn whole(&self, key: &[u8]) -> Result<Option<(Bytes, u32)>, EngineError> {
        Ok(match rows::read(self.engine, key)? {
            Whole::Body(body, crc) => Some((body, crc)),
            Whole::Absent | Whole::Damaged => None,
        })
    }

    /// Calls `look` for each key of a region, in steps, so that no scan is held open over it.
    fn each(
        &mut self,
        mut from: Vec<u8>,
        to: Vec<u8>,
        region: &'static str,
        mut look: impl FnMut(&mut Self, &[u8]) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        while from < to {
            let mut keys = Vec::new();
            let scanned = self.engine.scan(&from, &to, false, &mut |key, _| {
                keys.push(key.to_vec());
                if keys.len() < COPY_STEP_ROWS {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            match scanned {
                Ok(()) => {}
                Err(EngineError::Damaged(_)) => {
                    self.report.add(Damage::Unreadable { region });
                    // What lies behind the damage can't be reached from here.
                    if keys.is_empty() {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
            let Some(last) = keys.last() else { return Ok(()) };
            from = [&last[..], &[0]].concat();
            for key in keys {
                look(self, &key)?;
            }
        }
        Ok(())
    }
}
