//! `carriers`: the same sends over native QUIC, WebTransport and WebSocket, against the same server: how long an
//! acknowledgement takes one at a time, and how many come in a second with 64 under way. The first one is what
//! the others are compared with.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parlour_features::raw::{Carrier, Client, Door, hello};
use parlour_features::world::{client_ref, text};
use parlour_protocol::generated::rpc::{CreateGroup, Send};
use parlour_protocol::room::CreateGroupRequest;
use serde_json::json;

use super::Context;
use super::sync::runtime;
use crate::harness::figure::{Better, Figure, Sample, Side, Title};
use crate::harness::histogram::Histogram;
use crate::harness::report::Report;
use crate::harness::{Outcome, machine, token};
use crate::subject::{Running, Setup, Subject};
use crate::swarm::world::World;

const CARRIERS: [(&str, Carrier); 3] = [
    ("quic", Carrier::Quic),
    ("webtransport", Carrier::WebTransport),
    ("websocket", Carrier::WebSocket),
];
/// Sends under way at once.
const WINDOWS: [usize; 2] = [1, 64];
const TIME: Duration = Duration::from_secs(5);
const TIME_QUICK: Duration = Duration::from_secs(1);

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let setup = Setup::new(context.folder, context.certificate, World::default());
    let server = Subject::Parlour.start(&setup)?;
    let http = server.http().ok_or("the server has no port of HTTP")?;
    let mut cells: [[Vec<Sample>; 3]; 2] = Default::default();
    runtime()?.block_on(async {
        for _ in 0..context.reps() {
            for (at, (_, carrier)) in CARRIERS.iter().enumerate() {
                let door =
                    Door::over(*carrier, server.address(), http, &context.certificate.sha256);
                for (window, cell) in WINDOWS.iter().zip(&mut cells) {
                    cell[at].push(measure(context, &door, server.as_ref(), *window).await?);
                }
            }
        }
        Ok::<(), String>(())
    })?;
    let version = env!("CARGO_PKG_VERSION");
    for (window, cell) in WINDOWS.iter().zip(&cells) {
        let [quic, others @ ..] = cell;
        let theirs = Side { name: CARRIERS[0].0, version, samples: quic };
        for ((name, _), samples) in CARRIERS[1..].iter().zip(others) {
            let side = Side { name, version, samples };
            report.add(&Figure::new(&title(name, *window), &side, Some(&theirs)));
        }
    }
    Ok(())
}

async fn measure(
    context: &Context<'_>,
    door: &Door,
    server: &dyn Running,
    window: usize,
) -> Outcome<Sample> {
    let failed = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let client = door.connect(hello(token::token("writer", &[]))).await.map_err(|e| failed(&e))?;
    let request = CreateGroupRequest { client_ref: client_ref(), ..named("carriers") };
    let made = client.call::<CreateGroup>(&request).await.map_err(|e| failed(&e))?;
    let room = made.room.ok_or("a group without a room")?.id;
    let time = if context.quick { TIME_QUICK } else { TIME };
    let before = machine::cpu_ns(&server.pids());
    let (acks, took, sends) = send(&client, &room, window, time).await?;
    let cpu_us = (machine::cpu_ns(&server.pids()) - before) as f64 / 1000.0;
    client.leave();
    Ok(Sample {
        value: match window {
            1 => acks.quantile(0.5),
            _ => Some(f64::from(sends) / took.as_secs_f64()),
        },
        latencies: Some(acks),
        server_cpu_us_per_op: Some(cpu_us / f64::from(sends)),
        load1: machine::load1(),
        ..Sample::default()
    })
}

fn named(name: &str) -> CreateGroupRequest {
    CreateGroupRequest { name: name.to_owned(), ..CreateGroupRequest::default() }
}

/// Sends for so long, always so many under way.
async fn send(
    client: &Client,
    room: &Bytes,
    window: usize,
    time: Duration,
) -> Outcome<(Histogram, Duration, u32)> {
    let failed = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let (mut acks, mut sends) = (Histogram::new(), 0);
    let mut under_way = VecDeque::with_capacity(window);
    let begin = Instant::now();
    while begin.elapsed() < time || !under_way.is_empty() {
        while under_way.len() < window && begin.elapsed() < time {
            let request = text(room, "How is it going, and until when?");
            let pending = client.start::<Send>(&request).await.map_err(|lost| failed(&lost))?;
            under_way.push_back((Instant::now(), pending));
        }
        let Some((at, pending)) = under_way.pop_front() else { break };
        pending.answer().await.map_err(|error| failed(&error))?;
        acks.add(at.elapsed());
        sends += 1;
    }
    Ok((acks, begin.elapsed(), sends))
}

fn title(carrier: &str, window: usize) -> Title {
    let (unit, better) = if window == 1 { ("us", Better::Less) } else { ("acks/s", Better::More) };
    let params = json!({ "carrier": carrier, "window": window });
    Title { bench: "carriers", params, unit, better, goal: None }
}
