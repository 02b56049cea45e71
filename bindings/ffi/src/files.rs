//! Files: by path, or in memory where they are small. Bytes are copied on their way across.

use std::path::PathBuf;

use parlour::{BlobHash, Source};
use tokio::sync::watch;

use crate::{QueueError, TransferError, runtime::run};

/// A file of a message, or one that was uploaded and can be sent.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Attachment {
    /// The SHA-256 of its bytes.
    pub hash: Vec<u8>,
    /// How many there are.
    pub size: u64,
    /// What it is called, without a path; empty for what has no name.
    pub name: String,
    /// Such as `image/png`.
    pub media_type: String,
    /// In pixels; 0 where there is nothing to see, or nobody knows.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Of sound and video, in milliseconds; 0 where nobody knows.
    pub duration_ms: u64,
    /// How loud it is from begin to end, each of 255.
    pub waveform: Vec<u8>,
    /// There is a smaller picture of it.
    pub has_preview: bool,
    /// What it shows, for those who can't see it.
    pub description: String,
    /// It was spoken into the message.
    pub is_voice: bool,
}

impl From<parlour::Attachment> for Attachment {
    fn from(attachment: parlour::Attachment) -> Self {
        Attachment {
            hash: attachment.hash.as_bytes().to_vec(),
            size: attachment.size,
            name: attachment.name,
            media_type: attachment.media_type,
            width: attachment.width,
            height: attachment.height,
            duration_ms: attachment.duration_ms,
            waveform: attachment.waveform,
            has_preview: attachment.has_preview,
            description: attachment.description,
            is_voice: attachment.is_voice,
        }
    }
}

impl Attachment {
    pub(crate) fn told(self) -> Result<parlour::Attachment, QueueError> {
        Ok(parlour::Attachment {
            hash: BlobHash::parse(&self.hash).map_err(|_| QueueError::NotAnId)?,
            size: self.size,
            name: self.name,
            media_type: self.media_type,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            waveform: self.waveform,
            has_preview: self.has_preview,
            description: self.description,
            is_voice: self.is_voice,
        })
    }
}

/// Where a file's bytes are, and what is said of it.
#[derive(Clone, uniffi::Record)]
pub struct FileSource {
    /// In a file, which mustn't change while it is uploaded.
    #[uniffi(default = None)]
    pub path: Option<String>,
    /// In memory, where there is no path.
    #[uniffi(default = None)]
    pub content: Option<Vec<u8>>,
    /// What it is called; else that of its path.
    #[uniffi(default = None)]
    pub name: Option<String>,
    /// What kind it is; else what its name and its first bytes say.
    #[uniffi(default = None)]
    pub media_type: Option<String>,
    /// What it shows, for those who can't see it: at most 1 KiB.
    #[uniffi(default = "")]
    pub description: String,
    /// It was spoken into the message.
    #[uniffi(default = false)]
    pub is_voice: bool,
}

impl FileSource {
    fn upload(self, client: &parlour::Client) -> parlour::Upload {
        let source = match self.path {
            Some(path) => Source::Path(PathBuf::from(path)),
            None => Source::from(self.content.unwrap_or_default()),
        };
        let upload = client.upload(source).described(self.description);
        let upload = if self.is_voice { upload.voice() } else { upload };
        let upload = self.name.into_iter().fold(upload, parlour::Upload::named);
        self.media_type.into_iter().fold(upload, parlour::Upload::media_type)
    }
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct Progress {
    /// Bytes that are there.
    pub done: u64,
    /// Of how many; 0 before that is known.
    pub size: u64,
}

/// An upload.
#[derive(uniffi::Object)]
pub struct Upload {
    client: parlour::Client,
    source: FileSource,
    progress: watch::Sender<Progress>,
}

impl Upload {
    pub(crate) fn new(client: parlour::Client, source: FileSource) -> Self {
        Upload { client, source, progress: watch::Sender::default() }
    }
}

#[uniffi::export]
impl Upload {
    /// Uploads the file. Cut off, it goes on where it was; cancelled, the next one does.
    ///
    /// # Errors
    /// When the file can't be read, the server refuses or the client is gone.
    pub async fn run(&self) -> Result<Attachment, TransferError> {
        let progress = self.progress.clone();
        let hear = move |done, size| progress.send_modify(|now| *now = Progress { done, size });
        let upload = self.source.clone().upload(&self.client).progress(hear);
        run(async { Ok(upload.await?.into()) }).await
    }

    /// How far it is by now.
    pub fn progress(&self) -> Progress {
        *self.progress.borrow()
    }
}
