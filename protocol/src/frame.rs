//! Frames: a protobuf varint length, then the message. The length is checked before anything
//! is allocated for it.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, key_len},
    length_delimiter_len,
};

/// Why bytes are not frames.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The length is over the lane's bound.
    TooLarge,
    /// The length takes more bytes than it needs, or more than five.
    OverlongLength,
    /// The lane ended within a frame.
    Truncated,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FrameError::TooLarge => "frame is over the lane's bound",
            FrameError::OverlongLength => "frame length is over-long",
            FrameError::Truncated => "lane ended within a frame",
        })
    }
}

impl std::error::Error for FrameError {}

/// Encodes one frame.
pub fn encode(message: &impl Message) -> Bytes {
    let len = message.encoded_len();
    let mut out = BytesMut::with_capacity(length_delimiter_len(len) + len);
    encode_into(message, &mut out);
    out.freeze()
}

/// Appends one frame.
pub fn encode_into(message: &impl Message, out: &mut BytesMut) {
    let len = message.encoded_len();
    out.reserve(length_delimiter_len(len) + len);
    encode_varint(len as u64, out);
    message.encode_raw(out);
}

/// The frame of a `BulkItem` with a body, in two pieces, so that a large body isn't copied.
pub fn bulk_item(body: Bytes) -> [Bytes; 2] {
    let len = key_len(BULK_BODY) + length_delimiter_len(body.len()) + body.len();
    let mut head = BytesMut::with_capacity(16);
    encode_varint(len as u64, &mut head);
    encode_key(BULK_BODY, WireType::LengthDelimited, &mut head);
    encode_varint(body.len() as u64, &mut head);
    [head.freeze(), body]
}

/// The number of `BulkItem.body`.
const BULK_BODY: u32 = 1;

/// Cuts a lane's bytes into frames.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    bytes_max: usize,
}

impl Splitter {
    /// A splitter that refuses frames over `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        Splitter { buffer: BytesMut::new(), bytes_max }
    }

    /// Changes the bound, for the frames after the present one.
    pub fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes held that no frame was made of yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole frame, without its length. After an error the lane is unusable.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some((len, prefix)) = length(&self.buffer)? else {
            if self.buffer.is_empty() {
                // A quiet lane holds no memory.
                self.buffer = BytesMut::new();
            }
            return Ok(None);
        };
        if len > self.bytes_max {
            return Err(FrameError::TooLarge);
        }
        if self.buffer.len() < prefix + len {
            self.buffer.reserve(prefix + len - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(prefix);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    /// What came behind the last frame, where no more frames follow.
    pub fn into_rest(self) -> Bytes {
        self.buffer.freeze()
    }

    /// The lane has ended: an error if that was within a frame.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.buffer.is_empty() { Ok(()) } else { Err(FrameError::Truncated) }
    }
}

fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            if i > 0 && *byte == 0 {
                return Err(FrameError::OverlongLength);
            }
            return Ok(Some((value as usize, i + 1)));
        }
    }
    if bytes.len() >= 5 { Err(FrameError::OverlongLength) } else { Ok(None) }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
