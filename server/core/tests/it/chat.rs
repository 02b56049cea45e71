//! Chat without a network: what the handlers and the hub promise together.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::records::trailing_seq;
use parlour_inproc::{Server, group, message, send, user};
use parlour_protocol::{
    generated::{EventBody, EventMessage, rpc},
    message::*,
    room::*,
    sync::*,
    wire::{Delivery, ErrorReason, Event, event_frame::Frame},
};
use prost::Message;

fn reason(error: &parlour_protocol::wire::Error) -> ErrorReason {
    ErrorReason::try_from(error.reason).unwrap()
}

fn log(server: &mut Server, client: usize, room: &Bytes) -> Vec<Event> {
    let request = ReadLogRequest { room: room.clone(), ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(client, &request).unwrap();
    items.into_iter().flat_map(|item| item.events).collect()
}

fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.header.as_ref().unwrap().seq).collect()
}

#[test]
fn both_sides_of_a_pair_open_one_room() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let with_bob = OpenDirectRequest { with: Some(user(server.clients[bob].user)) };
    let with_ada = OpenDirectRequest { with: Some(user(server.clients[ada].user)) };
    let calls = [
        (ada, server.start::<rpc::OpenDirect>(ada, &with_bob)),
        (bob, server.start::<rpc::OpenDirect>(bob, &with_ada)),
    ];
    server.run();
    let answers = calls.map(|(who, call)| server.answer::<rpc::OpenDirect>(who, call).unwrap());
    let rooms = answers.each_ref().map(|answer| answer.room.clone().unwrap());
    assert_eq!(rooms[0].id, rooms[1].id);
    assert_eq!(rooms[0].peer, server.clients[bob].user.to_field());
    assert_eq!(rooms[1].peer, server.clients[ada].user.to_field());
    assert_eq!(answers.map(|answer| answer.created), [true, false]);
}

#[test]
fn a_store_that_takes_nothing_new_knows_what_it_took() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let sent = message(&mut server, &room, "before");
    let first = server.call::<rpc::Send>(ada, &sent).unwrap();
    server.read_only = true;
    let again = server.call::<rpc::Send>(ada, &sent).unwrap();
    assert_eq!((again.seq, again.deduplicated), (first.seq, true));
    let new = message(&mut server, &room, "after");
    let refused = server.call::<rpc::Send>(ada, &new).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::ReadOnly);
    server.read_only = false;
    assert!(!server.call::<rpc::Send>(ada, &new).unwrap().deduplicated);
}

#[test]
fn a_message_reaches_everyone_once_and_in_order() {
    let mut server = Server::new();
    let clients = ["ada", "bob", "cyd"].map(|name| server.connect(name));
    let room = group(&mut server, 0, &[1, 2]);
    for i in 0..50 {
        send(&mut server, clients[i % 3], &room, &format!("message {i}"));
    }
    server.deliver();
    let whole = log(&mut server, 0, &room);
    assert_eq!(seqs(&whole), (1..=51).collect::<Vec<_>>());
    for client in clients {
        // The room's creation was before they heard of the room.
        assert_eq!(seqs(&server.clients[client].heard()), (2..=51).collect::<Vec<_>>());
        assert_eq!(server.clients[client].heard(), whole[1..]);
    }
}

#[test]
fn a_ref_makes_one_message_however_often_it_is_sent() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let again = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let request = message(&mut server, &room, "once");
    // Twice in flight on two connections, then once more.
    let calls = [ada, ada, again].map(|c| (c, server.start::<rpc::Send>(c, &request)));
    server.run();
    let mut answers = calls.map(|(c, call)| server.answer::<rpc::Send>(c, call).unwrap()).to_vec();
    answers.push(server.call::<rpc::Send>(again, &request).unwrap());
    assert!(answers.iter().all(|answer| answer.seq == 2));
    assert_eq!(answers.iter().filter(|answer| !answer.deduplicated).count(), 1);
    assert_eq!(log(&mut server, ada, &room).len(), 2);

    let other = SendRequest {
        body: MessagePosted { text: "other".into(), ..MessagePosted::default() }
            .encode_to_vec()
            .into(),
        ..request.clone()
    };
    let refused = server.call::<rpc::Send>(ada, &other).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RefConflict);

    server.advance(Duration::from_secs(31 * 24 * 3600));
    let refused = server.call::<rpc::Send>(ada, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RefExpired);
}

