//! Memory stays within the formula of docs/limits.md, row by row: 200 hostile connections that send
//! all the server takes, before and after authentication, that take no answers, hear nothing of a
//! busy room, or have all the calls they may; and 10,000 handshakes that were begun and abandoned.
//! Somebody who behaves is served all the time, and nobody is sent more than three times what came
//! from their address before it was proven.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_features::{
    http,
    raw::Client,
    server::{Options, ROOMY, Server},
    world::{by_subject, group, join, say},
};
use parlour_protocol::{generated::rpc::AddMembers, room::AddMembersRequest};
use tokio::time::timeout;

use super::{
    block_on,
    hostile::{self, narrow_door},
    writers::lasting_hello,
};
use crate::{args::Args, report::Report};

/// A client that behaves is served within this time whatever goes on.
const SERVED_WITHIN: Duration = Duration::from_secs(1);
/// What 10,000 abandoned handshakes may leave behind, in bytes.
const FLAT_BYTES: u64 = 32 * 1024 * 1024;

pub(crate) fn run(args: &Args) -> Report {
    block_on(attack(args))
}

/// Posts of 2 KB that those who read nothing don't hear: ten times what may wait for one of them.
const POSTS: usize = 5_000;
/// Clients with all the calls they may have: each is 15 MiB that are kept.
const CALLERS: usize = 8;
/// Handshakes under way above which addresses have to be proven, in the server that is flooded.
const RETRY_ABOVE: usize = 64;

async fn attack(args: &Args) -> Report {
    let mut report = Report::default();
    let connections = args.count(200, 20) as usize;
    // The default number of connections, and newcomers as fast as they come: the budgets under
    // test are those of memory.
    let mut server = Server::start(Options::config(ROOMY));
    let good = join(&server, "ada").await;
    let room = group(&good, "kitchen", &[]).await;
    let mut watch = Watch { good: &good, room: &room, slowest: Duration::ZERO };
    before(&server, connections, &mut watch, &mut report).await;
    let busy = busy_room(&server, &good, connections).await;
    after(args, &server, &busy, connections, &mut watch, &mut report).await;
    let slowest = watch.slowest;
    report.figure("served_max_ms", slowest.as_millis() as u64);
    report.expect(args.short || slowest < SERVED_WITHIN, || format!("a call took {slowest:?}"));
    server.assert_well();
    drop(good);
    drop(server);
    flood(args, &mut report).await;
    report
}

/// Nobody has said who they are.
async fn before(server: &Server, count: usize, watch: &mut Watch<'_>, report: &mut Report) {
    let idle = server.memory();
    let (halves, taken) = hostile::half_hellos(&narrow_door(server), count).await;
    let taken = hostile::blocked(&taken).await;
    // The window at least: otherwise something else held them up.
    takes(report, "before", &taken, hostile::WINDOW_BEFORE, hostile::BEFORE_TAKEN);
    let most = watch.memory(server, report).await;
    check(report, "before", idle, most, hostile::BEFORE_BYTES, halves.len());
}

/// Everybody is a user, and means harm.
async fn after(
    args: &Args,
    server: &Server,
    busy: &Bytes,
    count: usize,
    watch: &mut Watch<'_>,
    report: &mut Report,
) {
    let idle = server.memory();
    let (senders, taken) = hostile::senders(server, busy, count).await;
    let taken = hostile::blocked(&taken).await;
    takes(report, "senders", &taken, hostile::WINDOW_BYTES, hostile::AFTER_TAKEN);
    let most = watch.memory(server, report).await;
    check(report, "senders", idle, most, hostile::SENDER_BYTES, senders.len());
    drop(senders);

    let idle = server.memory();
    let askers = hostile::askers(server, count).await;
    let most = watch.memory(server, report).await;
    check(report, "askers", idle, most, hostile::ASKER_BYTES, askers.len());
    drop(askers);

    let idle = server.memory();
    let readers = hostile::readers(server, count).await;
    let posts = if args.short { POSTS / 5 } else { POSTS };
    let said = "x".repeat(2_000);
    for n in 0..posts {
        let said = say(watch.good, busy, &format!("{n} {said}")).await;
        report.expect(said.is_ok(), || format!("not served: {said:?}"));
    }
    let most = watch.memory(server, report).await;
    check(report, "readers", idle, most, hostile::READER_BYTES, readers.len());
    let here = readers.iter().filter(|c| c.connection().close_reason().is_none()).count();
    report.figure("readers_still_connected", here);
    drop(readers);

    let idle = server.memory();
    let callers = hostile::callers(server, busy, CALLERS.min(count)).await;
    let most = watch.memory(server, report).await;
    check(report, "callers", idle, most, hostile::CALLER_BYTES, callers.len());
}

