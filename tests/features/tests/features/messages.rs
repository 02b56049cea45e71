//! Messages between two people: sent, heard, edited, deleted, sent again.

use std::time::Duration;

use bytes::Bytes;
use parlour_features::{
    raw::{Client, PATIENCE},
    server::{Options, ROOMY, Server},
    world::{client_ref, group, join, say, text, text_of},
};
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::rpc::{Delete, Edit, ReadLog, ReadTimeline, Send},
    message::{DeleteRequest, EditRequest, MessageEdited, MessagePosted, SendRequest},
    sync::{ReadLogRequest, ReadTimelineRequest},
    wire::{ErrorReason, Event, event_frame::Frame},
};
use prost::Message;

async fn pair(server: &Server) -> (Client, Client, Bytes) {
    let bob = join(server, "bob").await;
    let ada = join(server, "ada").await;
    let room = group(&ada, "kitchen", &["bob"]).await;
    // What is told before that is only pointed out to them.
    for client in [&ada, &bob] {
        client.hears(101).await;
    }
    (ada, bob, room)
}

async fn log_of(client: &Client, room: &Bytes) -> Vec<Event> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..ReadLogRequest::default() };
    let items = client.bulk::<ReadLog>(&request).await.expect("a member reads the log");
    items.into_iter().flat_map(|item| item.events).collect()
}

#[tokio::test]
async fn a_message_reaches_the_other_and_echoes_to_the_sender() {
    let server = Server::roomy();
    let (ada, bob, room) = pair(&server).await;
    let request = text(&room, "hello, bob");
    let sent = ada.call::<Send>(&request).await.expect("a member sends");
    for client in [&ada, &bob] {
        let event = client.hears(10).await;
        let header = event.header.expect("every event has a header");
        assert_eq!(text_of(&event.body), "hello, bob");
        assert_eq!((header.seq, header.at_ms), (sent.seq, sent.at_ms));
        assert_eq!(header.client_ref, request.client_ref);
        assert_eq!(header.sender, ada.welcome().user);
    }
}

#[tokio::test]
async fn a_large_room_hears_everything_in_order_from_a_server_with_threads_to_spare() {
    // With four threads or more, a room of this size is told by several of them.
    let server = Server::start(Options::config(format!("threads = 4\n{ROOMY}")));
    let names: Vec<String> = (0..70).map(|n| format!("hearer-{n}")).collect();
    let mut hearers = vec![];
    for name in names.iter().chain(&names) {
        hearers.push(join(&server, name).await);
    }
    let ada = join(&server, "ada").await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let room = group(&ada, "hall", &names).await;
    for hearer in &hearers {
        hearer.hears(101).await;
    }
    for n in 0..20 {
        say(&ada, &room, &format!("{n}")).await.expect("a member sends");
    }
    for hearer in &hearers {
        // Several may come in one frame.
        let mut heard = vec![];
        while heard.len() < 20 {
            if let Some(Frame::RoomEvents(frame)) = hearer.event(PATIENCE).await {
                heard.extend(frame.events);
            }
        }
        for (n, event) in heard.into_iter().enumerate() {
            assert_eq!(text_of(&event.body), n.to_string());
            assert_eq!(event.header.map(|header| header.seq), Some(n as u64 + 2));
        }
    }
}

#[tokio::test]
async fn bodies_arrive_as_the_bytes_they_were_sent_as() {
    let server = Server::roomy();
    let (ada, bob, room) = pair(&server).await;
    // A field that no server of today knows.
    let mut body = MessagePosted { text: "from the future".into(), ..MessagePosted::default() }
        .encode_to_vec();
    body.extend([0x9a, 0x06, 0x03, 1, 2, 3]);
    let request = SendRequest { body: body.clone().into(), ..text(&room, "") };
    ada.call::<Send>(&request).await.expect("unknown fields are no fault");
    assert_eq!(bob.hears(10).await.body, body);
    let log = log_of(&bob, &room).await;
    assert_eq!(log.last().expect("the log has the message").body, body);
}

#[tokio::test]
async fn the_same_ref_is_the_same_message_and_another_body_a_conflict() {
    let server = Server::roomy();
    let (ada, _bob, room) = pair(&server).await;
    let request = text(&room, "once");
    let first = ada.call::<Send>(&request).await.expect("sent");
    let again = ada.call::<Send>(&request).await.expect("sent again");
    assert!(!first.deduplicated && again.deduplicated);
    assert_eq!((first.seq, first.at_ms), (again.seq, again.at_ms));
    let other = SendRequest { body: text(&room, "twice").body, ..request.clone() };
    let refused = ada.call::<Send>(&other).await.expect_err("another body");
    assert_eq!(refused.reason(), ErrorReason::RefConflict as i32);
    let edit = EditRequest {
        room: room.clone(),
        client_ref: request.client_ref,
        target_seq: first.seq,
        body: request.body,
    };
    let refused = ada.call::<Edit>(&edit).await.expect_err("another method");
    assert_eq!(refused.reason(), ErrorReason::RefConflict as i32);
}

