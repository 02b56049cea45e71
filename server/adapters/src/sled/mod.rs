//! The sled engine, with what it takes to trust sled 0.34.7: a sync of our own, an opening that
//! survives a torn snapshot, and short values only (see `limits::CHUNK_BYTES`).

mod recovery;

use std::{fs::File, io, ops::ControlFlow, path::Path};

use bytes::Bytes;

use crate::{
    kv::{
        Kv,
        engine::{Engine, EngineError, Visit, Writes, shielded},
        packed::Packed,
    },
    options::{OpenError, Options},
};

#[cfg(test)]
mod sled_tests;

/// The store over sled.
pub type Sled = Kv<SledEngine>;

/// sled as a store's engine. Each insertion copies a page's table of rows and grows its log, so
/// rows are put together before it sees them.
pub type SledEngine = Packed<SledTree>;

/// sled, one tree of it.
pub struct SledTree {
    db: ::sled::Db,
    /// The file that sled writes, under a handle of our own: sled's `flush` writes and starts
    /// writeback but never syncs, so a power cut would take what it calls flushed.
    file: File,
}

impl Engine for SledTree {
    const NAME: &'static str = "sled";
    /// An own sync takes up to 4 ms at the 99th percentile, and what `apply_batch` wrote can be
    /// read before it is durable; the journal cures both.
    const JOURNALED: bool = true;

    fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let db = recovery::open(folder, options)?;
        let file = File::options().read(true).write(true).open(folder.join("db"))?;
        Ok(SledTree { db, file })
    }

    fn is_in(folder: &Path) -> bool {
        folder.join("db").is_file()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        shielded(|| -> Result<_, SledFailure> {
            Ok(self.db.get(key)?.map(|value| Bytes::copy_from_slice(&value)))
        })
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        shielded(|| -> Result<_, SledFailure> {
            let mut rows = self.db.range(from..to);
            while let Some(row) = if reverse { rows.next_back() } else { rows.next() } {
                let (key, value) = row?;
                if let ControlFlow::Break(()) = visit(&key, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn apply(&self, writes: Writes) -> Result<(), EngineError> {
        let mut batch = ::sled::Batch::default();
        for (key, value) in &writes {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        shielded(|| -> Result<_, SledFailure> {
            // A batch that fails on a page that can't be read stays applied in part, and a block
            // that was split would lose its second half: so its pages are read first.
            for key in writes.keys() {
                self.db.get(key)?;
            }
            Ok(self.db.apply_batch(batch)?)
        })
    }

    fn sync(&self) -> Result<(), EngineError> {
        shielded(|| -> Result<_, SledFailure> {
            self.db.flush()?;
            // Each flush leaves a piece of sled's log buffer, a whole segment, to the collector;
            // left alone, this thread would keep 64 of them to itself.
            crossbeam_epoch::pin().flush();
            Ok(self.file.sync_data()?)
        })
    }
}

/// Either error on its way to an [`EngineError`].
struct SledFailure(EngineError);

impl From<::sled::Error> for SledFailure {
    fn from(error: ::sled::Error) -> Self {
        SledFailure(match error {
            ::sled::Error::Io(error) => EngineError::Io(error),
            ::sled::Error::Corruption { .. } => EngineError::Damaged("sled: corruption".into()),
            other => EngineError::Io(io::Error::other(other.to_string())),
        })
    }
}

impl From<SledFailure> for EngineError {
    fn from(failure: SledFailure) -> Self {
        failure.0
    }
}

impl From<io::Error> for SledFailure {
    fn from(error: io::Error) -> Self {
        SledFailure(EngineError::Io(error))
    }
}
