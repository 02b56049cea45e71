//! Where keys come from: the configuration itself, PEM and secret files, key sets. Files are
//! watched by asking for their metadata, which costs a system call per file and second.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use jsonwebtoken::jwk::JwkSet;

use super::{Algorithm, Key, KeyError};
use crate::limits;

/// One place keys come from.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// An HS256 secret, in base64, in the configuration itself.
    Secret {
        /// The `kid`.
        id: String,
        /// The secret in base64.
        secret: String,
    },
    /// A file holding an HS256 secret in base64.
    SecretFile {
        /// The `kid`.
        id: String,
        /// The file.
        path: PathBuf,
    },
    /// A public key in PEM.
    PublicKeyFile {
        /// The `kid`.
        id: String,
        /// What it verifies.
        algorithm: Algorithm,
        /// The file.
        path: PathBuf,
    },
    /// A JSON Web Key Set (RFC 7517).
    KeySet {
        /// The file.
        path: PathBuf,
    },
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path() {
            Some(path) => write!(f, "KeySource({})", path.display()),
            None => f.write_str("KeySource(inline)"),
        }
    }
}

impl KeySource {
    /// The file to watch; none for a key in the configuration.
    pub fn path(&self) -> Option<&Path> {
        match self {
            KeySource::Secret { .. } => None,
            KeySource::SecretFile { path, .. }
            | KeySource::PublicKeyFile { path, .. }
            | KeySource::KeySet { path } => Some(path),
        }
    }

    /// Reads the keys.
    pub fn load(&self) -> Result<Vec<Key>, KeyError> {
        match self {
            KeySource::Secret { id, secret } => Ok(vec![Key::from_secret(id, secret)?]),
            KeySource::SecretFile { id, path } => {
                let text = String::from_utf8(read(path)?)
                    .map_err(|_| KeyError::NotBase64 { id: id.clone() })?;
                Ok(vec![Key::from_secret(id, &text)?])
            }
            KeySource::PublicKeyFile { id, algorithm, path } => {
                Ok(vec![Key::from_pem(id, *algorithm, &read(path)?)?])
            }
            KeySource::KeySet { path } => {
                let set: JwkSet = serde_json::from_slice(&read(path)?)
                    .map_err(|_| KeyError::KeySet { path: path.clone() })?;
                set.keys.iter().filter_map(Key::from_jwk).collect()
            }
        }
    }

    pub(super) fn stamp(&self) -> Stamp {
        self.path().map_or(Stamp::Inline, Stamp::of)
    }
}

/// What tells one state of a file from the next without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stamp {
    /// No file.
    Inline,
    /// The file isn't there.
    Missing,
    /// The file can't be looked at; treated like no change.
    Unknown,
    /// Inode, length, change and modification time: an editor or a rename alters one of them.
    Present {
        /// Inode and length.
        what: (u64, u64),
        /// Modification time in seconds and nanoseconds.
        modified: (i64, i64),
        /// Change time in seconds and nanoseconds.
        changed: (i64, i64),
    },
}

impl Stamp {
    /// The present state of a file.
    pub(crate) fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Ok(meta) => Stamp::Present {
                what: (meta.ino(), meta.len()),
                modified: (meta.mtime(), meta.mtime_nsec()),
                changed: (meta.ctime(), meta.ctime_nsec()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stamp::Missing,
            Err(_) => Stamp::Unknown,
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let failed = |error| KeyError::Read { path: path.into(), error };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > limits::KEY_FILE_BYTES_MAX {
        return Err(failed(io::Error::from(io::ErrorKind::FileTooLarge)));
    }
    fs::read(path).map_err(failed)
}
