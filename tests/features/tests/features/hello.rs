//! Hello and negotiation: revisions, grease, unknown fields and frames, and what may not be said
//! first.

use std::time::{Duration, Instant};

use bytes::Bytes;
use parlour_features::{
    raw::{self, CallError, Lost, closed, hello, hello_frame, say_wrong},
    server::Server,
    world::{hello_of, join},
};
use parlour_protocol::{
    frame,
    generated::rpc::GetUsers,
    limits,
    user::GetUsersRequest,
    wire::{ClientFrame, CloseCode, Hello, Ping, client_frame, server_frame},
};
use prost::Message;

#[tokio::test]
async fn a_hello_is_welcomed_with_what_the_protocol_promises() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let welcome = ada.welcome();
    assert_eq!((welcome.rev, &welcome.name[..]), (1, "ada"));
    for id in [&welcome.session, &welcome.user, &welcome.org, &welcome.incarnation] {
        assert_eq!(id.len(), 16);
    }
    assert!(welcome.features.iter().all(|feature| feature % 31 != 27), "grease is not answered");
    let announced = welcome.limits.expect("limits are announced");
    assert!(announced.control_frame_bytes_max >= 64 * 1024);
    assert!(announced.bulk_frame_bytes_max >= 1024 * 1024);
    assert!(announced.body_bytes_max >= 60 * 1024 && announced.text_bytes_max >= 16 * 1024);
    assert!(announced.mentions_max >= 100 && announced.calls_in_flight_max >= 256);
    assert!(announced.bulk_lanes_max >= 16 && announced.subscriptions_max >= 1_000);
    assert!(announced.group_members_max >= 10_000);
}

#[tokio::test]
async fn revisions_of_the_future_are_negotiated_down_and_foreign_ones_refused() {
    let server = Server::roomy();
    let both = Hello { min_rev: 1, max_rev: 9, ..hello_of(&server, "ada") };
    let ada = server.door().connect(both).await.expect("revision 1 is in common");
    assert_eq!(ada.welcome().rev, 1);
    for (min_rev, max_rev) in [(2, 9), (0, 0), (1, 0)] {
        let foreign = Hello { min_rev, max_rev, ..hello_of(&server, "ada") };
        let (goodbye, lost) = say_wrong(&server.door(), &hello_frame(foreign)).await;
        assert!(lost.is(CloseCode::NoCommonRevision), "{min_rev}..{max_rev}: {lost:?}");
        let goodbye = goodbye.expect("every refusal has a goodbye");
        assert_eq!(goodbye.code, CloseCode::NoCommonRevision as i32);
    }
}

#[tokio::test]
async fn unknown_fields_features_and_frames_are_ignored() {
    let server = Server::roomy();
    let mut hello = hello_of(&server, "ada");
    hello.features = (0..40).map(|n| 31 * n + 27).collect();
    hello.delivery = 77;
    let frame = ClientFrame { frame: Some(client_frame::Frame::Hello(hello)) };
    // Fields 500 (a number) and 501 (bytes) beside the oneof.
    let mut bytes = frame.encode_to_vec();
    bytes.extend([0xa0, 0x1f, 0x01, 0xaa, 0x1f, 0x02, 0xff, 0xfe]);
    let connection = server.door().handshake().await.expect("a handshake");
    let (mut send, recv) = connection.open_bi().await.expect("the control lane");
    let mut framed = vec![];
    prost::encoding::encode_varint(bytes.len() as u64, &mut framed);
    framed.extend(bytes);
    // Then a frame with an arm of the future, an empty one, and a ping that shows it all went on.
    framed.extend([0x04, 0xf2, 0x01, 0x01, 0x00, 0x00]);
    framed.extend(raw::client_frame(client_frame::Frame::Ping(Ping {
        nonce: 99,
        ..Ping::default()
    })));
    send.write_all(&framed).await.expect("the server reads");
    let mut lane = raw::Lane::new(recv);
    let mut seen = vec![];
    while seen.len() < 2 {
        let frame = lane.next::<parlour_protocol::wire::ServerFrame>().await;
        seen.push(frame.expect("frames").expect("no end").frame.expect("a known frame"));
    }
    assert!(matches!(seen[0], server_frame::Frame::Welcome(_)), "{seen:?}");
    assert!(matches!(&seen[1], server_frame::Frame::Pong(pong) if pong.nonce == 99), "{seen:?}");
}

#[tokio::test]
async fn nothing_but_a_hello_comes_first_and_only_once() {
    let server = Server::roomy();
    let ping = raw::client_frame(client_frame::Frame::Ping(Ping { nonce: 1, ..Ping::default() }));
    let empty = frame::encode(&ClientFrame { frame: None });
    for first in [ping, empty] {
        let (goodbye, lost) = say_wrong(&server.door(), &first).await;
        assert!(lost.is(CloseCode::UnexpectedFrame), "{lost:?}");
        assert!(goodbye.is_some());
    }
    let ada = join(&server, "ada").await;
    ada.say(&hello_frame(hello_of(&server, "ada"))).await.expect("connected");
    assert!(ada.closed().await.is(CloseCode::UnexpectedFrame));
    let said = ada.notice(raw::PATIENCE).await;
    assert!(matches!(said, Some(server_frame::Frame::Goodbye(_))), "{said:?}");
}

