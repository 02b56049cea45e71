//! From where on a room's events are news: nothing said after that is passed over.

use parlour_protocol::{
    generated::EventMessage,
    room::RoomGained,
    wire::{EventHeader, RoomPulse},
};

use super::*;
use crate::limits::READ_AGAIN_AFTER;

/// The user's own log says that they are in the room from event `seq` on.
fn gain(client: &mut Client, user_seq: u64, seq: u64) {
    let header =
        EventHeader { seq: user_seq, kind: RoomGained::RULE.kind, ..EventHeader::default() };
    let body = RoomGained { room: Some(room()), seq }.encode_to_vec();
    let event = LogEvent::parse(parlour_protocol::event::compose(&header, &body)).unwrap();
    client.engine.handle_live(Live::User(vec![event]), NOW);
    client.pump();
}

fn pulse(client: &mut Client, seq: u64) {
    let pulse = RoomPulse { room: ROOM.to_field(), seq, msg_no: seq, ..RoomPulse::default() };
    client.engine.handle_live(Live::Pulse(pulse), NOW);
    client.pump();
}

/// Answers the read of the room's log.
fn read_log(client: &mut Client, from: u64, to: u64) {
    let (id, _, request) = {
        client.pump();
        let asked = |(_, method, _): &(_, u32, _)| *method == rpc::ReadLog::METHOD.id;
        let at = client.bulks.iter().position(asked).expect("the log is read");
        client.bulks.remove(at)
    };
    assert_eq!(ReadLogRequest::decode(request).unwrap().from_seq, from);
    let item =
        ReadLogItem { events: raw(&messages(from, to)), as_of_seq: to, ..ReadLogItem::default() };
    client.say(id, &item);
    client.end(id);
}

/// Connects, with no room yet.
fn connected() -> Client {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    let user = UserDelta { reset: true, ..UserDelta::default() };
    client.say(sync, &SyncItem { item: Some(sync_item::Item::User(user)) });
    let done = SyncDone { watermark_ms: 5, room_count: 0 };
    client.say(sync, &SyncItem { item: Some(sync_item::Item::Done(done)) });
    client.end(sync);
    client
}

#[test]
fn what_was_said_before_a_new_room_was_told_of_is_read() {
    let mut client = connected();
    gain(&mut client, 1, 1);
    pulse(&mut client, 3);
    read_log(&mut client, 2, 3);
    client.live(&messages(4, 4));
    assert_eq!(client.events(), [2, 3, 4]);
}

#[test]
fn a_digest_that_overtakes_the_event_takes_nothing_away() {
    let mut client = Client::new();
    // The digest was made when the room had two messages already.
    client.connect(3);
    gain(&mut client, 1, 1);
    read_log(&mut client, 2, 3);
    assert_eq!(client.events(), [2, 3]);
    // And not again once they are known.
    gain(&mut client, 2, 1);
    assert_eq!(client.events(), [0; 0]);
}

#[test]
fn what_a_quiet_room_said_while_the_client_was_away_is_read() {
    let mut client = Client::new();
    client.connect(5);
    client.engine.handle_disconnected();
    client.connect(7);
    read_log(&mut client, 6, 7);
    assert_eq!(client.events(), [6, 7]);
}

#[test]
fn a_room_known_by_its_pulse_alone_goes_on_from_there() {
    let mut client = connected();
    pulse(&mut client, 9);
    let asked = client.calls.iter().find(|(_, method, _)| *method == rpc::GetRoom::METHOD.id);
    let answer = parlour_protocol::room::GetRoomResponse { room: Some(room()), as_of_seq: 9 };
    client.engine.handle_reply(asked.unwrap().0, Ok(answer.encode_to_vec().into()), NOW);
    pulse(&mut client, 9);
    client.live(&messages(10, 10));
    assert_eq!(client.events(), [10]);
    assert!(client.bulks.is_empty());
}

#[test]
fn a_new_device_begins_at_the_head_whatever_the_users_log_tells() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    let header = EventHeader { seq: 1, kind: RoomGained::RULE.kind, ..EventHeader::default() };
    let body = RoomGained { room: Some(room()), seq: 1 }.encode_to_vec();
    let raw = parlour_protocol::event::compose(&header, &body);
    let events = vec![Event::decode(raw).unwrap()];
    let user = UserDelta { events, as_of_seq: 1, ..UserDelta::default() };
    let digest = RoomDigest { room: Some(room()), seq: 130, msg_no: 129, ..RoomDigest::default() };
    let done = SyncDone { watermark_ms: 5, room_count: 1 };
    for item in [
        sync_item::Item::User(user),
        sync_item::Item::Digests(Digests { rooms: vec![digest] }),
        sync_item::Item::Done(done),
    ] {
        client.say(sync, &SyncItem { item: Some(item) });
    }
    client.end(sync);
    assert!(client.bulks.is_empty());
    client.live(&messages(131, 131));
    assert_eq!(client.events(), [131]);
}

