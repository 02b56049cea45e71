//! SIGKILL at random while people do everything that is kept, not only send: what was answered holds behind the
//! kill, what wasn't has happened or hasn't, and what is counted beside the log agrees with it.

mod act;
mod doer;
mod ground;
mod seen;

use std::{
    collections::HashSet,
    mem::Discriminant,
    time::{Duration, Instant},
};

use parlour_adapters::Kind;
use parlour_features::server::Server;
use tokio::{sync::watch, task::JoinSet};

use self::{
    act::{Act, KINDS},
    doer::Doer,
    ground::Ground,
    seen::Seen,
};
use super::{block_on, over};
use crate::{
    args::Args,
    report::{Report, quantiles_ms},
    rng::Rng,
};

/// Kills after which a new server is begun.
const KILLS_PER_SERVER: u64 = 20;
const DOERS: usize = 12;

pub(crate) fn run(args: &Args) -> Report {
    let kills = args.count(200, 5);
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
        args.progress(&format!("crash-everything {kind}: {left} to go, {} answered", total.acked));
    }
    report.trials(kills);
    report.expect(total.did.len() == KINDS, || {
        format!("only {} of {KINDS} kinds of calls were answered: too short", total.did.len())
    });
    report.figure("kills", kills);
    report.figure("acked", total.acked);
    report.figure("unanswered", total.unanswered);
    report.figure("ready_again_ms", quantiles_ms(total.ready));
    report
}

#[derive(Default)]
struct Total {
    acked: u64,
    unanswered: u64,
    did: HashSet<Discriminant<Act>>,
    ready: Vec<Duration>,
}

async fn one_server(kind: Kind, kills: u64, rng: &mut Rng, report: &mut Report, total: &mut Total) {
    let mut server = Server::start(over(kind));
    let (ground, hellos) = Ground::lay(&server, DOERS).await;
    let mut doers: Vec<Doer> = hellos
        .into_iter()
        .enumerate()
        .map(|(index, hello)| Doer::new(index, hello, ground.clone(), rng.next()))
        .collect();
    let mut seen = Seen::new(ground.clone());
    for _ in 0..kills {
        doers = until_killed(&mut server, doers, rng).await;
        total.unanswered += doers.iter().filter(|doer| doer.is_waiting()).count() as u64;
        let since = Instant::now();
        if let Err(why) = server.run() {
            return report.violation(&format!("it doesn't start again: {why}"));
        }
        total.ready.push(since.elapsed());
        let door = server.door();
        seen.read(&door, &doers, report).await;
        for doer in &mut doers {
            let own = seen.of(&door, doer).await;
            total.acked += doer.check(&own, report);
        }
    }
    total.did.extend(doers.iter().flat_map(Doer::did));
    seen.read_again(&server.door(), &doers, report).await;
    report.expect(server.stop().code() == Some(0), || "the last stop was not clean".into());
    let check = server.command(&["storage", "check"]);
    report.expect(check.status.success(), || String::from_utf8_lossy(&check.stdout).into_owned());
}

/// All of them at once, up to a kill somewhere between connecting and full load.
async fn until_killed(server: &mut Server, doers: Vec<Doer>, rng: &mut Rng) -> Vec<Doer> {
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for doer in doers {
        tasks.spawn(doer.act(server.door(), stopped.clone()));
    }
    tokio::time::sleep(Duration::from_millis(5 + rng.below(600))).await;
    server.kill();
    let _ = stop.send(true);
    let mut doers = tasks.join_all().await;
    doers.sort_by_key(Doer::index);
    doers
}
