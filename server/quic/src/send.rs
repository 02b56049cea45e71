//! The sending side of a stream.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::Bytes;
use quinn_proto::{StreamId, VarInt, WriteError as ProtoError, Written};

use crate::connection::{Hold, Interest};

/// Why nothing more can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The client wants no more of this stream, and says why.
    #[error("stopped by the client: {0}")]
    Stopped(VarInt),
    /// The stream was finished or reset.
    #[error("the stream is closed")]
    Closed,
    /// The connection has ended.
    #[error("the connection has ended")]
    Lost,
}

/// How much a stream may fill of what its connection keeps until it is acknowledged. A priority decides what is
/// sent first, but only of what could be written: a long answer that has filled the send window keeps everybody
/// else from writing until the client has acknowledged some of it, on a path that loses packets for seconds.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Bytes on all streams beyond which this one waits.
    pub bytes: u64,
    /// The connection's send window.
    pub of: u64,
}

/// The sending side of a stream. Dropped, it ends well with what was written.
pub struct SendStream {
    hold: Hold,
    id: StreamId,
    share: Option<Share>,
}

impl SendStream {
    pub(crate) fn new(hold: Hold, id: StreamId) -> Self {
        SendStream { hold, id, share: None }
    }

    /// From now on the stream leaves the rest of the send window to others.
    pub fn keep_to(&mut self, share: Share) {
        self.share = Some(share);
    }

    /// The stream's number (RFC 9000 section 2.1).
    pub fn id(&self) -> VarInt {
        self.id.into()
    }

    /// Writes as much of the chunks as fits now; what was written is taken out of them. It goes
    /// out with the next [`crate::Connection::drive`].
    pub fn poll_write_chunks(
        &mut self,
        context: &Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<Written, WriteError>> {
        let mut state = self.hold.0.lock();
        if state.error.is_some() {
            return Poll::Ready(Err(WriteError::Lost));
        }
        // The window is the connection's, and the lock is held: nobody else writes meanwhile. quinn-proto
        // takes the stream to be writable again at the next look, so it tries once in vain then.
        if let Some(Share { bytes, .. }) = self.share {
            state.proto.set_send_window(bytes);
        }
        let written = state.proto.send_stream(self.id).write_chunks(chunks);
        if let Some(Share { of, .. }) = self.share {
            state.proto.set_send_window(of);
        }
        match written {
            Ok(written) => Poll::Ready(Ok(written)),
            Err(ProtoError::Blocked) => {
                state.wait(Interest::Writable(self.id), context);
                Poll::Pending
            }
            Err(ProtoError::Stopped(code)) => Poll::Ready(Err(WriteError::Stopped(code))),
            Err(ProtoError::ClosedStream) => Poll::Ready(Err(WriteError::Closed)),
        }
    }

    /// Writes all of the chunks.
    pub async fn write_all_chunks(&mut self, mut chunks: &mut [Bytes]) -> Result<(), WriteError> {
        while !chunks.is_empty() {
            let written = poll_fn(|context| self.poll_write_chunks(context, chunks)).await?;
            let shared = &self.hold.0;
            shared.leave_to_driver(shared.lock());
            chunks = &mut chunks[written.chunks..];
        }
        Ok(())
    }

    /// Writes all of the chunk.
    pub async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), WriteError> {
        self.write_all_chunks(&mut [chunk]).await
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        let mut state = self.hold.0.lock();
        if state.error.is_none() {
            let _ = state.proto.send_stream(self.id).finish();
            self.hold.0.leave_to_driver(state);
        }
    }

    /// Ends the stream at once: what was written may not arrive.
    pub fn reset(&mut self, code: VarInt) {
        let mut state = self.hold.0.lock();
        if state.error.is_none() {
            let _ = state.proto.send_stream(self.id).reset(code);
            self.hold.0.leave_to_driver(state);
        }
    }

    /// Streams with a higher priority go first; 0 without this.
    pub fn set_priority(&mut self, priority: i32) {
        let _ = self.hold.0.lock().proto.send_stream(self.id).set_priority(priority);
    }

    /// Waits until the client has all of a finished stream, wants no more of it, or is gone.
    pub async fn stopped(&mut self) {
        poll_fn(|context| {
            let mut state = self.hold.0.lock();
            match state.proto.send_stream(self.id).stopped() {
                Ok(None) if state.error.is_none() => {
                    state.wait(Interest::Stopped(self.id), context);
                    Poll::Pending
                }
                _ => Poll::Ready(()),
            }
        })
        .await;
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        let mut state = self.hold.0.lock();
        state.forget(self.id, true);
        if state.error.is_some() {
            return;
        }
        let mut stream = state.proto.send_stream(self.id);
        match stream.finish() {
            Ok(()) => {}
            Err(quinn_proto::FinishError::Stopped(code)) => {
                let _ = stream.reset(code);
            }
            Err(quinn_proto::FinishError::ClosedStream) => return,
        }
        self.hold.0.leave_to_driver(state);
    }
}
