//! Counts and sums over heads and rows, kept in the same transaction as every change. A checksum
//! shows that a row is wrong; only a tally shows that one is missing or stale.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::layout::{HEAD, ROW};

/// How many rows there are, and the sum of their checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) crcs: u64,
}

impl Sum {
    fn add(&mut self, crc: u32) {
        self.rows = self.rows.wrapping_add(1);
        self.crcs = self.crcs.wrapping_add(u64::from(crc));
    }

    fn remove(&mut self, crc: u32) {
        self.rows = self.rows.wrapping_sub(1);
        self.crcs = self.crcs.wrapping_sub(u64::from(crc));
    }
}

/// The tally of a whole store at one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Groups committed since the store was made.
    pub(crate) commit: u64,
    /// By space: 0 for heads, otherwise the table's number.
    pub(crate) sums: BTreeMap<u8, Sum>,
}

impl Tally {
    /// The space that a key is counted in, if it is the first key of a head or row.
    pub(crate) fn space(key: &[u8]) -> Option<u8> {
        match key {
            [HEAD, ..] => Some(0),
            [ROW, table, ..] => Some(*table),
            _ => None,
        }
    }

    /// Notes that the row under `key` changes from one checksum to another.
    pub(crate) fn change(&mut self, key: &[u8], old: Option<u32>, new: Option<u32>) {
        let Some(space) = Tally::space(key) else { return };
        let sum = self.sums.entry(space).or_default();
        if let Some(crc) = old {
            sum.remove(crc);
        }
        if let Some(crc) = new {
            sum.add(crc);
        }
    }

    /// The body of the tally's row.
    pub(crate) fn to_body(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(8 + 17 * self.sums.len());
        out.put_u64(self.commit);
        for (space, sum) in &self.sums {
            out.put_u8(*space);
            out.put_u64(sum.rows);
            out.put_u64(sum.crcs);
        }
        out.freeze()
    }

    /// The inverse of [`Tally::to_body`].
    pub(crate) fn from_body(mut body: &[u8]) -> Option<Self> {
        if body.len() % 17 != 8 {
            return None;
        }
        let mut tally = Tally { commit: body.get_u64(), sums: BTreeMap::new() };
        while body.has_remaining() {
            let (space, rows, crcs) = (body.get_u8(), body.get_u64(), body.get_u64());
            tally.sums.insert(space, Sum { rows, crcs });
        }
        Some(tally)
    }

    /// Two tallies of the same rows are the same, whatever empty spaces they mention.
    pub(crate) fn differing(&self, other: &Tally) -> Vec<u8> {
        let of = |tally: &Tally, space| tally.sums.get(&space).copied().unwrap_or_default();
        let mut spaces: Vec<u8> = self.sums.keys().chain(other.sums.keys()).copied().collect();
        spaces.sort_unstable();
        spaces.dedup();
        spaces.retain(|space| of(self, *space) != of(other, *space));
        spaces
    }
}
