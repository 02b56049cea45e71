//! Bad input on other lanes: kinds nobody knows, lanes that break off, floods of them, and peers
//! that don't read.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_features::{
    raw::{Carrier, Client, Door, Lane, LaneError, bulk_open, lane_of, transport},
    server::Server,
    world::{group, hello_of, join, say, text},
};
use parlour_protocol::{
    frame,
    generated::rpc::{Send, Subscribe, Sync},
    limits::{BULK_LANES_MAX, CONTROL_FRAME_BYTES_MAX},
    message::{MessagePosted, SendRequest},
    sync::{SubscribeRequest, SyncRequest},
    wire::{
        BlobAnswer, BlobCall, BlobUpload, BulkCall, BulkItem, CloseCode, ErrorReason, EventFrame,
        LaneKind, LaneOpen, blob_answer, blob_call, event_frame,
    },
};
use prost::Message;
use quinn::VarInt;

async fn reset_code(client: &Client, bytes: &[u8]) -> Option<u32> {
    let mut lane = lane_of(client.connection(), bytes).await.expect("connected");
    match lane.next::<BulkItem>().await {
        Err(LaneError::Reset(code)) => Some(code),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn lanes_that_break_a_rule_are_reset_with_their_code_and_the_connection_lives_on() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    let open = |kind: i32| frame::encode(&LaneOpen { kind }).to_vec();
    let bulk = bulk_open().to_vec();
    let too_large = vec![0xff, 0xff, 0x3f];
    let cases = [
        ("an unknown kind", open(99), CloseCode::UnknownLane),
        ("no kind", open(0), CloseCode::UnknownLane),
        ("the server's kind", open(LaneKind::Event as i32), CloseCode::UnknownLane),
        ("nothing", vec![], CloseCode::TruncatedFrame),
        ("an opening that is cut off", bulk[..2].to_vec(), CloseCode::TruncatedFrame),
        ("no call", bulk.clone(), CloseCode::TruncatedFrame),
        ("half a call", [&bulk[..], &[9, 8]].concat(), CloseCode::TruncatedFrame),
        ("an opening over the bound", too_large.clone(), CloseCode::FrameTooLarge),
        ("a call over the bound", [&bulk[..], &too_large].concat(), CloseCode::FrameTooLarge),
        ("an over-long length", [&bulk[..], &[0x80; 6]].concat(), CloseCode::MalformedFrame),
        ("a call that is none", [&bulk[..], &[2, 0xff, 0xff]].concat(), CloseCode::MalformedFrame),
        ("an opening that is none", vec![2, 0xff, 0xff], CloseCode::MalformedFrame),
    ];
    for (what, bytes, code) in cases {
        assert_eq!(reset_code(&ada, &bytes).await, Some(code as u32), "{what}");
        ada.bulk::<Sync>(&SyncRequest::default()).await.expect("the next lane works");
    }
    let blob = open(LaneKind::Blob as i32);
    let cases = [
        ("no file", blob.clone(), CloseCode::TruncatedFrame),
        ("a file that is none", [&blob[..], &[2, 0xff, 0xff]].concat(), CloseCode::MalformedFrame),
        ("neither up nor down", [&blob[..], &[0]].concat(), CloseCode::MalformedFrame),
        ("a file over the bound", [&blob[..], &too_large].concat(), CloseCode::FrameTooLarge),
    ];
    for (what, bytes, code) in cases {
        assert_eq!(reset_code(&ada, &bytes).await, Some(code as u32), "{what}");
    }
    let largest = BulkCall { method: 50, body: vec![0; CONTROL_FRAME_BYTES_MAX].into() };
    let bytes = [&bulk[..], &frame::encode(&largest)].concat();
    assert_eq!(reset_code(&ada, &bytes).await, Some(CloseCode::FrameTooLarge as u32));
    server.assert_well();
}

#[tokio::test]
async fn a_clients_one_way_lane_is_stopped_as_unknown() {
    if Carrier::of_environment() == Carrier::WebSocket {
        return println!("not over WebSocket: there a client's lanes are all for both");
    }
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let mut lane = ada.connection().open_uni().await.expect("connected");
    lane.write_all(&bulk_open()).await.expect("the transport takes it");
    assert_eq!(lane.stopped().await, Some(CloseCode::UnknownLane as u32));
    ada.bulk::<Sync>(&SyncRequest::default()).await.expect("the connection lives on");
}

#[tokio::test]
async fn only_so_many_bulk_lanes_are_open_at_once() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let mut open = vec![];
    for _ in 0..BULK_LANES_MAX {
        let (mut send, recv) = ada.connection().open_bi().await.expect("a lane");
        send.write_all(&bulk_open()).await.expect("it takes bytes");
        open.push((send, recv));
    }
    let one_more = ada.connection().open_bi();
    let waits = tokio::time::timeout(Duration::from_millis(500), one_more).await;
    assert!(waits.is_err(), "the transport makes the client wait");
    say(&ada, &group(&ada, "kitchen", &[]).await, "live").await.expect("control is free");
    drop(open);
    ada.bulk::<Sync>(&SyncRequest::default()).await.expect("there is room again");
}

