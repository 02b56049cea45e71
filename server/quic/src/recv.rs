//! The receiving side of a stream.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use bytes::Bytes;
use quinn_proto::{ReadError as ProtoError, StreamId, VarInt};

use crate::connection::{Hold, Interest};

/// Why nothing more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The client ended the stream with this code.
    #[error("reset by the client: {0}")]
    Reset(VarInt),
    /// It was stopped here.
    #[error("the stream is closed")]
    Closed,
    /// The connection has ended.
    #[error("the connection has ended")]
    Lost,
}

/// The receiving side of a stream. Dropped before its end, the client is told to stop.
pub struct RecvStream {
    hold: Hold,
    id: StreamId,
    is_done: bool,
}

impl RecvStream {
    pub(crate) fn new(hold: Hold, id: StreamId) -> Self {
        RecvStream { hold, id, is_done: false }
    }

    /// Waits for the next bytes, at most that many; `None` at the stream's end.
    pub async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        poll_fn(|context| self.poll_read(context, bytes_max)).await
    }

    /// The same without waiting: whoever asks is woken when it is worth asking again.
    pub fn poll_read(
        &mut self,
        context: &Context<'_>,
        bytes_max: usize,
    ) -> Poll<Result<Option<Bytes>, ReadError>> {
        if self.is_done {
            return Poll::Ready(Ok(None));
        }
        let mut state = self.hold.0.lock();
        let mut stream = state.proto.recv_stream(self.id);
        let Ok(mut chunks) = stream.read(true) else {
            return Poll::Ready(Err(ReadError::Closed));
        };
        let next = chunks.next(bytes_max);
        // The client may send more now, and has to be told.
        let must_tell = chunks.finalize().should_transmit() && state.list();
        let answer = match next {
            Ok(Some(chunk)) => Poll::Ready(Ok(Some(chunk.bytes))),
            Ok(None) => Poll::Ready(Ok(None)),
            Err(ProtoError::Reset(code)) => Poll::Ready(Err(ReadError::Reset(code))),
            Err(ProtoError::Blocked) if state.error.is_some() => Poll::Ready(Err(ReadError::Lost)),
            Err(ProtoError::Blocked) => {
                state.wait(Interest::Readable(self.id), context);
                Poll::Pending
            }
        };
        drop(state);
        if must_tell {
            self.hold.0.endpoint.leave_to_driver(self.hold.0.clone());
        }
        self.is_done = matches!(answer, Poll::Ready(Ok(None) | Err(ReadError::Reset(_))));
        answer
    }

    /// Tells the client to send no more.
    pub fn stop(&mut self, code: VarInt) {
        self.is_done = true;
        let mut state = self.hold.0.lock();
        if state.error.is_none() && state.proto.recv_stream(self.id).stop(code).is_ok() {
            self.hold.0.leave_to_driver(state);
        }
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        self.hold.0.lock().forget(self.id, false);
        if !self.is_done {
            self.stop(VarInt::from_u32(0));
        }
    }
}
