//! Which kinds are told.

use parlour_protocol::webhook::EventGroup;

use super::*;

#[test]
fn every_group_of_events_is_an_intent_of_that_number_and_name() {
    for n in 0..64 {
        let group = EventGroup::try_from(n)
            .map(|group| group.as_str_name()["EVENT_GROUP_".len()..].to_owned());
        let Ok(group) = group else { continue };
        let intent =
            Intent::try_from(n).map(|intent| intent.as_str_name()["INTENT_".len()..].to_owned());
        assert_eq!(intent.as_ref(), Ok(&group), "{n}");
    }
}

#[test]
fn nothing_named_is_no_filter_and_what_is_unknown_names_nothing() {
    assert_eq!(Intents::of(&[]), None);
    for nothing in [&[0][..], &[99], &[-1, 31, 32, i32::MAX]] {
        let intents = Intents::of(nothing).expect("a filter");
        assert!((0..400).all(|kind| !intents.wants_kind(kind)), "{nothing:?}");
    }
    let intents = Intents::of(&[Intent::Messages as i32, Intent::Typing as i32, 99]);
    let intents = intents.expect("a filter");
    assert!(intents.wants_kind(10) && intents.wants(Intent::Typing));
    assert!(!intents.wants_kind(11) && !intents.wants(Intent::Receipts));
}
