//! Hot backup: a copy of every row as it was at one commit, while reading and writing go on.
//!
//! Engines have no snapshots in common. From the commit on, the writer keeps the old value of
//! each row it changes for the first time (a pre-image); the copy reads the engine in key order
//! and lays the pre-images over what it read. Records beyond their log's head at that commit
//! are left out, so appends cost no pre-image.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, MutexGuard, PoisonError},
};

use bytes::Bytes;
use parlour_core::ports::store::{LogKey, StoreError};

use super::{
    Shared,
    engine::{Engine, EngineError, Writes},
    folder::{self, Folder},
    layout::{self, StoredHead},
    read,
};
use crate::{
    limits::PREIMAGE_BYTES_MAX,
    maintenance::rows_from,
    options::{OpenError, Options},
};

/// Rows as they were when a backup began; `None` for those that weren't there.
#[derive(Debug, Default)]
pub(crate) struct PreImages {
    rows: BTreeMap<Vec<u8>, Option<Bytes>>,
    bytes: usize,
    /// Keys before this one are copied already.
    copied_to: Vec<u8>,
    /// The backup can't be finished.
    abandoned: bool,
}

impl PreImages {
    /// Keeps the present values of what is about to be written.
    pub(crate) fn keep<E: Engine>(
        &mut self,
        engine: &E,
        writes: &Writes,
    ) -> Result<(), EngineError> {
        if self.abandoned {
            return Ok(());
        }
        for key in writes.keys().filter(|key| **key >= self.copied_to) {
            if self.rows.contains_key(key) {
                continue;
            }
            let old = engine.get(key)?;
            // A record that wasn't there lies beyond its log's head and isn't copied anyway.
            if old.is_none() && key.first() == Some(&layout::RECORD) {
                continue;
            }
            self.bytes += key.len() + old.as_ref().map_or(0, Bytes::len);
            self.rows.insert(key.clone(), old);
        }
        if self.bytes > PREIMAGE_BYTES_MAX {
            tracing::error!("too much changes during the backup, it is given up");
            self.abandon();
        }
        Ok(())
    }

    /// Gives the backup up.
    pub(crate) fn abandon(&mut self) {
        self.abandoned = true;
        self.rows.clear();
    }

    /// Lays pre-images over the rows of `from..to`, which were read just now, and forgets them.
    fn lay_over(&mut self, rows: &mut BTreeMap<Vec<u8>, Bytes>, to: &[u8]) -> bool {
        let rest = self.rows.split_off(to);
        for (key, old) in std::mem::replace(&mut self.rows, rest) {
            match old {
                Some(old) => rows.insert(key, old),
                None => rows.remove(&key),
            };
        }
        self.bytes =
            self.rows.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Bytes::len)).sum();
        self.copied_to = to.to_vec();
        !self.abandoned
    }
}

/// Copies the store as it was when the pre-images began into the new folder `to`.
pub(crate) fn run<E: Engine>(shared: &Arc<Shared<E>>, to: &Path) -> Result<(), StoreError> {
    let result = copy(shared, to);
    *lock(shared) = None;
    result.map_err(|error| {
        tracing::error!(%error, "the backup failed");
        match error {
            OpenError::Damaged { .. } => StoreError::Damaged,
            _ => StoreError::Unavailable,
        }
    })
}

fn copy<E: Engine>(shared: &Arc<Shared<E>>, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError::NotEmpty);
    }
    // Under its name only once it is whole.
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    if partial.exists() {
        fs::remove_dir_all(partial)?;
    }
    let options = Options { path: partial.to_owned(), ..shared.options.clone() };
    {
        let folder = Folder::lock(partial)?;
        let path = folder.engine_path::<E>();
        fs::create_dir_all(&path)?;
        let target = E::open(&path, &options)?;
        copy_rows(shared, &target)?;
        target.sync().map_err(super::schema::open_error)?;
        drop(target);
        folder::sync_tree(partial)?;
    }
    fs::rename(partial, to)?;
    if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder::sync_dir(parent)?;
    }
    Ok(())
}

fn copy_rows<E: Engine>(shared: &Arc<Shared<E>>, target: &E) -> Result<(), OpenError> {
    let engine = shared
        .engine()
        .map_err(|_| OpenError::Io(std::io::Error::other("the store is unavailable")))?;
    let mut from = vec![layout::META];
    let mut beyond = Beyond::default();
    while from < vec![layout::END] {
        let (mut rows, next) = rows_from(&*engine, &from).map_err(super::schema::open_error)?;
        let whole = lock(shared).as_mut().is_some_and(|kept| kept.lay_over(&mut rows, &next));
        if !whole {
            return Err(OpenError::Io(std::io::Error::other("the backup was given up")));
        }
        let mut writes = Writes::new();
        for (key, value) in rows {
            if !beyond.is(target, &writes, &key).map_err(super::schema::open_error)? {
                writes.insert(key, Some(value));
            }
        }
        target.apply(writes).map_err(super::schema::open_error)?;
        target.sync().map_err(super::schema::open_error)?;
        from = next;
    }
    Ok(())
}

/// Tells records beyond the copied head; remembers the log it looked up last.
#[derive(Default)]
struct Beyond {
    log: Option<(LogKey, u64)>,
}

impl Beyond {
    /// `step` holds what isn't in the target yet.
    fn is<E: Engine>(
        &mut self,
        target: &E,
        step: &Writes,
        key: &[u8],
    ) -> Result<bool, EngineError> {
        let Some((log, seq, _)) = layout::parse_record_key(key) else { return Ok(false) };
        let head = match self.log {
            Some((known, head)) if known == log => head,
            // Heads sort before records, so it has been copied by now.
            _ => head_seq(target, step, log)?,
        };
        self.log = Some((log, head));
        Ok(seq > head)
    }
}

fn head_seq<E: Engine>(target: &E, step: &Writes, log: LogKey) -> Result<u64, EngineError> {
    let key = layout::head_key(log);
    let stored = match step.get(&key) {
        Some(first) => {
            first.as_ref().and_then(|first| StoredHead::from_body(&layout::body(&key, first, &[])?))
        }
        None => read::head(target, log)?,
    };
    Ok(stored.map_or(0, |stored| stored.head.seq))
}

fn lock<E>(shared: &Arc<Shared<E>>) -> MutexGuard<'_, Option<PreImages>> {
    shared.preimages.lock().unwrap_or_else(PoisonError::into_inner)
}
