//! Blob lanes: a file up or down, raw bytes behind a frame or two. They go after everything else.

use std::{sync::Arc, time::Duration};

use parlour_carriers::{RecvLane, SendLane};
use parlour_core::{
    blobs::{Begun, Downloading, Owner, Uploading},
    node::Caller,
};
use parlour_protocol::{
    blob::Blob,
    frame::{self, Splitter},
    limits::BLOB_FRAME_BYTES_MAX,
    wire::{
        BlobAnswer, BlobCall, BlobDownload, BlobReady, BlobStored, BlobUpload, CloseCode, Error,
        ErrorReason, blob_answer::Answer, blob_call::Call,
    },
};
use prost::Message;
use tokio::time::Instant;

use super::{
    Shared,
    lanes::{self, CALL_WITHIN},
    transport::BLOB_SHARE,
};
use crate::{
    attachments::{commit, complete},
    limits::{TRANSFER_BYTES_PER_SECOND_MIN, TRANSFER_STANDS_FOR},
    metrics::Transfer,
};

/// Below bulk lanes, whose priority is -1.
const PRIORITY: i32 = -2;

/// Serves one lane whose kind is known. `Err` with the code it was reset with, if the client broke a
/// rule.
pub(super) async fn serve(
    shared: &Shared,
    caller: Arc<Caller>,
    mut send: SendLane,
    mut recv: RecvLane,
    mut splitter: Splitter,
) -> Result<(), CloseCode> {
    splitter.set_bytes_max(BLOB_FRAME_BYTES_MAX);
    let call = match read_call(&mut recv, &mut splitter).await {
        Ok(call) => call,
        Err(code) => {
            recv.stop(code as u32);
            send.reset(code as u32);
            return Err(code);
        }
    };
    send.set_priority(PRIORITY);
    send.keep_to(BLOB_SHARE);
    let owner = Owner { org: caller.org, user: caller.user };
    // No method has the number 0: transfers count as whatever else the organization does.
    if let Some(error) = shared.over_rate(&caller, 0) {
        refuse(send, error).await;
        return Ok(());
    }
    // Each has a file open.
    let Ok(_open) = shared.transfers.try_acquire() else {
        refuse(send, Error::new(ErrorReason::RateLimited, "too many transfers at once")).await;
        return Ok(());
    };
    match call {
        Call::Upload(request) => {
            match upload(shared, owner, request, &mut send, recv, splitter).await {
                Ok(Some(blob)) => {
                    let stored = Answer::Stored(BlobStored { blob: Some(blob) });
                    let _ = send.write_chunk(encode(stored)).await;
                    send.finish();
                }
                // The client is gone; what has come is kept.
                Ok(None) => {}
                Err(error) => refuse(send, error).await,
            }
        }
        Call::Download(request) => download(shared, owner, request, send).await,
    }
    Ok(())
}

async fn read_call(recv: &mut RecvLane, splitter: &mut Splitter) -> Result<Call, CloseCode> {
    let frame = match lanes::next_frame(recv, splitter, CALL_WITHIN).await {
        Ok(Some(frame)) => frame,
        Ok(None) => return Err(CloseCode::TruncatedFrame),
        Err(error) => return Err(error.close_code()),
    };
    let call = BlobCall::decode(frame).map_err(|_| CloseCode::MalformedFrame)?;
    call.call.ok_or(CloseCode::MalformedFrame)
}

fn encode(answer: Answer) -> bytes::Bytes {
    frame::encode(&BlobAnswer { answer: Some(answer) })
}

async fn refuse(mut send: SendLane, error: Error) {
    let _ = send.write_chunk(encode(Answer::Error(error))).await;
    send.finish();
}

