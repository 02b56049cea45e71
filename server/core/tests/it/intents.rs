//! Connections that want only some of what is told: what comes, and that nothing else looks missed.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::limits::{HEADS_EVERY, PULSE_EVERY};
use parlour_inproc::{Server, group, send, user};
use parlour_protocol::{
    generated::{EventMessage, rpc},
    ids::RoomId,
    marker::MarkReadRequest,
    reaction::ReactRequest,
    room::{AddMembersRequest, RemoveMemberRequest},
    sync::{ReadLogRequest, SubscribeRequest},
    typing::Typing,
    wire::{Ephemeral, Hello, Intent, LogHeads, RoomEvents, event_frame::Frame},
};

fn react(server: &mut Server, by: usize, room: &Bytes, target_seq: u64, emoji: &str) -> u64 {
    let client_ref = server.client_ref().to_field();
    let (room, emoji) = (room.clone(), emoji.to_owned());
    let request = ReactRequest { room, client_ref, target_seq, emoji };
    server.call::<rpc::React>(by, &request).unwrap().seq
}

/// What was told of rooms since the last look.
fn told(server: &mut Server, client: usize) -> Vec<RoomEvents> {
    server.deliver();
    let frames = std::mem::take(&mut server.clients[client].frames);
    let events = frames.into_iter().filter_map(|frame| match frame {
        Frame::RoomEvents(events) => Some(events),
        Frame::Pulse(pulse) => panic!("looks missed: {pulse:?}"),
        _ => None,
    });
    events.collect()
}

/// From where to where a frame stands for the log, and what is in it.
fn stretch(told: &RoomEvents) -> (u64, u64, Vec<u64>) {
    let seqs = told.events.iter().filter_map(|event| event.header.as_ref());
    (told.from_seq, told.head.as_ref().map_or(0, |head| head.seq), seqs.map(|h| h.seq).collect())
}

fn stretches(server: &mut Server, client: usize) -> Vec<(u64, u64, Vec<u64>)> {
    told(server, client).iter().map(stretch).collect()
}

fn pulses(server: &mut Server) {
    for _ in 0..3 {
        server.advance(PULSE_EVERY);
    }
}

#[test]
fn only_what_is_wanted_comes_and_the_rest_is_not_missed() {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    let wants = server.connect_wanting("ben", &[Intent::Reactions]);
    let other = server.connect_wanting("ben", &[Intent::Reactions, Intent::Deletes]);
    server.clients[ben].frames.clear();
    let (first, _) = (send(&mut server, ada, &room, "one"), send(&mut server, ada, &room, "two"));
    let begun = first - 1;
    assert!(told(&mut server, wants).is_empty(), "nothing is told at once");
    let seq = react(&mut server, ada, &room, first, "👍");
    let frames = told(&mut server, wants);
    assert_eq!(frames.iter().map(stretch).collect::<Vec<_>>(), [(first, seq, vec![seq])]);
    let head = frames[0].head.clone().unwrap();
    let (msg_no, del_no) = (head.msg_no, head.del_no);
    assert_eq!((head.room, msg_no, del_no), (room.clone(), 2, 0));
    // Without anything wanted, up to where that is so is told after a while.
    send(&mut server, ada, &room, "three");
    let last = send(&mut server, ada, &room, "four");
    assert!(told(&mut server, wants).is_empty());
    pulses(&mut server);
    let frames = told(&mut server, wants);
    assert_eq!(frames.iter().map(stretch).collect::<Vec<_>>(), [(seq + 1, last, vec![])]);
    assert_eq!(frames[0].head.clone().unwrap().msg_no, 4);
    // What comes next goes on behind that, and each has what it wants.
    let seq = react(&mut server, ada, &room, first, "👎");
    assert_eq!(stretches(&mut server, wants), [(last + 1, seq, vec![seq])]);
    let all = stretches(&mut server, other);
    assert_eq!(all.last(), Some(&(last + 1, seq, vec![seq])));
    // Those who want everything get frames as ever, and reading isn't filtered.
    let whole = told(&mut server, ben);
    assert!(whole.iter().all(|told| told.from_seq == 0 && told.head.is_none()));
    assert_eq!(whole.iter().map(|told| told.events.len()).sum::<usize>() as u64, seq - begun);
    let request = ReadLogRequest { room, from_seq: 1, ..ReadLogRequest::default() };
    let read = server.bulk::<rpc::ReadLog>(wants, &request).unwrap();
    assert_eq!(read.iter().map(|item| item.events.len()).sum::<usize>() as u64, seq);
}

