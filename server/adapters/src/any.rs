//! Which store an installation uses, by name.

use std::{fmt, path::Path, str::FromStr, sync::Arc};

use parlour_core::ports::store::Store;

use crate::{
    kv::engine::Engine,
    memory::Memory,
    options::{OpenError, Options},
    redb::{Redb, RedbEngine},
    sled::{Sled, SledEngine},
};

/// A kind of store.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In memory: for tests and trials, gone with the process.
    Memory,
    /// sled: the default.
    Sled,
    /// redb: the second embedded engine.
    Redb,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[Kind::Memory, Kind::Sled, Kind::Redb];

    /// The name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Memory => "memory",
            Kind::Sled => SledEngine::NAME,
            Kind::Redb => RedbEngine::NAME,
        }
    }

    /// The kind of the store in a folder, if there is one.
    pub fn detect(path: &Path) -> Option<Kind> {
        if SledEngine::is_in(&path.join(SledEngine::NAME)) {
            Some(Kind::Sled)
        } else if RedbEngine::is_in(&path.join(RedbEngine::NAME)) {
            Some(Kind::Redb)
        } else {
            None
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == text).ok_or(UnknownKind)
    }
}

/// No store has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no store of this name: memory, sled or redb")]
pub struct UnknownKind;

/// Opens a store of this kind, or makes one. Recovery runs on a blocking thread.
pub async fn open(kind: Kind, options: Options) -> Result<Arc<dyn Store>, OpenError> {
    let opening = tokio::task::spawn_blocking(move || open_blocking(kind, options));
    opening.await.map_err(|_| OpenError::Damaged { what: "opening panicked".into() })?
}

fn open_blocking(kind: Kind, options: Options) -> Result<Arc<dyn Store>, OpenError> {
    // A folder of another kind would stay where it is, and its data would seem gone.
    if let Some(found) = Kind::detect(&options.path)
        && found != kind
        && kind != Kind::Memory
    {
        return Err(OpenError::OtherKind { found });
    }
    Ok(match kind {
        Kind::Memory => {
            let mut incarnation = [0; 16];
            getrandom::fill(&mut incarnation).map_err(std::io::Error::other)?;
            Arc::new(Memory::new(incarnation))
        }
        Kind::Sled => Arc::new(Sled::open(options)?),
        Kind::Redb => Arc::new(Redb::open(options)?),
    })
}
