//! `history`: a client without a cache reads a room of 100,000 messages into SQLite, while two
//! others talk. Messages a second, and what the reading costs the two. Parlour's client is the SDK;
//! the peer's pages are read from PostgreSQL and written to SQLite as an application would.

mod peer;
mod sdk;

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Context, compare};
use crate::drive::Crowd;
use crate::drive::loops::Paced;
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::histogram::Histogram;
use crate::harness::postgres::Postgres;
use crate::harness::report::Report;
use crate::harness::{Outcome, machine};
use crate::subject::{Running, Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const MESSAGES: usize = 100_000;
const MESSAGES_QUICK: usize = 5_000;
/// The two who talk.
const TALKERS: usize = 2;
/// The one who reads, and the room it reads.
const READER: usize = 2;
const ROOM: usize = 1;
const POSTS_PER_SECOND: f64 = 50.0;
const SLICE: Duration = Duration::from_millis(250);
const FIGURES: usize = 2;

/// A reader: runs in a thread of its own, begins with an empty cache each time, hands back how
/// long it took.
type Reader = Box<dyn Fn() -> Outcome<Duration> + Send>;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let messages = if context.quick { MESSAGES_QUICK } else { MESSAGES };
    let postgres = Postgres::start()?;
    peer::fill(&postgres, messages)?;
    let line_up = context.line_up(&[Subject::SocketioTls]);
    // Filled once: each repetition starts the server anew over the same log.
    let mut filled: Option<Box<dyn Running>> = None;
    let mut all = context.interleave(&line_up, FIGURES, |subject| {
        let mut setup = Setup::new(context.folder, context.certificate, world());
        if subject != Subject::Parlour {
            setup.postgres = Some(&postgres);
            let server = subject.start(&setup)?;
            let reader = peer::reader(subject, server.address(), setup.world.clone(), messages);
            return one(context, server.as_ref(), reader, messages);
        }
        let server = match filled.take() {
            Some(mut server) => {
                server.restart()?;
                server
            }
            None => {
                let server = subject.start(&setup)?;
                let mut swarm = server.swarm()?;
                sdk::fill(swarm.as_mut(), messages)?;
                server
            }
        };
        let reader = sdk::reader(server.address(), setup.certificate, &setup.world, messages);
        let samples = one(context, server.as_ref(), reader, messages);
        filled = Some(server);
        samples
    })?;
    let with = format!("with PostgreSQL {}", postgres.version()?);
    all.iter_mut().filter(|one| one.is_peer()).for_each(|one| one.runs_with(&with));
    for cell in 0..FIGURES {
        compare(&all, cell, |peer| title(cell, messages, peer), report);
    }
    Ok(())
}

/// Two who talk in room 0, and one who has room 1 to itself.
fn world() -> World {
    World { users: 3, rooms: vec![(0..TALKERS).collect(), vec![READER]], post_bytes: POST_BYTES }
}

fn one(
    context: &Context<'_>,
    server: &dyn Running,
    reader: Reader,
    messages: usize,
) -> Outcome<Vec<Sample>> {
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(TALKERS, 1)?;
    let pids = server.pids();
    let quiet_time = Duration::from_secs(if context.quick { 1 } else { 4 });
    let (quiet, lost_before) = talk(&mut crowd, &pids, quiet_time)?;
    let begin_cpu = machine::cpu_ns(&server.pids());
    let reading = thread::spawn(move || again_and_again(&reader, quiet_time));
    let (mut busy, mut lost) = (Histogram::new(), lost_before);
    while !reading.is_finished() {
        let (part, missing) = talk(&mut crowd, &pids, SLICE)?;
        busy.merge(&part);
        lost += missing;
    }
    let (times, took) = reading.join().map_err(|_| "the reader panicked")??;
    let messages = messages as f64 * f64::from(times);
    let cpu_us = (machine::cpu_ns(&server.pids()) - begin_cpu) as f64 / 1_000.0;
    let sample = Sample {
        value: Some(messages / took.as_secs_f64()),
        server_cpu_us_per_op: Some(cpu_us / messages),
        server_util: Some(cpu_us / 1e6 / took.as_secs_f64()),
        rss_kb: Some(machine::rss_kb(&server.pids())),
        lost,
        load1: machine::load1(),
        latencies: Some(busy.clone()),
        ..Sample::default()
    };
    let slower =
        busy.quantile(0.99).zip(quiet.quantile(0.99)).map(|(with, without)| with / without);
    Ok(vec![sample.clone(), Sample { value: slower, ..sample }])
}

/// Reads at least once, and until the two have talked beside it for as long as they did without:
/// a reader that is through at once would leave too few deliveries for a 99th percentile. How
/// often, and the time all of it took.
fn again_and_again(reader: &Reader, at_least: Duration) -> Outcome<(u32, Duration)> {
    let (mut times, mut took) = (0, Duration::ZERO);
    while times == 0 || took < at_least {
        took += reader()?;
        times += 1;
    }
    Ok((times, took))
}

/// The two talk for a while: how long deliveries took, and what was lost.
fn talk(crowd: &mut Crowd, pids: &[u32], time: Duration) -> Outcome<(Histogram, u64)> {
    let per_second = POSTS_PER_SECOND;
    let how = Paced { per_second, all_post: true, warm_up: Duration::ZERO, time };
    let run = crowd.paced(pids, how)?;
    Ok((run.deliveries, run.lost))
}

/// Times something that runs in the reader's thread.
fn timed(work: impl FnOnce() -> Outcome) -> Outcome<Duration> {
    let begin = Instant::now();
    work().map(|()| begin.elapsed())
}

fn title(cell: usize, messages: usize, peer: Option<Subject>) -> Title {
    let of_rate = cell == 0;
    let goal = if of_rate { peer.map(|_| Goal::Ratio(10.0)) } else { Some(Goal::AtMost(2.0)) };
    Title {
        bench: "history",
        params: json!({
            "messages": messages, "bytes": POST_BYTES,
            "of": if of_rate { "rate" } else { "live p99 over unloaded" },
        }),
        unit: if of_rate { "messages/s" } else { "times" },
        better: if of_rate { Better::More } else { Better::Less },
        goal,
    }
}
