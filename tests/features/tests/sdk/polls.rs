//! The Rust SDK against a real server: polls.

use crate::clients::{client, eventually, pair, texts};
use parlour::{
    Client, Draft, Item, NewPoll, Poll, QueueError, Room, SendError, Timeline,
    protocol::wire::ErrorReason,
};
use parlour_features::server::Server;

fn lunch() -> NewPoll {
    NewPoll::new("Lunch?", ["Pizza", "Soup", "Salad"])
}

/// What a timeline shows of its last poll.
fn shown(timeline: &mut Timeline) -> Option<Poll> {
    let items = timeline.refresh();
    items.iter().rev().filter_map(Item::message).find_map(|message| message.poll.clone())
}

/// Its counts, how many have voted, and the own choice.
fn result(timeline: &mut Timeline) -> Option<(Vec<u64>, u64, Vec<u32>)> {
    let poll = shown(timeline)?;
    let tally = poll.tally.filter(|tally| !tally.is_old)?;
    Some((tally.votes, tally.voters, poll.own))
}

fn is(timeline: &mut Timeline, votes: [u64; 3], voters: u64, own: &[u32]) -> bool {
    result(timeline) == Some((votes.to_vec(), voters, own.to_vec()))
}

async fn group(alice: &Client) -> Room {
    alice.create_group("Lunch", ["bob"]).await.expect("a group")
}

fn refusal(result: Result<(), QueueError>) -> ErrorReason {
    let Err(QueueError::Failed(SendError::Refused(error))) = result else {
        panic!("not refused: {result:?}")
    };
    ErrorReason::try_from(error.reason).expect("a reason of this protocol")
}

#[tokio::test]
async fn votes_show_on_both_sides_and_on_a_new_device() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = group(&alice).await;
    let theirs = bob.room(room.id());
    let (mut mine, mut other) = (room.timeline().await.unwrap(), theirs.timeline().await.unwrap());
    let poll = NewPoll { max_choices: 2, ..lunch() };
    let draft = Draft { text: "hungry?".into(), ..poll.clone().into() };
    let seq = room.send(draft).await.unwrap().seq;
    eventually(|| shown(&mut other).is_some_and(|shown| shown.asked == poll)).await;
    theirs.vote(seq, [2, 0]).await.unwrap();
    room.vote(seq, [0]).await.unwrap();
    eventually(|| is(&mut mine, [2, 0, 1], 2, &[0])).await;
    eventually(|| is(&mut other, [2, 0, 1], 2, &[0, 2])).await;
    theirs.vote(seq, [1]).await.unwrap();
    room.vote(seq, []).await.unwrap();
    eventually(|| is(&mut mine, [0, 1, 0], 1, &[])).await;
    let voters = room.voters(seq).await.unwrap();
    assert_eq!(voters.len(), 1);
    assert_eq!((Some(voters[0].user), &voters[0].choices), (bob.me(), &vec![1]));
    let phone = client(&server, "bob").connect().await.unwrap();
    let mut fresh = phone.room(room.id()).timeline().await.unwrap();
    eventually(|| is(&mut fresh, [0, 1, 0], 1, &[1])).await;
    // It is a list of messages still: votes are no lines of their own.
    let words = texts(fresh.refresh());
    assert_eq!(words, ["hungry?"]);
    // And goes on live from the page.
    room.vote(seq, [2]).await.unwrap();
    eventually(|| is(&mut fresh, [0, 1, 1], 2, &[1])).await;
    assert_eq!(refusal(theirs.close_poll(seq).await), ErrorReason::NotAllowed);
    let seen = mine.items().iter().find_map(Item::message).unwrap().clone();
    seen.close_poll().await.unwrap();
    eventually(|| shown(&mut fresh).is_some_and(|poll| poll.is_closed)).await;
    assert_eq!(refusal(theirs.vote(seq, [0]).await), ErrorReason::PollClosed);
    eventually(|| is(&mut other, [0, 1, 1], 2, &[1])).await;
    // Elsewhere it is asked anew.
    let note = alice.create_group("Elsewhere", ["bob"]).await.unwrap();
    seen.forward(&note).await.unwrap();
    let mut asked = note.timeline().await.unwrap();
    eventually(|| is(&mut asked, [0, 0, 0], 0, &[])).await;
    room.delete(seq).await.unwrap();
    eventually(|| shown(&mut other).is_none()).await;
    assert_eq!(refusal(theirs.vote(seq, [0]).await), ErrorReason::MessageNotFound);
}

