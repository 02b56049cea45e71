//! Counts against brute force.

use proptest::prelude::*;

use super::*;
use crate::testing::{ME, OTHER, broadcast, delete, delete_all, mention, message, message_by};

fn marker(seq: u64, msg_no: u64, set_at_seq: u64) -> Marker {
    Marker { seq, msg_no, bcast_no: 0, set_at_seq, at_ms: 0 }
}

#[test]
fn an_own_message_reads_everything_before_it() {
    let mut counts = Counts::default();
    counts.handle_event(&message(1, "a"), ME, false);
    counts.handle_event(&broadcast(2, "b"), ME, false);
    assert_eq!((counts.messages, counts.mentions), (2, 1));
    counts.handle_event(&message_by(ME, 3, "c", None), ME, false);
    assert_eq!((counts.messages, counts.mentions, counts.read_seq()), (0, 0, 3));
}

#[test]
fn an_own_message_before_the_marker_was_set_back_stays_unread() {
    let mut counts = Counts::default();
    counts.handle_event(&message_by(ME, 1, "a", None), ME, false);
    let head = Head { seq: 1, msg_no: 1, ..Head::default() };
    counts.handle_marker(marker(0, 0, 1), head);
    assert_eq!((counts.messages, counts.read_seq()), (1, 0));
}

#[test]
fn a_jump_over_deletes_is_uncertain() {
    let mut counts = Counts::default();
    let to = Head { seq: 9, msg_no: 4, del_no: 1, ..Head::default() };
    counts.handle_jump(Head::default(), to);
    assert_eq!((counts.messages, counts.is_uncertain), (4, true));
}

#[test]
fn of_several_deleted_at_once_it_is_not_known_how_many_were_counted() {
    let mut counts = Counts::default();
    counts.handle_event(&message(1, "a"), ME, false);
    // An application's event, perhaps.
    counts.handle_event(&delete_all(3, &[2]), ME, false);
    assert!(counts.is_uncertain);
}

#[test]
fn what_came_since_an_answer_counts_on_top_and_is_doubtful() {
    let mut counts = Counts::default();
    for seq in 1..=3 {
        counts.handle_event(&message(seq, "x"), ME, false);
    }
    let as_of = Head { seq: 2, msg_no: 2, ..Head::default() };
    let head = Head { seq: 3, msg_no: 3, ..Head::default() };
    counts.handle_answer(marker(2, 2, 2), Unread { messages: 0, mentions: 0 }, as_of, head);
    assert_eq!((counts.messages, counts.is_uncertain), (1, true));
    counts.handle_answer(marker(2, 2, 2), Unread { messages: 1, mentions: 0 }, head, head);
    assert_eq!((counts.messages, counts.is_uncertain), (1, false));
}

proptest! {
    #[test]
    fn counts_equal_brute_force(steps in prop::collection::vec((0u8..4, 0usize..30), 1..60)) {
        let mut counts = Counts::default();
        let mut messages: Vec<(u64, bool, bool)> = Vec::new();
        let (mut seq, mut read) = (0, 0);
        for (what, which) in steps {
            seq += 1;
            let live: Vec<usize> =
                (0..messages.len()).filter(|i| !messages[*i].2).collect();
            let event = match what {
                0 => message_by(ME, seq, "mine", None),
                1 if !live.is_empty() => {
                    let victim = live[which % live.len()];
                    messages[victim].2 = true;
                    delete(seq, messages[victim].0)
                }
                _ => message_by(OTHER, seq, "x", None),
            };
            if event.header.target_seq == 0 {
                let mine = event.sender() == Some(ME);
                messages.push((seq, mine, false));
                if mine { read = seq; }
            }
            counts.handle_event(&event, ME, false);
            let unread =
                messages.iter().filter(|(at, _, deleted)| *at > read && !deleted).count() as u64;
            prop_assert_eq!(counts.messages, unread);
        }
    }
}

#[test]
fn what_the_user_wrote_unseen_stands_in_for_the_marker() {
    let head = |seq| Head { seq, msg_no: seq, ..Head::default() };
    let mut counts =
        Counts::of_digest(Marker { seq: 5, msg_no: 5, ..Marker::default() }, Unread::default(), 0);
    counts.handle_jump(head(5), head(9));
    counts.handle_own(8, 8, head(9));
    assert_eq!((counts.read_seq(), counts.messages), (8, 1));
    counts.handle_own(7, 7, head(9));
    assert_eq!((counts.read_seq(), counts.messages), (8, 1), "an older one says nothing");
    counts.handle_marker(Marker { seq: 3, msg_no: 3, set_at_seq: 9, ..Marker::default() }, head(9));
    assert_eq!(counts.messages, 6);
    counts.handle_own(8, 8, head(9));
    assert_eq!(
        (counts.read_seq(), counts.messages),
        (3, 6),
        "nor one from before it was moved back"
    );
}

#[test]
fn a_mention_is_known_where_it_was_seen_since_the_server_has_counted() {
    let mut counts = Counts::default();
    counts.handle_event(&message(1, "x"), ME, false);
    assert!(!counts.knows_mention(1), "no mention was seen there");
    counts.handle_event(&mention(2, ME), ME, false);
    assert!(counts.knows_mention(2) && !counts.knows_mention(1));
    let head = Head { seq: 4, msg_no: 4, ..Head::default() };
    counts.handle_answer(marker(0, 0, 0), Unread { messages: 4, mentions: 2 }, head, head);
    assert!(!counts.knows_mention(2), "the server may have counted a moment before it");
}
