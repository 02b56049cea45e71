//! What is kept of a login between two runs: a small file that only its owner can read.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use prost::Message;

/// What a login is kept by.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Kept {
    /// As the server called it; empty before the first sign-in.
    #[prost(bytes = "vec", tag = "1")]
    pub(super) login: Vec<u8>,
    /// What it is shown with.
    #[prost(bytes = "vec", tag = "2")]
    pub(super) secret: Vec<u8>,
    /// What it will be shown with after a sign-in that is under way.
    #[prost(bytes = "vec", tag = "3")]
    pub(super) next: Vec<u8>,
    /// The server's address: the secret is for nobody else.
    #[prost(string, tag = "4")]
    pub(super) server: String,
}

/// The file, or nothing that outlives the client.
pub(super) struct Keeper {
    path: Option<PathBuf>,
}

impl Keeper {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Keeper { path }
    }

    /// What the file holds; nothing where it isn't there or isn't one of ours.
    pub(super) fn load(&mut self) -> io::Result<Kept> {
        let Some(path) = &self.path else { return Ok(Kept::default()) };
        match fs::read(path) {
            Ok(bytes) => Ok(Kept::decode(&bytes[..]).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file, so that there is a whole one at any time.
    pub(super) fn save(&mut self, kept: &Kept) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let beside = beside(path);
        // One that was left behind may be somebody else's to read.
        if let Err(error) = fs::remove_file(&beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&kept.encode_to_vec())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        sync_folder(path)
    }

    pub(super) fn remove(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// After it, the file that was renamed is there after a power cut, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    #[cfg(unix)]
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    let _ = folder;
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
