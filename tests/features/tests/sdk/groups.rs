//! The Rust SDK against a real server: the life of groups.

use crate::clients::{eventually, pair};
use parlour::{QueueError, protocol::wire::ErrorReason};
use parlour_features::server::Server;

#[tokio::test]
async fn an_open_group_is_found_joined_and_kept_clear_of_who_is_banned() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", Vec::<&str>::new()).await.unwrap();
    room.set_topic("where, and when").await.unwrap();
    assert!(bob.open_rooms().await.unwrap().is_empty());
    room.set_open(true).await.unwrap();
    let found = bob.open_rooms().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].topic.as_str(), found[0].is_joined), ("where, and when", false));
    let theirs = found[0].room.clone();
    let mut list = bob.rooms().await.unwrap();
    theirs.join().await.unwrap();
    eventually(|| list.refresh().first().is_some_and(|shown| shown.is_open)).await;
    assert_eq!(list.items()[0].topic, "where, and when");
    theirs.send("noon").await.unwrap();
    room.ban(bob.me().unwrap()).await.unwrap();
    eventually(|| list.refresh().is_empty()).await;
    let refused = theirs.join().await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::NotAllowed));
    assert_eq!(room.bans().await.unwrap(), [bob.me().unwrap()]);
    room.unban(bob.me().unwrap()).await.unwrap();
    theirs.join().await.unwrap();
    room.set_archived(true).await.unwrap();
    eventually(|| list.refresh().first().is_some_and(|shown| shown.is_archived)).await;
    let refused = theirs.send("too late").await;
    assert!(matches!(refused, Err(QueueError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn what_is_sent_too_soon_in_slow_mode_waits() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Slow", ["bob"]).await.unwrap();
    room.set_slow_mode(2).await.unwrap();
    let theirs = bob.room(room.id());
    let first = theirs.send("one").await.unwrap();
    let second = theirs.send("two").await.unwrap();
    assert!(second.at_ms >= first.at_ms + 2_000, "{first:?} {second:?}");
    let now = room.send("whoever runs it").await.unwrap();
    let at_once = room.send("need not wait").await.unwrap();
    assert!(at_once.at_ms < now.at_ms + 2_000, "{now:?} {at_once:?}");
}
