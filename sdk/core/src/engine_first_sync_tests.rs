//! The first sync of a device: its user's log in several items, and rooms to be shown before it has come.

use bytes::BytesMut;
use parlour_protocol::{
    event::put_events,
    generated::EventMessage,
    marker::{Marker, MarkerMoved, Unread},
    room::{RoomGained, RoomLost},
    wire::EventHeader,
};

use super::*;

fn event<M: EventMessage>(seq: u64, body: &M) -> Bytes {
    let header = EventHeader { seq, kind: M::RULE.kind, ..EventHeader::default() };
    parlour_protocol::event::compose(&header, &body.encode_to_vec())
}

fn gained(seq: u64) -> Bytes {
    event(seq, &RoomGained { room: Some(room()), seq: 1 })
}

fn lost(seq: u64) -> Bytes {
    event(seq, &RoomLost { room: ROOM.to_field(), ..RoomLost::default() })
}

/// A part of the user's log, whose head is at `as_of_seq`.
fn log(client: &mut Client, sync: BulkId, events: &[Bytes], as_of_seq: u64) {
    let mut delta = BytesMut::new();
    put_events(1, events, &mut delta);
    UserDelta { as_of_seq, ..UserDelta::default() }.encode(&mut delta).unwrap();
    let mut item = BytesMut::new();
    put_events(1, &[delta.freeze()], &mut item);
    client.engine.handle_bulk(sync, Bulk::Item(item.freeze()), NOW);
    client.pump();
}

fn digests() -> Digests {
    let digest = RoomDigest { room: Some(room()), seq: 5, msg_no: 5, ..RoomDigest::default() };
    Digests { rooms: vec![digest] }
}

fn say(client: &mut Client, sync: BulkId, item: sync_item::Item) {
    client.say(sync, &SyncItem { item: Some(item) });
    client.pump();
}

fn hear(client: &mut Client, event: Bytes) {
    client.engine.handle_live(Live::User(vec![LogEvent::parse(event).unwrap()]), NOW);
    client.pump();
}

fn done() -> sync_item::Item {
    sync_item::Item::Done(SyncDone { watermark_ms: 5, room_count: 1 })
}

fn is_lost(client: &Client) -> bool {
    client.notices.iter().any(|notice| matches!(notice, Notice::RoomLost(_) | Notice::Failed(..)))
}

#[test]
fn a_log_that_comes_in_several_items_is_heard_to_its_end() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    log(&mut client, sync, &[gained(1)], 3);
    assert!(!is_lost(&client));
    log(&mut client, sync, &[lost(2)], 3);
    assert!(is_lost(&client), "what comes second counts as well");
    // What can't be read isn't waited for.
    say(&mut client, sync, done());
    client.end(sync);
    client.engine.handle_live(Live::User(vec![LogEvent::parse(gained(4)).unwrap()]), NOW);
    client.pump();
    assert!(client.engine.rooms().get(ROOM).is_some(), "the next one follows");
}

#[test]
fn rooms_of_the_first_screen_are_there_at_once_and_an_old_log_takes_nothing_of_them() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    say(&mut client, sync, sync_item::Item::FirstScreen(digests()));
    assert!(client.engine.rooms().get(ROOM).is_some());
    client.open();
    client.send(1);
    // They were in it, left, and came back.
    log(&mut client, sync, &[gained(1), lost(2)], 3);
    log(&mut client, sync, &[gained(3)], 3);
    assert!(!is_lost(&client), "{:?}", client.notices);
    say(&mut client, sync, sync_item::Item::Digests(digests()));
    say(&mut client, sync, done());
    client.end(sync);
    assert!(!is_lost(&client) && client.engine.rooms().get(ROOM).is_some());
    // What comes afterwards is news.
    hear(&mut client, lost(4));
    assert!(is_lost(&client));
}

/// A client that knows the room, and whose second sync has just begun to answer.
fn syncing_again() -> (Client, BulkId) {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    log(&mut client, sync, &[gained(1)], 1);
    say(&mut client, sync, sync_item::Item::Digests(digests()));
    say(&mut client, sync, done());
    client.end(sync);
    client.engine.handle_disconnected();
    client.pump();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    log(&mut client, sync, &[], 1);
    (client, sync)
}

#[test]
fn a_digest_from_before_a_marker_moved_doesnt_move_it_back() {
    let (mut client, sync) = syncing_again();
    let marker = Marker { seq: 5, msg_no: 5, set_at_seq: 5, ..Marker::default() };
    let moved = MarkerMoved { room: ROOM.to_field(), marker: Some(marker) };
    hear(&mut client, event(2, &moved));
    let mut older = digests();
    older.rooms[0].unread = Some(Unread { messages: 5, mentions: 0 });
    say(&mut client, sync, sync_item::Item::Digests(older));
    say(&mut client, sync, done());
    let counts = client.engine.rooms().get(ROOM).unwrap().counts.clone();
    assert_eq!((counts.marker, counts.messages), (marker, 0));
}

/// The log is too long, so that all rooms come anew.
fn reset(client: &mut Client, sync: BulkId, as_of_seq: u64) {
    let delta = UserDelta { reset: true, as_of_seq, ..UserDelta::default() };
    say(client, sync, sync_item::Item::User(delta));
}

#[test]
fn a_marker_that_moves_in_a_room_not_known_yet_waits_for_its_digest() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    reset(&mut client, sync, 1);
    let marker = Marker { seq: 5, msg_no: 5, set_at_seq: 5, ..Marker::default() };
    hear(&mut client, event(2, &MarkerMoved { room: ROOM.to_field(), marker: Some(marker) }));
    let mut older = digests();
    older.rooms[0].unread = Some(Unread { messages: 5, mentions: 0 });
    say(&mut client, sync, sync_item::Item::Digests(older));
    let record = client.engine.rooms().get(ROOM).expect("the room is learned");
    assert_eq!((record.counts.marker, record.counts.messages), (marker, 0));
}

#[test]
fn what_a_digest_says_of_a_room_gained_meanwhile_counts() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    hear(&mut client, gained(1));
    log(&mut client, sync, &[gained(1)], 1);
    let marker = Marker { seq: 5, msg_no: 5, ..Marker::default() };
    let mut read = digests();
    read.rooms[0].marker = Some(marker);
    say(&mut client, sync, sync_item::Item::Digests(read));
    let record = client.engine.rooms().get(ROOM).expect("the room is there");
    assert_eq!((record.counts.marker, record.counts.messages), (marker, 0));
}

#[test]
fn a_digest_from_before_a_room_was_lost_doesnt_bring_it_back() {
    let (mut client, sync) = syncing_again();
    hear(&mut client, lost(2));
    say(&mut client, sync, sync_item::Item::Digests(digests()));
    say(&mut client, sync, sync_item::Item::Done(SyncDone { watermark_ms: 6, room_count: 0 }));
    client.end(sync);
    assert!(client.engine.rooms().get(ROOM).is_none());
}

#[test]
fn a_first_screen_stays_what_it_is_when_the_sync_is_cut_off() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    say(&mut client, sync, sync_item::Item::FirstScreen(digests()));
    log(&mut client, sync, &[gained(1)], 3);
    client.engine.handle_disconnected();
    client.pump();
    client.connect_to(1, ME);
    let sync = client.bulk(rpc::Sync::METHOD.id);
    log(&mut client, sync, &[lost(2), gained(3)], 3);
    assert!(!is_lost(&client), "{:?}", client.notices);
    say(&mut client, sync, sync_item::Item::Digests(digests()));
    say(&mut client, sync, done());
    client.end(sync);
    assert!(client.engine.rooms().get(ROOM).is_some());
}
