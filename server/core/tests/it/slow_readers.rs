//! Connections that fall behind, and what they ask to be told whole again.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, group, message};
use parlour_protocol::{
    generated::rpc,
    limits::SUBSCRIPTIONS_MAX,
    room::RemoveMemberRequest,
    sync::SubscribeRequest,
    wire::{Delivery, ErrorReason, event_frame::Frame},
};

fn send_quietly(server: &mut Server, client: usize, room: &Bytes) {
    let request = message(server, room, "quietly");
    server.start::<rpc::Send>(client, &request);
    server.run();
    server.deliver_to(client);
}

/// The rooms of which a client was told heads: in gaps, and by pulses.
fn heads(server: &mut Server, client: usize) -> Vec<Bytes> {
    server.advance(Duration::from_millis(600));
    server.advance(Duration::from_millis(600));
    server.deliver_to(client);
    let frames = std::mem::take(&mut server.clients[client].frames);
    let told = frames.into_iter().flat_map(|frame| match frame {
        Frame::Gap(gap) => gap.rooms,
        Frame::Pulse(pulse) => vec![pulse],
        _ => vec![],
    });
    told.map(|pulse| pulse.room).collect()
}

#[test]
fn who_was_removed_is_told_nothing_more_of_the_room_when_they_fall_behind() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let (theirs, hers) = (group(&mut server, ada, &[bob]), group(&mut server, ada, &[bob]));
    server.clients[bob].frames.clear();
    // It waits for bob, who reads nothing, when he is removed.
    send_quietly(&mut server, ada, &hers);
    let user = server.clients[bob].user.to_field();
    let remove = RemoveMemberRequest { room: hers.clone(), user };
    server.start::<rpc::RemoveMember>(ada, &remove);
    server.run();
    send_quietly(&mut server, ada, &hers);
    for _ in 0..2_100 {
        send_quietly(&mut server, ada, &theirs);
    }
    let told = heads(&mut server, bob);
    assert!(told.contains(&theirs), "he has fallen behind");
    assert!(!told.contains(&hers), "the head of a room that isn't his any more");
    send_quietly(&mut server, ada, &hers);
    send_quietly(&mut server, ada, &theirs);
    let told = heads(&mut server, bob);
    assert!(told.contains(&theirs) && !told.contains(&hers), "{told:?}");
    // Nor whoever comes in his place.
    server.disconnect(bob);
    let eve = server.connect("eve");
    send_quietly(&mut server, ada, &hers);
    assert_eq!(heads(&mut server, eve), Vec::<Bytes>::new());
}

#[test]
fn a_room_that_is_not_there_keeps_nobody_from_the_others() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect_with("bob", Delivery::Focused));
    let (both, hers) = (group(&mut server, ada, &[bob]), group(&mut server, ada, &[]));
    let add = SubscribeRequest { add: vec![hers.clone(), both.clone()], remove: vec![] };
    let heads = server.call::<rpc::Subscribe>(bob, &add).unwrap().heads;
    assert_eq!(heads.iter().map(|head| &head.room).collect::<Vec<_>>(), [&both]);
    let add = SubscribeRequest { add: vec![hers], remove: vec![] };
    let refused = server.call::<rpc::Subscribe>(bob, &add).unwrap_err();
    assert_eq!(refused.reason, ErrorReason::RoomNotFound as i32);
}

#[test]
fn subscriptions_are_bounded_whatever_is_taken_off_that_was_never_on() {
    let mut server = Server::new();
    let ada = server.connect_with("ada", Delivery::Focused);
    let rooms: Vec<Bytes> = (0..=SUBSCRIPTIONS_MAX)
        .map(|n| {
            if n % 20 == 0 {
                server.advance(Duration::from_secs(3600));
            }
            group(&mut server, ada, &[])
        })
        .collect();
    let subscribe = |server: &mut Server, add: &[Bytes], remove: &[Bytes]| {
        let request = SubscribeRequest { add: add.to_vec(), remove: remove.to_vec() };
        server.call::<rpc::Subscribe>(ada, &request)
    };
    subscribe(&mut server, &rooms[1..], &[]).unwrap();
    let nowhere: Vec<Bytes> = (0..10).map(|n| vec![n; 16].into()).collect();
    assert!(subscribe(&mut server, &rooms[..1], &nowhere).is_err());
    assert!(subscribe(&mut server, &rooms[1..2], &[]).is_ok(), "it is there already");
    subscribe(&mut server, &rooms[..1], &rooms[1..2]).unwrap();
}
