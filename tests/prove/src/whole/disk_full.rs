//! A full disk under the whole server, on a tmpfs of 24 MB: it is read-only before the disk is full
//! and says so, clients keep what it doesn't take, reading goes on, and once there is room all of it
//! arrives by itself, each text once.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_features::{
    http,
    raw::{CallError, Client as RawClient},
    server::{Options, ROOMY, Server},
    world::{say, text_of},
};
use parlour_protocol::wire::{ErrorReason, Retry};
use tokio::time::sleep;

use super::{
    block_on, history,
    talker::{self, Talker},
    writers::lasting_hello,
};
use crate::{
    args::Args,
    report::{Report, quantiles_ms},
    rng::Rng,
    small_disk::Disk,
};

const WRITERS: usize = 4;
/// What the store keeps free.
const RESERVE_MB: u64 = 6;
/// Taken at first and freed when the disk is full: more than what the store wants free beyond its
/// reserve before it takes writes again, with room for what waits.
const FILLER_BYTES: u64 = 9 << 20;
/// Texts that a writer has under way while the disk fills.
const IN_FLIGHT: usize = 8;
/// Texts that a writer queues once nothing is taken any more.
const QUEUED_LATE: u64 = 20;
/// Nothing that is queued then may be answered for so long.
const KEPT_FOR: Duration = Duration::from_secs(3);
const FULL_WITHIN: Duration = Duration::from_secs(120);
const RECOVERY_MAX: Duration = Duration::from_secs(15);
/// Everything that waited has arrived by then, or never does.
const ARRIVED_WITHIN: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    for kind in args.stores() {
        report.part(kind.name(), block_on(run_on(args, kind, args.count(10, 1))));
    }
    report
}

async fn run_on(args: &Args, kind: Kind, rounds: u64) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let mut total = Total::default();
    for round in 0..rounds {
        let disk = match Disk::mount() {
            Ok(disk) => disk,
            Err(problem) => {
                report.violation(&format!("NOT RUN: {problem}"));
                return report;
            }
        };
        let mut trial = Trial::begin(kind, &disk, rng.next()).await;
        trial.run(&mut report, &mut total).await;
        args.progress(&format!("server-disk-full {kind}: {} of {rounds}", round + 1));
    }
    report.trials(rounds);
    report.figure("acked_before_it_was_full", total.before);
    report.figure("kept_by_clients", total.kept);
    report.figure("recovery_ms", quantiles_ms(total.recovery));
    report.figure("arrived_ms", quantiles_ms(total.arrived));
    report
}

#[derive(Default)]
struct Total {
    before: u64,
    kept: u64,
    /// From the moment there was room until the server was ready.
    recovery: Vec<Duration>,
    /// From then on until the last that had waited was acknowledged.
    arrived: Vec<Duration>,
}

/// One disk filled and freed.
struct Trial {
    server: Server,
    filler: PathBuf,
    writers: Vec<Talker>,
    /// Somebody without an SDK, who sees the answers as they are.
    raw: RawClient,
    room: Bytes,
}

impl Trial {
    async fn begin(kind: Kind, disk: &Disk, seed: u64) -> Trial {
        let config = format!("{ROOMY}[store]\nkind = \"{kind}\"\nreserve_mb = {RESERVE_MB}\n");
        let mut server = Server::prepare(Options::config(config));
        server.use_data(disk.path().join("data"));
        server.run().expect("there is room at first");
        let filler = disk.path().join("filler");
        fs::write(&filler, vec![1; FILLER_BYTES as usize]).expect("there is room for it");
        let raw = server.door().connect(lasting_hello(&server, "raw")).await;
        let raw = raw.expect("there is room for a user");
        let mut clients = vec![];
        for n in 0..WRITERS {
            clients.push(talker::connect(&server, n).await);
        }
        let others = (1..WRITERS).map(talker::name).chain(["raw".to_owned()]);
        let made = clients[0].create_group("all", others).await.expect("a group can be made");
        let id = made.id();
        let writers = clients.into_iter().enumerate();
        let writers = writers.map(|(n, client)| Talker::new(n, client, id, seed)).collect();
        let room = Bytes::copy_from_slice(&id.to_bytes());
        Trial { server, filler, writers, raw, room }
    }

