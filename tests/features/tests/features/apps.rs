//! Applications' events: who may publish them, who hears them, and once.

use bytes::Bytes;
use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    http::call,
    raw::{CallError, hello},
    server::Server,
    token::claims,
    world::{ORG, client_ref, group, join},
};
use parlour_protocol::{
    access::{PermissionOverride, SetOverridesRequest, permission_override::Subject},
    app::{AppEvent, AppSignal, PublishRequest, SignalRequest},
    generated::{
        EventMessage,
        rpc::{Publish, ReadLog, SetOverrides, Signal},
    },
    ids::RoomId,
    sync::ReadLogRequest,
    wire::{ErrorReason, event_frame},
};
use prost::Message;
use serde_json::json;

/// PERMISSION_PUBLISH_EVENTS.
const PUBLISH: u64 = 1 << 14;

fn event(name: &str) -> AppEvent {
    AppEvent {
        name: name.into(),
        content_type: "application/json".into(),
        payload: Bytes::from_static(b"{\"ok\":true}"),
    }
}

fn publish(room: &Bytes, event: &AppEvent) -> PublishRequest {
    let body = event.encode_to_vec().into();
    PublishRequest { room: room.clone(), client_ref: client_ref(), body }
}

fn is(result: Result<impl std::fmt::Debug, CallError>, reason: ErrorReason) {
    let error = result.expect_err("refused");
    assert_eq!(error.reason(), reason as i32, "{error:?}");
}

#[tokio::test]
async fn an_event_is_in_the_log_once_and_everyone_hears_it() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "builds", &["bob"]).await;
    bob.hears(101).await;
    let request = publish(&room, &event("com.example.build.finished"));
    let sent = ada.call::<Publish>(&request).await.expect("its creator may");
    let heard = bob.hears(AppEvent::RULE.kind).await;
    assert_eq!(heard.body, request.body, "the bytes as they were sent");
    let header = heard.header.expect("a header");
    assert_eq!((header.seq, header.msg_no), (sent.seq, 0), "it doesn't count");
    let again = ada.call::<Publish>(&request).await.expect("the same again");
    assert_eq!((again.seq, again.deduplicated), (sent.seq, true));
    let other =
        PublishRequest { body: event("com.example.other").encode_to_vec().into(), ..request };
    is(ada.call::<Publish>(&other).await, ErrorReason::RefConflict);
    let read = ReadLogRequest { room: room.clone(), from_seq: 1, ..Default::default() };
    let items = bob.bulk::<ReadLog>(&read).await.expect("read");
    let kinds: Vec<u32> = items
        .iter()
        .flat_map(|item| &item.events)
        .filter_map(|event| event.header.as_ref().map(|header| header.kind))
        .collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == AppEvent::RULE.kind).count(), 1);
}

#[tokio::test]
async fn members_publish_only_where_they_may_and_services_by_their_scope() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "builds", &["bob"]).await;
    let request = || publish(&room, &event("com.example.x"));
    let signal = SignalRequest {
        room: room.clone(),
        body: AppSignal { name: "com.example.x".into(), ..Default::default() }
            .encode_to_vec()
            .into(),
    };
    is(bob.call::<Publish>(&request()).await, ErrorReason::NotAllowed);
    is(bob.call::<Signal>(&signal).await, ErrorReason::NotAllowed);
    let subject = Some(Subject::User(bob.welcome().user.clone()));
    let overrides = vec![PermissionOverride { subject, allow: PUBLISH, deny: 0 }];
    let change = SetOverridesRequest { room: room.clone(), overrides };
    ada.call::<SetOverrides>(&change).await.expect("ada decides");
    bob.call::<Publish>(&request()).await.expect("bob may now");
    ada.call::<SetOverrides>(&SetOverridesRequest { room: room.clone(), overrides: vec![] })
        .await
        .expect("ada decides");
    is(bob.call::<Publish>(&request()).await, ErrorReason::NotAllowed);
    let scoped = TokenRequest { scope: Some("events:publish".into()), ..claims(ORG, "bob") };
    let service = server.door().connect(hello(server.sign(&scoped))).await.expect("welcomed");
    service.call::<Publish>(&request()).await.expect("its token says so");
    // The scope opens no room.
    let scoped = TokenRequest { scope: Some("events:publish".into()), ..claims(ORG, "eve") };
    let eve = server.door().connect(hello(server.sign(&scoped))).await.expect("welcomed");
    is(eve.call::<Publish>(&request()).await, ErrorReason::RoomNotFound);
    is(eve.call::<Signal>(&signal).await, ErrorReason::RoomNotFound);
}

