//! Attachments in this server: the folder they are kept in, the end of an upload, and what nobody
//! uses any more.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Weak},
};

use parlour_blobs::{Bucket, BucketError, Folder, Options, Scanner, find_tools};
use parlour_core::{
    blobs::{BlobPolicy, Uploading},
    draft::{Draft, Submission, Submit, Then},
    limits::BLOBS_SWEPT_EVERY,
    node::Node,
};
use parlour_protocol::{
    blob::Blob,
    wire::{Error, ErrorReason},
};
use tokio::sync::oneshot;

use crate::{
    config::Config,
    outside::{Pool, with_roots_of, with_systems_roots},
    server::StartError,
};

/// The bucket that attachments are kept in, where one is configured. Nothing is asked of it yet. `incarnation` is
/// that of the store whose attachments they are; without it nothing can be removed.
pub fn open_bucket(
    config: &Config,
    incarnation: Option<[u8; 16]>,
) -> Result<Option<Bucket>, StartError> {
    let Some(options) = config.bucket()? else { return Ok(None) };
    let ca = &config.blobs.s3.ca_file;
    let tls = match ca {
        Some(path) => with_roots_of(path),
        None => with_systems_roots().ok(),
    };
    let tls = tls.ok_or_else(|| StartError::BucketRoots { ca: ca.clone() })?;
    let owner = incarnation.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    Ok(Some(Bucket::s3(&options, owner, Pool::new(tls, options.allow_http))?))
}

/// Says so if the bucket can't be used. The server runs all the same: messages don't need it.
pub(crate) async fn check(bucket: Bucket) {
    match bucket.check().await {
        Ok(()) => tracing::info!("attachments are kept in the bucket"),
        Err(error @ BucketError::Owned(_)) => tracing::error!("the bucket of attachments: {error}"),
        Err(_) => tracing::error!(
            "attachments can't be kept: the bucket refuses; `parlour doctor` says what"
        ),
    }
}

/// Opens the folder of attachments, with the bucket behind it.
pub(crate) fn open(config: &Config, path: PathBuf, bucket: Option<Bucket>) -> io::Result<Folder> {
    let tools = if config.blobs.ffmpeg { find_tools() } else { None };
    if config.blobs.ffmpeg && tools.is_none() {
        tracing::info!("without ffmpeg: sound and video have neither length nor preview");
    }
    let scanner = config.blobs.scanner.as_deref().and_then(Scanner::parse);
    // Twice that of messages: files alone never stop them.
    let reserve_bytes = 2 * config.store.reserve_mb * 1024 * 1024;
    Folder::open(Options { path, reserve_bytes, scanner, tools, bucket })
}

/// What may be uploaded, as it is configured.
pub(crate) fn policy(config: &Config) -> BlobPolicy {
    const MB: u64 = 1024 * 1024;
    let blobs = &config.blobs;
    BlobPolicy {
        size_max: blobs.size_max_mb * MB,
        media_types: blobs.media_types.clone(),
        user_bytes_per_day_max: blobs.user_per_day_max_mb * MB,
        url: config.http.url.clone().unwrap_or_default(),
    }
}

/// All bytes of an upload are there: it becomes a blob, or is refused. That goes on even if nobody
/// waits for it any more.
pub(crate) async fn complete(
    node: Arc<Node>,
    submit: Arc<dyn Submit>,
    uploading: Uploading,
) -> Result<Blob, Error> {
    let done = tokio::spawn(async move {
        let (examined, due) = uploading.examine(&node).await?;
        commit(&*submit, due).await?;
        let (blob, drafts) = examined.keep(&node).await?;
        for draft in drafts {
            commit(&*submit, draft).await?;
        }
        Ok(blob)
    });
    done.await.unwrap_or_else(|_| Err(Error::new(ErrorReason::Internal, "a bug; see the log")))
}

/// Waits until it is committed.
pub(crate) async fn commit(submit: &dyn Submit, draft: Draft) -> Result<(), Error> {
    let (done, answer) = oneshot::channel();
    let then = Then::Callback(Box::new(move |result| {
        let _ = done.send(result);
    }));
    submit.submit(Submission { draft, then });
    match answer.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refused)) => Err(refused.into()),
        Err(_) => Err(Error::new(ErrorReason::StoreUnavailable, "the server ends")),
    }
}

/// Removes what nobody uses, as long as the node is there.
pub(crate) async fn sweep(node: Weak<Node>, submit: Arc<dyn Submit>) {
    loop {
        tokio::time::sleep(BLOBS_SWEPT_EVERY).await;
        let Some(node) = node.upgrade() else { return };
        match node.sweep_blobs(&submit, node.now()).await {
            Ok(swept) if swept.removed > 0 => {
                tracing::info!(files = swept.removed, bytes = swept.bytes, "attachments are gone");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "attachments can't be looked after"),
        }
    }
}
