//! A path with delay, loss and a rate, for UDP and TCP alike: a process between two TUN devices,
//! one in the client's namespace and one in the server's. It is told what to do on its input.

mod path;
mod run;
mod tun;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::harness::{Outcome, during, machine};

pub(crate) use run::run;

/// The word that makes this program the relay.
pub(crate) const WORD: &str = "--relay";
/// What it says when it is ready.
const READY: &str = "ready";

/// The running relay, seen from the benchmark. It ends when dropped.
pub(crate) struct Relay {
    child: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

/// IP bytes and packets that have passed for one client address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Towards the client.
    pub(crate) down_bytes: u64,
    pub(crate) down_packets: u64,
    /// Towards the server.
    pub(crate) up_bytes: u64,
    pub(crate) up_packets: u64,
}

impl Relay {
    /// Starts one between the two namespaces. This program must be in the client's.
    pub(crate) fn start() -> Outcome<Self> {
        let myself = std::env::current_exe().map_err(during("own path"))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "setsid"]).arg(myself).arg(WORD);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(during("relay"))?;
        let tell = child.stdin.take().ok_or("no input")?;
        let told = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut relay = Self { child, tell, told };
        let line = relay.line()?;
        if line != READY {
            return Err(format!("relay: {line}"));
        }
        machine::raise(relay.child.id());
        Ok(relay)
    }

    /// Round trip in milliseconds.
    pub(crate) fn rtt(&mut self, ms: u32) -> Outcome {
        self.say(&format!("rtt {ms}"))
    }

    /// Packets lost at random, each way, in percent.
    pub(crate) fn loss(&mut self, percent: u32) -> Outcome {
        self.say(&format!("loss {percent}"))
    }

    /// The rate each way in megabits a second, 0 for any.
    pub(crate) fn rate(&mut self, megabits: u32) -> Outcome {
        self.say(&format!("rate {megabits}"))
    }

    /// Nothing passes for this client address any more.
    pub(crate) fn dark(&mut self, address: &str) -> Outcome {
        self.say(&format!("dark {address}"))
    }

    /// Everything passes again.
    pub(crate) fn light(&mut self) -> Outcome {
        self.say("light")
    }

    /// What has passed for a client address so far.
    pub(crate) fn passed(&mut self, address: &str) -> Outcome<Passed> {
        self.say(&format!("passed {address}"))?;
        let line = self.line()?;
        let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [down_bytes, down_packets, up_bytes, up_packets] = numbers[..] else {
            return Err(format!("relay: {line}"));
        };
        Ok(Passed { down_bytes, down_packets, up_bytes, up_packets })
    }

    fn say(&mut self, line: &str) -> Outcome {
        writeln!(self.tell, "{line}").map_err(during("relay"))
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.told.read_line(&mut line).map_err(during("relay"))?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
