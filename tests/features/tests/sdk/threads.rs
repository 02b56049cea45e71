//! The Rust SDK against a real server: threads.

use crate::clients::{client, eventually, pair, texts};
use parlour::{Client, Draft, QueueError, Room, RoomList, protocol::wire::ErrorReason};
use parlour_features::server::Server;

async fn group(alice: &Client) -> Room {
    alice.create_group("Lunch", ["bob"]).await.expect("a group")
}

/// Unread in the first room, and in the threads of it that the user follows.
fn counts(list: &mut RoomList) -> Option<(u64, u64, u64)> {
    list.refresh().first().map(|room| (room.unread, room.thread_unread, room.thread_mentions))
}

#[tokio::test]
async fn a_thread_has_its_own_timeline_and_counts() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = group(&alice).await;
    let root = room.send("where?").await.unwrap().seq;
    let theirs = bob.room(room.id());
    theirs.mark_read(root).await.unwrap();
    let mut list = alice.rooms().await.unwrap();
    let mut their_list = bob.rooms().await.unwrap();
    let thread = theirs.thread(root);
    let first = thread.send("here").await.unwrap().seq;
    thread.send("or there").await.unwrap();
    room.send("anybody?").await.unwrap();
    // Alice wrote the root, so she follows; the room itself has nothing unread for her.
    eventually(|| counts(&mut list) == Some((0, 2, 0))).await;
    eventually(|| counts(&mut their_list) == Some((1, 0, 0))).await;
    let mut mine = room.timeline().await.unwrap();
    let summary = |timeline: &parlour::Timeline| {
        timeline.items().iter().find_map(|item| item.message()?.thread).map(|thread| thread.replies)
    };
    eventually(|| texts(mine.refresh()) == ["where?", "anybody?"] && summary(&mine) == Some(2))
        .await;
    let mut replies = room.thread(root).timeline().await.unwrap();
    eventually(|| texts(replies.refresh()) == ["where?", "here", "or there"]).await;
    // A reply of a reply stays in the thread.
    let items = replies.items().to_vec();
    let here = items.iter().filter_map(|item| item.message()).find(|m| m.text == "here").unwrap();
    here.reply("good").await.unwrap();
    eventually(|| texts(replies.refresh()).last().map(String::as_str) == Some("good")).await;
    eventually(|| counts(&mut list) == Some((0, 0, 0))).await;
    eventually(|| counts(&mut their_list) == Some((1, 1, 0))).await;
    thread.mark_read(u64::MAX).await.unwrap();
    eventually(|| counts(&mut their_list) == Some((1, 0, 0))).await;
    thread.mark_unread(first).await.unwrap();
    eventually(|| counts(&mut their_list) == Some((1, 3, 0))).await;
    let listed = bob.threads(true).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].summary.replies, listed[0].unread), (3, 3));
    theirs.delete(first).await.unwrap();
    eventually(|| texts(replies.refresh()) == ["where?", "(deleted)", "or there", "good"]).await;
    eventually(|| {
        summary(&mine) == Some(2) || {
            mine.refresh();
            false
        }
    })
    .await;
}

#[tokio::test]
async fn all_of_it_is_read_at_once_on_every_device() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let phone = client(&server, "bob").connect().await.unwrap();
    let (lunch, plans) = (group(&alice).await, alice.create_group("Plans", ["bob"]).await.unwrap());
    let root = bob.room(lunch.id()).send("where?").await.unwrap().seq;
    lunch.thread(root).send("here").await.unwrap();
    lunch.send("anybody?").await.unwrap();
    plans.send("a plan").await.unwrap();
    // Both may have their last event in the same millisecond, so that either may come first.
    let unread = |list: &mut RoomList| {
        let rooms = list.refresh();
        let mut all: Vec<_> = rooms.iter().map(|room| (room.unread, room.thread_unread)).collect();
        all.sort_unstable();
        all
    };
    let (mut here, mut there) = (bob.rooms().await.unwrap(), phone.rooms().await.unwrap());
    eventually(|| unread(&mut here) == [(1, 0), (1, 1)]).await;
    bob.mark_all_read().await.unwrap();
    eventually(|| unread(&mut here) == [(0, 0), (0, 0)]).await;
    eventually(|| unread(&mut there) == [(0, 0), (0, 0)]).await;
    bob.mark_all_read().await.expect("nothing is left, which is no error");
}

#[tokio::test]
async fn following_is_told_to_every_device() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = group(&alice).await;
    let root = room.send("where?").await.unwrap().seq;
    room.thread(root).send("here").await.unwrap();
    let phone = client(&server, "bob").connect().await.unwrap();
    phone.synced().await.unwrap();
    let (mut desk_list, mut phone_list) =
        (bob.rooms().await.unwrap(), phone.rooms().await.unwrap());
    let mentions = vec![bob.me().unwrap()];
    let draft = Draft { text: "you, too".into(), mentions, ..Draft::default() };
    let asked = room.thread(root).send(draft).await.unwrap().seq;
    eventually(|| counts(&mut desk_list).map(|c| (c.1, c.2)) == Some((1, 1))).await;
    eventually(|| counts(&mut phone_list).map(|c| (c.1, c.2)) == Some((1, 1))).await;
    room.delete(asked).await.unwrap();
    eventually(|| counts(&mut phone_list).map(|c| (c.1, c.2)) == Some((0, 0))).await;
    room.thread(root).send("well?").await.unwrap();
    eventually(|| counts(&mut phone_list).map(|c| c.1) == Some(1)).await;
    phone.room(room.id()).thread(root).unfollow().await.unwrap();
    eventually(|| counts(&mut desk_list).map(|c| c.1) == Some(0)).await;
    let refused = bob.room(room.id()).thread(root).mark_read(asked).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::ThreadNotFollowed));
    bob.room(room.id()).thread(root).follow().await.unwrap();
    room.thread(root).send("so").await.unwrap();
    eventually(|| counts(&mut phone_list).map(|c| c.1) == Some(1)).await;
    assert_eq!(phone.threads(false).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reply_waits_for_the_server_and_shows_meanwhile() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = group(&alice).await;
    let root = room.send("where?").await.unwrap().seq;
    for n in 0..60 {
        room.thread(root).send(format!("{n}")).await.unwrap();
    }
    let theirs = bob.room(room.id()).thread(root);
    let mut timeline = theirs.timeline().await.unwrap();
    let mut all: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    all.insert(0, "where?".into());
    // Live, or by pages from a server that has been asked while nothing was cached.
    while texts(timeline.refresh()) != all {
        timeline.load_older(20).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    server.kill();
    let queued = theirs.queue("meanwhile").await.unwrap();
    all.push("meanwhile".into());
    eventually(|| texts(timeline.refresh()) == all).await;
    server.run().unwrap();
    queued.sent().await.unwrap();
    let mut mine = room.thread(root).timeline().await.unwrap();
    eventually(|| texts(mine.refresh()).last() == all.last()).await;
    // Another device begins with nothing, and pages.
    let phone = client(&server, "bob").connect().await.unwrap();
    phone.synced().await.unwrap();
    let mut fresh = phone.room(room.id()).thread(root).timeline().await.unwrap();
    while fresh.load_older(20).await.unwrap() {
        fresh.refresh();
    }
    assert_eq!(texts(fresh.refresh()), all);
    room.delete(root).await.unwrap();
    let refused = theirs.send("too late").await;
    assert!(matches!(refused, Err(QueueError::Failed(_))), "{refused:?}");
}
