//! The redb engine: every commit is durable when it returns, so there is nothing to add.

use std::{
    fs, io,
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
        folder::sync_dir,
        schema::open_error,
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
const UNFINISHED: &str = "data.redb.unfinished";

/// redb, one table of it.
pub struct RedbEngine {
    db: Database,
}

impl Engine for RedbEngine {
    const NAME: &'static str = "redb";
    const JOURNALED: bool = false;

    fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let path = folder.join(FILE);
        if !path.exists() {
            make(folder, options)?;
        }
        let db = open_file(&path, options)?;
        Ok(RedbEngine { db })
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
            let mut way = Way { from, to, reverse, last: None };
            while let Some(row) = if reverse { rows.next_back() } else { rows.next() } {
                let (key, value) = row.map_err(failure)?;
                way.go_on(key.value())?;
                if let ControlFlow::Break(()) = visit(key.value(), value.value()) {
                    break;
                }
            }
            Ok::<_, EngineError>(())
        })
    }

    fn apply(&self, writes: Writes) -> Result<(), EngineError> {
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

/// The way of a scan. A damaged file may lead back to where the scan was, or anywhere: whoever scans
/// on from the last key would never come to an end.
struct Way<'a> {
    from: &'a [u8],
    to: &'a [u8],
    reverse: bool,
    last: Option<Vec<u8>>,
}

impl Way<'_> {
    /// The next key is behind the last one, and one of those that are scanned.
    fn go_on(&mut self, key: &[u8]) -> Result<(), EngineError> {
        let is_within = self.from <= key && key < self.to;
        let is_behind = self.last.as_deref().is_none_or(|last| match self.reverse {
            true => key < last,
            false => key > last,
        });
        if !is_within || !is_behind {
            return Err(EngineError::Damaged("keys are out of their order".into()));
        }
        let last = self.last.get_or_insert_default();
        last.clear();
        last.extend_from_slice(key);
        Ok(())
    }
}

/// Makes the file under another name first: one whose making is cut short by a power cut isn't
/// a redb file yet, and would keep the store shut.
fn make(folder: &Path, options: &Options) -> Result<(), OpenError> {
    let (unfinished, path) = (folder.join(UNFINISHED), folder.join(FILE));
    if unfinished.exists() {
        fs::remove_file(&unfinished)?;
    }
    let engine = RedbEngine { db: open_file(&unfinished, options)? };
    // Makes the table, so that reads needn't ask whether it is there.
    engine.apply(Writes::new()).map_err(open_error)?;
    drop(engine);
    fs::rename(unfinished, path)?;
    Ok(sync_dir(folder)?)
}

fn open_file(path: &Path, options: &Options) -> Result<Database, OpenError> {
    let mut builder = Database::builder();
    builder.set_cache_size(usize::try_from(options.cache_bytes).unwrap_or(usize::MAX));
    match catch_unwind(AssertUnwindSafe(|| builder.create(path))) {
        Ok(opened) => opened.map_err(database_error),
        Err(_) => Err(OpenError::Damaged { what: "redb panicked while opening".into() }),
    }
}

fn failure(error: impl Into<::redb::Error>) -> EngineError {
    match error.into() {
        ::redb::Error::Io(error) => EngineError::Io(error),
        ::redb::Error::Corrupted(what) => EngineError::Damaged(what),
        other => EngineError::Io(io::Error::other(other.to_string())),
    }
}

fn database_error(error: DatabaseError) -> OpenError {
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
