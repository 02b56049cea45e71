//! Files up and down, over lanes of their own beside everything else. They go on where they were
//! after the connection was lost, and run in the caller's future: dropping it ends them.

mod download;
mod lane;
mod upload;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use parlour_protocol::{
    ids::{DeviceId, UploadId},
    wire::{Error as Refusal, ErrorReason, Retry},
};
use tokio::sync::watch;

pub use download::Download;
pub use upload::{Source, Upload};

use crate::{
    carrier::Connection,
    limits::{
        TRANSFER_AGAIN_AFTER, TRANSFER_CUTS_MAX, TRANSFER_DELAYS_MAX, TRANSFER_DOUBLINGS_MAX,
    },
};

/// Why a file wasn't transferred.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransferError {
    /// The server refused it: `BLOB_TOO_LARGE`, `MEDIA_TYPE_REFUSED`, `QUOTA_EXCEEDED`,
    /// `BLOB_INFECTED`, `BLOB_NOT_FOUND`, `ROOM_NOT_FOUND` and others.
    #[error("refused: {0}")]
    Refused(Box<Refusal>),
    /// The file here can't be read or written.
    #[error("file: {0}")]
    File(Arc<io::Error>),
    /// A file of no bytes, which no message can carry.
    #[error("the file is empty")]
    Empty,
    /// The file is more than the caller wants in memory.
    #[error("the file is too large")]
    TooLarge,
    /// The bytes that came aren't the attachment's.
    #[error("the file came damaged")]
    Damaged,
    /// It is cut off again and again although there is a connection.
    #[error("the transfer is cut off again and again")]
    Interrupted,
    /// The server says what the protocol doesn't have.
    #[error("the answer is malformed")]
    Malformed,
    /// The client is gone.
    #[error("the client is closed")]
    Closed,
}

impl TransferError {
    /// The server's reason, if it refused and the reason is known.
    pub fn reason(&self) -> Option<ErrorReason> {
        match self {
            TransferError::Refused(refusal) => ErrorReason::try_from(refusal.reason).ok(),
            _ => None,
        }
    }
}

impl From<io::Error> for TransferError {
    fn from(error: io::Error) -> Self {
        TransferError::File(Arc::new(error))
    }
}

/// The connection in use, and the device that uses it.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) connection: Connection,
    pub(crate) device: DeviceId,
}

/// What transfers share.
#[derive(Clone, Debug)]
pub(crate) struct Transfers {
    path: watch::Receiver<Option<Path>>,
    // The same file twice at once is uploaded once: the second finds it there.
    uploads: Arc<Mutex<HashMap<UploadId, Weak<tokio::sync::Mutex<()>>>>>,
}

/// Why one attempt came to nothing.
enum Cut {
    /// The connection or the lane is gone: again, on the next.
    Lost,
    /// For good.
    For(TransferError),
}

impl From<TransferError> for Cut {
    fn from(error: TransferError) -> Self {
        Cut::For(error)
    }
}

/// How often a transfer was asked to wait.
#[derive(Default)]
struct Attempts {
    delays: u32,
    // Since bytes last went.
    cuts: u32,
}

impl Attempts {
    /// Waits until it can be tried again, unless it can't.
    async fn again(&mut self, cut: Cut) -> Result<(), TransferError> {
        let wait = match cut {
            // Where the connection is lost, the next attempt waits for another.
            Cut::Lost => {
                self.cuts += 1;
                if self.cuts > TRANSFER_CUTS_MAX {
                    return Err(TransferError::Interrupted);
                }
                TRANSFER_AGAIN_AFTER * (1 << self.cuts.min(TRANSFER_DOUBLINGS_MAX))
            }
            Cut::For(TransferError::Refused(refusal))
                if refusal.retry == Retry::AfterDelay as i32
                    && self.delays < TRANSFER_DELAYS_MAX =>
            {
                self.delays += 1;
                Duration::from_millis(refusal.retry_after_ms.max(1))
            }
            Cut::For(error) => return Err(error),
        };
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Bytes went.
    fn went(&mut self) {
        self.cuts = 0;
    }
}

impl Transfers {
    pub(crate) fn new(path: watch::Receiver<Option<Path>>) -> Self {
        Transfers { path, uploads: Arc::default() }
    }

    /// Waits until there is a connection.
    async fn path(&self) -> Result<Path, TransferError> {
        let mut path = self.path.clone();
        let found = path.wait_for(Option::is_some).await.map_err(|_| TransferError::Closed)?;
        found.clone().ok_or(TransferError::Closed)
    }

    /// The lock of one upload.
    fn turn(&self, upload: UploadId) -> Arc<tokio::sync::Mutex<()>> {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        uploads.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = uploads.get(&upload).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        uploads.insert(upload, Arc::downgrade(&turn));
        turn
    }
}
