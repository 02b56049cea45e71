//! A hot backup under load, restored: what it holds is byte for byte what the server has, without
//! a gap, and everything that was acknowledged before it began is in it; so is what isn't in logs. One
//! that lacks a part isn't restored.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_features::{raw::Client, server::Server};
use parlour_protocol::wire::Event;
use prost::Message;

use super::{
    block_on,
    history::{History, read},
    kept::{self, Kept},
    over,
    writers::{Crowd, Manner, people},
};
use crate::{args::Args, report::Report};

const WRITERS: usize = 8;
const ROOMS: usize = 4;

pub(crate) fn run(args: &Args) -> Report {
    let backups = args.count(10, 2);
    let mut report = Report::default();
    for kind in args.stores() {
        report.part(kind.name(), block_on(back_up(args, kind, backups)));
    }
    report
}

async fn back_up(args: &Args, kind: Kind, backups: u64) -> Report {
    let mut report = Report::default();
    let mut server = Server::start(over(kind));
    let (mut writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let mut history = History::new(&rooms);
    let reading = writers[0].hello();
    let mut compared = 0;
    let kept = Kept::begin(&server, args.seed).await;
    for n in 0..backups {
        let crowd = Crowd::start(writers, &server.door(), &Manner::endless(8));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let live = server.door().connect(reading.clone()).await.expect("a reader is welcome");
        let before = read_all(&live, &rooms).await;
        let (backup, restored) = (folder(&server, "backup", n), folder(&server, "restored", n));
        let words = ["backup", "--to", &backup];
        let output = tokio::task::block_in_place(|| server.command(&words));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        report.expect(output.status.success(), || format!("backup: {said}"));
        writers = crowd.stop().await;
        history.advance(&live, &mut report).await;
        history.check(&mut writers, &mut report);
        let now = read_all(&live, &rooms).await;
        let (keeper, state) = (kept.connect(&server).await, kept.state(&server, &mut report).await);
        let certificate = server.ready().sha256.clone();
        let output = server.command(&["restore", "--from", &backup, "--to", &restored]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        report.expect(output.status.success(), || format!("restore: {said}"));

        let original = server.data();
        let incarnation = live.welcome().incarnation.clone();
        drop(live);
        report.expect(server.stop().success(), || "a stop was not clean".into());
        server.use_data(restored.into());
        if let Err(why) = server.run() {
            report.violation(&format!("the restored server doesn't start: {why}"));
            return report;
        }
        let copy = server.door().connect(reading.clone()).await.expect("a reader is welcome");
        let copied = read_all(&copy, &rooms).await;
        compared += compare(&before, &copied, &now, &mut report);
        let changed = copy.welcome().incarnation != incarnation;
        report.expect(changed, || "a restored store must be another incarnation".into());
        drop(copy);
        let same = server.ready().sha256 == certificate;
        report.expect(same, || "clients that trust the certificate don't trust the copy".into());
        kept::compare(&state, &kept.state(&server, &mut report).await, &mut report);
        kept.resumes(&server, &keeper, &mut report).await;
        drop(keeper);
        report.expect(server.stop().success(), || "a stop was not clean".into());
        let check = server.command(&["storage", "check"]);
        let said = String::from_utf8_lossy(&check.stdout).into_owned();
        report.expect(check.status.success(), || format!("the restored store: {said}"));
        server.use_data(original);
        is_refused_without_keys(&server, &backup, n, &mut report);
        report.expect(server.run().is_ok(), || "the original doesn't start again".into());
        args.progress(&format!("backup-restore {kind}: {} of {backups}", n + 1));
    }
    report.trials(backups);
    report.figure("events_compared", compared);
    report
}

/// A backup that lost its keys is restored by nobody who doesn't hear of it.
fn is_refused_without_keys(server: &Server, backup: &str, n: u64, report: &mut Report) {
    std::fs::remove_dir_all(Path::new(backup).join("keys")).expect("a backup has keys");
    let target = folder(server, "keyless", n);
    let output = server.command(&["restore", "--from", backup, "--to", &target]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let refused = !output.status.success() && said.contains("missing from the backup");
    report.expect(refused, || format!("restored without keys: {said}"));
    report.expect(!Path::new(&target).exists(), || "what it refuses it has begun".into());
}

fn folder(server: &Server, name: &str, n: u64) -> String {
    server.root().join(format!("{name}{n}")).display().to_string()
}

/// Everything in every room.
async fn read_all(client: &Client, rooms: &[Bytes]) -> Vec<Vec<Event>> {
    let mut all = vec![];
    for room in rooms {
        all.push(read(client, room, 1).await.unwrap_or_default());
    }
    all
}

/// What was there before is in the copy, and the copy in what is there now; how many events.
fn compare(
    before: &[Vec<Event>],
    copied: &[Vec<Event>],
    now: &[Vec<Event>],
    report: &mut Report,
) -> u64 {
    for (room, copied) in copied.iter().enumerate() {
        let (before, now) = (&before[room], &now[room]);
        report.expect(copied.len() >= before.len(), || {
            let lacking = before.len() - copied.len();
            format!("room {room}: the backup lacks {lacking} events from before it began")
        });
        report.expect(copied.len() <= now.len(), || format!("room {room}: from the future"));
        let differ = copied
            .iter()
            .zip(now)
            .position(|(copy, event)| copy.encode_to_vec() != event.encode_to_vec());
        report.expect(differ.is_none(), || format!("room {room}: event {differ:?} differs"));
    }
    copied.iter().map(|room| room.len() as u64).sum()
}
