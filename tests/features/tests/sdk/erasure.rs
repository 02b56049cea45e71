//! The Rust SDK against a real server: somebody is erased, from every call, every app and the disk.

use std::{fs, time::Duration};

use crate::clients::{client, eventually, texts};
use parlour::{Draft, Item, protocol::user::UserKind};
use parlour_features::{disk::holding, server::Server, world::ORG};

const WHO: &str = "walrus";

/// An organization with three people, of whom one has a name, a handle and a title.
fn organization(server: &Server) {
    let file = organization_file(server);
    server.printed(&["admin", "apply", &file, "--yes"]);
    fs::remove_file(file).expect("the file can be removed");
}

fn organization_file(server: &Server) -> String {
    let file = server.root().join("org.toml");
    let text = r#"
        [organization]
        org = "acme"
        name = "Acme"
        [[users]]
        subject = "walrus"
        name = "Wanda Walrus"
        handle = "walrus"
        title = "walrus in chief"
        [[users]]
        subject = "bob"
        [[users]]
        subject = "carol"
    "#;
    fs::write(&file, text).expect("the file can be written");
    file.display().to_string()
}

fn deleted(items: &[Item]) -> usize {
    items.iter().filter(|item| matches!(item, Item::Message(m) if m.is_deleted)).count()
}

#[tokio::test]
async fn whoever_is_erased_is_gone_from_every_app_and_from_the_disk_when_it_is_compacted() {
    let mut server = Server::roomy();
    organization(&server);
    let walrus = client(&server, WHO).connect().await.unwrap();
    let bob = client(&server, "bob").connect().await.unwrap();
    walrus.synced().await.unwrap();
    let room = walrus.create_group("Lunch", ["bob"]).await.unwrap();
    let direct = walrus.open_direct("bob").await.unwrap();
    let source = server.root().join("song.txt");
    fs::write(&source, b"I am the walrus").unwrap();
    let file = walrus.upload(source.as_path()).await.unwrap();
    fs::remove_file(&source).unwrap();
    let attachments = vec![file];
    let first = Draft { text: "a walrus with a song".into(), attachments, ..Draft::default() };
    let first = room.send(first).await.unwrap().seq;
    room.edit(first, "a walrus with another song").await.unwrap();
    direct.send("walrus to walrus").await.unwrap();
    bob.room(direct.id()).send("goo goo").await.unwrap();
    walrus.drafts().set(room.id(), &Draft::from("a walrus begins")).await.unwrap();
    walrus.presence().set_status("walrusing").await.unwrap();
    let cache = tempfile::tempdir().unwrap();
    let phone = cache.path().join("cache.db");
    {
        let phone = client(&server, "bob").cache(phone.as_path()).connect().await.unwrap();
        let mut timeline = phone.room(room.id()).timeline().await.unwrap();
        eventually(|| texts(timeline.refresh()).len() == 1).await;
        phone.disconnect().await;
    }
    let mut theirs = bob.room(direct.id()).timeline().await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["walrus to walrus", "goo goo"]).await;
    let erase = ["admin", "erase", WHO, "--org", ORG];
    let refused = |words: &[&str]| {
        String::from_utf8(server.command(words).stderr).expect("complaints are text")
    };
    assert!(refused(&erase).contains("--yes"));
    let now = [&erase[..], &["--yes"]].concat();
    assert!(refused(&now).contains("deactivate the user first"), "{}", refused(&now));
    assert!(!holding(&server.data(), "alrus").is_empty(), "what is looked for is found");
    server.printed(&["admin", "deactivate", WHO, "--org", ORG, "--hand-over-to", "bob"]);
    let told = server.printed(&now);
    assert!(told.ends_with("is erased, 2 messages deleted"), "{told}");
    assert_eq!(server.printed(&now), told, "again does nothing");
    assert_eq!(server.printed(&["admin", "erase", "--org", ORG]), told);
    eventually(|| texts(theirs.refresh()) == ["(deleted)", "goo goo"]).await;
    let again = organization_file(&server);
    let complaint = refused(&["admin", "apply", &again, "--yes"]);
    assert!(complaint.contains("was erased"), "{complaint}");
    let id = walrus.me().unwrap();
    let carol = client(&server, "carol").connect().await.unwrap();
    let user = carol.users(&[id]).await.unwrap().remove(&id).unwrap();
    assert_eq!((user.kind, &*user.name, &*user.subject), (UserKind::Erased, "", ""));
    assert!(carol.people().search("wal").await.unwrap().users.is_empty());
    assert!(bob.search("walrus").await.unwrap().hits.is_empty());
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains(&format!("user {id}: erased")) && !audit.contains(WHO), "{audit}");
    {
        let phone = client(&server, "bob").cache(phone.as_path()).connect().await.unwrap();
        let mut timeline = phone.room(room.id()).timeline().await.unwrap();
        eventually(|| deleted(timeline.refresh()) == 1).await;
        phone.disconnect().await;
    }
    assert_eq!(holding(cache.path(), "walrus with"), Vec::<String>::new(), "not on the phone");
    server.stop();
    server.printed(&["storage", "compact"]);
    // Files go when nothing has used them for some minutes; each is read by its hash only.
    let mut left = holding(&server.data(), "alrus");
    left.retain(|path| !path.contains("blobs"));
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_goes_on_after_the_server_was_killed() {
    let mut server = Server::roomy();
    organization(&server);
    let walrus = client(&server, WHO).connect().await.unwrap();
    let bob = client(&server, "bob").connect().await.unwrap();
    walrus.synced().await.unwrap();
    let mut rooms = vec![];
    for name in ["one", "two", "three"] {
        let room = walrus.create_group(name, ["bob"]).await.unwrap();
        for n in 0..400 {
            room.queue(format!("walrus {n}")).await.unwrap();
        }
        room.send("the last walrus").await.unwrap();
        bob.room(room.id()).send("of bob").await.unwrap();
        rooms.push(room.id());
    }
    server.printed(&["admin", "deactivate", WHO, "--org", ORG]);
    server.printed(&["admin", "erase", WHO, "--org", ORG, "--yes", "--no-wait"]);
    server.kill();
    server.run().expect("it starts again");
    let mut told = String::new();
    for _ in 0..600 {
        told = server.printed(&["admin", "erase", "--org", ORG]);
        if told.contains("is erased") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(told.contains("is erased") && !told.contains("can't be read"), "{told}");
    let carol = client(&server, "bob").connect().await.unwrap();
    for room in rooms {
        let mut timeline = carol.room(room).timeline().await.unwrap();
        eventually(|| texts(timeline.refresh()).contains(&"of bob".to_owned())).await;
        let shown = texts(timeline.refresh());
        assert!(shown.iter().all(|text| text == "(deleted)" || text == "of bob"), "{shown:?}");
    }
    server.stop();
    server.printed(&["storage", "compact"]);
    assert_eq!(holding(&server.data(), "alrus"), Vec::<String>::new());
}
