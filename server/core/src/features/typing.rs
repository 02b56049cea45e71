//! Typing: heard by those in the room who are connected, kept nowhere.

use parlour_protocol::{
    generated::EventMessage,
    ids::{RoomId, UserId},
    typing::Typing,
    wire::Ephemeral,
};
use prost::Message;

/// A typing notice of a client as others may hear it; `None` for anything else, which is
/// ignored: nothing that must arrive travels as a datagram.
pub fn accept(datagram: &[u8], sender: UserId) -> Option<(RoomId, Ephemeral)> {
    let notice = Ephemeral::decode(datagram).ok()?;
    if notice.kind != Typing::RULE.kind {
        return None;
    }
    Typing::decode(notice.body.clone()).ok()?;
    let room = RoomId::parse(&notice.room).ok()?;
    Some((room, Ephemeral { sender: sender.to_field(), ..notice }))
}
