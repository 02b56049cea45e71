//! The frames of PROTOCOL.md section 17, and the messages of section 50, as the code makes them.

use std::fmt::Write;

use bytes::Bytes;
use parlour_mux::{Mux, Side};
use parlour_protocol::{
    event, frame,
    generated::{EventMessage, Rpc, rpc},
    ids::{RoomId, uuid_v7},
    limits,
    message::{MessagePosted, SendRequest, SendResponse},
    prost::Message,
    sync::{ReadLogItem, ReadLogRequest, SeqRange},
    typing::Typing,
    wire::{
        BulkCall, BulkEnd, BulkItem, Call, ClientFrame, CloseCode, Ephemeral, Error, ErrorReason,
        Event, EventFrame, EventHeader, Gap, Goodbye, Hello, LaneKind, LaneOpen, Limits, Reply,
        RoomPulse, ServerFrame, Welcome, bulk_item, client_frame, event_frame, reply, server_frame,
    },
};

const ROOM: RoomId = RoomId::from_bytes([0x11; 16]);
const USER: Bytes = Bytes::from_static(&[0x44; 16]);
const AT_MS: u64 = 1_700_000_000_123;

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.chunks(24) {
        let line: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(out, "    {}", line.join(" "));
    }
    out
}

fn shown(parts: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> String {
    let mut out = String::new();
    for (what, bytes) in parts {
        let _ = writeln!(out, "{what}:\n\n{}", hex(&bytes));
    }
    out.trim_end().to_owned() + "\n"
}

fn to_server(frame: client_frame::Frame) -> Vec<u8> {
    frame::encode(&ClientFrame { frame: Some(frame) }).to_vec()
}

fn to_client(frame: server_frame::Frame) -> Vec<u8> {
    frame::encode(&ServerFrame { frame: Some(frame) }).to_vec()
}

fn client_ref() -> Bytes {
    Bytes::copy_from_slice(&uuid_v7(1_700_000_000_000, [0x22; 10]))
}

fn body() -> Bytes {
    MessagePosted { text: "Hello".into(), ..MessagePosted::default() }.encode_to_vec().into()
}

fn hello() -> Vec<u8> {
    to_server(client_frame::Frame::Hello(Hello {
        min_rev: 1,
        max_rev: 1,
        token: "eyJ...".into(),
        device: Bytes::from_static(&[0x33; 16]),
        delivery: 1,
        ..Hello::default()
    }))
}

/// What a server announces at least.
pub(crate) fn least() -> Limits {
    Limits {
        control_frame_bytes_max: limits::CONTROL_FRAME_BYTES_MAX as u32,
        bulk_frame_bytes_max: limits::BULK_FRAME_BYTES_MAX as u32,
        body_bytes_max: limits::BODY_BYTES_MAX as u32,
        text_bytes_max: limits::TEXT_BYTES_MAX as u32,
        mentions_max: limits::MENTIONS_MAX as u32,
        calls_in_flight_max: limits::CALLS_IN_FLIGHT_MAX as u32,
        bulk_lanes_max: limits::BULK_LANES_MAX as u32,
        subscriptions_max: limits::SUBSCRIPTIONS_MAX as u32,
        group_members_max: limits::GROUP_MEMBERS_MAX as u32,
    }
}

fn welcome() -> Vec<u8> {
    to_client(server_frame::Frame::Welcome(Welcome {
        rev: 1,
        session: Bytes::from_static(&[0x55; 16]),
        user: USER,
        org: Bytes::from_static(&[0x66; 16]),
        name: "Ada".into(),
        limits: Some(least()),
        auth_expires_ms: AT_MS + 3_600_000,
        resume: Bytes::from_static(&[0x77; 4]),
        server_time_ms: AT_MS,
        incarnation: Bytes::from_static(&[0x88; 16]),
        ..Welcome::default()
    }))
}

fn send() -> Vec<u8> {
    let request = SendRequest {
        room: ROOM.to_field(),
        client_ref: client_ref(),
        body: body(),
        ..SendRequest::default()
    };
    to_server(client_frame::Frame::Call(Call {
        id: 1,
        method: rpc::Send::METHOD.id,
        body: request.encode_to_vec().into(),
        chain: 0,
    }))
}

fn reply(id: u64, result: reply::Result) -> Vec<u8> {
    to_client(server_frame::Frame::Reply(Reply { id, result: Some(result) }))
}

fn refusal() -> Error {
    let reason = ErrorReason::RateLimited;
    Error {
        class: reason.error_class() as i32,
        reason: reason as i32,
        message: "too many calls".into(),
        retry: reason.retry() as i32,
        retry_after_ms: 500,
        violations: vec![],
    }
}

fn event() -> Bytes {
    let header = EventHeader {
        seq: 2,
        at_ms: AT_MS,
        sender: USER,
        kind: MessagePosted::RULE.kind,
        client_ref: client_ref(),
        msg_no: 1,
        ..EventHeader::default()
    };
    event::compose(&header, &body())
}

fn gap() -> Vec<u8> {
    let pulse = RoomPulse { room: ROOM.to_field(), seq: 900, msg_no: 850, ..RoomPulse::default() };
    let frame = event_frame::Frame::Gap(Gap { rooms: vec![pulse] });
    frame::encode(&EventFrame { frame: Some(frame) }).to_vec()
}

fn goodbye() -> Vec<u8> {
    to_client(server_frame::Frame::Goodbye(Goodbye {
        code: CloseCode::Draining as i32,
        retry_after_ms: 1_000,
        message: "the server goes away".into(),
    }))
}

fn bulk_call() -> Vec<u8> {
    let request = ReadLogRequest { room: ROOM.to_field(), from_seq: 2, to_seq: 4, limit: 0 };
    let call = BulkCall { method: rpc::ReadLog::METHOD.id, body: request.encode_to_vec().into() };
    let open = LaneOpen { kind: LaneKind::Bulk as i32 };
    [frame::encode(&open), frame::encode(&call)].concat()
}

/// An item with one event and one that can't be read, then the end.
fn bulk_items() -> Vec<u8> {
    let event = Event::decode(event()).unwrap();
    let damaged = vec![SeqRange { from_seq: 3, to_seq: 3 }];
    let item = ReadLogItem { events: vec![event], damaged, as_of_seq: 3, ..Default::default() };
    let items =
        [bulk_item::Item::Body(item.encode_to_vec().into()), bulk_item::Item::End(BulkEnd {})];
    items.map(|item| frame::encode(&BulkItem { item: Some(item) })).concat()
}

fn typing() -> Vec<u8> {
    let body = Typing { active: true }.encode_to_vec().into();
    let kind = Typing::RULE.kind;
    Ephemeral { room: ROOM.to_field(), kind, body, ..Ephemeral::default() }.encode_to_vec()
}

/// Section 17.
pub(crate) fn examples() -> String {
    let response = SendResponse { seq: 2, at_ms: AT_MS, deduplicated: false };
    let response = reply::Result::Body(response.encode_to_vec().into());
    let lane = frame::encode(&LaneOpen { kind: LaneKind::Event as i32 }).to_vec();
    shown([
        ("`Hello` with revision 1, token `eyJ...`, device 33 33 ..., on the control lane", hello()),
        (
            "`Welcome` to user 44 44 ... of organization 66 66 ..., session 55 55 ..., the least limits, \
             incarnation 88 88 ..., with a resume token that is longer in truth",
            welcome(),
        ),
        ("`LaneOpen{EVENT}`, the first frame of the event lane", lane),
        ("`Call{1, 30}` with a `SendRequest` to room 11 11 ..., text `Hello`", send()),
        ("`Reply{1}` with a `SendResponse`: seq 2", reply(1, response)),
        (
            "`Reply{2}` with the `Error` `RATE_LIMITED`, to be tried again after 500 ms",
            reply(2, reply::Result::Error(refusal())),
        ),
        (
            "`EventFrame` with the echo, from user 44 44 ...",
            event::room_events_frame(ROOM, &[event()]).to_vec(),
        ),
        ("`EventFrame` with a `Gap`: the room's head is 900, with 850 messages", gap()),
        (
            "`LaneOpen{BULK}` and `BulkCall{51}` with a `ReadLogRequest` for 2 to 4, on a bulk lane of \
             its own, which the client then ends",
            bulk_call(),
        ),
        (
            "The answer on that lane: a `BulkItem` with a `ReadLogItem` (event 2; 3 is damaged and the \
             head), and a `BulkItem` with the `end`",
            bulk_items(),
        ),
        (
            "`Ephemeral` with `Typing{true}` to room 11 11 ..., a datagram without a length",
            typing(),
        ),
        (
            "`Goodbye{DRAINING}`, not before 1 s; the connection is then closed with 0x300 and the same \
             words as its reason",
            goodbye(),
        ),
    ])
}

fn write(mux: &mut Mux, lane: u32, bytes: Vec<u8>) -> Vec<u8> {
    mux.write(lane, &mut [bytes.into()]).expect("a lane that is open");
    mux.poll_message().expect("what was written").to_vec()
}

/// The messages of section 50, as the two ends of a connection send them.
pub(crate) fn socket_messages() -> String {
    let (mut client, mut server) = (Mux::new(Side::Client), Mux::new(Side::Server));
    let control = client.open().expect("control");
    let said_hello = write(&mut client, control, hello());
    server.handle_message(said_hello.clone().into()).expect("a message");
    let lanes = {
        server.allow_lanes(9);
        server.poll_message().expect("leave for lanes").to_vec()
    };
    client.handle_message(lanes.clone().into()).expect("a message");
    let events = server.open().expect("the event lane");
    let open = frame::encode(&LaneOpen { kind: LaneKind::Event as i32 }).to_vec();
    let opened = write(&mut server, events, open);
    // After Welcome the client may have more under way.
    server.widen();
    server.accept();
    server.read(control, 64 * 1024).expect("the hello");
    let credit = server.poll_message().expect("credit").to_vec();
    let bulk = client.open().expect("a lane");
    client.write(bulk, &mut [bulk_call().into()]).expect("a lane that is open");
    client.finish(bulk);
    let asked = client.poll_message().expect("the call").to_vec();
    let other = client.open().expect("a lane");
    client.reset(other, CloseCode::Unspecified as u32);
    let reset = client.poll_message().expect("a reset").to_vec();
    client.stop(bulk, CloseCode::Unspecified as u32);
    let stop = client.poll_message().expect("a stop").to_vec();
    client.send_datagram(typing().into());
    let datagram = client.poll_message().expect("a datagram").to_vec();
    server.close(CloseCode::Draining as u32, "the server goes away");
    let close = server.poll_message().expect("a close").to_vec();
    shown([
        ("DATA, lane 0: the `Hello` of section 17", said_hello),
        ("LANES: the client may open 9", lanes),
        ("DATA, lane 1: `LaneOpen{EVENT}`", opened),
        ("CREDIT, lane 0: 256 KiB more than the hello", credit),
        ("END, lane 2: the `BulkCall` of section 17, and nothing after it", asked),
        ("RESET, lane 4, code 0", reset),
        ("STOP, lane 2, code 0", stop),
        ("DATAGRAM: the `Ephemeral` of section 17", datagram),
        ("CLOSE, code 0x300, `the server goes away`", close),
    ])
}
