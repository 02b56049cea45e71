//! Blobs in memory: for tests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use parlour_core::ports::{
    Task,
    blobs::{BlobError, BlobKey, Blobs, Download, Upload, UploadKey, UploadPlan},
};
use parlour_protocol::{
    blob::{Blob, Variant},
    ids::BlobHash,
    limits::UPLOADS_MAX,
};
use ring::digest::{SHA256, digest};

use crate::{
    examine::{dimensions, kind_of},
    limits::PIECE_BYTES,
};

/// Blobs in memory. It makes no previews: what kind the bytes are, and how large a picture is, is all it
/// finds.
#[derive(Clone, Default)]
pub struct Memory {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    blobs: BTreeMap<BlobKey, Bytes>,
    uploads: BTreeMap<UploadKey, Partial>,
}

#[derive(Default)]
struct Partial {
    size: u64,
    turn: u64,
    bytes: Vec<u8>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many blobs there are.
    pub fn len(&self) -> usize {
        self.kept().blobs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

struct Handle {
    all: Memory,
    key: UploadKey,
    plan: UploadPlan,
    turn: u64,
    offset: u64,
}

impl Handle {
    fn with<T>(&self, work: impl FnOnce(&mut Partial) -> T) -> Result<T, BlobError> {
        let mut kept = self.all.kept();
        let partial = kept.uploads.get_mut(&self.key).ok_or(BlobError::Unavailable)?;
        if partial.turn == self.turn { Ok(work(partial)) } else { Err(BlobError::Conflict) }
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> Task<'a, T> {
    Box::pin(std::future::ready(value))
}

impl Upload for Handle {
    fn offset(&self) -> u64 {
        self.offset
    }

    fn write(&mut self, bytes: Bytes) -> Task<'_, Result<(), BlobError>> {
        let result = self.with(|partial| partial.bytes.extend_from_slice(&bytes));
        if result.is_ok() {
            self.offset += bytes.len() as u64;
        }
        ready(result)
    }

    fn pause(self: Box<Self>) -> Task<'static, ()> {
        ready(())
    }

    fn examine(&mut self) -> Task<'_, Result<Blob, BlobError>> {
        let found = self.with(|partial| {
            if partial.bytes.len() as u64 != self.plan.size {
                return Err(BlobError::Size);
            }
            let hash = Bytes::copy_from_slice(digest(&SHA256, &partial.bytes).as_ref());
            let media_type = kind_of(&partial.bytes, &self.plan.media_type);
            let (width, height) = dimensions(&partial.bytes, &media_type);
            let size = self.plan.size;
            Ok(Blob { hash, size, media_type, width, height, ..Blob::default() })
        });
        ready(found.and_then(|found| found))
    }

    fn keep(self: Box<Self>) -> Task<'static, Result<(), BlobError>> {
        let taken = self.with(|partial| Bytes::from(std::mem::take(&mut partial.bytes)));
        ready(taken.and_then(|bytes| {
            let digest = digest(&SHA256, &bytes);
            let hash = BlobHash::parse(digest.as_ref()).map_err(|_| BlobError::Unavailable)?;
            let mut kept = self.all.kept();
            kept.uploads.remove(&self.key);
            kept.blobs.insert(BlobKey { org: self.key.org, hash }, bytes);
            Ok(())
        }))
    }

    fn discard(self: Box<Self>) -> Task<'static, ()> {
        self.all.kept().uploads.remove(&self.key);
        ready(())
    }
}

struct Reading {
    rest: Bytes,
    size: u64,
}

impl Download for Reading {
    fn size(&self) -> u64 {
        self.size
    }

    fn media_type(&self) -> Option<&str> {
        None
    }

    fn read(&mut self) -> Task<'_, Result<Bytes, BlobError>> {
        ready(Ok(self.rest.split_to(self.rest.len().min(PIECE_BYTES))))
    }
}

impl Blobs for Memory {
    fn upload(
        &self,
        key: UploadKey,
        plan: UploadPlan,
    ) -> Task<'_, Result<Box<dyn Upload>, BlobError>> {
        let mut kept = self.kept();
        let of = |other: &&UploadKey| (other.org, other.user) == (key.org, key.user);
        if !kept.uploads.contains_key(&key) && kept.uploads.keys().filter(of).count() >= UPLOADS_MAX
        {
            return ready(Err(BlobError::TooMany));
        }
        let partial = kept.uploads.entry(key).or_default();
        if partial.turn > 0 && partial.size != plan.size {
            return ready(Err(BlobError::Conflict));
        }
        partial.size = plan.size;
        partial.turn += 1;
        let (turn, offset) = (partial.turn, partial.bytes.len() as u64);
        let handle = Handle { all: self.clone(), key, plan, turn, offset };
        ready(Ok(Box::new(handle) as Box<dyn Upload>))
    }

    fn progress(&self, key: UploadKey, plan: UploadPlan) -> Task<'_, Result<u64, BlobError>> {
        let kept = self.kept();
        ready(match kept.uploads.get(&key) {
            Some(partial) if partial.size != plan.size => Err(BlobError::Conflict),
            partial => Ok(partial.map_or(0, |partial| partial.bytes.len() as u64)),
        })
    }

    fn open(
        &self,
        key: BlobKey,
        variant: Variant,
        offset: u64,
    ) -> Task<'_, Result<Box<dyn Download>, BlobError>> {
        let bytes =
            self.kept().blobs.get(&key).filter(|_| variant == Variant::Unspecified).cloned();
        ready(bytes.ok_or(BlobError::NotFound).map(|bytes| {
            let size = bytes.len() as u64;
            let rest = bytes.slice(usize::try_from(offset.min(size)).unwrap_or(bytes.len())..);
            Box::new(Reading { rest, size }) as Box<dyn Download>
        }))
    }

    fn remove(&self, key: BlobKey) -> Task<'_, Result<(), BlobError>> {
        self.kept().blobs.remove(&key);
        ready(Ok(()))
    }

    fn remove_uploads(&self, _: u64) -> Task<'_, Result<(), BlobError>> {
        // Nothing here outlives a test.
        ready(Ok(()))
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
