//! A command of ours in a second process, while this one does something else. What it prints is kept,
//! and printed where it is waited for: two that print at once can't be read.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{Outcome, shell};

/// A command that runs. Dropping it ends it.
pub(crate) struct Process {
    child: Child,
    said: PathBuf,
}

impl Process {
    /// Starts `cargo xtask` with these words.
    pub(crate) fn start(words: &[&str]) -> Outcome<Self> {
        let failed = |error: std::io::Error| format!("a second process: {error}");
        let folder = shell::target_dir().join("tmp");
        fs::create_dir_all(&folder).map_err(failed)?;
        let said = folder.join(format!("xtask-{}", words.join("-")));
        let file = File::create(&said).map_err(failed)?;
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(words).stdin(Stdio::null()).stderr(file.try_clone().map_err(failed)?);
        println!(
            "`cargo xtask {}` runs meanwhile; it prints to {}",
            words.join(" "),
            said.display()
        );
        let child = command.stdout(file).spawn().map_err(failed)?;
        Ok(Process { child, said })
    }

    /// Waits for its end and prints what it has printed.
    pub(crate) fn join(mut self) -> Outcome {
        let status = self.child.wait();
        let said = fs::read(&self.said).unwrap_or_default();
        println!("{}", String::from_utf8_lossy(&said));
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("the second process failed: {status}")),
            Err(error) => Err(format!("the second process: {error}")),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Over already, where it was waited for.
        let _ = self.child.kill();
    }
}
