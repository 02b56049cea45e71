//! A bucket of an S3-compatible store: where complete blobs are kept instead of in the folder.
//!
//! An upload still comes in, is hashed, scanned and looked into in the folder. It goes to the bucket when it
//! is to be kept for good, and is acknowledged once the store has acknowledged it. Names are those of the
//! folder, `PREFIX/ORG/HH/HASH`, with `.preview` behind it for the smaller picture, so that whatever copies
//! files to a bucket moves an installation there, and back.

use std::{fmt, fs::File, io::Read, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    buffered::BufWriter, client::HttpConnector, path::Path,
};
use parlour_core::ports::{
    Task,
    blobs::{BlobError, BlobKey, Download},
};
use parlour_protocol::blob::Variant;
use tokio::{io::AsyncWriteExt, sync::Semaphore};

use crate::{
    blocking, examine, failed,
    limits::{
        BUCKET_PART_BYTES, BUCKET_PARTS_AT_ONCE, BUCKET_RETRIES_MAX, BUCKET_RETRIES_WITHIN,
        PIECE_BYTES, PUT_AT_ONCE,
    },
};

/// Where a bucket is, and who may write to it.
#[derive(Clone, PartialEq, Eq)]
pub struct BucketOptions {
    /// The store's address without the bucket; none for that of AWS in the region.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// What all names in it begin with; empty for nothing.
    pub prefix: String,
    /// The key's id.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: String,
    /// Whether the bucket's name is part of the host instead of the path.
    pub virtual_host: bool,
    /// Whether it may be asked without TLS.
    pub allow_http: bool,
}

impl fmt::Debug for BucketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketOptions")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Why a bucket can't be used.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// What is configured isn't a bucket's address.
    #[error("it isn't configured rightly: {0}")]
    Options(#[source] Error),
    /// The store doesn't take a small object, give it back, or remove it.
    #[error("it can't {doing}: {error}")]
    Refused {
        /// What was tried.
        doing: &'static str,
        /// What the store says, or why there is no answer.
        error: Error,
    },
    /// It gives back something else than was put.
    #[error("it doesn't give back what was put there")]
    Differs,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    // Each holds some parts in memory.
    putting: Arc<Semaphore>,
}

