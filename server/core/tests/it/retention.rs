//! Retention and legal holds without a network: what is too old goes, and nothing that is held.

use std::time::Duration;

use bytes::Bytes;
use parlour_core::{ports::store::Scan, retention::Retained, tables::Table};
use parlour_inproc::{Server, carrying, group, message, send, user};
use parlour_protocol::{
    app::{AppEvent, PublishRequest},
    compliance::*,
    event::FLAG_ERASED,
    generated::{EventMessage, rpc},
    ids::{OrgId, RoomId},
    inbox::ReadMentionsRequest,
    message::*,
    pin::{ListPinsRequest, PinRequest},
    sync::ReadLogRequest,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

fn set(server: &mut Server, by: usize, room: &Bytes, max_age_s: Option<u32>) -> Result<(), Error> {
    let rule = max_age_s.map(|max_age_s| RetentionRule { max_age_s });
    let request = SetRetentionRequest { room: room.clone(), rule };
    server.call::<rpc::SetRetention>(by, &request).map(drop)
}

fn in_force(server: &mut Server, by: usize, room: &Bytes) -> u32 {
    let request = GetRetentionRequest { room: room.clone() };
    server.call::<rpc::GetRetention>(by, &request).unwrap().rule.unwrap().max_age_s
}

fn hold(server: &mut Server, by: usize, of: hold_target::Of, held: bool) -> Result<(), Error> {
    let target = Some(HoldTarget { of: Some(of) });
    let state = if held { HoldState::Held } else { HoldState::Ended } as i32;
    let request = SetLegalHoldRequest { target, state, reason: "a case".into() };
    server.call::<rpc::SetLegalHold>(by, &request).map(drop)
}

fn log(server: &mut Server, by: usize, room: &Bytes) -> Vec<Event> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(by, &request).unwrap();
    items.into_iter().flat_map(|item| item.events).collect()
}

/// The texts that are there, and of how many messages each event deleted several.
fn shown(server: &mut Server, by: usize, room: &Bytes) -> (Vec<String>, Vec<usize>) {
    let (mut texts, mut ended) = (vec![], vec![]);
    for event in log(server, by, room) {
        let header = event.header.unwrap();
        if header.kind == MessagePosted::RULE.kind && header.flags & FLAG_ERASED == 0 {
            texts.push(MessagePosted::decode(event.body.clone()).unwrap().text);
        }
        if header.kind == MessagesDeleted::RULE.kind {
            assert!(header.sender.is_empty(), "nobody did it");
            assert_eq!(
                MessagesDeleted::decode(event.body).unwrap().reason(),
                DeleteReason::Retention
            );
            ended.push(header.target_seqs.len());
        }
    }
    (texts, ended)
}

fn copies(server: &Server) -> usize {
    let scan = Scan::prefix(Table::HELD, Bytes::new(), 1000);
    server.runtime.block_on(server.node.store.scan(scan)).unwrap().len()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn what_is_older_than_the_rule_goes_with_one_event_and_a_rooms_own_rule_counts_more() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let keeps = group(&mut server, ann, &[ben]);
    for of in [&room, &keeps] {
        send(&mut server, ann, of, "one");
        send(&mut server, ben, of, "two");
    }
    server.advance(DAY);
    send(&mut server, ann, &room, "three");
    assert_eq!(server.retain(), 0, "everything is kept unless somebody says otherwise");
    assert_eq!(in_force(&mut server, ben, &room), 0);
    set(&mut server, ann, &Bytes::new(), Some(24 * 3600)).unwrap();
    set(&mut server, ann, &keeps, Some(0)).unwrap();
    assert_eq!(in_force(&mut server, ben, &room), 24 * 3600);
    assert_eq!(in_force(&mut server, ben, &keeps), 0);
    server.deliver();
    server.clients[ben].frames.clear();
    assert_eq!(server.retain(), 2);
    assert_eq!(shown(&mut server, ben, &room), (vec!["three".to_owned()], vec![2]));
    assert_eq!(shown(&mut server, ben, &keeps).0.len(), 2);
    let heard = server.clients[ben].heard().pop().unwrap().header.unwrap();
    assert_eq!(heard.target_seqs, [2, 3], "live, too");
    assert_eq!(server.retain(), 0);
    server.advance(DAY);
    assert_eq!(server.retain(), 1);
    assert_eq!(server.retain(), 0, "what says so isn't deleted itself");
    assert_eq!(shown(&mut server, ann, &room), (vec![], vec![2, 1]));
    // Without a rule of its own, the organization's counts again; without that, nothing goes.
    set(&mut server, ann, &keeps, None).unwrap();
    assert_eq!(server.retain(), 2);
    set(&mut server, ann, &Bytes::new(), None).unwrap();
    send(&mut server, ann, &room, "four");
    server.advance(DAY * 2);
    assert_eq!(server.retain(), 0);
}

