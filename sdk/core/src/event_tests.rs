//! Events keep the bytes they came as, also fields this version doesn't know.

use parlour_protocol::{ids::RoomId, wire::RoomEvents};

use super::*;
use crate::testing;

#[test]
fn unknown_fields_of_an_event_survive() {
    let mut raw = testing::message(3, "hello").raw.to_vec();
    // Field 99, varint 5: an addition of a later version.
    raw.extend_from_slice(&[0x98, 0x06, 0x05]);
    let event = LogEvent::parse(raw.clone().into()).unwrap();
    assert_eq!(event.seq(), 3);
    let back = unpack(pack([&event])).unwrap();
    assert_eq!(back[0].raw, raw);
}

#[test]
fn numbers_are_those_that_every_language_counts() {
    let numbered = |seq| {
        let header = EventHeader { seq, kind: 10, ..EventHeader::default() };
        LogEvent::parse(parlour_protocol::event::compose(&header, b"body"))
    };
    assert!(numbered(0).is_err());
    assert_eq!(numbered(SEQ_MAX).unwrap().seq(), SEQ_MAX);
    assert!(numbered(SEQ_MAX + 1).is_err());
}

#[test]
fn events_come_out_of_a_message_in_order() {
    let events = [testing::message(1, "a"), testing::message(2, "b")];
    let message = RoomEvents {
        room: RoomId::from_bytes([1; 16]).to_field(),
        events: events.iter().map(|e| Event::decode(e.raw.clone()).unwrap()).collect(),
        ..RoomEvents::default()
    };
    let found = events_in(2, &message.encode_to_vec().into()).unwrap();
    assert_eq!(found, events);
}

#[test]
fn a_length_beyond_the_end_is_malformed() {
    assert_eq!(unpack(Bytes::from_static(&[200, 1, 0])), Err(Malformed));
    assert_eq!(submessages(1, &Bytes::from_static(&[0x0a, 0x05, 0x00])), Err(Malformed));
}

#[test]
fn an_erased_event_has_no_body() {
    let erased = testing::message(4, "secret").erased();
    assert!(erased.is_erased());
    assert!(erased.body.is_empty());
    assert!(!erased.raw.windows(6).any(|w| w == b"secret"));
    assert_eq!(LogEvent::parse(erased.raw.clone()).unwrap().seq(), 4);
}
