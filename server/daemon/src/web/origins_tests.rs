//! Whose pages may connect.

use super::*;

#[test]
fn the_servers_own_pages_and_those_named_may_connect() {
    let origins = Origins::new(vec!["https://app.example.org".into()]);
    for (origin, authority, may) in [
        (None, "chat.example.org", true),
        (Some("https://chat.example.org"), "chat.example.org:4433", true),
        (Some("http://localhost:8080"), "localhost:4433", true),
        (Some("http://[::1]:8080"), "[::1]:4433", true),
        (Some("https://app.example.org"), "chat.example.org", true),
        (Some("https://app.example.org:8443"), "chat.example.org", false),
        (Some("http://app.example.org"), "chat.example.org", false),
        (Some("https://chat.example.org.evil.test"), "chat.example.org", false),
        (Some("https://evil.test"), "chat.example.org", false),
        (Some("null"), "chat.example.org", false),
        (Some(""), "", false),
    ] {
        assert_eq!(origins.allow(origin, authority), may, "{origin:?} {authority}");
    }
    assert!(Origins::new(vec!["*".into()]).allow(Some("https://evil.test"), "chat.example.org"));
}

#[test]
fn only_origins_can_be_in_the_list() {
    for good in ["*", "https://app.example.org", "http://localhost:3000", "http://[::1]:3000"] {
        assert!(Origins::is_one(good), "{good}");
    }
    for bad in [
        "",
        "app.example.org",
        "https://",
        "https://app.example.org/",
        "https://*.example.org",
        "https://App.example.org",
        "ftp://x",
    ] {
        assert!(!Origins::is_one(bad), "{bad}");
    }
}
