//! Scheduled messages without a network: sent once at their time, taken back or not, and never by
//! whom they may not be sent.

use std::time::Duration;

use bytes::Bytes;
use parlour_inproc::{Server, group, message};
use parlour_protocol::{
    generated::{EventBody, rpc},
    limits::SCHEDULED_MAX,
    message::{MessagePosted, SendRequest},
    room::RemoveMemberRequest,
    schedule::*,
    wire::{Error, ErrorReason, event_frame::Frame},
};
use prost::Message;

/// A message without its ref, as schedules have it.
fn later(server: &mut Server, room: &Bytes, text: &str) -> SendRequest {
    SendRequest { client_ref: Bytes::new(), ..message(server, room, text) }
}

fn in_ms(server: &Server, ms: u64) -> u64 {
    use parlour_core::ports::clock::Clock;
    server.hand.now().unix_ms + ms
}

fn schedule(server: &mut Server, by: usize, room: &Bytes, text: &str, ms: u64) -> Bytes {
    let (id, send) = (server.client_ref().to_field(), later(server, room, text));
    let send_at_ms = in_ms(server, ms);
    let request = ScheduleSendRequest { id: id.clone(), send_at_ms, send: Some(send) };
    let answer = server.call::<rpc::ScheduleSend>(by, &request).unwrap();
    assert!(!answer.deduplicated);
    assert!(server.call::<rpc::ScheduleSend>(by, &request).unwrap().deduplicated);
    id
}

fn list(server: &mut Server, by: usize) -> Vec<Scheduled> {
    let mut request = ListScheduledRequest::default();
    let mut all = vec![];
    loop {
        let answer = server.call::<rpc::ListScheduled>(by, &request).unwrap();
        all.extend(answer.scheduled);
        if answer.next_page.is_empty() {
            return all;
        }
        request.page = answer.next_page;
    }
}

fn cancel(server: &mut Server, by: usize, id: &Bytes) -> Result<(), Error> {
    let request = CancelScheduledRequest { id: id.clone() };
    server.call::<rpc::CancelScheduled>(by, &request).map(drop)
}

fn bodies(server: &mut Server, by: usize) -> Vec<EventBody> {
    server.deliver();
    let frames = server.clients[by].frames.drain(..);
    let events = frames.flat_map(|frame| match frame {
        Frame::UserEvents(events) => events.events,
        Frame::RoomEvents(events) => events.events,
        _ => vec![],
    });
    events.map(|e| EventBody::decode(e.header.unwrap().kind, e.body).unwrap()).collect()
}

fn texts(server: &mut Server, by: usize) -> Vec<String> {
    let text = |body| match body {
        EventBody::MessagePosted(MessagePosted { text, .. }) => Some(text),
        _ => None,
    };
    bodies(server, by).into_iter().filter_map(text).collect()
}

