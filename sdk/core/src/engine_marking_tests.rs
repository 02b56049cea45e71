//! Markers: told once, again where the server puts them off, and in rooms not heard of yet.

use parlour_protocol::{
    marker::{MarkReadRequest, Unread},
    wire::Error,
};

use super::*;

#[test]
fn that_a_marker_was_told_is_kept_over_a_power_cut() {
    let mut client = Client::new();
    client.connect(5);
    client.engine.mark_read(ROOM, 5);
    client.pump();
    let (id, ..) = client.calls.pop().expect("a marker is told");
    let marker = Some(Marker { seq: 5, ..Marker::default() });
    let answer = MarkReadResponse { marker, ..MarkReadResponse::default() };
    client.engine.handle_reply(id, Ok(answer.encode_to_vec().into()), NOW);
    let (_, writes) = client.engine.take_writes().unwrap();
    let told = |write: &Write| matches!(write, Write::Room(record) if record.unsent_read == 0);
    assert!(writes.iter().any(told) && writes.iter().any(Write::is_irreplaceable));
}

#[test]
fn a_marker_that_the_server_puts_off_is_told_again_by_itself() {
    let mut client = Client::new();
    client.connect(5);
    client.engine.mark_read(ROOM, 5);
    client.pump();
    let (id, _) = marks(&client)[0];
    answer(&mut client, id, Err(ErrorReason::RateLimited));
    assert!(marks(&client).is_empty(), "not at once");
    wait(&mut client);
    assert_eq!(marks(&client).len(), 1);
}

/// Time passes until what the server put off is asked again.
fn wait(client: &mut Client) {
    let later = Now { elapsed: NOW.elapsed + Duration::from_secs(10), ..NOW };
    client.engine.handle_timeout(later);
    client.pump();
}

fn marks(client: &Client) -> Vec<(CallId, u64)> {
    let marks = client.calls.iter().filter(|(_, method, _)| *method == rpc::MarkRead::METHOD.id);
    marks.map(|(id, _, body)| (*id, MarkReadRequest::decode(body.clone()).unwrap().seq)).collect()
}

fn answer(client: &mut Client, id: CallId, result: Result<u64, ErrorReason>) {
    client.calls.retain(|call| call.0 != id);
    let marked = |seq| MarkReadResponse {
        marker: Some(Marker { seq, ..Marker::default() }),
        ..MarkReadResponse::default()
    };
    let result = result.map(|seq| marked(seq).encode_to_vec().into());
    client.engine.handle_reply(id, result.map_err(|reason| Error::new(reason, "no")), NOW);
    client.pump();
}

#[test]
fn a_room_not_heard_of_yet_is_marked_all_the_same() {
    let mut client = Client::new();
    client.engine.mark_read(ROOM, 3);
    client.engine.mark_read(ROOM, 2);
    client.engine.mark_read(ROOM, 0);
    client.connect_to(1, ME);
    assert_eq!(marks(&client).len(), 1, "once there is a connection");
    let (id, seq) = marks(&client)[0];
    assert_eq!(seq, 3);
    client.engine.mark_read(ROOM, 5);
    answer(&mut client, id, Ok(3));
    let (id, seq) = marks(&client)[0];
    assert_eq!(seq, 5, "what was marked meanwhile follows");
    answer(&mut client, id, Err(ErrorReason::RateLimited));
    assert!(marks(&client).is_empty(), "not at once");
    wait(&mut client);
    let (id, seq) = marks(&client)[0];
    assert_eq!(seq, 5);
    answer(&mut client, id, Err(ErrorReason::RoomNotFound));
    client.engine.handle_disconnected();
    client.connect_to(1, ME);
    assert!(marks(&client).is_empty(), "what is refused is given up");
}

#[test]
fn a_mark_in_a_room_heard_of_meanwhile_moves_its_counts() {
    let mut client = Client::new();
    client.engine.mark_read(ROOM, 5);
    client.connect(5);
    let (id, seq) = marks(&client)[0];
    assert_eq!(seq, 5);
    answer(&mut client, id, Ok(5));
    let record = client.engine.rooms().get(ROOM).unwrap();
    assert_eq!((record.counts.marker.seq, record.counts.messages), (5, 0));
    assert!(marks(&client).is_empty(), "it is told once");
}

/// The answer to a mark, with the counts up to a head.
fn answer_as_of(client: &mut Client, read: u64, head: u64, messages: u64) {
    let (id, _) = marks(client)[0];
    client.calls.retain(|call| call.0 != id);
    let marker = Marker { seq: read, msg_no: read, ..Marker::default() };
    let pulse =
        RoomPulse { room: ROOM.to_field(), seq: head, msg_no: head, ..RoomPulse::default() };
    let answer = MarkReadResponse {
        marker: Some(marker),
        unread: Some(Unread { messages, mentions: 0 }),
        head: Some(pulse),
    };
    client.engine.handle_reply(id, Ok(answer.encode_to_vec().into()), NOW);
    client.pump();
}

#[test]
fn events_that_an_answer_counted_already_arent_counted_again() {
    let mut client = Client::new();
    client.connect(5);
    let unread = |client: &Client| client.engine.rooms().get(ROOM).unwrap().counts.messages;
    client.engine.mark_read(ROOM, 3);
    client.pump();
    answer_as_of(&mut client, 3, 7, 4);
    client.live(&[testing::message(6, "six"), testing::message(7, "seven")]);
    assert_eq!(unread(&client), 4);
    client.live(&[testing::message(8, "eight")]);
    assert_eq!(unread(&client), 5);
}

#[test]
fn what_came_before_an_answer_and_isnt_in_it_counts_and_is_asked_for_again() {
    let mut client = Client::new();
    client.connect(5);
    client.engine.mark_read(ROOM, 3);
    client.pump();
    client.live(&[testing::message(6, "six")]);
    answer_as_of(&mut client, 3, 5, 2);
    let counts = client.engine.rooms().get(ROOM).unwrap().counts.clone();
    assert_eq!((counts.messages, counts.is_uncertain), (3, true));
    wait(&mut client);
    answer_as_of(&mut client, 3, 6, 3);
    let counts = client.engine.rooms().get(ROOM).unwrap().counts.clone();
    assert_eq!((counts.messages, counts.is_uncertain), (3, false));
}
