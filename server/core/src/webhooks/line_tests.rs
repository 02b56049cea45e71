//! Waiting between posts that aren't taken.

use parlour_protocol::ids::WebhookId;

use super::{
    super::rows::{Scope, WebhookRow},
    *,
};

const DAY_MS: u64 = 24 * 3600 * 1000;

fn room(n: u8) -> RoomId {
    RoomId::from_bytes([n; 16])
}

fn line() -> Line {
    let hook = Webhook {
        scope: Scope::Room(room(1)),
        id: WebhookId::from_bytes([9; 16]),
        row: WebhookRow::default(),
    };
    Line::new(hook, vec![1], None)
}

fn at(s: u64) -> Now {
    Now { unix_ms: 1_000_000 + s * 1000, elapsed: Duration::from_secs(s) }
}

fn fail(line: &mut Line, now: Now, random: u64) {
    let room = line.take_room(now.elapsed).expect("it is due");
    line.posting = Some((room, 5));
    line.handle_failed(PostError::Unreachable, now, random, 3 * DAY_MS);
}

#[test]
fn the_wait_doubles_up_to_an_hour_less_a_random_part() {
    let waits: Vec<u64> =
        [1, 2, 3, 4, 12, 13, 40, u32::MAX].map(|n| backoff(n, 0).as_secs()).into();
    assert_eq!(waits, [1, 2, 4, 8, 2048, 3600, 3600, 3600]);
    for random in [1, 999, 123_456_789, u64::MAX] {
        let wait = backoff(5, random);
        assert!(wait > Duration::from_secs(8) && wait <= Duration::from_secs(16), "{wait:?}");
    }
}

#[test]
fn nothing_is_posted_before_its_time_and_the_same_room_comes_first() {
    let mut line = line();
    line.wait(room(1));
    line.wait(room(2));
    fail(&mut line, at(10), 0);
    assert_eq!(line.due_at(), Some(at(11).elapsed));
    assert_eq!(line.take_room(at(10).elapsed), None);
    assert_eq!(line.take_room(at(11).elapsed), Some(room(1)));
    line.posting = Some((room(1), 5));
    assert_eq!(line.take_room(at(20).elapsed), None, "one at a time");
    line.handle_taken();
    assert_eq!((line.mark(room(1)), line.state.failures), (Some(5), 0));
    assert_eq!(line.take_room(at(20).elapsed), Some(room(2)));
}

#[test]
fn a_wish_to_come_later_is_heeded() {
    let mut line = line();
    line.wait(room(1));
    line.take_room(at(0).elapsed);
    line.posting = Some((room(1), 5));
    line.handle_failed(PostError::Status(503, Some(90_000)), at(0), 0, DAY_MS);
    assert_eq!(line.due_at(), Some(at(90).elapsed));
}

#[test]
fn it_is_stopped_after_its_time_or_when_it_is_gone() {
    let mut line = line();
    line.wait(room(1));
    for hour in 0..=71 {
        fail(&mut line, at(hour * 3600), 0);
    }
    assert_eq!(line.stops, None);
    fail(&mut line, at(72 * 3600), 0);
    assert_eq!(line.stops, Some(WebhookState::Failed));
    assert!(!line.is_active() && line.take_room(at(DAY_MS).elapsed).is_none());

    let mut line = self::line();
    line.wait(room(1));
    line.take_room(at(0).elapsed);
    line.posting = Some((room(1), 5));
    line.handle_failed(PostError::Status(410, None), at(0), 0, DAY_MS);
    assert_eq!(line.stops, Some(WebhookState::Gone));
}

#[test]
fn time_in_which_nothing_was_tried_does_not_stop_it() {
    let mut line = line();
    line.wait(room(1));
    fail(&mut line, at(0), 0);
    // The server was off for ten days, and its clock ran on.
    let mut line = Line::new(line.hook, vec![1], Some(line.state));
    line.wait(room(1));
    let now = Now { unix_ms: at(240 * 3600).unix_ms, elapsed: Duration::from_secs(1) };
    fail(&mut line, now, 0);
    assert_eq!((line.stops, line.state.failures), (None, 2));
    assert_eq!(line.state.failing_since_ms, at(0).unix_ms, "it is said all the same");
    // Nobody had anything for it for a week.
    fail(&mut line, Now { elapsed: Duration::from_secs(7 * 24 * 3600), ..now }, 0);
    assert_eq!(line.stops, None);
}

#[test]
fn what_has_moved_is_kept_once() {
    let mut line = line();
    line.recall(room(1), 3);
    assert!(!line.has_news());
    line.move_mark(room(1), 4);
    line.move_mark(room(1), 5);
    assert_eq!(line.take_puts(10).len(), 1);
    assert!(!line.has_news() && line.take_puts(10).is_empty());
}
