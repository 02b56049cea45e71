//! A bucket of an S3-compatible store: where complete blobs are kept instead of in the folder.
//!
//! An upload still comes in, is hashed, scanned and looked into in the folder. It goes to the bucket when it
//! is to be kept for good, and is acknowledged once the store has acknowledged it. Names are those of the
//! folder, `PREFIX/ORG/HH/HASH`, with `.preview` behind it for the smaller picture, so that whatever copies
//! files to a bucket moves an installation there, and back.

use std::{
    fmt,
    fs::File,
    io::Read,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

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
use ring::rand::{self, SystemRandom};
use tokio::{io::AsyncWriteExt, sync::Semaphore, time::timeout};

use crate::{
    blocking, examine, failed,
    limits::{
        BUCKET_LOOK_AFTER, BUCKET_PART_BYTES, BUCKET_PARTS_AT_ONCE, BUCKET_RETRIES_MAX,
        BUCKET_RETRIES_WITHIN, FAILURES_MAX, PIECE_BYTES, PUT_AT_ONCE, PUT_TURN_WITHIN,
        REMOVED_WITHIN,
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
    /// It belongs to another store: what that one needs must not be removed.
    #[error(
        "it belongs to another server, or to this one before a restore: nothing is removed from it; \
         to hand it over, remove the object {0}"
    )]
    Owned(String),
}

/// The object that says whose a bucket is.
const OWNER: &str = "parlour-owner";

/// Whether things may be removed.
#[derive(Debug, Default)]
struct Standing {
    is_ours: bool,
    // When that was found out.
    looked: Option<Instant>,
    // Removals that failed, one after the other.
    failures: u32,
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    // Whose it has to be; none for somebody who only looks.
    owner: Option<String>,
    standing: Arc<Mutex<Standing>>,
    // Each holds some parts in memory.
    putting: Arc<Semaphore>,
}

