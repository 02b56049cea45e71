//! The Rust SDK against a real server: what is one's own. Settings, notifications, receipts.

use std::time::Duration;

use crate::clients::{client, eventually, pair};
use futures_util::StreamExt;
use parlour::{Draft, Level, Notifications, Reason, RoomSettings, Settings};
use parlour_features::server::Server;

/// The next notification, which must come.
async fn next(notifications: &mut Notifications) -> (String, Reason) {
    let wait = tokio::time::timeout(Duration::from_secs(20), notifications.next());
    let notification = wait.await.expect("something is notified").expect("the client lives");
    (notification.text, notification.reason)
}

#[tokio::test]
async fn what_is_wanted_of_a_room_is_on_every_device_and_decides_what_is_notified() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let theirs = bob.room(room.id());
    let mut list = bob.rooms().await.unwrap();
    eventually(|| list.refresh().len() == 1).await;
    let mut notifications = bob.notifications().await.unwrap();
    room.send("not for anybody").await.unwrap();
    let everyone = Draft { text: "all".into(), mentions_everyone: true, ..Draft::default() };
    room.send(everyone.clone()).await.unwrap();
    assert_eq!(next(&mut notifications).await, ("all".into(), Reason::Everyone));
    let direct = alice.open_direct("bob").await.unwrap();
    direct.send("psst").await.unwrap();
    assert_eq!(next(&mut notifications).await, ("psst".into(), Reason::Message));
    let keywords = vec!["release".to_owned()];
    let wanted = Settings { keywords, ..Settings::default() };
    bob.set_settings(&wanted).await.unwrap();
    assert_eq!(bob.settings().await.unwrap(), wanted);
    room.send("The Release is out").await.unwrap();
    assert_eq!(next(&mut notifications).await, ("The Release is out".into(), Reason::Keyword));
    let silent = RoomSettings { level: Some(Level::Nothing), ..RoomSettings::default() };
    theirs.set_settings(&silent).await.unwrap();
    room.send(everyone.clone()).await.unwrap();
    // A phone that was away knows it, too, and an unmuted room speaks again.
    let phone = client(&server, "bob").connect().await.unwrap();
    phone.synced().await.unwrap();
    let shown = phone.room(room.id()).summary().await.unwrap().unwrap();
    assert_eq!(shown.settings, silent);
    let favourite = RoomSettings { is_favourite: true, section: "Work".into(), ..silent };
    let favourite = RoomSettings { level: None, ..favourite };
    phone.room(room.id()).set_settings(&favourite).await.unwrap();
    eventually(|| list.refresh().iter().any(|shown| shown.settings == favourite)).await;
    room.send(Draft { text: "again".into(), ..everyone }).await.unwrap();
    assert_eq!(next(&mut notifications).await, ("again".into(), Reason::Everyone));
}

#[tokio::test]
async fn what_was_said_to_one_is_in_the_inbox() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let to_bob = |text: &str, thread_root| Draft {
        text: text.to_owned(),
        mentions: vec![bob.me().unwrap()],
        thread_root,
        ..Draft::default()
    };
    let first = room.send(to_bob("frist", None)).await.unwrap().seq;
    room.edit(first, "first").await.unwrap();
    let gone = room.send(to_bob("gone", None)).await.unwrap().seq;
    room.delete(gone).await.unwrap();
    room.send(to_bob("second", Some(first))).await.unwrap();
    let said = |mentions: Vec<parlour::Mention>| {
        mentions.iter().map(|m| (m.message.text.clone(), m.is_unread)).collect::<Vec<_>>()
    };
    let all = [("second".to_owned(), true), ("first".to_owned(), true)];
    // What follows from a message elsewhere is there a moment after it.
    let mut found = vec![];
    for _ in 0..1000 {
        found = said(bob.mentions(false).next_page(10).await.unwrap());
        if found == all {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(found, all);
    bob.room(room.id()).mark_read(gone).await.unwrap();
    for _ in 0..1000 {
        found = said(bob.mentions(true).next_page(10).await.unwrap());
        if found.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(found, all[..1]);
    let mut pages = bob.mentions(false);
    assert_eq!(said(pages.next_page(1).await.unwrap()), all[..1]);
    let second = pages.next_page(1).await.unwrap();
    assert_eq!(second[0].room.id(), room.id());
    second[0].message.reply("seen").await.unwrap();
    assert_eq!(pages.next_page(1).await.unwrap().len(), 0);
}

#[tokio::test]
async fn who_comes_back_sees_who_has_read() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let (a, b) = (alice.me().unwrap(), bob.me().unwrap());
    let mut receipts = room.receipts().await.unwrap();
    let first = room.send("one").await.unwrap().seq;
    eventually_read(&mut receipts, first, &[a]).await;
    let theirs = bob.room(room.id());
    theirs.mark_read(first).await.unwrap();
    eventually_read(&mut receipts, first, &[a, b]).await;
    let second = theirs.send("two").await.unwrap().seq;
    eventually_read(&mut receipts, second, &[b]).await;
    // Own reading on another device is seen here, whenever that is.
    let phone = client(&server, "alice").connect().await.unwrap();
    phone.synced().await.unwrap();
    phone.room(room.id()).mark_read(second).await.unwrap();
    eventually_read(&mut receipts, second, &[a, b]).await;
    let third = theirs.send("three").await.unwrap().seq;
    eventually_read(&mut receipts, third, &[b]).await;
    drop(phone);
    // The server restarts, and Alice reads elsewhere meanwhile: what went past is asked for.
    server.kill();
    server.run().unwrap();
    let phone = client(&server, "alice").connect().await.unwrap();
    phone.synced().await.unwrap();
    phone.room(room.id()).mark_read(third).await.unwrap();
    eventually_read(&mut receipts, third, &[a, b]).await;
    let fresh = phone.room(room.id()).receipts().await.unwrap();
    assert_eq!(fresh.read_by(third).len(), 2);
    let hidden = Settings { hide_receipts: true, ..Settings::default() };
    bob.set_settings(&hidden).await.unwrap();
    receipts.refresh().await.unwrap();
    assert_eq!(receipts.read_by(1), [a]);
    assert_eq!(theirs.receipts().await.unwrap().items().count(), 0);
}

async fn eventually_read(receipts: &mut parlour::Receipts, seq: u64, who: &[parlour::UserId]) {
    let mut who = who.to_vec();
    who.sort();
    let wait = async {
        while receipts.read_by(seq) != who {
            receipts.changed().await.expect("read").expect("the client lives");
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(20), wait).await;
    assert!(within.is_ok(), "{:?} have read {seq}", receipts.read_by(seq));
}
