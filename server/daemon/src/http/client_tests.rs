//! Addresses behind proxies.

use super::*;

fn client_of(peer: &str, forwarded: &[&str]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for value in forwarded {
        headers.append(FORWARDED_FOR, value.parse().unwrap());
    }
    let proxies = ["127.0.0.0/8", "10.0.0.0/24"].map(|text| text.parse().unwrap());
    client(peer.parse().unwrap(), &headers, &proxies).map(|address| address.to_string())
}

#[test]
fn a_known_proxy_says_whom_it_speaks_for_and_nobody_else_does() {
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(client_of("192.0.2.1", &["198.51.100.7"]), some("192.0.2.1"));
    assert_eq!(client_of("127.0.0.1", &["198.51.100.7"]), some("198.51.100.7"));
    assert_eq!(client_of("::ffff:10.0.0.9", &["198.51.100.7:4711"]), some("198.51.100.7"));
    assert_eq!(client_of("127.0.0.1", &["[2001:db8::1]:4711"]), some("2001:db8::1"));
    // What a client says of itself stands before what the proxy says.
    assert_eq!(client_of("127.0.0.1", &["203.0.113.1, 198.51.100.7"]), some("198.51.100.7"));
    assert_eq!(client_of("127.0.0.1", &["203.0.113.1", "198.51.100.7"]), some("198.51.100.7"));
}

#[test]
fn a_proxy_that_does_not_say_leaves_the_address_unknown() {
    for forwarded in [&[][..], &[""], &["unknown"], &["198.51.100.7, "], &["1.2.3.4.5"]] {
        assert_eq!(client_of("127.0.0.1", forwarded), None, "{forwarded:?}");
    }
}
