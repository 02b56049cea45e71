//! Events as bytes: composed once, forwarded for ever, never re-encoded.

use bytes::{BufMut, Bytes, BytesMut};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len},
    length_delimiter_len,
};

use crate::{
    ids::RoomId,
    wire::{EventHeader, RoomEvents, RoomPulse},
};

/// Flag of a header: the message mentions everyone.
pub const FLAG_EVERYONE: u32 = 1;
/// Flag of a header: the message is deleted and its body is gone.
pub const FLAG_ERASED: u32 = 2;
/// Flag of a header: the message mentions groups.
pub const FLAG_GROUPS: u32 = 4;

fn delimited_len(tag: u32, len: usize) -> usize {
    key_len(tag) + encoded_len_varint(len as u64) + len
}

fn put_delimited(tag: u32, len: usize, out: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(len as u64, out);
}

/// An `Event` message from a header and a body that stays the bytes it is.
pub fn compose(header: &EventHeader, body: &[u8]) -> Bytes {
    let header_len = header.encoded_len();
    let body_len = if body.is_empty() { 0 } else { delimited_len(2, body.len()) };
    let mut out = BytesMut::with_capacity(delimited_len(1, header_len) + body_len);
    put_delimited(1, header_len, &mut out);
    header.encode_raw(&mut out);
    if !body.is_empty() {
        put_delimited(2, body.len(), &mut out);
        out.put_slice(body);
    }
    out.freeze()
}

/// A frame of the event lane with events of one room, from their stored bytes.
pub fn room_events_frame(room: RoomId, events: &[Bytes]) -> Bytes {
    events_frame(1, 2, Some(room), events, &[])
}

/// The same with those that a connection wants of all from `from_seq` up to `head`.
pub fn room_stretch_frame(room: RoomId, events: &[Bytes], from_seq: u64, head: RoomPulse) -> Bytes {
    let rest = RoomEvents { from_seq, head: Some(head), ..RoomEvents::default() };
    events_frame(1, 2, Some(room), events, &rest.encode_to_vec())
}

/// A frame of the event lane with events of the user's own log, from their stored bytes.
pub fn user_events_frame(events: &[Bytes]) -> Bytes {
    events_frame(2, 1, None, events, &[])
}

fn events_frame(
    arm: u32,
    events_tag: u32,
    room: Option<RoomId>,
    events: &[Bytes],
    rest: &[u8],
) -> Bytes {
    let room_len = if room.is_some() { delimited_len(1, 16) } else { 0 };
    let events_len = |event: &Bytes| delimited_len(events_tag, event.len());
    let inner: usize = room_len + events.iter().map(events_len).sum::<usize>() + rest.len();
    let frame = delimited_len(arm, inner);
    let mut out = BytesMut::with_capacity(length_delimiter_len(frame) + frame);
    encode_varint(frame as u64, &mut out);
    put_delimited(arm, inner, &mut out);
    if let Some(room) = room {
        put_delimited(1, 16, &mut out);
        out.put_slice(room.as_bytes());
    }
    for event in events {
        put_delimited(events_tag, event.len(), &mut out);
        out.put_slice(event);
    }
    out.put_slice(rest);
    out.freeze()
}

/// A field of stored events inside a message that is otherwise encoded by prost: the bytes of
/// `repeated Event` with number `tag`, to be put in front of the rest.
pub fn put_events(tag: u32, events: &[Bytes], out: &mut BytesMut) {
    out.reserve(events.iter().map(|event| delimited_len(tag, event.len())).sum());
    for event in events {
        put_delimited(tag, event.len(), out);
        out.put_slice(event);
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
