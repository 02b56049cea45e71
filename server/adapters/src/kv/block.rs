//! Rows packed into one engine value. An embedded tree spends about as much on a value of four
//! kilobytes as on one of forty bytes, so rows that lie beside each other share one.
//!
//! A block begins with a CRC32C over the key it lies under (its fence) and its rows. A row is the
//! length it shares with the key before (u8), the lengths of the rest of its key and of its value
//! (u16 each), and both. Keys ascend.

use bytes::{Buf, BufMut, Bytes};

use super::engine::EngineError;

#[cfg(test)]
#[path = "block_tests.rs"]
mod tests;

const CHECKSUM_BYTES: usize = 4;
const ROW_HEADER_BYTES: usize = 1 + 2 + 2;

/// A row and its key.
pub type Row = (Vec<u8>, Bytes);

/// A row as it lies in its block; the key is the reader's.
type RowIn<'k, 'b> = (&'k [u8], &'b [u8]);

/// Puts blocks together.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    last: Vec<u8>,
}

#[allow(clippy::new_without_default, reason = "nobody wants a block without rows by default")]
impl Builder {
    /// A block without rows.
    pub fn new() -> Self {
        Builder { bytes: vec![0; CHECKSUM_BYTES], last: Vec::new() }
    }

    /// How long the block will be with this row.
    pub(crate) fn len_with(&self, (key, value): &Row) -> usize {
        self.bytes.len() + ROW_HEADER_BYTES + key.len() - shared(&self.last, key) + value.len()
    }

    /// Adds a row behind the last.
    pub fn push(&mut self, (key, value): &Row) -> Result<(), EngineError> {
        let shared = shared(&self.last, key);
        let lengths = u16::try_from(key.len() - shared).ok().zip(u16::try_from(value.len()).ok());
        let Some((key_len, value_len)) = lengths else {
            return Err(EngineError::Io(std::io::Error::other("a row too long for a block")));
        };
        self.bytes.put_u8(shared as u8);
        self.bytes.put_u16(key_len);
        self.bytes.put_u16(value_len);
        self.bytes.put_slice(&key[shared..]);
        self.bytes.put_slice(value);
        self.last.clear();
        self.last.extend_from_slice(key);
        Ok(())
    }

    /// The block, to lie under `fence`.
    pub fn finish(mut self, fence: &[u8]) -> Bytes {
        let crc = checksum(fence, &self.bytes[CHECKSUM_BYTES..]);
        self.bytes[..CHECKSUM_BYTES].copy_from_slice(&crc.to_be_bytes());
        self.bytes.into()
    }
}

/// How many leading bytes two keys share, as far as a byte can say.
fn shared(last: &[u8], key: &[u8]) -> usize {
    let both = last.iter().zip(key).take(usize::from(u8::MAX));
    both.take_while(|(one, other)| one == other).count()
}

fn checksum(fence: &[u8], rows: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(fence), rows)
}

/// Reads a block's rows in order.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    key: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// A reader of the block under `fence`.
    pub fn new(fence: &[u8], mut block: &'a [u8]) -> Result<Self, EngineError> {
        let crc = block.try_get_u32().map_err(|_| damaged())?;
        if crc != checksum(fence, block) {
            return Err(damaged());
        }
        Ok(Reader { rest: block, key: Vec::new() })
    }

    /// A reader of a block that may not match its checksum: any row of it may be another.
    pub(crate) fn unchecked(block: &'a [u8]) -> Self {
        Reader { rest: block.get(CHECKSUM_BYTES..).unwrap_or_default(), key: Vec::new() }
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<RowIn<'_, 'a>>, EngineError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        if self.rest.len() < ROW_HEADER_BYTES {
            return Err(damaged());
        }
        let shared = usize::from(self.rest.get_u8());
        let key_len = usize::from(self.rest.get_u16());
        let value_len = usize::from(self.rest.get_u16());
        if shared > self.key.len() || key_len + value_len > self.rest.len() {
            return Err(damaged());
        }
        self.key.truncate(shared);
        let (key, rest) = self.rest.split_at(key_len);
        let (value, rest) = rest.split_at(value_len);
        self.key.extend_from_slice(key);
        self.rest = rest;
        Ok(Some((&self.key, value)))
    }

    /// The value under `key`.
    pub fn find(mut self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        while let Some((found, value)) = self.next()? {
            if found >= key {
                return Ok((found == key).then(|| Bytes::copy_from_slice(value)));
            }
        }
        Ok(None)
    }

    /// All rows.
    pub fn rows(mut self) -> Result<Vec<Row>, EngineError> {
        let mut rows = Vec::new();
        while let Some((key, value)) = self.next()? {
            rows.push((key.to_vec(), Bytes::copy_from_slice(value)));
        }
        Ok(rows)
    }
}

fn damaged() -> EngineError {
    EngineError::Damaged("a block of rows".into())
}
