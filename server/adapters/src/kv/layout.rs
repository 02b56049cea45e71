//! Keys and values as they lie in an engine. One-byte prefix per kind of row, big-endian
//! numbers, so that byte order is log order. Every value carries a CRC32C over its own key and
//! its whole body: a value under a wrong key is damage too.

use bytes::{BufMut, Bytes, BytesMut};
use parlour_core::{
    ports::store::{Head, LogKey},
    tables::Table,
};

use super::engine::Writes;
use crate::limits::CHUNK_BYTES;

/// What the store says about itself.
pub(crate) const META: u8 = 0;
/// One row per log.
pub(crate) const HEAD: u8 = 1;
/// One row per record, and further ones for long records.
pub(crate) const RECORD: u8 = 2;
/// One row per table row.
pub(crate) const ROW: u8 = 3;
/// The rest of long table rows.
pub(crate) const MORE: u8 = 4;
/// First prefix not in use.
pub(crate) const END: u8 = 5;

/// Length and CRC in front of a body.
pub(crate) const HEADER_BYTES: usize = 8;
/// Length of a record's first key; a continuation has one byte more.
const RECORD_KEY_BYTES: usize = 1 + 17 + 8;

/// The key of a fact about the store.
pub(crate) fn meta_key(name: &str) -> Vec<u8> {
    [&[META], name.as_bytes()].concat()
}

/// The key of a log's head.
pub(crate) fn head_key(log: LogKey) -> Vec<u8> {
    [&[HEAD], log.to_bytes().as_slice()].concat()
}

/// The key of a record.
pub fn record_key(log: LogKey, seq: u64) -> Vec<u8> {
    [&[RECORD], log.to_bytes().as_slice(), &seq.to_be_bytes()].concat()
}

/// The first key after a record and its continuations.
pub(crate) fn record_end(log: LogKey, seq: u64) -> Vec<u8> {
    match seq.checked_add(1) {
        Some(next) => record_key(log, next),
        None => [&record_key(log, seq)[..], &[0xff]].concat(),
    }
}

/// The key of a table row.
pub(crate) fn row_key(table: Table, key: &[u8]) -> Vec<u8> {
    [&[ROW, table.id()], key].concat()
}

/// The first key after a table.
pub(crate) fn table_end(table: Table) -> Vec<u8> {
    match table.id().checked_add(1) {
        Some(next) => vec![ROW, next],
        None => vec![MORE],
    }
}

/// The key of the `part`th continuation of the row or record under `key`; parts begin with 1.
pub(crate) fn more_key(key: &[u8], part: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 3);
    if key.first() == Some(&ROW) {
        // Row keys vary in length, so a suffix would sort among other rows: these lie apart,
        // behind their length.
        out.push(MORE);
        out.put_u16(key.len() as u16);
        out.extend_from_slice(&key[1..]);
    } else {
        out.extend_from_slice(key);
    }
    out.push(part);
    out
}

/// The log a head's key belongs to.
pub(crate) fn parse_head_key(key: &[u8]) -> Option<LogKey> {
    LogKey::from_bytes(key.strip_prefix(&[HEAD])?)
}

/// Log, sequence number and part (0 for the first) of a record's key.
pub(crate) fn parse_record_key(key: &[u8]) -> Option<(LogKey, u64, u8)> {
    let part = match key.len() {
        RECORD_KEY_BYTES => 0,
        len if len == RECORD_KEY_BYTES + 1 => key[RECORD_KEY_BYTES],
        _ => return None,
    };
    let rest = key.strip_prefix(&[RECORD])?;
    let log = LogKey::from_bytes(&rest[..17])?;
    let seq = u64::from_be_bytes(rest[17..25].try_into().ok()?);
    Some((log, seq, part))
}

/// The checksum of `body` under `key`.
fn checksum(key: &[u8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), body)
}

/// Puts a body under `key`, split over continuations where it is long. Returns its checksum.
pub fn put(writes: &mut Writes, key: &[u8], body: &[u8]) -> u32 {
    let crc = checksum(key, body);
    let (first, rest) = body.split_at(body.len().min(CHUNK_BYTES));
    let mut value = BytesMut::with_capacity(HEADER_BYTES + first.len());
    value.put_u32(body.len() as u32);
    value.put_u32(crc);
    value.put_slice(first);
    writes.insert(key.to_vec(), Some(value.freeze()));
    for (part, chunk) in (1..).zip(rest.chunks(CHUNK_BYTES)) {
        writes.insert(more_key(key, part), Some(Bytes::copy_from_slice(chunk)));
    }
    crc
}

/// What the front of a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    /// Length of the whole body.
    pub(crate) len: usize,
    /// Its checksum.
    pub(crate) crc: u32,
}

impl Front {
    /// Continuations after the first value.
    pub(crate) fn parts(self) -> u8 {
        parts(self.len)
    }
}

/// Continuations that a body of this length needs.
pub(crate) fn parts(len: usize) -> u8 {
    // A body is bounded by the port at 64 KiB, so this is 16 at most; a damaged length may not
    // overflow it.
    len.saturating_sub(1).checked_div(CHUNK_BYTES).unwrap_or(0).min(PARTS_MAX as usize) as u8
}

/// Most continuations a body can have.
pub(crate) const PARTS_MAX: u8 = (64 * 1024 / CHUNK_BYTES + 1) as u8;

/// Reads the front of a value.
pub(crate) fn front(value: &[u8]) -> Option<Front> {
    let len = u32::from_be_bytes(value.get(..4)?.try_into().ok()?) as usize;
    let crc = u32::from_be_bytes(value.get(4..8)?.try_into().ok()?);
    Some(Front { len, crc })
}

/// Puts a body together again; `None` if anything is missing or differs from its checksum.
pub fn body(key: &[u8], first: &Bytes, more: &[Bytes]) -> Option<Bytes> {
    let Front { len, crc } = front(first)?;
    let body = if more.is_empty() {
        first.slice(HEADER_BYTES..)
    } else {
        let mut whole = BytesMut::with_capacity(len.min(PARTS_MAX as usize * CHUNK_BYTES));
        whole.put_slice(&first[HEADER_BYTES..]);
        more.iter().for_each(|chunk| whole.put_slice(chunk));
        whole.freeze()
    };
    (body.len() == len && checksum(key, &body) == crc).then_some(body)
}

/// A head as stored: with what was purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredHead {
    pub(crate) head: Head,
    /// Records up to and including this one are gone.
    pub(crate) purged: u64,
}

impl StoredHead {
    /// A log before its first append.
    pub(crate) fn empty() -> Self {
        StoredHead { head: Head { seq: 0, state: Bytes::new() }, purged: 0 }
    }

    /// The body of the head's row.
    pub(crate) fn to_body(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(16 + self.head.state.len());
        out.put_u64(self.head.seq);
        out.put_u64(self.purged);
        out.put_slice(&self.head.state);
        out.freeze()
    }

    /// The inverse of [`StoredHead::to_body`].
    pub(crate) fn from_body(body: &Bytes) -> Option<Self> {
        let seq = u64::from_be_bytes(body.get(..8)?.try_into().ok()?);
        let purged = u64::from_be_bytes(body.get(8..16)?.try_into().ok()?);
        Some(StoredHead { head: Head { seq, state: body.slice(16..) }, purged })
    }
}
