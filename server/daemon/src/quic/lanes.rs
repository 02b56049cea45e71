//! Reading frames off a stream, and how many bulk lanes a client may open.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_protocol::{
    frame::{FrameError, Splitter},
    wire::CloseCode,
};
use parlour_quic::{Connection, ReadError, RecvStream};

use super::transport;

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

/// The bulk lanes of one connection.
#[derive(Default)]
pub(super) struct OpenLanes {
    // Each open lane holds one, too.
    open: Arc<()>,
    is_raised: bool,
}

/// A bulk lane that is open until this is dropped.
pub(super) struct OpenLane {
    _open: Arc<()>,
}

impl OpenLanes {
    /// The client has opened one. Who has several at once may soon open as many as the protocol
    /// allows.
    pub(super) fn open(&mut self, connection: &Connection) -> OpenLane {
        let lane = OpenLane { _open: self.open.clone() };
        let open = Arc::strong_count(&self.open) - 1;
        if !self.is_raised && open >= transport::BULK_LANES_FIRST as usize / 2 {
            self.is_raised = true;
            transport::raise_lanes(connection);
        }
        lane
    }
}
