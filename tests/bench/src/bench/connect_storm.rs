//! `connect-storm`: 2,000 clients connect with 64 at a time: TLS, token, seven rooms, and the list
//! of them told to the client. Every handshake is a full one.

use std::time::Duration;

use serde_json::json;

use super::{Context, compare};
use crate::drive::Crowd;
use crate::harness::Outcome;
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::machine;
use crate::harness::report::Report;
use crate::subject::{Setup, Subject};
use crate::swarm::world::World;

const PEERS: [Subject; 2] = [Subject::SocketioTls, Subject::WsTls];
const CLIENTS: usize = 2_000;
const WARM_UP: usize = 100;
const IN_FLIGHT: usize = 64;
const TEAM: usize = 100;
const ROOMS_EACH: usize = 7;
const UNITS: [&str; 2] = ["connections/s", "cpu-us/connection"];

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let clients = if context.quick { CLIENTS / 4 } else { CLIENTS };
    let line_up = context.line_up(&PEERS);
    let all =
        context.interleave(&line_up, UNITS.len(), |subject| one(context, subject, clients))?;
    for cell in 0..UNITS.len() {
        compare(&all, cell, |peer| title(clients, cell, peer), report);
    }
    Ok(())
}

fn one(context: &Context<'_>, subject: Subject, clients: usize) -> Outcome<Vec<Sample>> {
    let world = World::teams(WARM_UP + clients, TEAM, ROOMS_EACH);
    let setup = Setup::new(context.folder, context.certificate, world);
    let server = subject.start(&setup)?;
    let pids = server.pids();
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(WARM_UP, IN_FLIGHT)?;
    crowd.rest(Duration::from_millis(200))?;
    crowd.swarm.meter().mark();
    let before = machine::cpu_ns(&pids);
    let storm = crowd.connect(WARM_UP + clients, IN_FLIGHT)?;
    let cpu_us = (machine::cpu_ns(&pids) - before) as f64 / 1_000.0;
    let sample = Sample {
        value: Some(clients as f64 / storm.elapsed.as_secs_f64()),
        latencies: Some(storm.latencies),
        server_cpu_us_per_op: Some(cpu_us / clients as f64),
        server_util: Some(cpu_us / 1e6 / storm.elapsed.as_secs_f64()),
        generator_util: Some(crowd.swarm.meter().util()),
        rss_kb: Some(machine::rss_kb(&pids)),
        load1: machine::load1(),
        ..Sample::default()
    };
    let cost = Sample { value: sample.server_cpu_us_per_op, ..sample.clone() };
    Ok(vec![sample, cost])
}

fn title(clients: usize, cell: usize, peer: Option<Subject>) -> Title {
    let of_rate = cell == 0;
    Title {
        bench: "connect-storm",
        params: json!({ "clients": clients, "in_flight": IN_FLIGHT, "rooms": ROOMS_EACH }),
        unit: UNITS[cell],
        better: if of_rate { Better::More } else { Better::Less },
        goal: peer.map(|_| Goal::Ratio(if of_rate { 2.5 } else { 1.0 / 0.35 })),
    }
}
