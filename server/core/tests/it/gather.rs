//! Group commit: alone at once, in company together.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use parlour_core::{
    hub::Output,
    ports::{clock::Clock, store::Batch},
};
use parlour_inproc::{Server, group, message};
use parlour_protocol::generated::rpc;

/// A sync takes so long that a third of it is worth waiting.
const SYNC_MS: u64 = 12;

fn start(server: &mut Server, client: usize, room: &Bytes) {
    let request = message(server, room, "text");
    server.start::<rpc::Send>(client, &request);
}

fn next_group(server: &mut Server) -> Option<Vec<Batch>> {
    match server.hub.poll(server.hand.now()) {
        Some(Output::Append(batches)) => Some(batches),
        Some(other) => panic!("{other:?}"),
        None => None,
    }
}

/// The store answers after the time of a sync.
fn commit(server: &mut Server, batches: Vec<Batch>) {
    let results = Ok(batches.iter().map(|_| Ok(())).collect());
    server.hand.ms.fetch_add(SYNC_MS, Ordering::Relaxed);
    let now = server.hand.now();
    server.hub.handle_appended(results, now);
}

fn room_of_three() -> (Server, Bytes) {
    let mut server = Server::new();
    let members = ["ada", "bob", "eve"].map(|name| server.connect(name));
    let room = group(&mut server, members[0], &members[1..]);
    (server, room)
}

#[test]
fn who_writes_alone_never_waits() {
    let (mut server, room) = room_of_three();
    for _ in 0..3 {
        start(&mut server, 0, &room);
        let batches = next_group(&mut server).expect("at once");
        commit(&mut server, batches);
    }
}

#[test]
fn those_who_write_in_turns_come_to_share_a_sync() {
    let (mut server, room) = room_of_three();
    start(&mut server, 0, &room);
    let first = next_group(&mut server).expect("at once");
    start(&mut server, 1, &room);
    start(&mut server, 2, &room);
    commit(&mut server, first);
    assert!(next_group(&mut server).is_none(), "the first one may come again");
    start(&mut server, 0, &room);
    assert_eq!(next_group(&mut server).expect("all are here").len(), 3);
}

#[test]
fn nobody_waits_longer_than_a_moment_for_who_does_not_come() {
    let (mut server, room) = room_of_three();
    start(&mut server, 0, &room);
    let first = next_group(&mut server).expect("at once");
    start(&mut server, 1, &room);
    commit(&mut server, first);
    assert!(next_group(&mut server).is_none());
    let wait = server.hub.deadline() - server.hand.now().elapsed;
    assert!(wait <= Duration::from_millis(SYNC_MS / 3), "{wait:?}");
    server.hand.ms.fetch_add(wait.as_millis() as u64 + 1, Ordering::Relaxed);
    assert_eq!(next_group(&mut server).expect("time is over").len(), 1);
}
