//! The central property: a snapshot at k and the events after it are the snapshot at n, whatever
//! their order and however often they come.

use proptest::prelude::*;

use super::*;
use crate::{
    outbox::SendError,
    testing::{self, ME, ROOM},
};

fn timeline() -> Timeline {
    Timeline::new(ROOM, Some(ME))
}

fn texts(timeline: &Timeline) -> Vec<String> {
    let text = |item: &Arc<Item>| match &**item {
        Item::Message(message) if message.is_deleted => "(deleted)".to_owned(),
        Item::Message(message) => message.text.clone(),
        Item::Notice(_) => "(notice)".to_owned(),
    };
    timeline.items().iter().map(text).collect()
}

fn entry(order: u64, payload: Payload) -> Entry {
    Entry::new(order, ROOM, ClientRef::from_bytes([order as u8; 16]), payload, 50, 0)
}

fn post(order: u64, text: &str) -> Entry {
    let body = post_body(text, &[], None, None, &[]);
    entry(
        order,
        Payload::Post {
            body,
            mentions: vec![],
            mentions_everyone: false,
            reply_to: None,
            thread_root: None,
            attachments: vec![],
        },
    )
}

/// The list an observer has.
fn observe(timeline: &mut Timeline, list: &mut Vec<Arc<Item>>) {
    timeline.take_diffs().into_iter().for_each(|diff| diff.apply(list));
    assert_eq!(*list, timeline.items(), "diffs lead to the list");
}

#[test]
fn the_newest_edit_counts_whatever_comes_first() {
    let mut timeline = timeline();
    timeline.handle_live(&[testing::edit(3, 1, "third"), testing::edit(2, 1, "second")]);
    assert!(texts(&timeline).is_empty());
    timeline.handle_older(1, &[testing::message(1, "first")], &[], true);
    assert_eq!(texts(&timeline), ["third"]);
    assert!(timeline.is_at_start());
}

#[test]
fn a_deleted_message_stays_as_a_tombstone() {
    let mut timeline = timeline();
    timeline.handle_live(&[testing::message(1, "a"), testing::edit(2, 1, "b")]);
    timeline.handle_live(&[testing::delete(3, 1), testing::edit(2, 1, "b")]);
    assert_eq!(texts(&timeline), ["(deleted)"]);
}

#[test]
fn several_deleted_at_once_become_tombstones_and_what_says_so_is_not_shown() {
    let mut timeline = timeline();
    let log = [
        testing::message(1, "a"),
        testing::message(2, "b"),
        testing::message(3, "c"),
        testing::edit(4, 3, "d"),
    ];
    timeline.handle_live(&log);
    timeline.handle_live(&[testing::delete_all(5, &[1, 3])]);
    assert_eq!(texts(&timeline), ["(deleted)", "b", "(deleted)"]);
}

#[test]
fn an_echo_becomes_its_message_in_place() {
    let (mut timeline, mut list) = (timeline(), Vec::new());
    let mine = post(1, "hi");
    timeline.handle_outbox(&mine);
    timeline.take_diffs().into_iter().for_each(|diff| diff.apply(&mut list));
    timeline.handle_sent(&mine, 5, 99);
    observe(&mut timeline, &mut list);
    timeline.handle_live(&[testing::message_by(ME, 5, "hi", Some(mine.client_ref))]);
    let diffs = timeline.take_diffs();
    assert!(matches!(&diffs[..], [Diff::Update { index: 0, .. }]), "{diffs:?}");
    assert_eq!(texts(&timeline), ["hi"]);
}

#[test]
fn an_echo_that_stands_before_what_is_shown_is_gone() {
    let mut timeline = timeline();
    let mine = post(1, "hi");
    timeline.handle_outbox(&mine);
    timeline.handle_reset(701, &[testing::message(701, "new")], &[], false);
    assert_eq!(texts(&timeline), ["new", "hi"]);
    timeline.handle_sent(&mine, 5, 99);
    assert_eq!(texts(&timeline), ["new"]);
}

