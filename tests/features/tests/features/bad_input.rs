//! Bad input on the control lane: every kind with its error or its close code, while somebody
//! who behaves is served throughout.

use bytes::Bytes;
use parlour_features::{
    garble,
    random::Random,
    raw::{Client, client_frame, hello_frame, say_wrong},
    server::Server,
    world::{group, hello_of, join, say, text},
};
use parlour_protocol::{
    generated::{
        ControlRpc,
        rpc::{AddMembers, GetRoom, GetUsers, OpenDirect, RenameRoom, Send, Sync},
    },
    limits::{BODY_BYTES_MAX, CONTROL_FRAME_BYTES_MAX, TEXT_BYTES_MAX, USERS_PER_CALL_MAX},
    message::{MessagePosted, SendRequest},
    room::{AddMembersRequest, OpenDirectRequest, RenameRoomRequest},
    user::GetUsersRequest,
    wire::{Call, ClientFrame, CloseCode, ErrorReason, Ping, client_frame::Frame},
};
use prost::Message;

/// The bytes with their length before them.
fn framed(message: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    prost::encoding::encode_varint(message.len() as u64, &mut out);
    out.extend(message);
    out
}

/// Bytes of the control lane and what the connection is closed with.
fn wrong_frames() -> Vec<(&'static str, Vec<u8>, CloseCode)> {
    let mut random = Random::new(4);
    let ping = ClientFrame { frame: Some(Frame::Ping(Ping { nonce: 5, ..Ping::default() })) }
        .encode_to_vec();
    let huge = framed(&vec![0; CONTROL_FRAME_BYTES_MAX + 1]);
    let groups: Vec<u8> = [0x2b; 2000].to_vec();
    let call = |body: &[u8]| [&[0x12, body.len() as u8][..], body].concat();
    vec![
        ("a frame over the bound", huge, CloseCode::FrameTooLarge),
        ("a length of 4 GiB", vec![0xff, 0xff, 0xff, 0xff, 0x0f], CloseCode::FrameTooLarge),
        ("a length of six bytes", vec![0x80; 6], CloseCode::MalformedFrame),
        ("a length with a byte too many", vec![0x81, 0x00], CloseCode::MalformedFrame),
        (
            "an over-long varint",
            framed(&[&[0x22, 12, 0x08][..], &[0x80; 10], &[1]].concat()),
            CloseCode::MalformedFrame,
        ),
        ("groups in groups", framed(&groups), CloseCode::MalformedFrame),
        // Whole ones: what is wrong with them is that they are a thousand deep.
        (
            "groups in groups that end",
            framed(&[[0x2b; 1000], [0x2c; 1000]].concat()),
            CloseCode::MalformedFrame,
        ),
        ("a wire type that isn't one", framed(&[0x0f; 40]), CloseCode::MalformedFrame),
        ("a wrong wire type", framed(&[0x0d, 1, 2, 3, 4]), CloseCode::MalformedFrame),
        ("the field number 0", framed(&[0x02, 0x00]), CloseCode::MalformedFrame),
        ("a field that is cut off", framed(&call(&[0x1a, 0x7f, 1])), CloseCode::MalformedFrame),
        (
            "a length that lies",
            framed(&garble::length_bomb(&ping[..0], &mut random)),
            CloseCode::MalformedFrame,
        ),
        (
            "text that isn't UTF-8",
            framed(&[0x0a, 4, 0x22, 2, 0xff, 0xfe]),
            CloseCode::MalformedFrame,
        ),
    ]
}

#[tokio::test]
async fn wrong_frames_close_the_connection_with_their_code_before_and_after_the_welcome() {
    let mut server = Server::roomy();
    let good = join(&server, "ada").await;
    let room = group(&good, "kitchen", &[]).await;
    for (what, bytes, code) in wrong_frames() {
        let (goodbye, lost) = say_wrong(&server.door(), &bytes).await;
        assert!(lost.is(code), "{what}, instead of a hello: {lost:?}");
        assert_eq!(goodbye.map(|said| said.code), Some(code as i32), "{what}");
        let hello = hello_frame(hello_of(&server, "eve"));
        let (goodbye, lost) = say_wrong(&server.door(), &[&hello[..], &bytes].concat()).await;
        assert!(lost.is(code), "{what}, behind a hello: {lost:?}");
        assert_eq!(goodbye.map(|said| said.code), Some(code as i32), "{what}");
        let eve = join(&server, "eve").await;
        eve.say(&bytes).await.expect("connected");
        assert!(eve.closed().await.is(code), "{what}, after the welcome");
        say(&good, &room, what).await.expect("others are served meanwhile");
    }
    server.assert_well();
}

async fn reason<R: ControlRpc>(client: &Client, body: impl Into<Bytes>) -> ErrorReason {
    let pending = client.start_raw::<R>(R::METHOD.id, body.into()).await.expect("connected");
    let refused = pending.answer().await;
    let number = refused.err().map_or(0, |error| error.reason());
    ErrorReason::try_from(number).expect("a reason of the registry")
}

