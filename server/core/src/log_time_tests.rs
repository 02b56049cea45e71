//! Log time under clocks that behave as clocks do.

use super::*;

const HOUR: u64 = 3_600_000;

/// Log time after a commit at that moment.
fn committed(now_ms: u64) -> LogTime {
    let time = LogTime::default();
    commit(&time, now_ms);
    time
}

fn commit(time: &LogTime, now_ms: u64) -> u64 {
    let at_ms = time.begin(now_ms);
    if time.is_floor_due(at_ms) {
        time.floor_committed(at_ms);
    }
    time.end();
    at_ms
}

#[test]
fn a_clock_that_falls_back_takes_no_change_below_a_watermark() {
    let time = committed(HOUR);
    let mark = time.watermark(HOUR + 3_000);
    assert_eq!(mark, HOUR + 3_000);
    assert_eq!(commit(&time, 7), mark);
    assert!(time.watermark(7) >= mark);
    assert_eq!(commit(&time, 2 * HOUR), 2 * HOUR);
}

#[test]
fn a_restart_with_an_earlier_clock_begins_within_reach_of_every_watermark() {
    let time = committed(HOUR);
    for later in [0, 10, 3_000, 10 * HOUR] {
        let mark = time.watermark(HOUR + later);
        let again = LogTime::default();
        again.restore(HOUR);
        let at_ms = commit(&again, 7);
        assert!(at_ms + limits::WATERMARK_OVERLAP_MS >= mark, "{at_ms} after {mark}");
    }
}

#[test]
fn a_watermark_waits_for_what_is_being_committed() {
    let time = committed(HOUR);
    let at_ms = time.begin(HOUR + 100);
    assert_eq!(time.watermark(HOUR + 4_000), at_ms);
    time.end();
    assert_eq!(time.watermark(HOUR + 4_000), HOUR + 4_000);
}

#[test]
fn a_wrong_clock_during_a_sync_moves_nothing_far() {
    let time = committed(HOUR);
    time.watermark(1_000 * HOUR);
    assert_eq!(commit(&time, HOUR + 6_000), HOUR + 6_000);
}

#[test]
fn the_floor_follows_at_a_distance() {
    let time = committed(HOUR);
    assert!(!time.is_floor_due(HOUR + limits::FLOOR_EVERY_MS - 1));
    assert!(time.is_floor_due(HOUR + limits::FLOOR_EVERY_MS));
}

#[test]
fn before_the_first_commit_everything_is_new() {
    assert!(LogTime::default().watermark(HOUR) <= limits::WATERMARK_OVERLAP_MS);
}
