//! A folder of files: `ORG/HH/HASH` for blobs, with `.preview` behind it for the smaller picture, and
//! `uploads/ORG/USER/UPLOAD` for what isn't complete.
//!
//! A blob's file is synced before it is renamed to its place, and the folder is synced before anybody
//! hears of it: there is no half file under a hash. Of an upload, only what a sync has covered is
//! gone on with after a restart; how much that is stands in a file beside it.

mod partial;
mod read;

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use parlour_core::ports::{
    Task,
    blobs::{BlobError, BlobKey, Blobs, Download, Upload, UploadKey, UploadPlan},
};
use parlour_protocol::{blob::Variant, limits::UPLOADS_MAX};
use tokio::{sync::Semaphore, time::timeout};

use crate::{
    Options,
    limits::{EXAMINED_AT_ONCE, SLOT_WITHIN},
};
use partial::{Handle, Partial};
use read::Reading;

/// Files in a folder.
#[derive(Clone)]
pub struct Folder {
    shared: Arc<Shared>,
}

struct Shared {
    options: Options,
    examining: Arc<Semaphore>,
    // Uploads whose bytes come: who comes again takes over from who was cut off. One that isn't open
    // yet has its place here before its file is touched, so that it is opened once.
    active: Mutex<HashMap<UploadKey, Weak<Slot>>>,
}

/// The place of an upload.
type Slot = tokio::sync::Mutex<Option<Partial>>;

impl Folder {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// When it can't be made or read.
    pub fn open(options: Options) -> io::Result<Self> {
        private_folder(&options.path.join("uploads"))?;
        sync_folder(&options.path)?;
        let examining = Arc::new(Semaphore::new(EXAMINED_AT_ONCE));
        Ok(Folder { shared: Arc::new(Shared { options, examining, active: Mutex::default() }) })
    }
}

impl Shared {
    fn blob_path(&self, key: BlobKey, variant: Variant) -> PathBuf {
        let hash = key.hash.to_string();
        let folder = self.options.path.join(key.org.to_string()).join(&hash[..2]);
        match variant {
            Variant::Unspecified => folder.join(hash),
            Variant::Preview => folder.join(hash + ".preview"),
        }
    }

    fn upload_path(&self, key: UploadKey) -> PathBuf {
        let (org, user) = (key.org.to_string(), key.user.to_string());
        self.options.path.join("uploads").join(org).join(user).join(key.upload.to_string())
    }

    /// Whether so many more bytes leave the reserve alone.
    fn has_room_for(&self, bytes: u64) -> bool {
        let Ok(stat) = rustix::fs::statvfs(&self.options.path) else { return false };
        stat.f_bavail.saturating_mul(stat.f_frsize)
            >= bytes.saturating_add(self.options.reserve_bytes)
    }

    /// The place of an upload, whether it is under way, was cut off, or is new.
    fn slot(&self, key: UploadKey) -> Arc<Slot> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = active.get(&key).and_then(Weak::upgrade) {
            return slot;
        }
        active.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::default();
        active.insert(key, Arc::downgrade(&slot));
        slot
    }

    /// Opens an upload that isn't open.
    async fn partial(
        self: &Arc<Self>,
        key: UploadKey,
        plan: UploadPlan,
    ) -> Result<Partial, BlobError> {
        let shared = self.clone();
        blocking(move || {
            if !shared.has_room_for(plan.size) {
                return Err(BlobError::ReadOnly);
            }
            let path = shared.upload_path(key);
            if !path.exists() && count(path.parent()) >= UPLOADS_MAX {
                return Err(BlobError::TooMany);
            }
            Partial::open(path, plan).map_err(|error| failed(&error))
        })
        .await
    }
}

/// Unfinished uploads in a user's folder.
fn count(folder: Option<&Path>) -> usize {
    let Some(Ok(entries)) = folder.map(fs::read_dir) else { return 0 };
    entries.flatten().filter(|entry| entry.path().extension().is_none()).count()
}

