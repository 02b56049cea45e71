//! SIGKILL at random under the load of 16 writers, and while the server starts again: nothing
//! acknowledged is lost, nothing is doubled although everything unanswered is sent again, and order
//! is kept. A start after a kill takes 2 s at most for each 100,000 events.

use std::time::{Duration, Instant};

use parlour_adapters::Kind;
use parlour_features::server::Server;

use super::{
    block_on,
    history::History,
    over,
    writers::{Crowd, Manner, people, reader},
};
use crate::{
    args::Args,
    report::{Report, quantiles_ms},
    rng::Rng,
};

/// Kills after which a new server is begun.
const KILLS_PER_SERVER: u64 = 20;
const WRITERS: usize = 16;
const ROOMS: usize = 4;
/// A start after a kill takes this long at most, where so many events were written since the last
/// clean stop.
const REOPEN_WITHIN: Duration = Duration::from_secs(2);
const REOPEN_EVENTS: u64 = 100_000;
/// How long a start is taken to be until one was timed.
const START_FOR: Duration = Duration::from_millis(500);
/// Kills while it starts that may come too late for one that doesn't.
const TRIES: u32 = 20;

pub(crate) fn run(args: &Args) -> Report {
    let kills = args.count(200, 6);
    let mut report = Report::default();
    for kind in args.stores() {
        report.part(kind.name(), block_on(run_on(args, kind, kills)));
        let events = if args.short { REOPEN_EVENTS / 50 } else { REOPEN_EVENTS };
        report.part(&format!("{kind}_reopen"), block_on(reopen(args, kind, events)));
    }
    report
}

async fn run_on(args: &Args, kind: Kind, kills: u64) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let mut total = Total::default();
    let mut left = kills;
    while left > 0 {
        let now = left.min(KILLS_PER_SERVER);
        one_server(kind, now, &mut rng, &mut report, &mut total).await;
        left -= now;
        args.progress(&format!("server-crash-kill {kind}: {left} to go, {} acked", total.acked));
    }
    report.trials(kills + total.inside);
    report.figure("kills", kills);
    report.figure("kills_while_starting", total.inside);
    report.figure("acked", total.acked);
    report.figure("sent_again", total.sent_again);
    report.figure("deduplicated", total.deduplicated);
    report.figure("ready_again_ms", quantiles_ms(total.ready));
    report
}

#[derive(Default)]
struct Total {
    acked: u64,
    sent_again: u64,
    deduplicated: u64,
    /// Kills that came before the server was ready.
    inside: u64,
    ready: Vec<Duration>,
}

async fn one_server(kind: Kind, kills: u64, rng: &mut Rng, report: &mut Report, total: &mut Total) {
    let mut server = Server::start(over(kind));
    let (mut writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let mut history = History::new(&rooms);
    for kill in 0..kills {
        let crowd = Crowd::start(writers, &server.door(), &Manner::endless(8));
        // The moment is the point: anywhere between connecting and full load.
        tokio::time::sleep(Duration::from_millis(5 + rng.below(400))).await;
        server.kill();
        writers = crowd.stop().await;
        total.sent_again += writers.iter().map(|writer| writer.unanswered() as u64).sum::<u64>();
        if kill % 2 == 1 {
            let longest = total.ready.last().copied().unwrap_or(START_FOR);
            total.inside += kill_while_starting(&mut server, longest, rng, report);
        }
        let since = Instant::now();
        if let Err(why) = server.run() {
            return report.violation(&format!("it doesn't start again: {why}"));
        }
        total.ready.push(since.elapsed());
        let reader = reader(&server.door(), &writers).await;
        history.advance(&reader, report).await;
        total.acked += history.check(&mut writers, report);
    }
    let reader = reader(&server.door(), &writers).await;
    history.read_again(&reader, report).await;
    drop(reader);
    total.deduplicated += writers.iter().map(|writer| writer.deduplicated).sum::<u64>();
    report.expect(server.stop().code() == Some(0), || "the last stop was not clean".into());
    let check = server.command(&["storage", "check"]);
    report.expect(check.status.success(), || String::from_utf8_lossy(&check.stdout).into_owned());
}

/// Kills it before it is ready, at any moment of a start; returns how often that hit. It has been
/// killed under load just before, so there is something to recover.
fn kill_while_starting(
    server: &mut Server,
    longest: Duration,
    rng: &mut Rng,
    report: &mut Report,
) -> u64 {
    for _ in 0..TRIES {
        let after = Duration::from_micros(rng.below(longest.as_micros().max(1) as u64));
        match tokio::task::block_in_place(|| server.run_killed(after)) {
            Ok(true) => return 1,
            Ok(false) => {}
            Err(status) => report.violation(&format!("a start ended by itself: {status}")),
        }
    }
    report.violation("no kill hit a start");
    0
}

/// How long a start takes after a kill behind so many events.
async fn reopen(args: &Args, kind: Kind, events: u64) -> Report {
    let mut report = Report::default();
    let mut server = Server::start(over(kind));
    let (mut writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let manner = Manner { until: events.div_ceil(WRITERS as u64), ..Manner::endless(32) };
    writers = Crowd::start(writers, &server.door(), &manner).join().await;
    server.kill();
    let since = Instant::now();
    if let Err(why) = server.run() {
        report.violation(&format!("it doesn't start again: {why}"));
        return report;
    }
    let took = since.elapsed();
    let reader = reader(&server.door(), &writers).await;
    let mut history = History::new(&rooms);
    history.advance(&reader, &mut report).await;
    let acked = history.check(&mut writers, &mut report);
    report.expect(acked >= events, || format!("{acked} of {events} were acknowledged"));
    // Times are asserted at the full count only: a short one runs beside other tests.
    report.expect(args.short || took <= REOPEN_WITHIN, || {
        format!("ready {took:?} after a kill behind {events} events")
    });
    report.trials(1);
    report.figure("events", acked);
    report.figure("ready_again_ms", quantiles_ms(vec![took]));
    report
}
