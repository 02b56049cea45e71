//! Focused delivery: pulses for every room, whole events for the ones on the screen.

use parlour_features::{
    raw::PATIENCE,
    server::Server,
    world::{group, hello_of, join, say},
};
use parlour_protocol::{
    generated::rpc::Subscribe,
    sync::SubscribeRequest,
    wire::{Delivery, Hello, event_frame::Frame},
};

#[tokio::test]
async fn a_focused_connection_hears_pulses_until_it_subscribes() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let hello = Hello { delivery: Delivery::Focused as i32, ..hello_of(&server, "bob") };
    let bob = server.door().connect(hello).await.expect("welcomed");
    let (shown, hidden) =
        (group(&ada, "shown", &["bob"]).await, group(&ada, "other", &["bob"]).await);
    bob.hears(101).await;
    bob.hears(101).await;
    let subscribe = SubscribeRequest { add: vec![shown.clone()], remove: vec![] };
    let heads = bob.call::<Subscribe>(&subscribe).await.expect("subscribed").heads;
    assert_eq!(heads.len(), 1);
    let head = heads[0].clone();
    say(&ada, &hidden, "unseen").await.expect("sent");
    let sent = say(&ada, &shown, "seen").await.expect("sent");
    assert_eq!(sent.seq, head.seq + 1, "whole events begin right after the head");
    let (mut pulse, mut events) = (None, None);
    while pulse.is_none() || events.is_none() {
        match bob.event(PATIENCE).await.expect("both come") {
            Frame::Pulse(heard) if heard.room == hidden && heard.msg_no > 0 => pulse = Some(heard),
            Frame::RoomEvents(heard) => {
                assert_eq!(heard.room, shown, "no events of rooms that aren't subscribed");
                events = Some(heard);
            }
            _ => {}
        }
    }
    let pulse = pulse.expect("it came");
    assert_eq!((pulse.msg_no, pulse.seq), (1, 2));

    let leave = SubscribeRequest { add: vec![], remove: vec![shown.clone()] };
    bob.call::<Subscribe>(&leave).await.expect("unsubscribed");
    say(&ada, &shown, "unseen as well").await.expect("sent");
    loop {
        match bob.event(PATIENCE).await.expect("a pulse comes") {
            Frame::Pulse(pulse) if pulse.room == shown => break,
            Frame::RoomEvents(_) => panic!("events of a room that was left"),
            _ => {}
        }
    }
}
