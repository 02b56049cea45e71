//! What is typed, and what it means.

use super::*;

fn typed(text: &str) -> Typed {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

#[test]
fn keys_are_taken_out_and_the_rest_is_words() {
    let found = typed("lunch from:@ann  IN:#lunch has:link \"at noon\" before:2026-01-31 today");
    let expected = Typed {
        text: "lunch today".into(),
        phrases: vec!["at noon".into()],
        from: vec!["ann".into()],
        rooms: vec!["lunch".into()],
        has_link: true,
        before: Some(day("2026-01-31")),
        ..Typed::default()
    };
    assert!(found == expected);
    let found = typed("in:\"Lunch club\" in:other from:ben from:me has:FILE after:2026-02-01");
    assert_eq!(found.rooms, ["Lunch club", "other"]);
    assert_eq!(found.from, ["ben", "me"]);
    assert!(found.has_file && found.text.is_empty() && found.after == Some(day("2026-02-01")));
    let on = typed("on:2026-02-28");
    assert_eq!((on.after, on.before), (Some(day("2026-02-28")), Some(day("2026-03-01"))));
}

#[test]
fn what_only_looks_like_a_key_is_a_word() {
    for text in ["begin:now", "https://in.example", "from: ann", "has:", "plain from", "冬in:"] {
        let found = typed(text);
        assert_eq!(found.text, text, "{text}");
        assert!(found.from.is_empty() && found.rooms.is_empty());
    }
    assert!(typed("") == Typed::default());
    assert!(typed(" \"\" \" \" ") == Typed::default());
    assert_eq!(typed("\"not closed yet").phrases, ["not closed yet"]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for text in ["before:tomorrow", "after:2026-13-01", "on:2026-02-29", "on:2026-1", "on:+1-1-1"] {
        assert_eq!(text.parse::<Typed>(), Err(TypedError::Day), "{text}");
    }
    for text in ["on:2026-01-01-01", "on:1969-12-31", "on:2026-00-01", "on:2026-01-00", "on:--"] {
        assert_eq!(text.parse::<Typed>(), Err(TypedError::Day), "{text}");
    }
    assert_eq!("has:everything".parse::<Typed>(), Err(TypedError::Has));
}

#[test]
fn days_begin_where_one_is() {
    assert_eq!(day("1970-01-01").begins_ms(0), 0);
    assert_eq!(day("1970-01-02").begins_ms(0), 86_400_000);
    assert_eq!(day("2000-03-01").begins_ms(0), 951_868_800_000);
    assert_eq!(day("2026-11-26").begins_ms(0), 1_795_651_200_000);
    assert_eq!(day("2026-11-26").begins_ms(60), 1_795_647_600_000, "an hour earlier in Vienna");
    assert_eq!(day("1970-01-01").begins_ms(60), 0, "not before the beginning");
    assert!(day("2024-02-29").next() == day("2024-03-01"));
    assert!(day("2025-12-31").next() == day("2026-01-01"));
}

#[test]
fn nobody_sees_in_a_log_what_was_looked_for() {
    assert!(!format!("{:?}", typed("canary \"canary\" from:canary")).contains("canary"));
}
