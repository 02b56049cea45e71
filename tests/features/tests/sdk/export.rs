//! Exports of a real server: everything of an organization, or what one person wrote and set.

use std::{collections::BTreeMap, fs, path::Path};

use crate::clients::{eventually, pair, texts};
use parlour::Draft;
use parlour_features::{server::Server, world::ORG};
use serde_json::Value;

/// Every line of a file as JSON.
fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(name)).expect("the file is there");
    text.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

/// The texts of the messages in a room's file.
fn said(folder: &Path, room: &str) -> Vec<String> {
    let events = lines(folder, &format!("rooms/{room}.jsonl"));
    let text = |event: &Value| event["body"]["text"].as_str().map(str::to_owned);
    events.iter().filter_map(text).collect()
}

#[tokio::test]
async fn everything_of_an_organization_is_in_its_export_and_one_persons_part_in_theirs() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let id = room.id().to_string();
    let first = room.send("hello").await.unwrap().seq;
    bob.room(room.id()).send("hello yourself").await.unwrap();
    let source = server.root().join("notes.txt");
    fs::write(&source, b"the notes").unwrap();
    let file = alice.upload(source.as_path()).await.unwrap();
    let attachments = vec![file];
    room.send(Draft { text: "notes".into(), attachments, ..Draft::default() }).await.unwrap();
    server.printed(&["admin", "hold", "--org", ORG, "--user", "alice", "--reason", "case 7"]);
    room.delete(first).await.unwrap();
    let begun = Draft { text: "what I never said".into(), ..Draft::default() };
    bob.drafts().set(room.id(), &begun).await.unwrap();
    let mut timeline = room.timeline().await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["(deleted)", "hello yourself", "notes"]).await;

    let all = server.root().join("all");
    let to = all.display().to_string();
    let told = server.printed(&["admin", "export", "--org", ORG, "--to", &to]);
    assert!(told.contains("1 rooms, 5 events, 1 files"), "{told}");
    assert_eq!(said(&all, &id), ["hello yourself", "notes"]);
    let rooms = lines(&all, "rooms.jsonl");
    assert_eq!(
        (&rooms[0]["name"], rooms[0]["members"].as_array().unwrap().len()),
        (&"Lunch".into(), 2)
    );
    let names: Vec<Value> = lines(&all, "users.jsonl");
    assert!(names.iter().any(|user| user["subject"] == "bob"), "{names:?}");
    assert_eq!(lines(&all, "held.jsonl")[0]["event"]["body"]["text"], "hello");
    assert!(lines(&all, "audit.jsonl").iter().any(|event| event["body"]["reason"] == "case 7"));
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains("operator: the organization exported"), "{audit}");
    let files: Vec<_> = fs::read_dir(all.join("files")).unwrap().collect();
    assert_eq!(fs::read(files[0].as_ref().unwrap().path()).unwrap(), b"the notes");
    let summary: BTreeMap<String, Value> =
        serde_json::from_slice(&fs::read(all.join("export.json")).unwrap()).unwrap();
    assert_eq!((&summary["held"], &summary["missing_files"]), (&1.into(), &0.into()));

    let bobs = server.root().join("bobs");
    let to = bobs.display().to_string();
    server.printed(&["admin", "export", "--org", ORG, "--user", "bob", "--to", &to]);
    assert_eq!(said(&bobs, &id), ["hello yourself"], "nobody else's words");
    assert_eq!(lines(&bobs, "users.jsonl").len(), 1);
    let settings = fs::read_to_string(bobs.join("settings.jsonl")).unwrap();
    assert!(settings.contains("what I never said"), "{settings}");
    assert!(!lines(&bobs, "own.jsonl").is_empty());
    assert!(!bobs.join("files").exists() && !bobs.join("held.jsonl").exists());

    // Never into what is there, and nobody who isn't.
    let again = server.command(&["admin", "export", "--org", ORG, "--to", &to]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already and not empty"));
    let to = server.root().join("none").display().to_string();
    let nobody = server.command(&["admin", "export", "--org", ORG, "--user", "eve", "--to", &to]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("the organization has no such user"));
}
