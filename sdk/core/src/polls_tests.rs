//! Polls as a client counts them.

#![allow(clippy::unwrap_used)]

use parlour_protocol::{generated::EventMessage, wire::EventHeader};
use prost::Message;

use super::*;

const ME: UserId = UserId::from_bytes([1; 16]);

fn vote(
    seq: u64,
    sender: Option<UserId>,
    before: &[u32],
    choices: &[u32],
) -> (LogEvent, PollVoted) {
    let body = PollVoted { choices: choices.to_vec(), before: before.to_vec() };
    let header = EventHeader {
        seq,
        kind: PollVoted::RULE.kind,
        sender: sender.map_or(Bytes::new(), UserId::to_field),
        target_seq: 3,
        ..EventHeader::default()
    };
    let raw = parlour_protocol::event::compose(&header, &body.encode_to_vec());
    (LogEvent::parse(raw).unwrap(), body)
}

fn hear(poll: &mut PollRecord, (event, vote): (LogEvent, PollVoted)) {
    poll.handle_vote(&event, &vote, ME);
}

fn shown(poll: &PollRecord, own: &[u32]) -> (Vec<u64>, u64) {
    let tally = poll.tally(own).unwrap();
    (tally.votes, tally.voters)
}

#[test]
fn votes_are_counted_once_whichever_way_they_come() {
    let mut poll = PollRecord::new(3, 2);
    let other = Some(UserId::from_bytes([2; 16]));
    hear(&mut poll, vote(4, other, &[], &[0]));
    hear(&mut poll, vote(4, other, &[], &[0]));
    hear(&mut poll, vote(6, other, &[0], &[1]));
    assert_eq!(shown(&poll, &[]), (vec![0, 1], 1));
    // A page that was read before the last vote says nothing new.
    let page = PollState {
        target_seq: 3,
        counts: vec![1, 0],
        voters: 1,
        changed_seq: 4,
        ..Default::default()
    };
    poll.learn(&page);
    assert_eq!(shown(&poll, &[]), (vec![0, 1], 1));
    poll.learn(&PollState { counts: vec![5, 6], voters: 11, changed_seq: 20, ..page });
    hear(&mut poll, vote(19, other, &[], &[0]));
    hear(&mut poll, vote(21, other, &[1], &[]));
    assert_eq!(shown(&poll, &[]), (vec![5, 5], 10));
}

#[test]
fn the_own_vote_shows_at_once_and_counts_once() {
    let mut poll = PollRecord::new(3, 2);
    assert_eq!(shown(&poll, &[1]), (vec![0, 1], 1), "before it is sent");
    hear(&mut poll, vote(4, Some(ME), &[], &[1]));
    assert_eq!(shown(&poll, &[1]), (vec![0, 1], 1), "once it is heard");
    assert_eq!(shown(&poll, &[0]), (vec![1, 0], 1), "and while another one waits");
    assert_eq!(shown(&poll, &[]), (vec![0, 0], 0), "or is taken back");
}

#[test]
fn an_anonymous_vote_of_ones_own_counts_once_whatever_comes_first() {
    let mut answer_first = PollRecord::new(3, 2);
    answer_first.handle_own(&[1], 4);
    assert_eq!(shown(&answer_first, &[1]), (vec![0, 1], 1));
    hear(&mut answer_first, vote(4, None, &[], &[1]));
    assert_eq!(shown(&answer_first, &[1]), (vec![0, 1], 1));
    let mut event_first = PollRecord::new(3, 2);
    hear(&mut event_first, vote(4, None, &[], &[1]));
    event_first.handle_own(&[1], 4);
    assert_eq!(event_first, answer_first);
    // An older one that comes late changes nothing.
    event_first.handle_own(&[0], 2);
    assert_eq!(event_first, answer_first);
}

#[test]
fn what_was_read_in_two_moments_is_asked_for_again() {
    let mut poll = PollRecord::unknown(3);
    let state = PollState {
        target_seq: 3,
        counts: vec![1, 0],
        voters: 1,
        changed_seq: 4,
        own: vec![1],
        own_seq: 5,
        ..PollState::default()
    };
    poll.learn(&state);
    assert!(poll.is_stale);
    poll.learn(&PollState { counts: vec![1, 1], voters: 2, changed_seq: 5, ..state });
    assert!(!poll.is_stale);
    assert_eq!(shown(&poll, &[1]), (vec![1, 1], 2));
}

#[test]
fn a_record_is_kept_as_it_is() {
    let mut poll = PollRecord::new(3, 3);
    hear(&mut poll, vote(4, Some(ME), &[], &[0, 2]));
    let kept = poll.row().encode_to_vec();
    assert_eq!(PollRecord::of_row(PollRow::decode(&kept[..]).unwrap()), poll);
    assert_eq!(unpack(&pack(&[0, 2, 19])), [0, 2, 19]);
}
