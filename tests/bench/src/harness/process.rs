//! Servers as processes of their own: pinned to the first core, in a session of their own, ended
//! with this program however it ends.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Outcome, during, machine};

const START: Duration = Duration::from_secs(30);
const SERVER_CORE: &str = "0";
const GENERATOR_CORE: &str = "1";

/// Says that this program runs where `pin_self` has put it.
const PINNED: &str = "PARLOUR_BENCH_PINNED";

/// Where and how to start a server.
#[derive(Clone, Default)]
pub(crate) struct Launch {
    program: OsString,
    words: Vec<OsString>,
    namespace: Option<String>,
    env: Vec<(String, String)>,
}

impl Launch {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self { program: program.as_ref().to_owned(), ..Self::default() }
    }

    pub(crate) fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    pub(crate) fn option(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.word(name).word(value)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs in a network namespace.
    pub(crate) fn within(mut self, namespace: Option<&str>) -> Self {
        self.namespace = namespace.map(ToOwned::to_owned);
        self
    }

    /// Starts it, and waits for a line that begins with `ready`; hands back what follows there.
    pub(crate) fn start(&self, ready: &str) -> Outcome<(Process, String)> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let name = self.program.to_string_lossy().into_owned();
        let child = command.spawn().map_err(during(&name))?;
        let mut process = Process { child };
        let out = process.child.stdout.take().ok_or("no output")?;
        let said = line_after(out, ready.to_owned())
            .ok_or_else(|| format!("{name} ended or said nothing for {} s", START.as_secs()))?;
        machine::raise(process.pid());
        Ok((process, said))
    }

    /// Starts it without waiting for anything it says.
    pub(crate) fn spawn(&self) -> Outcome<Process> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(during(&self.program.to_string_lossy()))?;
        machine::raise(child.id());
        Ok(Process { child })
    }

    /// Every word of the chain replaces itself by the next, so the child's id is the server's.
    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "setsid", "taskset", "-c", SERVER_CORE]);
        if let Some(namespace) = &self.namespace {
            command.args(["ip", "netns", "exec", namespace]);
        }
        command.arg(&self.program).args(&self.words);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Reads until a line begins with `ready`, and keeps reading afterwards so that the pipe is never
/// full.
fn line_after(out: impl Read + Send + 'static, ready: String) -> Option<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix(&ready) {
                let _ = tell.send(rest.trim().to_owned());
            }
        }
    });
    told.recv_timeout(START).ok()
}

/// A running server; killed when dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and ends it after a while.
    pub(crate) fn stop(&mut self, patience: Duration) {
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts this program again on the second core, in a session of its own; hands back how that
/// ended, or `None` if this already is that program.
pub(crate) fn pin_self() -> Outcome<Option<u8>> {
    if where_pinned().is_some() {
        machine::raise(std::process::id());
        return Ok(None);
    }
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    run_self(None, &words).map(Some)
}

/// The namespace this program was put in by `run_self`, empty for none; `None` if it wasn't.
pub(crate) fn where_pinned() -> Option<String> {
    std::env::var(PINNED).ok()
}

/// Runs this program on the second core, in a network namespace if one is named.
pub(crate) fn run_self(namespace: Option<&str>, words: &[OsString]) -> Outcome<u8> {
    let myself = std::env::current_exe().map_err(during("own path"))?;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "setsid", "taskset", "-c", GENERATOR_CORE]);
    if let Some(namespace) = namespace {
        command.args(["ip", "netns", "exec", namespace]);
    }
    command.arg(myself).args(words).env(PINNED, namespace.unwrap_or_default());
    let status = command.status().map_err(during("starting on the second core"))?;
    Ok(status.code().map_or(1, |code| code as u8))
}
