//! `upload`: one client uploads a file of 64 MiB that the server hasn't seen, with a new one each time, while
//! two others talk. MiB a second, and what it costs the two.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parlour::{Client, Trust};
use serde_json::json;

use super::beside::{FIGURES, TALKERS, Work, beside};
use super::{Context, compare};
use crate::harness::certificate::Certificate;
use crate::harness::figure::{Better, Goal, Title};
use crate::harness::report::Report;
use crate::harness::{Outcome, during};
use crate::subject::{Setup, Subject};
use crate::swarm::world::{POST_BYTES, World};

const MIB: usize = 64;
const MIB_QUICK: usize = 8;
/// The one who uploads.
const UPLOADER: usize = 2;

pub(crate) fn run(context: &Context<'_>, report: &mut Report) -> Outcome {
    let mib = if context.quick { MIB_QUICK } else { MIB };
    let seed = AtomicU64::new(1);
    let all = context.interleave(&[Subject::Parlour], FIGURES, |subject| {
        let rooms = vec![(0..TALKERS).collect()];
        let world = World { users: 3, rooms, post_bytes: POST_BYTES, listening: None };
        let setup = Setup::new(context.folder, context.certificate, world);
        let server = subject.start(&setup)?;
        let from = seed.fetch_add(1_000, Ordering::Relaxed);
        let work = uploader(server.address(), setup.certificate, &setup.world, mib, from);
        beside(context, server.as_ref(), work, mib as f64)
    })?;
    for cell in 0..FIGURES {
        compare(&all, cell, |_| title(cell, mib), report);
    }
    Ok(())
}

fn uploader(
    address: SocketAddr,
    certificate: &Certificate,
    world: &Arc<World>,
    mib: usize,
    seed: u64,
) -> Work {
    let (token, sha256) = (world.token(UPLOADER), certificate.sha256.clone());
    let seed = AtomicU64::new(seed);
    Box::new(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(during("runtime"))?;
        let file = noise(mib << 20, seed.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(async {
            let client = Client::builder()
                .address(address.to_string())
                .token(token.as_str())
                .trust(Trust::parse_sha256(&sha256).ok_or("not a hash")?)
                .connect()
                .await
                .map_err(during("connect"))?;
            let begin = std::time::Instant::now();
            client.upload(file).named("film.bin").await.map_err(during("upload"))?;
            let took = begin.elapsed();
            client.disconnect().await;
            Ok(took)
        })
    })
}

/// Bytes that nobody has seen before, and that don't look like any kind of file.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    bytes.push(b' ');
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn title(cell: usize, mib: usize) -> Title {
    let of_rate = cell == 0;
    Title {
        bench: "upload",
        params: json!({
            "mib": mib, "of": if of_rate { "rate" } else { "live p99 over unloaded" },
        }),
        unit: if of_rate { "MiB/s" } else { "times" },
        better: if of_rate { Better::More } else { Better::Less },
        goal: (!of_rate).then_some(Goal::AtMost(2.0)),
    }
}
