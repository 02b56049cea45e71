//! Power cuts of the whole server: a preloaded shim forgets or tears what wasn't synced. What was
//! acknowledged to a client has to be there.

use std::time::Duration;

use parlour_adapters::Kind;
use parlour_features::server::Server;

use super::{
    block_on,
    history::History,
    over, shim,
    writers::{Crowd, Manner, people, reader},
};
use crate::{args::Args, report::Report, rng::Rng};

const SHIM: &str = include_str!("../../shim/power_cut.c");
const CUTS_PER_SERVER: u64 = 10;
const WRITERS: usize = 8;
const ROOMS: usize = 4;
/// A cut that hasn't come by then doesn't come.
const CUT_WITHIN: Duration = Duration::from_secs(60);
/// Every so many cuts, the first one included, comes as early as this: while the server starts.
const EARLY_EVERY: u64 = 4;
const EARLY_CALLS: u64 = 12;

pub(crate) fn run(args: &Args) -> Report {
    let cuts = args.count(200, 5);
    let mut report = Report::default();
    let tools = tempfile::tempdir().expect("a scratch folder");
    let shim = match shim::compile(tools.path(), "power_cut", SHIM) {
        Ok(shim) => shim.display().to_string(),
        Err(problem) => {
            report.violation(&problem);
            return report;
        }
    };
    for kind in args.stores() {
        report.part(kind.name(), block_on(run_on(args, kind, cuts, &shim)));
    }
    report
}

async fn run_on(args: &Args, kind: Kind, cuts: u64, shim: &str) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let mut total = Total::default();
    let mut left = cuts;
    while left > 0 {
        let now = left.min(CUTS_PER_SERVER);
        one_server(kind, now, shim, &mut rng, &mut report, &mut total).await;
        left -= now;
        args.progress(&format!("server-power-cut {kind}: {left} to go, {} acked", total.acked));
    }
    report.expect(total.cuts == cuts, || {
        format!("{} servers went on without a cut", cuts - total.cuts)
    });
    // Of a handful each can come too late for that.
    report.expect(total.starting > 0 || cuts < CUTS_PER_SERVER, || {
        "no cut came while the server started".into()
    });
    report.trials(total.cuts);
    report.figure("cuts", total.cuts);
    report.figure("cuts_while_starting", total.starting);
    report.figure("acked", total.acked);
    report
}

#[derive(Default)]
struct Total {
    cuts: u64,
    starting: u64,
    acked: u64,
}

async fn one_server(
    kind: Kind,
    cuts: u64,
    shim: &str,
    rng: &mut Rng,
    report: &mut Report,
    total: &mut Total,
) {
    let mut server = Server::start(over(kind));
    let (mut writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let mut history = History::new(&rooms);
    report.expect(server.stop().success(), || "the first stop was not clean".into());
    for cut in 0..cuts {
        let is_early = cut % EARLY_EVERY == 0;
        let at = 1 + rng.below(if is_early { EARLY_CALLS } else { 2_000 });
        server.set_environment(vec![
            ("LD_PRELOAD".into(), shim.into()),
            ("POWER_CUT_ROOT".into(), server.root().display().to_string()),
            ("POWER_CUT_AT".into(), at.to_string()),
            ("POWER_CUT_SEED".into(), rng.next().to_string()),
        ]);
        match server.run() {
            Ok(()) => {
                let crowd = Crowd::start(writers, &server.door(), &Manner::endless(8));
                let cut = wait_for_cut(&mut server).await;
                writers = crowd.stop().await;
                total.cuts += u64::from(cut);
            }
            // Cut before it was ready.
            Err(why) if why.contains("137") || why.contains("signal: 9") => {
                total.cuts += 1;
                total.starting += 1;
            }
            Err(why) => report.violation(&format!("cut at {at}: it doesn't start: {why}")),
        }
        server.set_environment(vec![]);
        if let Err(why) = server.run() {
            return report.violation(&format!("after a cut at {at}: it doesn't start: {why}"));
        }
        let reader = reader(&server.door(), &writers).await;
        history.advance(&reader, report).await;
        total.acked += history.check(&mut writers, report);
        drop(reader);
        report.expect(server.stop().success(), || "a stop was not clean".into());
    }
    let check = server.command(&["storage", "check"]);
    report.expect(check.status.success(), || String::from_utf8_lossy(&check.stdout).into_owned());
}

/// Waits until the server has ended by itself; false if it had to be killed.
async fn wait_for_cut(server: &mut Server) -> bool {
    let since = tokio::time::Instant::now();
    while !server.has_ended() {
        if since.elapsed() > CUT_WITHIN {
            server.kill();
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.wait();
    true
}
