//! What the other languages' programs do, by the Rust client itself.

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use parlour::{Client, Room, Trust};
use serde_json::{Value, json};

use crate::harness::{Outcome, during};
use crate::swarm::world::POST_BYTES;

/// The first word of this program when it is the language's.
pub(crate) const WORD: &str = "language-rust";

/// This program's command as the language's.
pub(crate) fn command() -> Outcome<String> {
    let myself = std::env::current_exe().map_err(during("own path"))?;
    Ok(format!("'{}' {WORD}", myself.display()))
}

pub(crate) fn run_part(words: &[String]) -> Outcome {
    let [address, sha256, token, what, count] = words else {
        return Err(format!("{WORD} ADDRESS SHA256 TOKEN WHAT COUNT"));
    };
    let count: u64 = count.parse().map_err(during("count"))?;
    // As many threads as the library for other languages has.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(during("runtime"))?;
    runtime.block_on(async {
        if what == "connects" {
            return connects(address, sha256, token, count).await;
        }
        let client = connect(address, sha256, token).await?;
        let done = match &**what {
            "calls" => calls(&client, count).await,
            _ => events(&client, count).await,
        };
        client.disconnect().await;
        done
    })
}

async fn connect(address: &str, sha256: &str, token: &str) -> Outcome<Client> {
    let trust = Trust::parse_sha256(sha256).ok_or("not a hash")?;
    let builder = Client::builder().address(address).token(token).trust(trust);
    builder.connect().await.map_err(during("connect"))
}

#[allow(clippy::print_stdout, reason = "what this program is for")]
fn say(line: &Value) {
    println!("{line}");
}

async fn calls(client: &Client, count: u64) -> Outcome {
    let room = first_room(client).await?;
    let begin = Instant::now();
    for _ in 0..count {
        black_box(client.current_state());
    }
    let plain = begin.elapsed().as_nanos() as f64 / count as f64;
    let asked = nanoseconds(count / 10, || async { room.summary().await.map(drop) }).await?;
    let text = "x".repeat(POST_BYTES);
    let sent = nanoseconds(count / 100, || async { room.send(&*text).await.map(drop) }).await?;
    say(&json!({ "plain": plain, "asked": asked, "sent": sent }));
    Ok(())
}

async fn nanoseconds<F, E: std::fmt::Display>(count: u64, call: impl Fn() -> F) -> Outcome<f64>
where
    F: Future<Output = Result<(), E>>,
{
    let begin = Instant::now();
    for _ in 0..count {
        call().await.map_err(during("a call"))?;
    }
    Ok(begin.elapsed().as_nanos() as f64 / count as f64)
}

async fn first_room(client: &Client) -> Outcome<Room> {
    let mut rooms = client.rooms().await.map_err(during("rooms"))?;
    loop {
        if let Some(room) = rooms.refresh().first() {
            return Ok(client.room(room.id));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn events(client: &Client, seconds: u64) -> Outcome {
    let mut stream = client.events().await.map_err(during("events"))?;
    say(&json!({ "ready": true }));
    let (mut count, mut told) = (0, 0);
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.tick().await;
    while told < seconds {
        tokio::select! {
            Some(more) = stream.next() => count += more.events.len(),
            _ = tick.tick() => {
                told += 1;
                say(&json!({ "events": count }));
            }
        }
    }
    Ok(())
}

async fn connects(address: &str, sha256: &str, token: &str, count: u64) -> Outcome {
    for number in 1..=count {
        connect(address, sha256, token).await?.disconnect().await;
        if number % (count / 10).max(1) == 0 {
            say(&json!({ "connects": number }));
        }
    }
    Ok(())
}
