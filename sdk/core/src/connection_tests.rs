//! Hello and welcome, pipelined calls, pings, and peers that break the rules.

use parlour_protocol::{
    frame::FrameError,
    ids::DeviceId,
    wire::{EventFrame, Gap, LaneKind, LaneOpen, Pong, Reply, event_frame},
};

use super::*;

const fn at(secs: u64) -> Now {
    Now { unix_ms: secs * 1000, elapsed: Duration::from_secs(secs) }
}

fn introduction() -> Introduction {
    Introduction {
        token: "token".into(),
        device: DeviceId::from_bytes([3; 16]),
        resume: Bytes::new(),
        delivery: Delivery::All,
        intents: vec![],
        agent: "test".into(),
    }
}

fn sent(connection: &mut Connection) -> Vec<client_frame::Frame> {
    let mut splitter = Splitter::new(CONTROL_FRAME_BYTES_MAX);
    splitter.push(&connection.poll_transmit().unwrap_or_default());
    std::iter::from_fn(|| splitter.next_frame().unwrap())
        .map(|frame| ClientFrame::decode(frame).unwrap().frame.unwrap())
        .collect()
}

fn served(frame: server_frame::Frame) -> Bytes {
    frame::encode(&ServerFrame { frame: Some(frame) })
}

fn live() -> Connection {
    let mut connection = Connection::new(&introduction(), at(0));
    sent(&mut connection);
    let welcome = served(server_frame::Frame::Welcome(Welcome::default()));
    connection.handle_control(&welcome, at(0)).unwrap();
    assert!(matches!(connection.poll_output(), Some(Output::Welcome(_))));
    connection
}

fn reply(id: u64) -> Bytes {
    let result = Some(reply::Result::Body(Bytes::from_static(b"ok")));
    served(server_frame::Frame::Reply(Reply { id, result }))
}

#[test]
fn the_hello_comes_first_and_debug_builds_grease_it() {
    let mut connection = Connection::new(&introduction(), at(0));
    let [client_frame::Frame::Hello(hello)] = &sent(&mut connection)[..] else { panic!() };
    assert_eq!((hello.token.as_str(), hello.max_rev), ("token", REV_MAX));
    assert!(hello.features.iter().all(|feature| feature % 31 == 27));
    assert!(!hello.features.is_empty());
}

#[test]
fn anything_before_the_welcome_is_unexpected() {
    let mut connection = Connection::new(&introduction(), at(0));
    let pong = served(server_frame::Frame::Pong(Pong { nonce: 1 }));
    assert_eq!(connection.handle_control(&pong, at(0)), Err(ConnectionError::UnexpectedFrame));
    let mut connection = live();
    let welcome = served(server_frame::Frame::Welcome(Welcome::default()));
    assert_eq!(connection.handle_control(&welcome, at(0)), Err(ConnectionError::UnexpectedFrame));
}

#[test]
fn events_before_the_welcome_are_told_behind_it() {
    let mut early = frame::encode(&LaneOpen { kind: LaneKind::Event as i32 }).to_vec();
    let gap = EventFrame { frame: Some(event_frame::Frame::Gap(Gap { rooms: vec![] })) };
    early.extend_from_slice(&frame::encode(&gap));
    let mut connection = Connection::new(&introduction(), at(0));
    connection.handle_events(&early, at(0)).unwrap();
    assert_eq!(connection.poll_output(), None);
    let welcome = served(server_frame::Frame::Welcome(Welcome::default()));
    connection.handle_control(&welcome, at(0)).unwrap();
    assert!(matches!(connection.poll_output(), Some(Output::Welcome(_))));
    assert_eq!(connection.poll_output(), Some(Output::Live(Live::Gap(vec![]))));
}

#[test]
fn before_the_welcome_no_more_is_kept_than_a_frame_may_have() {
    let mut connection = Connection::new(&introduction(), at(0));
    connection.handle_events(&vec![1; EVENT_FRAME_BYTES_MAX - 1], at(0)).unwrap();
    assert!(connection.wants_events());
    connection.handle_events(&[1], at(0)).unwrap();
    assert!(!connection.wants_events());
    assert!(live().wants_events());
}

#[test]
fn an_event_frame_that_is_none_closes_with_its_code() {
    for (bytes, code) in [
        (&[2, 0xff, 0xff][..], CloseCode::MalformedFrame),
        (&[0x81, 0x80, 0x10], CloseCode::FrameTooLarge),
        (&[0x80, 0], CloseCode::MalformedFrame),
    ] {
        let mut connection = live();
        let open = frame::encode(&LaneOpen { kind: LaneKind::Event as i32 });
        connection.handle_events(&open, at(0)).unwrap();
        let error = connection.handle_events(bytes, at(0)).unwrap_err();
        assert_eq!(error.close_code(), code);
    }
}

