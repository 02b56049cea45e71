//! Typing: heard by others in the room, as a datagram, not too often, and by nobody else.

use std::time::Duration;

use bytes::Bytes;
use parlour_features::{
    raw::PATIENCE,
    server::Server,
    world::{group, join, say},
};
use parlour_protocol::{typing::Typing, wire::Ephemeral};
use prost::Message;

#[tokio::test]
async fn typing_is_heard_by_the_others_with_the_sender_filled_in() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let eve = join(&server, "eve").await;
    let room = group(&ada, "kitchen", &["bob"]).await;
    bob.hears(101).await;
    ada.types(&room);
    let heard = bob.datagram(PATIENCE).await.expect("bob hears it");
    assert_eq!((heard.kind, &heard.room), (200, &room));
    assert_eq!(heard.sender, ada.welcome().user);
    assert!(Typing::decode(heard.body).expect("a typing notice").active);
    for other in [&ada, &eve] {
        assert!(other.datagram(Duration::from_millis(200)).await.is_none());
    }
}

#[tokio::test]
async fn typing_too_often_forged_or_malformed_is_dropped_and_harms_nothing() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let eve = join(&server, "eve").await;
    let room = group(&ada, "kitchen", &["bob"]).await;
    bob.hears(101).await;
    eve.types(&room);
    let whole = Ephemeral {
        room: room.clone(),
        kind: 200,
        body: Typing { active: true }.encode_to_vec().into(),
        sender: eve.welcome().user.clone(),
    };
    let other_kind = Ephemeral { kind: 10, ..whole.clone() }.encode_to_vec();
    let no_room = Ephemeral { room: Bytes::new(), ..whole.clone() }.encode_to_vec();
    let wrong = [vec![], vec![0xff; 900], other_kind, no_room, vec![0x0b; 500]];
    for datagram in wrong {
        ada.connection().send_datagram(datagram.into()).expect("datagrams are taken");
    }
    for _ in 0..20 {
        ada.connection().send_datagram(whole.encode_to_vec().into()).expect("they are taken");
    }
    let heard = bob.datagram(PATIENCE).await.expect("the first good one");
    assert_eq!(heard.sender, ada.welcome().user, "nobody types for another");
    let more = bob.datagram(Duration::from_millis(300)).await;
    assert!(more.is_none(), "{more:?}");
    say(&ada, &room, "done").await.expect("still connected");
}