#[test]
fn one_devices_sends_keep_their_order_around_a_refused_one() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let requests: Vec<SendRequest> =
        (0..10).map(|i| message(&mut server, &room, &format!("{i}"))).collect();
    server.call::<rpc::Send>(ada, &requests[4]).unwrap();
    // The fifth is a repetition whose first answer was lost.
    let calls: Vec<u64> =
        requests.iter().map(|request| server.start::<rpc::Send>(ada, request)).collect();
    server.run();
    for call in calls {
        server.answer::<rpc::Send>(ada, call).unwrap();
    }
    let texts: Vec<Bytes> =
        log(&mut server, ada, &room)[2..].iter().map(|e| e.body.clone()).collect();
    let expected = requests.iter().enumerate().filter(|(i, _)| *i != 4);
    assert_eq!(texts, expected.map(|(_, r)| r.body.clone()).collect::<Vec<_>>());
}

#[test]
fn who_is_removed_hears_nothing_more_and_sees_no_room() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let room = group(&mut server, ada, &[bob]);
    let bob_id = server.clients[bob].user.to_field();
    // All in one group of commits: one message before, the removal, one message after.
    let before = message(&mut server, &room, "before");
    let after = message(&mut server, &room, "after");
    server.start::<rpc::Send>(ada, &before);
    let remove = RemoveMemberRequest { room: room.clone(), user: bob_id };
    server.start::<rpc::RemoveMember>(ada, &remove);
    server.start::<rpc::Send>(ada, &after);
    // A send of the removed user that was under way when the removal was committed.
    let late = message(&mut server, &room, "late");
    let late = server.start::<rpc::Send>(bob, &late);
    server.run();
    let refused = server.answer::<rpc::Send>(bob, late).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RoomNotFound);
    server.deliver();
    assert_eq!(seqs(&server.clients[bob].heard()), [2, 3]);
    assert_eq!(seqs(&server.clients[ada].heard()), [2, 3, 4]);

    let nowhere = Bytes::from_static(&[9; 16]);
    for room in [room, nowhere] {
        let request = GetRoomRequest { room: room.clone() };
        let seen = server.call::<rpc::GetRoom>(bob, &request).unwrap_err();
        assert_eq!(seen, parlour_core::draft::room_not_found());
        let request = ReadLogRequest { room, ..ReadLogRequest::default() };
        let seen = server.bulk::<rpc::ReadLog>(bob, &request).unwrap_err();
        assert_eq!(seen, parlour_core::draft::room_not_found());
    }
}

#[test]
fn deleted_text_is_gone_from_the_log_edits_included() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let seq = send(&mut server, ada, &room, "secret one");
    let edit = EditRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq: seq,
        body: MessageEdited { text: "secret two".into(), ..Default::default() }
            .encode_to_vec()
            .into(),
    };
    server.call::<rpc::Edit>(ada, &edit).unwrap();
    let delete = DeleteRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq: seq,
    };
    // An edit under way when the delete is committed comes too late.
    let late = EditRequest { client_ref: server.client_ref().to_field(), ..edit.clone() };
    let (deleted, late) =
        (server.start::<rpc::Delete>(ada, &delete), server.start::<rpc::Edit>(ada, &late));
    server.run();
    server.answer::<rpc::Delete>(ada, deleted).unwrap();
    let refused = server.answer::<rpc::Edit>(ada, late).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::MessageNotFound);
    let again = server.call::<rpc::Delete>(ada, &delete).unwrap();
    assert!(again.deduplicated);

    for event in log(&mut server, ada, &room) {
        let bytes = event.encode_to_vec();
        assert!(!bytes.windows(6).any(|w| w == b"secret"), "{event:?}");
    }
    let request = ReadTimelineRequest { room, before_seq: seq + 1, limit: 1 };
    let page = server.bulk::<rpc::ReadTimeline>(ada, &request).unwrap();
    let kinds: Vec<u32> =
        page[0].amendments.iter().map(|e| e.header.as_ref().unwrap().kind).collect();
    assert_eq!(kinds, [12], "nobody needs the edits of what is gone");
    assert_eq!(page[0].events[0].header.as_ref().unwrap().flags, 2);
}

