//! Limits of a server under virtual time.

use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn addresses_count_by_subscriber() {
    let key = |text: &str| address_key(text.parse().expect("address"));
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
    assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
}

const ORG: OrgId = OrgId::from_bytes([7; 16]);

fn limits(per_organization: u32) -> RateLimits {
    RateLimits::new(Rates {
        calls_per_user: Rate::new(1.0, 10),
        calls_per_device: Rate::new(1.0, 4),
        calls_per_organization: Rate::new(1.0, per_organization),
        connects_per_address: Rate::new(1.0, 2),
        failures_per_address: Rate::new(1.0, 2),
    })
}

fn of(user: u8, device: u8, org: OrgId) -> CallOf {
    let (user, device) = (UserId::from_bytes([user; 16]), DeviceId::from_bytes([device; 16]));
    CallOf { user, device, org: Some(org) }
}

#[test]
fn a_wild_device_leaves_the_users_others_alone() {
    let mut limits = limits(1000);
    let (wild, calm) = (of(1, 2, ORG), of(1, 3, ORG));
    let passed = (0..100).filter(|_| limits.call(wild, ms(0)).is_ok()).count();
    assert_eq!(passed, 4);
    assert!(limits.call(calm, ms(0)).is_ok());
    assert!(limits.call(of(9, 2, ORG), ms(0)).is_ok(), "a device id is no secret");

    let from = "192.0.2.7".parse().expect("address");
    assert!(limits.connect(from, ms(0)).is_ok());
    assert!(limits.connect(from, ms(0)).is_ok());
    assert!(limits.connect(from, ms(0)).is_err());
}

#[test]
fn a_wild_organization_leaves_the_others_alone() {
    let mut limits = limits(20);
    let calls = (0..100).map(|n| limits.call(of(n, 1, ORG), ms(0)));
    let results: Vec<_> = calls.collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 20);
    let wait = Wait(ms(1000));
    assert_eq!(results[20], Err(Limited { by: LimitedBy::Organization, wait }));
    // Neither another organization nor what doesn't count for this one waits.
    assert!(limits.call(of(200, 1, OrgId::from_bytes([8; 16])), ms(0)).is_ok());
    assert!(limits.call(CallOf { org: None, ..of(201, 1, ORG) }, ms(0)).is_ok());
    assert!(limits.call(of(202, 1, ORG), ms(1000)).is_ok());
}

#[test]
fn what_one_user_may_not_do_is_not_taken_from_their_organization() {
    let mut limits = limits(5);
    for _ in 0..100 {
        let _ = limits.call(of(1, 1, ORG), ms(0));
    }
    assert!(limits.call(of(2, 1, ORG), ms(0)).is_ok(), "four were the first user's");
}

#[test]
fn administration_and_renewals_do_not_count_for_the_organization() {
    use parlour_protocol::generated::rpc::{Revoke, Send};
    assert!(counts_for_org(Send::METHOD.id));
    assert!(counts_for_org(9999));
    assert!(!counts_for_org(Reauth::METHOD.id));
    assert!(!counts_for_org(Revoke::METHOD.id), "it takes an admin scope");
}
