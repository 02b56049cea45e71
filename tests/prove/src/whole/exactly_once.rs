//! Exactly once: sends under forced reconnects, repeated sends and restarts, each under one id.
//! In the end every number is there once, in order.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use parlour_adapters::Kind;
use parlour_features::server::Server;

use super::{
    block_on,
    history::History,
    over,
    writers::{Crowd, Manner, people, reader},
};
use crate::{args::Args, report::Report, rng::Rng};

const WRITERS: usize = 16;
const ROOMS: usize = 8;

pub(crate) fn run(args: &Args) -> Report {
    let kind = args.store.unwrap_or(Kind::Sled);
    block_on(send(args, kind, args.count(1_000_000, 5_000)))
}

async fn send(args: &Args, kind: Kind, count: u64) -> Report {
    let mut report = Report::default();
    let mut rng = Rng::new(args.seed);
    let mut server = Server::start(over(kind));
    let (mut writers, rooms) = people(&server, WRITERS, ROOMS).await;
    let manner =
        Manner { twice_every: 7, until: count.div_ceil(WRITERS as u64), ..Manner::endless(32) };
    let (since, mut rounds, mut kills, mut acked) = (Instant::now(), 0, 0, 0);
    let mut history = History::new(&rooms);
    // A round that ends by itself between two rude ones shows that it would come to an end.
    while !writers.iter().all(|writer| writer.is_done(&manner)) {
        rounds += 1;
        let crowd = Crowd::start(writers, &server.door(), &manner);
        let last_round = manner.count.load(Ordering::Relaxed) * 10 > count * 9;
        writers = if last_round {
            crowd.join().await
        } else {
            tokio::time::sleep(Duration::from_millis(20 + rng.below(600))).await;
            if rng.below(8) == 0 {
                kills += 1;
                server.kill();
                let writers = crowd.stop().await;
                if let Err(why) = server.run() {
                    report.violation(&format!("it doesn't start again: {why}"));
                    return report;
                }
                writers
            } else {
                crowd.stop().await
            }
        };
        if rounds % 50 == 0 {
            let acked = manner.count.load(Ordering::Relaxed);
            args.progress(&format!("exactly-once: {acked} of {count}"));
        }
    }
    let took = since.elapsed();
    let reader = reader(&server.door(), &writers).await;
    history.advance(&reader, &mut report).await;
    acked += history.check(&mut writers, &mut report);
    let wanted = manner.until * WRITERS as u64;
    report.expect(acked == wanted, || format!("{acked} of {wanted} were acknowledged"));
    let texts = history.texts();
    report.expect(texts == wanted, || format!("the logs hold {texts} of {wanted}"));
    report.trials(wanted);
    report.figure("rounds", rounds);
    report.figure("server_kills", kills);
    let deduplicated: u64 = writers.iter().map(|writer| writer.deduplicated).sum();
    report.figure("deduplicated", deduplicated);
    report.figure("per_second", (wanted as f64 / took.as_secs_f64()).round());
    report
}
