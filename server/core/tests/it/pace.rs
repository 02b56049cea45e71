//! Large rooms are told at a pace; nobody hears less, or what they may not.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::{
    limits::{HEADS_EVERY, PAUSE_MAX, UNTOLD_BYTES_MAX, UNTOLD_EVENTS_MAX},
    ports::clock::Clock,
};
use parlour_inproc::{Server, group, message, send, user};
use parlour_protocol::{
    generated::rpc,
    room::{AddMembersRequest, RemoveMemberRequest},
    wire::event_frame::Frame,
};

const MEMBERS: usize = 20;

/// A room that is large for a machine on which deliveries are as dear as that, told just now.
fn large_room() -> (Server, Bytes) {
    let mut server = Server::new();
    server.hub.handle_cost(Duration::from_micros(60));
    for member in 0..MEMBERS {
        server.connect(&format!("user {member}"));
    }
    let others: Vec<usize> = (1..MEMBERS).collect();
    let room = group(&mut server, 0, &others);
    server.advance(PAUSE_MAX);
    send(&mut server, 0, &room, "first");
    server.deliver();
    (server, room)
}

fn last_seq(server: &Server, client: usize) -> u64 {
    let heard = server.clients[client].heard();
    heard.last().map_or(0, |event| event.header.as_ref().unwrap().seq)
}

fn frames(server: &Server, client: usize) -> usize {
    let is_events = |frame: &&Frame| matches!(frame, Frame::RoomEvents(_));
    server.clients[client].frames.iter().filter(is_events).count()
}

#[test]
fn what_is_said_during_a_pause_is_answered_at_once_and_heard_together() {
    let (mut server, room) = large_room();
    let (heard, told) = (last_seq(&server, 5), frames(&server, 5));
    let second = send(&mut server, 1, &room, "second");
    let third = send(&mut server, 2, &room, "third");
    assert_eq!((second, third), (heard + 1, heard + 2));
    assert_eq!(last_seq(&server, 5), heard, "nobody was told during the pause");
    server.advance(Duration::from_millis(2));
    server.deliver();
    assert_eq!((last_seq(&server, 5), frames(&server, 5)), (third, told + 1));
    assert!(server.hub.has_told_all());
}

#[test]
fn a_small_room_has_no_pauses() {
    let mut server = Server::new();
    server.hub.handle_cost(Duration::from_micros(60));
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let room = group(&mut server, ada, &[bob]);
    for text in ["one", "two", "three"] {
        let seq = send(&mut server, ada, &room, text);
        server.deliver();
        assert_eq!(last_seq(&server, bob), seq);
    }
}

#[test]
fn who_is_removed_during_a_pause_hears_up_to_it_and_nothing_after() {
    let (mut server, room) = large_room();
    send(&mut server, 1, &room, "before");
    let member = server.clients[7].user.to_field();
    let removal = RemoveMemberRequest { room: room.clone(), user: member };
    server.call::<rpc::RemoveMember>(0, &removal).unwrap();
    let after = send(&mut server, 1, &room, "after");
    server.advance(PAUSE_MAX);
    server.deliver();
    assert_eq!(last_seq(&server, 7), after - 1, "their removal is the last they hear");
    assert_eq!(server.clients[7].heard().len(), server.clients[6].heard().len() - 1);
    assert_eq!(last_seq(&server, 6), after);
}

#[test]
fn a_new_member_is_not_told_what_was_said_before() {
    let (mut server, room) = large_room();
    let newcomer = server.connect("newcomer");
    let before = send(&mut server, 1, &room, "before");
    let users = vec![user(server.clients[newcomer].user)];
    let addition = AddMembersRequest { room: room.clone(), members: users };
    server.call::<rpc::AddMembers>(0, &addition).unwrap();
    server.advance(PAUSE_MAX);
    server.deliver();
    let heard = server.clients[newcomer].heard();
    assert!(heard.iter().all(|event| event.header.as_ref().unwrap().seq > before));
}

#[test]
fn heads_never_name_what_was_not_told() {
    let (mut server, room) = large_room();
    // Heads are announced a millisecond from now, and the pause is longer than that.
    let so_far = server.hand.now().elapsed;
    server.advance(HEADS_EVERY - so_far - Duration::from_millis(1));
    send(&mut server, 1, &room, "told");
    let waits = send(&mut server, 1, &room, "waits");
    server.deliver();
    assert_eq!(last_seq(&server, 3), waits - 1, "the second one waits");
    server.advance(Duration::from_millis(1));
    server.deliver();
    assert_eq!(last_seq(&server, 3), waits, "told before its time");
    match server.clients[3].frames.last() {
        Some(Frame::Heads(heads)) => assert_eq!(heads.rooms[0].seq, waits),
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_words_are_told_whatever_the_pace() {
    let (mut server, room) = large_room();
    let mut seq = 0;
    for _ in 0..UNTOLD_EVENTS_MAX {
        seq = send(&mut server, 1, &room, "word");
    }
    server.deliver();
    assert_eq!(last_seq(&server, 5), seq);
}

#[test]
fn much_text_is_told_whatever_the_pace() {
    let (mut server, room) = large_room();
    let text = "x".repeat(16 * 1024);
    let mut seq = 0;
    for _ in 0..UNTOLD_BYTES_MAX / text.len() {
        let request = message(&mut server, &room, &text);
        seq = server.call::<rpc::Send>(1, &request).unwrap().seq;
    }
    server.deliver();
    assert_eq!(last_seq(&server, 5), seq);
}
