//! Downloads.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path as FilePath,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use parlour_protocol::{
    blob::{ClaimAttachmentRequest, LinkAttachmentRequest, Variant},
    generated::rpc,
    ids::BlobHash,
    wire::{BlobDownload, blob_answer::Answer, blob_call::Call},
};
use parlour_sdk_core::attachment::Attachment;
use ring::digest::{Context, SHA256};

use super::{
    Attempts, Cut, Path, TransferError, Transfers,
    lane::{Incoming, Lane},
};
use crate::{CallError, QueueError, Room, SendError, handle::Handle, limits::FILE_PIECE_BYTES};

/// An attachment of a message, to be fetched.
///
/// ```no_run
/// # async fn example(message: parlour::Message) -> Result<(), Box<dyn std::error::Error>> {
/// for (attachment, download) in message.downloads() {
///     download.to_file(&attachment.name).await?;
/// }
/// # Ok(()) }
/// ```
pub struct Download {
    handle: Handle,
    room: Bytes,
    seq: u64,
    hash: BlobHash,
    size: u64,
    variant: Variant,
    progress: Option<Box<dyn FnMut(u64, u64) + Send>>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl Room {
    /// An attachment of the message at `seq`.
    pub fn download(&self, seq: u64, attachment: &Attachment) -> Download {
        Download {
            size: attachment.size,
            ..Download::of(self.handle().clone(), self.id().to_field(), seq, attachment.hash)
        }
    }

    /// Makes an attachment of the message at `seq` the user's own to send.
    pub(crate) async fn claim(&self, seq: u64, attachment: &Attachment) -> Result<(), QueueError> {
        let (room, hash) = (self.id().to_field(), attachment.hash.to_field());
        let request = ClaimAttachmentRequest { room, seq, hash };
        match self.handle().call::<rpc::ClaimAttachment>(request).await {
            Ok(_) => Ok(()),
            Err(CallError::Refused(refusal)) => Err(SendError::Refused(refusal).into()),
            Err(_) => Err(QueueError::Closed),
        }
    }
}

impl Download {
    /// What is named so, however large it is.
    pub(crate) fn of(handle: Handle, room: Bytes, seq: u64, hash: BlobHash) -> Self {
        let (size, variant, progress) = (0, Variant::Unspecified, None);
        Download { handle, room, seq, hash, size, variant, progress }
    }

    /// The smaller picture instead, where [`Attachment::has_preview`] says that there is one.
    pub fn preview(mut self) -> Self {
        self.variant = Variant::Preview;
        self
    }

    /// Hears how many bytes have come of how many.
    pub fn progress(mut self, hear: impl FnMut(u64, u64) + Send + 'static) -> Self {
        self.progress = Some(Box::new(hear));
        self
    }

    /// An address under which whoever has it can fetch it over HTTP for an hour: its path, or the
    /// whole where the server knows where it is reached.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn link(self) -> Result<String, CallError> {
        let request = LinkAttachmentRequest {
            room: self.room.clone(),
            seq: self.seq,
            hash: self.hash.to_field(),
            variant: self.variant as i32,
        };
        let answer = self.handle.call::<rpc::LinkAttachment>(request).await?;
        Ok(if answer.url.is_empty() { answer.path } else { answer.url })
    }

    /// All of it, if it is no more than `bytes_max`.
    ///
    /// # Errors
    /// [`TransferError::TooLarge`]; else when the server refuses or the client is gone.
    pub async fn bytes(mut self, bytes_max: usize) -> Result<Bytes, TransferError> {
        let mut all = BytesMut::new();
        let mut hash = Context::new(&SHA256);
        let mut fetch = self.fetch(0);
        while let Some(piece) = fetch.next().await? {
            if all.len() + piece.len() > bytes_max {
                return Err(TransferError::TooLarge);
            }
            hash.update(&piece);
            all.extend_from_slice(&piece);
            self.hear(all.len() as u64, fetch.size);
        }
        self.check(hash)?;
        Ok(all.freeze())
    }

