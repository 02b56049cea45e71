//! What guessing costs.

use super::*;

fn user(n: u32) -> UserId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    UserId::from_bytes(id)
}

#[test]
fn waits_double_up_to_a_minute_and_end_with_the_right_one() {
    let (mut attempts, mut now) = (Attempts::default(), Duration::from_secs(1));
    for _ in 1..ATTEMPTS_FREE {
        attempts.handle_wrong(user(1), now);
        assert_eq!(attempts.wait(user(1), now), None);
    }
    let mut waits = vec![];
    for _ in 0..8 {
        attempts.handle_wrong(user(1), now);
        let wait = attempts.wait(user(1), now).unwrap();
        waits.push(wait.as_secs());
        now += wait;
        assert_eq!(attempts.wait(user(1), now), None);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(attempts.wait(user(2), now), None);
    attempts.handle_wrong(user(1), now);
    attempts.handle_right(user(1));
    assert_eq!(attempts.wait(user(1), now), None);
}

#[test]
fn old_guesses_are_forgotten() {
    let mut attempts = Attempts::default();
    for _ in 0..ATTEMPTS_FREE {
        attempts.handle_wrong(user(1), Duration::ZERO);
    }
    let later = ATTEMPTS_FORGOTTEN_AFTER + Duration::from_secs(1);
    attempts.handle_wrong(user(1), later);
    assert_eq!(attempts.wait(user(1), later), None);
}

#[test]
fn the_table_is_bounded_and_drops_the_oldest() {
    let mut attempts = Attempts::default();
    for n in 0..ATTEMPTS_KEPT_MAX as u32 + 5 {
        for _ in 0..ATTEMPTS_FREE {
            attempts.handle_wrong(user(n), Duration::from_millis(u64::from(n)));
        }
    }
    assert_eq!(attempts.of.len(), ATTEMPTS_KEPT_MAX);
    assert_eq!(attempts.wait(user(0), Duration::ZERO), None);
    assert!(attempts.wait(user(ATTEMPTS_KEPT_MAX as u32), Duration::from_millis(100)).is_some());
}
