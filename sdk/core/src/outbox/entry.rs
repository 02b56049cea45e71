//! One row of the outbox: what is sent, under which ref, how far it got, and the bytes it is kept
//! as.

use std::{fmt, time::Duration};

use bytes::Bytes;
use parlour_protocol::{
    app::PublishRequest,
    generated::{Rpc, rpc},
    ids::{BlobHash, ClientRef, RoomId, UserId},
    message::{DeleteRequest, EditRequest, SendRequest},
    pin::{PinRequest, UnpinRequest},
    poll::{ClosePollRequest, VoteRequest},
    preview::HideLinkPreviewsRequest,
    reaction::{ReactRequest, UnreactRequest},
    wire::Error,
};
use prost::Message;

use super::Transmit;
use crate::{event::Malformed, polls};

/// What is sent.
#[derive(Clone, PartialEq)]
pub enum Payload {
    /// A message.
    Post {
        /// An encoded `MessagePosted`.
        body: Bytes,
        /// Users mentioned.
        mentions: Vec<UserId>,
        /// Whether everyone is.
        mentions_everyone: bool,
        /// The message it replies to.
        reply_to: Option<u64>,
        /// The message whose thread it belongs to.
        thread_root: Option<u64>,
        /// What it carries, in the order of the body.
        attachments: Vec<BlobHash>,
    },
    /// Another text for the message at `target_seq`.
    Edit {
        /// The message.
        target_seq: u64,
        /// An encoded `MessageEdited`.
        body: Bytes,
    },
    /// The end of the message at `target_seq`.
    Delete {
        /// The message.
        target_seq: u64,
    },
    /// An emoji put to the message at `target_seq`, or taken off.
    React {
        /// The message.
        target_seq: u64,
        /// The emoji.
        emoji: String,
        /// Put there, or taken off.
        on: bool,
    },
    /// A pin put to the message at `target_seq`, or taken off.
    Pin {
        /// The message.
        target_seq: u64,
        /// Put there, or taken off.
        on: bool,
    },
    /// Options chosen in the poll of the message at `target_seq`.
    Vote {
        /// The message.
        target_seq: u64,
        /// Places of the options from 0; none to take the vote back.
        choices: Vec<u32>,
    },
    /// The end of the poll of the message at `target_seq`.
    ClosePoll {
        /// The message.
        target_seq: u64,
    },
    /// The end of what is shown of the links in the message at `target_seq`.
    HidePreviews {
        /// The message.
        target_seq: u64,
    },
    /// An application's event.
    Publish {
        /// An encoded `AppEvent`.
        body: Bytes,
    },
}

impl Payload {
    /// What sends it into a room, without a ref; `None` of what isn't a message.
    pub fn send_request(&self, room: RoomId) -> Option<SendRequest> {
        let Payload::Post { body, mentions, mentions_everyone, reply_to, thread_root, attachments } =
            self
        else {
            return None;
        };
        Some(SendRequest {
            room: room.to_field(),
            client_ref: Bytes::new(),
            body: body.clone(),
            mentions: mentions.iter().map(|user| user.to_field()).collect(),
            mention_everyone: *mentions_everyone,
            reply_to_seq: reply_to.unwrap_or_default(),
            thread_root_seq: thread_root.unwrap_or_default(),
            attachments: attachments.iter().map(|hash| hash.to_field()).collect(),
        })
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies are the user's words: never in a log.
        match self {
            Payload::Post { body, .. } => write!(f, "Post(<{} bytes>)", body.len()),
            Payload::Edit { target_seq, .. } => write!(f, "Edit({target_seq})"),
            Payload::Delete { target_seq } => write!(f, "Delete({target_seq})"),
            Payload::React { target_seq, on, .. } => write!(f, "React({target_seq}, {on})"),
            Payload::Pin { target_seq, on } => write!(f, "Pin({target_seq}, {on})"),
            Payload::Vote { target_seq, .. } => write!(f, "Vote({target_seq})"),
            Payload::ClosePoll { target_seq } => write!(f, "ClosePoll({target_seq})"),
            Payload::HidePreviews { target_seq } => write!(f, "HidePreviews({target_seq})"),
            Payload::Publish { body } => write!(f, "Publish(<{} bytes>)", body.len()),
        }
    }
}

/// Why something wasn't sent.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SendError {
    /// The server refused it; trying again unchanged is of no use by itself.
    #[error("refused: {0}")]
    Refused(Box<Error>),
    /// The user is no longer in the room.
    #[error("no longer in the room")]
    RoomLost,
    /// It was taken out of the outbox.
    #[error("discarded")]
    Discarded,
}