fn fates(server: &mut Server, by: usize) -> Vec<ScheduledFate> {
    let fate = |body| match body {
        EventBody::ScheduledChanged(changed) => Some(changed.fate()),
        _ => None,
    };
    bodies(server, by).into_iter().filter_map(fate).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn a_message_is_sent_once_at_its_time_and_only_its_sender_knows_of_it_before() {
    let mut server = Server::new();
    let (ann, laptop) = (server.connect("ann"), server.connect("ann"));
    let ben = server.connect("ben");
    let room = group(&mut server, ann, &[ben]);
    bodies(&mut server, ben);
    schedule(&mut server, ann, &room, "good morning", 60_000);
    server.carry_out_timers();
    assert_eq!(bodies(&mut server, ben), []);
    assert_eq!(fates(&mut server, laptop), [ScheduledFate::Set]);
    assert_eq!(list(&mut server, laptop).len(), 1);
    server.advance(Duration::from_secs(61));
    server.carry_out_timers();
    server.carry_out_timers();
    assert_eq!(texts(&mut server, ben), ["good morning"]);
    assert_eq!(fates(&mut server, laptop), [ScheduledFate::Sending, ScheduledFate::Sent]);
    assert_eq!(list(&mut server, ann), []);
}

#[test]
fn a_crash_on_the_way_sends_it_once() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let id = schedule(&mut server, ann, &room, "once", 1_000);
    let send_at_ms = list(&mut server, ann)[0].send_at_ms;
    server.advance(Duration::from_secs(2));
    let timers = all_rows(&server, parlour_core::tables::Table::TIMERS);
    server.carry_out_timers();
    // The rows as they were between the send and what is written after it.
    let row = ScheduledState::Sending as i32;
    let key: Bytes = [server.clients[ann].user.as_bytes(), &id[..]].concat().into();
    #[derive(Clone, PartialEq, prost::Message)]
    struct Row {
        #[prost(uint64, tag = "1")]
        send_at_ms: u64,
        #[prost(message, optional, tag = "2")]
        send: Option<SendRequest>,
        #[prost(int32, tag = "3")]
        state: i32,
        #[prost(uint64, tag = "5")]
        departed_ms: u64,
    }
    let again = later(&mut server, &room, "once");
    let value = Row { send_at_ms, send: Some(again), state: row, departed_ms: in_ms(&server, 0) }
        .encode_to_vec();
    put(&mut server, parlour_core::tables::Table::SCHEDULED, key, value.into());
    for (key, value) in timers {
        put(&mut server, parlour_core::tables::Table::TIMERS, key, value);
    }
    server.carry_out_timers();
    assert_eq!(texts(&mut server, ben), ["once"]);
    assert_eq!(list(&mut server, ann), []);
}

fn all_rows(server: &Server, table: parlour_core::tables::Table) -> Vec<(Bytes, Bytes)> {
    let scan = parlour_core::ports::store::Scan::prefix(table, Bytes::new(), 100);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(server.node.store.scan(scan)).unwrap()
}

fn put(server: &mut Server, table: parlour_core::tables::Table, key: Bytes, value: Bytes) {
    use parlour_core::ports::store::{Batch, Put, Shard};
    let put = Put { table, key, value: Some(value) };
    let batch = Batch { puts: vec![put], ..Batch::new(Shard::Node) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(server.node.store.append(vec![batch])).unwrap()[0].clone().unwrap();
}

#[test]
fn one_that_is_taken_back_is_never_sent_and_one_that_went_is_not_taken_back() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let id = schedule(&mut server, ann, &room, "never", 1_000);
    cancel(&mut server, ann, &id).unwrap();
    let sent = schedule(&mut server, ann, &room, "sent", 1_000);
    assert_eq!(reason(cancel(&mut server, ben, &sent)), ErrorReason::ScheduledNotFound);
    server.advance(Duration::from_secs(2));
    server.carry_out_timers();
    assert_eq!(texts(&mut server, ben), ["sent"]);
    assert_eq!(reason(cancel(&mut server, ann, &sent)), ErrorReason::ScheduledNotFound);
}

#[test]
fn a_request_that_comes_again_after_its_message_was_taken_back_or_sent_makes_none() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    for (ends_by_hand, texts_then) in [(true, &[][..]), (false, &["once"][..])] {
        let (id, send) = (server.client_ref().to_field(), later(&mut server, &room, "once"));
        let send_at_ms = in_ms(&server, 60_000);
        let request = ScheduleSendRequest { id: id.clone(), send_at_ms, send: Some(send) };
        server.call::<rpc::ScheduleSend>(ann, &request).unwrap();
        if ends_by_hand {
            cancel(&mut server, ann, &id).unwrap();
        } else {
            let send_at_ms = in_ms(&server, 1_000);
            let update = UpdateScheduledRequest { id: id.clone(), send_at_ms, send: None };
            server.call::<rpc::UpdateScheduled>(ann, &update).unwrap();
            server.advance(Duration::from_secs(2));
            server.carry_out_timers();
        }
        assert!(server.call::<rpc::ScheduleSend>(ann, &request).unwrap().deduplicated);
        server.advance(Duration::from_secs(90));
        server.carry_out_timers();
        assert_eq!(texts(&mut server, ben), texts_then);
        assert_eq!(list(&mut server, ann), []);
    }
    // What is remembered of them goes once no request can come again.
    server.advance(Duration::from_secs(32 * 24 * 3600));
    server.carry_out_timers();
    assert_eq!(all_rows(&server, parlour_core::tables::Table::SCHEDULED_ENDS), []);
    assert_eq!(all_rows(&server, parlour_core::tables::Table::TIMERS), []);
}