    async fn run(&mut self, report: &mut Report, total: &mut Total) {
        self.fill(report).await;
        total.before += self.writers.iter().map(|writer| writer.acked().len() as u64).sum::<u64>();
        self.is_read_only(report).await;
        self.keeps(report).await;
        let kept: usize = self.writers.iter().map(Talker::waiting).sum();
        total.kept += kept as u64;
        let wanted = WRITERS * QUEUED_LATE as usize;
        report.expect(kept >= wanted, || format!("clients keep {kept} texts of {wanted}"));

        fs::remove_file(&self.filler).expect("it is there");
        let since = Instant::now();
        while self.readiness() != (200, "ready".to_owned()) && since.elapsed() < RECOVERY_MAX {
            sleep(Duration::from_millis(5)).await;
        }
        let ready = self.readiness();
        report.expect(ready.0 == 200, || format!("there is room and it says {ready:?}"));
        total.recovery.push(since.elapsed());
        let since = Instant::now();
        while self.writers.iter().any(|writer| writer.waiting() > 0) {
            if since.elapsed() > ARRIVED_WITHIN {
                report.violation("what waited doesn't arrive by itself");
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        total.arrived.push(since.elapsed());
        let said = say(&self.raw, &self.room, "good day").await;
        report.expect(said.is_ok(), || format!("there is room again: {said:?}"));
        self.compare("once there is room", report).await;
        self.start_again(report).await;
    }

    /// Everybody writes until the server takes no more, and nothing but that goes wrong.
    async fn fill(&mut self, report: &mut Report) {
        let since = Instant::now();
        while self.readiness().0 == 200 {
            if since.elapsed() > FULL_WITHIN {
                return report.violation("the disk never fills");
            }
            for writer in &mut self.writers {
                while writer.waiting() < IN_FLIGHT {
                    writer.queue(report).await;
                }
            }
            sleep(Duration::from_millis(2)).await;
        }
        let ready = self.readiness();
        let expected = (503, "read-only".to_owned());
        report.expect(ready == expected, || format!("a full disk makes it say {ready:?}"));
        // The disk itself was never full: the reserve is for what has to be written all the same.
        let is_full = self.server.log().to_lowercase().contains("no space left");
        report.expect(!is_full, || "the disk was full before the server was read-only".into());
    }

    /// Writing is refused for the reason there is, and reading goes on, also for whoever comes now.
    async fn is_read_only(&mut self, report: &mut Report) {
        match say(&self.raw, &self.room, "is there room?").await {
            Err(CallError::Refused(error)) => {
                let is_right = error.reason == ErrorReason::ReadOnly as i32
                    && error.retry == Retry::AfterDelay as i32
                    && error.retry_after_ms > 0;
                report.expect(is_right, || format!("refused with {error:?}"));
            }
            other => report.violation(&format!("a full disk answers {other:?}")),
        }
        self.compare("while it is read-only", report).await;
    }

    /// What is queued now is kept, neither sent nor given up.
    async fn keeps(&mut self, report: &mut Report) {
        for writer in &mut self.writers {
            for _ in 0..QUEUED_LATE {
                writer.queue(report).await;
            }
        }
        let before: Vec<usize> = self.writers.iter().map(|writer| writer.acked().len()).collect();
        sleep(KEPT_FOR).await;
        for (n, (writer, before)) in self.writers.iter().zip(before).enumerate() {
            let late = writer.acked().len() - before;
            report.expect(late == 0, || {
                format!("writer {n}: {late} texts were acknowledged by a server that takes none")
            });
            for failed in writer.failed() {
                report.violation(&format!("writer {n} gives up a text: {failed}"));
            }
        }
        let ready = self.readiness();
        report.expect(ready.0 == 503, || format!("nothing was freed, and it says {ready:?}"));
    }

    /// What the room holds is what was said, each once and in order, and all that was acknowledged.
    async fn compare(&self, when: &str, report: &mut Report) {
        let reader = self.server.door().connect(lasting_hello(&self.server, "raw")).await;
        let events = match &reader {
            Ok(reader) => history::read(reader, &self.room, 1).await,
            Err(lost) => Err(format!("no connection: {lost:?}")),
        };
        let events = match events {
            Ok(events) => events,
            Err(problem) => return report.violation(&format!("{when}: {problem}")),
        };
        let texts: Vec<(u64, String)> = events
            .iter()
            .map(|event| (event.header.as_ref().map_or(0, |h| h.seq), text_of(&event.body)))
            .collect();
        for (n, writer) in self.writers.iter().enumerate() {
            let own = format!("{n}/");
            let found: Vec<&String> =
                texts.iter().map(|(_, text)| text).filter(|t| t.starts_with(&own)).collect();
            let in_order = found.iter().zip(&writer.said).all(|(found, said)| *found == said);
            report.expect(in_order && found.len() <= writer.said.len(), || {
                format!("{when}: writer {n}'s texts are lost, doubled or out of order")
            });
            for (index, seq) in writer.acked() {
                let there = texts.iter().find(|(at, _)| *at == seq).map(|(_, text)| text);
                report.expect(there == Some(&writer.said[index]), || {
                    format!("{when}: seq {seq} was acknowledged to {n} and is lost")
                });
            }
            let arrived = writer.waiting() == 0;
            report.expect(!arrived || found.len() == writer.said.len(), || {
                format!("{when}: {} of {} texts of {n}", found.len(), writer.said.len())
            });
        }
    }

    /// The store is whole, and another start finds the same.
    async fn start_again(&mut self, report: &mut Report) {
        report.expect(self.server.stop().success(), || "the stop was not clean".into());
        let check = self.server.command(&["storage", "check"]);
        let said = String::from_utf8_lossy(&check.stdout).into_owned();
        report.expect(check.status.success(), || said);
        match self.server.run() {
            Ok(()) => self.compare("after another start", report).await,
            Err(why) => report.violation(&format!("it doesn't start again: {why}")),
        }
        self.server.assert_well();
    }

    fn readiness(&self) -> (u16, String) {
        let answer = http::get(self.server.ready().http, "/readyz", None);
        (answer.status, answer.body.trim().to_owned())
    }
}
