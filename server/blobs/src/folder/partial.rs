//! Uploads: bytes that come, are hashed and written, and become a blob.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use parlour_core::ports::{
    Task,
    blobs::{BlobError, BlobKey, Upload, UploadPlan},
};
use parlour_protocol::{
    blob::{Blob, Variant},
    ids::{BlobHash, OrgId},
};
use ring::digest::{Context, SHA256};
use tokio::sync::{MappedMutexGuard, MutexGuard, OwnedMutexGuard};

use super::{Shared, Slot, blocking, failed, make_folder, private_folder, sync_folder};
use crate::{
    examine::examine,
    limits::{PIECE_BYTES, SYNC_EVERY_BYTES},
};

/// What has come of an upload.
pub(super) struct Partial {
    path: PathBuf,
    size: u64,
    // Missing only while a piece is written, or for ever after that has failed.
    disk: Option<Disk>,
    // What isn't written yet.
    piece: BytesMut,
    // Whose it is: who was cut off and comes again takes over.
    turn: u64,
    // What was found, until more bytes come.
    examined: Option<Blob>,
    // It is where blobs are: whoever asks for it again is told the same.
    is_placed: bool,
}

struct Disk {
    file: File,
    hash: Context,
    written: u64,
    synced: u64,
}

/// The file beside an upload that says how large it will be, and how much of it is synced.
pub(super) fn note_path(path: &Path) -> PathBuf {
    with_suffix(path, ".note")
}

/// A file for its owner only, which is made where it isn't there, and left as it is where it is.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

