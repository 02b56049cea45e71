//! Copies a whole store row by row, between any two engines.

use std::fs;

use super::{Report, check, rows_from};
use crate::{
    OpenError, Options,
    kv::{
        engine::{Engine, Writes},
        folder::{self, Folder},
        layout, schema,
        schema::open_error,
    },
};

/// Whether the copy is the same store or a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incarnation {
    Kept,
    New,
}

pub(super) fn run<A: Engine, B: Engine>(
    from: &Options,
    to: &Options,
    incarnation: Incarnation,
) -> Result<Report, OpenError> {
    if fs::read_dir(&to.path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(OpenError::NotEmpty);
    }
    let source_folder = Folder::lock(&from.path)?;
    let source = source_folder.open_engine::<A>(from)?.engine;
    let target_folder = Folder::lock(&to.path)?;
    let path = target_folder.engine_path::<B>();
    fs::create_dir_all(&path)?;
    let target = B::open(&path, to)?;
    let mut meta = Writes::new();
    let mut next = vec![layout::META];
    while next < vec![layout::END] {
        let (rows, then) = rows_from(&source, &next).map_err(open_error)?;
        let mut writes = Writes::new();
        for (key, value) in rows {
            let writes = if key[0] == layout::META { &mut meta } else { &mut writes };
            writes.insert(key, Some(value));
        }
        target.apply(writes).map_err(open_error)?;
        target.sync().map_err(open_error)?;
        next = then;
    }
    if incarnation == Incarnation::New {
        meta.append(&mut schema::renewed()?);
    }
    // Last of all: without these rows a copy that was interrupted doesn't open.
    target.apply(meta).map_err(open_error)?;
    target.sync().map_err(open_error)?;
    let identity = schema::load(&target)?.ok_or(OpenError::NotFound)?;
    let report = check::run(&target, &identity.tally).map_err(open_error)?;
    drop(target);
    folder::sync_tree(&to.path)?;
    if let Some(parent) = to.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder::sync_dir(parent)?;
    }
    Ok(report)
}
