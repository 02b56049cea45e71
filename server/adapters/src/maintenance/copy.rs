//! Copies a whole store row by row, between any two engines.

use std::{cell::RefCell, fs, ops::ControlFlow};

use bytes::Bytes;

use super::{Report, check, known::Known, rows_from};
use crate::{
    OpenError, Options,
    kv::{
        engine::{Engine, EngineError, Writes},
        folder::{self, Folder, Opened},
        layout, schema,
        schema::open_error,
        tally::Tally,
    },
    limits::{COPY_STEP_BYTES, COPY_STEP_ROWS},
};

/// What becomes of what is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// The same store.
    Same,
    /// A new store.
    New,
    /// A new store of whatever can be read.
    Salvaged,
}

pub(super) fn run<A: Engine, B: Engine>(
    from: &Options,
    to: &Options,
    copied: Copied,
) -> Result<Report, OpenError> {
    if fs::read_dir(&to.path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(OpenError::NotEmpty);
    }
    let source_folder = Folder::lock(&from.path)?;
    let Opened { engine: source, identity, .. } = source_folder.open_engine::<A>(from)?;
    let target_folder = Folder::lock(&to.path)?;
    let path = target_folder.engine_path::<B>();
    fs::create_dir_all(&path)?;
    let target = B::open(&path, to)?;
    let mut sink = Sink::new(&target);
    match copied {
        Copied::Salvaged => salvage(&source, &mut sink),
        Copied::Same | Copied::New => all(&source, &mut sink),
    }
    .map_err(open_error)?;
    sink.write().map_err(open_error)?;
    let (report, found) = check::run(&target, &identity.tally).map_err(open_error)?;
    if copied != Copied::Same {
        sink.meta.append(&mut schema::renewed()?);
    }
    if copied == Copied::Salvaged {
        // What is missing is reported now; from here on this is what the store has.
        let tally = Tally { commit: identity.tally.commit, ..found };
        sink.meta.append(&mut schema::tallied(&tally));
    }
    sink.finish().map_err(open_error)?;
    drop(target);
    folder::sync_tree(&to.path)?;
    if let Some(parent) = to.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder::sync_dir(parent)?;
    }
    Ok(report)
}

fn all<A: Engine, B: Engine>(source: &A, sink: &mut Sink<'_, B>) -> Result<(), EngineError> {
    let mut next = vec![layout::META];
    while next < vec![layout::END] {
        let (rows, then) = rows_from(source, &next)?;
        for (key, value) in rows {
            sink.put(&key, Some(value))?;
        }
        next = then;
    }
    Ok(())
}

fn salvage<A: Engine, B: Engine>(source: &A, sink: &mut Sink<'_, B>) -> Result<(), EngineError> {
    let mut put = Ok(());
    // Heads come before records.
    let known = RefCell::new(Known::default());
    source.salvage(&|from, to| known.borrow().between(from, to), &mut |key, value| {
        if put.is_ok() {
            known.borrow_mut().learn(key, value);
            put = sink.put(key, value.map(Bytes::copy_from_slice));
        }
        if put.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    put?;
    // A log without its head would begin anew, over the records that are there.
    for key in known.into_inner().headless() {
        sink.put(&key, Some(Bytes::from_static(LOST)))?;
    }
    Ok(())
}

/// In place of a head that can't be read: that is damage, as it was.
const LOST: &[u8] = b"lost";

/// Where the rows go.
struct Sink<'a, E> {
    engine: &'a E,
    /// What the store says about itself. Written last of all: without it a copy that was
    /// interrupted doesn't open.
    meta: Writes,
    writes: Writes,
    bytes: usize,
}

impl<'a, E: Engine> Sink<'a, E> {
    fn new(engine: &'a E) -> Self {
        Sink { engine, meta: Writes::new(), writes: Writes::new(), bytes: 0 }
    }

    fn put(&mut self, key: &[u8], value: Option<Bytes>) -> Result<(), EngineError> {
        let is_meta = key.first() == Some(&layout::META);
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        let writes = if is_meta { &mut self.meta } else { &mut self.writes };
        writes.insert(key.to_vec(), value);
        if self.writes.len() >= COPY_STEP_ROWS || self.bytes >= COPY_STEP_BYTES {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), EngineError> {
        self.bytes = 0;
        self.engine.apply(std::mem::take(&mut self.writes))?;
        self.engine.sync()
    }

    fn finish(self) -> Result<(), EngineError> {
        self.engine.apply(self.meta)?;
        self.engine.sync()
    }
}
