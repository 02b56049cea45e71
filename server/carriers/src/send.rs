//! The sending half of a lane.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::Bytes;
pub use parlour_quic::Share;

use crate::webtransport;

/// What was written of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes in all.
    pub bytes: usize,
    /// Chunks that were taken whole.
    pub chunks: usize,
}

/// Why nothing more can be written: the client wants no more, the lane was ended here, or the connection
/// is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lane is closed")]
pub struct WriteError;

/// The sending half of a lane. Dropped, it ends well with what was written.
pub enum SendLane {
    /// A stream of native QUIC.
    Native(parlour_quic::SendStream),
    /// A stream of a session.
    WebTransport(parlour_quic::SendStream),
    /// A lane in messages.
    WebSocket(parlour_mux::SendLane),
}

impl SendLane {
    /// Writes as much of the chunks as fits now; what was written is taken out of them. Over QUIC it goes
    /// out with the next [`crate::Connection::drive`].
    pub fn poll_write_chunks(
        &mut self,
        context: &Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<Written, WriteError>> {
        match self {
            SendLane::Native(stream) | SendLane::WebTransport(stream) => {
                stream.poll_write_chunks(context, chunks).map(|written| match written {
                    Ok(written) => Ok(Written { bytes: written.bytes, chunks: written.chunks }),
                    Err(_) => Err(WriteError),
                })
            }
            SendLane::WebSocket(lane) => {
                lane.poll_write_chunks(context, chunks).map(|written| match written {
                    Ok(written) => Ok(Written { bytes: written.bytes, chunks: written.chunks }),
                    Err(_) => Err(WriteError),
                })
            }
        }
    }

    /// Writes all of the chunks, and has them sent.
    pub async fn write_all_chunks(&mut self, chunks: &mut [Bytes]) -> Result<(), WriteError> {
        match self {
            SendLane::Native(stream) | SendLane::WebTransport(stream) => {
                stream.write_all_chunks(chunks).await.map_err(|_| WriteError)
            }
            SendLane::WebSocket(lane) => {
                lane.write_all_chunks(chunks).await.map_err(|_| WriteError)
            }
        }
    }

    /// Writes all of the chunk, and has it sent.
    pub async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), WriteError> {
        self.write_all_chunks(&mut [chunk]).await
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        match self {
            SendLane::Native(stream) | SendLane::WebTransport(stream) => stream.finish(),
            SendLane::WebSocket(lane) => lane.finish(),
        }
    }

    /// Ends the lane at once: what was written may not arrive.
    pub fn reset(&mut self, code: u32) {
        match self {
            SendLane::Native(stream) => stream.reset(code.into()),
            SendLane::WebTransport(stream) => stream.reset(webtransport::stream_code(code)),
            SendLane::WebSocket(lane) => lane.reset(code),
        }
    }

    /// Lanes with a higher priority go first; 0 without this.
    pub fn set_priority(&mut self, priority: i32) {
        match self {
            SendLane::Native(stream) | SendLane::WebTransport(stream) => {
                stream.set_priority(priority);
            }
            SendLane::WebSocket(lane) => lane.set_priority(priority),
        }
    }

    /// From now on the lane leaves the rest of the send window to others. A WebSocket's lanes share no window:
    /// little of any waits for the socket.
    pub fn keep_to(&mut self, share: Share) {
        match self {
            SendLane::Native(stream) | SendLane::WebTransport(stream) => stream.keep_to(share),
            SendLane::WebSocket(_) => {}
        }
    }

    /// Waits until the client has all of a finished lane (over WebSocket: until it is sent), wants no more
    /// of it, or is gone.
    pub async fn stopped(&mut self) {
        match self {
            SendLane::Native(stream) | SendLane::WebTransport(stream) => stream.stopped().await,
            SendLane::WebSocket(lane) => lane.settled().await,
        }
    }

    /// Whether there is room is asked without waiting for it.
    pub(crate) fn write_now(stream: &mut parlour_quic::SendStream, bytes: Bytes) {
        let context = Context::from_waker(std::task::Waker::noop());
        let _ = stream.poll_write_chunks(&context, &mut [bytes]);
    }
}

/// Waits for a stream's next bytes, for what reads before there is a lane.
pub(crate) async fn read_more(
    stream: &mut parlour_quic::RecvStream,
    bytes_max: usize,
) -> Option<Bytes> {
    poll_fn(|context| stream.poll_read(context, bytes_max)).await.ok().flatten()
}
