//! `sdk-start`: from the start of an application's process to its list of rooms, and until it is in sync.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use parlour::{Client, Trust};
use serde_json::json;

use super::town::{READER, Town, runtime, token_of};
use super::{only, title};
use crate::bench::Context;
use crate::harness::figure::{Figure, Sample, Side};
use crate::harness::report::Report;
use crate::harness::{Outcome, during, machine};

/// The word that makes this program that application.
pub(crate) const WORD: &str = "--application";
const ROOMS: usize = 10_000;
const ROOMS_QUICK: usize = 200;
/// How long the list may take, and how much memory the process.
const LIST_MS_MAX: f64 = 150.0;
const MEMORY_KB_MAX: f64 = 60.0 * 1024.0;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let count = if context.quick { ROOMS_QUICK } else { ROOMS };
    let cache = context.folder.join("application");
    let mut cells: [Vec<Sample>; 3] = Default::default();
    runtime()?.block_on(async {
        let town = Town::make(context, count).await?;
        let address = town.server.address().to_string();
        let start = || start(&address, &context.certificate.sha256, &cache);
        // The first fills the cache.
        start()?;
        for _ in 0..context.reps() {
            let (listed, list, synced, rss_kb) = start()?;
            if listed != count {
                return Err(format!("{listed} of {count} rooms in the list"));
            }
            let ms = |time: Duration| time.as_secs_f64() * 1000.0;
            for (cell, value) in cells.iter_mut().zip([ms(list), ms(synced), rss_kb as f64]) {
                cell.push(only(value));
            }
        }
        Ok::<(), String>(())
    })?;
    let params = |of: &str| json!({ "rooms": count, "of": of });
    let titles = [
        title("sdk-start", params("process start to list"), "ms", Some(LIST_MS_MAX)),
        title("sdk-start", params("process start to synced"), "ms", None),
        title("sdk-start", params("resident memory when synced"), "kB", Some(MEMORY_KB_MAX)),
    ];
    for (title, samples) in titles.iter().zip(&cells) {
        let side = Side { name: "parlour", version: env!("CARGO_PKG_VERSION"), samples };
        report.add(&Figure::new(title, &side, None));
    }
    Ok(())
}

/// One start: rooms in the list, when it was there, when it was in sync, memory.
fn start(address: &str, sha256: &str, cache: &Path) -> Outcome<(usize, Duration, Duration, u64)> {
    let myself = std::env::current_exe().map_err(during("own path"))?;
    let begin = Instant::now();
    let mut child = Command::new(myself)
        .args([WORD, address, sha256])
        .arg(cache)
        .arg(token_of(READER))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(during("application"))?;
    let out = child.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(out).lines();
    let mut line = || lines.next().and_then(Result::ok).ok_or("the application ended");
    let listed = line()?.parse().map_err(during("list"))?;
    let list = begin.elapsed();
    line()?;
    let synced = begin.elapsed();
    let rss_kb = machine::rss_kb(&[child.id()]);
    // The end of its input is its end.
    drop(child.stdin.take());
    child.wait().map_err(during("application"))?;
    Ok((listed, list, synced, rss_kb))
}

/// The application: says how many rooms it lists, then that it is in sync, and waits for the end.
pub(crate) fn run_part(words: &[String]) -> Outcome {
    let [address, sha256, cache, token] = words else { return Err("four words".to_owned()) };
    let say = |text: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).map_err(during("output"))
    };
    runtime()?.block_on(async {
        let client = Client::builder()
            .address(address.as_str())
            .token(token.as_str())
            .trust(Trust::parse_sha256(sha256).ok_or("not a hash")?)
            .cache(Path::new(cache))
            .start()
            .await
            .map_err(during("start"))?;
        let rooms = client.rooms().await.map_err(during("rooms"))?;
        say(rooms.items().len().to_string())?;
        client.synced().await.map_err(during("sync"))?;
        say("synced".to_owned())?;
        let mut rest = Vec::new();
        std::io::stdin().read_to_end(&mut rest).map_err(during("input"))?;
        client.disconnect().await;
        Ok(())
    })
}
