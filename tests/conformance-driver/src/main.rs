//! Drives the Rust client for the conformance kit: commands come as JSON lines on standard input, answers and
//! what an application would see go as JSON lines to standard output (`tests/conformance/driver.schema.json`).
#![allow(clippy::print_stdout)] // Its lines are what this program is for.

mod commands;
mod lines;
mod tokens;
mod watch;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    task::AbortHandle,
};

use crate::commands::Driver;

/// What this client can, as the kit calls it.
const CAN: [&str; 13] = [
    "quic",
    "websocket",
    "any",
    "kept",
    "focused",
    "threads",
    "files",
    "search",
    "typing",
    "notify",
    "presence",
    "network_changed",
    "reconnect",
];

type Running = Arc<Mutex<HashMap<u64, AbortHandle>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    say(&json!({"report": "driver", "name": "Rust", "can": CAN}));
    let driver = Arc::new(Driver::new()?);
    let running = Running::default();
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let Ok(said) = serde_json::from_str::<Value>(&line) else { continue };
        if said.get("to").is_some() {
            driver.tokens.give(&said);
        } else if said["do"] == "cancel" {
            cancel(&running, &said);
        } else {
            obey(driver.clone(), running.clone(), said);
        }
    }
    Ok(())
}

/// A line of standard output.
pub(crate) fn say(line: &Value) {
    println!("{line}");
}

/// What is locked is never left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Does a command beside the others, and answers it.
fn obey(driver: Arc<Driver>, running: Running, command: Value) {
    let id = command["id"].as_u64().unwrap_or_default();
    let ended = running.clone();
    let task = tokio::spawn(async move {
        let answer = match driver.obey(&command).await {
            Ok(ok) => json!({"id": id, "ok": ok}),
            Err(error) => json!({"id": id, "error": error}),
        };
        lock(&ended).remove(&id);
        say(&answer);
    });
    if !task.is_finished() {
        lock(&running).insert(id, task.abort_handle());
    }
}

/// Gives up a command: who waits for a call drops it.
fn cancel(running: &Running, said: &Value) {
    let command = said["command"].as_u64().unwrap_or_default();
    if let Some(task) = lock(running).remove(&command) {
        task.abort();
        say(&json!({"id": command, "error": {"kind": "cancelled"}}));
    }
    say(&json!({"id": said["id"], "ok": {}}));
}
