//! `durable-send`: posts acknowledged once they are on disk, beside Socket.IO with an awaited
//! insert into PostgreSQL. The database runs on the server's core and counts as the server.

use std::time::Duration;

use serde_json::json;

use super::{Context, compare};
use crate::drive::Crowd;
use crate::drive::loops::Closed;
use crate::harness::Outcome;
use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::postgres::Postgres;
use crate::harness::report::Report;
use crate::subject::{Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const MEMBERS: [usize; 2] = [2, 200];
const WINDOWS: [usize; 3] = [1, 8, 64];
const CONNECTING: usize = 64;
/// Each window gives two figures.
const RATE: usize = 0;
const FIGURES: usize = 2;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let line_up = context.line_up(&[Subject::SocketioTls]);
    let postgres = Postgres::start()?;
    let with = format!("with PostgreSQL {}", postgres.version()?);
    for members in MEMBERS {
        let cells = WINDOWS.len() * FIGURES;
        let mut all = context
            .interleave(&line_up, cells, |subject| one(context, subject, members, &postgres))?;
        all.iter_mut().filter(|one| one.is_peer()).for_each(|one| one.runs_with(&with));
        for cell in 0..cells {
            compare(&all, cell, |peer| title(members, cell, peer), report);
        }
    }
    Ok(())
}

fn one(
    context: &Context<'_>,
    subject: Subject,
    members: usize,
    postgres: &Postgres,
) -> Outcome<Vec<Sample>> {
    let world = World::one_room(members);
    let mut setup = Setup::new(context.folder, context.certificate, world);
    setup.postgres = (subject != Subject::Parlour).then_some(postgres);
    let server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(members, CONNECTING)?;
    let (warm_up, time) = if context.quick { (300, 1_000) } else { (1_000, 4_000) };
    let (warm_up, time) = (Duration::from_millis(warm_up), Duration::from_millis(time));
    let mut samples = Vec::new();
    for window in WINDOWS {
        // A database opens its connections with the load.
        crowd.closed(
            &server.pids(),
            Closed { window, ack: true, all_post: true, warm_up, time: warm_up, spins: false },
        )?;
        let how = Closed { window, ack: true, all_post: true, warm_up, time, spins: false };
        let run = crowd.closed(&server.pids(), how)?;
        let rate = run.sample(run.acked_per_second(), run.acked);
        let p99 = run.acks.quantile(0.99).unwrap_or(f64::NAN);
        let tail = Sample { value: Some(p99), ..rate.clone() };
        samples.extend([rate, tail].map(|one| Sample { latencies: Some(run.acks.clone()), ..one }));
    }
    Ok(samples)
}

fn title(members: usize, cell: usize, peer: Option<Subject>) -> Title {
    let window = WINDOWS[cell / FIGURES];
    let of_rate = cell % FIGURES == RATE;
    let goal = match (peer, of_rate, window) {
        (Some(_), true, 8) => Some(Goal::Ratio(3.0)),
        (Some(_), true, 64) => Some(Goal::Ratio(15.0)),
        (Some(_), false, 1) => Some(Goal::Ratio(1.0)),
        _ => None,
    };
    Title {
        bench: "durable-send",
        params: json!({
            "members": members, "in_flight": window, "bytes": POST_BYTES,
            "of": if of_rate { "rate" } else { "ack p99" },
        }),
        unit: if of_rate { "acks/s" } else { "us" },
        better: if of_rate { Better::More } else { Better::Less },
        goal,
    }
}
