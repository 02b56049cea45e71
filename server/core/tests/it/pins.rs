//! Pins without a network: each counts once, whoever comes at the same time; what is deleted is
//! pinned no longer.

use bytes::Bytes;
use parlour_inproc::{Server, group, send};
use parlour_protocol::{
    access::{Permission, PermissionOverride, SetOverridesRequest, permission_override::Subject},
    generated::{EventMessage, rpc},
    limits::PINS_PER_ROOM_MAX,
    message::{DeleteRequest, EditRequest, MessageEdited, MessagePosted},
    pin::*,
    reaction::ReactRequest,
    sync::*,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

fn pin_request(server: &mut Server, room: &Bytes, target_seq: u64) -> PinRequest {
    let client_ref = server.client_ref().to_field();
    PinRequest { room: room.clone(), client_ref, target_seq }
}

fn unpin_request(server: &mut Server, room: &Bytes, target_seq: u64) -> UnpinRequest {
    let client_ref = server.client_ref().to_field();
    UnpinRequest { room: room.clone(), client_ref, target_seq }
}

fn try_pin(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> Result<u64, Error> {
    let request = pin_request(server, room, seq);
    server.call::<rpc::Pin>(by, &request).map(|done| done.seq)
}

fn pin(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> u64 {
    try_pin(server, by, room, seq).unwrap()
}

fn try_unpin(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> Result<u64, Error> {
    let request = unpin_request(server, room, seq);
    server.call::<rpc::Unpin>(by, &request).map(|done| done.seq)
}

fn unpin(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> u64 {
    try_unpin(server, by, room, seq).unwrap()
}

fn delete_request(server: &mut Server, room: &Bytes, target_seq: u64) -> DeleteRequest {
    let client_ref = server.client_ref().to_field();
    DeleteRequest { room: room.clone(), client_ref, target_seq }
}

fn list(server: &mut Server, by: usize, room: &Bytes) -> ListPinsItem {
    let request = ListPinsRequest { room: room.clone() };
    let mut all = ListPinsItem::default();
    for item in server.bulk::<rpc::ListPins>(by, &request).unwrap() {
        assert!(item.encoded_len() < 512 * 1024);
        all.events.extend(item.events);
        all.amendments.extend(item.amendments);
        all.pins.extend(item.pins);
        all.as_of_seq = item.as_of_seq;
    }
    all
}

/// The messages that are pinned, that of the newest pin first.
fn pinned(server: &mut Server, by: usize, room: &Bytes) -> Vec<u64> {
    let listed = list(server, by, room);
    let seqs: Vec<u64> = listed.pins.iter().map(|pin| pin.target_seq).collect();
    assert_eq!(listed.events.iter().map(seq).collect::<Vec<_>>(), seqs);
    seqs
}

fn seq(event: &Event) -> u64 {
    event.header.as_ref().unwrap().seq
}

fn kind(event: &Event) -> u32 {
    event.header.as_ref().unwrap().kind
}

/// Pins (`+`) and what took them off (`-`) among some events.
fn signs(events: &[Event]) -> String {
    let sign = |event: &Event| match kind(event) {
        kind if kind == MessagePinned::RULE.kind => Some('+'),
        kind if kind == MessageUnpinned::RULE.kind => Some('-'),
        _ => None,
    };
    events.iter().filter_map(sign).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn a_pin_is_there_once_and_goes_once_whoever_takes_it_off() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let said = send(&mut server, ann, &room, "the plan");
    assert!(pin(&mut server, ben, &room, said) > 0);
    assert_eq!(pin(&mut server, ann, &room, said), 0, "it is pinned");
    assert!(unpin(&mut server, ann, &room, said) > 0);
    assert_eq!(unpin(&mut server, ben, &room, said), 0, "it isn't");
    assert!(pin(&mut server, ann, &room, said) > 0);
    server.deliver();
    assert_eq!(signs(&server.clients[ben].heard()), "+-+");
    assert_eq!(pinned(&mut server, ben, &room), [said]);
}

#[test]
fn the_same_ref_is_the_same_pin() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let (one, two) =
        (send(&mut server, ann, &room, "the plan"), send(&mut server, ann, &room, "more"));
    let request = pin_request(&mut server, &room, one);
    let first = server.call::<rpc::Pin>(ann, &request).unwrap();
    unpin(&mut server, ann, &room, one);
    let again = server.call::<rpc::Pin>(ann, &request).unwrap();
    assert_eq!((again.seq, again.at_ms, again.deduplicated), (first.seq, first.at_ms, true));
    assert!(pinned(&mut server, ann, &room).is_empty(), "it was said before");
    let other = PinRequest { target_seq: two, ..request.clone() };
    assert_eq!(reason(server.call::<rpc::Pin>(ann, &other)), ErrorReason::RefConflict);
    let PinRequest { room, client_ref, target_seq } = request;
    let off = UnpinRequest { room, client_ref, target_seq };
    assert_eq!(reason(server.call::<rpc::Unpin>(ann, &off)), ErrorReason::RefConflict);
}

#[test]
fn those_who_pin_the_same_at_once_make_one_event() {
    let mut server = Server::new();
    let people: Vec<usize> = ["ann", "ben", "cid"].map(|name| server.connect(name)).to_vec();
    let room = group(&mut server, people[0], &people[1..]);
    let said = send(&mut server, people[0], &room, "the plan");
    let calls: Vec<(usize, u64)> = people
        .iter()
        .map(|by| {
            let request = pin_request(&mut server, &room, said);
            (*by, server.start::<rpc::Pin>(*by, &request))
        })
        .collect();
    server.run();
    let seqs: Vec<u64> =
        calls.iter().map(|(by, call)| server.answer::<rpc::Pin>(*by, *call).unwrap().seq).collect();
    assert_eq!(seqs.iter().filter(|seq| **seq > 0).count(), 1, "{seqs:?}");
    assert_eq!(signs(&server.clients[people[0]].heard()), "+");
}

#[test]
fn what_one_device_asks_without_waiting_keeps_its_order() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let said = send(&mut server, ann, &room, "the plan");
    let on = pin_request(&mut server, &room, said);
    let off = unpin_request(&mut server, &room, said);
    server.start::<rpc::Pin>(ann, &on);
    let call = server.start::<rpc::Unpin>(ann, &off);
    server.run();
    assert!(server.answer::<rpc::Unpin>(ann, call).unwrap().seq > 0);
    assert!(pinned(&mut server, ann, &room).is_empty(), "it was taken off last");
    // The other way round, and twice.
    pin(&mut server, ann, &room, said);
    for _ in 0..2 {
        let off = unpin_request(&mut server, &room, said);
        server.start::<rpc::Unpin>(ann, &off);
        let on = pin_request(&mut server, &room, said);
        server.start::<rpc::Pin>(ann, &on);
    }
    server.run();
    server.deliver();
    assert_eq!(pinned(&mut server, ann, &room), [said]);
    assert_eq!(signs(&server.clients[ann].heard()), "+-+-+-+");
}

#[test]
fn a_room_has_a_hundred_pins_however_many_come_at_once() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let said: Vec<u64> =
        (0..PINS_PER_ROOM_MAX + 3).map(|n| send(&mut server, ann, &room, &n.to_string())).collect();
    for seq in &said[..PINS_PER_ROOM_MAX - 1] {
        pin(&mut server, ann, &room, *seq);
    }
    let last = &said[PINS_PER_ROOM_MAX - 1..];
    let calls: Vec<(usize, u64)> = [ann, ben, ann]
        .iter()
        .zip(last)
        .map(|(by, seq)| {
            let request = pin_request(&mut server, &room, *seq);
            (*by, server.start::<rpc::Pin>(*by, &request))
        })
        .collect();
    server.run();
    let ends: Vec<_> =
        calls.iter().map(|(by, call)| server.answer::<rpc::Pin>(*by, *call)).collect();
    let refused: Vec<_> = ends.into_iter().filter(Result::is_err).map(reason).collect();
    assert_eq!(refused, [ErrorReason::TooManyPins, ErrorReason::TooManyPins]);
    assert_eq!(pinned(&mut server, ben, &room).len(), PINS_PER_ROOM_MAX);
    assert_eq!(pin(&mut server, ben, &room, said[0]), 0, "one that is pinned needs no room");
    // Room is made and taken in one go.
    let (off, on) =
        (unpin_request(&mut server, &room, said[0]), pin_request(&mut server, &room, last[3]));
    server.start::<rpc::Unpin>(ben, &off);
    let call = server.start::<rpc::Pin>(ben, &on);
    server.run();
    assert!(server.answer::<rpc::Pin>(ben, call).unwrap().seq > 0);
    let pinned = pinned(&mut server, ben, &room);
    assert_eq!((pinned.len(), pinned[0]), (PINS_PER_ROOM_MAX, last[3]));
    // A deleted message makes room as well.
    let (delete, on) =
        (delete_request(&mut server, &room, said[1]), pin_request(&mut server, &room, last[2]));
    server.start::<rpc::Delete>(ann, &delete);
    let call = server.start::<rpc::Pin>(ann, &on);
    server.run();
    assert!(server.answer::<rpc::Pin>(ann, call).unwrap().seq > 0);
}

#[test]
fn the_list_has_messages_as_they_are_and_who_pinned_them() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    assert_eq!(list(&mut server, ann, &room).as_of_seq, 1, "an empty one says how far it is true");
    let (one, two) =
        (send(&mut server, ann, &room, "teh plan"), send(&mut server, ben, &room, "budget"));
    let first = pin(&mut server, ann, &room, two);
    server.advance(std::time::Duration::from_secs(1));
    let second = pin(&mut server, ben, &room, one);
    for text in ["tha plan", "the plan"] {
        let body = MessageEdited { text: text.into(), ..Default::default() }.encode_to_vec().into();
        let client_ref = server.client_ref().to_field();
        let edit = EditRequest { room: room.clone(), client_ref, target_seq: one, body };
        server.call::<rpc::Edit>(ann, &edit).unwrap();
    }
    let client_ref = server.client_ref().to_field();
    let react =
        ReactRequest { room: room.clone(), client_ref, target_seq: two, emoji: "👍".into() };
    server.call::<rpc::React>(ann, &react).unwrap();

    let listed = list(&mut server, ann, &room);
    let text = |event: &Event| MessagePosted::decode(event.body.clone()).unwrap().text;
    assert_eq!(listed.events.iter().map(text).collect::<Vec<_>>(), ["teh plan", "budget"]);
    let pins: Vec<_> =
        listed.pins.iter().map(|pin| (pin.target_seq, pin.seq, pin.sender.clone())).collect();
    let (ann_id, ben_id) =
        (server.clients[ann].user.to_field(), server.clients[ben].user.to_field());
    assert_eq!(pins, [(one, second, ben_id), (two, first, ann_id)]);
    assert_eq!(listed.pins[0].at_ms, listed.pins[1].at_ms + 1000);
    let edits: Vec<_> = listed
        .amendments
        .iter()
        .filter(|event| kind(event) == MessageEdited::RULE.kind)
        .map(|event| MessageEdited::decode(event.body.clone()).unwrap().text)
        .collect();
    assert_eq!(edits, ["the plan"], "the newest");
    assert_eq!(listed.amendments.len(), 4, "two pins, an edit and a reaction");
}

#[test]
fn a_long_list_comes_in_several_items() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let said: Vec<u64> =
        (0..60).map(|_| send(&mut server, ann, &room, &"x".repeat(16 * 1024))).collect();
    for seq in &said {
        pin(&mut server, ann, &room, *seq);
    }
    let request = ListPinsRequest { room: room.clone() };
    assert!(server.bulk::<rpc::ListPins>(ann, &request).unwrap().len() > 5);
    let mut expected = said;
    expected.reverse();
    assert_eq!(pinned(&mut server, ann, &room), expected);
}

