//! Log entries as they came: the header is read, the bytes are kept and never re-encoded.

use std::fmt;

use bytes::{Buf, Bytes};
use parlour_protocol::{
    event::{FLAG_ERASED, FLAG_EVERYONE},
    generated::{EventBody, EventMessage},
    ids::{ClientRef, RoomId, UserId},
    limits::SEQ_MAX,
    message::{MessageDeleted, MessageEdited, MessagePosted, MessagesDeleted},
    preview::LinkPreviewsAdded,
    wire::{Event, EventHeader},
};
use prost::{
    Message,
    encoding::{WireType, decode_key, decode_varint, encode_varint, skip_field},
};

/// Bytes that are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid message")
    }
}

impl std::error::Error for Malformed {}

impl From<prost::DecodeError> for Malformed {
    fn from(_: prost::DecodeError) -> Self {
        Malformed
    }
}

/// One entry of a log.
#[derive(Clone, PartialEq)]
pub struct LogEvent {
    /// What the server says about it.
    pub header: EventHeader,
    /// The message `header.kind` names; empty when it was deleted.
    pub body: Bytes,
    /// The whole `Event` message as it came.
    pub raw: Bytes,
}

impl LogEvent {
    /// Reads an `Event` message.
    pub fn parse(raw: Bytes) -> Result<Self, Malformed> {
        let event = Event::decode(raw.clone())?;
        let header = event.header.ok_or(Malformed)?;
        if header.seq == 0 || header.seq > SEQ_MAX {
            return Err(Malformed);
        }
        Ok(LogEvent { header, body: event.body, raw })
    }

    /// Its place in the log.
    pub fn seq(&self) -> u64 {
        self.header.seq
    }

    /// Who caused it, if the header says so.
    pub fn sender(&self) -> Option<UserId> {
        UserId::parse(&self.header.sender).ok()
    }

    /// The sender's own id for it, if it has one.
    pub fn client_ref(&self) -> Option<ClientRef> {
        ClientRef::parse(&self.header.client_ref).ok()
    }

    /// Whether it mentions everyone.
    pub fn mentions_everyone(&self) -> bool {
        self.header.flags & FLAG_EVERYONE != 0
    }

    /// The groups whose people it mentions: nodes of the directory, by their rooms.
    pub fn mention_groups(&self) -> Vec<RoomId> {
        if self.header.kind != MessagePosted::RULE.kind {
            return Vec::new();
        }
        MessagePosted::decode(self.body.clone()).map_or(Vec::new(), |posted| groups(&posted))
    }

    /// Whether its body is gone.
    pub fn is_erased(&self) -> bool {
        self.header.flags & FLAG_ERASED != 0
    }

    /// The messages that it deletes.
    pub fn deleted(&self) -> &[u64] {
        match self.header.kind {
            kind if kind == MessageDeleted::RULE.kind => {
                std::slice::from_ref(&self.header.target_seq)
            }
            kind if kind == MessagesDeleted::RULE.kind => &self.header.target_seqs,
            _ => &[],
        }
    }

    /// Whether its body goes when messages with these numbers, in order, are deleted: it is one of them, or
    /// an edit of one, or says what is behind its links.
    pub fn goes_with(&self, deleted: &[u64]) -> bool {
        let kinds = [MessageEdited::RULE.kind, LinkPreviewsAdded::RULE.kind];
        let is_deleted = |seq: u64| deleted.binary_search(&seq).is_ok();
        is_deleted(self.seq())
            || kinds.contains(&self.header.kind) && is_deleted(self.header.target_seq)
    }

    /// The body; an unreadable one is shown like one of an unknown kind.
    pub fn decoded(&self) -> EventBody {
        let kind = self.header.kind;
        EventBody::decode(kind, self.body.clone()).unwrap_or_else(|_| EventBody::Unknown {
            kind,
            body: parlour_protocol::generated::Hidden(self.body.clone()),
        })
    }

    /// The same event after its deletion: flagged, without its body.
    pub fn erased(&self) -> Self {
        let mut header = self.header.clone();
        header.flags |= FLAG_ERASED;
        let raw = parlour_protocol::event::compose(&header, &[]);
        LogEvent { header, body: Bytes::new(), raw }
    }
}

/// The groups that a message mentions.
pub(crate) fn groups(posted: &MessagePosted) -> Vec<RoomId> {
    posted.mention_groups.iter().filter_map(|group| RoomId::parse(group).ok()).collect()
}

impl fmt::Debug for LogEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogEvent({} kind {})", self.header.seq, self.header.kind)
    }
}

/// All messages that these events delete, in order.
pub fn deleted_by<'a>(events: impl IntoIterator<Item = &'a LogEvent>) -> Vec<u64> {
    let mut seqs: Vec<u64> =
        events.into_iter().flat_map(|event| event.deleted().iter().copied()).collect();
    seqs.sort_unstable();
    seqs.dedup();
    seqs
}

/// The raw bytes of every submessage with field number `tag`, in order. Other fields are skipped.
pub fn submessages(tag: u32, message: &Bytes) -> Result<Vec<Bytes>, Malformed> {
    let mut rest = message.clone();
    let mut found = Vec::new();
    while rest.has_remaining() {
        let (field, wire) = decode_key(&mut rest)?;
        if field == tag && wire == WireType::LengthDelimited {
            found.push(take_delimited(&mut rest)?);
        } else {
            skip_field(wire, field, &mut rest, Default::default())?;
        }
    }
    Ok(found)
}

/// The events in field `tag` of a message, their bytes as they came.
pub fn events_in(tag: u32, message: &Bytes) -> Result<Vec<LogEvent>, Malformed> {
    submessages(tag, message)?.into_iter().map(LogEvent::parse).collect()
}

/// Events one after the other, each behind its length.
pub fn pack<'a>(events: impl IntoIterator<Item = &'a LogEvent>) -> Bytes {
    let mut packer = Packer::default();
    events.into_iter().for_each(|event| packer.push(&event.raw));
    packer.finish()
}

/// Makes what [`pack`] makes, event by event.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    out: Vec<u8>,
    events: usize,
}

impl Packer {
    /// Puts an `Event` message behind the others.
    pub(crate) fn push(&mut self, raw: &[u8]) {
        encode_varint(raw.len() as u64, &mut self.out);
        self.out.extend_from_slice(raw);
        self.events += 1;
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.events
    }

    /// All of them; what comes next begins anew.
    pub(crate) fn finish(&mut self) -> Bytes {
        self.events = 0;
        std::mem::take(&mut self.out).into()
    }
}

/// What [`pack`] made.
pub fn unpack(mut packed: Bytes) -> Result<Vec<LogEvent>, Malformed> {
    let mut events = Vec::new();
    while packed.has_remaining() {
        events.push(LogEvent::parse(take_delimited(&mut packed)?)?);
    }
    Ok(events)
}

/// The bytes behind a length.
pub(crate) fn take_delimited(bytes: &mut Bytes) -> Result<Bytes, Malformed> {
    let len = usize::try_from(decode_varint(bytes)?).map_err(|_| Malformed)?;
    if len > bytes.remaining() {
        return Err(Malformed);
    }
    Ok(bytes.split_to(len))
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