#[test]
fn the_message_may_come_before_the_answer() {
    let mut timeline = timeline();
    let mine = post(1, "hi");
    timeline.handle_outbox(&mine);
    timeline.handle_live(&[testing::message_by(ME, 5, "hi", Some(mine.client_ref))]);
    timeline.handle_sent(&mine, 5, 99);
    assert_eq!(texts(&timeline), ["hi"]);
}

#[test]
fn somebody_elses_ref_doesnt_take_an_echo_away() {
    let mut timeline = timeline();
    let mine = post(1, "mine");
    timeline.handle_outbox(&mine);
    let theirs = testing::message_by(testing::OTHER, 1, "theirs", Some(mine.client_ref));
    timeline.handle_live(&[theirs]);
    assert_eq!(texts(&timeline), ["theirs", "mine"]);
}

#[test]
fn a_pending_edit_shows_until_it_is_refused_and_discarded() {
    let mut timeline = timeline();
    timeline.handle_live(&[testing::message(1, "old")]);
    let mut edit = entry(1, Payload::Edit { target_seq: 1, body: edit_body("new") });
    timeline.handle_outbox(&edit);
    assert_eq!(texts(&timeline), ["new"]);
    edit.state = State::Failed(SendError::RoomLost);
    timeline.handle_outbox(&edit);
    let Item::Message(message) = &*timeline.items()[0] else { panic!() };
    assert_eq!(message.delivery, Delivery::Failed(SendError::RoomLost));
    timeline.handle_discarded(&edit);
    assert_eq!(texts(&timeline), ["old"]);
}

#[test]
fn a_reset_keeps_what_isnt_sent() {
    let mut timeline = timeline();
    timeline.handle_live(&[testing::message(1, "a")]);
    timeline.handle_outbox(&post(1, "mine"));
    timeline.handle_reset(900, &[testing::message(900, "z")], &[], false);
    assert_eq!(texts(&timeline), ["z", "mine"]);
    assert!(!timeline.is_at_start());
    assert!(matches!(&timeline.take_diffs()[..], [Diff::Reset { items }] if items.len() == 2));
}

/// A log of messages, edits and deletes as a server would write it.
fn log() -> impl Strategy<Value = Vec<LogEvent>> {
    prop::collection::vec((0u8..4, 0usize..40), 1..40).prop_map(|steps| {
        let (mut events, mut alive): (Vec<LogEvent>, Vec<u64>) = (Vec::new(), Vec::new());
        for (what, which) in steps {
            let seq = events.len() as u64 + 1;
            let target = (!alive.is_empty()).then(|| which % alive.len().max(1));
            events.push(match (what, target) {
                (0, Some(at)) => testing::edit(seq, alive[at], &format!("edit {seq}")),
                (1, Some(at)) => testing::delete(seq, alive.swap_remove(at)),
                _ => {
                    alive.push(seq);
                    testing::message(seq, &format!("message {seq}"))
                }
            });
        }
        events
    })
}

proptest! {
    #[test]
    fn a_snapshot_and_what_follows_is_the_later_snapshot(
        log in log(),
        cut in 0usize..40,
        noise in prop::collection::vec(0usize..1000, 0..120),
    ) {
        let mut whole = timeline();
        whole.handle_live(&log);

        let cut = cut.min(log.len());
        let mut later = timeline();
        later.handle_older(1, &log[..cut], &[], true);
        let mut list = later.items();
        later.take_diffs();
        // Everything after the cut, in an order of its own, and anything at all repeated.
        let mut rest: Vec<&LogEvent> = log[cut..].iter().collect();
        for (at, n) in noise.iter().enumerate() {
            if rest.len() > 1 {
                let (a, b) = (at % rest.len(), n % rest.len());
                rest.swap(a, b);
            }
            rest.push(&log[n % log.len()]);
        }
        for event in rest {
            later.handle_live(std::slice::from_ref(event));
            observe(&mut later, &mut list);
        }
        // What follows is enough by itself, and to hear all of it again changes nothing.
        prop_assert_eq!(later.items(), whole.items());
        later.handle_live(&log);
        observe(&mut later, &mut list);
        prop_assert_eq!(later.items(), whole.items());
    }
}

