//! The Rust SDK against a real server: search.

use std::{fs, path::Path, time::Duration};

use crate::clients::{client, pair};
use parlour::{Client, Found, Hit, Search, SearchError, protocol::wire::ErrorReason};
use parlour_features::server::{Options, ROOMY, Server};

fn texts(hits: &[Hit]) -> Vec<String> {
    hits.iter().map(|hit| hit.message.text.clone()).collect()
}

async fn search(client: &Client, search: impl Into<Search>) -> Found {
    client.search(search).await.expect("the search is answered")
}

/// Waits until exactly these are found, in this order: the index follows a moment later.
async fn finds(client: &Client, wanted: Search, expected: &[&str]) -> Found {
    let mut found = search(client, wanted.clone()).await;
    for _ in 0..2000 {
        if texts(&found.hits) == expected {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        found = search(client, wanted.clone()).await;
    }
    panic!("{expected:?} isn't found, but {:?}", texts(&found.hits));
}

/// The text of every hit, page by page.
async fn all(client: &Client, wanted: Search) -> Vec<String> {
    let mut found = search(client, wanted.page_size(50)).await;
    let mut all = texts(&found.hits);
    loop {
        let more = found.next_page().await.expect("the next page is answered");
        if more.is_empty() {
            return all;
        }
        all.extend(texts(&more));
    }
}

/// What is marked in a hit.
fn marked(hit: &Hit) -> Vec<&str> {
    hit.highlights.iter().map(|part| &hit.message.text[part.clone()]).collect()
}

#[tokio::test]
async fn messages_are_found_by_their_words_wherever_they_are() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch club", ["bob"]).await.unwrap();
    let direct = bob.open_direct("alice").await.unwrap();
    let root = room.send("Crème brûlée at noon?").await.unwrap().seq;
    room.thread(root).send("at noon, yes: https://menu.example").await.unwrap();
    bob.room(room.id()).send("noon is fine").await.unwrap();
    direct.send("昨日、黒猫が庭にいた").await.unwrap();
    direct.send("do you know at noon").await.unwrap();
    let noon = [
        "do you know at noon",
        "noon is fine",
        "at noon, yes: https://menu.example",
        "Crème brûlée at noon?",
    ];
    let found = finds(&alice, "NOON".into(), &noon).await;
    assert!(!found.is_building && !found.has_more());
    assert_eq!(marked(&found.hits[3]), ["noon"]);
    assert_eq!(found.hits[2].message.thread_root, Some(root));
    assert_eq!((found.hits[3].room.id(), found.hits[3].message.seq()), (room.id(), Some(root)));
    assert!(found.hits[3].indexed_seq >= root);
    let found = finds(&alice, "creme BRULEE".into(), &noon[3..]).await;
    assert_eq!(marked(&found.hits[0]), ["Crème", "brûlée"]);
    for words in ["黒猫", "猫"] {
        finds(&bob, words.into(), &["昨日、黒猫が庭にいた"]).await;
    }
    let typed = |text: &str| Search::typed(text, 0).unwrap();
    finds(&alice, typed("noon from:@alice"), &noon[2..]).await;
    finds(&alice, typed("noon from:me"), &noon[2..]).await;
    finds(&alice, typed("noon in:\"lunch CLUB\""), &noon[1..]).await;
    finds(&alice, typed("noon in:@bob"), &noon[..1]).await;
    finds(&alice, typed("has:link"), &noon[2..3]).await;
    finds(&alice, typed("\"at noon\" from:bob"), &noon[..1]).await;
    finds(&alice, typed("noon after:2100-01-01"), &[]).await;
    finds(&alice, typed("noon before:2100-01-01"), &noon).await;
    finds(&alice, Search::words("noon").in_thread(&room.thread(root)), &noon[2..]).await;
    finds(&alice, Search::words("crem").as_typing(), &noon[3..]).await;
    finds(&alice, Search::words("noon fine").by_relevance(), &noon[1..2]).await;
    assert_eq!(all(&alice, Search::words("noon").page_size(1)).await, noon);
    let refused = alice.search(typed("noon from:@nobody")).await.unwrap_err();
    assert_eq!(refused, SearchError::NoSuchUser("nobody".into()));
    let refused = alice.search(typed("noon in:#nowhere")).await.unwrap_err();
    assert_eq!(refused, SearchError::NoSuchRoom("nowhere".into()));
    let SearchError::Call(refused) = alice.search(Search::default()).await.unwrap_err() else {
        panic!("nothing is no search");
    };
    assert_eq!(refused.reason(), Some(ErrorReason::InvalidField));
}

