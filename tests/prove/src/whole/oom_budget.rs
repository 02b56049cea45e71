//! Memory stays within the formula: 200 hostile connections before and after authentication, and
//! 10,000 handshakes that were begun and abandoned, while somebody who behaves is served.

use std::time::{Duration, Instant};

use parlour_features::{
    raw::Client,
    server::{Options, ROOMY, Server},
    world::{group, join, say},
};
use tokio::time::timeout;

use super::{
    block_on,
    hostile::{self, AFTER_BYTES, BEFORE_BYTES, CALLS_BYTES, narrow_door},
};
use crate::{args::Args, report::Report};

/// A client that behaves is served within this time whatever goes on.
const SERVED_WITHIN: Duration = Duration::from_secs(1);
/// What 10,000 abandoned handshakes may leave behind, in bytes.
const FLAT_BYTES: u64 = 32 * 1024 * 1024;

pub(crate) fn run(args: &Args) -> Report {
    block_on(attack(args))
}

async fn attack(args: &Args) -> Report {
    let mut report = Report::default();
    let connections = args.count(200, 40) as usize;
    let initials = if args.short { 500 } else { 10_000 };
    // The default number of connections, and newcomers as fast as they come: the budgets under
    // test are those of memory.
    let mut server = Server::start(Options::config(ROOMY));
    let good = join(&server, "ada").await;
    let room = group(&good, "kitchen", &[]).await;
    let mut watch = Watch { good: &good, room: &room, slowest: Duration::ZERO };

    let idle = server.memory();
    let halves = hostile::half_hellos(&narrow_door(&server), connections).await;
    let most = watch.memory(&server, &mut report).await;
    let bound = idle + FLAT_BYTES + connections as u64 * BEFORE_BYTES;
    check(&mut report, "before", most.saturating_sub(idle), most, bound, connections);
    drop(halves);

    let before = server.memory();
    let deaf = hostile::deaf_askers(&server, connections).await;
    let most = watch.memory(&server, &mut report).await;
    let bound = before + FLAT_BYTES + connections as u64 * (AFTER_BYTES + CALLS_BYTES);
    check(&mut report, "after", most.saturating_sub(before), most, bound, connections);
    drop(deaf);

    let before = server.memory();
    let address = server.ready().quic;
    let flood = tokio::spawn(hostile::abandoned_initials(address, initials));
    let mut newcomers: Vec<Duration> = vec![];
    while !flood.is_finished() {
        let since = Instant::now();
        let came = timeout(Duration::from_secs(10), server.door().handshake()).await;
        report.expect(matches!(came, Ok(Ok(_))), || format!("a newcomer is kept out: {came:?}"));
        newcomers.push(since.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    report.trials(flood.await.unwrap_or(0) as u64);
    let most = watch.memory(&server, &mut report).await;
    report.figure("initials_bytes", most.saturating_sub(before));
    report.expect(most < before + FLAT_BYTES, || {
        format!("{} MiB more after abandoned handshakes", (most - before) >> 20)
    });
    let slowest = newcomers.iter().max().copied().unwrap_or_default();
    report.figure("newcomer_max_ms", slowest.as_millis() as u64);
    report.figure("served_max_ms", watch.slowest.as_millis() as u64);
    if !args.short {
        report.expect(slowest < SERVED_WITHIN, || format!("a newcomer waited {slowest:?}"));
        let slowest = watch.slowest;
        report.expect(slowest < SERVED_WITHIN, || format!("a call took {slowest:?}"));
    }
    server.assert_well();
    report
}

fn check(report: &mut Report, name: &str, more: u64, most: u64, bound: u64, connections: usize) {
    report.trials(connections as u64);
    report.figure(&format!("{name}_bytes_per_connection"), more / connections as u64);
    report.figure(&format!("{name}_bytes_max"), most);
    report.figure(&format!("{name}_bytes_bound"), bound);
    report.expect(most <= bound, || format!("{name}: {most} bytes, the formula allows {bound}"));
}

/// Somebody who behaves, and the server's memory meanwhile.
struct Watch<'a> {
    good: &'a Client,
    room: &'a bytes::Bytes,
    slowest: Duration,
}

impl Watch<'_> {
    /// The most memory the server has during two seconds of service.
    async fn memory(&mut self, server: &Server, report: &mut Report) -> u64 {
        let mut most = 0;
        for _ in 0..20 {
            let since = Instant::now();
            let said = say(self.good, self.room, "hello").await;
            report.expect(said.is_ok(), || format!("not served: {said:?}"));
            self.slowest = self.slowest.max(since.elapsed());
            most = most.max(server.memory());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        most
    }
}
