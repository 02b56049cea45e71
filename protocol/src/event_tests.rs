//! What is composed by hand is what prost would have made.

use super::*;
use crate::{
    frame,
    wire::{Event, EventFrame, RoomEvents, UserEvents, event_frame::Frame},
};

fn event(seq: u64, body: &'static [u8]) -> Event {
    let header = EventHeader { seq, at_ms: 5, kind: 10, ..Default::default() };
    Event { header: Some(header), body: Bytes::from_static(body) }
}

#[test]
fn composed_events_are_the_bytes_prost_makes() {
    for event in [event(1, b""), event(700, b"body")] {
        let composed = compose(event.header.as_ref().unwrap(), &event.body);
        assert_eq!(composed, event.encode_to_vec());
    }
}

#[test]
fn composed_frames_are_the_bytes_prost_makes() {
    let room = RoomId::from_bytes([9; 16]);
    let events = vec![event(1, b"one"), event(2, &[7; 300])];
    let stored: Vec<Bytes> = events.iter().map(|e| e.encode_to_vec().into()).collect();
    let whole =
        RoomEvents { room: room.to_field(), events: events.clone(), ..RoomEvents::default() };
    let framed =
        |of: &RoomEvents| frame::encode(&EventFrame { frame: Some(Frame::RoomEvents(of.clone())) });
    assert_eq!(room_events_frame(room, &stored), framed(&whole));
    let head = RoomPulse { room: room.to_field(), seq: 900, msg_no: 3, ..RoomPulse::default() };
    for (of, stored) in [(events.clone(), &stored[..]), (vec![], &[])] {
        let stretch =
            RoomEvents { events: of, from_seq: 700, head: Some(head.clone()), ..whole.clone() };
        assert_eq!(room_stretch_frame(room, stored, 700, head.clone()), framed(&stretch));
    }
    let by_prost = EventFrame { frame: Some(Frame::UserEvents(UserEvents { events })) };
    assert_eq!(user_events_frame(&stored), frame::encode(&by_prost));
}
