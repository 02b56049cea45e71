//! What a room shows of its threads, and a thread of its room, whatever the order of events.

use proptest::prelude::*;

use super::*;
use crate::{
    event::LogEvent,
    testing::{self, ROOM, in_thread},
    timeline::{Item, Timeline},
};

fn room() -> Timeline {
    Timeline::new(ROOM, None)
}

fn texts(timeline: &Timeline) -> Vec<String> {
    let items = timeline.items();
    let messages = items.iter().filter_map(|item| match &**item {
        Item::Message(message) if message.is_deleted => Some("(deleted)".to_owned()),
        Item::Message(message) => Some(message.text.clone()),
        Item::Notice(_) => None,
    });
    messages.collect()
}

fn replies(timeline: &Timeline) -> Vec<u64> {
    let items = timeline.items();
    let threads = items.iter().filter_map(|item| match &**item {
        Item::Message(message) => message.thread,
        Item::Notice(_) => None,
    });
    threads.map(|thread| thread.replies).collect()
}

#[test]
fn a_room_counts_what_a_thread_shows() {
    let log = [
        testing::message(1, "root"),
        in_thread(testing::message(2, "one"), 1, 1),
        testing::message(3, "between"),
        in_thread(testing::message(4, "two"), 1, 2),
        in_thread(testing::edit(5, 4, "two, better"), 1, 0),
        testing::edit(6, 1, "the root"),
        in_thread(testing::delete(7, 2), 1, 0),
    ];
    let mut timeline = room();
    timeline.handle_live(&log);
    assert_eq!(
        (texts(&timeline), replies(&timeline)),
        (vec!["the root".into(), "between".into()], vec![1])
    );
    let mut thread = Timeline::new(Scope::thread(ROOM, 1), None);
    thread.handle_live(&log);
    assert_eq!(texts(&thread), ["the root", "(deleted)", "two, better"]);
    assert_eq!(thread.from(), 1);
}

#[test]
fn a_quote_of_the_root_isnt_part_of_its_thread() {
    let mut thread = Timeline::new(Scope::thread(ROOM, 1), None);
    thread.handle_live(&[testing::message(1, "root"), testing::reply_to(2, 1, "elsewhere")]);
    assert_eq!(texts(&thread), ["root"]);
}

/// A log with two threads, as a server would write it.
fn log() -> impl Strategy<Value = Vec<LogEvent>> {
    prop::collection::vec((0u8..5, 0usize..40), 1..40).prop_map(|steps| {
        let mut events = vec![testing::message(1, "first"), testing::message(2, "second")];
        let (mut alive, mut numbers): (Vec<(u64, u64)>, [u64; 3]) = (Vec::new(), [0; 3]);
        for (what, which) in steps {
            let seq = events.len() as u64 + 1;
            let target = (!alive.is_empty()).then(|| which % alive.len().max(1));
            let root = 1 + which as u64 % 2;
            events.push(match (what, target) {
                (0, Some(at)) => in_thread(
                    testing::edit(seq, alive[at].0, &format!("edit {seq}")),
                    alive[at].1,
                    0,
                ),
                (1, Some(at)) => {
                    let (target, root) = alive.swap_remove(at);
                    in_thread(testing::delete(seq, target), root, 0)
                }
                (2, _) => testing::edit(seq, root, &format!("root {seq}")),
                _ => {
                    numbers[root as usize] += 1;
                    alive.push((seq, root));
                    let message = testing::message(seq, &format!("reply {seq}"));
                    in_thread(message, root, numbers[root as usize])
                }
            });
        }
        events
    })
}

#[test]
fn a_thread_sees_its_root_deleted_among_others_and_nothing_of_the_others() {
    let mut thread = Timeline::new(Scope::thread(ROOM, 1), None);
    let reply = in_thread(testing::message(3, "reply"), 1, 1);
    thread.handle_live(&[testing::message(1, "root"), testing::message(2, "else"), reply]);
    thread.handle_live(&[testing::delete_all(4, &[1, 2])]);
    assert_eq!(texts(&thread), ["(deleted)", "reply"]);
}

/// What a server would say of the threads after these events.
fn summaries(log: &[LogEvent]) -> Vec<Thread> {
    let of = |root| {
        let mut thread = Thread { root_seq: root, ..Thread::default() };
        for event in log.iter().filter(|event| event.header.thread_root_seq == root) {
            let header = &event.header;
            if header.thread_no > 0 {
                thread.thread_no = header.thread_no;
                (thread.last_seq, thread.last_at_ms) = (header.seq, header.at_ms);
                thread.changed_seq = header.seq;
            } else if !event.deleted().is_empty() {
                thread.deleted += event.deleted().len() as u64;
                thread.changed_seq = header.seq;
            }
        }
        thread
    };
    [of(1), of(2)].into_iter().filter(|thread| thread.thread_no > 0).collect()
}

proptest! {
    #[test]
    fn a_snapshot_and_what_follows_is_the_later_snapshot(
        log in log(),
        cut in 0usize..40,
        noise in prop::collection::vec(0usize..1000, 0..60),
    ) {
        let mut whole = room();
        whole.handle_live(&log);
        // The roots, and what the server says of their threads, then everything after the cut in an
        // order of its own, some of it twice, and some from before.
        let cut = cut.clamp(2, log.len());
        let mut later = room();
        later.handle_threads(&summaries(&log[..cut]));
        later.handle_older(1, &log[..2], &[], true);
        let mut list = later.items();
        later.take_diffs();
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
            later.take_diffs().into_iter().for_each(|diff| diff.apply(&mut list));
            prop_assert_eq!(&list, &later.items());
        }
        prop_assert_eq!(replies(&later), replies(&whole));
        // A thread shows the same in whatever order it comes.
        let mut thread = Timeline::new(Scope::thread(ROOM, 1), None);
        log.iter().rev().for_each(|event| thread.handle_live(std::slice::from_ref(event)));
        let mut in_order = Timeline::new(Scope::thread(ROOM, 1), None);
        in_order.handle_live(&log);
        prop_assert_eq!(thread.items(), in_order.items());
        // Nor does it matter where its page ended, without anything from before coming again.
        let mut paged = Timeline::new(Scope::thread(ROOM, 1), None);
        paged.handle_older(1, &log[..cut], &[], true);
        log[cut..].iter().for_each(|event| paged.handle_live(std::slice::from_ref(event)));
        prop_assert_eq!(paged.items(), in_order.items());
    }
}
