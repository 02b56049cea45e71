//! A wall clock that is set: no sync leaves out a room with news.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::ports::clock::Clock;
use parlour_inproc::Server;
use parlour_protocol::{
    generated::rpc,
    message::{MessagePosted, SendRequest},
    room::CreateGroupRequest,
    sync::{SyncRequest, sync_item},
};
use prost::Message;

const HOUR_MS: u64 = 3_600_000;

fn group(server: &mut Server, creator: usize) -> Bytes {
    let client_ref = server.client_ref().to_field();
    let request = CreateGroupRequest { client_ref, name: "team".into(), members: vec![] };
    server.call::<rpc::CreateGroup>(creator, &request).unwrap().room.unwrap().id
}

fn say(server: &mut Server, client: usize, room: &Bytes) {
    let request = SendRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        body: MessagePosted { text: "hello".into(), ..MessagePosted::default() }
            .encode_to_vec()
            .into(),
        ..SendRequest::default()
    };
    server.call::<rpc::Send>(client, &request).unwrap();
}

/// Rooms in a sync since then and its own watermark.
fn sync(server: &mut Server, client: usize, watermark_ms: u64) -> (Vec<Bytes>, u64) {
    let incarnation = server.node.incarnation.to_field();
    let request = SyncRequest { incarnation, watermark_ms, ..SyncRequest::default() };
    let (mut rooms, mut next_ms) = (vec![], 0);
    for item in server.bulk::<rpc::Sync>(client, &request).unwrap() {
        match item.item.unwrap() {
            sync_item::Item::Digests(digests) => {
                rooms.extend(digests.rooms.into_iter().map(|digest| digest.room.unwrap().id));
            }
            sync_item::Item::Done(done) => next_ms = done.watermark_ms,
            sync_item::Item::User(_) | sync_item::Item::FirstScreen(_) => {}
        }
    }
    (rooms, next_ms)
}

#[test]
fn a_quiet_room_is_in_the_next_sync_although_the_clock_fell_back() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let (quiet, busy) = (group(&mut server, ada), group(&mut server, ada));
    server.hand.ahead_ms.store(HOUR_MS, Ordering::Relaxed);
    say(&mut server, ada, &busy);
    let (_, watermark_ms) = sync(&mut server, ada, 0);
    server.hand.ahead_ms.store(0, Ordering::Relaxed);
    say(&mut server, ada, &quiet);
    let (rooms, _) = sync(&mut server, ada, watermark_ms);
    assert!(rooms.contains(&quiet));
}

#[test]
fn a_restart_does_not_forget_how_far_the_clock_was() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let ada = server.connect("ada");
    let (quiet, busy) = (group(&mut server, ada), group(&mut server, ada));
    server.hand.ahead_ms.store(HOUR_MS, Ordering::Relaxed);
    say(&mut server, ada, &busy);
    server.advance(Duration::from_secs(600));
    let (_, watermark_ms) = sync(&mut server, ada, 0);
    let mut server = Server::over(store);
    server.recover();
    let ada = server.connect("ada");
    say(&mut server, ada, &quiet);
    let (rooms, _) = sync(&mut server, ada, watermark_ms);
    assert!(rooms.contains(&quiet));
}

#[test]
fn people_are_shown_the_clock_as_it_is() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let (quiet, busy) = (group(&mut server, ada), group(&mut server, ada));
    server.hand.ahead_ms.store(HOUR_MS, Ordering::Relaxed);
    say(&mut server, ada, &busy);
    server.hand.ahead_ms.store(0, Ordering::Relaxed);
    server.advance(Duration::from_secs(5));
    say(&mut server, ada, &quiet);
    server.deliver();
    let heard = server.clients[ada].heard().pop().unwrap();
    assert_eq!(heard.header.unwrap().at_ms, server.hand.now().unix_ms);
}

#[test]
fn rooms_without_news_are_left_out() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let (quiet, busy) = (group(&mut server, ada), group(&mut server, ada));
    server.advance(Duration::from_secs(60));
    say(&mut server, ada, &busy);
    let (_, watermark_ms) = sync(&mut server, ada, 0);
    server.advance(Duration::from_secs(60));
    let (rooms, watermark_ms) = sync(&mut server, ada, watermark_ms);
    assert_eq!(rooms, std::slice::from_ref(&busy), "what is new at the watermark is repeated");
    say(&mut server, ada, &quiet);
    let (rooms, _) = sync(&mut server, ada, watermark_ms);
    assert!(rooms.contains(&quiet));
}
