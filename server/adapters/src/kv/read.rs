//! Reading: heads, ranges of logs, rows. Damage is said where it is and hides nothing else.

use std::{
    ops::{ControlFlow, Range},
    sync::Once,
};

use bytes::Bytes;
use parlour_core::{
    ports::store::{Head, LogKey, ReadRange, Row, Scan, Stored},
    tables::Table,
};

use super::{
    engine::{Engine, EngineError},
    layout::{self, StoredHead},
    rows::{self, Whole},
};

/// Heads, in the order asked.
pub(crate) fn heads<E: Engine>(
    engine: &E,
    logs: &[LogKey],
) -> Result<Vec<Option<Head>>, EngineError> {
    logs.iter().map(|log| Ok(head(engine, *log)?.map(|stored| stored.head))).collect()
}

/// One head with its purge mark.
pub(crate) fn head<E: Engine>(engine: &E, log: LogKey) -> Result<Option<StoredHead>, EngineError> {
    match rows::read(engine, &layout::head_key(log))? {
        Whole::Absent => Ok(None),
        Whole::Body(body, _) => match StoredHead::from_body(&body) {
            Some(stored) => Ok(Some(stored)),
            None => Err(EngineError::Damaged("head".into())),
        },
        Whole::Damaged => Err(EngineError::Damaged("head".into())),
    }
}

/// One row by its engine key.
pub(crate) fn row<E: Engine>(engine: &E, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
    match rows::read(engine, key)? {
        Whole::Absent => Ok(None),
        Whole::Body(body, _) => Ok(Some(body)),
        Whole::Damaged => Err(EngineError::Damaged("row".into())),
    }
}

/// Said once in a process: the same rows are met again and again.
fn say_damaged(table: Table) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::error!(
            table = table.name(),
            "a damaged row is left out; `storage check` lists all"
        );
    });
}

