//! A language's program: started on both cores, since its client works beside the generator, and heard line by line.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Outcome, during};

/// How long the next line may take: a tenth of ten thousand connections.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Program {
    child: Child,
    lines: Receiver<Value>,
}

impl Program {
    /// Starts a command of the shell with these words behind it.
    pub(crate) fn start(command: &str, words: &[&str]) -> Outcome<Self> {
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "taskset", "-c", "0,1", "sh", "-c"])
            .arg(format!("exec {command} \"$@\""))
            .arg("sh")
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(during(command))?;
        let out = child.stdout.take().ok_or("no output")?;
        let (tell, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let Ok(value) = serde_json::from_str(&line) else { continue };
                if tell.send(value).is_err() {
                    return;
                }
            }
        });
        Ok(Program { child, lines })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next line, which has to have it.
    pub(crate) fn await_word(&mut self, name: &str) -> Outcome<Value> {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.map_err(|_| format!("the program ended, or said no `{name}`"))?;
        line.get(name).cloned().ok_or_else(|| format!("no `{name}` in {line}"))
    }

    /// The same where it is a number.
    pub(crate) fn await_number(&mut self, name: &str) -> Outcome<f64> {
        self.await_word(name)?.as_f64().ok_or_else(|| format!("`{name}` is no number"))
    }

    /// Numbers of the next line, in that order.
    pub(crate) fn await_numbers<const N: usize>(&mut self, names: [&str; N]) -> Outcome<[f64; N]> {
        let line = self.lines.recv_timeout(PATIENCE).map_err(|_| "the program ended")?;
        let mut numbers = [0.0; N];
        for (number, name) in numbers.iter_mut().zip(names) {
            let value = line.get(name).and_then(Value::as_f64);
            *number = value.ok_or_else(|| format!("no `{name}` in {line}"))?;
        }
        Ok(numbers)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