/// How far an entry got.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It waits for its turn, and at least until this time.
    Queued {
        /// On the monotonic clock; `MAX` for the next connection.
        not_before: Duration,
    },
    /// It is kept back, so that it can be undone: nobody waits for it, least of all those behind it. In a cache
    /// it is as any other, and goes out with the next start.
    Held {
        /// On the monotonic clock.
        until: Duration,
    },
    /// It is under way.
    Sending,
    /// Its ref expired: it is being looked for in the log.
    Searching,
    /// It waits for the user's decision.
    Failed(SendError),
}

/// One row of the outbox.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place among all rows.
    pub order: u64,
    /// Where it goes.
    pub room: RoomId,
    /// Its own id.
    pub client_ref: ClientRef,
    /// What it is.
    pub payload: Payload,
    /// When the user sent it, Unix milliseconds.
    pub created_ms: u64,
    /// The room's head then: it can only be in the log after this place.
    pub after_seq: u64,
    /// How often it was handed to a connection. At least 1 for a restored row.
    pub attempts: u32,
    /// The chain it was sent in last.
    pub chain: u64,
    /// How often its ref expired.
    pub refs_replaced: u32,
    /// How far it got.
    pub state: State,
}

/// Rows are equal when the same would be sent: how far they got is left out.
impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        let key = |e: &Entry| (e.order, e.room, e.client_ref, e.created_ms, e.after_seq);
        key(self) == key(other) && self.payload == other.payload
    }
}

impl Entry {
    /// A row that was never sent.
    pub fn new(
        order: u64,
        room: RoomId,
        client_ref: ClientRef,
        payload: Payload,
        created_ms: u64,
        after_seq: u64,
    ) -> Self {
        let state = State::Queued { not_before: Duration::ZERO };
        let (attempts, chain, refs_replaced) = (0, 0, 0);
        Entry {
            order,
            room,
            client_ref,
            payload,
            created_ms,
            after_seq,
            attempts,
            chain,
            refs_replaced,
            state,
        }
    }

