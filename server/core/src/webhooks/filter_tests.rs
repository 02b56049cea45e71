//! What filters let through.

use prost::Message as _;

use super::*;

fn filter(groups: &[EventGroup], names: &[&str]) -> EventFilter {
    EventFilter {
        groups: groups.iter().map(|group| *group as i32).collect(),
        app_names: names.iter().map(|name| (*name).into()).collect(),
        skip_own: false,
    }
}

fn passes(filter: &EventFilter, kind: u32, name: &str) -> bool {
    let header = EventHeader { kind, sender: Bytes::from_static(b"her"), ..Default::default() };
    let event = AppEvent { name: name.into(), ..AppEvent::default() };
    lets_through(filter, &header, &event.encode_to_vec().into(), b"her")
}

#[test]
fn an_empty_filter_lets_everything_through_but_ones_own_if_that_is_wished() {
    for kind in [1, 10, 20, 60, 98] {
        assert!(passes(&filter(&[], &[]), kind, "com.example.x"));
        let own = EventFilter { skip_own: true, ..EventFilter::default() };
        assert!(!passes(&own, kind, "com.example.x"));
    }
}

#[test]
fn groups_let_through_what_is_in_them() {
    use EventGroup as G;
    for (kind, group) in [
        (1, G::Room),
        (2, G::Members),
        (3, G::Members),
        (4, G::Room),
        (10, G::Messages),
        (11, G::Edits),
        (12, G::Deletes),
        (13, G::Members),
        (20, G::Reactions),
        (21, G::Reactions),
        (22, G::Pins),
        (60, G::Apps),
        (63, G::Room),
        (98, G::Room),
    ] {
        assert_eq!(group_of(kind), group, "{kind}");
        assert!(passes(&filter(&[group], &[]), kind, "com.example.x"));
        let others =
            [G::Messages, G::Edits, G::Pins, G::Room].into_iter().filter(|it| *it != group);
        assert!(!passes(&filter(&others.collect::<Vec<_>>(), &[]), kind, "com.example.x"));
    }
}

#[test]
fn names_are_whole_or_beginnings() {
    let wanted = filter(&[], &["com.example.build.", "org.other"]);
    for (name, passes_it) in [
        ("com.example.build.finished", true),
        ("com.example.builds", false),
        ("com.example.build", false),
        ("org.other", true),
        ("org.other.x", false),
    ] {
        assert_eq!(passes(&wanted, 60, name), passes_it, "{name}");
    }
    assert!(!passes(&wanted, 10, "org.other"), "a message is no event of an application");
}

#[test]
fn what_is_no_filter_is_refused() {
    assert!(check_filter(&filter(&[EventGroup::Apps], &["com.example."])).is_ok());
    assert!(check_filter(&filter(&[EventGroup::Unspecified], &[])).is_err());
    assert!(check_filter(&EventFilter { groups: vec![99], ..Default::default() }).is_err());
    assert!(check_filter(&filter(&[EventGroup::Apps; 9], &[])).is_err());
    assert!(check_filter(&filter(&[], &[""])).is_err());
    assert!(check_filter(&filter(&[], &["Com.Example"])).is_err());
    assert!(check_filter(&filter(&[], &["a.b"; 21])).is_err());
}
