//! From where on a room's events are news: nothing said after that is passed over.

use parlour_protocol::{
    generated::EventMessage,
    room::RoomGained,
    wire::{EventHeader, RoomPulse},
};

use super::*;

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
