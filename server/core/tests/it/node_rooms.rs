//! What is set of a node's room without a network: slow mode, disappearing messages, a picture. The
//! directory says nothing of them, and what it does say leaves them as they are.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::identity;
use parlour_inproc::{Server, announce, message, send};
use parlour_protocol::{
    directory::{change::Change as What, *},
    generated::rpc,
    limits::CLAIM_FOR,
    message::{EditRequest, MessageEdited},
    room::*,
    wire::{Error, ErrorReason},
};

use prost::Message;

use crate::png::png;

const SWEEP: Duration = Duration::from_secs(600);

fn room(key: &str) -> Bytes {
    identity::node_id(identity::org_id("acme"), key).to_field()
}

fn node(kind: NodeKind, key: &str, topic: &str) -> What {
    let (key, name, topic) = (key.to_owned(), Some(format!("Node {key}")), Some(topic.to_owned()));
    What::PutNode(PutNode { key, kind: kind as i32, name, topic, ..PutNode::default() })
}

fn change(server: &mut Server, by: usize, changes: Vec<What>) {
    let changes = changes.into_iter().map(|what| Change { change: Some(what) }).collect();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(by, &request).unwrap();
    server.deliver();
}

/// A team, and somebody who makes it; ann and ben are in it, cai isn't.
fn team(server: &mut Server) -> (usize, usize, usize) {
    let root = server.connect("root");
    let member = |subject: &str| {
        let (node, subject) = ("team".to_owned(), subject.to_owned());
        What::PutMembership(PutMembership { node, subject, role: String::new() })
    };
    change(
        server,
        root,
        vec![node(NodeKind::Organization, "", ""), node(NodeKind::Team, "team", "")],
    );
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    change(server, root, vec![member("ann"), member("ben")]);
    (root, ann, ben)
}

fn described(server: &mut Server, by: usize, key: &str) -> Room {
    let request = GetRoomRequest { room: room(key) };
    server.call::<rpc::GetRoom>(by, &request).unwrap().room.unwrap()
}

fn slow(server: &mut Server, by: usize, key: &str, seconds: u32) -> Result<u64, Error> {
    let request = SetSlowModeRequest { room: room(key), seconds };
    server.call::<rpc::SetSlowMode>(by, &request).map(|answer| answer.seq)
}

fn expiry(server: &mut Server, by: usize, key: &str, seconds: u32) -> Result<u64, Error> {
    let request = SetMessageExpiryRequest { room: room(key), seconds };
    server.call::<rpc::SetMessageExpiry>(by, &request).map(|answer| answer.seq)
}

fn picture(server: &mut Server, by: usize, avatar: &Bytes) -> Result<u64, Error> {
    let request = SetRoomAvatarRequest { room: room("team"), avatar: avatar.clone() };
    server.call::<rpc::SetRoomAvatar>(by, &request).map(|answer| answer.seq)
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn slow_mode_counts_for_whoever_does_not_run_the_organization() {
    let mut server = Server::new();
    let (_, ann, ben) = team(&mut server);
    let cai = server.connect("cai");
    assert!(slow(&mut server, ann, "team", 10).unwrap() > 0);
    assert_eq!(slow(&mut server, ann, "team", 10).unwrap(), 0);
    send(&mut server, ben, &room("team"), "one");
    let two = message(&mut server, &room("team"), "two");
    assert_eq!(reason(server.call::<rpc::Send>(ben, &two)), ErrorReason::SlowMode);
    server.advance(Duration::from_secs(10));
    server.call::<rpc::Send>(ben, &two).unwrap();
    assert_eq!(reason(slow(&mut server, cai, "team", 1)), ErrorReason::RoomNotFound);
    assert_eq!(reason(slow(&mut server, ann, "", 1)), ErrorReason::NotAllowed);
    assert_eq!(reason(slow(&mut server, ann, "team", 21_601)), ErrorReason::InvalidField);
}

#[test]
fn an_archived_node_takes_nothing() {
    let mut server = Server::new();
    let (root, ann, _) = team(&mut server);
    let archived = PutNode { key: "team".into(), archived: Some(true), ..PutNode::default() };
    change(&mut server, root, vec![What::PutNode(archived)]);
    assert_eq!(reason(slow(&mut server, ann, "team", 10)), ErrorReason::RoomArchived);
    assert_eq!(reason(expiry(&mut server, ann, "team", 60)), ErrorReason::RoomArchived);
    assert_eq!(reason(picture(&mut server, ann, &Bytes::new())), ErrorReason::RoomArchived);
}

#[test]
fn messages_disappear_there_for_whom_it_was_allowed_to_say_so() {
    let mut server = Server::new();
    let (_, ann, ben) = team(&mut server);
    assert_eq!(reason(expiry(&mut server, ann, "", 60)), ErrorReason::NotAllowed);
    assert!(expiry(&mut server, ann, "team", 60).unwrap() > 0);
    let seq = send(&mut server, ben, &room("team"), "goes");
    let edited = |server: &mut Server| {
        let (room, client_ref) = (room("team"), message(server, &room("team"), "").client_ref);
        let body = MessageEdited { text: "is".into(), ..MessageEdited::default() };
        let body = body.encode_to_vec().into();
        let request = EditRequest { room, client_ref, target_seq: seq, body };
        server.call::<rpc::Edit>(ben, &request)
    };
    edited(&mut server).unwrap();
    server.advance(Duration::from_secs(61));
    server.carry_out_timers();
    assert_eq!(reason(edited(&mut server)), ErrorReason::MessageNotFound);
}

#[test]
fn what_is_set_outlives_a_change_of_the_directory_and_a_restart() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (root, ann, _) = team(&mut server);
    slow(&mut server, ann, "team", 10).unwrap();
    expiry(&mut server, ann, "team", 60).unwrap();
    change(&mut server, root, vec![node(NodeKind::Team, "team", "What for")]);
    let set = |room: Room| (room.topic, room.slow_mode_s, room.message_expiry_s);
    assert_eq!(set(described(&mut server, ann, "team")), ("What for".into(), 10, 60));
    let mut server = Server::over(store.clone());
    let ann = server.connect("ann");
    assert_eq!(set(described(&mut server, ann, "team")), ("What for".into(), 10, 60));
    // What isn't set is no row.
    slow(&mut server, ann, "team", 0).unwrap();
    expiry(&mut server, ann, "team", 0).unwrap();
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    assert_eq!(set(described(&mut server, ann, "team")), ("What for".into(), 0, 0));
}

#[test]
fn a_picture_is_seen_by_those_in_the_room_and_kept_while_it_is_its() {
    let mut server = Server::new();
    let (_, ann, ben) = team(&mut server);
    let cai = server.connect("cai");
    let bytes = png(8, 8);
    let blob = server.upload_as(ann, announce(1, &bytes), &bytes).unwrap();
    assert!(picture(&mut server, ann, &blob.hash).unwrap() > 0);
    assert_eq!(described(&mut server, ben, "team").avatar, blob.hash);
    server.advance(CLAIM_FOR + SWEEP);
    let sweep = |server: &mut Server| {
        let first = server.sweep().removed;
        server.advance(SWEEP);
        first + server.sweep().removed
    };
    assert_eq!(sweep(&mut server), 0);
    assert!(server.download(ben, &room("team"), 0, &blob.hash).is_ok());
    let refused = server.download(cai, &room("team"), 0, &blob.hash);
    assert_eq!(reason(refused), ErrorReason::RoomNotFound);
    assert!(picture(&mut server, ben, &Bytes::new()).unwrap() > 0);
    assert_eq!(sweep(&mut server), 1);
}
