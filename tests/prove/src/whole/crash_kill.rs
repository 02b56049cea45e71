//! SIGKILL at random under the load of 16 writers: nothing acknowledged is lost, nothing is
//! doubled although everything unanswered is sent again, and order is kept.

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

pub(crate) fn run(args: &Args) -> Report {
    let kills = args.count(200, 6);
    let mut report = Report::default();
    for kind in args.stores() {
        report.part(kind.name(), block_on(run_on(args, kind, kills)));
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
    report.trials(kills);
    report.figure("kills", kills);
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
    ready: Vec<Duration>,
}

async fn one_server(kind: Kind, kills: u64, rng: &mut Rng, report: &mut Report, total: &mut Total) {
    let mut server = Server::start(over(kind));
    let (mut writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let mut history = History::new(&rooms);
    for _ in 0..kills {
        let crowd = Crowd::start(writers, &server.door(), &Manner::endless(8));
        // The moment is the point: anywhere between connecting and full load.
        tokio::time::sleep(Duration::from_millis(5 + rng.below(400))).await;
        server.kill();
        writers = crowd.stop().await;
        total.sent_again += writers.iter().map(|writer| writer.unanswered() as u64).sum::<u64>();
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
