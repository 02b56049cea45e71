//! A few seeds of the simulation; `cargo xtask prove sim-chaos` plays thousands.

#![allow(missing_docs)]

use std::time::Duration;

const LENGTH: Duration = Duration::from_secs(60);

#[test]
fn nothing_acknowledged_is_lost_whatever_happens() {
    let (mut too_old, mut cache_failures) = (0, 0);
    for seed in 1..=20 {
        let outcome = parlour_sim::run(seed, LENGTH);
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        assert!(outcome.acked > 10, "seed {seed} acknowledged {} messages", outcome.acked);
        too_old += outcome.too_old;
        cache_failures += outcome.cache_failures;
    }
    assert!(cache_failures > 20, "caches failed {cache_failures} times");
    assert!(too_old > 100, "rules of retention deleted {too_old} messages");
}

#[test]
fn a_seed_plays_the_same_every_time() {
    let runs = [(); 3].map(|()| parlour_sim::run(42, LENGTH));
    for run in &runs[1..] {
        assert_eq!(run.trace, runs[0].trace);
        assert_eq!(run.acked, runs[0].acked);
    }
}
