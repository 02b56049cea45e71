//! The Rust SDK against a real server: messages are reported and decided on, words are refused.

use std::fs;

use crate::clients::{eventually, pair, texts};
use parlour::{Delivery, Item, ReportReason};
use parlour_features::{server::Server, world::ORG};

#[tokio::test]
async fn a_reported_message_is_deleted_from_every_app_once_that_is_decided() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let bad = room.send("something vile").await.unwrap().seq;
    room.send("something fine").await.unwrap();
    let theirs = bob.room(room.id());
    theirs.report(bad, ReportReason::Abuse, "read it\nand weep").await.unwrap();
    let list = server.printed(&["admin", "reports", "--org", ORG]);
    assert!(list.contains(": abuse, room ") && list.contains("text: something vile"), "{list}");
    assert!(list.contains("note: read it\n      and weep"), "{list}");
    let (id, _) = list.split_once(':').unwrap();
    server.printed(&["admin", "reports", "--org", ORG, "--delete", id]);
    let mut timeline = room.timeline().await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["(deleted)", "something fine"]).await;
    assert_eq!(server.printed(&["admin", "reports", "--org", ORG]), "");
    let decided = server.printed(&["admin", "reports", "--org", ORG, "--decided"]);
    assert!(decided.contains("deleted by operator"), "{decided}");
    let again = server.command(&["admin", "reports", "--org", ORG, "--dismiss", id]);
    let complaint = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(!again.status.success() && complaint.contains("decided otherwise"), "{complaint}");
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains("reported: deleted"), "{audit}");
}

#[tokio::test]
async fn a_refused_word_fails_its_message_with_a_reason_and_nothing_else() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let file = server.root().join("words.txt");
    fs::write(&file, "darn\n\n  go away\nblast*\n").unwrap();
    let file = file.display().to_string();
    server.printed(&["admin", "filter", "--org", ORG, "--set", &file]);
    assert_eq!(server.printed(&["admin", "filter", "--org", ORG]), "darn\ngo away\nblast*");
    let refused = room.send("Blasted weather").await.unwrap_err();
    assert!(refused.to_string().contains("a word in it isn't taken"), "{refused}");
    room.send("fine weather").await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["fine weather"]).await;
    let mut own = room.timeline().await.unwrap();
    let failed = |items: &[Item]| {
        let message = items.iter().find_map(Item::message).filter(|m| m.text == "Blasted weather");
        message.is_some_and(|m| matches!(m.delivery, Delivery::Failed { .. }))
    };
    eventually(|| own.refresh().iter().any(|item| failed(std::slice::from_ref(item)))).await;
    fs::write(&file, "").unwrap();
    server.printed(&["admin", "filter", "--org", ORG, "--set", &file]);
    room.send("blast it").await.unwrap();
}
