//! Two devices of one user: each hears what the other does.

use parlour_features::{
    server::Server,
    world::{group, hello_of, join, say},
};
use parlour_protocol::{
    generated::{EventMessage, rpc::MarkRead},
    marker::{MarkReadRequest, MarkerMoved},
    wire::{CloseCode, Hello},
};
use prost::Message;

#[tokio::test]
async fn what_one_device_does_the_other_hears() {
    let server = Server::roomy();
    let (phone, laptop) = (join(&server, "ada").await, join(&server, "ada").await);
    assert_eq!(phone.user(), laptop.user());
    assert_ne!(phone.welcome().session, laptop.welcome().session);
    let room = group(&phone, "kitchen", &[]).await;
    for device in [&phone, &laptop] {
        device.hears(101).await;
    }
    let sent = say(&phone, &room, "from the phone").await.expect("sent");
    for device in [&phone, &laptop] {
        assert_eq!(device.hears(10).await.header.expect("a header").seq, sent.seq);
    }
    let read = MarkReadRequest { room: room.clone(), seq: 1 };
    let moved = laptop.call::<MarkRead>(&read).await.expect("marked");
    let own_words = moved.marker.expect("a marker").seq;
    assert_eq!(own_words, sent.seq, "sending has read everything before");
    let back = parlour_protocol::marker::MarkUnreadRequest { room: room.clone(), seq: 1 };
    laptop.call::<parlour_protocol::generated::rpc::MarkUnread>(&back).await.expect("marked");
    let event = phone.hears(MarkerMoved::RULE.kind).await;
    assert_eq!(MarkerMoved::decode(event.body).expect("it decodes").room, room);
}

#[tokio::test]
async fn a_session_may_have_two_connections_while_it_moves_from_one_to_the_other() {
    let server = Server::roomy();
    let hello = hello_of(&server, "ada");
    let old = server.door().connect(hello.clone()).await.expect("welcomed");
    let resuming = Hello { resume: old.welcome().resume.clone(), ..hello };
    let new = server.door().connect(resuming).await.expect("welcomed");
    assert!(new.welcome().resumed);
    assert_eq!(old.welcome().session, new.welcome().session);
    let room = group(&new, "kitchen", &[]).await;
    for client in [&old, &new] {
        client.hears(101).await;
    }
    let sent = say(&old, &room, "still here").await.expect("the old one works until it is closed");
    for client in [&old, &new] {
        assert_eq!(client.hears(10).await.header.expect("a header").seq, sent.seq);
    }
    old.leave();
    say(&new, &room, "moved").await.expect("the new one goes on");
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_no_more() {
    let server = Server::roomy();
    let mut clients = vec![];
    for _ in 0..64 {
        clients.push(join(&server, "ada").await);
    }
    let refused = server.door().connect(hello_of(&server, "ada")).await;
    let lost = refused.expect_err("64 are the most");
    assert!(lost.is(CloseCode::TooManyConnections), "{lost:?}");
    join(&server, "bob").await;
    clients.pop();
    // The place is free once the server has noticed.
    let mut again = server.door().connect(hello_of(&server, "ada")).await;
    for _ in 0..100 {
        if again.is_ok() {
            break;
        }
        again = server.door().connect(hello_of(&server, "ada")).await;
    }
    assert!(again.is_ok());
}
