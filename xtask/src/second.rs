//! A command of ours in a second process, while this one does something else. What it prints is kept,
//! and printed where it is waited for: two that print at once can't be read.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
};

use crate::{Outcome, shell};

/// Where a second process writes what its first one has to know, line by line.
const TELL: &str = "PARLOUR_XTASK_TELL";

/// A command that runs. Dropping it ends it, with whatever it has started; so does the end of this process,
/// however it comes.
pub(crate) struct Process {
    child: Child,
    /// Closed by the system where this process ends; see [`watch`].
    _alive: Option<ChildStdin>,
    said: PathBuf,
    told: PathBuf,
    is_over: bool,
}

impl Process {
    /// Starts `cargo xtask` with these words.
    pub(crate) fn start(words: &[&str]) -> Outcome<Self> {
        let failed = |error: std::io::Error| format!("a second process: {error}");
        let folder = shell::target_dir().join("tmp");
        fs::create_dir_all(&folder).map_err(failed)?;
        let said = folder.join(format!("xtask-{}", words.join("-")));
        let told = said.with_extension("steps");
        let file = File::create(&said).map_err(failed)?;
        // Of an earlier run.
        let _ = fs::remove_file(&told);
        let mut command = Command::new(myself().map_err(failed)?);
        command.args(words).stdin(Stdio::piped()).stderr(file.try_clone().map_err(failed)?);
        command.env(TELL, &told).process_group(0);
        println!(
            "`cargo xtask {}` runs meanwhile; it prints to {}",
            words.join(" "),
            said.display()
        );
        let mut child = command.stdout(file).spawn().map_err(failed)?;
        // Out of the child: to wait for that would close it.
        let alive = child.stdin.take();
        Ok(Process { child, _alive: alive, said, told, is_over: false })
    }

    /// Waits for its end and prints what it has printed. What it has told, line by line.
    pub(crate) fn join(mut self) -> Outcome<Vec<String>> {
        let status = self.child.wait();
        self.is_over = true;
        let said = fs::read(&self.said).unwrap_or_default();
        println!("{}", String::from_utf8_lossy(&said));
        let status = status.map_err(|error| format!("the second process: {error}"))?;
        let told = fs::read_to_string(&self.told);
        let told = told.map_err(|_| format!("the second process ended with {status}"))?;
        Ok(told.lines().map(str::to_owned).collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_over {
            kill_group(self.child.id());
            let _ = self.child.wait();
        }
    }
}

/// This very program. A build meanwhile may have put another in its place, and `current_exe` then names a
/// file that isn't there.
fn myself() -> io::Result<PathBuf> {
    let open = Path::new("/proc/self/exe");
    if open.exists() { Ok(open.to_path_buf()) } else { std::env::current_exe() }
}

/// Ends this process and what it has started when the first one has ended, where this is a second one.
pub(crate) fn watch() {
    if std::env::var_os(TELL).is_none() {
        return;
    }
    thread::spawn(|| {
        // Nothing is ever written to it.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        kill_group(std::process::id());
    });
}

fn kill_group(leader: u32) {
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).status();
}

/// Tells the first process, where this is a second one.
pub(crate) fn tell(lines: impl Iterator<Item = String>) -> Outcome {
    let Some(path) = std::env::var_os(TELL) else { return Ok(()) };
    let text: String = lines.map(|line| line + "\n").collect();
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
#[path = "second_tests.rs"]
mod tests;
