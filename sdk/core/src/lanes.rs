//! Decoders of the event lane, of bulk lanes and of datagrams.

use bytes::{BufMut, Bytes, BytesMut};
use parlour_protocol::{
    frame::{self, FrameError, Splitter},
    ids::RoomId,
    limits::{BULK_FRAME_BYTES_MAX, EVENT_FRAME_BYTES_MAX},
    presence::PresenceUpdate,
    wire::{
        BulkCall, BulkItem, Ephemeral, Error, EventFrame, LaneKind, LaneOpen, RoomEvents,
        RoomPulse, bulk_item, event_frame,
    },
};
use prost::Message;

use crate::event::{LogEvent, Malformed, events_in, submessages};

/// Why a lane can't be read any further.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// Bytes that are not frames.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// A frame that isn't a message of its lane.
    #[error("frame is not a valid message")]
    Malformed,
    /// The lane's first message names a kind this client doesn't know.
    #[error("unknown kind of lane")]
    UnknownKind,
    /// A bulk lane ended without saying that it is complete.
    #[error("cut off")]
    CutOff,
}

impl From<Malformed> for LaneError {
    fn from(_: Malformed) -> Self {
        LaneError::Malformed
    }
}

impl From<prost::DecodeError> for LaneError {
    fn from(_: prost::DecodeError) -> Self {
        LaneError::Malformed
    }
}

/// What the event lane and datagrams say.
#[derive(Clone, Debug, PartialEq)]
pub enum Live {
    /// Events of one room, in order.
    Room(RoomId, Vec<LogEvent>),
    /// Those of a stretch of a room's log that are wanted: all up to the head's place from this one on.
    Stretch {
        /// The room.
        room: RoomId,
        /// Where the stretch begins.
        from: u64,
        /// The room behind it.
        head: RoomPulse,
        /// What is wanted of it, in order.
        events: Vec<LogEvent>,
    },
    /// Events of the user's own log, in order.
    User(Vec<LogEvent>),
    /// The head of a room whose events aren't sent.
    Pulse(RoomPulse),
    /// Events of these rooms were left out.
    Gap(Vec<RoomPulse>),
    /// Heads of logs with recent changes, and of the user's own.
    Heads(Vec<RoomPulse>, u64),
    /// Something that may be lost.
    Ephemeral(Ephemeral),
    /// Users who are watched, as they are now.
    Presence(PresenceUpdate),
}

/// The server's event lane.
#[derive(Debug)]
pub struct EventLane {
    frames: Splitter,
    is_open: bool,
}

impl Default for EventLane {
    fn default() -> Self {
        EventLane { frames: Splitter::new(EVENT_FRAME_BYTES_MAX), is_open: false }
    }
}

impl EventLane {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    /// Bytes held of which nothing was said yet.
    pub fn buffered(&self) -> usize {
        self.frames.buffered()
    }

    /// The next thing the lane says.
    pub fn next_live(&mut self) -> Result<Option<Live>, LaneError> {
        while let Some(frame) = self.frames.next_frame()? {
            if !self.is_open {
                let open = LaneOpen::decode(frame)?;
                if open.kind != LaneKind::Event as i32 {
                    return Err(LaneError::UnknownKind);
                }
                self.is_open = true;
            } else if let Some(live) = live(frame)? {
                return Ok(Some(live));
            }
        }
        Ok(None)
    }
}

/// One frame of the event lane. An arm this client doesn't know is no error.
fn live(frame: Bytes) -> Result<Option<Live>, LaneError> {
    // Events are taken from the raw frame: what prost re-encodes loses what it doesn't know.
    if let Some(raw) = submessages(1, &frame)?.pop() {
        let room = submessages(1, &raw)?.pop().ok_or(LaneError::Malformed)?;
        let room = RoomId::parse(&room).map_err(|_| LaneError::Malformed)?;
        let events = events_in(2, &raw)?;
        let Some(head) = submessages(4, &raw)?.pop() else {
            return Ok(Some(Live::Room(room, events)));
        };
        let from = RoomEvents::decode(raw)?.from_seq;
        let head = RoomPulse::decode(head)?;
        return Ok(Some(Live::Stretch { room, from, head, events }));
    }
    if let Some(raw) = submessages(2, &frame)?.pop() {
        return Ok(Some(Live::User(events_in(1, &raw)?)));
    }
    use event_frame::Frame as F;
    Ok(match EventFrame::decode(frame)?.frame {
        Some(F::Pulse(pulse)) => Some(Live::Pulse(pulse)),
        Some(F::Gap(gap)) => Some(Live::Gap(gap.rooms)),
        Some(F::Heads(heads)) => Some(Live::Heads(heads.rooms, heads.user_seq)),
        Some(F::Ephemeral(ephemeral)) => Some(Live::Ephemeral(ephemeral)),
        Some(F::Presence(update)) => Some(Live::Presence(update)),
        Some(F::RoomEvents(_) | F::UserEvents(_)) | None => None,
    })
}

/// A datagram; a malformed one is nothing.
pub fn datagram(bytes: Bytes) -> Option<Live> {
    Ephemeral::decode(bytes).ok().map(Live::Ephemeral)
}

/// All that a client sends on a bulk lane.
pub fn bulk_request(method: u32, body: Bytes) -> Bytes {
    let mut out = BytesMut::new();
    out.put(frame::encode(&LaneOpen { kind: LaneKind::Bulk as i32 }));
    out.put(frame::encode(&BulkCall { method, body }));
    out.freeze()
}

/// What a bulk lane says.
#[derive(Clone, Debug, PartialEq)]
pub enum Bulk {
    /// One response message.
    Item(Bytes),
    /// The call failed.
    Failed(Error),
    /// Everything was said.
    End,
}

/// The answers of one bulk lane.
#[derive(Debug)]
pub struct BulkLane {
    frames: Splitter,
    is_ended: bool,
}

impl Default for BulkLane {
    fn default() -> Self {
        BulkLane { frames: Splitter::new(BULK_FRAME_BYTES_MAX), is_ended: false }
    }
}

impl BulkLane {
    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    /// The next thing the lane says; nothing after its end.
    pub fn next_bulk(&mut self) -> Result<Option<Bulk>, LaneError> {
        while !self.is_ended {
            let Some(frame) = self.frames.next_frame()? else { break };
            match BulkItem::decode(frame)?.item {
                Some(bulk_item::Item::Body(body)) => return Ok(Some(Bulk::Item(body))),
                Some(bulk_item::Item::Error(error)) => {
                    self.is_ended = true;
                    return Ok(Some(Bulk::Failed(error)));
                }
                Some(bulk_item::Item::End(_)) => {
                    self.is_ended = true;
                    return Ok(Some(Bulk::End));
                }
                None => {}
            }
        }
        Ok(None)
    }

    /// The stream has ended: an error if it didn't say that it is complete.
    pub fn finish(&self) -> Result<(), LaneError> {
        if self.is_ended { Ok(()) } else { Err(LaneError::CutOff) }
    }
}

#[cfg(test)]
#[path = "lanes_tests.rs"]
mod tests;