#[test]
fn a_slow_reader_gets_a_gap_and_pulses_until_it_subscribes() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let room = group(&mut server, ada, &[bob]);
    server.clients[bob].frames.clear();
    for i in 0..2_100 {
        send_quietly(&mut server, ada, &room, i);
    }
    server.deliver_to(bob);
    let frames = std::mem::take(&mut server.clients[bob].frames);
    let Some(Frame::Gap(gap)) = frames.iter().find(|f| matches!(f, Frame::Gap(_))) else {
        panic!("no gap among {} frames", frames.len());
    };
    assert_eq!(gap.rooms[0].room, room);
    let waiting = server.hub.outbox(server.clients[bob].id).unwrap().bytes();
    assert_eq!(waiting, 0);

    server.advance(Duration::from_millis(600));
    server.advance(Duration::from_millis(600));
    send_quietly(&mut server, ada, &room, 0);
    server.advance(Duration::from_millis(300));
    server.advance(Duration::from_millis(300));
    server.deliver_to(bob);
    let frames = std::mem::take(&mut server.clients[bob].frames);
    assert!(frames.iter().all(|f| matches!(f, Frame::Pulse(_))), "{frames:?}");
    let Some(Frame::Pulse(pulse)) = frames.last() else { panic!("no pulse") };
    assert_eq!(pulse.seq, 2_102);

    let add = SubscribeRequest { add: vec![room.clone()], remove: vec![] };
    let heads = server.call::<rpc::Subscribe>(bob, &add).unwrap().heads;
    assert_eq!(heads[0].seq, 2_102);
    send_quietly(&mut server, ada, &room, 1);
    server.deliver_to(bob);
    assert_eq!(seqs(&server.clients[bob].heard()), [2_103]);
}

fn send_quietly(server: &mut Server, client: usize, room: &Bytes, i: u64) {
    let request = message(server, room, &format!("{i}"));
    server.start::<rpc::Send>(client, &request);
    server.run();
    server.deliver_to(client);
}

#[test]
fn a_focused_connection_gets_pulses_of_rooms_it_did_not_subscribe_to() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let bob = server.connect_with("bob", Delivery::Focused);
    let (one, two) = (group(&mut server, ada, &[bob]), group(&mut server, ada, &[bob]));
    let add = SubscribeRequest { add: vec![one.clone()], remove: vec![] };
    server.call::<rpc::Subscribe>(bob, &add).unwrap();
    server.clients[bob].frames.clear();
    for _ in 0..5 {
        send(&mut server, ada, &one, "to one");
        send(&mut server, ada, &two, "to two");
    }
    server.advance(Duration::from_millis(10));
    server.advance(Duration::from_millis(300));
    server.deliver();
    let heard = server.clients[bob].heard();
    assert_eq!(seqs(&heard), [2, 3, 4, 5, 6]);
    let pulses: Vec<_> = server.clients[bob]
        .frames
        .iter()
        .filter_map(|f| match f {
            Frame::Pulse(pulse) => Some((pulse.room.clone(), pulse.seq, pulse.msg_no)),
            _ => None,
        })
        .collect();
    assert_eq!(pulses, [(two, 6, 5)]);
}

#[test]
fn what_a_crash_left_undone_is_done_once_at_the_next_start() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    server.drop_effects = true;
    let room = group(&mut server, ada, &[bob]);
    assert!(sync(&mut server, bob).0.is_empty());
    server.drop_effects = false;
    assert_eq!(server.recover(), 1);
    assert_eq!(server.recover(), 0);
    let (rooms, events) = sync(&mut server, bob);
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0].room.as_ref().unwrap().id, room);
    assert!(matches!(events[..], [EventBody::RoomGained(_)]), "{events:?}");
}

#[test]
fn what_is_done_late_takes_nothing_back_that_came_after_it() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let room = group(&mut server, ada, &[bob]);
    let bob_id = server.clients[bob].user;
    let remove = RemoveMemberRequest { room: room.clone(), user: bob_id.to_field() };
    let user = Some(user_ref::User::Id(bob_id.to_field()));
    let add = AddMembersRequest { room: room.clone(), members: vec![UserRef { user }] };
    // What follows from his removal isn't done, as if the store had failed just then; what follows from
    // his coming back is.
    server.drop_effects = true;
    server.call::<rpc::RemoveMember>(ada, &remove).unwrap();
    server.drop_effects = false;
    server.call::<rpc::AddMembers>(ada, &add).unwrap();
    assert_eq!(server.recover(), 1);
    assert_eq!(sync(&mut server, bob).0.len(), 1, "he is in the room, and knows it");
    // And the other way round.
    server.drop_effects = true;
    server.call::<rpc::RemoveMember>(ada, &remove).unwrap();
    server.call::<rpc::AddMembers>(ada, &add).unwrap();
    server.drop_effects = false;
    server.call::<rpc::RemoveMember>(ada, &remove).unwrap();
    server.recover();
    assert!(sync(&mut server, bob).0.is_empty(), "he isn't, and knows it");
    assert_eq!(server.recover(), 0);
}

