//! Reading whole rows out of an engine: the first value, its continuations, its checksum.

use bytes::Bytes;

use super::{
    engine::{Engine, EngineError},
    layout::{self, Front},
};
use crate::limits::READ_ATTEMPTS_MAX;

/// A row as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// Nothing under this key.
    Absent,
    /// A body that matches its checksum, and that checksum.
    Body(Bytes, u32),
    /// Something that doesn't.
    Damaged,
}

/// Reads the row under `key`. A row that is replaced while it is read is read again.
pub(crate) fn read<E: Engine>(engine: &E, key: &[u8]) -> Result<Whole, EngineError> {
    let mut seen: Option<Bytes> = None;
    for _ in 0..READ_ATTEMPTS_MAX {
        let first = match engine.get(key) {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(Whole::Absent),
            Err(EngineError::Damaged(_)) => return Ok(Whole::Damaged),
            Err(error) => return Err(error),
        };
        // The same bytes twice: nobody is writing, it is damaged.
        if seen.as_ref() == Some(&first) {
            break;
        }
        if let Some(whole) = finish(engine, key, &first)? {
            return Ok(whole);
        }
        seen = Some(first);
    }
    Ok(Whole::Damaged)
}

fn finish<E: Engine>(engine: &E, key: &[u8], first: &Bytes) -> Result<Option<Whole>, EngineError> {
    let Some(Front { len, crc }) = layout::front(first) else { return Ok(None) };
    let mut more = Vec::new();
    for part in 1..=layout::parts(len) {
        match engine.get(&layout::more_key(key, part)) {
            Ok(Some(chunk)) => more.push(chunk),
            Ok(None) | Err(EngineError::Damaged(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(layout::body(key, first, &more).map(|body| Whole::Body(body, crc)))
}
