//! `parlour-sim [--count N] [--seed S] [--seconds T] [--verbose]`: plays seeds and prints what
//! was broken. `sim-chaos` of the reliability tests runs the same.

#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

fn option(name: &str, default: u64) -> u64 {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == name);
    at.and_then(|at| words.get(at + 1)).and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() -> std::process::ExitCode {
    let (seed, count) = (option("--seed", 1), option("--count", 10));
    let length = Duration::from_secs(option("--seconds", 60));
    let started = Instant::now();
    let (mut broken, mut acked) = (0, 0);
    for seed in seed..seed + count {
        let outcome = parlour_sim::run(seed, length);
        acked += outcome.acked;
        if !outcome.violations.is_empty() {
            broken += 1;
            println!("seed {seed}: {outcome:#?}");
        } else if std::env::args().any(|word| word == "--verbose") {
            println!("seed {seed}: {outcome:?}");
        }
    }
    let per_minute = count as f64 * 60.0 / started.elapsed().as_secs_f64();
    println!(
        "{count} seeds, {acked} acknowledged, {broken} broken, {per_minute:.0} seeds a minute"
    );
    if broken == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
