//! Names and kinds of applications' events.

use super::{check_name, is_media_type};

#[test]
fn names_are_domain_names_turned_round() {
    for good in
        ["com.example.build.finished", "a.b", "io.x-y.z_1", &format!("a.{}", "b".repeat(126))]
    {
        assert_eq!(check_name(good), Ok(()), "{good}");
    }
    let long = format!("a.{}", "b".repeat(127));
    for bad in [
        "",
        "a",
        ".",
        "a.",
        ".a",
        "a..b",
        "A.b",
        "a.1b",
        "a.b c",
        "a.-b",
        "a.é",
        "parlour.a",
        &long,
    ] {
        assert!(check_name(bad).is_err(), "{bad}");
    }
}

#[test]
fn kinds_are_media_types_or_nothing() {
    for good in ["", "application/json", "text/plain; charset=utf-8", "application/vnd.x+json"] {
        assert!(is_media_type(good), "{good}");
    }
    let long = format!("a/{}", "b".repeat(126));
    for bad in ["json", "/", "a/", "/b", "a/b\n", "a b/c", "a/b/c", "é/b", &long] {
        assert!(!is_media_type(bad), "{bad}");
    }
}
