//! The receiving half of a lane.

use bytes::Bytes;

use crate::webtransport::{self, Headed};

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The client gave the lane up.
    #[error("reset by the client")]
    Reset,
    /// It was stopped here, or the connection has ended.
    #[error("the lane is closed")]
    Closed,
}

/// The receiving half of a lane. Dropped before its end, the client is told to stop.
pub enum RecvLane {
    /// A stream of native QUIC.
    Native(parlour_quic::RecvStream),
    /// A stream of a session, behind the words that say so.
    WebTransport(Headed),
    /// A lane in messages.
    WebSocket(parlour_mux::RecvLane),
}

impl RecvLane {
    /// Waits for the next bytes, at most that many; `None` at the lane's end.
    pub async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        match self {
            RecvLane::Native(stream) => Ok(stream.read_chunk(bytes_max).await?),
            RecvLane::WebTransport(stream) => stream.read_chunk(bytes_max).await,
            RecvLane::WebSocket(lane) => {
                lane.read_chunk(bytes_max).await.map_err(|error| match error {
                    parlour_mux::ReadError::Reset(_) => ReadError::Reset,
                    _ => ReadError::Closed,
                })
            }
        }
    }

    /// Tells the client to send no more.
    pub fn stop(&mut self, code: u32) {
        match self {
            RecvLane::Native(stream) => stream.stop(code.into()),
            RecvLane::WebTransport(stream) => stream.stop(webtransport::stream_code(code)),
            RecvLane::WebSocket(lane) => lane.stop(code),
        }
    }
}

impl From<parlour_quic::ReadError> for ReadError {
    fn from(error: parlour_quic::ReadError) -> Self {
        match error {
            parlour_quic::ReadError::Reset(_) => ReadError::Reset,
            parlour_quic::ReadError::Closed | parlour_quic::ReadError::Lost => ReadError::Closed,
        }
    }
}
