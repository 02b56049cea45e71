//! The folder that an export is written into: files of lines, and files of bytes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::Value;

use super::{ExportError, Summary};
use crate::{
    data::write_private,
    json::{CONTRACT, Form, write},
};

/// A new folder, readable by its owner only.
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    pub(super) fn new(root: &Path) -> Result<Self, ExportError> {
        if !root.is_absolute() {
            return Err(ExportError::Relative);
        }
        make(root)?;
        let failed = |error| ExportError::Io { path: root.into(), error };
        if fs::read_dir(root).map_err(failed)?.next().is_some() {
            return Err(ExportError::NotNew { path: root.into() });
        }
        Ok(Folder { root: root.into() })
    }

    /// A file of JSON, one value a line.
    pub(super) fn lines(&self, name: &str) -> Result<Lines, ExportError> {
        Ok(Lines { file: self.bytes(name)? })
    }

    /// A file of bytes.
    pub(super) fn bytes(&self, name: &str) -> Result<Output, ExportError> {
        let path = self.root.join(name);
        if let Some(folder) = path.parent() {
            make(folder)?;
        }
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match made {
            Ok(file) => Ok(Output { file: BufWriter::new(file), path }),
            Err(error) => Err(ExportError::Io { path, error }),
        }
    }

    /// A file that didn't become whole.
    pub(super) fn remove(&self, name: &str) -> Result<(), ExportError> {
        let path = self.root.join(name);
        fs::remove_file(&path).map_err(|error| ExportError::Io { path, error })
    }

    /// Whoever finds `export.json` finds the rest.
    pub(super) fn finish(&self, summary: &Summary) -> Result<(), ExportError> {
        let path = self.root.join("export.json");
        let text = serde_json::to_vec_pretty(summary).map_err(|_| ExportError::Json)?;
        let failed = |error: crate::data::DataError| ExportError::Io {
            path: path.clone(),
            error: io::Error::other(error),
        };
        write_private(&path, &text).map_err(failed)
    }
}

fn make(folder: &Path) -> Result<(), ExportError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| ExportError::Io { path: folder.into(), error })
}

/// A file that is being written.
pub(super) struct Output {
    file: BufWriter<File>,
    path: PathBuf,
}

impl Output {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), ExportError> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| ExportError::Io { path: self.path.clone(), error })
    }

    /// It is whole, and on the disk.
    pub(super) fn finish(mut self) -> Result<(), ExportError> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.map_err(|error| ExportError::Io { path: self.path, error })
    }
}

/// A file of JSON lines that is being written.
pub(super) struct Lines {
    file: Output,
}

impl Lines {
    /// A message of that kind, as a line.
    pub(super) fn message(&mut self, name: &str, bytes: Bytes) -> Result<(), ExportError> {
        self.value(&json_of(name, bytes)?)
    }

    pub(super) fn value(&mut self, value: &Value) -> Result<(), ExportError> {
        let mut line = serde_json::to_vec(value).map_err(|_| ExportError::Json)?;
        line.push(b'\n');
        self.file.write(&line)
    }

    pub(super) fn finish(self) -> Result<(), ExportError> {
        self.file.finish()
    }
}

/// A message of that kind as JSON: ids as UUIDs, hashes in hexadecimal digits, bodies of events as objects.
pub(super) fn json_of(name: &str, bytes: Bytes) -> Result<Value, ExportError> {
    let message = CONTRACT.pool.get_message_by_name(name).ok_or(ExportError::Json)?;
    write(&message, bytes, Form::Plain).map_err(|_| ExportError::Json)
}