/// A room with everybody who means harm, and with a history that no window holds.
async fn busy_room(server: &Server, good: &Client, count: usize) -> Bytes {
    let names: Vec<String> = (0..count).map(hostile::name).collect();
    for name in &names {
        let came = server.door().connect(lasting_hello(server, name)).await;
        came.expect("at first they behave");
    }
    let room = group(good, "busy", &[]).await;
    for names in names.chunks(100) {
        let members = names.iter().map(|name| by_subject(name)).collect();
        let request = AddMembersRequest { room: room.clone(), members };
        good.call::<AddMembers>(&request).await.expect("added");
    }
    let long = "x".repeat(16_000);
    for _ in 0..40 {
        say(good, &room, &long).await.expect("sent");
    }
    room
}

/// Handshakes that nobody goes on with, from addresses that may be anybody's.
async fn flood(args: &Args, report: &mut Report) {
    let initials = if args.short { 500 } else { 10_000 };
    let limits = format!("[limits]\nretry_above_handshakes = {RETRY_ABOVE}\n");
    let config = ROOMY.replace("[limits]\n", &limits);
    let config = format!("{config}[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let mut server = Server::start(Options::config(config));
    let good = join(&server, "ada").await;
    let room = group(&good, "kitchen", &[]).await;
    let mut watch = Watch { good: &good, room: &room, slowest: Duration::ZERO };
    watch.memory(&server, report).await;
    let none = retries(&server);
    report.expect(none == 0.0, || format!("{none} retries of a server that nobody floods"));
    let before = server.memory();
    let address = server.ready().quic;
    let flood = tokio::spawn(hostile::abandoned_initials(address, initials));
    let mut newcomers: Vec<Duration> = vec![];
    while !flood.is_finished() {
        let since = Instant::now();
        let came = timeout(Duration::from_secs(10), server.door().handshake()).await;
        report.expect(matches!(came, Ok(Ok(_))), || format!("a newcomer is kept out: {came:?}"));
        newcomers.push(since.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let flood = flood.await.unwrap_or_default();
    report.trials(flood.sent as u64);
    report.expect(flood.sent == initials, || format!("{} of {initials} were sent", flood.sent));
    report.expect(flood.received > 0, || "nobody was answered".into());
    report.expect(flood.amplified == 0, || {
        format!("{} addresses were sent more than 3 times what they sent", flood.amplified)
    });
    report.figure("amplification_max", (flood.factor_max * 100.0).round() / 100.0);
    let retries = retries(&server);
    report.figure("retries", retries);
    report.expect(retries > 0.0, || "no address had to be proven".into());
    let most = watch.memory(&server, report).await;
    report.figure("initials_bytes", most.saturating_sub(before));
    report.expect(most < before + FLAT_BYTES, || {
        format!("{} MiB more after abandoned handshakes", (most - before) >> 20)
    });
    let slowest = newcomers.iter().max().copied().unwrap_or_default();
    report.figure("newcomer_max_ms", slowest.as_millis() as u64);
    report
        .expect(args.short || slowest < SERVED_WITHIN, || format!("a newcomer waited {slowest:?}"));
    server.assert_well();
}

/// Retry packets that the server has sent.
fn retries(server: &Server) -> f64 {
    let metrics = server.ready().metrics.expect("metrics have a listener");
    let text = http::get(metrics, "/metrics", None).body;
    http::metric(&text, "parlour_retries_total").unwrap_or(0.0)
}

/// What the server took of each, against what it may take.
fn takes(report: &mut Report, name: &str, taken: &[u64], least: u64, bound: u64) {
    let most = taken.iter().max().copied().unwrap_or_default();
    let fewest = taken.iter().min().copied().unwrap_or_default();
    report.figure(&format!("{name}_bytes_taken"), most);
    report.expect(most <= bound, || format!("{name}: {most} bytes were taken of {bound}"));
    // Of what each lane has begun to write it isn't known how much was taken.
    report.expect(fewest >= least * 7 / 8, || format!("{name}: held up after {fewest} bytes"));
}

fn check(report: &mut Report, name: &str, idle: u64, most: u64, each: u64, connections: usize) {
    let more = most.saturating_sub(idle);
    let bound = idle + FLAT_BYTES + connections as u64 * each;
    report.trials(connections as u64);
    report.expect(connections > 0, || format!("{name}: nobody came in"));
    report.figure(&format!("{name}_bytes_per_connection"), more / connections.max(1) as u64);
    report.figure(&format!("{name}_bytes_max"), most);
    report.figure(&format!("{name}_bytes_bound"), bound);
    report.expect(most <= bound, || format!("{name}: {most} bytes, the formula allows {bound}"));
}

/// Somebody who behaves, and the server's memory meanwhile.
struct Watch<'a> {
    good: &'a Client,
    room: &'a bytes::Bytes,
    slowest: Duration,
}

impl Watch<'_> {
    /// The most memory the server has during two seconds of service.
    async fn memory(&mut self, server: &Server, report: &mut Report) -> u64 {
        let mut most = 0;
        for _ in 0..20 {
            let since = Instant::now();
            let said = say(self.good, self.room, "hello").await;
            report.expect(said.is_ok(), || format!("not served: {said:?}"));
            self.slowest = self.slowest.max(since.elapsed());
            most = most.max(server.memory());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        most
    }
}
