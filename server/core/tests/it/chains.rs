//! Chains of calls: however many are in flight, none overtakes one that was refused.

use bytes::Bytes;
use parlour_core::{
    hub::Output,
    ports::{clock::Clock, store::StoreError},
};
use parlour_inproc::{Server, group, message};
use parlour_protocol::{
    generated::rpc,
    message::SendRequest,
    sync::ReadLogRequest,
    wire::{ErrorReason, Event},
};

/// A server with one client in a group of its own, and what that client would send.
fn alone(messages: usize) -> (Server, Bytes, Vec<SendRequest>) {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = group(&mut server, ada, &[]);
    let requests = (0..messages).map(|i| message(&mut server, &room, &format!("{i}"))).collect();
    (server, room, requests)
}

fn start(server: &mut Server, requests: &[SendRequest], chain: u64) -> Vec<u64> {
    requests.iter().map(|request| server.start_in_chain::<rpc::Send>(0, request, chain)).collect()
}

/// How each call ended: 0 for well, or the reason.
fn ends(server: &mut Server, calls: &[u64]) -> Vec<i32> {
    let mut end =
        |call: &u64| server.answer::<rpc::Send>(0, *call).map_or_else(|e| e.reason, |_| 0);
    calls.iter().map(&mut end).collect()
}

fn bodies(server: &mut Server, room: &Bytes) -> Vec<Bytes> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 2, ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(0, &request).unwrap();
    let events: Vec<Event> = items.into_iter().flat_map(|item| item.events).collect();
    events.into_iter().map(|event| event.body).collect()
}

const BROKEN: i32 = ErrorReason::ChainBroken as i32;

#[test]
fn what_is_behind_a_refused_send_is_refused_and_comes_again_in_order() {
    let (mut server, room, mut requests) = alone(6);
    let good = std::mem::replace(&mut requests[2].body, Bytes::from_static(b"\xff"));
    let calls = start(&mut server, &requests, 1);
    server.run();
    let invalid = ErrorReason::InvalidField as i32;
    assert_eq!(ends(&mut server, &calls), [0, 0, invalid, BROKEN, BROKEN, BROKEN]);
    // A call on its own isn't part of it.
    let alone = message(&mut server, &room, "alone");
    server.call::<rpc::Send>(0, &alone).unwrap();
    requests[2].body = good;
    // The old number stays broken, the next one is a new start.
    let calls = start(&mut server, &requests[5..], 1);
    server.run();
    assert_eq!(ends(&mut server, &calls), [BROKEN]);
    let calls = start(&mut server, &requests[2..], 2);
    server.run();
    assert_eq!(ends(&mut server, &calls), [0; 4]);
    let mut expected: Vec<Bytes> = requests.into_iter().map(|request| request.body).collect();
    expected.insert(2, alone.body);
    assert_eq!(bodies(&mut server, &room), expected);
}

#[test]
fn what_waits_behind_a_refused_commit_is_refused_although_the_store_is_well_again() {
    let (mut server, room, requests) = alone(3);
    let mut calls = start(&mut server, &requests[..1], 1);
    let now = server.hand.now();
    assert!(matches!(server.hub.poll(now), Some(Output::Append(_))));
    calls.extend(start(&mut server, &requests[1..], 1));
    server.hub.handle_appended(Err(StoreError::ReadOnly), now);
    server.run();
    assert_eq!(ends(&mut server, &calls), [ErrorReason::ReadOnly as i32, BROKEN, BROKEN]);
    assert!(bodies(&mut server, &room).is_empty());
    let calls = start(&mut server, &requests, 2);
    server.run();
    assert_eq!(ends(&mut server, &calls), [0; 3]);
}

#[test]
fn a_repetition_breaks_no_chain() {
    let (mut server, room, requests) = alone(4);
    server.call::<rpc::Send>(0, &requests[1]).unwrap();
    let calls = start(&mut server, &requests, 1);
    server.run();
    assert_eq!(ends(&mut server, &calls), [0; 4]);
    let order = [1, 0, 2, 3].map(|i: usize| requests[i].body.clone());
    assert_eq!(bodies(&mut server, &room), order);
}
