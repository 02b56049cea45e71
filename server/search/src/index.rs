//! The port: asks on threads for blocking work, and sends what changes to the one that writes.

use std::{
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use parlour_core::ports::{
    Task,
    search::{Change, Place, Query, Search, SearchError},
};
use parlour_protocol::ids::{Incarnation, RoomId};
use tantivy::{IndexReader, TantivyError};
use tokio::sync::{Semaphore, oneshot};

use crate::{
    limits::{JOBS_MAX, PURGE_AFTER, SEARCHES_AT_ONCE},
    query::query,
    schema::Fields,
    top::{RoomsOf, Top},
    writer::{self, Job, Reply, why},
};

/// How an index is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its folder, which is nobody else's.
    pub path: PathBuf,
    /// Memory of the thread that writes, in bytes.
    pub memory_bytes: usize,
    /// What was removed leaves the files after this time.
    pub purge_after: Duration,
}

impl Options {
    /// In this folder, with so much memory.
    pub fn new(path: PathBuf, memory_bytes: usize) -> Self {
        Options { path, memory_bytes, purge_after: PURGE_AFTER }
    }
}

/// What searches read.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) reader: IndexReader,
    pub(crate) fields: Fields,
}

/// What those who search and the one that writes share.
#[derive(Default)]
pub(crate) struct Shared {
    reading: RwLock<Option<Reading>>,
    rooms_of: Arc<RoomsOf>,
    // A search has found it damaged.
    is_broken: AtomicBool,
}

impl Shared {
    pub(crate) fn set(&self, reading: Option<Reading>) {
        self.is_broken.store(false, Ordering::Release);
        *self.reading.write().expect("no panic while the lock is held") = reading;
    }

    fn reading(&self) -> Option<Reading> {
        self.reading.read().expect("no panic while the lock is held").clone()
    }

    /// Whether a search has found it damaged.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// Forgets what is known of segments that are gone.
    pub(crate) fn tidy(&self) {
        if let Some(Reading { reader, .. }) = self.reading() {
            self.rooms_of.keep(reader.searcher().segment_readers());
        }
    }

    fn find(&self, wanted: Query) -> Result<Vec<Place>, SearchError> {
        let Reading { reader, fields } = self.reading().ok_or(SearchError::Closed)?;
        if wanted.rooms.is_empty() || wanted.limit == 0 {
            return Ok(vec![]);
        }
        let query = query(&fields, &wanted);
        let top = Top { wanted, rooms_of: self.rooms_of.clone() };
        reader.searcher().search(&query, &top).map_err(|error: TantivyError| why(&error))
    }
}

/// See the module. Dropping it ends the thread that writes; what isn't committed is forgotten.
pub struct Index {
    jobs: mpsc::SyncSender<Job>,
    shared: Arc<Shared>,
    asking: Arc<Semaphore>,
}

impl Index {
    /// An index that isn't open yet.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(options: Options) -> std::io::Result<Self> {
        let shared: Arc<Shared> = Arc::default();
        let (jobs, queue) = mpsc::sync_channel(JOBS_MAX);
        let of_writer = shared.clone();
        thread::Builder::new()
            .name("search-writer".into())
            .spawn(move || writer::run(options, of_writer, &queue))?;
        Ok(Index { jobs, shared, asking: Arc::new(Semaphore::new(SEARCHES_AT_ONCE)) })
    }

    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Task<'_, Result<T, SearchError>> {
        let (reply, answer) = oneshot::channel();
        // One at a time is fed, so it never fills up.
        let sent = self.jobs.try_send(job(reply));
        Box::pin(async move {
            sent.map_err(|_| SearchError::Unavailable)?;
            answer.await.unwrap_or(Err(SearchError::Unavailable))
        })
    }
}

impl Search for Index {
    fn open(&self, of: Incarnation) -> Task<'_, Result<Vec<(RoomId, u64)>, SearchError>> {
        self.ask(|reply| Job::Open(of, reply))
    }

    fn reset(&self) -> Task<'_, Result<(), SearchError>> {
        self.ask(Job::Reset)
    }

    fn apply(&self, changes: Vec<Change>) -> Task<'_, Result<(), SearchError>> {
        self.ask(|reply| Job::Apply(changes, reply))
    }

    fn commit(&self) -> Task<'_, Result<(), SearchError>> {
        self.ask(Job::Commit)
    }

    fn find(&self, query: Query) -> Task<'_, Result<Vec<Place>, SearchError>> {
        let (shared, asking) = (self.shared.clone(), self.asking.clone());
        Box::pin(async move {
            // It lasts as long as the search itself, be there somebody who waits for it or not.
            let permit = asking.acquire_owned().await.map_err(|_| SearchError::Unavailable)?;
            let search = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                shared.find(query)
            });
            // Damaged files may make the library panic.
            let found = search.await.unwrap_or(Err(SearchError::Damaged));
            if found == Err(SearchError::Damaged) {
                self.shared.is_broken.store(true, Ordering::Release);
            }
            found
        })
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
