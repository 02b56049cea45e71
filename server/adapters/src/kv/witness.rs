//! The last commit's number, kept beside the engine. An engine that reads a log takes damage
//! for the log's end and opens as it was some time ago, without a word; this shows it.
//!
//! The number is written after the engine's sync and not synced itself, so it is never ahead of
//! what is durable: a power cut may leave an older one, which says less but nothing wrong.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::{Buf, BufMut};

/// Two places used in turn, each in a sector of its own: a torn write leaves the other.
const SLOT_BYTES: u64 = 4096;
const ENTRY_BYTES: usize = 12;

/// The file that holds the number.
#[derive(Debug)]
pub(crate) struct Witness {
    file: File,
    turn: AtomicU64,
}

impl Witness {
    /// Opens or makes the file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file =
            File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        Ok(Witness { file, turn: AtomicU64::new(0) })
    }

    /// The greatest number that can be read; 0 if none can.
    pub(crate) fn last(&self) -> u64 {
        (0..2).filter_map(|slot| self.read(slot)).max().unwrap_or(0)
    }

    /// Notes a commit that is durable.
    pub(crate) fn note(&self, commit: u64) -> io::Result<()> {
        let mut entry = Vec::with_capacity(ENTRY_BYTES);
        entry.put_u64(commit);
        entry.put_u32(crc32c::crc32c(&entry));
        let slot = self.turn.fetch_add(1, Ordering::Relaxed) % 2;
        self.file.write_all_at(&entry, slot * SLOT_BYTES)
    }

    /// Makes what was noted durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn read(&self, slot: u64) -> Option<u64> {
        let mut entry = [0; ENTRY_BYTES];
        self.file.read_exact_at(&mut entry, slot * SLOT_BYTES).ok()?;
        let mut rest = &entry[..];
        let commit = rest.get_u64();
        (rest.get_u32() == crc32c::crc32c(&entry[..8])).then_some(commit)
    }
}
