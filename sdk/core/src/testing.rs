//! Small events for tests.

use bytes::Bytes;
use parlour_protocol::{
    event::{FLAG_EVERYONE, compose},
    generated::EventMessage,
    ids::{ClientRef, RoomId, UserId},
    message::{DeleteReason, MessageDeleted, MessageEdited, MessagePosted, MessagesDeleted},
    pin::{MessagePinned, MessageUnpinned},
    reaction::{ReactionAdded, ReactionWithdrawn},
    wire::EventHeader,
};
use prost::Message;

use crate::event::LogEvent;

/// The room of most tests.
pub(crate) const ROOM: RoomId = RoomId::from_bytes([7; 16]);
/// The user who runs the client.
pub(crate) const ME: UserId = UserId::from_bytes([1; 16]);
/// Somebody else.
pub(crate) const OTHER: UserId = UserId::from_bytes([2; 16]);

fn header(seq: u64, kind: u32, sender: UserId) -> EventHeader {
    EventHeader {
        seq,
        at_ms: seq.saturating_add(1_000),
        kind,
        sender: sender.to_field(),
        ..Default::default()
    }
}

fn event(header: EventHeader, body: &impl Message) -> LogEvent {
    LogEvent::parse(compose(&header, &body.encode_to_vec())).expect("composed here")
}

/// A message of somebody else's.
pub(crate) fn message(seq: u64, text: &str) -> LogEvent {
    message_by(OTHER, seq, text, None)
}

/// A message.
pub(crate) fn message_by(
    sender: UserId,
    seq: u64,
    text: &str,
    client_ref: Option<ClientRef>,
) -> LogEvent {
    let mut header = header(seq, MessagePosted::RULE.kind, sender);
    header.client_ref = client_ref.map_or(Bytes::new(), ClientRef::to_field);
    header.msg_no = seq;
    event(header, &MessagePosted { text: text.to_owned(), ..MessagePosted::default() })
}

/// The same message, which disappears at that time.
pub(crate) fn until(of: LogEvent, expires_at_ms: u64) -> LogEvent {
    let header = EventHeader { expires_at_ms, ..of.header.clone() };
    LogEvent::parse(compose(&header, &of.body)).expect("composed here")
}

/// A message that mentions everyone.
pub(crate) fn broadcast(seq: u64, text: &str) -> LogEvent {
    let mut header = header(seq, MessagePosted::RULE.kind, OTHER);
    header.flags = FLAG_EVERYONE;
    event(header, &MessagePosted { text: text.to_owned(), ..MessagePosted::default() })
}

/// An edit of the message at `target`.
pub(crate) fn edit(seq: u64, target: u64, text: &str) -> LogEvent {
    let mut header = header(seq, MessageEdited::RULE.kind, OTHER);
    header.target_seq = target;
    event(header, &MessageEdited { text: text.to_owned(), ..MessageEdited::default() })
}

/// A delete of the message at `target`.
pub(crate) fn delete(seq: u64, target: u64) -> LogEvent {
    let mut header = header(seq, MessageDeleted::RULE.kind, OTHER);
    header.target_seq = target;
    event(header, &MessageDeleted::default())
}

/// A delete of several messages.
pub(crate) fn delete_all(seq: u64, targets: &[u64]) -> LogEvent {
    let header = EventHeader {
        seq,
        kind: MessagesDeleted::RULE.kind,
        target_seqs: targets.to_vec(),
        ..EventHeader::default()
    };
    event(header, &MessagesDeleted { reason: DeleteReason::Retention as i32 })
}

/// An emoji put to the message at `target`, or taken off.
pub(crate) fn reaction(sender: UserId, seq: u64, target: u64, emoji: &str, on: bool) -> LogEvent {
    let emoji = emoji.to_owned();
    if on {
        let mut header = header(seq, ReactionAdded::RULE.kind, sender);
        header.target_seq = target;
        event(header, &ReactionAdded { emoji })
    } else {
        let mut header = header(seq, ReactionWithdrawn::RULE.kind, sender);
        header.target_seq = target;
        event(header, &ReactionWithdrawn { emoji })
    }
}

/// The same event in the thread under `root`; as its reply number `no`, or 0 for what amends one.
pub(crate) fn in_thread(of: LogEvent, root: u64, no: u64) -> LogEvent {
    let header = EventHeader { thread_root_seq: root, thread_no: no, ..of.header.clone() };
    LogEvent::parse(compose(&header, &of.body)).expect("composed here")
}

/// A message that quotes the one at `target`.
pub(crate) fn reply_to(seq: u64, target: u64, text: &str) -> LogEvent {
    let of = message(seq, text);
    let header = EventHeader { target_seq: target, ..of.header.clone() };
    LogEvent::parse(compose(&header, &of.body)).expect("composed here")
}

/// A message that mentions somebody.
pub(crate) fn mention(seq: u64, whom: UserId) -> LogEvent {
    let of = message(seq, "you");
    let header = EventHeader { mentions: vec![whom.to_field()], ..of.header.clone() };
    LogEvent::parse(compose(&header, &of.body)).expect("composed here")
}

/// A pin put to the message at `target`, or taken off.
pub(crate) fn pin(seq: u64, target: u64, on: bool) -> LogEvent {
    let kind = if on { MessagePinned::RULE.kind } else { MessageUnpinned::RULE.kind };
    let mut header = header(seq, kind, ME);
    header.target_seq = target;
    if on { event(header, &MessagePinned {}) } else { event(header, &MessageUnpinned {}) }
}
