//! Rooms: groups and direct rooms, who is in them, and what those outside can tell.

use bytes::Bytes;
use parlour_features::{
    raw::{CallError, Client},
    server::Server,
    world::{by_subject, client_ref, group, join, say, text},
};
use parlour_protocol::{
    generated::rpc::{
        AddMembers, CreateGroup, Delete, Edit, GetRoom, GetUsers, ListMembers, MarkRead,
        MarkUnread, OpenDirect, ReadLog, ReadTimeline, RemoveMember, RenameRoom, Send, Subscribe,
    },
    generated::{BulkRpc, ControlRpc},
    marker::{MarkReadRequest, MarkUnreadRequest},
    message::{DeleteRequest, EditRequest},
    room::{
        AddMembersRequest, CreateGroupRequest, GetRoomRequest, ListMembersRequest,
        OpenDirectRequest, RemoveMemberRequest, RenameRoomRequest, RoomKind,
    },
    sync::{ReadLogRequest, ReadTimelineRequest, SubscribeRequest},
    user::GetUsersRequest,
    wire::{ErrorReason, event_frame},
};
use prost::Message;

fn direct_with(sub: &str) -> OpenDirectRequest {
    OpenDirectRequest { with: Some(by_subject(sub)) }
}

#[tokio::test]
async fn a_direct_room_is_one_per_pair() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let (by_ada, by_bob) = (direct_with("bob"), direct_with("ada"));
    let (first, second) =
        tokio::join!(ada.call::<OpenDirect>(&by_ada), bob.call::<OpenDirect>(&by_bob));
    let (first, second) = (first.expect("opened"), second.expect("opened"));
    assert_eq!(u8::from(first.created) + u8::from(second.created), 1, "made once");
    let (seen_by_ada, seen_by_bob) = (first.room.expect("a room"), second.room.expect("a room"));
    assert_eq!(seen_by_ada.id, seen_by_bob.id);
    assert_eq!(seen_by_ada.kind, RoomKind::Direct as i32);
    assert_eq!(seen_by_ada.peer, bob.welcome().user);
    assert_eq!(seen_by_bob.peer, ada.welcome().user);
    let refused = ada.call::<OpenDirect>(&direct_with("nobody")).await.expect_err("nobody");
    assert_eq!(refused.reason(), ErrorReason::UserNotFound as i32);
    let with_self = ada.call::<OpenDirect>(&direct_with("ada")).await.expect_err("oneself");
    assert_eq!(with_self.reason(), ErrorReason::InvalidField as i32);
    let add = AddMembersRequest { room: seen_by_ada.id, members: vec![by_subject("ada")] };
    let refused = ada.call::<AddMembers>(&add).await.expect_err("a pair stays one");
    assert_eq!(refused.reason(), ErrorReason::DirectRoom as i32);
}

#[tokio::test]
async fn a_group_made_twice_with_one_ref_is_one_group() {
    let server = Server::roomy();
    let (ada, _bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let request = CreateGroupRequest {
        client_ref: client_ref(),
        name: "kitchen".into(),
        members: vec![by_subject("bob")],
    };
    let one = ada.call::<CreateGroup>(&request).await.expect("made").room;
    let two = ada.call::<CreateGroup>(&request).await.expect("found").room;
    assert_eq!(one, two);
    assert_eq!(one.expect("a room").member_count, 2);
}

#[tokio::test]
async fn those_who_are_added_learn_of_it_and_those_removed_hear_nothing_after() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "kitchen", &[]).await;
    let add = AddMembersRequest { room: room.clone(), members: vec![by_subject("bob")] };
    let added = ada.call::<AddMembers>(&add).await.expect("added").added;
    assert_eq!(added, vec![bob.welcome().user.clone()]);
    bob.hears(101).await;
    say(&ada, &room, "welcome").await.expect("sent");
    bob.hears(10).await;

    let remove = RemoveMemberRequest { room: room.clone(), user: bob.welcome().user.clone() };
    let not_his = RemoveMemberRequest { user: ada.welcome().user.clone(), ..remove.clone() };
    let refused = bob.call::<RemoveMember>(&not_his).await.expect_err("only the creator");
    assert_eq!(refused.reason(), ErrorReason::NotAllowed as i32);
    let mut sends = vec![];
    for n in 0..50 {
        if n == 25 {
            ada.call::<RemoveMember>(&remove).await.expect("removed");
        }
        let request = text(&room, &n.to_string());
        sends.push(ada.start::<Send>(&request).await.expect("connected"));
    }
    for send in sends {
        send.answer().await.expect("sent");
    }
    let removal = bob.hears(3).await.header.expect("a header").seq;
    bob.hears(102).await;
    // Whatever is still on its way is older than the answer to this.
    let lost = bob.call::<GetRoom>(&GetRoomRequest { room: room.clone() }).await;
    assert_eq!(lost.expect_err("not there").reason(), ErrorReason::RoomNotFound as i32);
    while let Some(frame) = bob.event(std::time::Duration::from_millis(200)).await {
        if let event_frame::Frame::RoomEvents(events) = frame {
            let after = events.events.iter().filter_map(|event| event.header.as_ref());
            assert!(after.into_iter().all(|header| header.seq <= removal), "heard after removal");
        }
    }
}

