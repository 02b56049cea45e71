//! A client that a script drives line by line: `cargo xtask demo --check` runs two of them.
//!
//! `parlour-demo-client ADDRESS CERTIFICATE-SHA256 TOKEN-FILE CACHE SUBJECT` opens the direct room
//! with SUBJECT; CACHE `-` is one in memory. Each line of standard input is sent as a message.
//! Lines of standard output:
//!
//! - `ready`: the room is open, and what was said before comes next
//! - `got SEQ WHO TEXT`: a message of the room's log, each once; WHO is `me` or `them`
//! - `history`: everything said before has been printed
//! - `sent SEQ TEXT`: the server has it on its disk
//! - `state live` or `state offline`
#![allow(clippy::print_stdout)] // Its lines are what this program is for.

use std::{collections::HashSet, error::Error, path::PathBuf, time::Duration};

use futures_util::StreamExt;
use parlour::{
    CallError, Client, HistoryError, Item, PageError, Place, Room, State, Timeline, Trust,
    protocol::wire::ErrorReason,
};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const PAGE: u32 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, token_file, cache, subject] = &words[..] else {
        return Err("parlour-demo-client ADDRESS CERTIFICATE TOKEN-FILE CACHE SUBJECT".into());
    };
    let token = std::fs::read_to_string(token_file)?;
    let builder = Client::builder()
        .address(address)
        .token(token.trim())
        .trust(Trust::parse_sha256(certificate).ok_or("not a SHA-256 hash")?);
    let builder = match cache.as_str() {
        "-" => builder,
        path => builder.cache(PathBuf::from(path)),
    };
    let client = builder.connect().await?;
    let room = open(&client, subject).await?;
    println!("ready");
    let mut timeline = room.timeline().await?;
    let mut shown = Shown::default();
    shown.print(&client, timeline.items());
    load_history(&timeline).await?;
    shown.print(&client, timeline.refresh());
    println!("history");
    talk(&client, &room, &mut timeline, shown).await
}

/// The direct room; whoever it is with may not have connected yet.
async fn open(client: &Client, subject: &str) -> Outcome<Room> {
    for _ in 0..100 {
        match client.open_direct(subject).await {
            Err(error) if is_too_early(&error) => {}
            other => return Ok(other?),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("{subject} never came").into())
}

/// Reads back to the room's first event. A page that something new came in between is asked for
/// again.
async fn load_history(timeline: &Timeline) -> Outcome {
    for _ in 0..100 {
        match timeline.load_older(PAGE).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(HistoryError::Page(PageError::Interrupted | PageError::Offline)) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err("history has no beginning".into())
}

fn is_too_early(error: &CallError) -> bool {
    error.reason() == Some(ErrorReason::UserNotFound)
}

/// Sends what is typed and prints what happens, until standard input ends.
async fn talk(client: &Client, room: &Room, timeline: &mut Timeline, mut shown: Shown) -> Outcome {
    let mut lines = BufReader::new(stdin()).lines();
    let mut states = client.state();
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(line) = line? else { break };
                let queued = room.queue(line.as_str()).await?;
                tokio::spawn(async move {
                    match queued.sent().await {
                        Ok(sent) => println!("sent {} {line}", sent.seq),
                        Err(error) => eprintln!("{line}: {error}"),
                    }
                });
            }
            diff = timeline.next() => {
                if diff.is_none() {
                    break;
                }
                shown.print(client, timeline.items());
            }
            state = states.next() => match state {
                Some(State::Live) => println!("state live"),
                Some(State::Offline { .. }) => println!("state offline"),
                Some(State::Stopped(why)) => return Err(format!("stopped: {why:?}").into()),
                Some(_) => {}
                None => break,
            },
        }
    }
    client.disconnect().await;
    Ok(())
}

/// The places in the log that were printed.
#[derive(Default)]
struct Shown(HashSet<u64>);

impl Shown {
    fn print(&mut self, client: &Client, items: &[Item]) {
        for message in items.iter().filter_map(Item::message) {
            let Place::Log(seq) = message.place else { continue };
            if self.0.insert(seq) {
                let who = if client.me() == message.sender { "me" } else { "them" };
                println!("got {seq} {who} {}", message.text);
            }
        }
    }
}
