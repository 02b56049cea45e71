//! Ten minutes of everything, people coming and going: memory has no slope, nothing is refused,
//! nothing is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
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
/// How much more memory an hour may bring, in bytes.
const SLOPE_MAX: f64 = 1_000_000.0;
/// A slope from a shorter time says nothing about an hour.
const SLOPE_FROM: Duration = Duration::from_secs(300);

pub(crate) fn run(args: &Args) -> Report {
    block_on(soak(args, Duration::from_secs(args.count(600, 15))))
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
    let calls = Arc::new(AtomicU64::new(0));
    let mut tasks = vec![];
    for (n, hello) in hellos.into_iter().enumerate() {
        let visitor = Visitor {
            door: server.door(),
            hello,
            rooms: rooms.clone(),
            rng: Rng::new(args.seed + n as u64),
            calls: calls.clone(),
        };
        tasks.push(tokio::spawn(visitor.live(stopped.clone())));
    }
    let began = Instant::now();
    let mut samples = vec![];
    while began.elapsed() < lasts {
        tokio::time::sleep(Duration::from_secs(1)).await;
        samples.push((began.elapsed().as_secs_f64(), server.memory() as f64));
        server.assert_well();
        if samples.len() % 60 == 0 {
            let mib = server.memory() >> 20;
            args.progress(&format!("soak: {} s, {mib} MiB", began.elapsed().as_secs()));
        }
    }
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
    let (early, late) = samples.split_at(samples.len() / 2);
    let per_hour = slope(late) * 3_600.0;
    report.trials(calls.load(Ordering::Relaxed));
    report.figure("seconds", lasts.as_secs());
    report.figure("memory_first_half_mb", (mean(early) / 1e6).round());
    report.figure("memory_second_half_mb", (mean(late) / 1e6).round());
    report.figure("slope_mb_per_hour", (per_hour / 1e5).round() / 10.0);
    if lasts >= SLOPE_FROM {
        report.expect(per_hour < SLOPE_MAX, || format!("{:.1} MB an hour", per_hour / 1e6));
    }
    report.expect(server.stop().success(), || "the stop was not clean".into());
    report
}

fn mean(samples: &[(f64, f64)]) -> f64 {
    samples.iter().map(|(_, memory)| memory).sum::<f64>() / samples.len().max(1) as f64
}

/// The slope of the line with the least squares.
fn slope(samples: &[(f64, f64)]) -> f64 {
    let count = samples.len().max(1) as f64;
    let middle = samples.iter().map(|(time, _)| time).sum::<f64>() / count;
    let memory = mean(samples);
    let up: f64 = samples.iter().map(|(time, m)| (time - middle) * (m - memory)).sum();
    let across: f64 = samples.iter().map(|(time, _)| (time - middle).powi(2)).sum();
    if across > 0.0 { up / across } else { 0.0 }
}

/// Somebody who comes, does this and that, and goes, again and again.
struct Visitor {
    door: Door,
    hello: Hello,
    rooms: Vec<Bytes>,
    rng: Rng,
    calls: Arc<AtomicU64>,
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
                0..=3 => {
                    let sent = say(client, &room, "this and that").await?;
                    if self.rng.below(4) == 0 {
                        let (client_ref, target_seq) = (client_ref(), sent.seq);
                        let delete = DeleteRequest { room, client_ref, target_seq };
                        client.call::<Delete>(&delete).await?;
                    }
                }
                4 => {
                    let head =
                        client.call::<GetRoom>(&GetRoomRequest { room: room.clone() }).await?;
                    let seq = head.as_of_seq;
                    client.call::<MarkRead>(&MarkReadRequest { room, seq }).await?;
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
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
