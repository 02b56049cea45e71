//! Backups: the store as of one commit, and the keys without which it would be another server.
//! A backup is a folder: `store/`, `keys/`, `tls/`, `blobs/` and, written last, `backup.json`.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use parlour_adapters::{
    Kind, OpenError, Options,
    maintenance::{self, Report},
};
use parlour_core::ports::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    data::{self, DataError, DataFolder, write_private},
};

/// Why a backup can't be made or restored.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The target isn't new: a backup never mixes with what is there.
    #[error("{path} is there already and not empty", path = path.display())]
    NotNew {
        /// Which folder.
        path: PathBuf,
    },
    /// Relative paths mean another folder to the server than to the operator.
    #[error("the path must be absolute")]
    Relative,
    /// A file can't be read or written.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Not a backup, or one that was never finished.
    #[error("{path} holds no complete backup", path = path.display())]
    NoBackup {
        /// Which folder.
        path: PathBuf,
    },
    /// The backup lists something that isn't in it any more.
    #[error("{path} is missing from the backup, which is not restored without it", path = path.display())]
    Incomplete {
        /// What is missing.
        path: PathBuf,
    },
    /// The store can't be copied.
    #[error("store: {0}; the server's log says what happened to it")]
    Store(#[from] StoreError),
    /// The backup's store can't be opened or written.
    #[error("store: {0}")]
    Open(#[from] OpenError),
    /// The data folder can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// What a backup says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The release that made it.
    pub version: String,
    /// When it was begun, Unix milliseconds.
    pub begun_ms: u64,
    /// The store adapter it came from.
    pub store: String,
    /// The bucket that attachments are in, and so not in the backup; none where it has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// What it consists of, as paths within it: each has to be there for it to be restored.
    #[serde(default = "parts_always")]
    pub parts: Vec<String>,
}

/// What a backup has that was made before backups listed their parts.
fn parts_always() -> Vec<String> {
    vec![STORE.into(), KEPT[0].into()]
}

/// Attachments, as they are configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachments {
    /// The folder they are in, or were before there was a bucket.
    pub folder: PathBuf,
    /// The bucket they are in.
    pub bucket: Option<String>,
}

/// What a restored backup was.
#[derive(Debug)]
pub struct Restored {
    /// What the store said.
    pub report: Report,
    /// The bucket that its attachments are in, if they weren't in the backup.
    pub bucket: Option<String>,
}

const MANIFEST: &str = "backup.json";
const STORE: &str = "store";
const BLOBS: &str = "blobs";
/// The folders of a data folder that hold small files to keep.
const KEPT: [&str; 2] = ["keys", "tls"];

/// Copies the store and the keys into the new folder `to`, while serving.
/// Attachments are files that never change, so that they are linked where that is possible. They come last:
/// whatever a message of the backup carries is there. What is in a bucket stays there.
pub async fn back_up(
    store: &dyn Store,
    data: &DataFolder,
    attachments: &Attachments,
    to: &Path,
) -> Result<(), BackupError> {
    let blobs = &*attachments.folder;
    if !to.is_absolute() {
        return Err(BackupError::Relative);
    }
    make_new(to)?;
    let mut manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        begun_ms: clock::unix_ms(),
        store: store.info().adapter.into(),
        bucket: attachments.bucket.clone(),
        parts: vec![STORE.into()],
    };
    store.backup(to.join(STORE)).await?;
    for folder in KEPT {
        let names = copy_files(&data.root().join(folder), &to.join(folder))?;
        manifest.parts.extend(names.into_iter().map(|name| format!("{folder}/{name}")));
    }
    if blobs != data.blobs() && !blobs.is_dir() {
        // That of another server, or not mounted.
        return Err(BackupError::Io { path: blobs.into(), error: io::ErrorKind::NotFound.into() });
    }
    let (from, target) = (blobs.to_owned(), to.join(BLOBS));
    let copied = tokio::task::spawn_blocking(move || copy_blobs(&from, &target)).await;
    copied.unwrap_or_else(|error| {
        Err(BackupError::Io { path: blobs.into(), error: io::Error::other(error) })
    })?;
    manifest.parts.extend(to.join(BLOBS).exists().then(|| BLOBS.into()));
    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    // Whoever finds the manifest finds the rest.
    write_private(&to.join(MANIFEST), &text)?;
    Ok(())
}