#[test]
fn no_welcome_in_time_means_lost() {
    let mut connection = Connection::new(&introduction(), at(0));
    assert_eq!(connection.poll_timeout(), Some(WELCOME_WITHIN));
    connection.handle_timeout(at(10));
    assert_eq!(connection.poll_output(), Some(Output::Lost));
    assert_eq!(connection.poll_timeout(), None);
}

#[test]
fn calls_beyond_the_bound_wait_and_keep_their_order() {
    let mut connection = live();
    for id in 0..300 {
        connection.call(CallId(id), 30, Bytes::new(), 0).unwrap();
    }
    assert_eq!(sent(&mut connection).len(), CALLS_IN_FLIGHT_MAX);
    connection.handle_control(&reply(5), at(0)).unwrap();
    assert_eq!(
        connection.poll_output(),
        Some(Output::Reply(CallId(5), Ok(Bytes::from_static(b"ok"))))
    );
    let [client_frame::Frame::Call(next)] = &sent(&mut connection)[..] else { panic!() };
    assert_eq!(next.id, 256);
}

#[test]
fn a_cancelled_call_has_no_answer() {
    let mut connection = live();
    connection.call(CallId(1), 30, Bytes::new(), 0).unwrap();
    sent(&mut connection);
    connection.cancel(CallId(1));
    assert_eq!(sent(&mut connection), [client_frame::Frame::Cancel(Cancel { id: 1 })]);
    connection.handle_control(&reply(1), at(0)).unwrap();
    assert_eq!(connection.poll_output(), None);
    assert!(!connection.is_busy());
}

#[test]
fn silence_is_answered_by_a_ping_and_then_by_giving_up() {
    let mut connection = live();
    assert_eq!(connection.poll_timeout(), Some(PING_EVERY));
    connection.handle_timeout(at(15));
    assert_eq!(
        sent(&mut connection),
        [client_frame::Frame::Ping(Ping { nonce: 1, ..Ping::default() })]
    );
    let pong = served(server_frame::Frame::Pong(Pong { nonce: 1 }));
    connection.handle_control(&pong, at(16)).unwrap();
    assert_eq!(connection.poll_output(), Some(Output::Pong(Duration::from_secs(1))));
    connection.handle_timeout(at(31));
    connection.handle_timeout(at(34));
    assert_eq!(connection.poll_output(), Some(Output::Stalled));
    connection.handle_timeout(at(41));
    assert_eq!(connection.poll_output(), Some(Output::Lost));
}

#[test]
fn a_ping_from_a_new_address_is_padded_and_has_an_answer_of_its_own() {
    let mut connection = live();
    connection.ping(at(0));
    connection.ping_from_new_address(at(1));
    let padding = Bytes::from_static(&[0; MOVED_PADDING_BYTES]);
    let pings = [Ping { nonce: 1, ..Ping::default() }, Ping { nonce: 2, padding }];
    assert_eq!(sent(&mut connection), pings.map(client_frame::Frame::Ping));
    let pong = |nonce| served(server_frame::Frame::Pong(Pong { nonce }));
    connection.handle_control(&pong(1), at(2)).unwrap();
    assert_eq!(connection.poll_output(), None);
    connection.handle_control(&pong(2), at(2)).unwrap();
    assert_eq!(connection.poll_output(), Some(Output::Pong(Duration::from_secs(1))));
}

#[test]
fn a_call_without_an_answer_is_looked_after_sooner() {
    let mut connection = live();
    connection.call(CallId(1), 30, Bytes::new(), 0).unwrap();
    sent(&mut connection);
    assert_eq!(connection.poll_timeout(), Some(STALLED_AFTER));
    connection.handle_timeout(at(3));
    assert!(matches!(sent(&mut connection)[..], [client_frame::Frame::Ping(_)]));
}

#[test]
fn a_frame_over_the_bound_closes_with_its_code() {
    let mut connection = live();
    let error = connection.handle_control(&[0xff, 0xff, 0x7f], at(0)).unwrap_err();
    assert_eq!(error, ConnectionError::Lane(LaneError::Frame(FrameError::TooLarge)));
    assert!(error.close_code() == CloseCode::FrameTooLarge);
}
