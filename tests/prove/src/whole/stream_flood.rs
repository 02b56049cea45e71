//! Lanes opened and reset without end: each connection that does it is closed for it, what it
//! costs is bounded, and somebody who behaves is served meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parlour_features::{
    raw::{Client, Door},
    server::Server,
    world::join,
};
use parlour_protocol::wire::{CloseCode, Hello};

use super::{
    block_on,
    chat::{Chat, p99_ms},
    writers::lasting_hello,
};
use crate::{args::Args, report::Report};

/// Processor time that 10,000 lanes may cost, with the connections they come on.
const CPU_PER_10_000: Duration = Duration::from_secs(1);
/// Flooders at once.
const FLOODERS: u64 = 4;
/// Lanes after which a connection that is still open was not closed for a flood.
const LANES_PER_CONNECTION_MAX: u64 = 20_000;

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    for way in [Way::Both, Way::One] {
        report.part(way.name(), block_on(flood(args, way)));
    }
    report
}

/// Which kind of lane.
#[derive(Clone, Copy, Debug)]
enum Way {
    Both,
    One,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Both => "bidirectional",
            Way::One => "unidirectional",
        }
    }

    /// Opens a lane and resets it; false if the connection is gone.
    async fn break_one(self, client: &Client) -> bool {
        let code = 1;
        let mut send = match self {
            Way::Both => match client.connection().open_bi().await {
                Ok((send, mut recv)) => {
                    recv.stop(code);
                    send
                }
                Err(_) => return false,
            },
            Way::One => match client.connection().open_uni().await {
                Ok(send) => send,
                Err(_) => return false,
            },
        };
        // A byte, so that the lane is seen before it is gone.
        let _ = send.write_all(&[4]).await;
        send.reset(code);
        true
    }
}

async fn flood(args: &Args, way: Way) -> Report {
    let mut report = Report::default();
    let lanes = args.count(100_000, 2_000);
    let mut server = Server::roomy();
    let chat = Chat::begin(join(&server, "ada").await, join(&server, "bob").await, "bob").await;
    let before = server.cpu();
    let quiet = chat.delays(50, Duration::from_millis(10), &mut report).await;
    let idle = server.cpu() - before;

    let before = server.cpu();
    let opened = Arc::new(AtomicU64::new(0));
    let flooders: Vec<_> = (0..FLOODERS)
        .map(|n| {
            let hello = lasting_hello(&server, &format!("flooder{n}"));
            tokio::spawn(flooder(server.door(), hello, way, opened.clone(), lanes))
        })
        .collect();
    let mut delays = vec![];
    while flooders.iter().any(|flooder| !flooder.is_finished()) {
        delays.extend(chat.delays(10, Duration::from_millis(10), &mut report).await);
    }
    // What the chat alone costs isn't the flood's.
    let cpu = (server.cpu() - before).saturating_sub(idle * (delays.len() as u32 / 50));
    let mut connections = 0;
    for flooder in flooders {
        match flooder.await.expect("flooders don't panic") {
            Ok(count) => connections += count,
            Err(problem) => report.violation(&problem),
        }
    }
    let opened = opened.load(Ordering::Relaxed);
    let per_10_000 = cpu.as_secs_f64() * 10_000.0 / opened.max(1) as f64;
    report.trials(opened);
    report.figure("connections_closed", connections);
    report.figure("cpu_seconds_per_10_000", (per_10_000 * 1e3).round() / 1e3);
    report.figure("chat_p99_ms_without", p99_ms(quiet));
    report.figure("chat_p99_ms", p99_ms(delays));
    if !args.short {
        report.expect(per_10_000 <= CPU_PER_10_000.as_secs_f64(), || {
            format!("10,000 lanes cost {per_10_000:.2} core-seconds")
        });
    }
    server.assert_well();
    report
}

/// Breaks lanes until all flooders together have broken enough; how many of its connections were
/// closed for it.
async fn flooder(
    door: Door,
    hello: Hello,
    way: Way,
    opened: Arc<AtomicU64>,
    lanes: u64,
) -> Result<u64, String> {
    let mut connections = 0;
    while opened.load(Ordering::Relaxed) < lanes {
        let client = door.connect(hello.clone()).await;
        let client = client.map_err(|lost| format!("turned away: {lost:?}"))?;
        let mut own = 0;
        while way.break_one(&client).await {
            opened.fetch_add(1, Ordering::Relaxed);
            own += 1;
            if own > LANES_PER_CONNECTION_MAX {
                return Err(format!("still open after {own} lanes"));
            }
        }
        let lost = client.closed().await;
        if !lost.is(CloseCode::Flood) {
            return Err(format!("after {own} lanes: {lost:?}"));
        }
        connections += 1;
    }
    Ok(connections)
}
