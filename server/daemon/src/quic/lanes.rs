//! Reading frames off a stream.

use std::time::Duration;

use bytes::Bytes;
use parlour_protocol::{
    frame::{FrameError, Splitter},
    wire::CloseCode,
};
use parlour_quic::{ReadError, RecvStream};

/// Largest piece read at once.
pub(super) const READ_MAX: usize = 64 * 1024;

/// Why a lane can't be read any further.
#[derive(Debug)]
pub(super) enum LaneError {
    /// Bytes that aren't frames.
    Frame(FrameError),
    /// Reset by the client, or the connection is gone.
    Lost,
    /// Nothing came in time.
    Timeout,
}

impl LaneError {
    /// What the lane is reset with.
    pub(super) fn close_code(&self) -> CloseCode {
        match self {
            LaneError::Frame(FrameError::TooLarge) => CloseCode::FrameTooLarge,
            LaneError::Frame(FrameError::Truncated) => CloseCode::TruncatedFrame,
            LaneError::Frame(_) => CloseCode::MalformedFrame,
            LaneError::Lost | LaneError::Timeout => CloseCode::Unspecified,
        }
    }
}

impl From<ReadError> for LaneError {
    fn from(_: ReadError) -> Self {
        LaneError::Lost
    }
}

/// The next frame, `None` at the lane's end.
pub(super) async fn next_frame(
    stream: &mut RecvStream,
    splitter: &mut Splitter,
    within: Duration,
) -> Result<Option<Bytes>, LaneError> {
    let read = async {
        loop {
            if let Some(frame) = splitter.next_frame().map_err(LaneError::Frame)? {
                return Ok(Some(frame));
            }
            match stream.read_chunk(READ_MAX).await? {
                Some(bytes) => splitter.push(&bytes),
                None => {
                    splitter.finish().map_err(LaneError::Frame)?;
                    return Ok(None);
                }
            }
        }
    };
    tokio::time::timeout(within, read).await.unwrap_or(Err(LaneError::Timeout))
}
