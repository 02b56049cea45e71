//! A client's stream, which says first whose it is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::{Bytes, BytesMut};
use web_transport_proto::{Frame, VarInt};

use crate::recv::ReadError;

/// Most bytes of the two numbers.
const HEAD_BYTES_MAX: usize = 16;

/// See the module. The head is read with the first bytes, by whoever reads them: so no stream waits for
/// another one's head.
pub struct Headed {
    stream: parlour_quic::RecvStream,
    // What has come of the head, until it is whole.
    head: Option<Box<BytesMut>>,
    session: u64,
    is_closed: Arc<AtomicBool>,
}

impl Headed {
    pub(super) fn new(
        stream: parlour_quic::RecvStream,
        session: u64,
        is_closed: Arc<AtomicBool>,
    ) -> Self {
        Headed { stream, head: Some(Box::default()), session, is_closed }
    }

    pub(crate) fn stop(&mut self, code: parlour_quic::VarInt) {
        self.stream.stop(code);
    }

    /// As of a lane. A stream that isn't this session's counts as given up.
    pub(crate) async fn read_chunk(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, ReadError> {
        while let Some(head) = &mut self.head {
            let Some(bytes) = self.stream.read_chunk(bytes_max).await? else { return Ok(None) };
            head.extend_from_slice(&bytes);
            let mut rest = &head[..];
            let (kind, session) = (Frame::decode(&mut rest), VarInt::decode(&mut rest));
            match (kind, session) {
                (Ok(Frame::WEBTRANSPORT), Ok(session)) if session.into_inner() == self.session => {
                    let begun = head.len() - rest.len();
                    let mut head = self.head.take().expect("it was looked at just now");
                    let first = head.split_off(begun).freeze();
                    if !first.is_empty() {
                        return Ok(Some(first));
                    }
                }
                (Ok(Frame::WEBTRANSPORT) | Err(_), Err(_)) if head.len() < HEAD_BYTES_MAX => {}
                _ => return Err(ReadError::Reset),
            }
        }
        let chunk = self.stream.read_chunk(bytes_max).await?;
        // Closed from this side, the connection lasts a moment longer.
        match self.is_closed.load(Ordering::Relaxed) {
            true => Err(ReadError::Closed),
            false => Ok(chunk),
        }
    }
}
