//! Somebody with many rooms comes: `sync-first`, a new device with 5,000 rooms; `sync-incremental`, one
//! that was away while some of them changed; `sdk-start`, an application that has 10,000 in its cache.

mod first;
mod sdk_start;
mod town;

use crate::harness::figure::{Better, Goal, Sample, Title};
use crate::harness::machine;

pub(super) use first::run as first;
pub(super) use sdk_start::run as sdk_start;
pub(crate) use sdk_start::{WORD, run_part};
pub(super) use town::runtime;

/// A sample with nothing but its value.
fn only(value: f64) -> Sample {
    Sample { value: Some(value), load1: machine::load1(), ..Sample::default() }
}

fn title(
    bench: &'static str,
    params: serde_json::Value,
    unit: &'static str,
    most: Option<f64>,
) -> Title {
    Title { bench, params, unit, better: Better::Less, goal: most.map(Goal::AtMost) }
}
