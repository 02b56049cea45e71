//! What an embedded engine has to give: an ordered map of bytes with atomic writes. Everything
//! else (layout, checksums, group commit, backup) is written once, over this.

use std::{
    collections::BTreeMap,
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use bytes::Bytes;

use super::salvage;
use crate::options::{OpenError, Options};

/// Writes that an engine applies together; `None` removes the key.
pub type Writes = BTreeMap<Vec<u8>, Option<Bytes>>;

/// Called for each row of a scan, in order.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Called for each row that could be saved; without a value the row is gone.
pub type Save<'a> = dyn FnMut(&[u8], Option<&[u8]>) -> ControlFlow<()> + 'a;

/// A key that lies between two, where one may be there.
pub type Guess<'a> = dyn Fn(&[u8], &[u8]) -> Option<Vec<u8>> + 'a;

/// What went wrong inside an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A page or block fails the engine's own checks.
    #[error("engine found damage: {0}")]
    Damaged(String),
    /// The disk said no; the engine has to be opened again.
    #[error("i/o error: {0}")]
    Io(#[from] io::Error),
}

/// An ordered map of bytes on disk.
pub trait Engine: Send + Sync + Sized + 'static {
    /// The adapter's name.
    const NAME: &'static str;
    /// Whether a journal stands in front: then `apply` need not be durable, and is replayed.
    const JOURNALED: bool;

    /// Opens or makes the engine's files in `folder`, which exists and is locked by the caller.
    fn open(folder: &Path, options: &Options) -> Result<Self, OpenError>;

    /// Whether `folder` holds this engine's files.
    fn is_in(folder: &Path) -> bool;

    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, EngineError>;

    /// Rows with `from <= key < to`, until `visit` breaks.
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), EngineError>;

    /// Shows whatever can be read, past what can't be, until `save` breaks. What is shown later
    /// stands over what was shown before. `guess` tells where more may be.
    fn salvage(&self, guess: &Guess<'_>, save: &mut Save<'_>) -> Result<(), EngineError> {
        salvage::around(self, guess, save)
    }

    /// Applies all writes or none.
    fn apply(&self, writes: Writes) -> Result<(), EngineError>;

    /// Makes durable what was applied before the call.
    fn sync(&self) -> Result<(), EngineError>;
}

/// Runs engine code. An engine asserts where it could report: on a damaged file a panic is
/// damage met, and must not take the caller with it.
pub(crate) fn shielded<T, F: Into<EngineError>>(
    work: impl FnOnce() -> Result<T, F>,
) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(EngineError::Damaged("the engine panicked".into())),
    }
}
