//! Attachments in this server: the folder they are kept in, the end of an upload, and what nobody
//! uses any more.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Weak},
};

use parlour_blobs::{Folder, Options, Scanner, find_tools};
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

use crate::config::Config;

/// Opens the folder of attachments.
pub(crate) fn open(config: &Config, path: PathBuf) -> io::Result<Folder> {
    let tools = if config.blobs.ffmpeg { find_tools() } else { None };
    if config.blobs.ffmpeg && tools.is_none() {
        tracing::info!("without ffmpeg: sound and video have neither length nor preview");
    }
    let scanner = config.blobs.scanner.as_deref().and_then(Scanner::parse);
    // Twice that of messages: files alone never stop them.
    let reserve_bytes = 2 * config.store.reserve_mb * 1024 * 1024;
    Folder::open(Options { path, reserve_bytes, scanner, tools })
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
