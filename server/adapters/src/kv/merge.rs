//! Laying new rows over those of a block, and splitting what became too long for one.

use std::{collections::btree_map, iter::Peekable};

use bytes::Bytes;

use super::{
    block::{Builder, Row},
    engine::{EngineError, Writes},
    packed::BLOCK,
};
use crate::limits::{BLOCK_BYTES, MERGE_BYTES};

/// New rows, in order.
pub(super) type Rows<'a> = Peekable<btree_map::Range<'a, Vec<u8>, Option<Bytes>>>;

/// Where a key belongs: its block, if there is one, and where the next begins.
pub(super) struct Place {
    pub(super) fence: Option<Vec<u8>>,
    pub(super) rows: Vec<Row>,
    pub(super) next: Option<Vec<u8>>,
}

/// Blocks that are written together.
#[derive(Default)]
pub(super) struct Slice {
    pub(super) writes: Writes,
    pub(super) bytes: usize,
}

impl Slice {
    fn put(&mut self, fence: &[u8], block: Option<Bytes>) {
        // A page of the engine may be written whole for each, however little of it changes.
        self.bytes += block.as_ref().map_or(0, Bytes::len).max(BLOCK_BYTES);
        self.writes.insert([&[BLOCK], fence].concat(), block);
    }
}

/// Lays the next rows over those of the block where they belong, as far as they belong there.
/// Says whether it took them all; if not, the slice has to be written before it goes on.
pub(super) fn merge(
    place: Place,
    fresh: &mut Rows<'_>,
    slice: &mut Slice,
) -> Result<bool, EngineError> {
    let Place { fence, rows: old, next } = place;
    let belongs = |key: &[u8]| next.as_ref().is_none_or(|next| key < &next[..]);
    let mut old = old.into_iter().peekable();
    let (mut rows, mut fresh_bytes) = (Vec::with_capacity(old.len()), 0);
    let mut grows_at_the_end = true;
    let mut is_whole = true;
    while let Some((key, value)) = fresh.next_if(|(key, _)| belongs(key)) {
        while let Some(row) = old.next_if(|(old_key, _)| old_key < key) {
            rows.push(row);
        }
        old.next_if(|(old_key, _)| old_key == key);
        grows_at_the_end &= old.peek().is_none();
        if let Some(value) = value {
            rows.push((key.clone(), value.clone()));
        }
        fresh_bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        if fresh_bytes >= MERGE_BYTES {
            is_whole = fresh.peek().is_none_or(|(key, _)| !belongs(key));
            break;
        }
    }
    rows.extend(old);
    if rows.is_empty() {
        if let Some(fence) = fence {
            slice.put(&fence, None);
        }
        return Ok(is_whole);
    }
    let fence = fence.unwrap_or_else(|| rows[0].0.clone());
    split(fence, &rows, grows_at_the_end, slice)?;
    Ok(is_whole)
}

/// Writes rows as blocks, the first under `fence`. Where they grow at the end, blocks are filled:
/// they won't be touched again. Otherwise each gets room for what comes in between.
fn split(
    fence: Vec<u8>,
    rows: &[Row],
    grows_at_the_end: bool,
    slice: &mut Slice,
) -> Result<(), EngineError> {
    let total: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
    let full = if grows_at_the_end {
        BLOCK_BYTES
    } else {
        BLOCK_BYTES.min(total.div_ceil(total.div_ceil(BLOCK_BYTES)) + BLOCK_BYTES / 8)
    };
    let (mut fence, mut block) = (fence, Builder::new());
    let mut is_empty = true;
    for row in rows {
        if !is_empty && block.len_with(row) > full {
            let done = std::mem::replace(&mut block, Builder::new());
            slice.put(&fence, Some(done.finish(&fence)));
            fence.clone_from(&row.0);
        }
        block.push(row)?;
        is_empty = false;
    }
    slice.put(&fence, Some(block.finish(&fence)));
    Ok(())
}