#[tokio::test]
async fn groups_are_renamed_read_and_listed_in_pages() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    for n in 0..7 {
        join(&server, &format!("user{n}")).await;
    }
    let others: Vec<String> = (0..7).map(|n| format!("user{n}")).collect();
    let others: Vec<&str> = others.iter().map(|sub| &sub[..]).collect();
    let room = group(&ada, "before", &others).await;
    let rename = RenameRoomRequest { room: room.clone(), name: "after".into() };
    let seq = ada.call::<RenameRoom>(&rename).await.expect("renamed").seq;
    let read = ada.call::<GetRoom>(&GetRoomRequest { room: room.clone() }).await.expect("read");
    assert_eq!(read.as_of_seq, seq);
    assert_eq!(read.room.expect("a room").name, "after");
    let mut request = ListMembersRequest { room, page_size: 3, ..Default::default() };
    let mut subjects = vec![];
    for _ in 0..3 {
        let page = ada.call::<ListMembers>(&request).await.expect("a page");
        subjects.extend(page.members.into_iter().map(|user| user.subject));
        request.page = page.next_page;
    }
    assert!(request.page.is_empty());
    subjects.sort_unstable();
    assert_eq!(subjects, [&["ada"], &others[..]].concat());
    let users = GetUsersRequest { subjects: vec!["ada".into(), "nobody".into()], users: vec![] };
    assert_eq!(ada.call::<GetUsers>(&users).await.expect("read").users.len(), 1);
}

/// The error's bytes, whatever is in them.
async fn refusal<R: ControlRpc>(client: &Client, request: &R::Request) -> Vec<u8> {
    match client.call::<R>(request).await {
        Err(CallError::Refused(error)) => error.encode_to_vec(),
        Err(lost) => panic!("{}: {lost:?}", R::METHOD.name),
        Ok(_) => panic!("{}: allowed", R::METHOD.name),
    }
}

async fn bulk_refusal<R: BulkRpc>(client: &Client, request: &R::Request) -> Vec<u8> {
    match client.bulk::<R>(request).await {
        Err(CallError::Refused(error)) => error.encode_to_vec(),
        Err(lost) => panic!("{}: {lost:?}", R::METHOD.name),
        Ok(_) => panic!("{}: allowed", R::METHOD.name),
    }
}

/// What every method that takes a room says about it.
async fn refusals(client: &Client, room: &Bytes) -> Vec<Vec<u8>> {
    let room = || room.clone();
    let user = client.welcome().user.clone();
    let (client_ref, body) = (client_ref(), text(&room(), "?").body);
    let edit = EditRequest { room: room(), client_ref: client_ref.clone(), target_seq: 2, body };
    let delete = DeleteRequest { room: room(), client_ref, target_seq: 2 };
    vec![
        refusal::<Send>(client, &text(&room(), "?")).await,
        refusal::<Edit>(client, &edit).await,
        refusal::<Delete>(client, &delete).await,
        refusal::<GetRoom>(client, &GetRoomRequest { room: room() }).await,
        refusal::<ListMembers>(client, &ListMembersRequest { room: room(), ..Default::default() })
            .await,
        refusal::<AddMembers>(client, &AddMembersRequest { room: room(), members: vec![] }).await,
        refusal::<RemoveMember>(client, &RemoveMemberRequest { room: room(), user }).await,
        refusal::<RenameRoom>(client, &RenameRoomRequest { room: room(), name: "x".into() }).await,
        refusal::<MarkRead>(client, &MarkReadRequest { room: room(), seq: 1 }).await,
        refusal::<MarkUnread>(client, &MarkUnreadRequest { room: room(), seq: 1 }).await,
        refusal::<Subscribe>(client, &SubscribeRequest { add: vec![room()], remove: vec![] }).await,
        bulk_refusal::<ReadLog>(client, &ReadLogRequest { room: room(), ..Default::default() })
            .await,
        bulk_refusal::<ReadTimeline>(
            client,
            &ReadTimelineRequest { room: room(), ..Default::default() },
        )
        .await,
    ]
}

#[tokio::test]
async fn a_room_one_may_not_see_is_answered_byte_for_byte_as_one_that_is_not_there() {
    let server = Server::roomy();
    let (ada, eve) = (join(&server, "ada").await, join(&server, "eve").await);
    let secret = group(&ada, "secret", &[]).await;
    say(&ada, &secret, "nobody sees this").await.expect("sent");
    let nowhere = Bytes::from_static(&[0x11; 16]);
    let (of_secret, of_nowhere) = (refusals(&eve, &secret).await, refusals(&eve, &nowhere).await);
    for (secret, nowhere) in of_secret.iter().zip(&of_nowhere) {
        assert_eq!(secret, nowhere);
    }
    let reasons = of_secret.iter().map(|bytes| {
        parlour_protocol::wire::Error::decode(&bytes[..]).expect("it was encoded").reason
    });
    for (method, reason) in reasons.enumerate() {
        assert_eq!(reason, ErrorReason::RoomNotFound as i32, "call {method}");
    }
}
