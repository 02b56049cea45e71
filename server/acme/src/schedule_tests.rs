//! When a certificate is ordered, renewed and tried for again.

use super::*;
use crate::Problem;

const T0: Duration = Duration::from_secs(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn term(from: Duration, days: u32) -> Term {
    Term { from, until: from + DAY * days }
}

fn failed() -> AcmeError {
    AcmeError::Challenge { name: "a.example".into(), kind: "http-01", problem: Problem::default() }
}

/// One that knows that the CA has nothing to say about renewals.
fn holding(term: Term) -> Schedule {
    let mut schedule = Schedule::new(Some(term), Past::default());
    schedule.handle_told(Some(Told { window: None, again_after: None }), term.from, 0);
    schedule
}

#[test]
fn without_a_certificate_one_is_ordered_at_once() {
    assert_eq!(Schedule::new(None, Past::default()).next(T0), Step::Order);
}

#[test]
fn it_is_renewed_when_two_thirds_of_its_time_are_over() {
    let schedule = holding(term(T0, 90));
    assert_eq!(schedule.next(T0 + DAY), Step::Wait(T0 + DAY * 60));
    assert_eq!(schedule.next(T0 + DAY * 60), Step::Order);
    let short = holding(term(T0, 6));
    assert_eq!(short.next(T0), Step::Wait(T0 + DAY * 4));
    assert_eq!(holding(term(T0, 90)).next(T0 + DAY * 200), Step::Order, "it slept too long");
}

#[test]
fn pauses_double_and_no_ca_is_asked_more_than_five_times_in_the_first_hour() {
    let mut schedule = Schedule::new(None, Past::default());
    let (mut now, mut attempts) = (T0, vec![]);
    while now < T0 + DAY {
        match schedule.next(now) {
            Step::Order => {
                attempts.push(now);
                schedule.handle_begun(now);
                schedule.handle_failed(&failed(), now, 0);
            }
            Step::Wait(until) => now = until,
            Step::Ask => unreachable!("there is nothing to ask about"),
        }
    }
    let first = attempts.iter().filter(|at| **at < T0 + HOUR).count();
    assert!((3..=5).contains(&first), "{first}");
    let gaps: Vec<Duration> = attempts.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(gaps.windows(2).all(|two| two[0] <= two[1]), "{gaps:?}");
    // Nobody waits a day for a first certificate.
    assert!(*gaps.last().unwrap() <= HOUR && attempts.len() < 40, "{gaps:?}");
}

#[test]
fn a_renewal_that_fails_is_tried_for_until_the_end_and_more_often_then() {
    let mut schedule = holding(term(T0, 90));
    let pause = |schedule: &mut Schedule, now| {
        schedule.handle_failed(&failed(), now, u32::MAX / 2);
        schedule.order_at(now) - now
    };
    for _ in 0..20 {
        pause(&mut schedule, T0 + DAY * 60);
    }
    let roughly =
        |pause: Duration, wanted: Duration| pause.abs_diff(wanted) < Duration::from_secs(1);
    let early = pause(&mut schedule, T0 + DAY * 61);
    assert!(roughly(early, HOUR * 12), "{early:?}");
    let late = pause(&mut schedule, T0 + DAY * 90 - HOUR * 8);
    assert!(roughly(late, HOUR * 2), "{late:?}");
    let over = pause(&mut schedule, T0 + DAY * 91);
    assert!(roughly(over, HOUR), "{over:?}");
}

#[test]
fn a_ca_that_nobody_could_reach_is_asked_sooner() {
    let mut schedule = Schedule::new(None, Past::default());
    schedule.handle_begun(T0);
    schedule.handle_failed(&AcmeError::Unreachable("no".into()), T0, u32::MAX);
    assert!(schedule.order_at(T0) <= T0 + Duration::from_secs(20));
    assert_eq!(schedule.past(), Past { failures: 1, last_at: Duration::ZERO });
}

#[test]
fn a_ca_that_limits_requests_is_left_alone_for_as_long_as_it_says() {
    let mut schedule = Schedule::new(None, Past::default());
    let limited =
        |after| AcmeError::RateLimited { problem: Problem::default(), again_after: Some(after) };
    schedule.handle_failed(&limited(DAY * 2), T0, 0);
    assert_eq!(schedule.next(T0), Step::Wait(T0 + DAY * 2));
    schedule.handle_failed(&limited(DAY * 900), T0, 0);
    assert_eq!(schedule.next(T0), Step::Wait(T0 + RETRY_AFTER_MAX), "but not for ever");
}

#[test]
fn attempts_are_spread_over_half_of_the_pause() {
    let pause = |chance| {
        let mut schedule = Schedule::new(None, Past::default());
        schedule.handle_failed(&failed(), T0, chance);
        schedule.order_at(T0) - T0
    };
    assert_eq!((pause(0), pause(u32::MAX)), (AGAIN_FIRST * 3 / 4, AGAIN_FIRST * 5 / 4));
}

#[test]
fn a_server_that_is_started_again_and_again_does_not_hammer() {
    let mut schedule = Schedule::new(None, Past::default());
    schedule.handle_begun(T0);
    // It crashed before it heard of the end.
    let again = Schedule::new(None, schedule.past());
    assert_eq!(again.next(T0 + MINUTE), Step::Wait(T0 + RESTART_GAP));
    assert_eq!(again.next(T0 + RESTART_GAP), Step::Order);
    // Who runs it has mended something.
    let mut wished = Schedule::new(None, schedule.past());
    wished.handle_wish(T0 + MINUTE);
    assert_eq!(wished.next(T0 + MINUTE), Step::Order);
}

#[test]
fn a_wish_does_not_renew_what_is_good() {
    let mut schedule = holding(term(T0, 90));
    schedule.handle_wish(T0 + DAY);
    assert_eq!(schedule.next(T0 + DAY), Step::Wait(T0 + DAY * 60));
}

#[test]
fn a_certificate_that_is_over_already_is_a_failure() {
    let mut schedule = Schedule::new(None, Past::default());
    schedule.handle_begun(T0);
    assert!(schedule.handle_issued(term(T0 - DAY * 80, 90), T0, 0).is_err());
    assert_eq!(schedule.past().failures, 1);
    assert!(schedule.order_at(T0) >= T0 + MINUTE);
    schedule.handle_issued(term(T0, 90), T0 + HOUR, 0).unwrap();
    assert_eq!(schedule.past().failures, 0);
}

#[test]
fn the_ca_is_asked_when_to_renew_and_that_is_when_it_is_done() {
    let mut schedule = Schedule::new(Some(term(T0, 90)), Past::default());
    assert_eq!(schedule.next(T0), Step::Ask);
    let window = (T0 + DAY * 20, T0 + DAY * 22);
    let told = Told { window: Some(window), again_after: Some(HOUR * 6) };
    schedule.handle_told(Some(told), T0, u32::MAX / 2);
    assert_eq!(schedule.next(T0), Step::Wait(T0 + HOUR * 6));
    let at = schedule.order_at(T0);
    assert!(window.0 < at && at < window.1, "{at:?}");
    // Asked again, it says the same, and the time stays.
    schedule.handle_told(Some(told), T0 + HOUR * 6, 0);
    assert_eq!(schedule.order_at(T0), at);
    // It revokes the certificate: as soon as possible.
    let now = T0 + HOUR * 12;
    let told = Told { window: Some((T0, T0 + HOUR)), again_after: Some(HOUR * 6) };
    schedule.handle_told(Some(told), now, u32::MAX);
    assert_eq!(schedule.next(now), Step::Order);
}

#[test]
fn a_ca_can_not_have_it_renewed_too_late_nor_be_asked_without_end() {
    let mut schedule = Schedule::new(Some(term(T0, 90)), Past::default());
    let told =
        Told { window: Some((T0 + DAY * 100, T0 + DAY * 101)), again_after: Some(Duration::ZERO) };
    schedule.handle_told(Some(told), T0, 0);
    assert_eq!(schedule.order_at(T0), T0 + DAY * 81);
    assert_eq!(schedule.next(T0), Step::Wait(T0 + MINUTE));
    // And where it can't be asked, nothing else stops.
    schedule.handle_told(None, T0, 0);
    assert_eq!(schedule.next(T0), Step::Wait(T0 + RENEWAL_INFO_AGAIN));
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_attempts() {
    let mut schedule = Schedule::new(None, Past::default());
    schedule.handle_failed(&failed(), T0, 0);
    assert_eq!(schedule.next(T0 - DAY * 365), Step::Order);
}
