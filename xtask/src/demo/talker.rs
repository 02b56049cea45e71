//! One client process: what it is told to say, and what it said it heard.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::site::{Server, Site};
use crate::{Outcome, shell};

/// A message of the room's log as a client printed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Heard {
    pub(super) seq: u64,
    pub(super) text: String,
}

/// A client process. It ends with its handle.
pub(super) struct Talker {
    pub(super) name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    /// The log as it heard it, in that order.
    pub(super) heard: Vec<Heard>,
    /// What the server acknowledged.
    pub(super) acknowledged: Vec<Heard>,
    other: Vec<String>,
}

impl Talker {
    /// Starts a client of `name` that talks with `with`. `cache` is a file's name, or `-`.
    pub(super) fn start(
        site: &Site,
        server: &Server,
        name: &'static str,
        with: &str,
        cache: &str,
    ) -> Outcome<Self> {
        let mut command = shell::program(site.program("parlour-demo-client"), &[]);
        command.args([&server.address, &server.certificate]).arg(site.token_file(name));
        match cache {
            "-" => command.arg("-"),
            file => command.arg(site.file(file)),
        };
        command.arg(with).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("client of {name}: {error}"))?;
        let output = child.stdout.take().ok_or("no standard output")?;
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            let mut all = BufReader::new(output).lines().map_while(Result::ok);
            // Ends with the client's output, or when nobody listens any more.
            while all.next().is_some_and(|line| tell.send(line).is_ok()) {}
        });
        let input = child.stdin.take();
        let (heard, acknowledged, other) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Talker { name, child, input, lines, heard, acknowledged, other })
    }

    /// Says something: it is queued, and sent when it can be.
    pub(super) fn say(&mut self, text: &str) -> Outcome {
        let input = self.input.as_mut().ok_or("the client has ended")?;
        writeln!(input, "{text}").and_then(|()| input.flush()).map_err(|error| error.to_string())
    }

    /// Reads on until `done`, at most for `within`.
    pub(super) fn until(
        &mut self,
        what: &str,
        within: Duration,
        done: impl Fn(&Self) -> bool,
    ) -> Outcome {
        let deadline = Instant::now() + within;
        while !done(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.take(line),
                Err(why) => {
                    let ended = why == mpsc::RecvTimeoutError::Disconnected;
                    let why = if ended {
                        "its process ended".into()
                    } else {
                        format!("{within:?} passed")
                    };
                    let (heard, acknowledged) = (self.heard.len(), self.acknowledged.len());
                    return Err(format!(
                        "{}: not {what}: {why}, {heard} heard, {acknowledged} acknowledged",
                        self.name
                    ));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, line: String) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let message = |seq: &str, text: String| seq.parse().ok().map(|seq| Heard { seq, text });
        match words[..] {
            ["got", seq, _, text] => self.heard.extend(message(seq, text.to_owned())),
            ["sent", seq, first, rest] => {
                self.acknowledged.extend(message(seq, format!("{first} {rest}")));
            }
            ["sent", seq, text] => self.acknowledged.extend(message(seq, text.to_owned())),
            _ => self.other.push(line),
        }
    }

    /// Whether it has printed this line, of those that aren't about messages.
    pub(super) fn printed(&self, line: &str) -> bool {
        self.other.iter().any(|other| other == line)
    }

    /// Ends its input, and waits for the clean end that has to follow.
    pub(super) fn end(mut self) -> Outcome {
        drop(self.input.take());
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("client of {} ended: {status}", self.name)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