#[tokio::test]
async fn before_the_welcome_there_are_two_lanes_and_no_more() {
    let server = Server::roomy();
    let connection = server.door().handshake().await.expect("a handshake");
    let (one, two) = (connection.open_bi().await, connection.open_bi().await);
    assert!(one.is_ok() && two.is_ok());
    let third = tokio::time::timeout(Duration::from_millis(500), connection.open_bi()).await;
    assert!(third.is_err(), "the third lane has to wait");
}

#[tokio::test]
async fn a_flood_of_lanes_opened_and_reset_closes_that_connection() {
    let mut server = Server::roomy();
    let (ada, eve) = (join(&server, "ada").await, join(&server, "eve").await);
    let room = group(&ada, "kitchen", &[]).await;
    let mut opened = 0;
    while opened < 20_000 {
        let Ok((mut send, mut recv)) = eve.connection().open_bi().await else { break };
        let _ = send.write_all(&[4]).await;
        send.reset(1);
        recv.stop(1);
        opened += 1;
    }
    assert!(eve.closed().await.is(CloseCode::Flood), "after {opened} lanes");
    say(&ada, &room, "fine here").await.expect("others are served");
    server.assert_well();
}

#[tokio::test]
async fn a_flood_of_datagrams_closes_that_connection() {
    let mut server = Server::roomy();
    let (ada, eve) = (join(&server, "ada").await, join(&server, "eve").await);
    let room = group(&ada, "kitchen", &[]).await;
    let mut sent = 0;
    while sent < 1_000_000 && eve.connection().send_datagram(vec![0xff].into()).is_ok() {
        sent += 1;
        // The transport drops what waits too long.
        if sent % 500 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert!(eve.closed().await.is(CloseCode::Flood), "after {sent} datagrams");
    say(&ada, &room, "fine here").await.expect("others are served");
    server.assert_well();
}

#[tokio::test]
async fn uploads_that_say_one_thing_and_do_another_are_refused() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    let call = |size: u64, media_type: &str, upload: &'static [u8]| {
        let (upload, media_type) = (Bytes::from_static(upload), media_type.to_owned());
        let upload = BlobUpload { upload, size, media_type, sha256: Bytes::new() };
        let call = BlobCall { call: Some(blob_call::Call::Upload(upload)) };
        [frame::encode(&LaneOpen { kind: LaneKind::Blob as i32 }), frame::encode(&call)].concat()
    };
    let id = b"sixteen bytes it";
    let cases = [
        ("fewer bytes than announced", call(9, "text/plain", id), ErrorReason::BlobMismatch),
        ("no bytes at all", call(0, "text/plain", id), ErrorReason::InvalidField),
        ("no media type", call(9, "text", id), ErrorReason::InvalidField),
        ("no id", call(9, "text/plain", b"short"), ErrorReason::InvalidField),
        ("too much", call(u64::MAX, "text/plain", id), ErrorReason::BlobTooLarge),
        (
            "bytes before they are asked for",
            [call(9, "text/plain", b"sixteen other by"), b"too early".to_vec()].concat(),
            ErrorReason::MalformedRequest,
        ),
    ];
    for (what, bytes, reason) in cases {
        let mut lane = lane_of(ada.connection(), &bytes).await.expect("connected");
        let refused = loop {
            let answer = lane.next::<BlobAnswer>().await.expect("frames").expect("an answer");
            match answer.answer {
                Some(blob_answer::Answer::Ready(_)) => {}
                Some(blob_answer::Answer::Error(error)) => break error,
                other => panic!("{what}: {other:?}"),
            }
        };
        assert_eq!(refused.reason, reason as i32, "{what}");
    }
    server.assert_well();
}

