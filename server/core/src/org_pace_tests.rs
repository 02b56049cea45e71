//! Tests of how fast one user changes an organization.

use super::*;

#[test]
fn some_at_once_and_then_one_after_the_other() {
    let (pace, user) = (OrgPace::default(), UserId::from_bytes([1; 16]));
    let mut now_ms = 1_000_000;
    for _ in 0..ORG_CHANGES_AT_ONCE {
        assert_eq!(pace.take(user, now_ms), Ok(()));
    }
    assert_eq!(pace.take(user, now_ms), Err(ORG_CHANGE_EVERY_MS));
    assert_eq!(pace.take(UserId::from_bytes([2; 16]), now_ms), Ok(()), "others don't wait");
    now_ms += ORG_CHANGE_EVERY_MS;
    assert_eq!(pace.take(user, now_ms), Ok(()));
    assert_eq!(pace.take(user, now_ms), Err(ORG_CHANGE_EVERY_MS));
    now_ms += 3 * ORG_CHANGE_EVERY_MS;
    assert_eq!([0; 4].map(|_| pace.take(user, now_ms).is_ok()), [true, true, true, false]);
}
