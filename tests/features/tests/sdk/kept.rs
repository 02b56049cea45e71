//! The Rust SDK against a real server: what people keep at hand.

use crate::clients::{client, eventually, next, pair, texts};
use parlour::{
    Item, OwnChange, Pin, QueueError, SavedMessage, SendError, protocol::wire::ErrorReason,
};
use parlour_features::server::Server;

/// Which messages of a timeline are pinned.
fn pinned(items: &[Item]) -> Vec<bool> {
    items.iter().filter_map(Item::message).map(|message| message.is_pinned).collect()
}

fn told(pins: &[Pin]) -> Vec<(u64, String)> {
    let text = |pin: &Pin| pin.message.as_ref().map(|message| message.text.clone());
    pins.iter().map(|pin| (pin.seq, text(pin).unwrap_or_default())).collect()
}

#[tokio::test]
async fn pins_show_on_both_sides_on_a_new_device_and_in_their_list() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Plans", ["bob"]).await.unwrap();
    let theirs = bob.room(room.id());
    let (mut mine, mut other) = (room.timeline().await.unwrap(), theirs.timeline().await.unwrap());
    let plan = room.send("teh plan").await.unwrap().seq;
    let budget = theirs.send("budget").await.unwrap().seq;
    eventually(|| texts(other.refresh()) == ["teh plan", "budget"]).await;
    let seen = other.items().iter().filter_map(Item::message).next_back().unwrap().clone();
    seen.pin().await.unwrap();
    theirs.pin(plan).await.unwrap();
    room.pin(plan).await.unwrap();
    room.edit(plan, "the plan").await.unwrap();
    eventually(|| pinned(mine.refresh()) == [true, true]).await;
    eventually(|| pinned(other.refresh()) == [true, true]).await;
    let pins = room.pins().await.unwrap();
    assert_eq!(told(&pins), [(plan, "the plan".to_owned()), (budget, "budget".to_owned())]);
    assert_eq!(pins[0].by, bob.me(), "who was first");
    assert!(pins[0].at_ms >= pins[1].at_ms);

    pins[1].message.as_ref().unwrap().unpin().await.unwrap();
    eventually(|| pinned(other.refresh()) == [true, false]).await;
    assert_eq!(told(&theirs.pins().await.unwrap()), [(plan, "the plan".to_owned())]);
    // A page of history has them as they are.
    let device = client(&server, "alice").connect().await.unwrap();
    let mut timeline = device.room(room.id()).timeline().await.unwrap();
    eventually(|| pinned(timeline.refresh()) == [true, false]).await;
    room.delete(plan).await.unwrap();
    assert!(room.pins().await.unwrap().is_empty());
    let late = room.pin(plan).await;
    assert!(matches!(late, Err(QueueError::Failed(SendError::Refused(_)))), "{late:?}");
    let carol = client(&server, "carol").connect().await.unwrap();
    let stranger = carol.room(room.id()).pins().await;
    assert_eq!(stranger.unwrap_err().reason(), Some(ErrorReason::RoomNotFound));
}

#[tokio::test]
async fn an_edited_message_has_all_its_versions_until_it_is_deleted() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let said = room.send("teh plan").await.unwrap();
    let edit = room.edit(said.seq, "the plan").await.unwrap();
    let theirs = bob.room(room.id());
    let versions = theirs.edits(said.seq).await.unwrap();
    let found: Vec<_> = versions.into_iter().map(|v| (v.seq, v.at_ms, v.text)).collect();
    let expected =
        [(said.seq, said.at_ms, "teh plan".into()), (edit.seq, edit.at_ms, "the plan".into())];
    assert_eq!(found, expected);
    room.delete(said.seq).await.unwrap();
    let gone = theirs.edits(said.seq).await.unwrap_err();
    assert_eq!(gone.reason(), Some(ErrorReason::MessageNotFound));
}

#[tokio::test]
async fn saved_messages_are_on_every_device_of_their_user_and_on_no_other() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Plans", ["bob"]).await.unwrap();
    let first = room.send("one").await.unwrap().seq;
    let second = room.send("two").await.unwrap().seq;
    let saved = bob.saved();
    let tablet = client(&server, "bob").connect().await.unwrap();
    tablet.synced().await.unwrap();
    let mut changes = tablet.own_changes().await.unwrap();
    for seq in [second, first, second] {
        saved.save(room.id(), seq).await.unwrap();
    }
    for wanted in [second, first] {
        let told = OwnChange::Saved { room: room.id(), seq: wanted, is_saved: true };
        assert_eq!(next(&mut changes).await, told, "what is saved twice is told once");
    }
    let found = |saved: Vec<SavedMessage>| -> Vec<(u64, bool)> {
        assert!(saved.iter().all(|one| one.room == room.id() && one.saved_at_ms > 0));
        saved.into_iter().map(|one| (one.seq, one.is_gone)).collect()
    };
    let device = client(&server, "bob").connect().await.unwrap();
    let there = found(device.saved().list().await.unwrap());
    assert_eq!(there, [(first, false), (second, false)]);
    room.delete(first).await.unwrap();
    device.saved().unsave(room.id(), second).await.unwrap();
    let told = OwnChange::Saved { room: room.id(), seq: second, is_saved: false };
    assert_eq!(next(&mut changes).await, told);
    assert_eq!(found(saved.list().await.unwrap()), [(first, true)]);
    assert!(alice.saved().list().await.unwrap().is_empty());
    let late = saved.save(room.id(), first).await.unwrap_err();
    assert_eq!(late.reason(), Some(ErrorReason::MessageNotFound));
}

#[tokio::test]
async fn what_is_asked_at_once_ends_as_it_was_left() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Plans", ["bob"]).await.unwrap();
    let mut seqs = vec![];
    for n in 0..3 {
        seqs.push(room.send(format!("{n}")).await.unwrap().seq);
    }
    // All at once: each is queued before the one before it is answered.
    let (a, b, c, d, e) = tokio::join!(
        room.pin(seqs[0]),
        room.pin(seqs[1]),
        room.unpin(seqs[0]),
        room.pin(seqs[2]),
        room.unpin(seqs[2]),
    );
    assert!([a, b, c, d, e].iter().all(Result::is_ok));
    let pins = bob.room(room.id()).pins().await.unwrap();
    assert_eq!(told(&pins), [(seqs[1], "1".to_owned())]);
}
