//! Addresses that may be asked, and those that may not.

use super::*;

fn public(text: &str) -> bool {
    is_public(text.parse().expect("an address"))
}

#[test]
fn public_addresses_are_public() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.1.1",
        "223.255.255.254",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ] {
        assert!(public(text), "{text}");
    }
}

#[test]
fn whatever_only_the_server_reaches_is_not() {
    for text in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
    ] {
        assert!(!public(text), "{text}");
    }
}

#[test]
fn a_network_holds_what_begins_like_it() {
    let net = |text: &str| text.parse::<Network>().expect("a network");
    let holds =
        |text: &str, address: &str| net(text).contains(address.parse().expect("an address"));
    assert!(holds("127.0.0.1/32", "127.0.0.1") && !holds("127.0.0.1/32", "127.0.0.2"));
    assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
    assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
    assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"), "a mapped one is what it carries");
    assert!(holds("::/0", "fd00::1") && holds("fd00::/8", "fdff::1"));
    for text in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0/8", "10.0.0.0/-1", ""] {
        assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
    }
}
