//! Order, retries and refs.

use super::*;
use crate::testing::ROOM;

const fn at(ms: u64) -> Now {
    Now { unix_ms: ms, elapsed: Duration::from_millis(ms) }
}

fn client_ref(n: u8) -> ClientRef {
    ClientRef::from_bytes([n; 16])
}

fn post(text: &'static str) -> Payload {
    let body = Bytes::from_static(text.as_bytes());
    Payload::Post {
        body,
        mentions: vec![],
        mentions_everyone: false,
        reply_to: None,
        thread_root: None,
        attachments: vec![],
    }
}

fn with(refs: &[u8]) -> Outbox {
    let mut outbox = Outbox::default();
    for n in refs {
        outbox.push(ROOM, client_ref(*n), post("x"), 0, 0).unwrap();
    }
    outbox
}

fn sent(outbox: &mut Outbox, now: Now) -> Vec<ClientRef> {
    std::iter::from_fn(|| outbox.poll_transmit(now)).map(|transmit| transmit.client_ref).collect()
}

fn refusal(reason: ErrorReason) -> Result<(), Error> {
    Err(Error::new(reason, ""))
}

#[test]
fn a_room_sends_in_order_up_to_its_window() {
    let refs: Vec<u8> = (1..=20).collect();
    let mut outbox = with(&refs);
    outbox.push(RoomId::from_bytes([8; 16]), client_ref(99), post("y"), 0, 0).unwrap();
    let mut expected: Vec<ClientRef> = refs[..16].iter().map(|n| client_ref(*n)).collect();
    expected.push(client_ref(99));
    let mut first = sent(&mut outbox, at(0));
    first.sort_by_key(|one| *one.as_bytes());
    assert_eq!(first, expected);
    assert_eq!(outbox.poll_timeout(), None);
    // Answers come in any order.
    assert!(matches!(outbox.handle_answer(client_ref(2), Ok(()), at(0)), Outcome::Sent(_)));
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(17)]);
    assert!(matches!(outbox.handle_answer(client_ref(1), Ok(()), at(0)), Outcome::Sent(_)));
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(18)]);
}

#[test]
fn what_is_behind_a_refused_send_comes_again_behind_it_in_the_next_chain() {
    let mut outbox = with(&[1, 2, 3, 4]);
    assert_eq!(outbox.poll_transmit(at(0)).unwrap().chain, 1);
    sent(&mut outbox, at(0));
    outbox.handle_answer(client_ref(1), Ok(()), at(0));
    // The answer to the third comes first; the second may be one to send again, too.
    let broken = || refusal(ErrorReason::ChainBroken);
    assert_eq!(outbox.handle_answer(client_ref(3), broken(), at(0)), Outcome::Again);
    assert_eq!(sent(&mut outbox, at(0)), []);
    assert_eq!(outbox.poll_timeout(), None);
    let busy = Err(Error::new(ErrorReason::RateLimited, "").after_ms(500));
    assert_eq!(outbox.handle_answer(client_ref(2), busy, at(0)), Outcome::Again);
    outbox.handle_answer(client_ref(4), broken(), at(0));
    assert_eq!(sent(&mut outbox, at(499)), []);
    let second = outbox.poll_transmit(at(500)).unwrap();
    assert_eq!((second.client_ref, second.chain), (client_ref(2), 2));
    assert_eq!(sent(&mut outbox, at(500)), [client_ref(3), client_ref(4)]);
}

#[test]
fn a_client_that_is_too_fast_has_fewer_in_flight() {
    let mut outbox = with(&(1..=40).collect::<Vec<u8>>());
    let mut now = at(0);
    for expected in [16, 8, 4, 2, 1, 1] {
        let first = sent(&mut outbox, now);
        assert_eq!(first.len(), expected);
        outbox.handle_answer(first[0], refusal(ErrorReason::RateLimited), now);
        for one in &first[1..] {
            outbox.handle_answer(*one, refusal(ErrorReason::ChainBroken), now);
        }
        now = at(now.unix_ms + 1000);
    }
    let only = sent(&mut outbox, now);
    outbox.handle_answer(only[0], Ok(()), now);
    assert_eq!(sent(&mut outbox, now).len(), 2);
}

#[test]
fn what_was_under_way_is_sent_again_under_the_same_ref() {
    let mut outbox = with(&[1]);
    sent(&mut outbox, at(0));
    outbox.handle_disconnected();
    outbox.handle_connected();
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(1)]);
}

#[test]
fn answer_and_echo_come_in_either_order() {
    let mut outbox = with(&[1, 2]);
    sent(&mut outbox, at(0));
    assert!(outbox.handle_echo(client_ref(1)).is_some());
    assert_eq!(outbox.handle_answer(client_ref(1), Ok(()), at(0)), Outcome::Known);
    assert!(matches!(outbox.handle_answer(client_ref(2), Ok(()), at(0)), Outcome::Sent(_)));
    assert_eq!(outbox.handle_echo(client_ref(2)), None);
    assert!(outbox.is_empty());
}

