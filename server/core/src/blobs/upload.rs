//! Uploads: from the announcement to the rows that make a blob its uploader's.

use bytes::Bytes;
use parlour_protocol::{
    blob::Blob,
    ids::{BlobHash, OrgId, UploadId},
    limits::MEDIA_TYPE_BYTES_MAX,
    wire::{BlobUpload, Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashMap;

use super::{
    Owner, blob_error, hash_field,
    rows::{
        BlobRow, ClaimRow, blob_key, blob_row, claim_put, claim_row, due_after, due_put, put,
        upload_key,
    },
};
use crate::{
    draft::{Draft, RowsDraft, store_error},
    inventory::each_row,
    kit::id_field,
    node::Node,
    ports::{
        blobs::{BlobError, BlobKey, Upload, UploadKey, UploadPlan},
        store::{Put, Shard, StoreError},
    },
    tables::Table,
};

/// What an announced upload is.
pub enum Begun {
    /// It is here already, and the caller's for another seven days once the draft is committed.
    Known(Box<Blob>, Draft),
    /// Its bytes can come.
    Open(Uploading),
}

/// An upload whose bytes come.
pub struct Uploading {
    upload: Box<dyn Upload>,
    owner: Owner,
    id: UploadId,
    size: u64,
    sha256: Option<BlobHash>,
}

/// An upload whose bytes are all there and are what they should be.
pub struct Examined {
    uploading: Uploading,
    blob: Blob,
    key: BlobKey,
    // When its claim and what looks after it begin: the same, or one wouldn't find the other.
    now_ms: u64,
}

/// An announcement that is well-formed.
struct Announced {
    id: UploadId,
    size: u64,
    media_type: String,
    sha256: Option<BlobHash>,
}

impl Announced {
    fn parse(request: BlobUpload) -> Result<Self, Error> {
        let id = id_field("upload", UploadId::parse(&request.upload))?;
        if request.size == 0 {
            return Err(Error::invalid("size", "is 0"));
        }
        let media_type = plain_media_type(&request.media_type);
        if media_type.len() > MEDIA_TYPE_BYTES_MAX || !is_media_type(&media_type) {
            return Err(Error::invalid("media_type", "is not a media type"));
        }
        let sha256 = match request.sha256.is_empty() {
            true => None,
            false => Some(hash_field("sha256", &request.sha256)?),
        };
        Ok(Announced { id, size: request.size, media_type, sha256 })
    }
}

/// The same kind in one spelling: without spaces around it, type and subtype in small letters.
fn plain_media_type(text: &str) -> String {
    let (kind, parameters) = text.split_at(text.find(';').unwrap_or(text.len()));
    kind.trim().to_ascii_lowercase() + parameters.trim_end()
}

/// Empty, or `type/subtype` with or without parameters, in printable ASCII (RFC 9110 section 8.3.1).
fn is_media_type(text: &str) -> bool {
    let kind = text.split(';').next().unwrap_or_default().trim();
    let is_token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let is_printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    text.is_empty()
        || is_printable
            && kind.split_once('/').is_some_and(|(family, rest)| is_token(family) && is_token(rest))
}

impl Node {
    /// An upload is announced.
    pub async fn begin_upload(&self, owner: Owner, request: BlobUpload) -> Result<Begun, Error> {
        let now_ms = self.now().unix_ms;
        let announced = Announced::parse(request)?;
        if let Some((blob, key)) = self.uploaded(owner, &announced, now_ms).await? {
            let due = due_put(key, due_after(now_ms), owner.user);
            let puts = vec![claim_put(owner.user, key, now_ms), due];
            return Ok(Begun::Known(Box::new(blob), rows(Shard::User(owner.user), puts)));
        }
        self.check_policy(&announced)?;
        let most = self.quota(owner.org).attachment_bytes;
        if most > 0 {
            self.blob_bytes(owner.org).await?;
        }
        self.attachments.announce(owner, announced.id, announced.size, most, now_ms)?;
        if !self.store.writable() {
            return Err(store_error(StoreError::ReadOnly));
        }
        let Announced { id, size, media_type, sha256 } = announced;
        let key = UploadKey { org: owner.org, user: owner.user, upload: id };
        let plan = UploadPlan { size, media_type };
        let upload = self.attachments.store.upload(key, plan).await.map_err(blob_error)?;
        Ok(Begun::Open(Uploading { upload, owner, id, size, sha256 }))
    }

    /// How much of an announced upload is there, or what it became; nothing is begun by asking.
    pub async fn upload_progress(
        &self,
        owner: Owner,
        request: BlobUpload,
    ) -> Result<Result<u64, Blob>, Error> {
        let announced = Announced::parse(request)?;
        if let Some((blob, _)) = self.uploaded(owner, &announced, self.now().unix_ms).await? {
            return Ok(Err(blob));
        }
        let key = UploadKey { org: owner.org, user: owner.user, upload: announced.id };
        let plan = UploadPlan { size: announced.size, media_type: announced.media_type };
        self.attachments.store.progress(key, plan).await.map(Ok).map_err(blob_error)
    }

    /// Refuses an announcement that would be refused as an upload, as far as it says itself.
    pub(crate) fn check_upload(&self, request: &BlobUpload) -> Result<(), Error> {
        self.check_policy(&Announced::parse(request.clone())?)
    }

    fn check_policy(&self, announced: &Announced) -> Result<(), Error> {
        let policy = self.attachments.policy();
        if announced.size > policy.size_max {
            return Err(Error::new(ErrorReason::BlobTooLarge, "the file is too large"));
        }
        if !announced.media_type.is_empty() && !policy.takes(&announced.media_type) {
            return Err(media_type_refused());
        }
        Ok(())
    }

    /// What this upload became before, or what the caller has a claim to by its hash.
    async fn uploaded(
        &self,
        owner: Owner,
        announced: &Announced,
        now_ms: u64,
    ) -> Result<Option<(Blob, BlobKey)>, Error> {
        let store = &*self.store;
        let row = store.get(Table::UPLOADS, &upload_key(owner.user, announced.id)).await;
        let row = row.map_err(store_error)?.map(ClaimRow::decode).transpose();
        let row = row.map_err(|_| store_error(StoreError::Damaged))?;
        let done = row.and_then(|row| BlobHash::parse(&row.hash).ok());
        let Some(hash) = done.or(announced.sha256) else { return Ok(None) };
        let key = BlobKey { org: owner.org, hash };
        let claim = claim_row(store, owner.user, key).await.map_err(store_error)?;
        if !claim.is_some_and(|claim| claim.holds(now_ms)) || !self.attachments.spare(key) {
            return Ok(None);
        }
        let blob = blob_row(store, key).await.map_err(store_error)?;
        Ok(blob.filter(|blob| blob.size == announced.size).map(|blob| (blob, key)))
    }

    /// How many bytes the organization keeps.
    pub(crate) async fn blob_bytes(&self, org: OrgId) -> Result<u64, Error> {
        if let Some(bytes) = self.attachments.used(org) {
            return Ok(bytes);
        }
        let mut seen = FxHashMap::default();
        each_row(&*self.store, Table::BLOBS, org.as_bytes(), |row, value| {
            let hash = BlobHash::parse(row.get(16..)?).ok()?;
            seen.insert(BlobKey { org, hash }, BlobRow::decode(value).ok()?.blob?.size);
            Some(())
        })
        .await
        .map_err(store_error)?;
        self.attachments.set_used(org, &seen);
        Ok(self.attachments.used(org).unwrap_or_default())
    }
}

impl Uploading {
    /// How many bytes are there.
    pub fn offset(&self) -> u64 {
        self.upload.offset()
    }

    /// How many there will be.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        if bytes.len() as u64 > self.size - self.offset().min(self.size) {
            return Err(blob_error(BlobError::Size));
        }
        self.upload.write(bytes).await.map_err(blob_error)
    }

    /// Keeps what has come for later.
    pub async fn pause(self) {
        self.upload.pause().await;
    }

    /// All bytes are there. Once the draft is committed, [`Examined::keep`] goes on.
    pub async fn examine(mut self, node: &Node) -> Result<(Examined, Draft), Error> {
        let blob = match self.upload.examine().await {
            Ok(blob) => blob,
            Err(error @ (BlobError::Infected | BlobError::Size)) => {
                node.attachments.forget(self.owner, self.id);
                self.upload.discard().await;
                return Err(blob_error(error));
            }
            Err(error) => {
                self.upload.pause().await;
                return Err(blob_error(error));
            }
        };
        let hash = BlobHash::parse(&blob.hash).map_err(|_| blob_error(BlobError::Unavailable))?;
        let refused = if self.sha256.is_some_and(|announced| announced != hash) {
            Some(Error::new(ErrorReason::BlobMismatch, "the bytes have another hash"))
        } else if !node.attachments.policy().takes(&blob.media_type) {
            Some(media_type_refused())
        } else {
            None
        };
        if let Some(error) = refused {
            node.attachments.forget(self.owner, self.id);
            self.upload.discard().await;
            return Err(error);
        }
        let key = BlobKey { org: self.owner.org, hash };
        let now_ms = node.now().unix_ms;
        // Before the bytes are in their place: whatever happens, somebody looks after them.
        let due = rows(Shard::Org(key.org), vec![due_put(key, due_after(now_ms), self.owner.user)]);
        Ok((Examined { uploading: self, blob, key, now_ms }, due))
    }
}