#[test]
fn a_deleted_message_is_pinned_no_longer_and_never_again() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let said: Vec<u64> = (0..4).map(|n| send(&mut server, ann, &room, &n.to_string())).collect();
    pin(&mut server, ben, &room, said[0]);
    let delete = delete_request(&mut server, &room, said[0]);
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    let late = try_pin(&mut server, ben, &room, said[0]);
    assert_eq!(reason(late), ErrorReason::MessageNotFound);
    let late = try_unpin(&mut server, ben, &room, said[0]);
    assert_eq!(reason(late), ErrorReason::MessageNotFound);

    // At the same time, in either order.
    let (delete, on) =
        (delete_request(&mut server, &room, said[1]), pin_request(&mut server, &room, said[1]));
    server.start::<rpc::Delete>(ann, &delete);
    let call = server.start::<rpc::Pin>(ben, &on);
    server.run();
    assert_eq!(reason(server.answer::<rpc::Pin>(ben, call)), ErrorReason::MessageNotFound);
    let (on, delete) =
        (pin_request(&mut server, &room, said[2]), delete_request(&mut server, &room, said[2]));
    let call = server.start::<rpc::Pin>(ben, &on);
    server.start::<rpc::Delete>(ann, &delete);
    server.run();
    assert!(server.answer::<rpc::Pin>(ben, call).unwrap().seq > 0);

    pin(&mut server, ben, &room, said[3]);
    assert_eq!(pinned(&mut server, ann, &room), [said[3]]);
}