impl Blobs for Folder {
    fn upload(
        &self,
        key: UploadKey,
        plan: UploadPlan,
    ) -> Task<'_, Result<Box<dyn Upload>, BlobError>> {
        Box::pin(async move {
            let slot = self.shared.slot(key);
            let held = timeout(SLOT_WITHIN, slot.clone().lock_owned()).await;
            let mut held = held.map_err(|_| BlobError::Unavailable)?;
            if held.is_none() {
                *held = Some(self.shared.partial(key, plan.clone()).await?);
            }
            let handle = Handle::take_over(self.shared.clone(), key.org, slot, held, plan)?;
            Ok(Box::new(handle) as Box<dyn Upload>)
        })
    }

    fn progress(&self, key: UploadKey, plan: UploadPlan) -> Task<'_, Result<u64, BlobError>> {
        Box::pin(async move {
            let slot = self.shared.slot(key);
            let held = timeout(SLOT_WITHIN, slot.lock()).await;
            let held = held.map_err(|_| BlobError::Unavailable)?;
            if let Some(partial) = &*held {
                return partial.progress(&plan);
            }
            let path = self.shared.upload_path(key);
            blocking(move || partial::synced(&path, &plan).map_err(|error| failed(&error))).await
        })
    }

    fn open(
        &self,
        key: BlobKey,
        variant: Variant,
        offset: u64,
    ) -> Task<'_, Result<Box<dyn Download>, BlobError>> {
        let path = self.shared.blob_path(key, variant);
        Box::pin(async move {
            let opened =
                blocking(move || Reading::open(&path, variant, offset).map_err(|e| failed(&e)));
            match (opened.await, &self.shared.options.bucket) {
                // What is in the folder is from before there was a bucket.
                (Err(BlobError::NotFound), Some(bucket)) => {
                    Ok(Box::new(bucket.open(key, variant, offset).await?) as Box<dyn Download>)
                }
                (opened, _) => Ok(Box::new(opened?) as Box<dyn Download>),
            }
        })
    }

    fn remove(&self, key: BlobKey) -> Task<'_, Result<(), BlobError>> {
        let paths = [Variant::Preview, Variant::Unspecified].map(|v| self.shared.blob_path(key, v));
        let in_folder = blocking(move || {
            for path in &paths {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed(&error));
                    }
                    _ => {}
                }
            }
            match paths[0].parent().map(sync_folder) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
                _ => Ok(()),
            }
        });
        Box::pin(async move {
            in_folder.await?;
            match &self.shared.options.bucket {
                Some(bucket) => bucket.remove(key).await,
                None => Ok(()),
            }
        })
    }

    fn remove_uploads(&self, before_ms: u64) -> Task<'_, Result<(), BlobError>> {
        let root = self.shared.options.path.join("uploads");
        let before = SystemTime::UNIX_EPOCH + Duration::from_millis(before_ms);
        Box::pin(blocking(move || remove_old(&root, before, 2).map_err(|error| failed(&error))))
    }
}

/// Removes old files, and folders that are empty, `depth` folders below.
fn remove_old(folder: &Path, before: SystemTime, depth: u32) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if depth > 0 && entry.file_type()?.is_dir() {
            remove_old(&path, before, depth - 1)?;
            // It may have others.
            let _ = fs::remove_dir(&path);
        } else if entry.metadata()?.modified()? < before {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Runs what waits for a disk, or a processor, where nobody else waits for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // A bug, or the end of the program.
        Err(_) => Err(BlobError::Unavailable),
    }
}

/// A folder for its owner only, with those above it.
fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes what happened to a folder's names durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a folder and those above it, durably.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().ok_or(io::ErrorKind::NotFound)?;
    make_folder(above)?;
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(above)
}

/// An I/O error as the core knows it.
pub(crate) fn failed(error: &io::Error) -> BlobError {
    match error.kind() {
        io::ErrorKind::NotFound => BlobError::NotFound,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobError::ReadOnly,
        io::ErrorKind::InvalidData => BlobError::Conflict,
        kind => {
            tracing::warn!(error = %kind, "attachments' folder");
            BlobError::Unavailable
        }
    }
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