impl Bucket {
    /// The bucket of an S3-compatible store, reached through those connections. Nothing is asked yet.
    ///
    /// # Errors
    /// When its address is none.
    pub fn s3(options: &BucketOptions, http: impl HttpConnector) -> Result<Self, BucketError> {
        let mut builder = AmazonS3Builder::new()
            .with_region(&options.region)
            .with_bucket_name(&options.bucket)
            .with_access_key_id(&options.access_key_id)
            .with_secret_access_key(&options.secret_access_key)
            .with_virtual_hosted_style_request(options.virtual_host)
            .with_allow_http(options.allow_http)
            // Not every store knows it, and blobs go one by one.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                max_retries: BUCKET_RETRIES_MAX,
                retry_timeout: BUCKET_RETRIES_WITHIN,
                ..RetryConfig::default()
            })
            .with_http_connector(http);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(BucketError::Options)?;
        Ok(Bucket::over(Arc::new(store), &options.prefix))
    }

    /// Over any store.
    pub(crate) fn over(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Bucket { store, prefix: prefix.into(), putting: Arc::new(Semaphore::new(PUT_AT_ONCE)) }
    }

    /// Puts a small object there, reads it back and removes it.
    ///
    /// # Errors
    /// With what it refuses, which is what it would refuse a blob.
    pub async fn check(&self) -> Result<(), BucketError> {
        let refused = |doing| move |error| BucketError::Refused { doing, error };
        let name = self.prefix.clone().join("parlour-check");
        let content = Bytes::from_static(b"parlour looks whether it may write here");
        let put = self.store.put(&name, content.clone().into()).await;
        put.map_err(refused("be written"))?;
        let back = self.store.get(&name).await.map_err(refused("be read"))?;
        let back = back.bytes().await.map_err(refused("be read"))?;
        self.store.delete(&name).await.map_err(refused("be cleared"))?;
        if back == content { Ok(()) } else { Err(BucketError::Differs) }
    }

    fn name(&self, key: BlobKey, variant: Variant) -> Path {
        let hash = key.hash.to_string();
        let shelf = hash[..2].to_owned();
        let file = match variant {
            Variant::Unspecified => hash,
            Variant::Preview => hash + ".preview",
        };
        self.prefix.clone().join(key.org.to_string()).join(shelf).join(file)
    }

    /// Keeps what is in a file, if there is one: resolves when the store has acknowledged it.
    pub(crate) async fn keep(
        &self,
        key: BlobKey,
        variant: Variant,
        from: &std::path::Path,
    ) -> Result<(), BlobError> {
        let name = self.name(key, variant);
        let from = from.to_owned();
        let opened = blocking(move || {
            let file = File::open(from).map_err(|error| failed(&error))?;
            let size = file.metadata().map_err(|error| failed(&error))?.len();
            Ok((file, size))
        });
        let (file, size) = match opened.await {
            Err(BlobError::NotFound) if variant == Variant::Preview => return Ok(()),
            opened => opened?,
        };
        let _turn = self.putting.acquire().await;
        // The same bytes are there already. Where that can't be asked they are put again.
        if self.store.head(&name).await.is_ok_and(|there| there.size == size) {
            return Ok(());
        }
        let mut writer = BufWriter::with_capacity(self.store.clone(), name, BUCKET_PART_BYTES)
            .with_max_concurrency(BUCKET_PARTS_AT_ONCE);
        if let Err(error) = write(&mut writer, &file).await {
            // What is there of it goes, as far as the store can still be reached.
            let _ = writer.abort().await;
            return Err(error);
        }
        // Waits until the store has all of it; where that fails it sees to what is there by itself.
        writer.shutdown().await.map_err(|error| {
            tracing::warn!(%error, "the bucket of attachments");
            BlobError::Unavailable
        })
    }

    /// Opens a blob to read it from `offset` on.
    pub(crate) async fn open(
        &self,
        key: BlobKey,
        variant: Variant,
        offset: u64,
    ) -> Result<Object, BlobError> {
        let name = self.name(key, variant);
        if variant == Variant::Preview {
            // Small, and what kind it is stands in its first bytes.
            let all = self.store.get(&name).await.map_err(|error| refused(&error))?;
            let all = all.bytes().await.map_err(|error| refused(&error))?;
            let media_type = Some(examine::preview_type(&all[..all.len().min(8)]));
            let (size, from) = (all.len() as u64, offset.min(all.len() as u64));
            let from = usize::try_from(from).unwrap_or(all.len());
            return Ok(Object { size, media_type, rest: all.slice(from..), stream: None });
        }
        let range = (offset > 0).then_some(GetRange::Offset(offset));
        let options = GetOptions { range, ..GetOptions::default() };
        match self.store.get_opts(&name, options).await {
            Ok(found) => {
                let size = found.meta.size;
                let stream = Some(found.into_stream());
                Ok(Object { size, media_type: None, rest: Bytes::new(), stream })
            }
            // A range that begins at the end is no range (RFC 9110, section 14.1.1).
            Err(error) if offset > 0 => match self.store.head(&name).await {
                Ok(there) if there.size <= offset => {
                    Ok(Object { size: there.size, ..Object::default() })
                }
                Ok(_) => Err(refused(&error)),
                Err(error) => Err(refused(&error)),
            },
            Err(error) => Err(refused(&error)),
        }
    }

    /// Removes a blob and its preview.
    pub(crate) async fn remove(&self, key: BlobKey) -> Result<(), BlobError> {
        for variant in [Variant::Preview, Variant::Unspecified] {
            match self.store.delete(&self.name(key, variant)).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(refused(&error)),
            }
        }
        Ok(())
    }
}

/// Writes all of a file.
async fn write(writer: &mut BufWriter, file: &File) -> Result<(), BlobError> {
    loop {
        let mut reading = file.try_clone().map_err(|error| failed(&error))?;
        let piece = blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = (&mut reading).take(PIECE_BYTES as u64).read_to_end(&mut piece);
            read.map_err(|error| failed(&error))?;
            Ok(Bytes::from(piece))
        });
        let piece = piece.await?;
        if piece.is_empty() {
            return Ok(());
        }
        writer.put(piece).await.map_err(|error| refused(&error))?;
    }
}

/// What the store says, as the core knows it.
fn refused(error: &Error) -> BlobError {
    if matches!(error, Error::NotFound { .. }) {
        return BlobError::NotFound;
    }
    tracing::warn!(%error, "the bucket of attachments");
    BlobError::Unavailable
}

/// A blob of a bucket that is being read.
#[derive(Default)]
pub(crate) struct Object {
    size: u64,
    media_type: Option<&'static str>,
    // What has come and wasn't asked for yet.
    rest: Bytes,
    stream: Option<BoxStream<'static, Result<Bytes, Error>>>,
}

impl Download for Object {
    fn size(&self) -> u64 {
        self.size
    }

    fn media_type(&self) -> Option<&str> {
        self.media_type
    }

    fn read(&mut self) -> Task<'_, Result<Bytes, BlobError>> {
        Box::pin(async move {
            while self.rest.is_empty() {
                let Some(stream) = &mut self.stream else { break };
                match stream.next().await {
                    Some(piece) => self.rest = piece.map_err(|error| refused(&error))?,
                    None => self.stream = None,
                }
            }
            Ok(self.rest.split_to(self.rest.len().min(PIECE_BYTES)))
        })
    }
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
