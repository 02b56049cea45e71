//! Names that a certificate can be for.

use super::*;

#[test]
fn names_and_addresses_are_told_apart() {
    assert_eq!(Name::parse("Chat.Example.org"), Ok(Name::Dns("chat.example.org".into())));
    assert_eq!(Name::parse("chat"), Ok(Name::Dns("chat".into())));
    assert_eq!(
        Name::parse("xn--bcher-kva.example").map(|name| name.to_string()),
        Ok("xn--bcher-kva.example".into())
    );
    assert_eq!(Name::parse("192.0.2.1"), Ok(Name::Ip([192, 0, 2, 1].into())));
    assert!(matches!(Name::parse("2001:db8::1"), Ok(Name::Ip(_))));
}

#[test]
fn what_is_no_name_is_refused() {
    let long = format!("{}.org", "a.".repeat(130));
    for text in [
        "",
        ".",
        "a..b",
        "-a.org",
        "a-.org",
        "a_b.org",
        "bücher.org",
        "a b",
        "a.org.",
        "a/b",
        &long,
    ] {
        assert!(Name::parse(text).is_err(), "{text:?}");
    }
    assert!(Name::parse("*.example.org").unwrap_err().contains("wildcard"));
}