/// A message whose body is as large as it may be.
fn largest(room: &Bytes) -> SendRequest {
    let mut body =
        MessagePosted { text: "large".into(), ..MessagePosted::default() }.encode_to_vec();
    body.extend([0x9a, 0x06]);
    prost::encoding::encode_varint(60_000, &mut body);
    body.extend(vec![7; 60_000]);
    SendRequest { body: body.into(), ..text(room, "") }
}

/// A door for clients that take little at once.
fn narrow_door(server: &Server) -> Door {
    let mut narrow = transport();
    narrow.stream_receive_window(VarInt::from_u32(64 * 1024));
    Door::with(server.ready().quic, &server.ready().sha256, narrow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_read_gets_a_gap_and_then_is_closed_as_too_slow() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    let door = narrow_door(&server);
    let deaf = door.connect_deaf(hello_of(&server, "deaf")).await.expect("welcomed");
    let late = door.connect_deaf(hello_of(&server, "late")).await.expect("welcomed");
    let room = group(&ada, "kitchen", &["deaf", "late"]).await;
    let since = Instant::now();
    // More than transport (1 MiB) and budget (1 MiB) hold, answered one after another.
    for _ in 0..60 {
        ada.call::<Send>(&largest(&room)).await.expect("the sender is not held up");
    }
    let recv = late.connection().accept_uni().await.expect("the event lane");
    let mut lane = Lane::new(recv);
    lane.next::<LaneOpen>().await.expect("frames").expect("what it is");
    let (mut last, mut gap) = (None, None);
    while gap.is_none() {
        let frame = lane.next::<EventFrame>().await.expect("frames").expect("no end");
        match frame.frame {
            Some(event_frame::Frame::RoomEvents(events)) => {
                for event in events.events {
                    let seq = event.header.expect("a header").seq;
                    assert!(last.is_none_or(|last| seq == last + 1), "no silent gap");
                    last = Some(seq);
                }
            }
            Some(event_frame::Frame::Gap(heard)) => gap = Some(heard),
            _ => {}
        }
    }
    let head = gap.expect("a gap was heard").rooms.first().cloned().expect("it names the room");
    assert_eq!(head.room, room);
    assert!(Some(head.seq) > last, "what was left out lies between {last:?} and {}", head.seq);
    // It catches up: subscribes, and hears what comes from the answered head on.
    let subscribe = SubscribeRequest { add: vec![room.clone()], remove: vec![] };
    let heads = late.call::<Subscribe>(&subscribe).await.expect("subscribed").heads;
    let sent = say(&ada, &room, "again").await.expect("sent").seq;
    assert_eq!(heads[0].seq + 1, sent);
    loop {
        let frame = lane.next::<EventFrame>().await.expect("frames").expect("no end");
        if let Some(event_frame::Frame::RoomEvents(events)) = frame.frame {
            assert_eq!(events.events[0].header.as_ref().expect("a header").seq, sent);
            break;
        }
    }
    let lost = tokio::time::timeout(Duration::from_secs(60), deaf.connection().closed()).await;
    let lost = lost.expect("it is closed");
    assert!(lost.is(CloseCode::TooSlow), "{lost:?}");
    assert!(since.elapsed() > Duration::from_secs(29), "after {:?}", since.elapsed());
    server.assert_well();
}
