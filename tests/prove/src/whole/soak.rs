//! Ten minutes of everything, people coming and going: nothing is refused, nothing is lost, and
//! memory doesn't grow. In the first part people write: what a store keeps in memory of each event
//! has a bound. In the second they only read, so that whatever grows is a leak: memory has no
//! slope.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_features::{
    raw::{CallError, Client, Door},
    server::{Options, ROOMY, Server},
    world::{client_ref, say},
};
use parlour_protocol::{
    generated::rpc::{Delete, GetRoom, MarkRead, ReadTimeline, Sync},
    marker::MarkReadRequest,
    message::DeleteRequest,
    room::GetRoomRequest,
    sync::{ReadTimelineRequest, SyncRequest},
    wire::Hello,
};
use tokio::sync::watch;

use super::{
    block_on,
    writers::{people, reader},
};
use crate::{args::Args, report::Report, rng::Rng};

const PEOPLE: usize = 24;
/// How long a visitor pauses between two things, on average.
const PAUSE_MS: u64 = 40;
const ROOMS: usize = 6;
/// How much more memory an hour may bring while nothing is stored, in bytes.
const SLOPE_MAX: f64 = 1_000_000.0;
/// A slope from a shorter time says nothing about an hour.
const SLOPE_FROM: Duration = Duration::from_secs(300);

/// What a store may keep in memory of each event that it stores, in bytes.
fn event_bytes_max(kind: Kind) -> f64 {
    match kind {
        // The table of pages, which sled has in memory as a whole, and a cache that fills slowly.
        // Measured 150 to 200; its log buffers come and go by 4 MiB, so not to a byte.
        Kind::Sled => 300.0,
        Kind::Redb => 30.0,
        // Everything, and that is what it is for.
        _ => 2_000.0,
    }
}

pub(crate) fn run(args: &Args) -> Report {
    block_on(soak(args, Duration::from_secs(args.count(600, 15))))
}

/// The server's memory at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    seconds: f64,
    stored: f64,
    bytes: f64,
}

/// What visitors share.
#[derive(Clone, Default)]
struct Shared {
    writes: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    stored: Arc<AtomicU64>,
}

async fn soak(args: &Args, lasts: Duration) -> Report {
    let mut report = Report::default();
    let kind = args.store.unwrap_or(Kind::Sled);
    // A small cache is full soon, so that it isn't taken for a leak.
    let config = format!("{ROOMY}[store]\nkind = \"{kind}\"\ncache_mb = 4\n");
    let mut server = Server::start(Options::config(config));
    let (writers, rooms) = people(&server, PEOPLE, ROOMS).await;
    let hellos: Vec<Hello> = writers.iter().map(|writer| writer.hello()).collect();
    let (stop, stopped) = watch::channel(false);
    let shared = Shared::default();
    let mut tasks = vec![];
    for (n, hello) in hellos.into_iter().enumerate() {
        let visitor = Visitor {
            door: server.door(),
            hello,
            rooms: rooms.clone(),
            rng: Rng::new(args.seed + n as u64),
            shared: shared.clone(),
        };
        tasks.push(tokio::spawn(visitor.live(stopped.clone())));
    }
    shared.writes.store(true, Ordering::Relaxed);
    let writing = samples(args, &mut server, &shared, lasts / 2).await;
    shared.writes.store(false, Ordering::Relaxed);
    let reading = samples(args, &mut server, &shared, lasts / 2).await;
    let _ = stop.send(true);
    for task in tasks {
        for problem in task.await.expect("visitors don't panic") {
            report.violation(&problem);
        }
    }
    let reader = reader(&server.door(), &writers).await;
    for room in &rooms {
        let read = super::history::read(&reader, room, 1).await;
        report.expect(read.is_ok(), || format!("{read:?}"));
    }
    drop(reader);
    report.trials(shared.calls.load(Ordering::Relaxed));
    report.figure("seconds", lasts.as_secs());
    report.figure("events", shared.stored.load(Ordering::Relaxed));
    judge(kind, &writing, &reading, lasts >= SLOPE_FROM, &mut report);
    report.expect(server.stop().success(), || "the stop was not clean".into());
    report
}

/// Watches the server so long.
async fn samples(
    args: &Args,
    server: &mut Server,
    shared: &Shared,
    lasts: Duration,
) -> Vec<Sample> {
    let began = Instant::now();
    let mut samples: Vec<Sample> = vec![];
    while began.elapsed() < lasts {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let bytes = server.own_memory();
        samples.push(Sample {
            seconds: began.elapsed().as_secs_f64(),
            stored: shared.stored.load(Ordering::Relaxed) as f64,
            bytes: bytes as f64,
        });
        server.assert_well();
        if samples.len().is_multiple_of(60) {
            args.progress(&format!("soak: {} s, {} MiB", samples.len(), bytes >> 20));
        }
    }
    samples
}