#[test]
fn what_a_message_had_about_it_goes_with_it() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let blob = server.upload(ann, 1, b"secret plans").unwrap();
    let request = carrying(&mut server, &room, "look", std::slice::from_ref(&blob));
    let carries = server.call::<rpc::Send>(ann, &request).unwrap().seq;
    let base = message(&mut server, &room, "ben!");
    let mentions = vec![server.clients[ben].user.to_field()];
    let request = SendRequest { mentions, thread_root_seq: carries, ..base };
    server.call::<rpc::Send>(ann, &request).unwrap();
    let body = MessageEdited { text: "look here".into(), ..Default::default() };
    let client_ref = server.client_ref().to_field();
    let edit = EditRequest {
        room: room.clone(),
        client_ref,
        target_seq: carries,
        body: body.encode_to_vec().into(),
    };
    server.call::<rpc::Edit>(ann, &edit).unwrap();
    let client_ref = server.client_ref().to_field();
    let pin = PinRequest { room: room.clone(), client_ref, target_seq: carries };
    server.call::<rpc::Pin>(ann, &pin).unwrap();
    let client_ref = server.client_ref().to_field();
    let event = AppEvent {
        name: "com.example.built".into(),
        payload: Bytes::from_static(b"secret build"),
        ..AppEvent::default()
    };
    let publish =
        PublishRequest { room: room.clone(), client_ref, body: event.encode_to_vec().into() };
    server.call::<rpc::Publish>(ann, &publish).unwrap();
    let inbox = |server: &mut Server| {
        let items = server.bulk::<rpc::ReadMentions>(ben, &ReadMentionsRequest::default());
        items.unwrap().into_iter().map(|item| item.mentions.len()).sum::<usize>()
    };
    assert_eq!(inbox(&mut server), 1);
    set(&mut server, ann, &room, Some(60)).unwrap();
    server.advance(DAY);
    // Three: the room's own, and the reply by itself.
    assert_eq!(server.retain(), 3);
    assert_eq!(shown(&mut server, ben, &room), (vec![], vec![2, 1]));
    assert_eq!(inbox(&mut server), 0);
    let request = ListPinsRequest { room: room.clone() };
    assert!(
        server
            .bulk::<rpc::ListPins>(ben, &request)
            .unwrap()
            .iter()
            .all(|item| item.pins.is_empty())
    );
    let bytes: Vec<u8> =
        log(&mut server, ann, &room).iter().flat_map(Message::encode_to_vec).collect();
    for secret in ["look", "ben!", "secret build"] {
        let is_there = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!is_there, "{secret}");
    }
    server.advance(DAY * 8);
    server.sweep();
    server.advance(DAY);
    assert_eq!(server.sweep().removed, 1, "its file, too");
}

#[test]
fn many_messages_and_those_deleted_by_hand_make_no_trouble() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let seqs: Vec<u64> = (0..600).map(|n| send(&mut server, ann, &room, &format!("{n}"))).collect();
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: seqs[300] };
    server.call::<rpc::Delete>(ann, &delete).unwrap();
    set(&mut server, ann, &room, Some(60)).unwrap();
    server.advance(DAY);
    assert_eq!(server.retain(), 599);
    let (texts, ended) = shown(&mut server, ben, &room);
    assert!(texts.is_empty());
    assert_eq!(ended.iter().sum::<usize>(), 599);
    assert!(ended.len() <= 4, "{ended:?}");
}

#[test]
fn what_is_held_stays_and_goes_when_the_hold_has_ended() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    send(&mut server, ann, &room, "ann's");
    send(&mut server, ben, &room, "ben's");
    set(&mut server, ann, &room, Some(60)).unwrap();
    let bens = hold_target::Of::User(user(server.clients[ben].user));
    hold(&mut server, ann, bens.clone(), true).unwrap();
    server.advance(DAY);
    assert_eq!(server.retain(), 1);
    assert_eq!(shown(&mut server, ann, &room).0, ["ben's"]);
    hold(&mut server, ann, hold_target::Of::Room(room.clone()), true).unwrap();
    hold(&mut server, ann, bens.clone(), false).unwrap();
    let listed = server.call::<rpc::ListLegalHolds>(ann, &ListLegalHoldsRequest {}).unwrap().holds;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].reason, "a case");
    let over = |server: &mut Server| {
        server.advance(DAY);
        server.forget_unheld();
        server.retain()
    };
    assert_eq!(over(&mut server), 0, "the room's");
    hold(&mut server, ann, hold_target::Of::Organization(true), true).unwrap();
    hold(&mut server, ann, hold_target::Of::Room(room.clone()), false).unwrap();
    assert_eq!(over(&mut server), 0, "the organization's");
    hold(&mut server, ann, hold_target::Of::Organization(true), false).unwrap();
    server.advance(DAY - Duration::from_secs(1));
    server.forget_unheld();
    assert_eq!(server.retain(), 0, "it may have been a mistake");
    server.advance(Duration::from_secs(1));
    server.forget_unheld();
    assert_eq!(server.retain(), 1);
    assert_eq!(shown(&mut server, ann, &room).0, Vec::<String>::new());
}