#[test]
fn a_refused_send_fails_visibly_and_lets_the_next_one_go() {
    let mut outbox = with(&[1, 2]);
    sent(&mut outbox, at(0));
    let error = Error::new(ErrorReason::NotAllowed, "");
    assert!(matches!(
        outbox.handle_answer(client_ref(1), Err(error), at(0)),
        Outcome::Failed(entry) if matches!(entry.state, State::Failed(_))
    ));
    outbox.handle_answer(client_ref(2), refusal(ErrorReason::ChainBroken), at(0));
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(2)]);
    outbox.handle_answer(client_ref(2), Ok(()), at(0));
    assert!(outbox.retry(client_ref(1)).is_some());
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(1)]);
}

#[test]
fn a_draining_server_is_not_asked_again() {
    let mut outbox = with(&[1]);
    sent(&mut outbox, at(0));
    outbox.handle_answer(client_ref(1), Err(Error::new(ErrorReason::Draining, "")), at(0));
    assert_eq!(sent(&mut outbox, at(1 << 40)), []);
    assert_eq!(outbox.poll_timeout(), None);
    outbox.handle_connected();
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(1)]);
}

#[test]
fn an_expired_ref_is_searched_for_and_then_replaced() {
    let mut outbox = with(&[1]);
    let expired = || Err(Error::new(ErrorReason::RefExpired, ""));
    let mut current = client_ref(1);
    for n in 0..NEW_REFS_MAX as u8 {
        assert_eq!(sent(&mut outbox, at(0)), [current]);
        assert!(matches!(outbox.handle_answer(current, expired(), at(0)), Outcome::Search(_)));
        outbox.handle_not_in_log(current, client_ref(10 + n)).unwrap();
        current = client_ref(10 + n);
    }
    sent(&mut outbox, at(0));
    assert!(matches!(outbox.handle_answer(current, expired(), at(0)), Outcome::Failed(_)));
}

#[test]
fn the_outbox_is_bounded() {
    let mut outbox = Outbox::default();
    for n in 0..OUTBOX_ENTRIES_MAX as u128 {
        let client_ref = ClientRef::from_bytes((n + 1).to_be_bytes());
        outbox.push(ROOM, client_ref, Payload::Delete { target_seq: 1 }, 0, 0).unwrap();
    }
    assert_eq!(outbox.push(ROOM, client_ref(1), post("x"), 0, 0).err(), Some(OutboxFull));
}

#[test]
fn only_what_was_never_sent_is_rewritten() {
    let mut outbox = with(&[1]);
    assert!(outbox.rewrite(client_ref(1), "y").is_some());
    sent(&mut outbox, at(0));
    assert!(outbox.rewrite(client_ref(1), "z").is_none());
}

#[test]
fn rows_survive_their_bytes() {
    let mut outbox = with(&[1]);
    outbox.push(ROOM, client_ref(2), Payload::Delete { target_seq: 9 }, 3, 4).unwrap();
    for (n, on) in [(3, true), (4, false)] {
        outbox.push(ROOM, client_ref(n), Payload::Pin { target_seq: 9, on }, 3, 4).unwrap();
    }
    for entry in outbox.room(ROOM) {
        assert_eq!(&Entry::decode(&entry.encode()).unwrap(), entry);
    }
    let restored = Outbox::restore(outbox.room(ROOM).cloned().collect());
    assert_eq!(restored.len(), 4);
}

#[test]
fn what_is_held_goes_out_when_its_time_has_come_and_holds_nobody_up() {
    let mut outbox = with(&[1, 2, 3]);
    outbox.hold(client_ref(1), at(5).elapsed);
    assert_eq!(sent(&mut outbox, at(0)), [client_ref(2), client_ref(3)]);
    assert_eq!(outbox.poll_timeout(), Some(at(5).elapsed));
    outbox.handle_disconnected();
    outbox.handle_connected();
    assert_eq!(sent(&mut outbox, at(4)), [client_ref(2), client_ref(3)], "it is held still");
    assert_eq!(sent(&mut outbox, at(5)), [client_ref(1)]);
    assert_eq!(outbox.entry(client_ref(1)).unwrap().attempts, 1);
}

#[test]
fn what_is_held_can_be_taken_out_and_is_as_any_other_after_a_start() {
    let mut outbox = with(&[1, 2]);
    outbox.hold(client_ref(1), at(5).elapsed);
    outbox.hold(client_ref(2), at(5).elapsed);
    outbox.discard(client_ref(1)).unwrap();
    let kept = outbox.entry(client_ref(2)).unwrap().encode();
    let mut again = Outbox::restore(vec![Entry::decode(&kept).unwrap()]);
    assert_eq!(sent(&mut again, at(0)), [client_ref(2)]);
    assert_eq!(sent(&mut outbox, at(9)), [client_ref(2)], "nothing else");
}
