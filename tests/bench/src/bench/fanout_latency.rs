//! `fanout-latency`: from a post to each delivery in a room of 200, at 150 posts a second and at
//! half of what the subject can do. The generator sleeps between posts, as clients do. Parlour's posts are
//! on the disk first, so the disk is measured by itself, too, in the same minutes.

use std::time::Duration;

use serde_json::json;

use super::{Context, compare};
use crate::drive::Crowd;
use crate::drive::loops::{Closed, Paced, Run};
use crate::harness::figure::{Better, Figure, Goal, Sample, Side, Title};
use crate::harness::histogram::Histogram;
use crate::harness::report::Report;
use crate::harness::{Outcome, disk};
use crate::subject::{Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const PEERS: [Subject; 3] = [Subject::WsTls, Subject::SocketioTls, Subject::Socketio];
const MEMBERS: usize = 200;
const POSTS_PER_SECOND: f64 = 150.0;
const CONNECTING: usize = 64;
/// Each pace gives one figure for each of these shares.
const SHARES: [(f64, &str); 2] = [(0.5, "p50"), (0.99, "p99")];
const PACES: [&str; 2] = ["150/s", "half of capacity"];

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let line_up = context.line_up(&PEERS);
    let cells = PACES.len() * SHARES.len();
    let mut disk = Vec::new();
    let all = context.interleave(&line_up, cells, |subject| {
        if subject == line_up[0] {
            disk.push(disk::syncs(context.folder, POSTS_PER_SECOND, time(context))?);
        }
        one(context, subject)
    })?;
    for cell in 0..cells {
        compare(&all, cell, |peer| title(cell, peer), report);
    }
    for (share, of) in SHARES {
        report.add(&of_disk(&disk, share, of));
    }
    Ok(())
}

fn time(context: &Context<'_>) -> Duration {
    Duration::from_millis(if context.quick { 1_500 } else { 6_000 })
}

/// What the disk took, without anybody's server.
fn of_disk(syncs: &[Histogram], share: f64, of: &str) -> Figure {
    let samples: Vec<Sample> = syncs
        .iter()
        .map(|took| Sample {
            value: took.quantile(share),
            latencies: Some(took.clone()),
            ..Sample::default()
        })
        .collect();
    let title = Title {
        bench: "fanout-latency",
        params: json!({ "of": of, "pace": PACES[0] }),
        unit: "us",
        better: Better::Less,
        goal: None,
    };
    let side = Side { name: "the disk", version: env!("CARGO_PKG_VERSION"), samples: &samples };
    Figure::new(&title, &side, None)
}

fn one(context: &Context<'_>, subject: Subject) -> Outcome<Vec<Sample>> {
    let setup = Setup::new(context.folder, context.certificate, World::one_room(MEMBERS));
    let server = subject.start(&setup)?;
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(MEMBERS, CONNECTING)?;
    let pids = server.pids();
    let time = time(context);
    let warm_up = Duration::from_millis(500);
    let capacity =
        Closed { window: 8, ack: false, all_post: true, warm_up, time: time / 3, spins: false };
    let most = crowd.closed(&pids, capacity)?;
    let half = most.delivered as f64 / MEMBERS as f64 / most.elapsed.as_secs_f64() / 2.0;
    crowd.rest(Duration::from_millis(500))?;
    let mut samples = Vec::new();
    for per_second in [POSTS_PER_SECOND, half] {
        let run = crowd.paced(&pids, Paced { per_second, all_post: true, warm_up, time })?;
        samples.extend(SHARES.map(|(share, _)| sample(&run, share)));
        crowd.rest(Duration::from_millis(200))?;
    }
    Ok(samples)
}

fn sample(run: &Run, share: f64) -> Sample {
    let value = run.deliveries.quantile(share).unwrap_or(f64::NAN);
    Sample { latencies: Some(run.deliveries.clone()), ..run.sample(value, run.delivered) }
}

fn title(cell: usize, peer: Option<Subject>) -> Title {
    let (pace, share) = (PACES[cell / SHARES.len()], SHARES[cell % SHARES.len()].1);
    let goal = match (peer, share) {
        (Some(Subject::WsTls), "p50") => Some(Goal::Ratio(1.0)),
        (Some(Subject::SocketioTls), "p99") => Some(Goal::Ratio(1.0 / 0.7)),
        _ => None,
    };
    Title {
        bench: "fanout-latency",
        params: json!({ "members": MEMBERS, "pace": pace, "of": share, "bytes": POST_BYTES }),
        unit: "us",
        better: Better::Less,
        goal,
    }
}
