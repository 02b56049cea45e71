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

#[test]
fn a_wild_device_leaves_the_users_others_alone() {
    let rates = Rates {
        calls_per_user: Rate::new(1.0, 10),
        calls_per_device: Rate::new(1.0, 4),
        connects_per_address: Rate::new(1.0, 2),
    };
    let mut limits = RateLimits::new(rates);
    let user = UserId::from_bytes([1; 16]);
    let (wild, calm) = (DeviceId::from_bytes([2; 16]), DeviceId::from_bytes([3; 16]));
    let passed = (0..100).filter(|_| limits.call(user, wild, ms(0)).is_ok()).count();
    assert_eq!(passed, 4);
    assert!(limits.call(user, calm, ms(0)).is_ok());
    let stranger = UserId::from_bytes([9; 16]);
    assert!(limits.call(stranger, wild, ms(0)).is_ok(), "a device id is no secret");

    let from = "192.0.2.7".parse().expect("address");
    assert!(limits.connect(from, ms(0)).is_ok());
    assert!(limits.connect(from, ms(0)).is_ok());
    assert!(limits.connect(from, ms(0)).is_err());
}