#[test]
fn another_time_and_another_text_count() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let id = schedule(&mut server, ann, &room, "first", 1_000);
    let send = Some(later(&mut server, &room, "second"));
    let send_at_ms = in_ms(&server, 10_000);
    let request = UpdateScheduledRequest { id, send_at_ms, send };
    server.call::<rpc::UpdateScheduled>(ann, &request).unwrap();
    server.advance(Duration::from_secs(5));
    server.carry_out_timers();
    assert_eq!(texts(&mut server, ben), [""; 0]);
    server.advance(Duration::from_secs(6));
    server.carry_out_timers();
    assert_eq!(texts(&mut server, ben), ["second"]);
}

#[test]
fn whoever_left_the_room_sends_nothing_there_and_sees_why() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let id = schedule(&mut server, ben, &room, "too late", 1_000);
    let user = server.clients[ben].user.to_field();
    let request = RemoveMemberRequest { room: room.clone(), user };
    server.call::<rpc::RemoveMember>(ann, &request).unwrap();
    server.advance(Duration::from_secs(2));
    bodies(&mut server, ben);
    server.carry_out_timers();
    assert_eq!(texts(&mut server, ann), [""; 0]);
    assert_eq!(fates(&mut server, ben), [ScheduledFate::Sending, ScheduledFate::Failed]);
    let failed = list(&mut server, ben).remove(0);
    assert_eq!(failed.state(), ScheduledState::Failed);
    assert_eq!(failed.error.unwrap().reason, ErrorReason::RoomNotFound as i32);
    cancel(&mut server, ben, &id).unwrap();
    assert_eq!(list(&mut server, ben), []);
}

#[test]
fn what_couldnt_be_sent_now_isnt_scheduled() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[]);
    let mut send = later(&mut server, &room, "hm");
    let ask = |server: &mut Server, by, send: &SendRequest, ms: u64| {
        let id = server.client_ref().to_field();
        let send_at_ms = in_ms(server, 0) + ms;
        let request = ScheduleSendRequest { id, send_at_ms, send: Some(send.clone()) };
        server.call::<rpc::ScheduleSend>(by, &request)
    };
    assert_eq!(reason(ask(&mut server, ben, &send, 1000)), ErrorReason::RoomNotFound);
    assert_eq!(reason(ask(&mut server, ann, &send, 0)), ErrorReason::InvalidField);
    let years = 2 * 365 * 24 * 3600 * 1000;
    assert_eq!(reason(ask(&mut server, ann, &send, years)), ErrorReason::InvalidField);
    for _ in 0..SCHEDULED_MAX {
        ask(&mut server, ann, &send, 1000).unwrap();
    }
    assert_eq!(reason(ask(&mut server, ann, &send, 1000)), ErrorReason::TooManyScheduled);
    send.body = Bytes::from_static(b"\xff");
    assert_eq!(reason(ask(&mut server, ann, &send, 1000)), ErrorReason::InvalidField);
    server.advance(Duration::from_secs(2));
    server.carry_out_timers();
    server.carry_out_timers();
    assert_eq!(list(&mut server, ann), []);
    assert_eq!(texts(&mut server, ann).len(), SCHEDULED_MAX);
}
