//! The Rust SDK against a real server: what people do with messages and rooms.

use std::time::Duration;

use crate::clients::{client, eventually, pair, texts};
use parlour::{CallError, Delivery, Draft, Item, QueueError, protocol::wire::ErrorReason};
use parlour_features::server::Server;

#[tokio::test]
async fn a_message_reaches_the_other_side_and_its_own_timeline_once() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let mut mine = room.timeline().await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    for n in 0..50 {
        room.send(format!("message {n}")).await.unwrap();
    }
    let all: Vec<String> = (0..50).map(|n| format!("message {n}")).collect();
    eventually(|| texts(mine.refresh()) == all && texts(theirs.refresh()) == all).await;
    let settled = |item: &Item| item.message().is_none_or(|m| m.delivery == Delivery::Sent);
    assert!(mine.items().iter().all(settled));
}

#[tokio::test]
async fn edits_and_deletes_show_on_both_sides() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let first = room.send("frist").await.unwrap();
    let second = room.send("secret").await.unwrap();
    room.edit(first.seq, "first").await.unwrap();
    room.delete(second.seq).await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["first", "(deleted)"]).await;
    let refused = bob.room(room.id()).edit(first.seq, "mine now").await;
    assert!(matches!(refused, Err(QueueError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn unread_counts_follow_markers_deletes_and_own_messages() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let theirs = bob.room(room.id());
    let mut list = bob.rooms().await.unwrap();
    let mut seqs = Vec::new();
    for n in 0..5 {
        let draft = Draft { text: format!("{n}"), mentions_everyone: n == 4, ..Draft::default() };
        seqs.push(room.send(draft).await.unwrap().seq);
    }
    let mut counts = |want: (u64, u64)| {
        let found = list.refresh().first().map(|room| (room.unread, room.mentions));
        found == Some(want)
    };
    eventually(|| counts((5, 1))).await;
    room.delete(seqs[0]).await.unwrap();
    eventually(|| counts((4, 1))).await;
    theirs.mark_read(seqs[2]).await.unwrap();
    eventually(|| counts((2, 1))).await;
    theirs.mark_unread(seqs[1]).await.unwrap();
    eventually(|| counts((4, 1))).await;
    theirs.send("I have read it").await.unwrap();
    eventually(|| counts((0, 0))).await;
}

#[tokio::test]
async fn typing_shows_and_a_message_ends_it() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    room.send("so").await.unwrap();
    let mut list = bob.rooms().await.unwrap();
    // A notice may overtake a message said before it, which would then end it.
    eventually(|| list.refresh().first().is_some_and(|room| room.unread == 1)).await;
    room.typing(true);
    eventually(|| list.refresh()[0].typing == [alice.me().unwrap()]).await;
    room.send("that").await.unwrap();
    eventually(|| list.refresh()[0].typing.is_empty()).await;
}

#[tokio::test]
async fn members_come_and_go() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let carol = client(&server, "carol").connect().await.unwrap();
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let mut list = carol.rooms().await.unwrap();
    assert!(list.items().is_empty());
    room.add_members(["carol"]).await.unwrap();
    eventually(|| list.refresh().len() == 1 && list.items()[0].member_count == 3).await;
    room.rename("Dinner").await.unwrap();
    eventually(|| list.refresh()[0].name == "Dinner").await;
    assert_eq!(room.members().await.unwrap().len(), 3);
    carol.room(room.id()).leave().await.unwrap();
    eventually(|| list.refresh().is_empty()).await;
    let gone = carol.room(room.id()).members().await;
    assert_eq!(gone.unwrap_err().reason(), Some(ErrorReason::RoomNotFound));
    let unknown = bob.open_direct("nobody").await;
    assert!(matches!(unknown, Err(CallError::Refused(_))), "{unknown:?}");
}

#[tokio::test]
async fn history_is_paged_and_downloaded() {
    let server = Server::roomy();
    let (alice, _bob) = pair(&server).await;
    let room = alice.create_group("Long", ["bob"]).await.unwrap();
    for n in 0..130 {
        room.send(format!("{n}")).await.unwrap();
    }
    room.edit(2, "edited").await.unwrap();
    // Another device of the same user begins with nothing.
    let other = client(&server, "alice").connect().await.unwrap();
    other.synced().await.unwrap();
    let mut timeline = other.room(room.id()).timeline().await.unwrap();
    eventually(|| timeline.refresh().len() == 50 || timeline.items().len() == 49).await;
    while timeline.load_older(40).await.unwrap() {
        timeline.refresh();
    }
    let shown = texts(timeline.refresh());
    let all: Vec<String> =
        (0..130).map(|n| if n == 0 { "edited".into() } else { format!("{n}") }).collect();
    assert_eq!(shown, all);
    other.room(room.id()).download_history().await.unwrap();
}

