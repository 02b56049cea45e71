//! Uploads.

use std::{
    fs::File,
    future::{Future, IntoFuture},
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    pin::Pin,
};

use bytes::Bytes;
use parlour_protocol::{
    blob::Blob,
    ids::{BlobHash, UploadId},
    wire::{BlobUpload, blob_answer::Answer, blob_call::Call},
};
use parlour_sdk_core::attachment::Attachment;
use ring::digest::{Context, SHA256, digest};

use super::{Attempts, Cut, Path, TransferError, Transfers, lane::Lane};
use crate::{Client, limits::FILE_PIECE_BYTES};

/// Where a file's bytes are.
#[derive(Clone, Debug)]
pub enum Source {
    /// In a file, which mustn't change while it is uploaded.
    Path(PathBuf),
    /// In memory.
    Bytes(Bytes),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Source::Path(path)
    }
}

impl From<&std::path::Path> for Source {
    fn from(path: &std::path::Path) -> Self {
        Source::Path(path.to_owned())
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Source::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Source::Bytes(bytes.into())
    }
}

type Progress = Box<dyn FnMut(u64, u64) + Send>;

/// An upload to be: await it.
///
/// ```no_run
/// # async fn example(client: parlour::Client, room: parlour::Room) -> Result<(), Box<dyn std::error::Error>> {
/// use std::path::Path;
///
/// let photo = client.upload(Path::new("holiday.jpg")).described("The beach at noon").await?;
/// room.send(parlour::Draft { attachments: vec![photo], ..parlour::Draft::default() }).await?;
/// # Ok(()) }
/// ```
pub struct Upload {
    transfers: Transfers,
    source: Source,
    name: Option<String>,
    media_type: Option<String>,
    description: String,
    is_voice: bool,
    progress: Option<Progress>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}

impl Client {
    /// Uploads a file, to be sent with a message within seven days. Without a connection that waits
    /// for one. One that is cut off goes on where it was, even after the program was started again,
    /// and what was uploaded before isn't sent twice.
    pub fn upload(&self, source: impl Into<Source>) -> Upload {
        Upload {
            transfers: self.inner.handle.transfers.clone(),
            source: source.into(),
            name: None,
            media_type: None,
            description: String::new(),
            is_voice: false,
            progress: None,
        }
    }
}

impl Upload {
    /// What it is called; else that of its path.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What kind it is; else what its name and its first bytes say. The bytes have the last word.
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// What it shows, for those who can't see it: at most 1 KiB.
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// It was spoken into the message.
    pub fn voice(mut self) -> Self {
        self.is_voice = true;
        self
    }

    /// Hears how many bytes the server has of how many. After a loss of the connection it may be
    /// fewer than before.
    pub fn progress(mut self, hear: impl FnMut(u64, u64) + Send + 'static) -> Self {
        self.progress = Some(Box::new(hear));
        self
    }

