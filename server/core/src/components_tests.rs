//! Tests of what may be offered and used.

use parlour_protocol::interaction::{ComponentRow, SelectOption};

use super::*;

fn button(id: &str, label: &str, url: &str) -> Component {
    let button = Button { label: label.into(), url: url.into(), ..Button::default() };
    Component { id: id.into(), kind: Some(Kind::Button(button)), disabled: false }
}

fn select(id: &str, values: &[&str], min: u32, max: u32) -> Component {
    let option = |value: &&str| SelectOption { value: (*value).into(), label: "label".into() };
    let options = values.iter().map(option).collect();
    let select = Select { options, min, max, ..Select::default() };
    Component { id: id.into(), kind: Some(Kind::Select(select)), disabled: false }
}

fn rows(rows: Vec<Vec<Component>>) -> Components {
    let row = |components| ComponentRow { components };
    Components { rows: rows.into_iter().map(row).collect() }
}

#[test]
fn what_can_be_shown_and_used_may_be_offered() {
    let good = [
        rows(vec![]),
        rows(vec![vec![button("yes", "Yes", ""), button("no", "No", "")]]),
        rows(vec![vec![button("site", "Site", "https://example.org/x")]]),
        rows(vec![vec![select("one", &["a", "b"], 0, 0)], vec![select("two", &["a", "b"], 1, 2)]]),
    ];
    for components in good {
        assert!(check_components(&components).is_ok(), "{components:?}");
    }
    let long = "x".repeat(81);
    let many: Vec<String> = (0..26).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let bad = [
        rows(vec![vec![]]),
        rows((0..6).map(|n| vec![button(&n.to_string(), "x", "")]).collect()),
        rows(vec![(0..6).map(|n| button(&n.to_string(), "x", "")).collect()]),
        rows(vec![vec![button("a", "x", ""), button("a", "x", "")]]),
        rows(vec![vec![button("", "x", "")]]),
        rows(vec![vec![button("a", "", "")]]),
        rows(vec![vec![button("a", &long, "")]]),
        rows(vec![vec![button("a", "x\ny", "")]]),
        rows(vec![vec![button("a", "x", "javascript:alert(1)")]]),
        rows(vec![vec![button("a", "x", "http://example.org")]]),
        rows(vec![vec![select("a", &[], 0, 0)]]),
        rows(vec![vec![select("a", &["x", "x"], 0, 0)]]),
        rows(vec![vec![select("a", &["x", "y"], 2, 1)]]),
        rows(vec![vec![select("a", &["x"], 1, 2)]]),
        rows(vec![vec![select("a", &many, 0, 0)]]),
        rows(vec![vec![Component { id: "a".into(), ..Component::default() }]]),
    ];
    for components in bad {
        assert!(check_components(&components).is_err(), "{components:?}");
    }
}

#[test]
fn only_what_is_offered_is_used() {
    let off = Component { disabled: true, ..button("off", "Off", "") };
    let components = rows(vec![
        vec![button("yes", "Yes", ""), off, button("site", "Site", "https://example.org")],
        vec![select("two", &["a", "b", "c"], 1, 2)],
    ]);
    let uses = |id: &str, values: &[&str]| {
        let values: Vec<String> = values.iter().map(|value| (*value).into()).collect();
        check_use(&components, id, &values).is_ok()
    };
    assert!(uses("yes", &[]) && uses("two", &["a"]) && uses("two", &["c", "b"]));
    for (id, values) in [
        ("yes", &["a"][..]),
        ("off", &[]),
        ("site", &[]),
        ("none", &[]),
        ("two", &[]),
        ("two", &["a", "b", "c"]),
        ("two", &["a", "a"]),
        ("two", &["d"]),
    ] {
        assert!(!uses(id, values), "{id} {values:?}");
    }
}
