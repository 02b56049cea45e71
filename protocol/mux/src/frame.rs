//! The messages as bytes: a kind, then numbers as protobuf varints, then bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::limits::{DATA_BYTES_MAX, DATAGRAM_BYTES_MAX, REASON_BYTES_MAX};

/// A lane by its number: even for those the client opens, odd for the server's, each from the smallest
/// on in their order.
pub type LaneId = u32;

const DATA: u8 = 0;
const END: u8 = 1;
const RESET: u8 = 2;
const STOP: u8 = 3;
const CREDIT: u8 = 4;
const LANES: u8 = 5;
const DATAGRAM: u8 = 6;
const CLOSE: u8 = 7;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Data {
        lane: LaneId,
        bytes: Bytes,
        is_last: bool,
    },
    Reset {
        lane: LaneId,
        code: u32,
    },
    Stop {
        lane: LaneId,
        code: u32,
    },
    Credit {
        lane: LaneId,
        total: u64,
    },
    Lanes {
        count: u32,
    },
    Datagram(Bytes),
    Close {
        code: u32,
        reason: String,
    },
    /// Of a kind that is not known here: passed over.
    Unknown,
}

impl Frame {
    /// `None` if that is no message of this protocol.
    pub(crate) fn decode(mut message: Bytes) -> Option<Self> {
        let kind = message.try_get_u8().ok()?;
        let bytes = &mut message;
        let frame = match kind {
            DATA | END => {
                let lane = number(bytes)?;
                let bytes = std::mem::take(bytes);
                if bytes.len() > DATA_BYTES_MAX {
                    return None;
                }
                Frame::Data { lane, bytes, is_last: kind == END }
            }
            RESET => Frame::Reset { lane: number(bytes)?, code: number(bytes)? },
            STOP => Frame::Stop { lane: number(bytes)?, code: number(bytes)? },
            CREDIT => Frame::Credit { lane: number(bytes)?, total: varint(bytes)? },
            LANES => Frame::Lanes { count: number(bytes)? },
            DATAGRAM if bytes.len() <= DATAGRAM_BYTES_MAX => Frame::Datagram(std::mem::take(bytes)),
            CLOSE => {
                let code = number(bytes)?;
                let reason = std::mem::take(bytes);
                if reason.len() > REASON_BYTES_MAX {
                    return None;
                }
                Frame::Close { code, reason: String::from_utf8(reason.into()).ok()? }
            }
            DATAGRAM => return None,
            _ => return Some(Frame::Unknown),
        };
        message.is_empty().then_some(frame)
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Frame::Data { lane, bytes, is_last } => {
                out.reserve(bytes.len() + 6);
                put(&mut out, if *is_last { END } else { DATA }, &[u64::from(*lane)]);
                out.extend_from_slice(bytes);
            }
            Frame::Reset { lane, code } => put(&mut out, RESET, &[(*lane).into(), (*code).into()]),
            Frame::Stop { lane, code } => put(&mut out, STOP, &[(*lane).into(), (*code).into()]),
            Frame::Credit { lane, total } => put(&mut out, CREDIT, &[(*lane).into(), *total]),
            Frame::Lanes { count } => put(&mut out, LANES, &[(*count).into()]),
            Frame::Datagram(bytes) => {
                put(&mut out, DATAGRAM, &[]);
                out.extend_from_slice(bytes);
            }
            Frame::Close { code, reason } => {
                put(&mut out, CLOSE, &[(*code).into()]);
                out.extend_from_slice(reason.as_bytes());
            }
            // Nobody sends what nobody knows.
            Frame::Unknown => {}
        }
        out.freeze()
    }
}

fn put(out: &mut BytesMut, kind: u8, numbers: &[u64]) {
    out.put_u8(kind);
    for number in numbers {
        let mut left = *number;
        while left >= 0x80 {
            out.put_u8((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        out.put_u8(left as u8);
    }
}

fn number(bytes: &mut Bytes) -> Option<u32> {
    u32::try_from(varint(bytes)?).ok()
}

/// At most ten bytes, and no more than it needs.
fn varint(bytes: &mut Bytes) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        let part = u64::from(byte & 0x7f);
        if (part << shift) >> shift != part || (byte == 0 && shift > 0) {
            return None;
        }
        value |= part << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