fn reactions(timeline: &Timeline) -> Vec<(String, usize)> {
    let items = timeline.items();
    let Some(Item::Message(message)) = items.first().map(|item| &**item) else { return vec![] };
    message.reactions.iter().map(|r| (r.emoji.clone(), r.users.len())).collect()
}

#[test]
fn the_newest_reaction_counts_whatever_comes_first() {
    let mut timeline = timeline();
    let events = [
        testing::reaction(ME, 5, 1, "👍", false),
        testing::reaction(ME, 2, 1, "👍", true),
        testing::reaction(testing::OTHER, 3, 1, "👍", true),
        testing::reaction(testing::OTHER, 4, 1, "🎉", true),
    ];
    timeline.handle_older(1, &[testing::message(1, "well?")], &events, true);
    let once = [("👍".to_owned(), 1), ("🎉".to_owned(), 1)];
    let mut found = reactions(&timeline);
    found.sort_by_key(|(emoji, _)| emoji != "👍");
    assert_eq!(found, once);
    assert_eq!(timeline.items().len(), 1, "reactions are no lines of their own");
    timeline.handle_live(&[testing::delete(6, 1)]);
    assert_eq!(reactions(&timeline), []);
}

#[test]
fn an_own_reaction_shows_at_once_and_goes_if_it_fails() {
    let mut timeline = timeline();
    timeline.handle_live(&[testing::message(1, "well?")]);
    let react =
        |order, on| entry(order, Payload::React { target_seq: 1, emoji: "👍".to_owned(), on });
    let mine = react(1, true);
    timeline.handle_outbox(&mine);
    assert_eq!(reactions(&timeline), [("👍".to_owned(), 1)]);
    timeline.handle_sent(&mine, 2, 9);
    assert_eq!(reactions(&timeline), [("👍".to_owned(), 1)]);
    timeline.handle_live(&[testing::reaction(ME, 2, 1, "👍", true)]);
    let mut off = react(2, false);
    timeline.handle_outbox(&off);
    assert_eq!(reactions(&timeline), []);
    off.state = State::Failed(SendError::RoomLost);
    timeline.handle_outbox(&off);
    assert_eq!(reactions(&timeline), [("👍".to_owned(), 1)]);
}

fn is_pinned(timeline: &Timeline) -> bool {
    let items = timeline.items();
    assert_eq!(items.len(), 1, "pins are no lines of their own");
    matches!(&*items[0], Item::Message(message) if message.is_pinned)
}

#[test]
fn the_newest_pin_counts_whatever_comes_first() {
    let mut timeline = timeline();
    let pins = [testing::pin(3, 1, false), testing::pin(2, 1, true)];
    timeline.handle_older(1, &[testing::message(1, "the plan")], &pins, true);
    assert!(!is_pinned(&timeline));
    timeline.handle_live(&[testing::pin(4, 1, true)]);
    assert!(is_pinned(&timeline));
    timeline.handle_live(&[testing::delete(5, 1)]);
    assert!(!is_pinned(&timeline), "what is deleted isn't");
}

#[test]
fn an_own_pin_shows_at_once_and_goes_if_it_fails() {
    let mut timeline = timeline();
    timeline.handle_live(&[testing::message(1, "the plan")]);
    let pin = |order, on| entry(order, Payload::Pin { target_seq: 1, on });
    let (on, mut off) = (pin(1, true), pin(2, false));
    timeline.handle_outbox(&on);
    assert!(is_pinned(&timeline));
    timeline.handle_outbox(&off);
    assert!(!is_pinned(&timeline), "of two the later one is shown");
    timeline.handle_sent(&on, 2, 9);
    assert!(!is_pinned(&timeline));
    off.state = State::Failed(SendError::RoomLost);
    timeline.handle_outbox(&off);
    assert!(is_pinned(&timeline));
    timeline.handle_discarded(&off);
    assert!(is_pinned(&timeline));
}
