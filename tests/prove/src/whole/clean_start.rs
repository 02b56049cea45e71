//! A clean start over a long log: the server is ready in a second over ten million events, and what
//! was written last is there.

use std::time::{Duration, Instant};

use parlour_adapters::Kind;
use parlour_features::server::Server;

use super::{
    block_on, over,
    writers::{Crowd, Manner, people, reader},
};
use crate::{args::Args, report::Report};

const WRITERS: usize = 16;
const ROOMS: usize = 16;
const IN_FLIGHT: usize = 64;
/// Events that are written before what was answered is forgotten.
const PART: u64 = 500_000;
/// Starts that are timed.
const STARTS: usize = 5;
const READY_WITHIN: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    // redb is read where it is, and writes a quarter as fast: asked for by name.
    let kind = args.store.unwrap_or(Kind::Sled);
    let part = block_on(start(args, kind, args.count(10_000_000, 20_000)));
    report.part(&kind.to_string(), part);
    report
}

async fn start(args: &Args, kind: Kind, count: u64) -> Report {
    let mut report = Report::default();
    let mut server = Server::start(over(kind));
    let (mut writers, _) = people(&server, WRITERS, ROOMS).await;
    let each = count.div_ceil(WRITERS as u64);
    let mut manner = Manner { until: 0, ..Manner::endless(IN_FLIGHT) };
    // The last number that each writer was told, which is its room's head.
    let mut heads = [0; WRITERS];
    while manner.until < each {
        manner.until = each.min(manner.until + PART / WRITERS as u64);
        writers = Crowd::start(writers, &server.door(), &manner).join().await;
        for writer in &mut writers {
            for refused in writer.refused.drain(..) {
                report.violation(&refused);
            }
            report.expect(writer.is_done(&manner), || "a writer lost its connection".into());
            heads[writer.index] = writer.acked.iter().map(|acked| acked.seq).max().unwrap_or(0);
            writer.acked.clear();
        }
        if !writers.iter().all(|writer| writer.is_done(&manner)) {
            return report;
        }
        args.progress(&format!("clean-start: {} of {count}", manner.until * WRITERS as u64));
    }
    let mut starts = vec![];
    for _ in 0..STARTS {
        report.expect(server.stop().success(), || "the stop was not clean".into());
        let since = Instant::now();
        if let Err(why) = server.run() {
            report.violation(&format!("it doesn't start again: {why}"));
            return report;
        }
        starts.push(since.elapsed());
    }
    let reader = reader(&server.door(), &writers).await;
    for writer in &writers {
        let head = heads[writer.index];
        let read = super::history::read(&reader, writer.room_id(), head.saturating_sub(9)).await;
        let last = read.map(|events| events.last().and_then(|e| e.header.as_ref().map(|h| h.seq)));
        report.expect(last == Ok(Some(head)), || format!("{head} is the last, not {last:?}"));
    }
    starts.sort_unstable();
    let median = starts[STARTS / 2];
    // Times are asserted at the full count only: a short one runs beside other tests.
    report.expect(args.short || median <= READY_WITHIN, || format!("ready after {median:?}"));
    report.trials(STARTS as u64);
    report.figure("events", each * WRITERS as u64);
    report.figure("ready_ms", crate::report::quantiles_ms(starts));
    report.figure("rss_mb", server.memory() / 1_000_000);
    report
}
