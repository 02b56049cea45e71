//! What counts as right: the kept counts and the cost of permissions.

use super::*;

const PART: Part = Part { name: "encode", is: "a part", run: |_| {} };

fn kept(rustc: &str, parts: &[(&str, f64)]) -> Kept {
    let instructions = parts.iter().map(|(name, each)| ((*name).to_owned(), *each)).collect();
    Kept { rustc: rustc.to_owned(), instructions }
}

fn judged(kept: &Kept, rustc: &str, each: f64, keeps: bool) -> Figure {
    figure(&PART, each, before(kept, rustc, PART.name), rustc, keeps)
}

#[test]
fn one_per_cent_more_than_was_kept_is_an_alarm() {
    let kept = kept("one", &[("encode", 1_000.0)]);
    assert!(judged(&kept, "one", 1_005.0, false).is_ok());
    assert!(!judged(&kept, "one", 1_015.0, false).is_ok());
}

#[test]
fn a_part_without_a_kept_count_for_this_compiler_is_not_right_and_says_so() {
    let of_another = judged(&kept("one", &[("encode", 1_000.0)]), "two", 1_000.0, false);
    assert!(!of_another.is_ok());
    assert!(of_another.doubts[0].contains("no kept count for this compiler"));
    let new = judged(&kept("one", &[]), "one", 1_000.0, false);
    assert!(!new.is_ok());
    assert!(new.doubts[0].contains("no kept count of encode"));
    assert!(judged(&kept("one", &[]), "two", 1_000.0, true).is_ok(), "it is about to be kept");
}

#[test]
fn permissions_may_cost_fifteen_per_cent() {
    let with = |each| kept("one", &[("route-1000", 1_000.0), ("route-node-1000", each)]);
    assert!(permissions(&with(1_140.0)).is_ok());
    assert!(!permissions(&with(1_160.0)).is_ok());
    assert!(!permissions(&kept("one", &[("route-1000", 1_000.0)])).is_ok());
}
