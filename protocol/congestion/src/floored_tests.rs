//! The floor of the window: there for random loss, gone while nothing comes through.

use std::time::Duration;

use super::*;

const MTU: u16 = 1_200;

fn after_losses(count: u32, is_persistent: bool) -> Box<dyn Controller> {
    let begin = Instant::now();
    let mut controller = Arc::new(FlooredConfig::default()).build(begin, MTU);
    for n in 1..=count {
        let at = begin + n * Duration::from_millis(100);
        controller.on_congestion_event(at, at, is_persistent, u64::from(MTU));
    }
    controller
}

#[test]
fn random_loss_leaves_room_for_small_events() {
    assert_eq!(after_losses(40, false).window(), WINDOW_MIN);
}

#[test]
fn a_path_that_lets_nothing_through_closes_the_window() {
    assert_eq!(after_losses(1, true).window(), 2 * u64::from(MTU));
}

#[test]
fn the_floor_is_back_with_what_was_sent_after_the_collapse() {
    let (mut floor, now) = (Floor::default(), Instant::now());
    floor.handle_collapse(now);
    floor.handle_through(now - Duration::from_millis(1));
    assert_eq!(floor.bytes(), 0);
    floor.handle_through(now + Duration::from_millis(1));
    assert_eq!(floor.bytes(), WINDOW_MIN);
}