#[tokio::test]
async fn both_devices_know_an_anonymous_vote_and_nobody_else_does() {
    let server = Server::roomy();
    let (alice, desk) = pair(&server).await;
    let phone = client(&server, "bob").connect().await.unwrap();
    phone.synced().await.unwrap();
    let room = group(&alice).await;
    let (on_desk, on_phone) = (desk.room(room.id()), phone.room(room.id()));
    let mut timelines = vec![];
    for room in [&room, &on_desk, &on_phone] {
        timelines.push(room.timeline().await.unwrap());
    }
    let poll = NewPoll { is_anonymous: true, ..lunch() };
    let seq = room.send(Draft::from(poll)).await.unwrap().seq;
    eventually(|| timelines.iter_mut().all(|timeline| shown(timeline).is_some())).await;
    on_desk.vote(seq, [1]).await.unwrap();
    eventually(|| is(&mut timelines[0], [0, 1, 0], 1, &[])).await;
    eventually(|| is(&mut timelines[1], [0, 1, 0], 1, &[1])).await;
    eventually(|| is(&mut timelines[2], [0, 1, 0], 1, &[1])).await;
    // Both at once: one of them is the vote, on both devices.
    let (first, second) = tokio::join!(on_desk.vote(seq, [0]), on_phone.vote(seq, [2]));
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    let agree = |timelines: &mut Vec<Timeline>| {
        let all: Vec<_> = timelines.iter_mut().filter_map(result).collect();
        let [(counts, 1, none), desk, phone] = &all[..] else { return false };
        let is_one =
            desk.2 == [0] && counts[..] == [1, 0, 0] || desk.2 == [2] && counts[..] == [0, 0, 1];
        none.is_empty() && is_one && desk == phone && desk.0 == *counts
    };
    eventually(|| agree(&mut timelines)).await;
    let refused = room.voters(seq).await.unwrap_err();
    assert_eq!(refused.reason(), Some(ErrorReason::PollAnonymous));
}

#[tokio::test]
async fn votes_survive_kills_between_them_and_wait_for_the_server() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let room = group(&alice).await;
    let theirs = bob.room(room.id());
    let (mut mine, mut other) = (room.timeline().await.unwrap(), theirs.timeline().await.unwrap());
    let seq = room.send(Draft::from(NewPoll { is_anonymous: true, ..lunch() })).await.unwrap().seq;
    // Acknowledged isn't delivered: what Bob hasn't heard of yet he can't show without a server.
    eventually(|| shown(&mut other).is_some()).await;
    for round in 0..3u32 {
        let place = round % 3;
        room.vote(seq, [place]).await.unwrap();
        server.kill();
        // Written down, shown, and sent when the server is back.
        let waiting = {
            let theirs = theirs.clone();
            tokio::spawn(async move { theirs.vote(seq, [(place + 1) % 3]).await })
        };
        eventually(|| shown(&mut other).is_some_and(|poll| poll.own == [(place + 1) % 3])).await;
        server.run().unwrap();
        waiting.await.unwrap().unwrap();
        let mut votes = [0; 3];
        votes[place as usize] = 1;
        votes[((place + 1) % 3) as usize] = 1;
        eventually(|| is(&mut mine, votes, 2, &[place])).await;
        eventually(|| is(&mut other, votes, 2, &[(place + 1) % 3])).await;
    }
}

#[tokio::test]
async fn a_poll_shows_without_a_connection_as_it_was_left() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = || client(&server, "carol").cache(folder.path().join("carol.db"));
    let carol = kept().connect().await.unwrap();
    carol.synced().await.unwrap();
    let room = alice.create_group("Lunch", ["bob", "carol"]).await.unwrap();
    let seq = room.send(Draft::from(lunch())).await.unwrap().seq;
    room.vote(seq, [0]).await.unwrap();
    let mut timeline = carol.room(room.id()).timeline().await.unwrap();
    eventually(|| is(&mut timeline, [1, 0, 0], 1, &[])).await;
    carol.room(room.id()).vote(seq, [2]).await.unwrap();
    eventually(|| is(&mut timeline, [1, 0, 1], 2, &[2])).await;
    drop(timeline);
    carol.disconnect().await;
    // Meanwhile more happens than is read one by one.
    let theirs = bob.room(room.id());
    for n in 0..300u32 {
        room.vote(seq, [n % 2]).await.unwrap();
        theirs.vote(seq, [(n + 1) % 2]).await.unwrap();
    }
    let carol = kept();
    server.kill();
    let carol = carol.start().await.unwrap();
    let mut timeline = carol.room(room.id()).timeline().await.unwrap();
    eventually(|| is(&mut timeline, [1, 0, 1], 2, &[2])).await;
    server.run().unwrap();
    // Alice ended with soup and Bob with pizza; Carol stays with her salad.
    for _ in 0..1000 {
        if is(&mut timeline, [1, 1, 1], 3, &[2]) {
            break;
        }
        // Pages of votes, down to the poll.
        let _ = timeline.load_older(50).await;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(result(&mut timeline), Some((vec![1, 1, 1], 3, vec![2])));
}
