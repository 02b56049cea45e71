//! What follows each kind of end.

use parlour_protocol::wire::CloseCode;

use super::*;

const fn at(ms: u64) -> Now {
    Now { unix_ms: ms, elapsed: Duration::from_millis(ms) }
}

fn closed(code: CloseCode) -> End {
    End::Closed { code: code as u32, retry_after_ms: 0 }
}

fn live_at(ms: u64) -> Supervisor {
    let mut supervisor = Supervisor::default();
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: false }));
    supervisor.handle_token();
    assert_eq!(supervisor.poll_order(), Some(Order::Dial));
    supervisor.handle_welcome(at(ms));
    supervisor
}

#[test]
fn back_off_doubles_up_to_its_bound() {
    let mut backoff = Backoff::default();
    let largest: Vec<u64> = (0..10)
        .map(|_| {
            let mut probe = backoff;
            backoff.next_delay(0);
            (0..4000).map(|r| probe.clone().next_delay(r * 7919).as_millis() as u64).max().unwrap()
                + u64::from(probe.next_delay(0).is_zero())
        })
        .collect();
    assert!(largest[0] <= 201 && largest[0] > 100);
    assert!(largest[9] <= 30_001 && largest[9] > 15_000);
}

#[test]
fn a_lost_path_under_a_good_connection_is_dialled_at_once() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(End::Lost, at(20_000), 5);
    assert_eq!(supervisor.phase(), Phase::Connecting);
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: false }));
    supervisor.handle_end(End::Unreachable, at(20_100), 150_000);
    assert_eq!(supervisor.poll_timeout(), Some(Duration::from_millis(20_150)));
}

#[test]
fn an_attempt_that_took_long_is_followed_by_the_next_at_once() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(End::Lost, at(20_000), 0);
    supervisor.poll_order();
    supervisor.handle_end(End::Unreachable, at(28_000), 150_000);
    assert_eq!(supervisor.phase(), Phase::Connecting);
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: false }));
}

#[test]
fn a_connection_that_keeps_dying_young_is_not_dialled_in_a_loop() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(End::Lost, at(100), 150_000);
    assert!(matches!(supervisor.phase(), Phase::Waiting { .. }));
}

#[test]
fn an_expired_token_is_replaced() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(closed(CloseCode::TokenExpired), at(60_000), 0);
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: true }));
}

#[test]
fn tokens_refused_again_and_again_end_the_attempts_until_the_application_has_a_good_one() {
    let mut supervisor = Supervisor::default();
    for n in 1..TOKENS_REFUSED_MAX {
        supervisor.handle_end(closed(CloseCode::TokenInvalid), at(u64::from(n)), 0);
        assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: true }));
    }
    supervisor.handle_end(closed(CloseCode::TokenInvalid), at(60_000), 0);
    let stop = Stop::TokenRefused(CloseCode::TokenInvalid as u32);
    assert_eq!(supervisor.phase(), Phase::Stopped(stop));
    assert_eq!(supervisor.poll_order(), None);
    supervisor.handle_restart(at(60_000));
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: true }));
    supervisor.handle_end(closed(CloseCode::TokenInvalid), at(70_000), 0);
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: true }));
}

#[test]
fn revoked_and_replaced_clients_stay_away() {
    for (code, stop) in [
        (CloseCode::Revoked, Stop::Revoked),
        (CloseCode::Replaced, Stop::Replaced),
        (CloseCode::NoCommonRevision, Stop::NoCommonRevision),
        (CloseCode::MalformedFrame, Stop::Protocol(0x201)),
    ] {
        let mut supervisor = live_at(0);
        supervisor.handle_end(closed(code), at(60_000), 0);
        assert_eq!(supervisor.phase(), Phase::Stopped(stop));
        assert_eq!(supervisor.poll_order(), None);
    }
}

#[test]
fn the_servers_wish_to_be_left_alone_is_a_minimum() {
    let mut supervisor = live_at(0);
    let code = CloseCode::Overloaded as u32;
    supervisor.handle_end(End::Closed { code, retry_after_ms: 5000 }, at(60_000), 0);
    assert_eq!(supervisor.poll_timeout(), Some(Duration::from_millis(65_000)));
}

#[test]
fn an_unknown_close_code_backs_off() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(End::Closed { code: 0x9999, retry_after_ms: 0 }, at(60_000), 77_000);
    assert_eq!(supervisor.poll_timeout(), Some(Duration::from_millis(60_077)));
}

#[test]
fn a_new_network_ends_the_wait_and_doubles_a_live_connection() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(closed(CloseCode::Overloaded), at(60_000), 150_000);
    supervisor.handle_network_changed(at(60_001));
    assert_eq!(supervisor.phase(), Phase::Connecting);
    let mut supervisor = live_at(0);
    supervisor.handle_network_changed(at(10));
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: false }));
    assert!(matches!(supervisor.phase(), Phase::Live { .. }));
}

#[test]
fn a_path_that_answers_needs_no_second_connection() {
    let mut supervisor = live_at(0);
    supervisor.handle_network_changed(at(10));
    supervisor.handle_path_alive();
    assert_eq!(supervisor.poll_order(), None);
    assert_eq!(supervisor.poll_timeout(), None);
}

#[test]
fn a_drained_server_is_left_within_the_jitter() {
    let mut supervisor = live_at(0);
    supervisor.handle_drain(2000, at(100), 500_000);
    assert_eq!(supervisor.poll_timeout(), Some(Duration::from_millis(600)));
    supervisor.handle_timeout(at(600));
    assert_eq!(supervisor.poll_order(), Some(Order::GetToken { fresh: false }));
    supervisor.handle_second_failed(at(700), 100_000);
    assert_eq!(supervisor.poll_timeout(), Some(Duration::from_millis(800)));
}

#[test]
fn whoever_is_shown_again_connects_now_and_waits_longer_the_next_time() {
    let mut supervisor = live_at(0);
    supervisor.handle_end(closed(CloseCode::Overloaded), at(60_000), 150_000);
    let Phase::Waiting { .. } = supervisor.phase() else { panic!("{:?}", supervisor.phase()) };
    supervisor.handle_foreground(at(60_001));
    assert_eq!(supervisor.phase(), Phase::Connecting);
    // Nothing begins anew for whoever is connected, or on the way.
    let mut supervisor = live_at(0);
    let _ = supervisor.poll_order();
    supervisor.handle_foreground(at(10));
    assert_eq!(supervisor.poll_order(), None);
    assert_eq!(supervisor.poll_timeout(), None);
}