#[tokio::test]
async fn calls_right_behind_the_hello_are_answered_after_the_welcome() {
    let server = Server::roomy();
    let connection = server.door().handshake().await.expect("a handshake");
    let (mut send, recv) = connection.open_bi().await.expect("the control lane");
    let mut bytes = hello_frame(hello_of(&server, "ada")).to_vec();
    for id in 1..=20 {
        let call = parlour_protocol::wire::Call { id, method: 10, body: Bytes::new(), chain: 0 };
        bytes.extend(raw::client_frame(client_frame::Frame::Call(call)));
    }
    send.write_all(&bytes).await.expect("the server reads");
    let mut lane = raw::Lane::new(recv);
    for n in 0..=20 {
        let frame = lane.next::<parlour_protocol::wire::ServerFrame>().await;
        let frame = frame.expect("frames").expect("no end").frame;
        match frame {
            Some(server_frame::Frame::Welcome(_)) => assert_eq!(n, 0),
            Some(server_frame::Frame::Reply(reply)) => assert_eq!(reply.id, n),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_malformed_hello_is_refused() {
    let server = Server::roomy();
    let good = hello_of(&server, "ada");
    let wrong = [
        ("short device", Hello { device: Bytes::from_static(&[1; 15]), ..good.clone() }),
        ("no device", Hello { device: Bytes::new(), ..good.clone() }),
        ("long agent", Hello { agent: "a".repeat(limits::AGENT_BYTES_MAX + 1), ..good.clone() }),
        (
            "long resume",
            Hello { resume: vec![1; limits::RESUME_BYTES_MAX + 1].into(), ..good.clone() },
        ),
    ];
    for (what, hello) in wrong {
        let (goodbye, lost) = say_wrong(&server.door(), &hello_frame(hello)).await;
        assert!(lost.is(CloseCode::MalformedFrame), "{what}: {lost:?}");
        assert!(goodbye.is_some(), "{what}");
    }
    let good = server.door().connect(good).await;
    assert!(good.is_ok(), "the same hello without the fault is welcomed");
}

#[tokio::test]
async fn another_application_protocol_gets_no_connection() {
    let server = Server::roomy();
    let ready = server.ready();
    for alpn in [&b"h2"[..], b"parlour/2"] {
        let door = raw::Door::speaking(alpn, ready.quic, &ready.sha256, raw::transport());
        assert!(matches!(door.handshake().await, Err(Lost::Transport(_))));
    }
}

#[tokio::test]
async fn a_resume_token_keeps_the_session_for_its_own_device_only() {
    let server = Server::roomy();
    let first = hello_of(&server, "ada");
    let ada = server.door().connect(first.clone()).await.expect("welcomed");
    let resume = ada.welcome().resume.clone();
    let again = Hello { resume: resume.clone(), ..first.clone() };
    let again = server.door().connect(again).await.expect("welcomed");
    assert!(again.welcome().resumed);
    assert_eq!(again.welcome().session, ada.welcome().session);
    let mut forged = resume.to_vec();
    forged[20] ^= 1;
    let other_device = Hello { resume: resume.clone(), ..hello_of(&server, "ada") };
    let other_user = Hello { resume, device: first.device.clone(), ..hello_of(&server, "eve") };
    let forged = Hello { resume: forged.into(), ..first };
    for hello in [other_device, other_user, forged] {
        let client = server.door().connect(hello).await.expect("resuming is never required");
        assert!(!client.welcome().resumed);
        assert_ne!(client.welcome().session, ada.welcome().session);
    }
}

#[tokio::test]
async fn a_peer_that_never_says_hello_is_closed_within_five_seconds() {
    let server = Server::roomy();
    // One says nothing at all, one opens its lane, one stops within the hello.
    let door = server.door();
    let silent = door.handshake().await.expect("a handshake");
    let opened = door.handshake().await.expect("a handshake");
    let (mut send, _recv) = opened.open_bi().await.expect("the control lane");
    let half = &hello_frame(hello("never finished"))[..5];
    send.write_all(half).await.expect("the server reads");
    let began = Instant::now();
    for connection in [silent, opened] {
        let lost = closed(&connection).await;
        assert!(lost.is(CloseCode::HelloTimeout), "{lost:?}");
    }
    let took = began.elapsed();
    assert!(took < Duration::from_secs(7), "took {took:?}");
    assert!(took > Duration::from_secs(4), "took {took:?}");
}

#[tokio::test]
async fn the_control_lane_lasts_as_long_as_the_connection() {
    let server = Server::roomy();
    for code in [None, Some(7)] {
        let ada = join(&server, "ada").await;
        ada.end_control(code).await;
        assert!(ada.closed().await.is(CloseCode::ControlLost), "{code:?}");
    }
    let ada = join(&server, "ada").await;
    ada.say(&[0x20, 1, 2]).await.expect("connected");
    ada.end_control(None).await;
    assert!(ada.closed().await.is(CloseCode::TruncatedFrame));
}

#[tokio::test]
async fn a_client_may_change_its_address() {
    let server = Server::roomy();
    let door = server.door();
    let ada = door.connect(hello_of(&server, "ada")).await.expect("welcomed");
    door.move_away();
    let answer = ada.call::<GetUsers>(&GetUsersRequest::default()).await;
    assert!(!matches!(answer, Err(CallError::Lost(_))), "{answer:?}");
}