    /// Writes it to a file. Until it is complete and its hash is right, what has come stands beside
    /// it under the same name with `.part` behind it, from where the next download goes on.
    ///
    /// # Errors
    /// When the file can't be written, the server refuses or the client is gone.
    pub async fn to_file(mut self, path: impl AsRef<FilePath>) -> Result<(), TransferError> {
        let path = path.as_ref().to_owned();
        let mut part_path = path.clone().into_os_string();
        part_path.push(".part");
        let part = part_path.clone();
        let (mut file, mut hash, mut at) = blocking(move || open_part(&part)).await?;
        if at > self.size && self.variant == Variant::Unspecified
            || self.variant == Variant::Preview
        {
            (file, hash, at) = blocking(move || truncated(file)).await?;
        }
        let resumed = at > 0;
        let mut came = self.receive(&mut file, hash, at).await;
        let is_wrong = matches!(&came, Err(TransferError::Damaged | TransferError::Refused(_)));
        if is_wrong && resumed {
            // What stood there may have been another file's, or longer than this one.
            let fresh = file.try_clone()?;
            (file, hash, at) = blocking(move || truncated(fresh)).await?;
            came = self.receive(&mut file, hash, at).await;
        }
        if matches!(came, Err(TransferError::Damaged)) {
            // What is wrong in it isn't known: the next download begins anew.
            blocking(move || std::fs::remove_file(part_path)).await?;
            return came;
        }
        came?;
        blocking(move || {
            file.sync_all()?;
            std::fs::rename(part_path, path)
        })
        .await
    }

    /// Puts what is still to come behind what is there.
    async fn receive(
        &mut self,
        file: &mut File,
        mut hash: Context,
        mut at: u64,
    ) -> Result<(), TransferError> {
        let mut fetch = self.fetch(at);
        while let Some(piece) = fetch.next().await? {
            at += piece.len() as u64;
            let mut out = file.try_clone()?;
            hash = blocking(move || {
                hash.update(&piece);
                out.write_all(&piece).map(|()| hash)
            })
            .await?;
            self.hear(at, fetch.size);
        }
        self.check(hash)
    }

    fn hear(&mut self, at: u64, size: u64) {
        if let Some(progress) = &mut self.progress {
            progress(at, size);
        }
    }

    /// Whether the bytes are those that were sent. Previews have no hash.
    fn check(&self, hash: Context) -> Result<(), TransferError> {
        let is_right = hash.finish().as_ref() == self.hash.as_bytes();
        if is_right || self.variant == Variant::Preview {
            Ok(())
        } else {
            Err(TransferError::Damaged)
        }
    }

    fn fetch(&self, offset: u64) -> Fetch {
        let request = BlobDownload {
            room: self.room.clone(),
            seq: self.seq,
            hash: self.hash.to_field(),
            variant: self.variant as i32,
            offset,
            length: 0,
        };
        let transfers = self.handle.transfers.clone();
        Fetch { transfers, request, size: self.size, incoming: None, attempts: Attempts::default() }
    }
}

/// Bytes that come, over as many connections as it takes.
struct Fetch {
    transfers: Transfers,
    request: BlobDownload,
    size: u64,
    incoming: Option<Incoming>,
    attempts: Attempts,
}

impl Fetch {
    /// The next bytes, `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, TransferError> {
        loop {
            let mut incoming = match self.incoming.take() {
                Some(incoming) => incoming,
                None => {
                    let path = self.transfers.path().await?;
                    match open(&path, self.request.clone()).await {
                        Ok((incoming, size)) => {
                            self.size = size;
                            incoming
                        }
                        Err(cut) => {
                            self.attempts.again(cut).await?;
                            continue;
                        }
                    }
                }
            };
            match incoming.next().await {
                Ok(Some(piece)) => {
                    self.request.offset += piece.len() as u64;
                    self.attempts.went();
                    self.incoming = Some(incoming);
                    return Ok(Some(piece));
                }
                Ok(None) if self.request.offset >= self.size => return Ok(None),
                // Cut off: from there on again, where the server says why if it won't.
                Ok(None) | Err(Cut::Lost) => self.attempts.again(Cut::Lost).await?,
                Err(Cut::For(error)) => return Err(error),
            }
        }
    }
}

async fn open(path: &Path, request: BlobDownload) -> Result<(Incoming, u64), Cut> {
    let mut lane = Lane::open(path, Call::Download(request)).await?;
    // Nothing more is said on it; that it is known to be so matters to nobody.
    lane.send.finish();
    match lane.answer().await? {
        Answer::Ready(ready) => Ok((lane.into_bytes(), ready.size)),
        _ => Err(TransferError::Malformed.into()),
    }
}

/// What has come of a file, its hash, and how much it is.
fn open_part(path: &std::ffi::OsStr) -> io::Result<(File, Context, u64)> {
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).open(FilePath::new(path))?;
    let (mut hash, mut size) = (Context::new(&SHA256), 0);
    let mut piece = vec![0; FILE_PIECE_BYTES];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((file, hash, size));
        }
        hash.update(&piece[..read]);
        size += read as u64;
    }
}

fn truncated(file: File) -> io::Result<(File, Context, u64)> {
    file.set_len(0)?;
    Ok((file, Context::new(&SHA256), 0))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, TransferError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| TransferError::Closed)?.map_err(|error| TransferError::File(Arc::new(error)))
}
