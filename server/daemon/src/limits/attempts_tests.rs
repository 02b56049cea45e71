//! Guesses from one address under virtual time.

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn from(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn guesses_beyond_the_rate_are_not_looked_at_and_those_from_elsewhere_are() {
    let mut attempts = Attempts::new(Rate::new(1.0, 3), 100);
    let (here, there) = (from("192.0.2.7"), from("192.0.2.8"));
    for _ in 0..3 {
        assert!(attempts.may_try(here, b"guess", || false, ms(0)).is_ok());
        attempts.handle(here, b"guess", Attempt::Wrong, ms(0));
    }
    assert!(attempts.may_try(here, b"guess", || false, ms(0)).is_err());
    assert!(attempts.may_try(there, b"guess", || false, ms(0)).is_ok());
    assert!(attempts.may_try(here, b"guess", || false, ms(1000)).is_ok(), "a second later one is");
}

#[test]
fn nobody_is_locked_out_by_those_who_guess_beside_them() {
    let mut attempts = Attempts::new(Rate::new(1.0, 3), 100);
    let here = from("192.0.2.7");
    attempts.handle(here, b"known", Attempt::Right, ms(0));
    for _ in 0..1000 {
        attempts.handle(here, b"guess", Attempt::Wrong, ms(0));
    }
    // What was right before is looked at without any luck, and what is new with some.
    assert!(attempts.may_try(here, b"known", || false, ms(0)).is_ok());
    assert!(attempts.may_try(here, b"new", || false, ms(0)).is_err());
    assert!(attempts.may_try(here, b"new", || true, ms(0)).is_ok());
    // A thousand guesses are no thousand seconds: the debt is no more than what may come at once.
    assert!(attempts.may_try(here, b"new", || false, ms(1000)).is_ok());
}

#[test]
fn right_tokens_cost_nothing_and_few_of_them_are_forgotten() {
    let mut attempts = Attempts::new(Rate::new(1.0, 1), 10);
    let here = from("2001:db8::1");
    for n in 0..100_u8 {
        attempts.handle(here, &[n], Attempt::Right, ms(n.into()));
        assert!(attempts.right.len() <= 10);
    }
    assert!(attempts.may_try(here, b"new", || false, ms(100)).is_ok());
    attempts.handle(here, b"old", Attempt::Neither, ms(100));
    assert!(attempts.may_try(here, b"new", || false, ms(100)).is_ok());
    attempts.handle(here, b"guess", Attempt::Wrong, ms(100));
    assert!(attempts.may_try(here, &[99], || false, ms(100)).is_ok());
    assert!(attempts.may_try(here, &[0], || false, ms(100)).is_err(), "long ago");
}

#[test]
fn only_what_is_nobodys_counts_as_a_guess() {
    let of = |refusal| Attempt::of::<()>(&Err(refusal));
    assert_eq!(of(Refusal::Token(TokenError::BadSignature)), Attempt::Wrong);
    assert_eq!(of(Refusal::Token(TokenError::WrongApiKey)), Attempt::Wrong);
    assert_eq!(of(Refusal::TooOften(5)), Attempt::Wrong);
    for refusal in [
        Refusal::Token(TokenError::Expired),
        Refusal::Token(TokenError::KeysUnavailable),
        Refusal::Revoked,
        Refusal::Unavailable,
    ] {
        assert_eq!(of(refusal), Attempt::Neither, "{refusal:?}");
    }
    assert_eq!(Attempt::of(&Ok(())), Attempt::Right);
}
