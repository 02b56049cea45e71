//! The Rust SDK against a real server: programs that want little of what is told.

use crate::clients::{client, eventually, pair, texts};
use futures_util::StreamExt;
use parlour::Intent;
use parlour_features::server::Server;
use parlour_protocol::{generated::EventMessage, reaction::ReactionAdded};

#[tokio::test]
async fn a_program_hears_what_it_wants_and_reads_the_rest_where_it_looks() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Votes", ["bob"]).await.unwrap();
    let mut rooms = bob.rooms().await.unwrap();
    eventually(|| !rooms.refresh().is_empty()).await;
    drop((rooms, bob));
    let bob = client(&server, "bob").intents([Intent::Reactions]).connect().await.unwrap();
    bob.synced().await.unwrap();
    let mut events = bob.events().await.unwrap();
    let mut all = vec![];
    for n in 0..3 {
        let seq = room.send(format!("{n}")).await.unwrap().seq;
        room.react(seq, "👍").await.unwrap();
        while all.iter().filter(|kind| **kind == ReactionAdded::RULE.kind).count() <= n {
            let heard = events.next().await.unwrap();
            all.extend(heard.events.iter().map(|event| event.header.kind));
        }
    }
    // The messages came by no other way: nothing that was left out was taken for missed.
    assert_eq!(all, [ReactionAdded::RULE.kind; 3]);
    let theirs = bob.room(room.id());
    let mut rooms = bob.rooms().await.unwrap();
    eventually(|| rooms.refresh().iter().any(|room| room.unread == 3)).await;
    // Whoever looks sees all of it, and goes on seeing it.
    let mut timeline = theirs.timeline().await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["0", "1", "2"]).await;
    room.send("3").await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["0", "1", "2", "3"]).await;
}