/// `None` if it was cut off.
async fn upload(
    shared: &Shared,
    owner: Owner,
    request: BlobUpload,
    send: &mut SendLane,
    mut recv: RecvLane,
    splitter: Splitter,
) -> Result<Option<Blob>, Error> {
    let mut uploading = match shared.node.begin_upload(owner, request).await? {
        Begun::Known(blob, draft) => {
            commit(&shared.hub, draft).await?;
            return Ok(Some(*blob));
        }
        Begun::Open(uploading) => uploading,
    };
    let (offset, size) = (uploading.offset(), uploading.size());
    let ready = Answer::Ready(BlobReady { offset, size, media_type: String::new() });
    if send.write_chunk(encode(ready)).await.is_err() {
        uploading.pause().await;
        return Ok(None);
    }
    let early = splitter.into_rest();
    if !early.is_empty() {
        // Where they belong isn't known to who sent them.
        uploading.pause().await;
        return Err(Error::new(ErrorReason::MalformedRequest, "bytes came before the answer"));
    }
    match receive(&mut uploading, &mut recv).await {
        Ok(true) => {
            let submit = Arc::new(shared.hub.clone());
            let blob = complete(shared.node.clone(), submit, uploading).await?;
            shared.metrics.transferred(Transfer::Upload, size - offset.min(size));
            Ok(Some(blob))
        }
        Ok(false) => {
            uploading.pause().await;
            Ok(None)
        }
        Err(error) => {
            uploading.pause().await;
            Err(error)
        }
    }
}

/// Whether all bytes have come.
async fn receive(uploading: &mut Uploading, recv: &mut RecvLane) -> Result<bool, Error> {
    let mut pace = Pace::start();
    while uploading.offset() < uploading.size() {
        match pace.hold(recv.read_chunk(lanes::READ_MAX)).await {
            Some(Ok(Some(bytes))) => {
                pace.moved(bytes.len());
                uploading.write(bytes).await?;
            }
            Some(Ok(None)) => {
                let error = "the stream ended before the file";
                return Err(Error::new(ErrorReason::BlobMismatch, error));
            }
            _ => return Ok(false),
        }
    }
    Ok(true)
}

async fn download(shared: &Shared, owner: Owner, request: BlobDownload, mut send: SendLane) {
    let mut downloading = match shared.node.begin_download(owner, request).await {
        Ok(downloading) => downloading,
        Err(error) => return refuse(send, error).await,
    };
    let ready = Answer::Ready(BlobReady {
        offset: downloading.offset(),
        size: downloading.size(),
        media_type: downloading.media_type().to_owned(),
    });
    let sent = match send.write_chunk(encode(ready)).await {
        Ok(()) => transmit(shared, &mut downloading, &mut send).await,
        Err(_) => return,
    };
    match sent {
        Ok(bytes) => {
            shared.metrics.transferred(Transfer::Download, bytes);
            send.finish();
        }
        // Raw bytes have no room for an error: the lane is reset, and who asks again is told.
        Err(()) => send.reset(CloseCode::Unspecified as u32),
    }
}

async fn transmit(
    shared: &Shared,
    downloading: &mut Downloading,
    send: &mut SendLane,
) -> Result<u64, ()> {
    let (mut sent, mut pace) = (0, Pace::start());
    while downloading.left() > 0 {
        let bytes = downloading.read(&shared.node).await.map_err(|_| ())?;
        if bytes.is_empty() {
            // The file is shorter than it was when it was opened.
            return Err(());
        }
        sent += bytes.len() as u64;
        pace.moved(bytes.len());
        pace.hold(send.write_chunk(bytes)).await.ok_or(())?.map_err(|_| ())?;
    }
    Ok(sent)
}

/// How slowly a transfer may go: whoever lets one stand holds a file open.
struct Pace {
    until: Instant,
}

impl Pace {
    fn start() -> Self {
        Pace { until: Instant::now() + TRANSFER_STANDS_FOR }
    }

    /// Bytes have been taken, or are about to be: there is time for them, and then some.
    fn moved(&mut self, bytes: usize) {
        let most = Instant::now() + TRANSFER_STANDS_FOR;
        let seconds = bytes as f64 / TRANSFER_BYTES_PER_SECOND_MIN as f64;
        self.until = (self.until + Duration::from_secs_f64(seconds)).min(most);
    }

    /// `None` if it took too long.
    async fn hold<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.until, work).await.ok()
    }
}
