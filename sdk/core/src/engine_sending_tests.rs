//! Sends: answers, echoes, refs that expired.

use std::time::Duration;

use super::*;
use crate::limits::SETTLED_PER_ROOM_MAX;

#[test]
fn the_echo_answers_when_the_answer_is_lost() {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    let mine = client.send(1);
    let (call, _) = client.sends()[0].clone();
    client.live(&[testing::message_by(ME, 1, "mine", Some(mine))]);
    client.engine.handle_reply(call, sent(1), NOW);
    client.pump();
    let told = client.notices.iter().filter(|n| matches!(n, Notice::Sent { seq: 1, .. })).count();
    assert_eq!(told, 1);
    assert_eq!(client.texts(), ["mine"]);
    assert!(client.cache.load().unwrap().outbox.is_empty());
}

#[test]
fn what_was_acknowledged_is_kept_until_the_log_has_it() {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    let mine = client.send(1);
    let (call, _) = client.sends()[0].clone();
    client.engine.handle_reply(call, sent(1), NOW);
    client.pump();
    assert_eq!(client.cache.load().unwrap().outbox.len(), 1);
    // A timeline that is opened now shows it, and so does a client that starts without a server.
    client.engine.close_timeline(ROOM);
    client.open();
    let before = client.texts();
    let cache = std::mem::take(&mut client.cache);
    let mut other = Client::with(cache);
    other.open();
    assert_eq!((before, other.texts()), (vec!["mine".into()], vec!["mine".into()]));
    client.cache = other.cache;
    client.live(&[testing::message_by(ME, 1, "mine", Some(mine))]);
    assert!(client.cache.load().unwrap().outbox.is_empty());
    assert_eq!(client.texts(), ["mine"]);
}

#[test]
fn what_was_sent_to_a_room_that_is_news_is_kept_as_well() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    client.send(1);
    let (call, _) = client.sends()[0].clone();
    client.engine.handle_reply(call, sent(2), NOW);
    client.pump();
    assert_eq!(client.cache.load().unwrap().outbox.len(), 1);
    client.open();
    assert_eq!(client.texts(), ["mine"]);
    // It was all for nothing: the user isn't in the room any more.
    client.engine.lose_room(ROOM);
    client.pump();
    assert!(client.cache.load().unwrap().outbox.is_empty());
}

#[test]
fn an_expired_send_that_is_in_the_log_was_sent() {
    let mut client = Client::new();
    client.connect(10);
    let mine = client.send(1);
    let (call, _) = client.sends()[0].clone();
    let expired = Error::new(ErrorReason::RefExpired, "");
    client.engine.handle_reply(call, Err(expired), NOW);
    client.pump();
    let (_, _, request) = &client.bulks[0];
    assert_eq!(ReadLogRequest::decode(request.clone()).unwrap().from_seq, 11);
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    let found = testing::message_by(ME, 12, "mine", Some(mine));
    client.say(read, &ReadLogItem { events: raw(&[found]), ..ReadLogItem::default() });
    client.end(read);
    assert!(client.notices.iter().any(|n| matches!(n, Notice::Sent { seq: 12, .. })));
    assert!(client.sends().is_empty());
}

#[test]
fn an_expired_send_that_isnt_in_the_log_goes_out_under_a_new_ref() {
    let mut client = Client::new();
    client.connect(10);
    let mine = client.send(1);
    let (call, _) = client.sends()[0].clone();
    client.engine.handle_reply(call, Err(Error::new(ErrorReason::RefExpired, "")), NOW);
    let read = client.bulk(rpc::ReadLog::METHOD.id);
    client.end(read);
    assert!(client.notices.contains(&Notice::RefExpired(mine)));
    let renewed = client.engine.renew_ref(mine, [8; 10], NOW).unwrap();
    let [(_, sent)] = &client.sends()[..] else { panic!("one send") };
    assert_eq!(*sent, renewed.to_field());
    assert_ne!(renewed, mine);
}

#[test]
fn an_echo_that_comes_before_the_rooms_of_another_incarnation_is_shown_with_what_stands_before_it()
{
    let mut client = Client::new();
    client.connect(3);
    client.open();
    let mine = client.send(1);
    client.bulks.clear();
    client.connect_to(2, ME);
    client.live(&[testing::message_by(ME, 3, "mine", Some(mine))]);
    assert_eq!(client.texts(), ["mine"]);
    let read = client.bulk(rpc::ReadTimeline::METHOD.id);
    let page = ReadTimelineItem {
        events: raw(&messages(1, 2)),
        as_of_seq: 3,
        at_start: true,
        ..ReadTimelineItem::default()
    };
    client.say(read, &page);
    client.end(read);
    assert_eq!(client.texts(), ["1", "2", "mine"]);
}

#[test]
fn what_a_store_acknowledged_that_is_another_now_is_sent_again_under_the_same_refs() {
    let mut client = Client::new();
    client.connect(0);
    client.open();
    let (first, second) = (client.send(1), client.send(2));
    let [(call, _), _] = &client.sends()[..] else { panic!("two sends") };
    client.engine.handle_reply(*call, sent(1), NOW);
    client.pump();
    client.connect_to(2, ME);
    let refs: Vec<_> = client.sends().into_iter().map(|(_, sent)| sent).collect();
    assert_eq!(refs, [first.to_field(), second.to_field()], "in their order");
    assert_eq!(client.texts(), ["mine", "mine"]);
    assert_eq!(client.cache.load().unwrap().outbox.len(), 2);
}

#[test]
fn an_answer_that_cannot_be_read_is_none() {
    let mut client = Client::new();
    client.connect(0);
    let mine = client.send(1);
    let (call, _) = client.sends()[0].clone();
    client.engine.handle_reply(call, Ok(Bytes::from_static(&[0x0a, 5])), NOW);
    client.pump();
    let told = |client: &Client| client.notices.iter().any(|n| matches!(n, Notice::Sent { .. }));
    assert!(!told(&client));
    assert_eq!(client.cache.load().unwrap().outbox.len(), 1);
    let later = Now { elapsed: NOW.elapsed + Duration::from_secs(60), ..NOW };
    client.engine.handle_timeout(later);
    client.pump();
    let (again, client_ref) = client.sends().last().cloned().unwrap();
    assert_ne!(again, call);
    assert_eq!(client_ref, mine.to_field());
    client.engine.handle_reply(again, sent(1), later);
    client.pump();
    assert!(told(&client));
}

#[test]
fn a_room_that_nobody_reads_keeps_a_page_of_what_was_acknowledged() {
    let mut client = Client::new();
    client.connect(10);
    for seq in 11..=200 {
        client.send(seq as u8);
        let (call, _) = client.sends().last().cloned().unwrap();
        client.engine.handle_reply(call, sent(seq), NOW);
        client.pump();
    }
    assert_eq!(client.cache.load().unwrap().outbox.len(), SETTLED_PER_ROOM_MAX);
    // Nothing to be done isn't in any log.
    client.send(250);
    let (call, _) = client.sends().last().cloned().unwrap();
    client.engine.handle_reply(call, sent(0), NOW);
    client.pump();
    assert_eq!(client.cache.load().unwrap().outbox.len(), SETTLED_PER_ROOM_MAX);
}
