//! Read markers and unread counts.

use parlour_features::{
    server::Server,
    world::{group, join, say, text},
};
use parlour_protocol::{
    generated::rpc::{Delete, MarkRead, MarkUnread, Send, Sync},
    marker::{MarkReadRequest, MarkUnreadRequest, Unread},
    message::{DeleteRequest, SendRequest},
    sync::{SyncRequest, sync_item},
    wire::ErrorReason,
};

async fn unread_of(client: &parlour_features::raw::Client) -> Unread {
    let items = client.bulk::<Sync>(&SyncRequest::default()).await.expect("synced");
    let digests = items.into_iter().filter_map(|item| match item.item {
        Some(sync_item::Item::Digests(digests)) => Some(digests.rooms),
        _ => None,
    });
    let digest = digests.flatten().next().expect("the room is in the list");
    digest.unread.expect("digests carry counts")
}

#[tokio::test]
async fn unread_counts_follow_markers_mentions_and_deletes() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "kitchen", &["bob"]).await;
    bob.hears(101).await;
    let first = say(&ada, &room, "one").await.expect("sent").seq;
    let second = say(&ada, &room, "two").await.expect("sent").seq;
    let mention = SendRequest { mentions: vec![bob.welcome().user.clone()], ..text(&room, "bob?") };
    let third = ada.call::<Send>(&mention).await.expect("sent").seq;
    bob.hears(110).await;
    assert_eq!(unread_of(&bob).await, Unread { messages: 3, mentions: 1 });

    let read = MarkReadRequest { room: room.clone(), seq: first };
    let marked = bob.call::<MarkRead>(&read).await.expect("marked");
    assert_eq!(marked.unread, Some(Unread { messages: 2, mentions: 1 }));
    let delete = DeleteRequest {
        room: room.clone(),
        client_ref: parlour_features::world::client_ref(),
        target_seq: second,
    };
    ada.call::<Delete>(&delete).await.expect("deleted");
    assert_eq!(unread_of(&bob).await, Unread { messages: 1, mentions: 1 });

    let all = MarkReadRequest { room: room.clone(), seq: third };
    let marked = bob.call::<MarkRead>(&all).await.expect("marked");
    assert_eq!(marked.unread, Some(Unread { messages: 0, mentions: 0 }));
    let back = MarkReadRequest { room: room.clone(), seq: first };
    let marked = bob.call::<MarkRead>(&back).await.expect("answered");
    assert_eq!(marked.marker.expect("a marker").seq, third, "reading never moves back");
    let unread = MarkUnreadRequest { room: room.clone(), seq: third };
    let marked = bob.call::<MarkUnread>(&unread).await.expect("marked");
    assert_eq!(marked.unread, Some(Unread { messages: 1, mentions: 1 }));
    say(&bob, &room, "yes?").await.expect("sent");
    assert_eq!(unread_of(&bob).await, Unread { messages: 0, mentions: 0 }, "own words are read");
}

#[tokio::test]
async fn a_stranger_can_not_be_mentioned() {
    let server = Server::roomy();
    let (ada, eve) = (join(&server, "ada").await, join(&server, "eve").await);
    let room = group(&ada, "kitchen", &[]).await;
    let mention = SendRequest { mentions: vec![eve.welcome().user.clone()], ..text(&room, "eve") };
    let refused = ada.call::<Send>(&mention).await.expect_err("eve isn't in the room");
    assert_eq!(refused.reason(), ErrorReason::InvalidField as i32);
}
