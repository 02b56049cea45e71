//! `sim-chaos`: server and SDK in simulated time; every violation names the seed that plays it
//! again.

use std::time::{Duration, Instant};

use crate::{args::Args, report::Report};

const SEEDS: u64 = 10_000;
const SEEDS_SHORT: u64 = 100;
/// A full run plays at least so many a minute: below that, ten thousand are never played.
const SEEDS_PER_MINUTE: f64 = 500.0;
/// Simulated time before everything is healed and checked.
const LENGTH: Duration = Duration::from_secs(60);

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    let (mut acked, mut crashes, mut cache_failures) = (0, 0, 0);
    let started = Instant::now();
    let count = args.count(SEEDS, SEEDS_SHORT);
    for i in 0..count {
        // Seeds stay small enough to type, and `--seed S --count 1` plays one of them.
        let seed = (args.seed % 1_000_000_007).wrapping_add(i);
        let outcome = parlour_sim::run(seed, LENGTH);
        report.trials(1);
        acked += outcome.acked as u64;
        crashes += u64::from(outcome.crashes);
        cache_failures += outcome.cache_failures;
        for violation in outcome.violations {
            report.violation(&format!("seed {seed}: {violation}"));
        }
        if i % 500 == 499 {
            args.progress(&format!("{} seeds of {count}", i + 1));
        }
    }
    report.figure("acknowledged", acked);
    report.figure("server_crashes", crashes);
    report.figure("cache_failures", cache_failures);
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let per_minute = (count as f64 / minutes.max(0.001)).round();
    report.figure("seeds_per_minute", per_minute);
    // The suite's few seeds, and one that is played again, say nothing of the pace.
    if count == SEEDS {
        report.expect(per_minute >= SEEDS_PER_MINUTE, || {
            format!("{per_minute} seeds a minute, at least {SEEDS_PER_MINUTE} are wanted")
        });
    }
    report
}