    /// The call that sends it.
    pub fn transmit(&self) -> Transmit {
        let (room, client_ref) = (self.room.to_field(), self.client_ref.to_field());
        let (method, body) = match &self.payload {
            Payload::Post { .. } => {
                let request = self.payload.send_request(self.room).unwrap_or_default();
                (rpc::Send::METHOD, SendRequest { client_ref, ..request }.encode_to_vec())
            }
            Payload::Edit { target_seq, body } => {
                let (target_seq, body) = (*target_seq, body.clone());
                let request = EditRequest { room, client_ref, target_seq, body };
                (rpc::Edit::METHOD, request.encode_to_vec())
            }
            Payload::Delete { target_seq } => {
                let request = DeleteRequest { room, client_ref, target_seq: *target_seq };
                (rpc::Delete::METHOD, request.encode_to_vec())
            }
            Payload::React { target_seq, emoji, on } => {
                let (target_seq, emoji) = (*target_seq, emoji.clone());
                if *on {
                    let request = ReactRequest { room, client_ref, target_seq, emoji };
                    (rpc::React::METHOD, request.encode_to_vec())
                } else {
                    let request = UnreactRequest { room, client_ref, target_seq, emoji };
                    (rpc::Unreact::METHOD, request.encode_to_vec())
                }
            }
            Payload::Pin { target_seq, on: true } => {
                let request = PinRequest { room, client_ref, target_seq: *target_seq };
                (rpc::Pin::METHOD, request.encode_to_vec())
            }
            Payload::Pin { target_seq, on: false } => {
                let request = UnpinRequest { room, client_ref, target_seq: *target_seq };
                (rpc::Unpin::METHOD, request.encode_to_vec())
            }
            Payload::Vote { target_seq, choices } => {
                let (target_seq, choices) = (*target_seq, choices.clone());
                let request = VoteRequest { room, client_ref, target_seq, choices };
                (rpc::Vote::METHOD, request.encode_to_vec())
            }
            Payload::ClosePoll { target_seq } => {
                let request = ClosePollRequest { room, client_ref, target_seq: *target_seq };
                (rpc::ClosePoll::METHOD, request.encode_to_vec())
            }
            Payload::HidePreviews { target_seq } => {
                let target_seq = *target_seq;
                let request = HideLinkPreviewsRequest { room, client_ref, target_seq };
                (rpc::HideLinkPreviews::METHOD, request.encode_to_vec())
            }
            Payload::Publish { body } => {
                let request = PublishRequest { room, client_ref, body: body.clone() };
                (rpc::Publish::METHOD, request.encode_to_vec())
            }
        };
        Transmit {
            client_ref: self.client_ref,
            method: method.id,
            body: body.into(),
            chain: self.chain,
        }
    }

    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let mut row = Row {
            order: self.order,
            room: self.room.to_field(),
            client_ref: self.client_ref.to_field(),
            created_ms: self.created_ms,
            after_seq: self.after_seq,
            refs_replaced: self.refs_replaced,
            ..Row::default()
        };
        match &self.payload {
            Payload::Post {
                body,
                mentions,
                mentions_everyone,
                reply_to,
                thread_root,
                attachments,
            } => {
                row.attachments = attachments.iter().map(|hash| hash.to_field()).collect();
                row.target_seq = reply_to.unwrap_or_default();
                row.thread_root = thread_root.unwrap_or_default();
                row.kind = 1;
                row.body = body.clone();
                row.mentions = mentions.iter().map(|user| user.to_field()).collect();
                row.mentions_everyone = *mentions_everyone;
            }
            Payload::Edit { target_seq, body } => {
                (row.kind, row.target_seq, row.body) = (2, *target_seq, body.clone());
            }
            Payload::Delete { target_seq } => (row.kind, row.target_seq) = (3, *target_seq),
            Payload::React { target_seq, emoji, on } => {
                row.kind = if *on { 4 } else { 5 };
                row.target_seq = *target_seq;
                row.body = Bytes::copy_from_slice(emoji.as_bytes());
            }
            Payload::Pin { target_seq, on } => {
                (row.kind, row.target_seq) = (if *on { 6 } else { 7 }, *target_seq);
            }
            Payload::Vote { target_seq, choices } => {
                (row.kind, row.target_seq, row.body) = (24, *target_seq, polls::pack(choices));
            }
            Payload::ClosePoll { target_seq } => (row.kind, row.target_seq) = (25, *target_seq),
            Payload::HidePreviews { target_seq } => {
                (row.kind, row.target_seq) = (26, *target_seq);
            }
            Payload::Publish { body } => (row.kind, row.body) = (8, body.clone()),
        }
        if let State::Failed(SendError::Refused(error)) = &self.state {
            row.error = Some((**error).clone());
        }
        row.encode_to_vec()
    }

    /// What [`Entry::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let row = Row::decode(bytes)?;
        let payload = match row.kind {
            1 => Payload::Post {
                body: row.body,
                mentions: row.mentions.iter().filter_map(|id| UserId::parse(id).ok()).collect(),
                mentions_everyone: row.mentions_everyone,
                reply_to: Some(row.target_seq).filter(|seq| *seq > 0),
                thread_root: Some(row.thread_root).filter(|seq| *seq > 0),
                attachments: hashes(&row.attachments),
            },
            2 => Payload::Edit { target_seq: row.target_seq, body: row.body },
            3 => Payload::Delete { target_seq: row.target_seq },
            4 | 5 => Payload::React {
                target_seq: row.target_seq,
                emoji: String::from_utf8(row.body.to_vec()).map_err(|_| Malformed)?,
                on: row.kind == 4,
            },
            6 | 7 => Payload::Pin { target_seq: row.target_seq, on: row.kind == 6 },
            8 => Payload::Publish { body: row.body },
            24 => Payload::Vote { target_seq: row.target_seq, choices: polls::unpack(&row.body) },
            25 => Payload::ClosePoll { target_seq: row.target_seq },
            26 => Payload::HidePreviews { target_seq: row.target_seq },
            _ => return Err(Malformed),
        };
        let room = RoomId::parse(&row.room).map_err(|_| Malformed)?;
        let client_ref = ClientRef::parse(&row.client_ref).map_err(|_| Malformed)?;
        let mut entry =
            Entry::new(row.order, room, client_ref, payload, row.created_ms, row.after_seq);
        // It isn't known whether the last run of the program sent it.
        entry.attempts = 1;
        entry.refs_replaced = row.refs_replaced;
        if let Some(error) = row.error {
            entry.state = State::Failed(SendError::Refused(Box::new(error)));
        }
        Ok(entry)
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Row {
    #[prost(uint64, tag = "1")]
    order: u64,
    #[prost(bytes = "bytes", tag = "2")]
    room: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    client_ref: Bytes,
    #[prost(uint64, tag = "4")]
    created_ms: u64,
    #[prost(uint64, tag = "5")]
    after_seq: u64,
    #[prost(uint32, tag = "6")]
    refs_replaced: u32,
    #[prost(uint32, tag = "7")]
    kind: u32,
    #[prost(bytes = "bytes", tag = "8")]
    body: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    mentions: Vec<Bytes>,
    #[prost(bool, tag = "10")]
    mentions_everyone: bool,
    #[prost(uint64, tag = "11")]
    target_seq: u64,
    #[prost(message, optional, tag = "12")]
    error: Option<Error>,
    #[prost(uint64, tag = "13")]
    thread_root: u64,
    #[prost(bytes = "bytes", repeated, tag = "14")]
    attachments: Vec<Bytes>,
}

fn hashes(fields: &[Bytes]) -> Vec<BlobHash> {
    fields.iter().filter_map(|hash| BlobHash::parse(hash).ok()).collect()
}
