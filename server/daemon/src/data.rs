//! The data folder: who may open it, what lies where in it, and how small files get there whole.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::clock;

/// Why the data folder can't be used.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The system refuses.
    #[error("data folder: {path} can't be used: {error}", path = path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process has it.
    #[error("data folder {path} is in use by another process", path = path.display())]
    InUse {
        /// Which folder.
        path: PathBuf,
    },
    /// A restore began it and was interrupted: what is missing would be missed only later.
    #[error(
        "data folder {path} is half restored: remove it, and restore the backup again",
        path = path.display()
    )]
    HalfRestored {
        /// Which folder.
        path: PathBuf,
    },
    /// A key file that isn't one.
    #[error("data folder: {path} is damaged; restore it from a backup", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
}

/// An existing data folder. Knowing it is not yet owning it: see [`DataFolder::lock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFolder {
    root: PathBuf,
}

/// Proof that no other process works in the folder; ends when dropped.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

impl DataFolder {
    /// Opens the folder, making it (for its owner only) where it isn't there.
    pub fn open(root: &Path) -> Result<Self, DataError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(|error| DataError::Io { path: root.into(), error })?;
        let data = DataFolder { root: root.into() };
        if data.restoring().exists() {
            return Err(DataError::HalfRestored { path: root.into() });
        }
        Ok(data)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The secret keys.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The HS256 key made where none is configured.
    pub fn token_key(&self) -> PathBuf {
        self.keys().join("token.key")
    }

    /// The generated certificates.
    pub fn certificates(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// The SHA-256 of the generated certificates, one per line in hexadecimal: the one in use,
    /// then the one that follows. For clients to pin.
    pub fn certificate_hashes(&self) -> PathBuf {
        self.root.join("certificate.sha256")
    }

    /// The socket of the running server, for its owner only.
    pub fn admin_socket(&self) -> PathBuf {
        self.root.join("admin.sock")
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The folder of attachments, unless another is configured.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// The index of messages: made from the store, and made again where it isn't there.
    pub fn search(&self) -> PathBuf {
        self.root.join("search")
    }

    /// Is there while a backup is being restored into the folder, and if that was interrupted.
    pub fn restoring(&self) -> PathBuf {
        Self::restoring_in(&self.root)
    }

    /// The same, of a folder that can't be opened.
    pub fn restoring_in(root: &Path) -> PathBuf {
        root.join("restoring")
    }

    /// Where a compacted store is made; after the exchange, where the old one is.
    pub fn compacted(&self) -> PathBuf {
        self.root.join("store.compacted")
    }

    /// Removes what a compaction has left: half a copy, or the old store with what was erased;
    /// whether there was anything. For who holds the lock and knows that the store is whole.
    pub fn remove_compacted(&self) -> Result<bool, DataError> {
        let path = self.compacted();
        if fs::symlink_metadata(&path).is_err() {
            return Ok(false);
        }
        // The exchange is durable before its other half goes, and that it went before it is said.
        let removed = sync_folder(&path)
            .and_then(|()| fs::remove_dir_all(&path))
            .and_then(|()| sync_folder(&path));
        removed.map_err(|error| DataError::Io { path, error })?;
        Ok(true)
    }

    /// Takes the folder for this process.
    pub fn lock(&self) -> Result<DataLock, DataError> {
        let path = self.root.join("lock");
        let failed = |error| DataError::Io { path: path.clone(), error };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(DataLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse { path: self.root.clone() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Whether others than the owner can look into it.
    pub fn is_open_to_others(&self) -> Result<bool, DataError> {
        let meta = fs::metadata(&self.root)
            .map_err(|error| DataError::Io { path: self.root.clone(), error })?;
        Ok(meta.permissions().mode() & 0o077 != 0)
    }
}

/// Writes a file that only its owner can read: whole or not at all, also over a power cut.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    let failed = |error| DataError::Io { path: path.into(), error };
    let temporary = temporary(path, bytes).map_err(failed)?;
    let renamed = fs::rename(&temporary, path).and_then(|()| sync_folder(path));
    renamed.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

/// Like [`write_private`], but what is already there stays. Returns the file's content.
pub fn read_or_create(path: &Path, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, DataError> {
    let failed = |error| DataError::Io { path: path.into(), error };
    match fs::read(path) {
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let temporary = temporary(path, &make()).map_err(failed)?;
    // A link doesn't replace what another process has put there in the meantime.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => sync_folder(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    fs::read(path).map_err(failed)
}

fn temporary(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let name = format!(".new-{:016x}", u64::from_be_bytes(clock::random()));
    let temporary = folder.join(name);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(temporary)
}

/// Removes a file, durably.
pub fn remove(path: &Path) -> Result<(), DataError> {
    let removed = fs::remove_file(path).and_then(|()| sync_folder(path));
    removed.map_err(|error| DataError::Io { path: path.into(), error })
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
#[path = "data_tests.rs"]
mod tests;
