//! Which layout is on disk, and the way from older ones to this. Also the incarnation.

use bytes::Bytes;

use super::{
    engine::{Engine, EngineError, Writes},
    layout,
    plan::TALLY,
    rows::{self, Whole},
    tally::Tally,
};
use crate::options::OpenError;

/// The layout this release writes.
pub(crate) const CURRENT: u32 = 2;

/// How to come from schema `index + 1` to the next: called with the opened engine, returns the
/// writes of the whole step, which are applied together with the new number.
type Migration<E> = fn(&E) -> Result<Writes, EngineError>;

/// One step per schema before [`CURRENT`]. A step is never changed once released.
fn migrations<E: Engine>() -> [Migration<E>; CURRENT as usize - 1] {
    // 1 to 2: rows in blocks, which the engine that has them does by itself when it is opened.
    [|_| Ok(Writes::new())]
}

const SCHEMA: &str = "schema";
const INCARNATION: &str = "incarnation";

/// What a store knows about itself when it has been opened.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) incarnation: [u8; 16],
    pub(crate) tally: Tally,
}

/// Reads a store's identity, bringing an older layout up to date. `None` for an empty engine.
pub(crate) fn load<E: Engine>(engine: &E) -> Result<Option<Identity>, OpenError> {
    let Some(found) = number(engine)? else {
        return if is_empty(engine)? { Ok(None) } else { Err(damaged("schema row is missing")) };
    };
    migrate(engine, found)?;
    let incarnation = meta(engine, INCARNATION)?.ok_or_else(|| damaged("no incarnation"))?;
    let incarnation = incarnation[..].try_into().map_err(|_| damaged("incarnation"))?;
    let tally = meta(engine, TALLY)?.ok_or_else(|| damaged("tally row is missing"))?;
    let tally = Tally::from_body(&tally).ok_or_else(|| damaged("tally row"))?;
    Ok(Some(Identity { incarnation, tally }))
}

/// The number of the schema that a store says it has.
pub(crate) fn number<E: Engine>(engine: &E) -> Result<Option<u32>, OpenError> {
    let Some(row) = meta(engine, SCHEMA)? else { return Ok(None) };
    let number = row[..].try_into().map(u32::from_be_bytes);
    number.map(Some).map_err(|_| damaged("schema row"))
}

/// Makes an empty engine a store.
pub(crate) fn create<E: Engine>(engine: &E) -> Result<Identity, OpenError> {
    let identity = Identity { incarnation: new_incarnation()?, tally: Tally::default() };
    let mut writes = Writes::new();
    put(&mut writes, SCHEMA, &CURRENT.to_be_bytes());
    put(&mut writes, INCARNATION, &identity.incarnation);
    put(&mut writes, TALLY, &identity.tally.to_body());
    engine.apply(writes).map_err(open_error)?;
    engine.sync().map_err(open_error)?;
    Ok(identity)
}

/// Writes that give a store the present schema's number.
pub(crate) fn mark() -> Writes {
    let mut writes = Writes::new();
    put(&mut writes, SCHEMA, &CURRENT.to_be_bytes());
    writes
}

/// Writes that give a store a new incarnation.
pub(crate) fn renewed() -> Result<Writes, OpenError> {
    let mut writes = Writes::new();
    put(&mut writes, INCARNATION, &new_incarnation()?);
    Ok(writes)
}

/// Writes that give a store another tally.
pub(crate) fn tallied(tally: &Tally) -> Writes {
    let mut writes = Writes::new();
    put(&mut writes, TALLY, &tally.to_body());
    writes
}

fn migrate<E: Engine>(engine: &E, found: u32) -> Result<(), OpenError> {
    if found > CURRENT {
        return Err(OpenError::NewerSchema { found, known: CURRENT });
    }
    if found == 0 {
        return Err(damaged("schema 0"));
    }
    let steps = migrations::<E>();
    for (from, step) in (1..).zip(steps.iter()).skip(found as usize - 1) {
        tracing::info!(from, "migrating the store");
        let mut writes = step(engine).map_err(open_error)?;
        put(&mut writes, SCHEMA, &(from + 1_u32).to_be_bytes());
        engine.apply(writes).map_err(open_error)?;
        engine.sync().map_err(open_error)?;
    }
    Ok(())
}

fn new_incarnation() -> Result<[u8; 16], OpenError> {
    let mut out = [0; 16];
    getrandom::fill(&mut out).map_err(|error| OpenError::Io(std::io::Error::other(error)))?;
    Ok(out)
}

fn meta<E: Engine>(engine: &E, name: &str) -> Result<Option<Bytes>, OpenError> {
    match rows::read(engine, &layout::meta_key(name)).map_err(open_error)? {
        Whole::Absent => Ok(None),
        Whole::Body(body, _) => Ok(Some(body)),
        Whole::Damaged => Err(damaged(name)),
    }
}

fn put(writes: &mut Writes, name: &str, body: &[u8]) {
    layout::put(writes, &layout::meta_key(name), body);
}

fn is_empty<E: Engine>(engine: &E) -> Result<bool, OpenError> {
    let mut empty = true;
    let mut visit = |_: &[u8], _: &[u8]| {
        empty = false;
        std::ops::ControlFlow::Break(())
    };
    engine.scan(&[layout::META], &[layout::END], false, &mut visit).map_err(open_error)?;
    Ok(empty)
}

fn damaged(what: &str) -> OpenError {
    OpenError::Damaged { what: what.into() }
}

/// An engine's error while opening.
pub(crate) fn open_error(error: EngineError) -> OpenError {
    match error {
        EngineError::Damaged(what) => OpenError::Damaged { what },
        EngineError::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            OpenError::DiskFull
        }
        EngineError::Io(error) => OpenError::Io(error),
    }
}