#[tokio::test]
async fn texts_out_of_bounds_are_refused_before_they_are_sent() {
    let server = Server::roomy();
    let (alice, _bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    assert_eq!(room.send("").await, Err(QueueError::Text));
    assert_eq!(room.send("x".repeat(16 * 1024 + 1)).await, Err(QueueError::Text));
    room.send("x".repeat(16 * 1024)).await.unwrap();
}

#[tokio::test]
async fn a_dropped_client_ends_and_its_handles_say_so() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let mut timeline = room.timeline().await.unwrap();
    drop(alice);
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        use futures_util::StreamExt;
        while timeline.next().await.is_some() {}
    });
    ended.await.expect("the stream ends");
    assert_eq!(room.send("x").await, Err(QueueError::Closed));
    bob.disconnect().await;
    assert!(matches!(bob.rooms().await, Err(CallError::Closed)));
}

/// Emoji and how many put them to the timeline's last message.
fn reactions(items: &[Item]) -> Vec<(String, usize)> {
    let last = items.iter().filter_map(Item::message).next_back();
    let reactions = last.map(|message| message.reactions.clone()).unwrap_or_default();
    reactions.into_iter().map(|reaction| (reaction.emoji, reaction.users.len())).collect()
}

#[tokio::test]
async fn reactions_and_replies_show_on_both_sides_and_on_a_new_device() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let (mut mine, mut theirs) =
        (room.timeline().await.unwrap(), bob.room(room.id()).timeline().await.unwrap());
    let question = room.send("well?").await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["well?"]).await;
    let seen = theirs.items().iter().filter_map(Item::message).next_back().unwrap().clone();
    seen.react("👍").await.unwrap();
    room.react(question.seq, "👍").await.unwrap();
    seen.react("🎉").await.unwrap();
    seen.unreact("🎉").await.unwrap();
    let both = [("👍".to_owned(), 2)];
    eventually(|| reactions(mine.refresh()) == both && reactions(theirs.refresh()) == both).await;
    let answer = seen.reply("yes").await.unwrap();
    eventually(|| texts(mine.refresh()) == ["well?", "yes"]).await;
    let reply = mine.items().iter().filter_map(Item::message).next_back().unwrap();
    assert_eq!((reply.seq(), reply.reply_to), (Some(answer.seq), Some(question.seq)));

    // A page of history has them as they are, too.
    let device = client(&server, "alice").connect().await.unwrap();
    let mut timeline = device.room(room.id()).timeline().await.unwrap();
    let first = |items: &[Item]| {
        let message = items.iter().filter_map(Item::message).next()?.clone();
        Some(message.reactions.iter().map(|r| (r.emoji.clone(), r.users.len())).collect::<Vec<_>>())
    };
    eventually(|| first(timeline.refresh()).is_some_and(|found| found == both)).await;
    let refused = room.react(question.seq, "word").await;
    assert!(matches!(refused, Err(QueueError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn what_happens_in_a_while_can_be_undone_until_then_and_holds_nothing_up() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = alice.open_direct("bob").await.unwrap();
    let (mut mine, mut theirs) =
        (room.timeline().await.unwrap(), bob.room(room.id()).timeline().await.unwrap());
    let one = room.send("one").await.unwrap().seq;
    eventually(|| texts(mine.refresh()) == ["one"] && texts(theirs.refresh()) == ["one"]).await;
    let long = Duration::from_secs(3600);
    let deletion = room.delete_after(one, long).await.unwrap();
    let message = room.queue_after("never", long).await.unwrap();
    eventually(|| texts(mine.refresh()) == ["(deleted)", "never"]).await;
    room.send("two").await.expect("it doesn't wait for those before");
    eventually(|| texts(theirs.refresh()) == ["one", "two"]).await;
    deletion.discard().await;
    message.discard().await;
    eventually(|| texts(mine.refresh()) == ["one", "two"]).await;
    // The other way: by the message, and with the time over.
    let first = |items: &[Item]| items.iter().find_map(Item::message).unwrap().clone();
    first(mine.items()).delete_after(long).await.unwrap();
    eventually(|| texts(mine.refresh()) == ["(deleted)", "two"]).await;
    first(mine.items()).discard().await.unwrap();
    eventually(|| texts(mine.refresh()) == ["one", "two"]).await;
    let soon = Duration::from_millis(20);
    room.delete_after(one, soon).await.unwrap().sent().await.unwrap();
    room.queue_after("three", soon).await.unwrap().sent().await.unwrap();
    eventually(|| texts(theirs.refresh()) == ["(deleted)", "two", "three"]).await;
}