#[tokio::test]
async fn wrong_requests_are_answered_and_the_connection_lives_on() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    for method in [0, 5, 9, 999, u32::MAX, 50, 51, 52] {
        let unknown = ada.start_raw::<GetUsers>(method, Bytes::new()).await.expect("connected");
        let refused = unknown.answer().await.expect_err("no control method");
        assert_eq!(refused.reason(), ErrorReason::UnknownMethod as i32, "method {method}");
    }
    let refused = ada.bulk_raw(30, Bytes::new()).await.expect_err("no bulk method");
    assert_eq!(refused.reason(), ErrorReason::UnknownMethod as i32);

    use ErrorReason::{BodyTooLarge, InvalidField, MalformedRequest};
    let deep = vec![0x2b; 3000];
    assert_eq!(reason::<Send>(&ada, deep).await, MalformedRequest);
    assert_eq!(reason::<Send>(&ada, &b"\x0a\x7fcut"[..]).await, MalformedRequest);
    assert_eq!(
        reason::<OpenDirect>(&ada, &b"\x0a\x04\x12\x02\xff\xfe"[..]).await,
        MalformedRequest
    );
    assert_eq!(reason::<Send>(&ada, Bytes::new()).await, InvalidField);
    assert_eq!(reason::<GetRoom>(&ada, &b"\x0a\x0fshort-room-id-\x00"[..]).await, InvalidField);
    let nobody = OpenDirectRequest { with: None }.encode_to_vec();
    assert_eq!(reason::<OpenDirect>(&ada, nobody).await, InvalidField);
    let many =
        GetUsersRequest { users: vec![room.clone(); USERS_PER_CALL_MAX + 1], subjects: vec![] };
    assert_eq!(reason::<GetUsers>(&ada, many.encode_to_vec()).await, InvalidField);
    let name = RenameRoomRequest { room: room.clone(), name: "n".repeat(201) }.encode_to_vec();
    assert_eq!(reason::<RenameRoom>(&ada, name).await, InvalidField);
    let members = vec![parlour_features::world::by_subject("ada"); 101];
    let many = AddMembersRequest { room: room.clone(), members }.encode_to_vec();
    assert_eq!(reason::<AddMembers>(&ada, many).await, InvalidField);

    let with_body = |body: Vec<u8>| SendRequest { body: body.into(), ..text(&room, "") };
    let long = MessagePosted { text: "t".repeat(TEXT_BYTES_MAX + 1), ..MessagePosted::default() }
        .encode_to_vec();
    for body in [vec![], b"\xff\xff".to_vec(), b"\x0a\x02\xff\xfe".to_vec(), long] {
        assert_eq!(reason::<Send>(&ada, with_body(body).encode_to_vec()).await, InvalidField);
    }
    // A good text and padding in a field of the future, so that only the size is wrong.
    let padded = |len: usize| {
        let mut body =
            MessagePosted { text: "large".into(), ..MessagePosted::default() }.encode_to_vec();
        let padding = len - body.len() - 5;
        body.extend([0x9a, 0x06]);
        prost::encoding::encode_varint(padding as u64, &mut body);
        body.extend(vec![7; padding]);
        assert_eq!(body.len(), len);
        with_body(body).encode_to_vec()
    };
    assert_eq!(reason::<Send>(&ada, padded(BODY_BYTES_MAX + 1)).await, BodyTooLarge);
    assert_eq!(reason::<Send>(&ada, padded(BODY_BYTES_MAX)).await, ErrorReason::Unspecified);
    say(&ada, &room, "still here").await.expect("the connection lives on");
    let synced = ada.bulk::<Sync>(&Default::default()).await;
    assert!(synced.is_ok(), "and so do its bulk lanes: {synced:?}");
    server.assert_well();
}

#[tokio::test]
async fn more_calls_in_flight_than_announced_are_refused_one_by_one() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    let mut bytes = vec![];
    for id in 1..=2_000 {
        let body = text(&room, "flood").encode_to_vec().into();
        bytes.extend(client_frame(Frame::Call(Call { id: id << 32, method: 30, body, chain: 0 })));
    }
    ada.say(&bytes).await.expect("connected");
    // The answers of the flood go to nobody; those of well-behaved calls come after it.
    let mut answered = say(&ada, &room, "after").await;
    while let Err(refused) = &answered {
        assert_eq!(refused.reason(), ErrorReason::TooManyCalls as i32, "{refused:?}");
        answered = say(&ada, &room, "after").await;
    }
    let end = answered.expect("the loop ends with an answer").seq;
    assert!(end > 256 && end <= 2_002, "{end}");
}

#[tokio::test]
async fn a_hello_in_pieces_is_still_one_hello() {
    let server = Server::roomy();
    let hello = hello_frame(hello_of(&server, "ada"));
    let connection = server.door().handshake().await.expect("a handshake");
    let (mut send, recv) = connection.open_bi().await.expect("the control lane");
    for byte in hello.chunks(7) {
        send.write_all(byte).await.expect("the server reads");
        tokio::task::yield_now().await;
    }
    let mut lane = parlour_features::raw::Lane::new(recv);
    let first = lane.next::<parlour_protocol::wire::ServerFrame>().await;
    assert!(matches!(first, Ok(Some(_))), "{first:?}");
}
