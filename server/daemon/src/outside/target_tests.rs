//! Addresses as people write them.

use super::*;
use crate::outside::Network;

fn checked(url: &str, allowed: &[&str]) -> Result<(), &'static str> {
    let allowed: Vec<Network> = allowed.iter().map(|net| net.parse().expect("a network")).collect();
    Target::parse(url)?.check(&Reach::Posts(allowed.into()))
}

#[test]
fn an_address_is_taken_apart() {
    let target = Target::parse("https://hooks.example.org:8443/a/b?c=d").expect("an address");
    assert_eq!(target.host, Host::Name("hooks.example.org".into()));
    assert_eq!((target.port, &*target.path), (8443, "/a/b?c=d"));
    assert_eq!(target.authority, "hooks.example.org:8443");
    let target = Target::parse("https://[2606:4700::1]").expect("an address");
    assert_eq!(target.host, Host::Address("2606:4700::1".parse().expect("an address")));
    assert_eq!((target.port, &*target.path), (443, "/"));
    let target = Target::parse("https://example.org?token=x").expect("an address");
    assert_eq!((&*target.authority, &*target.path), ("example.org", "/?token=x"));
}

#[test]
fn only_https_and_public_addresses_unless_configured_otherwise() {
    assert_eq!(checked("https://example.org/hook", &[]), Ok(()));
    for url in [
        "http://example.org/hook",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
    ] {
        assert!(checked(url, &[]).is_err(), "{url}");
    }
    let allowed = &["127.0.0.1/32"];
    assert_eq!(checked("http://127.0.0.1:9/x", allowed), Ok(()));
    assert_eq!(checked("https://127.0.0.1:9/x", allowed), Ok(()));
    assert_eq!(checked("http://localhost:9/x", allowed), Ok(()), "looked up when it is posted to");
    assert!(checked("http://127.0.0.2/", allowed).is_err());
    assert!(checked("http://1.1.1.1/", allowed).is_err(), "not without tls");
}

#[test]
fn what_is_no_address_is_refused() {
    for url in [
        "",
        "example.org",
        "/path",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://[::1",
        "https://exa mple.org/",
        "https://example.org/\\nHost: other",
        "https://[nonsense]/",
    ] {
        assert!(checked(url, &["0.0.0.0/0", "::/0"]).is_err(), "{url}");
    }
}
