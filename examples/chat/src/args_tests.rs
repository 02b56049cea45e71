//! The command line.

use clap::CommandFactory;

use super::*;

#[test]
fn the_flags_are_in_order() {
    Args::command().debug_assert();
}

#[test]
fn a_cache_is_named_after_its_user_and_server() {
    // {"sub":"ada/1","org":"demo"}
    let token = "e30.eyJzdWIiOiJhZGEvMSIsIm9yZyI6ImRlbW8ifQ.sig";
    assert_eq!(claims(token), Some(("ada/1".to_owned(), "demo".to_owned())));
    if state_folder().is_some() {
        let cache = default_cache(token, "[::1]:4433").unwrap();
        assert_eq!(cache.file_name().unwrap(), "ada_1@demo____1__4433.sqlite");
    }
    assert_eq!(claims("nonsense"), None);
}

#[test]
fn exactly_one_token_and_at_most_one_trust() {
    let parse = |more: &[&str]| {
        let flags = ["parlour-chat", "--address", "a:1"];
        Args::try_parse_from(flags.iter().chain(more)).is_ok()
    };
    assert!(parse(&["--token-file", "t"]));
    assert!(parse(&["--token-env", "T", "--pin", "ab", "--script"]));
    assert!(!parse(&[]));
    assert!(!parse(&["--token-file", "t", "--token-env", "T"]));
    assert!(!parse(&["--token-file", "t", "--pin", "ab", "--root-pem", "f"]));
}

#[test]
fn a_link_stands_alone_and_so_does_nothing_at_all() {
    let parse = |flags: &[&str]| Args::try_parse_from(["parlour-chat"].iter().chain(flags)).is_ok();
    assert!(parse(&[]));
    assert!(parse(&["parlour://a:1/sign-in#code=x"]));
    assert!(parse(&["parlour://a:1/invite#code=x", "--account", "ada", "--name", "Ada"]));
    assert!(!parse(&["parlour://a:1/sign-in#code=x", "--address", "a:1"]));
    assert!(!parse(&["parlour://a:1/sign-in#code=x", "--token-file", "t"]));
    assert!(!parse(&["--token-file", "t"]));
}