#[tokio::test]
async fn a_signal_is_heard_by_those_who_are_there_and_kept_nowhere() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let eve = join(&server, "eve").await;
    let room = group(&ada, "builds", &["bob"]).await;
    bob.hears(101).await;
    let body: Bytes = AppSignal {
        name: "com.example.progress".into(),
        content_type: String::new(),
        payload: Bytes::from_static(b"42"),
    }
    .encode_to_vec()
    .into();
    ada.call::<Signal>(&SignalRequest { room: room.clone(), body: body.clone() })
        .await
        .expect("told");
    let heard = loop {
        match bob.event(std::time::Duration::from_secs(10)).await.expect("bob hears it") {
            event_frame::Frame::Ephemeral(heard) => break heard,
            _ => continue,
        }
    };
    assert_eq!((heard.kind, &heard.room, &heard.body), (AppSignal::RULE.kind, &room, &body));
    assert_eq!(heard.sender, ada.welcome().user);
    while let Some(frame) = eve.event(std::time::Duration::from_millis(300)).await {
        assert!(!matches!(frame, event_frame::Frame::Ephemeral(_)), "eve isn't in the room");
    }
    let read = ReadLogRequest { room: room.clone(), from_seq: 1, ..Default::default() };
    let items = bob.bulk::<ReadLog>(&read).await.expect("read");
    assert_eq!(items.iter().map(|item| item.events.len()).sum::<usize>(), 1, "only its beginning");
}

#[tokio::test]
async fn what_is_no_event_is_refused() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "builds", &[]).await;
    for name in
        ["", "build", "Com.example", "com..x", "parlour.x", &format!("a.{}", "b".repeat(200))]
    {
        is(ada.call::<Publish>(&publish(&room, &event(name))).await, ErrorReason::InvalidField);
    }
    let large = AppEvent { payload: vec![0; 49 * 1024].into(), ..event("com.example.x") };
    is(ada.call::<Publish>(&publish(&room, &large)).await, ErrorReason::InvalidField);
    let odd = AppEvent { content_type: "json".into(), ..event("com.example.x") };
    is(ada.call::<Publish>(&publish(&room, &odd)).await, ErrorReason::InvalidField);
    let mut garbage = publish(&room, &event("com.example.x"));
    garbage.body = Bytes::from_static(b"\xff\xff");
    is(ada.call::<Publish>(&garbage).await, ErrorReason::InvalidField);
    let mut anonymous = publish(&room, &event("com.example.x"));
    anonymous.client_ref = Bytes::new();
    is(ada.call::<Publish>(&anonymous).await, ErrorReason::InvalidField);
}

#[tokio::test]
async fn a_script_publishes_json_over_http() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "builds", &[]).await;
    ada.hears(101).await;
    let token = server.sign(&claims(ORG, "ada"));
    let id = RoomId::parse(&room).expect("an id").to_string();
    let own = parlour_protocol::ids::ClientRef::parse(&client_ref()).expect("a ref").to_string();
    let body = json!({
        "room": id,
        "client_ref": own,
        "body": { "name": "com.example.build.finished", "payload": { "ok": true, "ms": 1500 } },
    });
    let http = server.ready().http;
    let (status, lines) = call(http, &token, "AppService.Publish", &body);
    assert_eq!(status, 200, "{lines:?}");
    let heard = ada.hears(AppEvent::RULE.kind).await;
    let event = AppEvent::decode(heard.body).expect("an event");
    assert_eq!(event.content_type, "application/json");
    let payload: serde_json::Value = serde_json::from_slice(&event.payload).expect("JSON");
    assert_eq!(payload, json!({ "ok": true, "ms": 1500 }));
    let (_, lines) = call(http, &token, "SyncService.ReadLog?plain", &json!({ "room": id }));
    let events = lines[0]["item"]["events"].as_array().expect("events");
    let ours = events.iter().find(|e| e["header"]["kind"] == AppEvent::RULE.kind).expect("ours");
    assert_eq!(ours["body"]["payload"], json!({ "ok": true, "ms": 1500 }));
}
