//! Where attachments' bytes are: the port behind which files are kept, looked into and scanned.
//!
//! Who may read what, and what is still used, is the core's; an adapter knows organizations and
//! hashes only.

use bytes::Bytes;
use parlour_protocol::{
    blob::{Blob, Variant},
    ids::{BlobHash, OrgId, UploadId, UserId},
};

use super::Task;

/// A blob's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    /// Whose it is: nothing is shared between organizations.
    pub org: OrgId,
    /// The SHA-256 of its bytes.
    pub hash: BlobHash,
}

/// An upload's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadKey {
    /// The organization.
    pub org: OrgId,
    /// Who uploads.
    pub user: UserId,
    /// The client's id for it.
    pub upload: UploadId,
}

/// What is known of an upload from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPlan {
    /// How many bytes there will be.
    pub size: u64,
    /// What the client says they are; empty for nothing.
    pub media_type: String,
}

/// Why bytes can't be kept, or read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("no such blob")]
    NotFound,
    /// Another upload under that id is under way, or has announced another size.
    #[error("that upload is something else")]
    Conflict,
    /// The user has as many unfinished uploads as may be.
    #[error("too many uploads")]
    TooMany,
    /// More or fewer bytes than announced.
    #[error("not as many bytes as announced")]
    Size,
    /// The scanner refuses it.
    #[error("the scanner refuses it")]
    Infected,
    /// The disk is nearly full.
    #[error("disk space is low")]
    ReadOnly,
    /// An I/O error, or a scanner that doesn't answer.
    #[error("blobs are unavailable")]
    Unavailable,
}

/// An upload under way. Dropping it keeps what has come, as [`Upload::pause`] does, but only
/// `pause` waits for the disk.
pub trait Upload: Send {
    /// How many bytes are there.
    fn offset(&self) -> u64;

    /// The next bytes.
    fn write(&mut self, bytes: Bytes) -> Task<'_, Result<(), BlobError>>;

    /// Keeps what has come for later.
    fn pause(self: Box<Self>) -> Task<'static, ()>;

    /// All bytes are there: they are scanned and looked into. Nothing is kept yet.
    fn examine(&mut self) -> Task<'_, Result<Blob, BlobError>>;

    /// Keeps an examined blob for good: resolves when it is durable.
    fn keep(self: Box<Self>) -> Task<'static, Result<(), BlobError>>;

    /// Throws away what has come.
    fn discard(self: Box<Self>) -> Task<'static, ()>;
}

/// A blob that is being read.
pub trait Download: Send {
    /// How large the whole is.
    fn size(&self) -> u64;

    /// What kind it is, where that isn't the blob's own.
    fn media_type(&self) -> Option<&str>;

    /// The next bytes, empty at the end.
    fn read(&mut self) -> Task<'_, Result<Bytes, BlobError>>;
}

/// Attachments' bytes.
pub trait Blobs: Send + Sync + 'static {
    /// Begins an upload, or goes on with one.
    fn upload(
        &self,
        key: UploadKey,
        plan: UploadPlan,
    ) -> Task<'_, Result<Box<dyn Upload>, BlobError>>;

    /// How much of an upload is there, without touching it; 0 for one that nobody has begun.
    fn progress(&self, key: UploadKey, plan: UploadPlan) -> Task<'_, Result<u64, BlobError>>;

    /// Opens a blob to read it from `offset` on.
    fn open(
        &self,
        key: BlobKey,
        variant: Variant,
        offset: u64,
    ) -> Task<'_, Result<Box<dyn Download>, BlobError>>;

    /// Removes a blob and its preview. One that isn't there is no error.
    fn remove(&self, key: BlobKey) -> Task<'_, Result<(), BlobError>>;

    /// Removes unfinished uploads that nobody went on with since `before_ms`, Unix milliseconds.
    fn remove_uploads(&self, before_ms: u64) -> Task<'_, Result<(), BlobError>>;
}

/// Keeps nothing: every upload is refused, no blob is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBlobs;

impl Blobs for NoBlobs {
    fn upload(&self, _: UploadKey, _: UploadPlan) -> Task<'_, Result<Box<dyn Upload>, BlobError>> {
        Box::pin(async { Err(BlobError::Unavailable) })
    }

    fn progress(&self, _: UploadKey, _: UploadPlan) -> Task<'_, Result<u64, BlobError>> {
        Box::pin(async { Ok(0) })
    }

    fn open(
        &self,
        _: BlobKey,
        _: Variant,
        _: u64,
    ) -> Task<'_, Result<Box<dyn Download>, BlobError>> {
        Box::pin(async { Err(BlobError::NotFound) })
    }

    fn remove(&self, _: BlobKey) -> Task<'_, Result<(), BlobError>> {
        Box::pin(async { Ok(()) })
    }

    fn remove_uploads(&self, _: u64) -> Task<'_, Result<(), BlobError>> {
        Box::pin(async { Ok(()) })
    }
}
