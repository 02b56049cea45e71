//! The wall clock jumps, back and forth, while people write: order and delivery are unchanged,
//! time within a log never goes back, and no sync leaves out what is new.

use std::{fs, path::PathBuf, time::Duration};

use bytes::Bytes;
use parlour_adapters::Kind;
use parlour_features::{
    raw::Client,
    server::Server,
    world::{group, say, text_of},
};
use parlour_protocol::{
    generated::rpc::Sync,
    sync::{SyncRequest, sync_item},
};

use super::{
    block_on,
    history::History,
    over, shim,
    writers::{Crowd, Manner, lasting_hello, people, reader},
};
use crate::{args::Args, report::Report};

const SHIM: &str = include_str!("../../shim/clock_jump.c");
/// Where the clock goes, in seconds from the truth; each from wherever it was. Never more than ten
/// minutes behind: there, the ids of honest clients are from the future and refused.
const JUMPS: &[i64] = &[0, -500, 3_600, 0, -30, 86_400, -500, 7, 0];

pub(crate) fn run(args: &Args) -> Report {
    let rounds = args.count(10, 1);
    let mut report = Report::default();
    let tools = tempfile::tempdir().expect("a scratch folder");
    let shim = match shim::compile(tools.path(), "clock_jump", SHIM) {
        Ok(shim) => shim.display().to_string(),
        Err(problem) => {
            report.violation(&problem);
            return report;
        }
    };
    for kind in args.stores() {
        report.part(kind.name(), block_on(jump(kind, rounds, &shim)));
    }
    report
}

/// The file the server's clock follows.
struct Clock(PathBuf);

impl Clock {
    fn set(&self, seconds: i64) {
        // Written in place, since the server has it mapped.
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new().write(true).open(&self.0).expect("the file is there");
        file.write_all_at(&seconds.to_le_bytes(), 0).expect("eight bytes can be written");
    }
}

async fn jump(kind: Kind, rounds: u64, shim: &str) -> Report {
    let mut report = Report::default();
    let mut server = Server::prepare(over(kind));
    let clock = Clock(server.root().join("clock"));
    fs::write(&clock.0, 0_i64.to_le_bytes()).expect("the scratch folder can be written");
    server.set_environment(vec![
        ("LD_PRELOAD".into(), shim.into()),
        ("CLOCK_JUMP_FILE".into(), clock.0.display().to_string()),
    ]);
    if let Err(why) = server.run() {
        report.violation(&format!("it doesn't start: {why}"));
        return report;
    }
    let (mut writers, rooms) = people(&server, 8, 4).await;
    let mut history = History::new(&rooms);
    let mut listener = reader(&server.door(), &writers).await;
    let quiet = group(&listener, "quiet", &[]).await;
    let mut jumps = 0;
    for _ in 0..rounds {
        // Rooms that say nothing until their jump: what they say then has no time to stand on.
        let mut silent = vec![];
        for _ in 0..=JUMPS.len() {
            silent.push(group(&listener, "silent", &[]).await);
        }
        for seconds in JUMPS {
            let synced = watermark(&listener).await;
            let crowd = Crowd::start(writers, &server.door(), &Manner::endless(4));
            tokio::time::sleep(Duration::from_millis(150)).await;
            clock.set(*seconds);
            tokio::time::sleep(Duration::from_millis(150)).await;
            writers = crowd.stop().await;
            jumps += 1;
            let woken = silent.pop().unwrap_or_else(|| quiet.clone());
            for room in [&quiet, &woken] {
                heard_and_synced(&listener, room, synced, *seconds, &mut report).await;
            }
            history.advance(&listener, &mut report).await;
            history.check(&mut writers, &mut report);
            let late = server.door().connect(lasting_hello(&server, "newcomer")).await;
            // A token of today is of the future while the clock is behind: that is refused.
            report.expect(late.is_ok() || *seconds < 0 || *seconds > 3_600, || {
                format!("clock at {seconds}: a newcomer is refused: {late:?}")
            });
        }
        // A restart with a clock that fell back an hour meanwhile.
        clock.set(3_600);
        let said = say(&listener, &quiet, "an hour ahead").await;
        report.expect(said.is_ok(), || format!("{said:?}"));
        let synced = watermark(&listener).await;
        server.kill();
        clock.set(0);
        if let Err(why) = server.run() {
            report.violation(&format!("it doesn't start again: {why}"));
            return report;
        }
        listener = reader(&server.door(), &writers).await;
        let woken = silent.pop().unwrap_or_else(|| quiet.clone());
        heard_and_synced(&listener, &woken, synced, 0, &mut report).await;
        history.read_again(&listener, &mut report).await;
    }
    server.assert_well();
    report.trials(jumps);
    report.figure("jumps", jumps);
    report.figure("texts", history.texts());
    report
}

/// The watermark of a sync that has just ended.
async fn watermark(client: &Client) -> u64 {
    let (_, watermark) = sync(client, 0).await;
    watermark
}

/// Rooms in a sync since then, and its own watermark.
async fn sync(client: &Client, watermark_ms: u64) -> (Vec<Bytes>, u64) {
    let incarnation = client.welcome().incarnation.clone();
    let request = SyncRequest { incarnation, watermark_ms, ..SyncRequest::default() };
    let items = client.bulk::<Sync>(&request).await.unwrap_or_default();
    let (mut rooms, mut watermark) = (vec![], 0);
    for item in items {
        match item.item {
            Some(sync_item::Item::Digests(digests)) => {
                rooms.extend(digests.rooms.into_iter().filter_map(|d| Some(d.room?.id)));
            }
            Some(sync_item::Item::Done(done)) => watermark = done.watermark_ms,
            _ => {}
        }
    }
    (rooms, watermark)
}

/// A message after the jump is heard at once and in the next sync, although its room was quiet.
async fn heard_and_synced(
    listener: &Client,
    quiet: &Bytes,
    synced: u64,
    seconds: i64,
    report: &mut Report,
) {
    let words = format!("clock at {seconds}");
    if let Err(error) = say(listener, quiet, &words).await {
        return report.violation(&format!("{words}: {error:?}"));
    }
    let is_it = |event: &parlour_protocol::wire::Event| text_of(&event.body) == words;
    listener.hears_where(is_it).await;
    let (rooms, _) = sync(listener, synced).await;
    report.expect(rooms.contains(quiet), || {
        format!("{words}: a sync since before leaves out a room with news")
    });
}
