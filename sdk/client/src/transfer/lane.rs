//! The frames of a blob lane.

use bytes::{BufMut, Bytes, BytesMut};
use parlour_protocol::{
    frame::{self, Splitter},
    limits::BLOB_FRAME_BYTES_MAX,
    prost::Message,
    wire::{
        BlobAnswer, BlobCall, CloseCode, LaneKind, LaneOpen, blob_answer::Answer, blob_call::Call,
    },
};

use super::{Cut, Path, TransferError};
use crate::{
    carrier::{Gone, RecvLane, SendLane},
    limits::FILE_PIECE_BYTES,
};

/// Behind history, which somebody may be waiting for.
const PRIORITY: i32 = -20;

/// The half on which a file goes up. Dropped before it is finished, it is given up: an end would say
/// that what was written is the whole, or come before anybody knows where it belongs.
pub(super) struct Sender {
    lane: SendLane,
    is_finished: bool,
}

impl Sender {
    /// Writes all of the piece.
    pub(super) async fn write_chunk(&mut self, piece: Bytes) -> Result<(), Gone> {
        self.lane.write_chunk(piece).await
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self) {
        self.lane.finish();
        self.is_finished = true;
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if !self.is_finished {
            self.lane.reset(CloseCode::ClientDone);
        }
    }
}

/// A lane whose call has been made.
pub(super) struct Lane {
    pub(super) send: Sender,
    recv: RecvLane,
    answers: Splitter,
}

impl Lane {
    pub(super) async fn open(path: &Path, call: Call) -> Result<Self, Cut> {
        let (lane, recv) = path.connection.open_bi(PRIORITY).await.map_err(|_| Cut::Lost)?;
        let mut send = Sender { lane, is_finished: false };
        let mut out = BytesMut::new();
        out.put(frame::encode(&LaneOpen { kind: LaneKind::Blob as i32 }));
        out.put(frame::encode(&BlobCall { call: Some(call) }));
        send.write_chunk(out.freeze()).await.map_err(|_| Cut::Lost)?;
        Ok(Lane { send, recv, answers: Splitter::new(BLOB_FRAME_BYTES_MAX) })
    }

    /// What the server says next; a refusal is an error.
    pub(super) async fn answer(&mut self) -> Result<Answer, Cut> {
        let malformed = || Cut::For(TransferError::Malformed);
        loop {
            if let Some(frame) = self.answers.next_frame().map_err(|_| malformed())? {
                let answer = BlobAnswer::decode(frame).map_err(|_| malformed())?;
                return match answer.answer.ok_or_else(malformed)? {
                    Answer::Error(refusal) => Err(TransferError::Refused(Box::new(refusal)).into()),
                    answer => Ok(answer),
                };
            }
            match self.recv.read_chunk(FILE_PIECE_BYTES).await {
                Ok(Some(bytes)) => self.answers.push(&bytes),
                Ok(None) | Err(_) => return Err(Cut::Lost),
            }
        }
    }

    /// The lane's raw bytes, from here on.
    pub(super) fn into_bytes(self) -> Incoming {
        Incoming { first: self.answers.into_rest(), recv: self.recv }
    }
}

/// Raw bytes that come.
pub(super) struct Incoming {
    first: Bytes,
    recv: RecvLane,
}

impl Incoming {
    /// The next bytes, `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Cut> {
        if !self.first.is_empty() {
            return Ok(Some(std::mem::take(&mut self.first)));
        }
        self.recv.read_chunk(FILE_PIECE_BYTES).await.map_err(|_| Cut::Lost)
    }
}
