//! Opening sled after whatever ended it. A crash while it writes a snapshot leaves a
//! `snap.*.generating` that the next open takes for a corrupt snapshot; snapshots are derived
//! from the log, so doing without one costs time, never data.

use std::{
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    limits::{SLED_SEGMENT_BYTES, UNLOCK_WAIT_MAX},
    options::{OpenError, Options},
};

/// Opens sled's files in `folder`.
pub(super) fn open(folder: &Path, options: &Options) -> Result<::sled::Db, OpenError> {
    for path in snapshots(folder)? {
        if path.extension().is_some_and(|extension| extension == "generating") {
            tracing::warn!("removing an unfinished snapshot");
            fs::remove_file(path)?;
        }
    }
    match attempt(folder, options) {
        Err(OpenError::Damaged { what }) => {
            tracing::warn!(what, "sled doesn't open, trying again without what is derived");
            set_aside(folder)?;
            attempt(folder, options)
        }
        other => other,
    }
}

/// Renames snapshots so that sled reads its whole log instead, and its `conf`, which only
/// repeats what we open it with and is written anew.
fn set_aside(folder: &Path) -> io::Result<()> {
    let conf = folder.join("conf");
    for path in snapshots(folder)?.into_iter().chain(conf.exists().then_some(conf)) {
        if let Some(name) = path.file_name() {
            let mut aside = std::ffi::OsString::from("aside.");
            aside.push(name);
            fs::rename(&path, folder.join(aside))?;
        }
    }
    Ok(())
}

fn snapshots(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            out.push(entry.path());
        }
    }
    Ok(out)
}

/// One attempt, patient with a lock that this process itself still holds: sled's own threads
/// let go of a closed store a moment later.
fn attempt(folder: &Path, options: &Options) -> Result<::sled::Db, OpenError> {
    let since = Instant::now();
    loop {
        let config = ::sled::Config::new()
            .path(folder)
            .cache_capacity(options.cache_bytes)
            .segment_size(SLED_SEGMENT_BYTES)
            // The writer syncs; a flusher of sled's own would only get in its way.
            .flush_every_ms(None);
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        match opened {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(error)) if is_locked(&error) => {
                if since.elapsed() > UNLOCK_WAIT_MAX {
                    return Err(OpenError::Locked);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Ok(Err(error)) => return Err(open_error(error)),
            Err(_) => {
                return Err(OpenError::Damaged { what: "sled panicked while opening".into() });
            }
        }
    }
}

fn is_locked(error: &::sled::Error) -> bool {
    matches!(error, ::sled::Error::Io(error)
        if error.kind() == io::ErrorKind::Other
            && error.to_string().starts_with("could not acquire lock"))
}

fn open_error(error: ::sled::Error) -> OpenError {
    match error {
        ::sled::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
            OpenError::DiskFull
        }
        // A file shorter than its log says.
        ::sled::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            OpenError::Damaged { what: "sled: a file ends early".into() }
        }
        ::sled::Error::Io(error) => OpenError::Io(error),
        other => OpenError::Damaged { what: other.to_string() },
    }
}
