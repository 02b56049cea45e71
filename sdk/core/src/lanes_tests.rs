//! Lanes decode whatever the cut, and tell an end from a cut-off.

use parlour_protocol::{
    event::room_events_frame,
    wire::{BulkEnd, Gap},
};

use super::*;
use crate::testing;

fn open() -> Bytes {
    frame::encode(&LaneOpen { kind: LaneKind::Event as i32 })
}

#[test]
fn the_event_lane_decodes_byte_by_byte() {
    let event = testing::message(1, "hi");
    let mut bytes = open().to_vec();
    bytes.extend_from_slice(&room_events_frame(testing::ROOM, std::slice::from_ref(&event.raw)));
    let gap = EventFrame { frame: Some(event_frame::Frame::Gap(Gap { rooms: vec![] })) };
    bytes.extend_from_slice(&frame::encode(&gap));
    let mut lane = EventLane::default();
    let mut said = Vec::new();
    for byte in bytes {
        lane.push(&[byte]);
        said.extend(lane.next_live().unwrap());
    }
    assert_eq!(said, [Live::Room(testing::ROOM, vec![event]), Live::Gap(vec![])]);
}

#[test]
fn an_unknown_arm_is_ignored() {
    let mut lane = EventLane::default();
    lane.push(&open());
    // Arm 60, an empty message.
    lane.push(&[3, 0xe2, 0x03, 0x00]);
    assert_eq!(lane.next_live(), Ok(None));
}

#[test]
fn a_lane_of_an_unknown_kind_is_refused() {
    let mut lane = EventLane::default();
    lane.push(&frame::encode(&LaneOpen { kind: 77 }));
    assert_eq!(lane.next_live(), Err(LaneError::UnknownKind));
}

#[test]
fn a_bulk_lane_without_end_is_cut_off() {
    let mut lane = BulkLane::default();
    let item = BulkItem { item: Some(bulk_item::Item::Body(Bytes::from_static(b"x"))) };
    lane.push(&frame::encode(&item));
    assert_eq!(lane.next_bulk(), Ok(Some(Bulk::Item(Bytes::from_static(b"x")))));
    assert_eq!(lane.next_bulk(), Ok(None));
    assert_eq!(lane.finish(), Err(LaneError::CutOff));
    lane.push(&frame::encode(&BulkItem { item: Some(bulk_item::Item::End(BulkEnd {})) }));
    assert_eq!(lane.next_bulk(), Ok(Some(Bulk::End)));
    assert_eq!(lane.finish(), Ok(()));
}

#[test]
fn malformed_datagrams_are_nothing() {
    assert_eq!(datagram(Bytes::from_static(&[0xff, 0xff])), None);
}