impl Bucket {
    /// The bucket of an S3-compatible store, reached through those connections. Nothing is asked yet. `owner` is
    /// what the store of messages is known by: nothing is removed from a bucket of another.
    ///
    /// # Errors
    /// When its address is none.
    pub fn s3(
        options: &BucketOptions,
        owner: Option<String>,
        http: impl HttpConnector,
    ) -> Result<Self, BucketError> {
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
        if let Some(endpoint) = endpoint(options) {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build().map_err(BucketError::Options)?;
        Ok(Bucket::over(Arc::new(store), &options.prefix, owner))
    }

    /// Over any store.
    pub(crate) fn over(store: Arc<dyn ObjectStore>, prefix: &str, owner: Option<String>) -> Self {
        let putting = Arc::new(Semaphore::new(PUT_AT_ONCE));
        Bucket { store, prefix: prefix.into(), owner, standing: Arc::default(), putting }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for what isn't there, puts a small object, reads it back and removes it; then at whose it is, which
    /// is ours from then on if it was nobody's.
    ///
    /// # Errors
    /// With what it refuses, which is what it would refuse a blob, or that it is another's.
    pub async fn check(&self) -> Result<(), BucketError> {
        let checked = match self.look().await {
            Ok(()) => self.claim().await,
            refused => refused,
        };
        self.found(checked.is_ok() && self.owner.is_some());
        checked
    }

    fn found(&self, is_ours: bool) {
        *self.standing() = Standing { is_ours, looked: Some(Instant::now()), failures: 0 };
    }

    async fn look(&self) -> Result<(), BucketError> {
        let refused = |doing| move |error| BucketError::Refused { doing, error };
        // Two who look at the same time don't see each other's.
        let random: [u8; 8] =
            rand::generate(&SystemRandom::new()).map(|random| random.expose()).unwrap_or_default();
        let name = format!("parlour-check-{:016x}", u64::from_be_bytes(random));
        let name = self.prefix.clone().join(name);
        match self.store.head(&name).await {
            Err(Error::NotFound { .. }) => {}
            Ok(_) => return Err(BucketError::Differs),
            // Without leave to list, a store doesn't say what it hasn't.
            Err(error) => return Err(refused("be asked for what isn't there")(error)),
        }
        let content = Bytes::from_static(b"parlour looks whether it may write here");
        let put = self.store.put(&name, content.clone().into()).await;
        put.map_err(refused("be written"))?;
        let back = async { self.store.get(&name).await?.bytes().await }.await;
        let gone = self.store.delete(&name).await;
        if back.map_err(refused("be read"))? != content {
            return Err(BucketError::Differs);
        }
        gone.map_err(refused("be cleared"))
    }

    /// Makes it ours if it is nobody's.
    async fn claim(&self) -> Result<(), BucketError> {
        let Some(ours) = &self.owner else { return Ok(()) };
        if self.whose().await?.is_none() {
            let content = Bytes::from(ours.clone());
            let put = self.store.put(&self.owner_name(), content.into()).await;
            put.map_err(|error| BucketError::Refused { doing: "be written", error })?;
        }
        // Somebody else may have done the same.
        match self.whose().await?.as_ref() == Some(ours) {
            true => Ok(()),
            false => Err(BucketError::Owned(self.owner_name().to_string())),
        }
    }

    fn owner_name(&self) -> Path {
        self.prefix.clone().join(OWNER)
    }

    /// Whose it is; `None` for nobody's.
    async fn whose(&self) -> Result<Option<String>, BucketError> {
        let refused = |error| BucketError::Refused { doing: "be read", error };
        match self.store.get(&self.owner_name()).await {
            // No name of ours is as long.
            Ok(found) if found.meta.size > 100 => Ok(Some(String::new())),
            Ok(found) => {
                let content = found.bytes().await.map_err(refused)?;
                Ok(Some(String::from_utf8_lossy(&content).trim().to_owned()))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Whether things may be removed. Looked at again and again, since a bucket may be handed over; what is nobody's
    /// isn't made ours here.
    async fn may_remove(&self) -> Result<(), BlobError> {
        {
            let standing = self.standing();
            let is_fresh = standing.looked.is_some_and(|at| at.elapsed() < BUCKET_LOOK_AFTER);
            if is_fresh && standing.failures < FAILURES_MAX {
                return if standing.is_ours { Ok(()) } else { Err(BlobError::Unavailable) };
            }
            if is_fresh {
                return Err(BlobError::Unavailable);
            }
        }
        let whose = timeout(REMOVED_WITHIN, self.whose()).await;
        let is_ours = matches!(&whose, Ok(Ok(Some(owner))) if Some(owner) == self.owner.as_ref());
        self.found(is_ours);
        match whose {
            _ if is_ours => return Ok(()),
            Ok(Ok(_)) => {
                let owned = BucketError::Owned(self.owner_name().to_string());
                tracing::error!("the bucket of attachments: {owned}");
            }
            Ok(Err(error)) => tell(&error.to_string()),
            Err(_) => tell(""),
        }
        Err(BlobError::Unavailable)
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
        let opened = blocking(move || File::open(from).map_err(|error| failed(&error)));
        let file = match opened.await {
            Err(BlobError::NotFound) if variant == Variant::Preview => return Ok(()),
            opened => opened?,
        };
        let turn = timeout(PUT_TURN_WITHIN, self.putting.acquire()).await;
        let _turn = turn.map_err(|_| BlobError::Unavailable)?;
        // What is there already is put again: a removal may be under way that nobody has heard the end of.
        let mut writer = BufWriter::with_capacity(self.store.clone(), name, BUCKET_PART_BYTES)
            .with_max_concurrency(BUCKET_PARTS_AT_ONCE);
        if let Err(error) = write(&mut writer, &file).await {
            // What is there of it goes, as far as the store can still be reached.
            let _ = writer.abort().await;
            // A bucket that isn't there is no blob that isn't there.
            return Err(if error == BlobError::NotFound { BlobError::Unavailable } else { error });
        }
        // Waits until the store has all of it; where that fails it sees to what is there by itself.
        writer.shutdown().await.map_err(|error| {
            tell(&error.to_string());
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

    /// Removes a blob and its preview, if the bucket is ours.
    pub(crate) async fn remove(&self, key: BlobKey) -> Result<(), BlobError> {
        self.may_remove().await?;
        for variant in [Variant::Preview, Variant::Unspecified] {
            let name = self.name(key, variant);
            let removed = match timeout(REMOVED_WITHIN, self.store.delete(&name)).await {
                Ok(Ok(())) => Ok(()),
                // There is a store that says so.
                Ok(Err(error)) if refused(&error) == BlobError::NotFound => Ok(()),
                _ => Err(BlobError::Unavailable),
            };
            // One that can't be removed doesn't keep the others; a store that removes nothing is left alone.
            let mut standing = self.standing();
            standing.failures = if removed.is_ok() { 0 } else { standing.failures + 1 };
            if standing.failures == FAILURES_MAX {
                standing.looked = Some(Instant::now());
            }
            removed?;
        }
        Ok(())
    }
}

/// Where requests go.
fn endpoint(options: &BucketOptions) -> Option<String> {
    let endpoint = options.endpoint.as_deref()?.trim_end_matches('/');
    match (options.virtual_host, endpoint.split_once("://")) {
        (true, Some((scheme, host))) => Some(format!("{scheme}://{}.{host}", options.bucket)),
        _ => Some(endpoint.to_owned()),
    }
}

/// Says in the log what went wrong: the store's own word for it, since the rest may name what is in it.
fn tell(error: &str) {
    let code = error.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let status = error.split_once("status code: ").and_then(|(_, rest)| rest.get(..3));
    let code = code.map(|(code, _)| code).or(status).unwrap_or("none");
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(50).collect();
    tracing::warn!(%code, "the bucket of attachments");
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
    let text = error.to_string();
    if matches!(error, Error::NotFound { .. }) && !text.contains("NoSuchBucket") {
        return BlobError::NotFound;
    }
    tell(&text);
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
