//! What lanes have in common: how they begin, reading frames off a stream, and how many a client may
//! open.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_carriers::{Connection, ReadError, RecvLane, SendLane};
use parlour_core::node::Caller;
use parlour_protocol::{
    frame::{FrameError, Splitter},
    limits::LANE_OPEN_BYTES_MAX,
    wire::{CloseCode, LaneKind, LaneOpen},
};
use prost::Message;

use super::{Shared, blob, bulk, transport};

/// Largest piece read at once.
pub(super) const READ_MAX: usize = 64 * 1024;

/// The call comes within this time of the lane's opening.
pub(super) const CALL_WITHIN: Duration = Duration::from_secs(10);

/// Serves a lane that the client has opened, whichever kind it is. `Err` with the code it was reset
/// with, if the client broke a rule.
pub(super) async fn serve(
    shared: &Shared,
    caller: Arc<Caller>,
    mut send: SendLane,
    mut recv: RecvLane,
) -> Result<(), CloseCode> {
    let mut splitter = Splitter::new(LANE_OPEN_BYTES_MAX);
    let opened = match next_frame(&mut recv, &mut splitter, CALL_WITHIN).await {
        Ok(Some(open)) => LaneOpen::decode(open).map_err(|_| CloseCode::MalformedFrame),
        Ok(None) => Err(CloseCode::TruncatedFrame),
        Err(error) => Err(error.close_code()),
    };
    let code = match opened.map(|open| LaneKind::try_from(open.kind)) {
        Ok(Ok(LaneKind::Bulk)) => return bulk::serve(shared, caller, send, recv, splitter).await,
        Ok(Ok(LaneKind::Blob)) => return blob::serve(shared, caller, send, recv, splitter).await,
        Ok(_) => CloseCode::UnknownLane,
        Err(code) => code,
    };
    recv.stop(code as u32);
    send.reset(code as u32);
    Err(code)
}

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
    stream: &mut RecvLane,
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
