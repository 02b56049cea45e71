//! The cache, kept off the task: writes are gathered while a transaction runs, so that whatever
//! came meanwhile is one transaction, too. A cache in memory is called at once; one on a disk runs
//! on the runtime's threads for blocking work, one call at a time.

use std::{collections::VecDeque, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use parlour_protocol::ids::RoomId;
use parlour_sdk_core::{
    Now,
    cache::{Cache, CacheError, Run, Write},
    engine::{Engine, LoadId},
};

use super::{Driver, Input, Task};
use crate::limits::{WRITE_AGAIN_AFTER, WRITE_ANEW_AFTER, WRITE_FAILURES_MAX};

/// A read of the cache that waits.
#[derive(Clone, Copy)]
struct Load {
    id: LoadId,
    room: RoomId,
    before: u64,
    limit: usize,
}

/// Writes and reads, in this order.
#[derive(Default)]
struct Job {
    number: u64,
    writes: Vec<Write>,
    loads: Vec<Load>,
}

/// A job that was done.
pub(super) struct Persisted {
    cache: Box<dyn Cache>,
    job: Job,
    committed: Result<(), CacheError>,
    loaded: Vec<(LoadId, Vec<Run>)>,
}

pub(super) struct Persist {
    /// `None` while a job runs.
    cache: Option<Box<dyn Cache>>,
    loads: VecDeque<Load>,
    /// A batch that failed and is tried again.
    failed: Option<(u64, Vec<Write>)>,
    failures: u32,
    again_at: Option<Duration>,
    writing_bytes: usize,
    /// The newest batch that is on the disk.
    written_no: u64,
}

impl Persist {
    pub(super) fn new(cache: Box<dyn Cache>) -> Self {
        Persist {
            cache: Some(cache),
            loads: VecDeque::new(),
            failed: None,
            failures: 0,
            again_at: None,
            writing_bytes: 0,
            written_no: 0,
        }
    }

    /// The batch after which all that is known now is on the disk; nothing when it is.
    pub(super) fn unwritten_no(&self, engine: &Engine) -> Option<u64> {
        let next = engine.next_writes_no();
        if engine.has_writes() {
            return Some(next);
        }
        (self.written_no + 1 < next).then(|| next - 1)
    }

    pub(super) fn load(&mut self, id: LoadId, room: RoomId, before: u64, limit: usize) {
        self.loads.push_back(Load { id, room, before, limit });
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.again_at
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        if self.again_at.is_some_and(|at| at <= now.elapsed) {
            self.again_at = None;
        }
    }

    /// Bytes of events that are being written.
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.writing_bytes
    }

    /// After too many failures nothing is written for a while: what the cache has is whole as it is, and
    /// a gap in what follows would not be. Then it is written anew.
    fn is_broken(&self) -> bool {
        self.failures >= WRITE_FAILURES_MAX
    }

    /// The next job, if there is something to do and the cache is free.
    fn next_job(&mut self, engine: &mut Engine) -> Option<(Box<dyn Cache>, Job)> {
        // What is read comes after what was to be written before, or doesn't wait for it at all.
        let waits = self.again_at.is_some();
        if self.cache.is_none() || waits && !self.is_broken() {
            return None;
        }
        let writes = if waits { None } else { self.failed.take().or_else(|| engine.take_writes()) };
        let loads: Vec<Load> = self.loads.drain(..).collect();
        if writes.is_none() && loads.is_empty() {
            return None;
        }
        let (number, writes) = writes.unwrap_or_default();
        self.writing_bytes = count_bytes(&writes);
        Some((self.cache.take()?, Job { number, writes, loads }))
    }

    /// Writes what is left, when the client ends.
    pub(super) async fn finish(&mut self, engine: &mut Engine, tasks: &mut FuturesUnordered<Task>) {
        while self.cache.is_none() {
            match tasks.next().await {
                Some(Input::Persisted(persisted)) => self.cache = Some(persisted.cache),
                Some(_) => {}
                None => return,
            }
        }
        self.again_at = None;
        self.loads.clear();
        if self.is_broken() {
            self.failed = Some(engine.write_anew());
        }
        if let Some((cache, job)) = self.next_job(engine) {
            let instant = cache.is_instant();
            let done = if instant { Some(run(cache, job)) } else { run_blocking(cache, job).await };
            if let Some(Err(error)) = done.map(|done| done.committed) {
                tracing::error!(%error, "the last changes weren't written");
            }
        }
    }
}

fn count_bytes(writes: &[Write]) -> usize {
    writes.iter().map(Write::event_bytes).sum()
}

fn run(mut cache: Box<dyn Cache>, job: Job) -> Persisted {
    let committed = if job.writes.is_empty() { Ok(()) } else { cache.commit(&job.writes) };
    let loaded = job
        .loads
        .iter()
        .map(|load| {
            let runs = cache.runs(load.room, load.before, load.limit).unwrap_or_else(|error| {
                tracing::error!(%error, "events weren't read");
                Vec::new()
            });
            (load.id, runs)
        })
        .collect();
    Persisted { cache, job, committed, loaded }
}

async fn run_blocking(cache: Box<dyn Cache>, job: Job) -> Option<Persisted> {
    // Only a panic or the runtime's end makes this fail; both end the client.
    tokio::task::spawn_blocking(move || run(cache, job)).await.ok()
}

impl Driver {
    pub(super) fn persist(&mut self) {
        if self.persist.is_broken() && self.persist.cache.is_some() {
            if let Some((number, _)) = self.engine.take_writes() {
                // Whoever queued something isn't left to wait for a cache that takes nothing.
                self.waiters.written(number, false);
            }
            if self.persist.again_at.is_none() {
                self.persist.failed = Some(self.engine.write_anew());
            }
        }
        while let Some((cache, job)) = self.persist.next_job(&mut self.engine) {
            if cache.is_instant() {
                let done = run(cache, job);
                self.handle_persisted(done);
            } else {
                self.tasks.push(Box::pin(async move {
                    run_blocking(cache, job).await.map_or(Input::Nothing, Input::Persisted)
                }));
            }
        }
    }

    pub(super) fn handle_persisted(&mut self, persisted: Persisted) {
        let Persisted { cache, job, committed, loaded } = persisted;
        self.persist.cache = Some(cache);
        self.persist.writing_bytes = 0;
        match committed {
            Ok(()) => {
                self.persist.failures = 0;
                self.persist.written_no = self.persist.written_no.max(job.number);
                self.waiters.written(job.number, true);
            }
            Err(error) => {
                tracing::error!(%error, "changes weren't written");
                self.waiters.written(job.number, false);
                self.persist.failures += 1;
                let is_broken = self.persist.is_broken();
                if self.persist.failures == WRITE_FAILURES_MAX {
                    self.engine.handle_cache_lost();
                }
                self.persist.failed = (!is_broken).then_some((job.number, job.writes));
                let pause = if is_broken { WRITE_ANEW_AFTER } else { WRITE_AGAIN_AFTER };
                self.persist.again_at = Some(self.now().elapsed + pause);
            }
        }
        for (id, runs) in loaded {
            self.engine.handle_loaded(id, runs);
        }
        // What was read may be wanted right away.
        while let Some(notice) = self.engine.poll_notice() {
            self.handle_notice(notice);
        }
        while let Some(action) = self.engine.poll_action() {
            self.handle_action(action);
        }
        self.publish();
        self.transmit();
        self.resume_bulk();
    }
}
