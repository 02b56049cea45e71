//! Work that one client does again and again while two others talk: how fast it goes, and what it costs
//! the two.

use std::thread;
use std::time::{Duration, Instant};

use super::Context;
use crate::drive::Crowd;
use crate::drive::loops::Paced;
use crate::harness::figure::Sample;
use crate::harness::histogram::Histogram;
use crate::harness::{Outcome, machine};
use crate::subject::Running;

/// The two who talk, users 0 and 1, in room 0.
pub(super) const TALKERS: usize = 2;
/// What [`beside`] measures: the rate, and the two's 99th percentile over what it is without the work.
pub(super) const FIGURES: usize = 2;
const POSTS_PER_SECOND: f64 = 50.0;
const SLICE: Duration = Duration::from_millis(250);

/// The work: runs in a thread of its own, hands back how long it took.
pub(super) type Work = Box<dyn Fn() -> Outcome<Duration> + Send>;

/// Measures work of so many units.
pub(super) fn beside(
    context: &Context<'_>,
    server: &dyn Running,
    work: Work,
    units: f64,
) -> Outcome<Vec<Sample>> {
    let mut crowd = Crowd::new(server.swarm()?);
    crowd.connect(TALKERS, 1)?;
    let pids = server.pids();
    let quiet_time = Duration::from_secs(if context.quick { 1 } else { 4 });
    let (quiet, lost_before) = talk(&mut crowd, &pids, quiet_time)?;
    let begin_cpu = machine::cpu_ns(&server.pids());
    let working = thread::spawn(move || {
        machine::give_way();
        again_and_again(&work, quiet_time)
    });
    let (mut busy, mut lost) = (Histogram::new(), lost_before);
    while !working.is_finished() {
        let (part, missing) = talk(&mut crowd, &pids, SLICE)?;
        busy.merge(&part);
        lost += missing;
    }
    let (times, took) = working.join().map_err(|_| "the worker panicked")??;
    let units = units * f64::from(times);
    let cpu_us = (machine::cpu_ns(&server.pids()) - begin_cpu) as f64 / 1_000.0;
    let sample = Sample {
        value: Some(units / took.as_secs_f64()),
        server_cpu_us_per_op: Some(cpu_us / units),
        server_util: Some(cpu_us / 1e6 / took.as_secs_f64()),
        rss_kb: Some(machine::rss_kb(&server.pids())),
        lost,
        load1: machine::load1(),
        latencies: Some(busy.clone()),
        ..Sample::default()
    };
    let slower =
        busy.quantile(0.99).zip(quiet.quantile(0.99)).map(|(with, without)| with / without);
    Ok(vec![sample.clone(), Sample { value: slower, ..sample }])
}

/// Works at least once, and until the two have talked beside it for as long as they did without:
/// work that is through at once would leave too few deliveries for a 99th percentile. How
/// often, and the time all of it took.
fn again_and_again(work: &Work, at_least: Duration) -> Outcome<(u32, Duration)> {
    let (mut times, mut took) = (0, Duration::ZERO);
    while times == 0 || took < at_least {
        took += work()?;
        times += 1;
    }
    Ok((times, took))
}

/// The two talk for a while: how long deliveries took, and what was lost.
fn talk(crowd: &mut Crowd, pids: &[u32], time: Duration) -> Outcome<(Histogram, u64)> {
    let per_second = POSTS_PER_SECOND;
    let how = Paced { per_second, all_post: true, warm_up: Duration::ZERO, time };
    let run = crowd.paced(pids, how)?;
    Ok((run.deliveries, run.lost))
}

/// Times something that runs in the worker's thread.
pub(super) fn timed(work: impl FnOnce() -> Outcome) -> Outcome<Duration> {
    let begin = Instant::now();
    work().map(|()| begin.elapsed())
}