#[test]
fn what_was_told_before_a_member_heard_of_the_room_is_pointed_out() {
    let mut server = Server::new();
    let (ada, bob, eve) = (server.connect("ada"), server.connect("bob"), server.connect("eve"));
    // The news of the room is on its way while the first message is sent.
    server.drop_effects = true;
    let room = group(&mut server, ada, &[bob, eve]);
    let first = message(&mut server, &room, "first");
    server.call::<rpc::Send>(ada, &first).unwrap();
    let eve_id = server.clients[eve].user;
    let remove = RemoveMemberRequest { room: room.clone(), user: eve_id.to_field() };
    server.call::<rpc::RemoveMember>(ada, &remove).unwrap();
    server.deliver();
    assert!(server.clients[bob].frames.is_empty(), "{:?}", server.clients[bob].frames);
    server.drop_effects = false;
    server.recover();
    let gained = |frame: &Frame| match frame {
        Frame::UserEvents(user) => user.events[0].header.as_ref().unwrap().kind,
        _ => 0,
    };
    let frames = &server.clients[bob].frames;
    assert_eq!(gained(&frames[0]), RoomGained::RULE.kind);
    assert!(matches!(&frames[1], Frame::Pulse(p) if p.room == room && p.seq == 3), "{frames:?}");
    // Who was removed meanwhile hears of that, and nothing of the room's log.
    let frames = &server.clients[eve].frames;
    assert!(matches!(frames[..], [Frame::UserEvents(_)]), "{frames:?}");
    assert_eq!(gained(&frames[0]), RoomLost::RULE.kind);
    let second = message(&mut server, &room, "second");
    server.call::<rpc::Send>(ada, &second).unwrap();
    server.deliver();
    assert_eq!(seqs(&server.clients[bob].heard()), [4]);
    assert!(server.clients[eve].heard().is_empty());
}

/// The digests and the user's own log.
fn sync(server: &mut Server, client: usize) -> (Vec<RoomDigest>, Vec<EventBody>) {
    let incarnation = server.node.incarnation.to_field();
    let request = SyncRequest { incarnation, ..SyncRequest::default() };
    let (mut rooms, mut events) = (vec![], vec![]);
    for item in server.bulk::<rpc::Sync>(client, &request).unwrap() {
        match item.item.unwrap() {
            sync_item::Item::Digests(digests) => rooms.extend(digests.rooms),
            sync_item::Item::User(delta) => {
                for event in delta.events {
                    let kind = event.header.unwrap().kind;
                    events.push(EventBody::decode(kind, event.body).unwrap());
                }
            }
            sync_item::Item::Done(_) | sync_item::Item::FirstScreen(_) => {}
        }
    }
    (rooms, events)
}

#[test]
fn a_bad_request_is_answered_with_what_is_wrong() {
    let mut server = Server::new();
    let (ada, _bob) = (server.connect("ada"), server.connect("bob"));
    let room = group(&mut server, ada, &[]);
    let good = message(&mut server, &room, "text");
    let expect = |server: &mut Server, request: SendRequest, expected: ErrorReason| {
        let error = server.call::<rpc::Send>(ada, &request).unwrap_err();
        assert_eq!(reason(&error), expected, "{error}");
        assert_ne!(error.retry, 0);
    };
    let long = |n: usize| {
        MessagePosted { text: "x".repeat(n), ..MessagePosted::default() }.encode_to_vec().into()
    };
    let body = |body: Bytes| SendRequest { body, ..good.clone() };
    expect(&mut server, body(Bytes::from(vec![0; 60 * 1024 + 1])), ErrorReason::BodyTooLarge);
    expect(&mut server, body(long(16 * 1024 + 1)), ErrorReason::InvalidField);
    expect(&mut server, body(Bytes::new()), ErrorReason::InvalidField);
    expect(&mut server, body(Bytes::from_static(&[0xff])), ErrorReason::InvalidField);
    let no_ref = SendRequest { client_ref: Bytes::from_static(b"short"), ..good.clone() };
    expect(&mut server, no_ref, ErrorReason::InvalidField);
    let v4 = SendRequest { client_ref: Bytes::from_static(&[0x44; 16]), ..good.clone() };
    expect(&mut server, v4, ErrorReason::InvalidField);
    let stranger = server.clients[1].user.to_field();
    let mention = SendRequest { mentions: vec![stranger], ..good.clone() };
    expect(&mut server, mention, ErrorReason::InvalidField);
    let nowhere = SendRequest { room: Bytes::from_static(&[1; 16]), ..good.clone() };
    expect(&mut server, nowhere, ErrorReason::RoomNotFound);
    let ok = SendRequest { body: long(16 * 1024), ..good };
    server.call::<rpc::Send>(ada, &ok).unwrap();
    assert_eq!(trailing_seq(&5u64.to_be_bytes()), Some(5));
}