#[test]
fn heads_name_nothing_that_was_left_out_and_not_told_of() {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    // Nothing of rooms: its own log comes all the same.
    let wants = server.connect_wanting("ben", &[Intent::Unspecified]);
    server.advance(HEADS_EVERY - Duration::from_millis(1));
    server.deliver();
    server.clients[wants].frames.clear();
    let last = send(&mut server, ada, &room, "one");
    server.advance(Duration::from_millis(1));
    server.deliver();
    let frames = std::mem::take(&mut server.clients[wants].frames);
    let at = |wanted: &dyn Fn(&Frame) -> bool| frames.iter().position(wanted);
    let up_to = at(&|frame| matches!(frame, Frame::RoomEvents(of) if stretch(of).1 == last));
    let heads =
        at(&|frame| matches!(frame, Frame::Heads(LogHeads { rooms, .. }) if rooms[0].seq == last));
    assert!(up_to.is_some() && up_to < heads, "{frames:?}");

    let other = group(&mut server, ada, &[ben]);
    let gained = |frame: &Frame| matches!(frame, Frame::UserEvents(_));
    server.deliver();
    assert!(server.clients[wants].frames.iter().any(gained));
    pulses(&mut server);
    assert!(told(&mut server, wants).iter().all(|told| told.events.is_empty()));
    send(&mut server, ada, &other, "two");
    pulses(&mut server);
    assert!(told(&mut server, wants).iter().any(|told| told.room == other));
}

#[test]
fn nothing_is_told_of_a_room_that_one_is_not_in_any_more() {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    let wants = server.connect_wanting("ben", &[Intent::Members]);
    send(&mut server, ada, &room, "left out");
    let ben_id = server.clients[ben].user;
    let request = RemoveMemberRequest { room: room.clone(), user: ben_id.to_field() };
    server.call::<rpc::RemoveMember>(ada, &request).unwrap();
    server.deliver();
    let removed = server.clients[ada].heard().last().unwrap().header.as_ref().unwrap().seq;
    let heard = stretches(&mut server, wants);
    assert_eq!(heard, [(removed - 1, removed, vec![removed])], "the removal is the last thing");
    send(&mut server, ada, &room, "without ben");
    pulses(&mut server);
    assert!(told(&mut server, wants).is_empty());
    // Back again, what was left out then is no part of what is told now.
    let request = AddMembersRequest { room: room.clone(), members: vec![user(ben_id)] };
    server.call::<rpc::AddMembers>(ada, &request).unwrap();
    server.deliver();
    server.clients[wants].frames.clear();
    let last = send(&mut server, ada, &room, "with ben");
    pulses(&mut server);
    let heard = stretches(&mut server, wants);
    assert_eq!(heard.last(), Some(&(last, last, vec![])));
}

#[test]
fn who_subscribes_goes_on_from_the_heads_of_the_answer() {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    let wants = server.connect_wanting("ben", &[Intent::Pins]);
    let first = send(&mut server, ada, &room, "left out");
    let request = SubscribeRequest { add: vec![room.clone()], remove: vec![] };
    let heads = server.call::<rpc::Subscribe>(wants, &request).unwrap().heads;
    assert_eq!(heads[0].seq, first);
    let last = send(&mut server, ada, &room, "left out, too");
    pulses(&mut server);
    assert_eq!(stretches(&mut server, wants), [(last, last, vec![])]);
}

#[test]
fn what_may_be_lost_comes_only_where_it_is_wanted() {
    let mut server = Server::new();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    let room = group(&mut server, ada, &[ben]);
    let last = send(&mut server, ada, &room, "read this");
    let typing = server.connect_wanting("ben", &[Intent::Typing]);
    let receipts = server.connect_wanting("ben", &[Intent::Receipts]);
    let notice = Ephemeral { room: room.clone(), kind: Typing::RULE.kind, ..Ephemeral::default() };
    let (from, mut hearers) = (server.clients[ada].id, vec![]);
    let id = RoomId::parse(&room).unwrap();
    server.hub.handle_ephemeral(from, id, &notice, &mut hearers).unwrap();
    let hears = |client: usize| hearers.contains(&server.clients[client].id);
    assert!(hears(ben) && hears(typing) && !hears(receipts));

    let request = MarkReadRequest { room, seq: last };
    server.call::<rpc::MarkRead>(ben, &request).unwrap();
    pulses(&mut server);
    server.deliver();
    let heard = |client: usize| {
        server.clients[client].frames.iter().any(|frame| matches!(frame, Frame::Ephemeral(_)))
    };
    assert!(heard(ada) && heard(receipts) && !heard(typing));
}

#[test]
fn more_intents_than_there_may_be_are_no_hello() {
    let mut server = Server::new();
    let hello = Hello {
        min_rev: 1,
        max_rev: 1,
        token: "ada".into(),
        device: Bytes::copy_from_slice(&[7; 16]),
        intents: vec![1; 33],
        ..Default::default()
    };
    let admit = |server: &mut Server, hello: &Hello| {
        server.runtime.block_on(server.node.admit(hello)).map(|admission| admission.caller.intents)
    };
    assert_eq!(admit(&mut server, &hello), Err(parlour_core::admission::Refusal::MalformedHello));
    let hello = Hello { intents: vec![1; 32], ..hello.clone() };
    assert!(admit(&mut server, &hello).is_ok_and(|intents| intents.is_some()));
}
