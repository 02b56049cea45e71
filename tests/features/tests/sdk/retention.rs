//! The Rust SDK against a real server: messages that are older than they are kept, and legal holds.

use std::time::Duration;

use crate::clients::{client, eventually, pair, texts};
use parlour::{Draft, Item};
use parlour_features::{disk::holding, server::Server, world::ORG};

fn deleted(items: &[Item]) -> usize {
    items.iter().filter(|item| matches!(item, Item::Message(m) if m.is_deleted)).count()
}

#[tokio::test]
async fn what_is_too_old_goes_everywhere_and_from_the_disk_when_the_store_is_compacted() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let theirs = bob.room(room.id());
    let mut timeline = theirs.timeline().await.unwrap();
    let kept = tempfile::tempdir().unwrap();
    let file = kept.path().join("cache.db");
    let phone = client(&server, "bob").cache(file.as_path()).connect().await.unwrap();
    phone.synced().await.unwrap();
    let root = room.send("xylophone lessons").await.unwrap().seq;
    room.edit(root, "xylophone concerts").await.unwrap();
    let mentions = vec![bob.me().unwrap()];
    let to_bob = Draft { text: "zither".into(), mentions, ..Draft::default() };
    room.send(Draft { thread_root: Some(root), ..to_bob.clone() }).await.unwrap();
    room.send(to_bob).await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["xylophone concerts", "zither"]).await;
    {
        // A phone that has all of it, and then is away.
        let mut own = phone.room(room.id()).timeline().await.unwrap();
        eventually(|| texts(own.refresh()).len() == 2).await;
        phone.disconnect().await;
    }
    assert_eq!(room.retention().await.unwrap(), None);
    server.printed(&["admin", "retention", "--org", ORG, "--max-age", "5s"]);
    assert_eq!(server.printed(&["admin", "retention", "--org", ORG]), "all other rooms: 5s");
    assert_eq!(theirs.retention().await.unwrap(), Some(Duration::from_secs(5)));
    eventually(|| deleted(timeline.refresh()) == 2).await;
    let mut list = bob.rooms().await.unwrap();
    eventually(|| list.refresh().iter().all(|room| room.unread == 0 && room.mentions == 0)).await;
    let mut mentions = 2;
    for _ in 0..1000 {
        mentions = bob.mentions(false).next_page(10).await.unwrap().len();
        if mentions == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(mentions, 0);
    server.printed(&["admin", "retention", "--org", ORG, "--remove"]);
    let fresh = room.send("and this is new").await.unwrap().seq;
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains("messages are kept in all other rooms: 5s"), "{audit}");
    let phone = client(&server, "bob").cache(file.as_path()).connect().await.unwrap();
    let mut own = phone.room(room.id()).timeline().await.unwrap();
    eventually(|| texts(own.refresh()).last().is_some_and(|text| text == "and this is new")).await;
    eventually(|| deleted(own.refresh()) == 2).await;
    phone.disconnect().await;
    assert_eq!(holding(kept.path(), "xylophone"), Vec::<String>::new(), "not on the phone, either");
    assert!(fresh > root);
    server.stop();
    server.printed(&["storage", "compact"]);
    for secret in ["xylophone", "zither"] {
        assert_eq!(holding(&server.data(), secret), Vec::<String>::new(), "{secret}");
    }
}

#[tokio::test]
async fn what_is_held_is_not_deleted_by_a_rule() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    room.send("kept").await.unwrap();
    bob.room(room.id()).send("goes").await.unwrap();
    let hold = ["admin", "hold", "--org", ORG, "--user", "alice"];
    server.printed(&[&hold[..], &["--reason", "case 7"]].concat());
    assert!(server.printed(&["admin", "hold", "--org", ORG]).ends_with(": case 7"));
    let id = room.id().to_string();
    server.printed(&["admin", "retention", "--org", ORG, "--room", &id, "--max-age", "5s"]);
    let mut timeline = room.timeline().await.unwrap();
    eventually(|| deleted(timeline.refresh()) == 1).await;
    assert!(texts(timeline.refresh()).contains(&"kept".to_owned()));
    server.printed(&[&hold[..], &["--end"]].concat());
    assert_eq!(server.printed(&["admin", "hold", "--org", ORG]), "");
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains("held: case 7") && audit.contains("no longer held"), "{audit}");
}
