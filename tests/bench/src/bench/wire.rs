//! `wire`: bytes on the network for each event that reaches a reader, IP headers included, counted
//! by the relay. The peer's post carries in JSON what Parlour's header carries.

use std::time::Duration;

use serde_json::json;

use super::{Context, compare};
use crate::drive::Crowd;
use crate::drive::loops::{Closed, Paced, Run};
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::report::Report;
use crate::harness::{Outcome, during, machine, namespace};
use crate::relay::{Passed, Relay};
use crate::subject::{Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const RTT_MS: u32 = 20;
const PER_SECOND: f64 = 20.0;
const IN_FLIGHT: usize = 32;
/// At a trickle every event has a packet of its own; in a burst they share packets.
const PACES: [&str; 2] = ["20/s", "32 in flight"];
/// Each pace gives one figure for each of these.
const COUNTS: [&str; 2] = ["down", "both ways"];

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let mut relay = Relay::start()?;
    relay.rtt(RTT_MS)?;
    let line_up = context.line_up(&[Subject::SocketioTls]);
    let cells = PACES.len() * COUNTS.len();
    let all = context.interleave(&line_up, cells, |subject| one(context, subject, &mut relay))?;
    for cell in 0..cells {
        compare(&all, cell, |peer| title(cell, peer), report);
    }
    Ok(())
}

fn one(context: &Context<'_>, subject: Subject, relay: &mut Relay) -> Outcome<Vec<Sample>> {
    let mut setup = Setup::new(context.folder, context.certificate, World::one_room(2));
    setup.beyond_the_relay()?;
    setup.full = true;
    let server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(1, 1)?;
    // The reader has an address of its own, so that only its bytes are counted.
    let reader = namespace::CLIENT_ADDRESSES[1];
    crowd.connect_from(reader.parse().map_err(during("address"))?)?;
    crowd.rest(Duration::from_millis(500))?;
    let pids = server.pids();
    let (warm_up, time) = (Duration::ZERO, Duration::from_secs(if context.quick { 2 } else { 8 }));
    let mut samples = Vec::new();
    for pace in 0..PACES.len() {
        let before = relay.passed(reader)?;
        let run = if pace == 0 {
            crowd.paced(&pids, Paced { per_second: PER_SECOND, all_post: false, warm_up, time })?
        } else {
            let window = IN_FLIGHT;
            crowd.closed(
                &pids,
                Closed { window, ack: false, all_post: false, warm_up, time, spins: false },
            )?
        };
        crowd.rest(Duration::from_millis(500))?;
        let after = relay.passed(reader)?;
        samples.extend(counted(&run, before, after));
    }
    Ok(samples)
}

fn counted(run: &Run, before: Passed, after: Passed) -> [Sample; 2] {
    let events = run.posted as f64;
    let down = (after.down_bytes - before.down_bytes) as f64 / events;
    let up = (after.up_bytes - before.up_bytes) as f64 / events;
    [down, down + up].map(|value| Sample {
        value: Some(value),
        lost: run.lost,
        load1: machine::load1(),
        ..Sample::default()
    })
}

fn title(cell: usize, peer: Option<Subject>) -> Title {
    let (pace, of) = (PACES[cell / COUNTS.len()], COUNTS[cell % COUNTS.len()]);
    Title {
        bench: "wire",
        params: json!({ "pace": pace, "of": of, "bytes": POST_BYTES }),
        unit: "bytes/event",
        better: Better::Less,
        goal: peer.filter(|_| of == COUNTS[0]).map(|_| Goal::Ratio(1.0 / 0.5)),
    }
}