/// Rows of a table, in key order; damaged ones are left out.
pub(crate) fn scan<E: Engine>(engine: &E, scan: &Scan) -> Result<Vec<Row>, EngineError> {
    let from = layout::row_key(scan.table, &scan.from);
    let to = match &scan.to {
        Some(to) => layout::row_key(scan.table, to),
        None => layout::table_end(scan.table),
    };
    let mut out = Vec::new();
    // Rows that need a second look can turn out to be gone, hence the outer loop.
    let mut bounds = (from, to);
    while out.len() < scan.rows_max && bounds.0 < bounds.1 {
        let wanted = scan.rows_max - out.len();
        let mut found = Vec::new();
        engine.scan(&bounds.0, &bounds.1, scan.reverse, &mut |key, first| {
            found.push((key.to_vec(), Bytes::copy_from_slice(first)));
            if found.len() < wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let complete = found.len() < wanted;
        if let Some((last, _)) = found.last() {
            if scan.reverse {
                bounds.1 = last.clone();
            } else {
                bounds.0 = [last, &[0][..]].concat();
            }
        }
        for (key, first) in found {
            let body = match layout::body(&key, &first, &[]) {
                Some(body) => Some(body),
                None => match rows::read(engine, &key)? {
                    Whole::Body(body, _) => Some(body),
                    Whole::Absent => None,
                    Whole::Damaged => {
                        say_damaged(scan.table);
                        None
                    }
                },
            };
            if let Some(body) = body {
                out.push((Bytes::from(key).slice(2..), body));
            }
        }
        if complete {
            break;
        }
    }
    Ok(out)
}

/// What a record usually takes at most; only a guess at how much memory a read needs.
const RECORD_BYTES_USUAL: usize = 512;

/// Where the first value of a record and its continuations lie.
struct Parts {
    seq: u64,
    first: Option<Range<usize>>,
    more: Vec<(u8, Range<usize>)>,
}

/// Records as they were met, in the order asked. Their values lie one behind the other: memory of
/// its own for each would cost more than all the rest of reading it.
#[derive(Default)]
struct Gathered {
    records: Vec<Parts>,
    values: Bytes,
}

/// A range of a log.
pub(crate) fn records<E: Engine>(
    engine: &E,
    log: LogKey,
    range: ReadRange,
) -> Result<Vec<Stored>, EngineError> {
    let Some(stored) = head(engine, log)? else { return Ok(vec![]) };
    let (from, to) = (range.from.max(stored.purged + 1), range.to.min(stored.head.seq));
    if from > to || range.records_max == 0 {
        return Ok(vec![]);
    }
    let range = ReadRange { from, to, ..range };
    let parts = match gather(engine, log, range) {
        Ok(parts) => parts,
        // A page the engine can't read hides every record on it; one by one the others are
        // still found.
        Err(EngineError::Damaged(_)) => Gathered::default(),
        Err(error) => return Err(error),
    };
    let mut out = assemble(engine, log, range, parts)?;
    if out.iter().any(|stored| stored.record.is_none()) {
        // Purged while it was read isn't damaged.
        let purged = head(engine, log)?.map_or(0, |stored| stored.purged);
        out.retain(|stored| stored.seq > purged);
    }
    Ok(out)
}

/// Scans the engine until the range's bounds are met.
fn gather<E: Engine>(engine: &E, log: LogKey, range: ReadRange) -> Result<Gathered, EngineError> {
    let (from, to) = (layout::record_key(log, range.from), layout::record_end(log, range.to));
    let mut found: Vec<Parts> = Vec::new();
    let length = usize::try_from(range.to - range.from).unwrap_or(usize::MAX).saturating_add(1);
    let usual = range.records_max.min(length).saturating_mul(RECORD_BYTES_USUAL);
    let mut values = Vec::with_capacity(usual.min(range.bytes_max));
    // Headers don't count towards the bound: every record it has room for is met here.
    let mut bytes = 0;
    engine.scan(&from, &to, range.reverse, &mut |key, value| {
        let Some((_, seq, part)) = layout::parse_record_key(key) else {
            return ControlFlow::Continue(());
        };
        if found.last().is_none_or(|parts| parts.seq != seq) {
            if found.len() >= range.records_max || bytes > range.bytes_max {
                return ControlFlow::Break(());
            }
            found.push(Parts { seq, first: None, more: Vec::new() });
        }
        bytes += value.len().saturating_sub(if part == 0 { layout::HEADER_BYTES } else { 0 });
        let begin = values.len();
        values.extend_from_slice(value);
        if let Some(parts) = found.last_mut() {
            let place = begin..values.len();
            match part {
                0 => parts.first = Some(place),
                _ => parts.more.push((part, place)),
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(Gathered { records: found, values: values.into() })
}

/// Puts records together, in the order asked, every sequence number of the range in its place.
fn assemble<E: Engine>(
    engine: &E,
    log: LogKey,
    range: ReadRange,
    found: Gathered,
) -> Result<Vec<Stored>, EngineError> {
    let Gathered { records, values } = found;
    let mut out: Vec<Stored> = Vec::with_capacity(records.len());
    let mut bytes = 0;
    let length = range.to - range.from;
    let mut records = records.into_iter().peekable();
    for step in 0..=length {
        if out.len() >= range.records_max {
            break;
        }
        let seq = if range.reverse { range.to - step } else { range.from + step };
        let key = layout::record_key(log, seq);
        let body = records.next_if(|parts| parts.seq == seq).and_then(|mut parts| {
            // From the end backwards, continuations come before what they continue.
            parts.more.sort_by_key(|(part, _)| *part);
            let more: Vec<Bytes> =
                parts.more.into_iter().map(|(_, place)| values.slice(place)).collect();
            layout::body(&key, &values.slice(parts.first?), &more)
        });
        let record = match body {
            Some(body) => Some(body),
            // Not met, replaced meanwhile, or damaged: a second look tells.
            None => match rows::read(engine, &key)? {
                Whole::Body(body, _) => Some(body),
                Whole::Absent | Whole::Damaged => None,
            },
        };
        bytes += record.as_ref().map_or(0, Bytes::len);
        if bytes > range.bytes_max && !out.is_empty() {
            break;
        }
        out.push(Stored { seq, record });
    }
    Ok(out)
}
