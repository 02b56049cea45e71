//! The redb engine: every commit is durable when it returns, so there is nothing to add.

use std::{
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use ::redb::{
    Database, DatabaseError, Durability, ReadableDatabase, StorageError, TableDefinition,
};
use bytes::Bytes;

use crate::{
    kv::{
        Kv,
        engine::{Engine, EngineError, Visit, Writes, shielded},
    },
    options::{OpenError, Options},
};

#[cfg(test)]
#[path = "redb_tests.rs"]
mod redb_tests;

/// The store over redb.
pub type Redb = Kv<RedbEngine>;

const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("parlour");
const FILE: &str = "data.redb";

/// redb, one table of it.
pub struct RedbEngine {
    db: Database,
}

impl Engine for RedbEngine {
    const NAME: &'static str = "redb";
    const JOURNALED: bool = false;

    fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let cache_bytes = usize::try_from(options.cache_bytes).unwrap_or(usize::MAX);
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        let opened = catch_unwind(AssertUnwindSafe(|| builder.create(folder.join(FILE))));
        let db = match opened {
            Ok(opened) => opened.map_err(open_error)?,
            Err(_) => return Err(OpenError::Damaged { what: "redb panicked".into() }),
        };
        let engine = RedbEngine { db };
        // Makes the table, so that reads needn't ask whether it is there.
        engine.apply(&Writes::new()).map_err(crate::kv::schema::open_error)?;
        Ok(engine)
    }

    fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        shielded(|| {
            let read = self.db.begin_read().map_err(failure)?;
            let table = read.open_table(TABLE).map_err(failure)?;
            let value = table.get(key).map_err(failure)?;
            Ok::<_, EngineError>(value.map(|value| Bytes::copy_from_slice(value.value())))
        })
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError> {
        if from >= to {
            return Ok(());
        }
        shielded(|| {
            let read = self.db.begin_read().map_err(failure)?;
            let table = read.open_table(TABLE).map_err(failure)?;
            let mut rows = table.range(from..to).map_err(failure)?;
            while let Some(row) = if reverse { rows.next_back() } else { rows.next() } {
                let (key, value) = row.map_err(failure)?;
                if let ControlFlow::Break(()) = visit(key.value(), value.value()) {
                    break;
                }
            }
            Ok::<_, EngineError>(())
        })
    }

    fn apply(&self, writes: &Writes) -> Result<(), EngineError> {
        shielded(|| {
            let mut write = self.db.begin_write().map_err(failure)?;
            write.set_durability(Durability::Immediate).map_err(failure)?;
            {
                let mut table = write.open_table(TABLE).map_err(failure)?;
                for (key, value) in writes {
                    match value {
                        Some(value) => table.insert(&key[..], &value[..]).map_err(failure)?,
                        None => table.remove(&key[..]).map_err(failure)?,
                    };
                }
            }
            write.commit().map_err(failure)
        })
    }

    /// Nothing to do: `apply` returned after the sync.
    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

fn failure(error: impl Into<::redb::Error>) -> EngineError {
    match error.into() {
        ::redb::Error::Io(error) => EngineError::Io(error),
        ::redb::Error::Corrupted(what) => EngineError::Damaged(what),
        other => EngineError::Io(io::Error::other(other.to_string())),
    }
}

fn open_error(error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked,
        DatabaseError::Storage(StorageError::Io(error)) => match error.kind() {
            io::ErrorKind::StorageFull => OpenError::DiskFull,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                OpenError::Damaged { what: format!("redb: {error}") }
            }
            _ => OpenError::Io(error),
        },
        other => OpenError::Damaged { what: other.to_string() },
    }
}