#[test]
fn a_room_that_is_looked_at_is_subscribed_to_again_where_that_was_refused_for_a_while() {
    let mut client = Client::new();
    client.engine.config.focus = Focus::Focused;
    client.connect(10);
    client.open();
    let subscribes = |client: &mut Client| -> Vec<CallId> {
        client.pump();
        let is_one = |(_, method, _): &mut _| *method == rpc::Subscribe::METHOD.id;
        client.calls.extract_if(.., is_one).map(|(id, ..)| id).collect()
    };
    let asked = subscribes(&mut client);
    let refused = Error::new(ErrorReason::RateLimited, "too fast").after_ms(100);
    client.engine.handle_reply(asked[0], Err(refused), NOW);
    assert_eq!(subscribes(&mut client), []);
    let later = Now { elapsed: NOW.elapsed + READ_AGAIN_AFTER, ..NOW };
    client.engine.handle_timeout(later);
    let asked = subscribes(&mut client);
    assert_eq!(asked.len(), 1);
    // One that isn't there for the user is given up.
    let gone = Error::new(ErrorReason::RoomNotFound, "no such room");
    client.engine.handle_reply(asked[0], Err(gone), later);
    let much_later = Now { elapsed: later.elapsed + READ_AGAIN_AFTER, ..NOW };
    client.engine.handle_timeout(much_later);
    assert_eq!(subscribes(&mut client), []);
}

/// An event of the room's log.
fn event(seq: u64, kind: u32, body: Vec<u8>) -> LogEvent {
    let header = EventHeader { seq, kind, sender: OTHER.to_field(), ..EventHeader::default() };
    LogEvent::parse(parlour_protocol::event::compose(&header, &body)).unwrap()
}

#[test]
fn an_older_description_undoes_nothing_and_a_newer_one_counts_nothing_twice() {
    use parlour_protocol::room::{MembersAdded, RoomRenamed};
    let mut client = Client::new();
    client.connect(10);
    let renamed = RoomRenamed { name: "new".into() }.encode_to_vec();
    client.live(&[event(11, RoomRenamed::RULE.kind, renamed)]);
    let name = |client: &Client| client.engine.rooms().get(ROOM).unwrap().name.clone();
    assert_eq!(name(&client), "new");
    // The user's own log tells late that they are in it, and as it was then.
    gain(&mut client, 1, 10);
    assert_eq!(name(&client), "new");
    // An answer to a call that overtook the next events has them already.
    let count = |client: &Client| client.engine.rooms().get(ROOM).unwrap().member_count;
    let described = Room { member_count: 7, name: "newer".into(), ..room() };
    client.engine.rooms.entry(ROOM).describe(&described, 12);
    let added = MembersAdded { users: vec![OTHER.to_field()] }.encode_to_vec();
    client.live(&[event(12, MembersAdded::RULE.kind, added.clone())]);
    assert_eq!((name(&client), count(&client)), ("newer".into(), 7));
    client.live(&[event(13, MembersAdded::RULE.kind, added)]);
    assert_eq!(count(&client), 8);
}

#[test]
fn a_digest_that_is_passed_over_is_asked_for_anew() {
    use parlour_protocol::room::MembersAdded;
    let mut client = Client::new();
    client.connect(10);
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    // It was read before somebody came in, and arrives behind that.
    let added = MembersAdded { users: vec![OTHER.to_field()] }.encode_to_vec();
    client.live(&[event(11, MembersAdded::RULE.kind, added)]);
    let described = Room { name: "while away".into(), ..room() };
    let digest = RoomDigest { room: Some(described), seq: 10, msg_no: 10, ..RoomDigest::default() };
    let digests = sync_item::Item::Digests(Digests { rooms: vec![digest] });
    client.say(sync, &SyncItem { item: Some(digests) });
    client.pump();
    let asks = client.calls.iter().any(|(_, method, _)| *method == rpc::GetRoom::METHOD.id);
    assert!(asks, "what it alone would have told");
}
