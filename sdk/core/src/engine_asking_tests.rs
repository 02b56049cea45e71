//! Bulk calls of the application.

use parlour_protocol::{pin::ListPinsRequest, wire::Error};

use super::*;
use crate::limits::{ASKED_BYTES_MAX, ASKED_MAX, READ_AGAIN_AFTER};

const PINS: u32 = rpc::ListPins::METHOD.id;

fn ask(client: &mut Client) -> BulkId {
    let request = ListPinsRequest { room: ROOM.to_field() };
    client.engine.ask(PINS, request.encode_to_vec().into()).unwrap()
}

fn item(client: &mut Client, id: BulkId, item: &'static [u8]) {
    client.engine.handle_bulk(id, Bulk::Item(Bytes::from_static(item)), NOW);
}

fn answers(client: &mut Client) -> Vec<Result<Vec<Bytes>, AskError>> {
    client.pump();
    let answer = |notice| match notice {
        Notice::Answered(_, result) => Some(result),
        _ => None,
    };
    std::mem::take(&mut client.notices).into_iter().filter_map(answer).collect()
}

#[test]
fn what_was_cut_off_is_asked_again_from_the_beginning() {
    let mut client = Client::new();
    let id = ask(&mut client);
    client.pump();
    assert!(client.bulks.is_empty(), "it waits for a connection");
    client.connect_to(1, ME);
    assert_eq!(client.bulk(PINS), id);
    item(&mut client, id, b"a");
    client.engine.handle_bulk_cut(id, NOW);
    client.pump();
    assert!(client.bulks.iter().all(|(_, method, _)| *method != PINS), "not at once");
    let later = Now { elapsed: NOW.elapsed + READ_AGAIN_AFTER, ..NOW };
    client.engine.handle_timeout(later);
    assert_eq!(client.bulk(PINS), id);
    item(&mut client, id, b"b");
    client.connect_to(1, ME);
    assert_eq!(client.bulk(PINS), id, "on the next connection, too");
    item(&mut client, id, b"c");
    item(&mut client, id, b"d");
    assert!(answers(&mut client).is_empty());
    client.end(id);
    assert_eq!(
        answers(&mut client),
        [Ok(vec![Bytes::from_static(b"c"), Bytes::from_static(b"d")])]
    );
}

#[test]
fn a_refusal_is_an_answer_and_a_draining_server_isnt() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let id = ask(&mut client);
    assert_eq!(client.bulk(PINS), id);
    let draining = Error::new(ErrorReason::Draining, "going away");
    client.engine.handle_bulk(id, Bulk::Failed(draining), NOW);
    assert!(answers(&mut client).is_empty());
    client.connect_to(1, ME);
    assert_eq!(client.bulk(PINS), id);
    let refused = Error::new(ErrorReason::RoomNotFound, "no such room");
    client.engine.handle_bulk(id, Bulk::Failed(refused.clone()), NOW);
    assert_eq!(answers(&mut client), [Err(AskError::Refused(Box::new(refused)))]);
}

#[test]
fn answers_and_questions_are_bounded() {
    let mut client = Client::new();
    client.connect_to(1, ME);
    let id = ask(&mut client);
    client.pump();
    let piece = Bytes::from(vec![0; ASKED_BYTES_MAX / 2 + 1]);
    for _ in 0..3 {
        client.engine.handle_bulk(id, Bulk::Item(piece.clone()), NOW);
    }
    assert_eq!(answers(&mut client), [Err(AskError::TooLarge)]);
    let ids: Vec<BulkId> = (0..ASKED_MAX).map(|_| ask(&mut client)).collect();
    assert_eq!(client.engine.ask(PINS, Bytes::new()), Err(TooManyCalls));
    client.engine.stop_asking(ids[0]);
    ask(&mut client);
}