#[tokio::test]
async fn two_sends_with_one_ref_in_flight_make_one_message() {
    let server = Server::roomy();
    let (ada, _bob, room) = pair(&server).await;
    let request = text(&room, "once");
    let (one, two) = tokio::join!(ada.call::<Send>(&request), ada.call::<Send>(&request));
    let (one, two) = (one.expect("sent"), two.expect("sent"));
    assert_eq!(one.seq, two.seq);
    assert_eq!(log_of(&ada, &room).await.len() as u64, one.seq);
}

#[tokio::test]
async fn sends_of_one_device_keep_their_order() {
    let server = Server::roomy();
    let (ada, bob, room) = pair(&server).await;
    let mut pending = vec![];
    for n in 0..200 {
        let request = text(&room, &n.to_string());
        pending.push(ada.start::<Send>(&request).await.expect("connected"));
    }
    let mut last = 0;
    for pending in pending {
        let seq = pending.answer().await.expect("sent").seq;
        assert!(seq > last);
        last = seq;
    }
    let log = log_of(&bob, &room).await;
    for (n, event) in log[1..].iter().enumerate() {
        assert_eq!(text_of(&event.body), n.to_string());
    }
}

#[tokio::test]
async fn an_edit_amends_and_a_delete_erases() {
    let server = Server::roomy();
    let (ada, bob, room) = pair(&server).await;
    let sent = say(&ada, &room, "teh tea").await.expect("sent");
    let edit = EditRequest {
        room: room.clone(),
        client_ref: client_ref(),
        target_seq: sent.seq,
        body: MessageEdited { text: "the tea".into(), ..Default::default() }.encode_to_vec().into(),
    };
    let refused = bob.call::<Edit>(&edit).await.expect_err("not bob's message");
    assert_eq!(refused.reason(), ErrorReason::NotAllowed as i32);
    ada.call::<Edit>(&edit).await.expect("ada's own message");
    let edited = bob.hears(11).await;
    assert_eq!(edited.header.expect("a header").target_seq, sent.seq);

    let before_seq = sent.seq + 1;
    let page = ReadTimelineRequest { room: room.clone(), before_seq, limit: 1 };
    let items = bob.bulk::<ReadTimeline>(&page).await.expect("a member reads");
    assert_eq!(items.iter().map(|item| item.amendments.len()).sum::<usize>(), 1);

    let delete =
        DeleteRequest { room: room.clone(), client_ref: client_ref(), target_seq: sent.seq };
    ada.call::<Delete>(&delete).await.expect("ada's own message");
    bob.hears(12).await;
    let erased = |log: &[Event]| log.iter().filter(|event| event.body.is_empty()).count();
    // The edit's text goes right after the delete, from the outbox.
    let mut log = log_of(&bob, &room).await;
    for _ in 0..500 {
        if erased(&log) == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        log = log_of(&bob, &room).await;
    }
    let whole = log.iter().map(|event| String::from_utf8_lossy(&event.body)).collect::<String>();
    assert!(!whole.contains("tea"), "neither the message nor its edit is left");
    let tombstone = log[sent.seq as usize - 1].header.as_ref().expect("a header");
    assert_eq!(tombstone.flags & FLAG_ERASED, FLAG_ERASED);
    let again = EditRequest { client_ref: client_ref(), ..edit };
    let refused = ada.call::<Edit>(&again).await.expect_err("it is gone");
    assert_eq!(refused.reason(), ErrorReason::MessageNotFound as i32);
}

#[tokio::test]
async fn refs_of_another_age_are_refused() {
    let server = Server::roomy();
    let (ada, _bob, room) = pair(&server).await;
    let now = parlour_daemon::clock::unix_ms();
    let day = 24 * 3600 * 1000;
    for (made_ms, reason) in
        [(now - 31 * day, ErrorReason::RefExpired), (now + day, ErrorReason::RefExpired)]
    {
        let made = parlour_protocol::ids::uuid_v7(made_ms, [7; 10]);
        let client_ref = Bytes::copy_from_slice(&made);
        let request = SendRequest { client_ref, ..text(&room, "late") };
        let refused = ada.call::<Send>(&request).await.expect_err("too old or too new");
        assert_eq!(refused.reason(), reason as i32);
    }
}