impl Examined {
    /// Keeps it. It is the uploader's once the drafts are committed.
    pub async fn keep(self, node: &Node) -> Result<(Blob, Vec<Draft>), Error> {
        let Examined { uploading, blob, key, now_ms } = self;
        if !node.attachments.spare(key) {
            // The same bytes are being removed at this moment.
            uploading.upload.pause().await;
            return Err(Error::new(ErrorReason::StoreUnavailable, "try again").after_ms(1000));
        }
        let known = blob_row(&*node.store, key).await.map_err(store_error)?;
        uploading.upload.keep().await.map_err(blob_error)?;
        let owner = uploading.owner;
        let new = known.is_none().then_some((key, blob.size));
        node.attachments.keep(owner, uploading.id, new);
        node.attachments.charge(owner.user, blob.size, now_ms);
        let done = ClaimRow { at_ms: now_ms, hash: key.hash.to_field() };
        let ours = vec![
            claim_put(owner.user, key, now_ms),
            put(Table::UPLOADS, upload_key(owner.user, uploading.id), &done),
        ];
        let mut drafts = vec![rows(Shard::User(owner.user), ours)];
        // What messages say of it already stays as it is, whatever is found in it today.
        let blob = match known {
            Some(known) => known,
            None => {
                let row = BlobRow { blob: Some(blob.clone()), at_ms: now_ms };
                let put = put(Table::BLOBS, blob_key(key), &row);
                drafts.insert(0, rows(Shard::Org(key.org), vec![put]));
                blob
            }
        };
        Ok((blob, drafts))
    }
}

pub(super) fn rows(shard: Shard, puts: Vec<Put>) -> Draft {
    Draft::Rows(Box::new(RowsDraft::new(shard, puts)))
}

fn media_type_refused() -> Error {
    Error::new(ErrorReason::MediaTypeRefused, "files of that kind are not taken")
}
