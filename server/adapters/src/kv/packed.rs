//! An engine whose own writes are dear, behind a table in memory and in blocks.
//!
//! What is applied waits in memory (the journal has it on disk), and is written together: rows
//! that change again and again are written once, and rows that lie beside each other in one
//! value. A row lies in the block with the greatest fence at or before its key. Blocks are split
//! and emptied, never joined: a scan that runs meanwhile may meet a row twice, which it notices,
//! but never misses one.
//!
//! What the store says about itself lies in the engine as it is and is written last: the commit
//! number says that everything up to it is there.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    block::Reader,
    engine::{Engine, EngineError, Guess, Save, Visit, Writes},
    layout,
    merge::{Place, Slice, merge},
    overlay::{Chunk, Overlay},
    schema,
};
use crate::{
    limits::{CHUNK_ROWS, CHUNK_ROWS_FIRST, MIGRATION_BYTES, SLICE_BYTES},
    options::{OpenError, Options},
};

#[cfg(test)]
#[path = "packed_tests.rs"]
mod tests;

/// What a block's key in the engine begins with; what follows is its fence.
pub(super) const BLOCK: u8 = 0x10;
/// First key behind all blocks.
const BLOCKS_END: u8 = BLOCK + 1;

/// An engine of blocks over the engine `E`.
pub struct Packed<E> {
    engine: E,
    overlay: Overlay,
    /// One thread writes blocks at a time. Whether it failed: what it left must be replayed by an
    /// engine that was opened anew, not laid over what may have been written in part.
    drain: Mutex<bool>,
}

impl<E: Engine> Engine for Packed<E> {
    const NAME: &'static str = E::NAME;
    /// Until a sync, what was applied is in memory only.
    const JOURNALED: bool = true;

    fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let engine = E::open(folder, options)?;
        let packed = Packed { engine, overlay: Overlay::default(), drain: Mutex::default() };
        packed.pack_all()?;
        Ok(packed)
    }

    fn is_in(folder: &Path) -> bool {
        E::is_in(folder)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        if let Some(known) = self.overlay.get(key) {
            return Ok(known);
        }
        if is_meta(key) {
            return self.engine.get(key);
        }
        let mut found = Ok(None);
        self.before(&[key, &[0]].concat(), |fence, block| {
            found = Reader::new(fence, block).and_then(|rows| rows.find(key));
        })?;
        found
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        let (mut from, mut to) = (from.to_vec(), to.to_vec());
        let mut max = CHUNK_ROWS_FIRST;
        while from < to {
            // The memory first: what is written to the engine meanwhile is seen twice then, not
            // never.
            let chunk = self.overlay.chunk(&from, &to, reverse, max);
            if self.scan_chunk(&chunk, reverse, visit)?.is_break() {
                return Ok(());
            }
            if reverse {
                to = chunk.from;
            } else {
                from = chunk.to;
            }
            max = CHUNK_ROWS;
        }
        Ok(())
    }

    fn salvage(&self, guess: &Guess<'_>, save: &mut Save<'_>) -> Result<(), EngineError> {
        let mut flow = ControlFlow::Continue(());
        let fence = |from: &[u8], to: &[u8]| {
            let key = guess(row_of(from), row_of(to))?;
            Some([&[BLOCK], &key[..]].concat())
        };
        self.engine.salvage(&fence, &mut |key, value| {
            flow = match (key, value) {
                ([BLOCK, fence @ ..], Some(block)) => save_block(fence, block, save),
                _ => save(key, value),
            };
            flow
        })?;
        // What was committed last lies over the blocks, the damaged ones too.
        let newest = self.overlay.chunk(&[layout::META], &[layout::END], false, usize::MAX);
        for (key, value) in &newest.rows {
            if flow.is_continue() {
                flow = save(key, value.as_deref());
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> Result<(), EngineError> {
        self.overlay.apply(writes);
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        let mut failed = self.drain.lock().unwrap_or_else(PoisonError::into_inner);
        if *failed {
            return Err(EngineError::Io(std::io::Error::other("a drain failed before")));
        }
        let drained = self.drain_all();
        *failed = drained.is_err();
        drained
    }
}

impl<E: Engine> Packed<E> {
    fn drain_all(&self) -> Result<(), EngineError> {
        let writes = self.overlay.begin();
        if writes.is_empty() {
            return self.engine.sync();
        }
        let mut rows = writes.range(vec![layout::HEAD]..).peekable();
        let mut slice = Slice::default();
        while let Some((first, _)) = rows.peek() {
            let place = self.place(first)?;
            let is_whole = merge(place, &mut rows, &mut slice)?;
            if slice.bytes >= SLICE_BYTES || !is_whole {
                self.write(&mut slice)?;
            }
        }
        self.write(&mut slice)?;
        let meta = writes.range(..vec![layout::HEAD]);
        slice.writes.extend(meta.map(|(key, value)| (key.clone(), value.clone())));
        self.write(&mut slice)?;
        self.overlay.end();
        Ok(())
    }

    fn write(&self, slice: &mut Slice) -> Result<(), EngineError> {
        let slice = std::mem::take(slice);
        if slice.writes.is_empty() {
            return Ok(());
        }
        self.engine.apply(slice.writes)?;
        self.engine.sync()
    }

    /// The block whose fence is the greatest at or before `key`.
    fn floor(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Bytes)>, EngineError> {
        let mut found = None;
        self.before(&[key, &[0]].concat(), |fence, block| {
            found = Some((fence.to_vec(), Bytes::copy_from_slice(block)));
        })?;
        Ok(found)
    }

    /// Shows the block whose fence is the greatest before `to`.
    fn before(&self, to: &[u8], mut show: impl FnMut(&[u8], &[u8])) -> Result<(), EngineError> {
        self.engine.scan(&[BLOCK], &[&[BLOCK], to].concat(), true, &mut |key, block| {
            show(&key[1..], block);
            ControlFlow::Break(())
        })
    }

    fn place(&self, key: &[u8]) -> Result<Place, EngineError> {
        let floor = self.floor(key)?;
        let mut next = None;
        let from = [&[BLOCK], key, &[0]].concat();
        self.engine.scan(&from, &[BLOCKS_END], false, &mut |key, _| {
            next = Some(key[1..].to_vec());
            ControlFlow::Break(())
        })?;
        Ok(match floor {
            Some((fence, block)) => {
                let rows = Reader::new(&fence, &block)?.rows()?;
                Place { fence: Some(fence), rows, next }
            }
            None => Place { fence: None, rows: Vec::new(), next },
        })
    }

    /// Shows the rows of a chunk's range: the chunk's, and the engine's where it has none.
    fn scan_chunk(
        &self,
        chunk: &Chunk,
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, EngineError> {
        let mut all = chunk.rows.iter();
        let mut fresh =
            std::iter::from_fn(move || if reverse { all.next_back() } else { all.next() })
                .peekable();
        let comes_first =
            |one: &[u8], other: &[u8]| if reverse { one > other } else { one < other };
        let stored = self.stored(chunk, reverse, &mut |key, value| {
            while let Some((fresh_key, fresh_value)) = fresh.next_if(|(k, _)| comes_first(k, key)) {
                if let Some(value) = fresh_value {
                    visit(fresh_key, value)?;
                }
            }
            match fresh.next_if(|(k, _)| &k[..] == key) {
                Some((_, Some(value))) => visit(key, value),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, value),
            }
        })?;
        if stored.is_break() {
            return Ok(stored);
        }
        for (key, value) in fresh {
            if let Some(value) = value
                && visit(key, value).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Shows what the engine has of a range.
    fn stored(
        &self,
        range: &Chunk,
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, EngineError> {
        let blocks_from = [layout::HEAD];
        let (from, to) = (&range.from[..], &range.to[..]);
        let mut flow = ControlFlow::Continue(());
        if reverse && to > &blocks_from[..] {
            flow = self.stored_backward(from.max(&blocks_from), to, visit)?;
        }
        if flow.is_continue() && from < &blocks_from[..] {
            self.engine.scan(from, to.min(&blocks_from), reverse, &mut |key, value| {
                flow = visit(key, value);
                flow
            })?;
        }
        if flow.is_continue() && !reverse && to > &blocks_from[..] {
            flow = self.stored_forward(from.max(&blocks_from), to, visit)?;
        }
        Ok(flow)
    }

    fn stored_forward(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, EngineError> {
        // The key that the next row has to reach: a block that was split meanwhile shows again
        // what its former self has shown.
        let mut least = from.to_vec();
        let mut show = |fence: &[u8], block: &[u8]| {
            let mut rows = Reader::new(fence, block)?;
            while let Some((key, value)) = rows.next()? {
                if key < &least[..] {
                    continue;
                }
                if key >= to {
                    break;
                }
                if visit(key, value).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                least.clear();
                least.extend_from_slice(key);
                least.push(0);
            }
            Ok(ControlFlow::Continue(()))
        };
        let mut begin = vec![BLOCK];
        if let Some((fence, block)) = self.floor(from)? {
            if show(&fence, &block)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            begin = [&[BLOCK], &fence[..], &[0]].concat();
        }
        let mut shown = Ok(ControlFlow::Continue(()));
        self.engine.scan(&begin, &[&[BLOCK], to].concat(), false, &mut |key, block| {
            shown = show(&key[1..], block);
            if goes_on(&shown) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        shown
    }

    fn stored_backward(
        &self,
        from: &[u8],
        to: &[u8],
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, EngineError> {
        let mut to = to.to_vec();
        // Block by block: a scan of the engine may look at a page as it was, and at the one
        // before it as it is. A block that was split in between would miss its second half.
        loop {
            let mut found = None;
            self.before(&to, |fence, block| {
                let rows = Reader::new(fence, block).and_then(Reader::rows);
                found = Some((fence.to_vec(), rows));
            })?;
            let Some((fence, rows)) = found else { break };
            let rows = rows?;
            for (key, value) in rows.iter().rev().skip_while(|(key, _)| *key >= to) {
                if &key[..] < from {
                    break;
                }
                if visit(key, value).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if &fence[..] <= from {
                break;
            }
            to = fence;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Brings a store of schema 1, whose rows lay in the engine one by one, into blocks. Nothing
    /// else is written until it is done, so a crash in between costs only the time to go on.
    fn pack_all(&self) -> Result<(), OpenError> {
        let (from, to) = ([layout::HEAD], [layout::END]);
        let mut found = 0_u64;
        // Whether all of it can be read is known before anything is changed.
        let scanned = self.engine.scan(&from, &to, false, &mut |_, _| {
            found += 1;
            ControlFlow::Continue(())
        });
        scanned.map_err(schema::open_error)?;
        // What a newer release left there isn't for this one to touch.
        if found == 0 || schema::number(&self.engine)?.is_none_or(|n| n > schema::CURRENT) {
            return Ok(());
        }
        let mut steps = 0_u64;
        loop {
            let (mut rows, mut bytes) = (Writes::new(), 0);
            let visit = &mut |key: &[u8], value: &[u8]| {
                bytes += key.len() + value.len();
                rows.insert(key.to_vec(), Some(Bytes::copy_from_slice(value)));
                if bytes < MIGRATION_BYTES {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            self.engine.scan(&from, &to, false, visit).map_err(schema::open_error)?;
            if rows.is_empty() {
                return Ok(());
            }
            if steps == 0 {
                tracing::info!(rows = found, "packing the store's rows; this happens once");
                // First of all, so that no older release takes what is left for the whole.
                self.engine.apply(schema::mark()).map_err(schema::open_error)?;
            }
            steps += 1;
            let moved = rows.keys().map(|key| (key.clone(), None)).collect();
            self.overlay.apply(rows);
            self.sync().map_err(schema::open_error)?;
            self.engine.apply(moved).map_err(schema::open_error)?;
            self.engine.sync().map_err(schema::open_error)?;
            if steps.is_multiple_of(1000) {
                tracing::info!(mebibytes = (steps * MIGRATION_BYTES as u64) >> 20, "packing");
            }
        }
    }
}

/// The row's key that a key of the engine's stands for.
fn row_of(key: &[u8]) -> &[u8] {
    match key {
        [BLOCK, fence @ ..] => fence,
        [first, ..] if *first > BLOCK => &[layout::END],
        _ => &[],
    }
}

/// Saves a block's rows. Of a damaged block those that match a checksum of their own: a row that
/// continues another has none.
fn save_block(fence: &[u8], block: &[u8], save: &mut Save<'_>) -> ControlFlow<()> {
    let whole = Reader::new(fence, block);
    let is_whole = whole.is_ok();
    let mut rows = whole.unwrap_or_else(|_| Reader::unchecked(block));
    while let Ok(Some((key, value))) = rows.next() {
        let is_good = || layout::body(key, &Bytes::copy_from_slice(value), &[]).is_some();
        if is_whole || is_good() {
            save(key, Some(value))?;
        }
    }
    ControlFlow::Continue(())
}

fn goes_on(shown: &Result<ControlFlow<()>, EngineError>) -> bool {
    matches!(shown, Ok(ControlFlow::Continue(())))
}

fn is_meta(key: &[u8]) -> bool {
    key.first().is_none_or(|prefix| *prefix == layout::META)
}
