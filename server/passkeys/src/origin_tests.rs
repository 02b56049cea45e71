//! What is a host, what is an origin of it, and what only looks like one.

use std::borrow::Cow;

use webauthn_rp::response::Origin as Found;

use super::{Origin, is_host};
use crate::{ConfigError, limits};

fn allowed(host: &str, origins: &[&str], found: &str) -> bool {
    let origins: Vec<String> = origins.iter().map(|origin| (*origin).to_owned()).collect();
    let all = Origin::all(host, &origins).unwrap();
    let found = Found(Cow::Borrowed(found));
    all.iter().any(|origin| *origin == found)
}

#[test]
fn a_host_is_a_domain_in_lower_case() {
    for host in ["localhost", "example.org", "chat.example.org", "xn--bcher-kva.example", "a.b-c.d"]
    {
        assert!(is_host(host), "{host}");
    }
    let long = format!("{}.org", "a".repeat(64));
    let longer = ["abcdefg."; 32].concat() + "org";
    for host in [
        "",
        ".",
        "example.org.",
        ".example.org",
        "a..b",
        "Example.org",
        "bücher.example",
        "-a.org",
        "a-.org",
        "127.0.0.1",
        "1",
        "[::1]",
        "example.org:443",
        "exa mple.org",
        "a/b",
        &long,
        &longer,
    ] {
        assert!(!is_host(host), "{host}");
    }
}

#[test]
fn only_listed_origins_are_allowed() {
    let listed = &["https://chat.example.org", "https://example.org:8443"];
    assert!(allowed("example.org", listed, "https://chat.example.org"));
    assert!(allowed("example.org", listed, "https://example.org:8443"));
    for other in [
        "https://example.org",
        "https://chat.example.org:8443",
        "https://chat.example.org.",
        "https://chat.example.org/",
        "https://CHAT.example.org",
        "https://chat.example.org.evil.example",
        "https://evil.chat.example.org",
        "https://chat-example.org",
        "http://chat.example.org",
        "http://localhost",
        "null",
        "",
    ] {
        assert!(!allowed("example.org", listed, other), "{other}");
    }
}

#[test]
fn a_developers_machine_may_use_any_port() {
    for listed in [&[][..], &["http://localhost:5173"]] {
        for local in ["http://localhost", "http://localhost:80", "http://localhost:65535"] {
            assert!(allowed("localhost", listed, local), "{local}");
        }
        for other in [
            "https://localhost",
            "http://localhost.",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:+1",
            "http://localhost:08",
            "http://localhost:65536",
            "http://localhost:80/",
            "http://localhost.evil.example",
            "http://localhost:80@evil.example",
            "http://127.0.0.1",
        ] {
            assert!(!allowed("localhost", listed, other), "{other}");
        }
    }
}

#[test]
fn what_is_no_origin_of_the_host_is_refused() {
    for origin in [
        "http://example.org",
        "https://example.com",
        "https://badexample.org",
        "https://.example.org",
        "https://example.org/",
        "https://example.org:443",
        "https://example.org:",
        "https://example.org:x",
        "https://a@example.org",
        "http://localhost",
        "example.org",
        "*",
    ] {
        let refused = Origin::all("example.org", &[origin.to_owned()]);
        assert_eq!(refused.unwrap_err(), ConfigError::Origin(origin.to_owned()));
    }
    assert_eq!(Origin::all("example.org", &[]).unwrap_err(), ConfigError::Origins);
    let many = vec!["https://example.org".to_owned(); limits::ORIGINS_MAX + 1];
    assert_eq!(Origin::all("example.org", &many).unwrap_err(), ConfigError::Origins);
}