    async fn run(self) -> Result<Attachment, TransferError> {
        let Upload { transfers, source, name, media_type, description, is_voice, mut progress } =
            self;
        let name = name.unwrap_or_else(|| match &source {
            Source::Path(path) => {
                path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            Source::Bytes(_) => String::new(),
        });
        let media_type = media_type.unwrap_or_else(|| by_name(&name).to_owned());
        let (size, hash) = measure(source.clone()).await?;
        if size == 0 {
            return Err(TransferError::Empty);
        }
        let device = transfers.path().await?.device;
        let plan = Plan { source, size, hash, media_type, id: id(device.as_bytes(), hash) };
        let turn = transfers.turn(plan.id);
        let _turn = turn.lock().await;
        let mut hear = |at: u64| {
            if let Some(progress) = &mut progress {
                progress(at, size);
            }
        };
        let mut attempts = Attempts::default();
        let blob = loop {
            let path = transfers.path().await?;
            match once(&path, &plan, &mut hear, &mut attempts).await {
                Ok(blob) => break blob,
                Err(cut) => attempts.again(cut).await?,
            }
        };
        let attachment = Attachment::of_blob(blob).ok_or(TransferError::Malformed)?;
        if attachment.hash != hash {
            return Err(TransferError::Damaged);
        }
        Ok(Attachment { name, description, is_voice, ..attachment })
    }
}

impl IntoFuture for Upload {
    type Output = Result<Attachment, TransferError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

struct Plan {
    source: Source,
    size: u64,
    hash: BlobHash,
    media_type: String,
    id: UploadId,
}

/// The same for the same bytes from the same device: who comes again goes on.
fn id(device: &[u8; 16], hash: BlobHash) -> UploadId {
    let text = [&b"parlour upload"[..], device, hash.as_bytes()].concat();
    let digest = digest(&SHA256, &text);
    UploadId::from_bytes(digest.as_ref()[..16].try_into().expect("sixteen of thirty-two"))
}

async fn once(
    path: &Path,
    plan: &Plan,
    hear: &mut impl FnMut(u64),
    attempts: &mut Attempts,
) -> Result<Blob, Cut> {
    let call = Call::Upload(BlobUpload {
        upload: plan.id.to_field(),
        size: plan.size,
        media_type: plan.media_type.clone(),
        sha256: plan.hash.to_field(),
    });
    let mut lane = Lane::open(path, call).await?;
    let offset = match lane.answer().await? {
        Answer::Ready(ready) => ready.offset.min(plan.size),
        Answer::Stored(stored) => {
            lane.send.finish();
            return done(stored.blob, plan, hear);
        }
        Answer::Error(_) => return Err(TransferError::Malformed.into()),
    };
    let mut reader = Reader::open(plan.source.clone(), offset).await?;
    let mut at = offset;
    hear(at);
    while at < plan.size {
        let piece = reader.next().await?;
        if piece.is_empty() {
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter");
            return Err(TransferError::from(error).into());
        }
        let piece =
            piece.slice(..piece.len().min(usize::try_from(plan.size - at).unwrap_or(usize::MAX)));
        at += piece.len() as u64;
        if lane.send.write_chunk(piece).await.is_err() {
            // It wants no more, and has said why; or it is gone.
            break;
        }
        attempts.went();
        hear(at);
    }
    // A stream that was stopped has ended already.
    lane.send.finish();
    match lane.answer().await? {
        Answer::Stored(stored) => done(stored.blob, plan, hear),
        _ => Err(TransferError::Malformed.into()),
    }
}

fn done(blob: Option<Blob>, plan: &Plan, hear: &mut impl FnMut(u64)) -> Result<Blob, Cut> {
    hear(plan.size);
    blob.ok_or_else(|| TransferError::Malformed.into())
}

/// How large it is, and its hash.
async fn measure(source: Source) -> Result<(u64, BlobHash), TransferError> {
    let measured = tokio::task::spawn_blocking(move || -> io::Result<(u64, BlobHash)> {
        let (mut hash, mut size) = (Context::new(&SHA256), 0);
        match source {
            Source::Bytes(bytes) => {
                hash.update(&bytes);
                size = bytes.len() as u64;
            }
            Source::Path(path) => {
                let mut file = File::open(path)?;
                let mut piece = vec![0; FILE_PIECE_BYTES];
                loop {
                    let read = file.read(&mut piece)?;
                    if read == 0 {
                        break;
                    }
                    hash.update(&piece[..read]);
                    size += read as u64;
                }
            }
        }
        let hash = hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes");
        Ok((size, BlobHash::from_bytes(hash)))
    });
    Ok(measured.await.map_err(|_| TransferError::Closed)??)
}

/// A source's bytes, piece by piece.
enum Reader {
    File(Option<File>),
    Bytes(Bytes),
}

impl Reader {
    async fn open(source: Source, offset: u64) -> Result<Self, TransferError> {
        match source {
            Source::Bytes(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
                Ok(Reader::Bytes(bytes.slice(offset..)))
            }
            Source::Path(path) => {
                let open = tokio::task::spawn_blocking(move || -> io::Result<File> {
                    let mut file = File::open(path)?;
                    file.seek(SeekFrom::Start(offset))?;
                    Ok(file)
                });
                Ok(Reader::File(Some(open.await.map_err(|_| TransferError::Closed)??)))
            }
        }
    }

    /// Empty at the end.
    async fn next(&mut self) -> Result<Bytes, TransferError> {
        match self {
            Reader::Bytes(bytes) => Ok(bytes.split_to(bytes.len().min(FILE_PIECE_BYTES))),
            Reader::File(file) => {
                let mut open = file.take().ok_or(TransferError::Closed)?;
                let read = tokio::task::spawn_blocking(move || -> io::Result<(File, Vec<u8>)> {
                    let mut piece = vec![0; FILE_PIECE_BYTES];
                    let read = open.read(&mut piece)?;
                    piece.truncate(read);
                    Ok((open, piece))
                });
                let (open, piece) = read.await.map_err(|_| TransferError::Closed)??;
                *file = Some(open);
                Ok(piece.into())
            }
        }
    }
}

/// Kinds that don't show in a file's first bytes, by the end of its name.
fn by_name(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase());
    match end.as_deref() {
        Some("txt" | "log") => "text/plain",
        Some("md") => "text/markdown",
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("html" | "htm") => "text/html",
        Some("xml") => "application/xml",
        Some("svg") => "image/svg+xml",
        Some("ics") => "text/calendar",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        Some("odt") => "application/vnd.oasis.opendocument.text",
        Some("ods") => "application/vnd.oasis.opendocument.spreadsheet",
        _ => "",
    }
}