#[test]
fn a_page_says_whether_its_messages_are_pinned() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let room = group(&mut server, ann, &[]);
    let said = send(&mut server, ann, &room, "the plan");
    pin(&mut server, ann, &room, said);
    let page = |server: &mut Server, before_seq, limit| {
        let request = ReadTimelineRequest { room: room.clone(), before_seq, limit };
        let items = server.bulk::<rpc::ReadTimeline>(ann, &request).unwrap();
        let amendments: Vec<Event> = items.into_iter().flat_map(|item| item.amendments).collect();
        signs(&amendments)
    };
    assert_eq!(page(&mut server, said + 1, 1), "+");
    let off = unpin(&mut server, ann, &room, said);
    assert_eq!(page(&mut server, said + 1, 1), "-", "of several the newest");
    assert_eq!(page(&mut server, off, 2), "-", "the page has the pin, what took it off came later");
    assert_eq!(page(&mut server, off + 1, 3), "", "the page has it by itself");
}

#[test]
fn pins_take_a_permission_and_a_message_in_ones_room() {
    let mut server = Server::new();
    let (ann, ben, cid) = (server.connect("ann"), server.connect("ben"), server.connect("cid"));
    let room = group(&mut server, ann, &[ben]);
    let said = send(&mut server, ann, &room, "the plan");
    for (by, seq, expected) in [
        (ann, 99, ErrorReason::MessageNotFound),
        (ann, 1, ErrorReason::MessageNotFound),
        (cid, said, ErrorReason::RoomNotFound),
    ] {
        assert_eq!(reason(try_pin(&mut server, by, &room, seq)), expected);
    }
    pin(&mut server, ben, &room, said);
    let deny = 1 << (Permission::Pin as u64 - 1);
    let subject = Some(Subject::Role("everyone".into()));
    let overrides = vec![PermissionOverride { subject, allow: 0, deny }];
    let request = SetOverridesRequest { room: room.clone(), overrides };
    server.call::<rpc::SetOverrides>(ann, &request).unwrap();
    assert_eq!(reason(try_pin(&mut server, ben, &room, said)), ErrorReason::NotAllowed);
    assert_eq!(reason(try_unpin(&mut server, ben, &room, said)), ErrorReason::NotAllowed);
    assert_eq!(pinned(&mut server, ben, &room), [said], "everyone in the room sees them");
    let listed = server.bulk::<rpc::ListPins>(cid, &ListPinsRequest { room: room.clone() });
    assert_eq!(reason(listed), ErrorReason::RoomNotFound);
}
