//! The link somebody came with, kept so that it need not be given again: its code is good once, but it
//! says where the server is and which login is meant.

use std::{fs, io::Write, path::PathBuf};

use crate::args::{at, state_folder};

/// The link that was given, or the last one.
pub(crate) fn known(given: Option<&str>) -> Result<String, String> {
    if let Some(link) = given {
        return Ok(link.trim().to_owned());
    }
    let last = fs::read_to_string(folder()?.join("last-link"));
    let none = "give a sign-in link or an invite, or --address with a token; see --help";
    last.map(|link| link.trim().to_owned()).map_err(|_| none.to_owned())
}

/// Where messages of that link's account are kept.
pub(crate) fn cache(link: &str) -> Result<PathBuf, String> {
    // FNV-1a: the same in every release, and no secret.
    let add = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = link.bytes().fold(0xcbf2_9ce4_8422_2325, add);
    Ok(folder()?.join(format!("link-{hash:016x}.sqlite")))
}

/// Keeps the link for the next time, for its owner only.
pub(crate) fn keep(link: &str) -> Result<(), String> {
    let folder = folder()?;
    fs::create_dir_all(&folder).map_err(|error| at(&folder, &error))?;
    let path = folder.join("last-link");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(|error| at(&path, &error))?;
    file.write_all(link.as_bytes()).map_err(|error| at(&path, &error))
}

fn folder() -> Result<PathBuf, String> {
    let folder = state_folder().ok_or("no home folder: give --cache")?;
    Ok(folder.join("parlour-chat"))
}
