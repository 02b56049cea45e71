//! Applications' events in the SDK.

use crate::clients::{eventually, pair};
use futures_util::StreamExt;
use parlour::{AppEvent, QueueError};
use parlour_features::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_published_and_received_from_log_and_signal() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("builds", ["bob"]).await.expect("a group");
    // From the moment on at which bob knows the room he hears it.
    let mut rooms = bob.rooms().await.expect("bob's rooms");
    eventually(|| rooms.refresh().iter().any(|known| known.id == room.id())).await;
    let mut heard = bob.app_events().await.expect("bob listens");
    let event = AppEvent::json("com.example.build.finished", r#"{"ok":true}"#);
    let sent = room.publish(event.clone()).await.expect("its creator may");
    let received = heard.next().await.expect("bob hears it");
    assert_eq!((received.room.id(), received.sender), (room.id(), alice.me()));
    assert_eq!((received.event, received.sent), (event, Some(sent)));

    let signal = AppEvent::bytes("com.example.progress", &b"42"[..]);
    room.signal(signal.clone()).await.expect("told");
    let received = heard.next().await.expect("bob hears it");
    assert_eq!((received.event, received.sent), (signal, None));

    let refused = bob.room(room.id()).publish(AppEvent::bytes("com.example.x", &b""[..])).await;
    assert!(matches!(refused, Err(QueueError::Failed(_))), "{refused:?}");
    let large = AppEvent::bytes("com.example.x", vec![0; 49 * 1024]);
    assert!(matches!(room.publish(large).await, Err(QueueError::Event)));
}
