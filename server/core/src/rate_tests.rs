//! Rate limits under virtual time.

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_burst_passes_and_then_the_even_rate() {
    let mut buckets = Buckets::new(Rate::new(10.0, 5), 8);
    for _ in 0..5 {
        assert_eq!(buckets.take("a", 1, ms(0)), Ok(()));
    }
    assert_eq!(buckets.take("a", 1, ms(0)), Err(Wait(ms(100))));
    assert_eq!(buckets.take("a", 1, ms(99)), Err(Wait(ms(1))));
    assert_eq!(buckets.take("a", 1, ms(100)), Ok(()));
    let passed = (0..10_000).filter(|t| buckets.take("a", 1, ms(100 + t)).is_ok()).count();
    assert!((99..=101).contains(&passed), "{passed} in ten seconds");
}

#[test]
fn waiting_as_long_as_told_is_enough() {
    let mut buckets = Buckets::new(Rate::new(3.0, 2), 8);
    let mut now = ms(0);
    for _ in 0..100 {
        if let Err(Wait(wait)) = buckets.take("a", 1, now) {
            now += wait;
            assert_eq!(buckets.take("a", 1, now), Ok(()));
        }
    }
}

#[test]
fn a_refusal_costs_nothing() {
    let mut buckets = Buckets::new(Rate::new(1.0, 1), 8);
    assert!(buckets.take("a", 1, ms(0)).is_ok());
    for t in 0..1000 {
        assert!(buckets.take("a", 1, ms(t)).is_err());
    }
    assert!(buckets.take("a", 1, ms(1000)).is_ok());
}

#[test]
fn a_bucket_of_ones_own_fills_again_and_again() {
    let (rate, mut bucket) = (Rate::new(2.0, 100), Bucket::default());
    for minute in 0..60 {
        let now = ms(60_000 * minute);
        assert!(bucket.take(rate, 100, now).is_ok(), "minute {minute}");
        assert!(bucket.take(rate, 1, now).is_err(), "minute {minute}");
    }
}

#[test]
fn keys_do_not_share_buckets() {
    let mut buckets = Buckets::new(Rate::new(1.0, 1), 8);
    assert!(buckets.take("a", 1, ms(0)).is_ok());
    assert!(buckets.take("b", 1, ms(0)).is_ok());
}

#[test]
fn a_cost_over_the_burst_is_still_possible() {
    let mut buckets = Buckets::new(Rate::new(1.0, 4), 8);
    assert!(buckets.take("a", 1000, ms(0)).is_ok());
    assert_eq!(buckets.take("a", 1, ms(0)), Err(Wait(ms(1000))));
}

#[test]
fn a_flood_of_keys_stays_bounded_and_gains_no_rate() {
    let mut buckets = Buckets::new(Rate::new(10.0, 10), 1000);
    let mut passed = 0;
    for key in 0..100_000_u32 {
        passed += u32::from(buckets.take(key, 10, ms(0)).is_ok());
    }
    assert_eq!(buckets.len(), 1000);
    assert_eq!(passed, 1001, "the table and the shared bucket");
    // Once the buckets are full again they make room.
    assert!(buckets.take(200_000, 10, ms(1000)).is_ok());
    assert_eq!(buckets.len(), 1);
}

#[test]
fn time_that_stands_still_or_starts_late_is_fine() {
    let mut buckets = Buckets::new(Rate::new(1.0, 1), 8);
    assert!(buckets.take("a", 1, Duration::from_secs(u64::from(u32::MAX))).is_ok());
    assert!(buckets.take("a", 1, Duration::ZERO).is_err(), "never panics");
}

#[test]
fn asking_how_long_to_wait_takes_nothing() {
    let mut buckets = Buckets::new(Rate::new(1.0, 2), 1);
    assert_eq!(buckets.wait(&1, ms(0)), None);
    assert!(buckets.take(1, 2, ms(0)).is_ok());
    let waits = Some(Wait(ms(1000)));
    assert_eq!((buckets.wait(&1, ms(0)), buckets.wait(&1, ms(0))), (waits, waits));
    assert_eq!(buckets.wait(&1, ms(1000)), None);
    // Those for whom there is no place wait as the one bucket that they share does.
    assert_eq!(buckets.wait(&2, ms(0)), None);
    assert!(buckets.take(2, 2, ms(0)).is_ok());
    assert_eq!(buckets.wait(&3, ms(0)), waits);
}