#[test]
fn a_rule_that_was_changed_or_is_another_organizations_deletes_nothing() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    send(&mut server, ann, &room, "stays");
    server.advance(DAY);
    let (id, acme) = (RoomId::parse(&room).unwrap(), server.clients[ann].caller.org);
    set(&mut server, ann, &room, Some(60)).unwrap();
    let old = Retained { org: acme, room: id, max_age_ms: 60_000, holds: 0 };
    set(&mut server, ann, &room, Some(600_000)).unwrap();
    assert_eq!(server.retain_room(old), 0, "as it was before");
    let org = OrgId::from_bytes([7; 16]);
    assert!(server.runtime.block_on(server.node.room(org, id)).unwrap().is_none());
    assert_eq!(server.retain_room(Retained { org, ..old }), 0);
    assert_eq!(shown(&mut server, ben, &room).0, ["stays"]);
}

#[test]
fn what_its_sender_deletes_while_it_is_held_is_kept_apart() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let blob = server.upload(ben, 1, b"evidence").unwrap();
    let request = carrying(&mut server, &room, "what was said", std::slice::from_ref(&blob));
    let seq = server.call::<rpc::Send>(ben, &request).unwrap().seq;
    let client_ref = server.client_ref().to_field();
    let body = MessageEdited { text: "what wasn't".into(), ..Default::default() };
    let edit = EditRequest {
        room: room.clone(),
        client_ref,
        target_seq: seq,
        body: body.encode_to_vec().into(),
    };
    server.call::<rpc::Edit>(ben, &edit).unwrap();
    let of = hold_target::Of::User(user(server.clients[ben].user));
    hold(&mut server, ann, of.clone(), true).unwrap();
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: seq };
    server.call::<rpc::Delete>(ben, &delete).unwrap();
    assert!(shown(&mut server, ann, &room).0.is_empty(), "gone for everybody");
    assert_eq!(copies(&server), 2, "the message and its edit");
    server.forget_unheld();
    assert_eq!(copies(&server), 2);
    server.advance(DAY * 8);
    server.sweep();
    server.advance(DAY);
    assert_eq!(server.sweep().removed, 0);
    hold(&mut server, ann, of, false).unwrap();
    server.forget_unheld();
    assert_eq!(copies(&server), 2, "for a day more");
    server.advance(DAY);
    server.forget_unheld();
    assert_eq!(copies(&server), 0);
    server.sweep();
    server.advance(DAY);
    assert_eq!(server.sweep().removed, 1, "its file goes when the hold has ended");
}

#[test]
fn only_admins_set_rules_and_no_nonsense() {
    let mut server = Server::new();
    let (ann, guest) = (server.connect("ann"), server.connect("guest"));
    let room = group(&mut server, ann, &[]);
    assert_eq!(reason(set(&mut server, guest, &room, Some(60))), ErrorReason::ScopeMissing);
    for bad in [1, 4, 315_360_001] {
        assert_eq!(reason(set(&mut server, ann, &room, Some(bad))), ErrorReason::InvalidField);
    }
    let nowhere = Bytes::from_static(&[9; 16]);
    assert_eq!(reason(set(&mut server, ann, &nowhere, Some(60))), ErrorReason::RoomNotFound);
    let of = hold_target::Of::Room(nowhere);
    assert_eq!(reason(hold(&mut server, ann, of, true)), ErrorReason::RoomNotFound);
    let request =
        SetLegalHoldRequest { target: None, state: HoldState::Held as i32, reason: "why".into() };
    let answer = server.call::<rpc::SetLegalHold>(ann, &request);
    assert_eq!(reason(answer), ErrorReason::InvalidField);
    // Twice is once.
    set(&mut server, ann, &room, Some(60)).unwrap();
    set(&mut server, ann, &room, Some(60)).unwrap();
    let request = ListRetentionRequest::default();
    assert_eq!(server.call::<rpc::ListRetention>(ann, &request).unwrap().rules.len(), 1);
    let request = GetRetentionRequest { room };
    assert_eq!(
        reason(server.call::<rpc::GetRetention>(guest, &request)),
        ErrorReason::RoomNotFound
    );
}
