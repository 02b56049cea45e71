//! A disk that is soon full: a tmpfs of 24 MB, which only root can mount.

use std::{path::Path, process::Command};

const SIZE: &str = "size=24m";

/// A mounted tmpfs, unmounted when it goes.
pub(crate) struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// Mounts an empty one.
    pub(crate) fn mount() -> Result<Disk, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder.path());
        match mount.status() {
            Ok(status) if status.success() => Ok(Disk { folder }),
            Ok(status) => Err(format!("mount: {status}; this proof needs to be run as root")),
            Err(error) => Err(format!("mount: {error}")),
        }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}