/// Makes a data folder out of a backup. Its store has a new incarnation, so that clients drop
/// what they know of a future that never was. Blocks for as long as reading it all takes.
pub fn restore(from: &Path, to: &Path, kind: Option<Kind>) -> Result<Restored, BackupError> {
    let incomplete = || BackupError::NoBackup { path: from.into() };
    let text = fs::read(from.join(MANIFEST)).map_err(|_| incomplete())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| incomplete())?;
    let kind = match kind {
        Some(kind) => kind,
        None => manifest.store.parse().map_err(|_| incomplete())?,
    };
    if let Some(missing) = manifest.parts.iter().find(|part| !from.join(part).exists()) {
        return Err(BackupError::Incomplete { path: from.join(missing) });
    }
    let was_there = to.exists();
    make_new(to)?;
    let data = DataFolder::open(to)?;
    let _lock = data.lock()?;
    let restored = fill(from, kind, &data);
    if restored.is_err() {
        // It was empty and is held, so all of it is of this attempt; what can't be removed is marked still.
        let _ = if was_there { clear(to) } else { fs::remove_dir_all(to) };
    }
    Ok(Restored { report: restored?, bucket: manifest.bucket })
}

/// Copies a backup into an empty data folder, which nobody can open before it is whole.
fn fill(from: &Path, kind: Kind, data: &DataFolder) -> Result<Report, BackupError> {
    write_private(&data.restoring(), b"")?;
    let (backup, target) = (Options::new(from.join(STORE)), Options::new(data.store()));
    let report = maintenance::restore(&backup, kind, &target)?;
    for folder in KEPT {
        copy_files(&from.join(folder), &data.root().join(folder))?;
    }
    copy_blobs(&from.join(BLOBS), &data.blobs())?;
    data::remove(&data.restoring())?;
    Ok(report)
}

/// Removes what is in a folder, the mark of a restore last.
fn clear(folder: &Path) -> io::Result<()> {
    let mark = DataFolder::restoring_in(folder);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path != mark {
            fs::remove_file(path)?;
        }
    }
    fs::remove_file(mark)
}

fn make_new(path: &Path) -> Result<(), BackupError> {
    let failed = |error| BackupError::Io { path: path.into(), error };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    match fs::read_dir(path).map_err(failed)?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotNew { path: path.into() }),
    }
}

/// Copies complete attachments, `ORG/HH/HASH`; not those that are being uploaded.
fn copy_blobs(from: &Path, to: &Path) -> Result<(), BackupError> {
    for org in folders(from)?.into_iter().filter(|org| !org.ends_with("uploads")) {
        for shelf in folders(&org)? {
            let below = shelf.strip_prefix(from).unwrap_or(&shelf);
            link_files(&shelf, &to.join(below))?;
        }
    }
    Ok(())
}

/// The folders in a folder; one that isn't there has none.
fn folders(path: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let failed = |error| BackupError::Io { path: path.into(), error };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        found.extend(path.is_dir().then_some(path));
    }
    Ok(found)
}

/// Links the files of one folder into another, or copies them to another file system.
fn link_files(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |path: &Path, error| BackupError::Io { path: path.into(), error };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(to)
        .map_err(|error| failed(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
        let path = entry.map_err(|error| failed(from, error))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let target = to.join(name);
        if fs::hard_link(&path, &target).is_ok() {
            continue;
        }
        match fs::copy(&path, &target) {
            // Removed meanwhile: nobody used it any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&path, error)),
            Ok(_) => {
                let file = fs::File::open(&target).map_err(|error| failed(&target, error))?;
                file.sync_all().map_err(|error| failed(&target, error))?;
            }
        }
    }
    let folder = fs::File::open(to).map_err(|error| failed(to, error))?;
    folder.sync_all().map_err(|error| failed(to, error))
}

/// Copies the files of one folder, private and whole, and says which they are; a folder that isn't
/// there has none.
fn copy_files(from: &Path, to: &Path) -> Result<Vec<String>, BackupError> {
    let failed = |path: &Path, error| BackupError::Io { path: path.into(), error };
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.map_err(|error| failed(from, error))?,
    };
    let mut names = vec![];
    for entry in entries {
        let path = entry.map_err(|error| failed(from, error))?.path();
        let Some(name) = path.file_name().filter(|_| path.is_file()) else { continue };
        let bytes = fs::read(&path).map_err(|error| failed(&path, error))?;
        write_private(&to.join(name), &bytes)?;
        names.push(name.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
