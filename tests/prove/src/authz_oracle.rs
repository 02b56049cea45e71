//! `authz-oracle`: random steps against a server without a network, and a model that says word by
//! word who may hear, see and do what. Whatever the two disagree on is a violation, in either
//! direction: heard without leave, or not heard by someone who should have.

mod check;
mod doors;
mod erasing;
mod files;
mod later;
mod model;
mod own;
mod people;
mod polls;
mod secrets;
mod sending;
mod steps;
mod texts;
mod threads;
mod world;

use std::time::Instant;

use crate::{args::Args, report::Report, rng::Rng};
use world::World;

const STEPS: u64 = 1_000_000;
const STEPS_SHORT: u64 = 20_000;
/// Steps after which an organization is left behind for a new one.
const STEPS_EACH: u64 = 20_000;

pub(crate) fn run(args: &Args) -> Report {
    let mut report = Report::default();
    let count = args.count(STEPS, STEPS_SHORT);
    let mut rng = Rng::new(args.seed);
    let started = Instant::now();
    let mut totals = world::Totals::default();
    let mut done = 0;
    while done < count {
        let mut world = World::new();
        for _ in 0..STEPS_EACH.min(count - done) {
            steps::step(&mut world, &mut rng, &mut report);
            report.trials(1);
            done += 1;
        }
        totals += world.totals;
        args.progress(&format!("{done} steps of {count}"));
    }
    report.figure("sent", totals.sent);
    report.figure("refused", totals.refused);
    report.figure("deliveries", totals.deliveries);
    report.figure("downloads", totals.downloads);
    report.figure("found", totals.found);
    report.figure("joined", totals.joined);
    report.figure("banned", totals.banned);
    report.figure("blocked", totals.blocked);
    report.figure("scheduled_sent", totals.scheduled);
    report.figure("edited", totals.edited);
    report.figure("votes", totals.votes);
    report.figure("expired", totals.expired);
    report.figure("retained", totals.retained);
    report.figure("erased", totals.erased);
    report.figure("directory_changes", totals.changes);
    report.figure("steps_per_second", (count as f64 / started.elapsed().as_secs_f64()).round());
    report
}
