//! `idle-memory`: what a connected, authenticated client that says nothing costs the server in
//! resident memory.

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

const PEERS: [Subject; 3] = [Subject::SocketioTls, Subject::Socketio, Subject::WsTls];
const CLIENTS: [usize; 2] = [3_000, 10_000];
const IN_FLIGHT: usize = 64;
const TEAM: usize = 100;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let sizes: &[usize] = if context.quick { &[1_000] } else { &CLIENTS };
    for clients in sizes {
        let line_up = context.line_up(&PEERS);
        let all = context.interleave(&line_up, 1, |subject| one(context, subject, *clients))?;
        compare(&all, 0, |peer| title(*clients, peer), report);
    }
    Ok(())
}

fn one(context: &Context<'_>, subject: Subject, clients: usize) -> Outcome<Vec<Sample>> {
    let world = World::teams(clients, TEAM, 1);
    let setup = Setup::new(context.folder, context.certificate, world);
    let server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    // What the first connections load once isn't each one's.
    crowd.connect(TEAM, IN_FLIGHT)?;
    let before = machine::rss_kb(&server.pids());
    crowd.connect(clients, IN_FLIGHT)?;
    crowd.rest(Duration::from_secs(if context.quick { 1 } else { 5 }))?;
    let after = machine::rss_kb(&server.pids());
    let each = after.saturating_sub(before) as f64 / (clients - TEAM) as f64;
    Ok(vec![Sample {
        value: Some(each),
        rss_kb: Some(after),
        load1: machine::load1(),
        ..Sample::default()
    }])
}

fn title(clients: usize, peer: Option<Subject>) -> Title {
    let goal = (peer == Some(Subject::SocketioTls)).then_some(Goal::Ratio(1.0 / 0.55));
    Title {
        bench: "idle-memory",
        params: json!({ "connections": clients }),
        unit: "kB/connection",
        better: Better::Less,
        goal,
    }
}