/// How much of an upload a sync has covered. `InvalidData` if it was announced with another size.
pub(super) fn synced(path: &Path, plan: &UploadPlan) -> io::Result<u64> {
    let length = match fs::metadata(path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let Ok(note) = fs::read(note_path(path)) else { return Ok(0) };
    let Ok(note) = <[u8; 16]>::try_from(note) else { return Ok(0) };
    let (size, synced) = note.split_at(8);
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    match number(size) == plan.size {
        true => Ok(number(synced).min(length).min(plan.size)),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn preview_path(path: &Path) -> PathBuf {
    with_suffix(path, ".preview")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Partial {
    /// A new one, or what a sync has covered of an old one. `InvalidData` if that had another size.
    pub(super) fn open(path: PathBuf, plan: UploadPlan) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        let synced = synced(&path, &plan)?;
        let mut file = private_file().read(true).open(&path)?;
        file.set_len(synced)?;
        let mut hash = Context::new(&SHA256);
        let mut piece = vec![0; PIECE_BYTES];
        file.seek(SeekFrom::Start(0))?;
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            hash.update(&piece[..read]);
        }
        let disk = Some(Disk { file, hash, written: synced, synced });
        let partial = Partial {
            path,
            size: plan.size,
            disk,
            piece: BytesMut::new(),
            turn: 0,
            examined: None,
            is_placed: false,
        };
        partial.note(synced)?;
        Ok(partial)
    }

    /// How much has come.
    pub(super) fn progress(&self, plan: &UploadPlan) -> Result<u64, BlobError> {
        if self.size == plan.size { Ok(self.offset()) } else { Err(BlobError::Conflict) }
    }

    fn note(&self, synced: u64) -> io::Result<()> {
        let mut note = [0; 16];
        note[..8].copy_from_slice(&self.size.to_be_bytes());
        note[8..].copy_from_slice(&synced.to_be_bytes());
        // In place: a write of sixteen bytes isn't torn, and an older number does no harm.
        private_file().open(note_path(&self.path))?.write_all(&note)
    }

    fn offset(&self) -> u64 {
        self.disk.as_ref().map_or(0, |disk| disk.written) + self.piece.len() as u64
    }

    /// Writes what waits; syncs if it is time to, or `sync` says so.
    async fn flush(&mut self, sync: bool) -> Result<(), BlobError> {
        let mut disk = self.disk.take().ok_or(BlobError::Unavailable)?;
        let piece = self.piece.split().freeze();
        let disk = blocking(move || {
            let write = || -> io::Result<Disk> {
                disk.hash.update(&piece);
                disk.file.write_all(&piece)?;
                disk.written += piece.len() as u64;
                if sync || disk.written - disk.synced >= SYNC_EVERY_BYTES {
                    disk.file.sync_data()?;
                    disk.synced = disk.written;
                }
                Ok(disk)
            };
            write().map_err(|error| failed(&error))
        });
        let disk = disk.await?;
        let synced = disk.synced;
        self.disk = Some(disk);
        self.note(synced).map_err(|error| failed(&error))
    }
}

/// An upload as the core has it in hand.
pub(super) struct Handle {
    shared: Arc<Shared>,
    org: OrgId,
    slot: Arc<Slot>,
    plan: UploadPlan,
    turn: u64,
    offset: u64,
}

impl Handle {
    /// Goes on with what has come. Whoever had it before can't any more.
    pub(super) fn take_over(
        shared: Arc<Shared>,
        org: OrgId,
        slot: Arc<Slot>,
        mut held: OwnedMutexGuard<Option<Partial>>,
        plan: UploadPlan,
    ) -> Result<Self, BlobError> {
        let partial = held.as_mut().ok_or(BlobError::Unavailable)?;
        let offset = partial.progress(&plan)?;
        partial.turn += 1;
        let turn = partial.turn;
        Ok(Handle { shared, org, slot, plan, turn, offset })
    }

    async fn held(&self) -> Result<MappedMutexGuard<'_, Partial>, BlobError> {
        let held = self.slot.lock().await;
        let ours = MutexGuard::try_map(held, |slot| {
            slot.as_mut().filter(|partial| partial.turn == self.turn)
        });
        ours.map_err(|_| BlobError::Conflict)
    }
}

impl Upload for Handle {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn write(&mut self, bytes: Bytes) -> Task<'_, Result<(), BlobError>> {
        Box::pin(async move {
            let mut held = self.held().await?;
            held.examined = None;
            if held.piece.len() + bytes.len() > PIECE_BYTES {
                if !self.shared.has_room_for(held.piece.len() as u64) {
                    return Err(BlobError::ReadOnly);
                }
                held.flush(false).await?;
            }
            held.piece.extend_from_slice(&bytes);
            drop(held);
            self.offset += bytes.len() as u64;
            Ok(())
        })
    }

    fn pause(self: Box<Self>) -> Task<'static, ()> {
        Box::pin(async move {
            if let Ok(mut held) = self.held().await {
                // What couldn't be written comes again.
                let _ = held.flush(true).await;
            }
        })
    }

    fn examine(&mut self) -> Task<'_, Result<Blob, BlobError>> {
        Box::pin(async move {
            let mut held = self.held().await?;
            if let Some(blob) = &held.examined {
                return Ok(blob.clone());
            }
            if held.offset() != self.plan.size {
                return Err(BlobError::Size);
            }
            held.flush(true).await?;
            let disk = held.disk.as_ref().ok_or(BlobError::Unavailable)?;
            let digest = disk.hash.clone().finish();
            let hash = Bytes::copy_from_slice(digest.as_ref());
            if let Some(scanner) = &self.shared.options.scanner {
                scanner.scan(&held.path).await?;
            }
            let found = {
                let turn = self.shared.examining.clone().acquire_owned().await;
                let tools = self.shared.options.tools.as_ref();
                let preview = preview_path(&held.path);
                examine(&held.path, &preview, &self.plan.media_type, tools, turn.ok()).await
            };
            let blob = Blob { hash, size: self.plan.size, ..found };
            held.examined = Some(blob.clone());
            Ok(blob)
        })
    }

    fn keep(self: Box<Self>) -> Task<'static, Result<(), BlobError>> {
        Box::pin(async move {
            let mut held = self.held().await?;
            if held.is_placed {
                return Ok(());
            }
            let hash = held.examined.as_ref().and_then(|blob| BlobHash::parse(&blob.hash).ok());
            let hash = hash.ok_or(BlobError::Unavailable)?;
            let key = BlobKey { org: self.org, hash };
            let path = held.path.clone();
            if let Some(bucket) = &self.shared.options.bucket {
                // First the preview: whoever finds the blob finds it.
                bucket.keep(key, Variant::Preview, &preview_path(&path)).await?;
                bucket.keep(key, Variant::Unspecified, &path).await?;
                held.is_placed = true;
                remove_files(&path);
                return Ok(());
            }
            let to = [Variant::Preview, Variant::Unspecified]
                .map(|variant| self.shared.blob_path(key, variant));
            blocking(move || place(&path, to).map_err(|error| failed(&error))).await?;
            held.is_placed = true;
            Ok(())
        })
    }

    fn discard(self: Box<Self>) -> Task<'static, ()> {
        Box::pin(async move {
            let Ok(mut held) = self.held().await else { return };
            held.disk = None;
            remove_files(&held.path);
        })
    }
}

/// Removes what there is of an upload.
fn remove_files(path: &Path) {
    for path in [preview_path(path), note_path(path), path.to_owned()] {
        // What stays goes with the old uploads.
        let _ = fs::remove_file(path);
    }
}

/// Puts an upload, and its preview if it has one, where blobs are.
fn place(path: &Path, [preview_to, to]: [PathBuf; 2]) -> io::Result<()> {
    let folder = to.parent().ok_or(io::ErrorKind::NotFound)?;
    make_folder(folder)?;
    let preview = preview_path(path);
    match File::open(&preview) {
        Ok(file) => {
            file.sync_all()?;
            fs::rename(&preview, &preview_to)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = File::open(path)?;
    match fs::metadata(&to) {
        // The same bytes are there already: what is good stays.
        Ok(there) if there.len() == file.metadata()?.len() => fs::remove_file(path)?,
        _ => {
            file.sync_all()?;
            fs::rename(path, &to)?;
        }
    }
    sync_folder(folder)?;
    // A note without an upload says nothing.
    let _ = fs::remove_file(note_path(path));
    Ok(())
}
