//! A store's folder: its lock, the engine's files inside, and opening them.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    engine::{Engine, EngineError},
    journal::{self, Journal},
    schema::{self, Identity},
    witness::Witness,
};
use crate::options::{OpenError, Options};

/// An engine with all that was committed to it.
pub(crate) struct Opened<E> {
    pub(crate) engine: E,
    pub(crate) identity: Identity,
    /// Where its further commits go first.
    pub(crate) journal: Option<Journal>,
    /// Why what the journal holds couldn't be brought into the engine: it can be read, and no more.
    pub(crate) damaged: Option<String>,
}

/// A folder that nobody else has open.
pub(crate) struct Folder {
    path: PathBuf,
    /// What the engine had committed, by its own word and by ours.
    pub(crate) witness: Witness,
    /// The lock goes when this is closed, whatever ends the process.
    _lock: File,
}

impl Folder {
    /// Makes the folder if needed and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path)?;
        let lock = File::options().create(true).append(true).open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {
                let witness = Witness::open(&path.join("commit"))?;
                Ok(Folder { path: path.to_owned(), witness, _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
            Err(TryLockError::Error(error)) => Err(OpenError::Io(error)),
        }
    }

    /// Where an engine of this kind has its files.
    pub(crate) fn engine_path<E: Engine>(&self) -> PathBuf {
        self.path.join(E::NAME)
    }

    /// Opens the engine, with what its journal holds beyond it, or makes a new store.
    pub(crate) fn open_engine<E: Engine>(&self, options: &Options) -> Result<Opened<E>, OpenError> {
        let path = self.engine_path::<E>();
        fs::create_dir_all(&path)?;
        let engine = E::open(&path, options)?;
        let mut identity = match schema::load(&engine)? {
            Some(identity) => identity,
            None => schema::create(&engine)?,
        };
        let (mut journal, mut damaged) = (None, None);
        if E::JOURNALED {
            let (opened, entries) = Journal::open(&self.path)?;
            journal = Some(opened);
            let replayed = replay(&engine, identity.tally.commit, entries)?;
            damaged = replayed.damaged;
            if replayed.any {
                identity = schema::load(&engine)?.unwrap_or(identity);
            }
        }
        let (found, noted) = (identity.tally.commit, self.witness.last());
        if found < noted {
            let what = format!("{} has commit {found}, {noted} was the last", E::NAME);
            return Err(OpenError::Damaged { what });
        }
        // Files just made are durable only once they and their folders are: sled never syncs its
        // `conf`, and a torn one would keep the store shut.
        sync_tree(&path)?;
        sync_dir(&self.path)?;
        if let Some(parent) = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
        Ok(Opened { engine, identity, journal, damaged })
    }
}

/// What [`replay`] has done.
struct Replayed {
    /// There was something to apply.
    any: bool,
    /// It is in memory, and didn't get into the engine, where it met damage.
    damaged: Option<String>,
}

/// Applies the entries after `applied`.
fn replay<E: Engine>(
    engine: &E,
    applied: u64,
    mut entries: BTreeMap<u64, Bytes>,
) -> Result<Replayed, OpenError> {
    let entries = entries.split_off(&(applied + 1));
    for (expected, (commit, payload)) in (applied + 1..).zip(&entries) {
        let writes = journal::decode(payload.clone()).filter(|_| *commit == expected);
        let Some(writes) = writes else {
            let what = format!("the journal misses commit {expected}, it has {commit}");
            return Err(OpenError::Damaged { what });
        };
        engine.apply(writes).map_err(schema::open_error)?;
    }
    let any = !entries.is_empty();
    let damaged = match if any { engine.sync() } else { Ok(()) } {
        Ok(()) => None,
        Err(EngineError::Damaged(what)) => Some(what),
        Err(error) => return Err(schema::open_error(error)),
    };
    Ok(Replayed { any, damaged })
}

/// Makes a folder's entries durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes everything in a folder durable.
pub(crate) fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_dir(path)
}
