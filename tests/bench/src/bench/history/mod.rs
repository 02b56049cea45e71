//! `history`: a client without a cache reads a room of 100,000 messages into SQLite, while two
//! others talk. Messages a second, and what the reading costs the two. Parlour's client is the SDK;
//! the peer's pages are read from PostgreSQL and written to SQLite as an application would.

mod peer;
mod sdk;

use serde_json::json;

use super::beside::{FIGURES, TALKERS, Work as Reader, beside, timed};
use super::{Context, compare};
use crate::harness::Outcome;
use crate::harness::figure::{Better, Goal, Title};
use crate::harness::postgres::Postgres;
use crate::harness::report::Report;
use crate::subject::{Running, Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const MESSAGES: usize = 100_000;
const MESSAGES_QUICK: usize = 5_000;
/// The one who reads, and the room it reads.
const READER: usize = 2;
const ROOM: usize = 1;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let messages = if context.quick { MESSAGES_QUICK } else { MESSAGES };
    let postgres = Postgres::start()?;
    peer::fill(&postgres, messages)?;
    let line_up = context.line_up(&[Subject::SocketioTls]);
    // Filled once: each repetition starts the server anew over the same log.
    let mut filled: Option<Box<dyn Running>> = None;
    let mut all = context.interleave(&line_up, FIGURES, |subject| {
        let mut setup = Setup::new(context.folder, context.certificate, world());
        if subject != Subject::Parlour {
            setup.postgres = Some(&postgres);
            let server = subject.start(&setup)?;
            let reader = peer::reader(subject, server.address(), setup.world.clone(), messages);
            return beside(context, server.as_ref(), reader, messages as f64);
        }
        let server = match filled.take() {
            Some(mut server) => {
                server.restart()?;
                server
            }
            None => {
                let server = subject.start(&setup)?;
                let mut swarm = server.swarm()?;
                sdk::fill(swarm.as_mut(), messages)?;
                server
            }
        };
        let reader = sdk::reader(server.address(), setup.certificate, &setup.world, messages);
        let samples = beside(context, server.as_ref(), reader, messages as f64);
        filled = Some(server);
        samples
    })?;
    let with = format!("with PostgreSQL {}", postgres.version()?);
    all.iter_mut().filter(|one| one.is_peer()).for_each(|one| one.runs_with(&with));
    for cell in 0..FIGURES {
        compare(&all, cell, |peer| title(cell, messages, peer), report);
    }
    Ok(())
}

/// Two who talk in room 0, and one who has room 1 to itself.
fn world() -> World {
    World {
        users: 3,
        rooms: vec![(0..TALKERS).collect(), vec![READER]],
        post_bytes: POST_BYTES,
        listening: None,
    }
}

fn title(cell: usize, messages: usize, peer: Option<Subject>) -> Title {
    let of_rate = cell == 0;
    let goal = if of_rate { peer.map(|_| Goal::Ratio(10.0)) } else { Some(Goal::AtMost(2.0)) };
    Title {
        bench: "history",
        params: json!({
            "messages": messages, "bytes": POST_BYTES,
            "of": if of_rate { "rate" } else { "live p99 over unloaded" },
        }),
        unit: if of_rate { "messages/s" } else { "times" },
        better: if of_rate { Better::More } else { Better::Less },
        goal,
    }
}
