//! `fanout`: posts of 200 bytes to everyone in one room, durable at Parlour, relayed at its peers.
//! Deliveries for each second of the server's processor time; the generator spins. `fanout-mixed`: the
//! same in a room of 10,000, of whom one in ten wants whole events and the others only to know of them.

use std::time::Duration;

use serde_json::json;

use super::{Context, compare};
use crate::drive::Crowd;
use crate::drive::loops::Closed;
use crate::harness::Outcome;
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::report::Report;
use crate::subject::{Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const PEERS: [Subject; 3] = [Subject::SocketioTls, Subject::Socketio, Subject::Ws];
const MEMBERS: [usize; 2] = [200, 1_000];
const WINDOWS: [usize; 3] = [1, 8, 32];
const CONNECTING: usize = 64;
/// Members of the large room, and how many of them want whole events.
const MIXED: (usize, usize) = (10_000, 1_000);

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    for members in MEMBERS {
        let line_up = context.line_up(&PEERS);
        let all = context
            .interleave(&line_up, WINDOWS.len(), |subject| one(context, subject, members))?;
        for (cell, window) in WINDOWS.into_iter().enumerate() {
            compare(&all, cell, |peer| title(members, window, peer), report);
        }
    }
    Ok(())
}

pub(crate) fn run_mixed(context: &Context<'_>, report: &mut Report) -> Outcome {
    let (members, listening) = if context.quick { (1_000, 100) } else { MIXED };
    let world = || World { listening: Some(listening), ..World::one_room(members) };
    let all = context.interleave(&[Subject::Parlour], WINDOWS.len(), |subject| {
        through(context, subject, world(), members)
    })?;
    for (cell, window) in WINDOWS.into_iter().enumerate() {
        let title = |_| Title {
            bench: "fanout-mixed",
            params: json!({
                "members": members, "listening": listening, "in_flight": window,
                "bytes": POST_BYTES,
            }),
            ..title(members, window, None)
        };
        compare(&all, cell, title, report);
    }
    Ok(())
}

/// One server and its members through all windows.
fn one(context: &Context<'_>, subject: Subject, members: usize) -> Outcome<Vec<Sample>> {
    through(context, subject, World::one_room(members), members)
}

fn through(
    context: &Context<'_>,
    subject: Subject,
    world: World,
    members: usize,
) -> Outcome<Vec<Sample>> {
    let listening = world.listening;
    let setup = Setup::new(context.folder, context.certificate, world);
    let server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.listening = listening;
    crowd.connect(members, CONNECTING)?;
    crowd.rest(Duration::from_millis(200))?;
    let mut samples = Vec::new();
    for window in WINDOWS {
        let (warm_up, time) = if context.quick { (300, 1_000) } else { (1_000, 4_000) };
        let run = crowd.closed(
            &server.pids(),
            Closed {
                window,
                ack: false,
                all_post: true,
                warm_up: Duration::from_millis(warm_up),
                time: Duration::from_millis(time),
                spins: true,
            },
        )?;
        let mut sample = run.sample(run.delivered_per_cpu_second(), run.delivered);
        sample.latencies = Some(run.deliveries);
        samples.push(sample);
    }
    Ok(samples)
}

fn title(members: usize, window: usize, peer: Option<Subject>) -> Title {
    let goal = match (peer, members, window) {
        (Some(Subject::SocketioTls), 200, 1) => Some(Goal::Ratio(1.5)),
        (Some(Subject::SocketioTls), _, 1) => Some(Goal::Ratio(2.0)),
        (Some(Subject::SocketioTls), _, _) => Some(Goal::Ratio(4.0)),
        (Some(Subject::Socketio), _, _) => Some(Goal::Ratio(1.2)),
        _ => None,
    };
    Title {
        bench: "fanout",
        params: json!({ "members": members, "in_flight": window, "bytes": POST_BYTES }),
        unit: "deliveries/cpu-s",
        better: Better::More,
        goal,
    }
}
