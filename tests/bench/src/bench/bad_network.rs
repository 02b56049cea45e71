//! `bad-network`: posts between two people over a path of 100 ms and 20 Mbit/s that loses packets,
//! with and without a transfer to the reader over the same connection. TCP has the congestion
//! control of this machine, which the figure names.

use std::time::{Duration, Instant};

use parlour_protocol::limits::TEXT_BYTES_MAX;
use serde_json::json;

use super::{Context, compare};
use crate::drive::ledger::Ledger;
use crate::drive::{Crowd, TURN};
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::report::Report;
use crate::harness::{Outcome, machine};
use crate::relay::Relay;
use crate::subject::{Setup, Subject};
use crate::swarm::Seen;
use crate::swarm::world::{POST_BYTES, World};

const RTT_MS: u32 = 100;
const MEGABITS: u32 = 20;
const LOSSES: [u32; 3] = [0, 2, 5];
const BULK_BYTES: usize = 5_000_000;
const POST_EVERY: Duration = Duration::from_millis(20);
/// What is under way at the end has this long.
const DRAIN: Duration = Duration::from_secs(60);
/// The one who posts, and the one who reads.
const WRITER: usize = 0;
const READER: usize = 1;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let mut relay = Relay::start()?;
    let line_up = context.line_up(&[Subject::SocketioTls]);
    for loss in LOSSES {
        for bulk in [false, true] {
            let all = context.interleave(&line_up, 1, |subject| {
                let sample = one(context, subject, &mut relay, loss, bulk);
                relay.loss(0)?;
                sample.map(|sample| vec![sample])
            })?;
            compare(&all, 0, |peer| title(loss, bulk, peer), report);
        }
    }
    Ok(())
}

fn one(
    context: &Context<'_>,
    subject: Subject,
    relay: &mut Relay,
    loss: u32,
    bulk: bool,
) -> Outcome<Sample> {
    let mut setup = Setup::new(context.folder, context.certificate, World::with_archive(2));
    setup.beyond_the_relay()?;
    // From the first packet on: a congestion control that has seen a shorter way trusts it for long.
    relay.rate(MEGABITS)?;
    relay.rtt(RTT_MS)?;
    let server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(2, 1)?;
    if bulk {
        crowd.swarm.fill(READER, BULK_BYTES.div_ceil(TEXT_BYTES_MAX), TEXT_BYTES_MAX)?;
    }
    relay.loss(loss)?;
    let time = Duration::from_secs(if context.quick { 3 } else { 12 });
    let ledger = talk(&mut crowd, time, bulk)?;
    Ok(Sample {
        value: ledger.deliveries.quantile(0.99),
        latencies: Some(ledger.deliveries.clone()),
        generator_util: Some(crowd.swarm.meter().util()),
        rss_kb: Some(machine::rss_kb(&server.pids())),
        lost: ledger.missing() + ledger.surplus,
        load1: machine::load1(),
        ..Sample::default()
    })
}

/// Posts at a steady pace; with `bulk` there always is a transfer under way.
fn talk(crowd: &mut Crowd, time: Duration, bulk: bool) -> Outcome<Ledger> {
    let mut ledger = Ledger::new(crowd.next, 1, false);
    crowd.swarm.meter().mark();
    if bulk {
        crowd.swarm.bulk(READER, BULK_BYTES)?;
    }
    let begin = Instant::now();
    let mut due = begin;
    while begin.elapsed() < time || (ledger.under_way() > 0 && begin.elapsed() < time + DRAIN) {
        let now = Instant::now();
        if now >= due && begin.elapsed() < time {
            due += POST_EVERY;
            let number = ledger.post(now);
            crowd.swarm.post(WRITER, 0, number)?;
        }
        let wait = due.saturating_duration_since(Instant::now());
        crowd.turn(if begin.elapsed() < time { wait.min(TURN) } else { TURN })?;
        for seen in std::mem::take(&mut crowd.seen) {
            match seen {
                Seen::Delivered { client: READER, number, at } => ledger.deliver(number, at),
                Seen::BulkDone if begin.elapsed() < time => {
                    crowd.swarm.bulk(READER, BULK_BYTES)?;
                }
                Seen::Closed { client, why } => return Err(format!("client {client}: {why}")),
                _ => {}
            }
        }
    }
    crowd.next = ledger.next();
    Ok(ledger)
}

fn title(loss: u32, bulk: bool, peer: Option<Subject>) -> Title {
    let goal = if bulk { 1.0 / 0.5 } else { 1.0 / 0.85 };
    let path = format!("{} ms, {MEGABITS} Mbit/s", RTT_MS);
    Title {
        bench: "bad-network",
        params: json!({
            "path": path, "loss_percent": loss, "bulk_bytes": if bulk { BULK_BYTES } else { 0 },
            "tcp": machine::tcp_congestion_control(), "of": "p99", "bytes": POST_BYTES,
        }),
        unit: "us",
        better: Better::Less,
        goal: peer.map(|_| Goal::Ratio(goal)),
    }
}
