//! Disappearing messages without a network: gone at their time as if deleted, and nothing else is.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, group, message, send, user};
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::{EventMessage, rpc},
    message::{DeleteRequest, MessageDeleted, MessagePosted, SendRequest},
    room::*,
    sync::ReadLogRequest,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

fn set(server: &mut Server, by: usize, room: &Bytes, seconds: u32) -> Result<u64, Error> {
    let request = SetMessageExpiryRequest { room: room.clone(), seconds };
    server.call::<rpc::SetMessageExpiry>(by, &request).map(|answer| answer.seq)
}

fn log(server: &mut Server, by: usize, room: &Bytes) -> Vec<Event> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(by, &request).unwrap();
    items.into_iter().flat_map(|item| item.events).collect()
}

/// The texts that are there, and how often a message's end came by itself.
fn shown(server: &mut Server, by: usize, room: &Bytes) -> (Vec<String>, usize) {
    let mut texts = vec![];
    let mut ended = 0;
    for event in log(server, by, room) {
        let header = event.header.unwrap();
        if header.kind == MessagePosted::RULE.kind && header.flags & FLAG_ERASED == 0 {
            texts.push(MessagePosted::decode(event.body.clone()).unwrap().text);
        }
        if header.kind == MessageDeleted::RULE.kind {
            ended += usize::from(MessageDeleted::decode(event.body).unwrap().expired);
        }
    }
    (texts, ended)
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn what_is_sent_from_then_on_is_deleted_by_itself_and_what_was_there_stays() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    send(&mut server, ben, &room, "stays");
    assert!(set(&mut server, ann, &room, 60).unwrap() > 0);
    assert_eq!(set(&mut server, ann, &room, 60).unwrap(), 0);
    send(&mut server, ben, &room, "goes");
    server.advance(Duration::from_secs(30));
    send(&mut server, ann, &room, "goes later");
    set(&mut server, ann, &room, 0).unwrap();
    send(&mut server, ann, &room, "stays, too");
    server.carry_out_timers();
    assert_eq!(shown(&mut server, ann, &room).1, 0);
    server.advance(Duration::from_secs(31));
    server.carry_out_timers();
    let texts = ["stays", "goes later", "stays, too"].map(str::to_owned).to_vec();
    assert_eq!(shown(&mut server, ben, &room), (texts, 1));
    server.advance(Duration::from_secs(31));
    server.carry_out_timers();
    server.carry_out_timers();
    let texts = ["stays", "stays, too"].map(str::to_owned).to_vec();
    assert_eq!(shown(&mut server, ben, &room), (texts, 2));
}

#[test]
fn one_that_was_deleted_or_whose_sender_left_or_whose_room_is_archived_makes_no_trouble() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    set(&mut server, ann, &room, 5).unwrap();
    let first = send(&mut server, ann, &room, "deleted");
    let root = send(&mut server, ben, &room, "of who left");
    let reply = SendRequest { thread_root_seq: root, ..message(&mut server, &room, "reply") };
    server.call::<rpc::Send>(ann, &reply).unwrap();
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq: first };
    server.call::<rpc::Delete>(ann, &request).unwrap();
    let request =
        RemoveMemberRequest { room: room.clone(), user: server.clients[ben].user.to_field() };
    server.call::<rpc::RemoveMember>(ann, &request).unwrap();
    let request = ArchiveRoomRequest { room: room.clone(), archived: true };
    server.call::<rpc::ArchiveRoom>(ann, &request).unwrap();
    server.advance(Duration::from_secs(6));
    server.carry_out_timers();
    assert_eq!(shown(&mut server, ann, &room), (vec![], 2));
    let now_ms = u64::MAX;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(server.node.expired(now_ms)).unwrap().is_empty());
}

#[test]
fn both_sides_of_a_direct_room_may_set_it_and_nobody_else_and_it_is_kept() {
    let store = std::sync::Arc::new(parlour_adapters::memory::Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[]);
    assert_eq!(reason(set(&mut server, ben, &room, 60)), ErrorReason::RoomNotFound);
    for wrong in [4, 31_536_001] {
        assert_eq!(reason(set(&mut server, ann, &room, wrong)), ErrorReason::InvalidField);
    }
    let request = OpenDirectRequest { with: Some(user(server.clients[ben].user)) };
    let direct = server.call::<rpc::OpenDirect>(ann, &request).unwrap().room.unwrap().id;
    set(&mut server, ben, &direct, 60).unwrap();
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    let answer = server.call::<rpc::GetRoom>(ann, &GetRoomRequest { room: direct.clone() });
    assert_eq!(answer.unwrap().room.unwrap().message_expiry_s, 60);
    send(&mut server, ann, &direct, "goes");
    server.advance(Duration::from_secs(61));
    server.carry_out_timers();
    assert_eq!(shown(&mut server, ann, &direct), (vec![], 1));
}