#[tokio::test]
async fn nothing_is_found_that_was_edited_deleted_or_taken_away() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Plans", ["bob"]).await.unwrap();
    let edited = room.send("the secret of monday").await.unwrap().seq;
    let deleted = room.send("the secret of tuesday").await.unwrap().seq;
    room.send("the secret of wednesday").await.unwrap();
    let secrets = ["the secret of wednesday", "the secret of tuesday", "the secret of monday"];
    finds(&bob, "secret".into(), &secrets).await;
    // At once, however late the index is.
    room.edit(edited, "no longer one").await.unwrap();
    assert_eq!(texts(&search(&bob, "secret").await.hits), secrets[..2]);
    room.delete(deleted).await.unwrap();
    assert_eq!(texts(&search(&bob, "secret").await.hits), secrets[..1]);
    let found = finds(&bob, "longer".into(), &["no longer one"]).await;
    assert!(found.hits[0].message.is_edited);
    assert_eq!(marked(&found.hits[0]), ["longer"]);
    room.remove_member(bob.me().unwrap()).await.unwrap();
    assert!(search(&bob, "secret").await.hits.is_empty());
    let named = bob.search(Search::words("secret").in_room(room.id())).await;
    let Err(SearchError::Call(refused)) = named else { panic!("{named:?}") };
    assert_eq!(refused.reason(), Some(ErrorReason::RoomNotFound));
    assert_eq!(texts(&search(&alice, "secret").await.hits), secrets[..1]);
    room.add_members(["bob"]).await.unwrap();
    finds(&bob, "secret".into(), &secrets[..1]).await;
}

#[tokio::test]
async fn an_index_that_is_missing_or_damaged_is_made_anew() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Long", ["bob"]).await.unwrap();
    let mut sent = Vec::new();
    for n in 0..300 {
        sent.push(format!("needle {n}"));
        room.send(sent[n].as_str()).await.unwrap();
    }
    room.delete(room.send("needle, deleted").await.unwrap().seq).await.unwrap();
    sent.reverse();
    complete(&bob, &sent).await;
    let index = server.data().join("search");
    let damages: [fn(&Path); 3] = [
        |index| fs::remove_dir_all(index).unwrap(),
        |index| fs::write(index.join("meta.json"), "not an index").unwrap(),
        |index| {
            for file in fs::read_dir(index).unwrap() {
                let path = file.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "idx") {
                    fs::write(path, "damaged").unwrap();
                }
            }
        },
    ];
    for damage in damages {
        server.stop();
        damage(&index);
        server.run().unwrap();
        complete(&bob, &sent).await;
        server.assert_well();
    }
}

/// Waits until exactly these are found under `needle`, the newest first.
async fn complete(client: &Client, expected: &[String]) {
    let mut found = Vec::new();
    for _ in 0..500 {
        found = all(client, Search::words("needle")).await;
        if found == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} of {} are found", found.len(), expected.len());
}

#[tokio::test]
async fn nothing_is_missing_after_a_crash_in_the_middle_of_it() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Crash", ["bob"]).await.unwrap();
    let mut sent = Vec::new();
    for round in 0..6_u64 {
        let mut last = 0;
        for n in 0..150 {
            let text = format!("needle {round} {n}");
            last = room.send(text.as_str()).await.unwrap().seq;
            sent.push(text);
        }
        // One is edited and one deleted, maybe before the index knows of either.
        room.edit(last, "needle, edited").await.unwrap();
        room.delete(last - 1).await.unwrap();
        sent.pop();
        sent.pop();
        sent.push("needle, edited".into());
        // Anywhere between two commits of the index, or within one.
        tokio::time::sleep(Duration::from_millis(round * 170)).await;
        server.kill();
        server.run().unwrap();
    }
    sent.reverse();
    complete(&bob, &sent).await;
    server.assert_well();
}

#[tokio::test]
async fn a_server_without_an_index_says_so_and_keeps_none() {
    let mut server = Server::roomy();
    let alice = client(&server, "alice").connect().await.unwrap();
    let room = alice.create_group("Alone", Vec::<&str>::new()).await.unwrap();
    room.send("found").await.unwrap();
    finds(&alice, "found".into(), &["found"]).await;
    server.stop();
    server.write_config(&format!("{ROOMY}\n[search]\nenabled = false\n"));
    server.run().unwrap();
    let refused = alice.search("found").await;
    let Err(SearchError::Call(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.reason(), Some(ErrorReason::SearchDisabled));
    assert!(!server.data().join("search").exists(), "what was said isn't kept there");
    let fresh = Server::start(Options::config("[search]\nenabled = false\n"));
    assert!(!fresh.data().join("search").exists());
}
