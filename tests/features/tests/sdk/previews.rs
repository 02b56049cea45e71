//! The Rust SDK against a real server: what links lead to.

use crate::clients::{client, eventually, pair};
use parlour::{Item, QueueError, SendError, Timeline};
use parlour_features::{
    server::{Options, ROOMY, Server},
    site::Site,
};

fn looking() -> Server {
    let previews = "[previews]\nenabled = true\nallow_private = [\"127.0.0.1/32\"]\n";
    Server::start(Options::config(format!("{ROOMY}{previews}")))
}

/// The titles of each message's previews.
fn titles(timeline: &mut Timeline) -> Vec<Vec<String>> {
    let messages = timeline.refresh().iter().filter_map(Item::message);
    let titles = |message: &parlour::Message| {
        message.link_previews().iter().map(|preview| preview.title.clone()).collect()
    };
    messages.map(titles).collect()
}

#[tokio::test]
async fn previews_show_live_on_new_devices_and_from_the_cache_until_they_are_hidden() {
    let (mut server, site) = (looking(), Site::at("127.0.0.1"));
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Links", ["bob"]).await.unwrap();
    let theirs = bob.room(room.id());
    let (mut mine, mut other) = (room.timeline().await.unwrap(), theirs.timeline().await.unwrap());
    let (first, second) = (site.titled("/1", "first"), site.titled("/2", "second"));
    let seq = room.send(format!("look: {first}")).await.unwrap().seq;
    eventually(|| titles(&mut mine) == [["first"]]).await;
    eventually(|| titles(&mut other) == [["first"]]).await;
    let shown = other.items().iter().find_map(Item::message).unwrap().link_previews()[0].clone();
    assert_eq!(shown.url, first);
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("carl");
    let carl = client(&server, "bob").cache(cache.clone()).connect().await.unwrap();
    let mut fresh = carl.room(room.id()).timeline().await.unwrap();
    eventually(|| titles(&mut fresh) == [["first"]]).await;

    // Another text has other previews, and those of the old one are gone.
    room.edit(seq, &format!("rather: {second}")).await.unwrap();
    for timeline in [&mut mine, &mut other, &mut fresh] {
        eventually(|| titles(timeline) == [["second"]]).await;
    }
    room.edit(seq, "never mind").await.unwrap();
    for timeline in [&mut mine, &mut other, &mut fresh] {
        eventually(|| titles(timeline) == [Vec::<String>::new()]).await;
    }
    room.edit(seq, &format!("or so: {second}")).await.unwrap();
    eventually(|| titles(&mut fresh) == [["second"]]).await;
    drop((carl, fresh));
    server.kill();
    let carl = client(&server, "bob").cache(cache).start().await.unwrap();
    let mut kept = carl.room(room.id()).timeline().await.unwrap();
    eventually(|| titles(&mut kept) == [["second"]]).await;
    server.run().unwrap();

    // Bob may not, and alice may.
    eventually(|| titles(&mut other) == [["second"]]).await;
    let seen = other.items().iter().find_map(Item::message).unwrap().clone();
    let refused = seen.hide_link_previews().await;
    assert!(matches!(refused, Err(QueueError::Failed(SendError::Refused(_)))), "{refused:?}");
    eventually(|| titles(&mut other) == [["second"]]).await;
    let own = mine.items().iter().find_map(Item::message).unwrap().clone();
    own.hide_link_previews().await.unwrap();
    for timeline in [&mut mine, &mut other, &mut kept] {
        eventually(|| titles(timeline) == [Vec::<String>::new()]).await;
    }
    room.hide_link_previews(seq).await.unwrap();
    let late = client(&server, "alice").connect().await.unwrap();
    let mut page = late.room(room.id()).timeline().await.unwrap();
    eventually(|| titles(&mut page) == [Vec::<String>::new()]).await;
}
