//! Rows about attachments, and their keys.

use bytes::Bytes;
use parlour_protocol::{
    blob::Blob,
    ids::{OrgId, RoomId, UploadId, UserId},
    limits::CLAIM_FOR,
};
use prost::Message;

use crate::{
    ports::{
        blobs::BlobKey,
        store::{Put, Store, StoreError},
    },
    records::key,
    tables::Table,
};

/// A row of `Table::BLOBS`.
#[derive(Clone, PartialEq, Message)]
pub struct BlobRow {
    /// What the server found in it.
    #[prost(message, optional, tag = "1")]
    pub blob: Option<Blob>,
    /// When it was first kept, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
}

/// A row of `Table::BLOB_CLAIMS`, of `Table::UPLOADS`, and of `Table::INTERACTIONS`.
#[derive(Clone, PartialEq, Message)]
pub struct ClaimRow {
    /// When, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
    /// Of an upload: which blob it became. Of an interaction: what it was.
    #[prost(bytes = "bytes", tag = "2")]
    pub hash: Bytes,
}

impl ClaimRow {
    /// Whether it still counts.
    pub fn holds(&self, now_ms: u64) -> bool {
        now_ms < due_after(self.at_ms)
    }
}

/// When a claim of that time is over.
pub fn due_after(at_ms: u64) -> u64 {
    at_ms + CLAIM_FOR.as_millis() as u64
}

/// org ‖ hash, for `BLOBS`, and what keys of `BLOB_USES` and `BLOB_DUE` begin with.
pub fn blob_key(blob: BlobKey) -> Bytes {
    key(&[blob.org.as_bytes(), blob.hash.as_bytes()])
}

/// org ‖ hash ‖ time ‖ user, for `BLOB_DUE`: two claims of the same moment are two.
pub fn due_key(blob: BlobKey, due_ms: u64, user: UserId) -> Bytes {
    key(&[blob.org.as_bytes(), blob.hash.as_bytes(), &due_ms.to_be_bytes(), user.as_bytes()])
}

/// The parts of a key of `BLOB_DUE`.
pub fn parse_due(key: &[u8]) -> Option<(BlobKey, u64)> {
    let (org, rest) = key.split_first_chunk::<16>()?;
    let (hash, due) = rest.split_first_chunk::<32>()?;
    let due_ms = u64::from_be_bytes(*due.first_chunk()?);
    let hash = parlour_protocol::ids::BlobHash::from_bytes(*hash);
    Some((BlobKey { org: OrgId::from_bytes(*org), hash }, due_ms))
}

/// org ‖ hash ‖ room, for `BLOB_USES`; the message's number follows.
pub fn use_prefix(blob: BlobKey, room: RoomId) -> Bytes {
    key(&[blob.org.as_bytes(), blob.hash.as_bytes(), room.as_bytes()])
}

/// user ‖ hash, for `BLOB_CLAIMS`.
pub fn claim_key(user: UserId, blob: BlobKey) -> Bytes {
    key(&[user.as_bytes(), blob.hash.as_bytes()])
}

/// user ‖ upload, for `UPLOADS`.
pub fn upload_key(user: UserId, upload: UploadId) -> Bytes {
    key(&[user.as_bytes(), upload.as_bytes()])
}

/// The write of a row.
pub(super) fn put(table: Table, key: Bytes, row: &impl Message) -> Put {
    Put { table, key, value: Some(row.encode_to_vec().into()) }
}

/// A row without a value.
pub(super) fn mark(table: Table, key: Bytes) -> Put {
    Put { table, key, value: Some(Bytes::new()) }
}

/// The end of a row.
pub(super) fn end(table: Table, key: Bytes) -> Put {
    Put { table, key, value: None }
}

/// What is known of a blob.
pub(crate) async fn blob_row(store: &dyn Store, blob: BlobKey) -> Result<Option<Blob>, StoreError> {
    let row = store.get(Table::BLOBS, &blob_key(blob)).await?;
    let row = row.map(BlobRow::decode).transpose().map_err(|_| StoreError::Damaged)?;
    Ok(row.and_then(|row| row.blob))
}

/// The user's claim to a blob.
pub(crate) async fn claim_row(
    store: &dyn Store,
    user: UserId,
    blob: BlobKey,
) -> Result<Option<ClaimRow>, StoreError> {
    let row = store.get(Table::BLOB_CLAIMS, &claim_key(user, blob)).await?;
    row.map(ClaimRow::decode).transpose().map_err(|_| StoreError::Damaged)
}

/// What makes a blob the user's to send.
pub(crate) fn claim_put(user: UserId, blob: BlobKey, now_ms: u64) -> Put {
    let row = ClaimRow { at_ms: now_ms, hash: Bytes::new() };
    put(Table::BLOB_CLAIMS, claim_key(user, blob), &row)
}

/// When to look whether it is still used.
pub(crate) fn due_put(blob: BlobKey, due_ms: u64, user: UserId) -> Put {
    mark(Table::BLOB_DUE, due_key(blob, due_ms, user))
}

/// It need not be looked at then.
pub(crate) fn due_end(blob: BlobKey, due_ms: u64, user: UserId) -> Put {
    end(Table::BLOB_DUE, due_key(blob, due_ms, user))
}
