//! What may be asked and chosen, and how it is counted.

#![allow(clippy::unwrap_used)]

use parlour_protocol::poll::PollOption;

use super::*;

fn poll(options: usize, max_choices: u32) -> Poll {
    let option = |n| PollOption { text: format!("option {n}"), emoji: String::new() };
    Poll {
        question: "which?".into(),
        options: (0..options).map(option).collect(),
        max_choices,
        ..Poll::default()
    }
}

fn field(poll: &Poll) -> String {
    check_poll(poll).unwrap_err().violations[0].field.clone()
}

#[test]
fn a_poll_is_as_its_bounds_say() {
    assert!(check_poll(&poll(2, 1)).is_ok());
    assert!(check_poll(&poll(20, 20)).is_ok());
    assert_eq!(field(&poll(1, 1)), "body.poll.options");
    assert_eq!(field(&poll(21, 1)), "body.poll.options");
    assert_eq!(field(&poll(3, 0)), "body.poll.max_choices");
    assert_eq!(field(&poll(3, 4)), "body.poll.max_choices");
    assert_eq!(field(&Poll { question: String::new(), ..poll(2, 1) }), "body.poll.question");
    assert_eq!(field(&Poll { question: "q".repeat(501), ..poll(2, 1) }), "body.poll.question");
    let mut twice = poll(3, 1);
    twice.options[2] = twice.options[0].clone();
    assert_eq!(field(&twice), "body.poll.options[2]");
    let mut long = poll(2, 1);
    long.options[1].text = "o".repeat(201);
    assert_eq!(field(&long), "body.poll.options[1].text");
    let mut odd = poll(2, 1);
    odd.options[0].emoji = "no emoji".into();
    assert_eq!(field(&odd), "body.poll.options[0].emoji");
}

#[test]
fn choices_are_of_the_poll_and_each_once() {
    let row = PollRow::new(&poll(3, 2));
    let places = |places: &[u32]| Choices::parse(places, &row).map(Choices::places);
    assert_eq!(places(&[2, 0]).unwrap(), [0, 2]);
    assert!(places(&[]).unwrap().is_empty());
    for wrong in [&[0, 0][..], &[3], &[u32::MAX], &[0, 1, 2]] {
        assert!(places(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn votes_are_added_and_taken_away() {
    let mut row = PollRow::new(&poll(3, 2));
    let set = |places: &[u32]| Choices::parse(places, &PollRow::new(&poll(3, 2))).unwrap();
    let voter = UserId::from_bytes([1; 16]);
    let mut vote = |before: &[u32], now: &[u32], seq| {
        let vote = Vote { voter, number: 1, before: set(before), now: set(now) };
        row = row.clone().after(&PollChange::Vote(vote), seq);
        (row.counts.clone(), row.voters, row.changed_seq)
    };
    assert_eq!(vote(&[], &[0, 1], 5), (vec![1, 1, 0], 1, 5));
    assert_eq!(vote(&[], &[1], 6), (vec![1, 2, 0], 2, 6));
    assert_eq!(vote(&[0, 1], &[1, 2], 7), (vec![0, 2, 1], 2, 7));
    assert_eq!(vote(&[1], &[], 8), (vec![0, 1, 1], 1, 8));
    // What was wrong before doesn't become something enormous.
    assert_eq!(vote(&[0], &[], 9), (vec![0, 1, 1], 0, 9));
    assert_eq!(vote(&[0], &[], 10), (vec![0, 1, 1], 0, 10));
}

#[test]
fn a_poll_ends_by_its_event_or_by_the_clock() {
    let row = PollRow::new(&Poll { closes_at_ms: 1000, ..poll(2, 1) });
    assert!(!row.is_over(999));
    assert!(row.is_over(1000));
    let closed = PollRow::new(&poll(2, 1)).after(&PollChange::Close, 7);
    assert!(closed.is_over(0));
    assert!(check_end(Some(&Poll { closes_at_ms: 1000, ..poll(2, 1) }), 1000).is_err());
    assert!(check_end(Some(&Poll { closes_at_ms: 1000, ..poll(2, 1) }), 999).is_ok());
}

#[test]
fn what_a_poll_asks_is_found_behind_the_text() {
    let found = searched("text", Some(&poll(2, 1)));
    assert_eq!(found, "text\nwhich?\noption 0\noption 1");
}