/// What the second halves of both parts say: in the first, caches and pools fill.
fn judge(kind: Kind, writing: &[Sample], reading: &[Sample], asserted: bool, report: &mut Report) {
    let writing = &writing[writing.len() / 2..];
    let reading = &reading[reading.len() / 2..];
    let per_event = slope(writing, |sample| sample.stored);
    let per_hour = slope(reading, |sample| sample.seconds) * 3_600.0;
    let mean = |samples: &[Sample]| {
        samples.iter().map(|sample| sample.bytes).sum::<f64>() / samples.len().max(1) as f64
    };
    report.figure("memory_writing_mb", (mean(writing) / 1e5).round() / 10.0);
    report.figure("memory_reading_mb", (mean(reading) / 1e5).round() / 10.0);
    report.figure("bytes_per_event", per_event.round());
    report.figure("slope_mb_per_hour", (per_hour / 1e4).round() / 100.0);
    if asserted {
        let most = event_bytes_max(kind);
        report.expect(per_event < most, || format!("{per_event:.0} bytes for each event"));
        report.expect(per_hour < SLOPE_MAX, || format!("{:.1} MB an hour", per_hour / 1e6));
    }
}

/// The slope of the line with the least squares.
fn slope(samples: &[Sample], over: impl Fn(&Sample) -> f64) -> f64 {
    let count = samples.len().max(1) as f64;
    let middle = samples.iter().map(&over).sum::<f64>() / count;
    let bytes = samples.iter().map(|sample| sample.bytes).sum::<f64>() / count;
    let up: f64 = samples.iter().map(|s| (over(s) - middle) * (s.bytes - bytes)).sum();
    let across: f64 = samples.iter().map(|sample| (over(sample) - middle).powi(2)).sum();
    if across > 0.0 { up / across } else { 0.0 }
}

/// Somebody who comes, does this and that, and goes, again and again.
struct Visitor {
    door: Door,
    hello: Hello,
    rooms: Vec<Bytes>,
    rng: Rng,
    shared: Shared,
}

impl Visitor {
    async fn live(mut self, stop: watch::Receiver<bool>) -> Vec<String> {
        let mut problems = vec![];
        while !*stop.borrow() {
            match self.door.connect(self.hello.clone()).await {
                Ok(client) => {
                    let visit = self.visit(&client, &stop).await;
                    problems.extend(visit.err().map(|error| format!("{error:?}")));
                    self.hello.resume = client.welcome().resume.clone();
                    client.leave();
                }
                Err(lost) => problems.push(format!("turned away: {lost:?}")),
            }
            if problems.len() > 20 {
                break;
            }
        }
        problems
    }

    async fn visit(
        &mut self,
        client: &Client,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), CallError> {
        client.bulk::<Sync>(&SyncRequest::default()).await?;
        for _ in 0..20 + self.rng.below(60) {
            if *stop.borrow() {
                break;
            }
            let room = self.rooms[self.rng.below(ROOMS as u64) as usize].clone();
            match self.rng.below(8) {
                0..=4 if self.shared.writes.load(Ordering::Relaxed) => {
                    self.write(client, room).await?;
                }
                0..=4 => {
                    client.call::<GetRoom>(&GetRoomRequest { room }).await?;
                }
                5 => {
                    let page = ReadTimelineRequest { room, limit: 30, ..Default::default() };
                    client.bulk::<ReadTimeline>(&page).await?;
                }
                6 => client.types(&room),
                _ => {}
            }
            // People pause; and a slope is of memory, not of how fast a log grows.
            tokio::time::sleep(Duration::from_millis(self.rng.below(2 * PAUSE_MS))).await;
            self.shared.calls.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A message, sometimes taken back, or a marker moved.
    async fn write(&mut self, client: &Client, room: Bytes) -> Result<(), CallError> {
        let mut stored = 1;
        if self.rng.below(5) == 0 {
            let head = client.call::<GetRoom>(&GetRoomRequest { room: room.clone() }).await?;
            let seq = head.as_of_seq;
            client.call::<MarkRead>(&MarkReadRequest { room, seq }).await?;
        } else {
            let sent = say(client, &room, "this and that").await?;
            if self.rng.below(4) == 0 {
                let (client_ref, target_seq) = (client_ref(), sent.seq);
                let delete = DeleteRequest { room, client_ref, target_seq };
                client.call::<Delete>(&delete).await?;
                stored += 1;
            }
        }
        self.shared.stored.fetch_add(stored, Ordering::Relaxed);
        Ok(())
    }
}
