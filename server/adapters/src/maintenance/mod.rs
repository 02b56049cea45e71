//! What an operator does to a store that is not serving: check, copy, restore. All of it
//! blocks for as long as reading the whole store takes.

mod check;
mod copy;
mod known;

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use bytes::Bytes;

pub use self::check::{Damage, Report};
use self::copy::Copied;
use crate::{
    Kind, OpenError, Options,
    kv::{
        engine::{Engine, EngineError},
        folder::{Folder, Opened},
        layout, schema,
    },
    limits::{COPY_STEP_BYTES, COPY_STEP_ROWS},
    redb::RedbEngine,
    sled::SledEngine,
};

#[cfg(test)]
mod maintenance_tests;

/// Reads everything in the store in `options.path` and says what is damaged, missing or stale.
///
/// # Errors
/// A store that doesn't even open is an error, not a report.
pub fn check(options: &Options) -> Result<Report, OpenError> {
    match kind_of(&options.path)? {
        Kind::Redb => check_with::<RedbEngine>(options),
        _ => check_with::<SledEngine>(options),
    }
}

/// Copies the store in `from.path` into the new or empty folder `to.path`, as a store of the
/// kind `to_kind` with the same incarnation. Returns the report of a check of the copy: rows
/// that were damaged are copied as they are. Where the engine can't read on, it stops with
/// [`OpenError::Damaged`].
pub fn copy(from: &Options, to_kind: Kind, to: &Options) -> Result<Report, OpenError> {
    transfer(from, to_kind, to, Copied::Same)
}

/// Copies whatever can be read of the store in `from.path` into the new or empty folder `to.path`,
/// past what can't be, and returns what is missing. It gets a new incarnation: what clients know
/// may be what is missing.
pub fn salvage(from: &Options, to_kind: Kind, to: &Options) -> Result<Report, OpenError> {
    transfer(from, to_kind, to, Copied::Salvaged)
}

/// Makes a store out of the backup in `backup.path`, in the new or empty folder `to.path`. It
/// gets a new incarnation: what clients know of the old store's future is worthless.
pub fn restore(backup: &Options, to_kind: Kind, to: &Options) -> Result<Report, OpenError> {
    transfer(backup, to_kind, to, Copied::New)
}

fn transfer(
    from: &Options,
    to_kind: Kind,
    to: &Options,
    copied: Copied,
) -> Result<Report, OpenError> {
    match (kind_of(&from.path)?, to_kind) {
        (_, Kind::Memory) | (Kind::Memory, _) => Err(OpenError::NotFound),
        (Kind::Sled, Kind::Sled) => copy::run::<SledEngine, SledEngine>(from, to, copied),
        (Kind::Sled, Kind::Redb) => copy::run::<SledEngine, RedbEngine>(from, to, copied),
        (Kind::Redb, Kind::Sled) => copy::run::<RedbEngine, SledEngine>(from, to, copied),
        (Kind::Redb, Kind::Redb) => copy::run::<RedbEngine, RedbEngine>(from, to, copied),
    }
}

fn kind_of(path: &Path) -> Result<Kind, OpenError> {
    Kind::detect(path).ok_or(OpenError::NotFound)
}

fn check_with<E: Engine>(options: &Options) -> Result<Report, OpenError> {
    let folder = Folder::lock(&options.path)?;
    let Opened { engine, identity, .. } = folder.open_engine::<E>(options)?;
    let (report, _) = check::run(&engine, &identity.tally).map_err(schema::open_error)?;
    Ok(report)
}

/// Rows in key order, and where the next step begins.
pub(crate) type Step = (BTreeMap<Vec<u8>, Bytes>, Vec<u8>);

/// One step of rows from `from` on.
pub(crate) fn rows_from<E: Engine>(engine: &E, from: &[u8]) -> Result<Step, EngineError> {
    let mut rows = BTreeMap::new();
    let mut bytes = 0;
    let mut next = vec![layout::END];
    engine.scan(from, &[layout::END], false, &mut |key, value| {
        bytes += key.len() + value.len();
        rows.insert(key.to_vec(), Bytes::copy_from_slice(value));
        if rows.len() < COPY_STEP_ROWS && bytes < COPY_STEP_BYTES {
            return ControlFlow::Continue(());
        }
        next = [key, &[0]].concat();
        ControlFlow::Break(())
    })?;
    Ok((rows, next))
}
