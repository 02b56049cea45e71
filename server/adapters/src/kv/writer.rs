//! The one writer. It commits at once when idle, otherwise what arrived during the last sync.
//! It answers after the sync, never before, and on any error stops, says unavailable, and opens
//! the engine again by itself.

use std::{
    ops::ControlFlow,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use parlour_core::ports::store::{Batch, LogKey, Refusal, StoreError};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{
    Shared,
    backup::PreImages,
    durability::Durability,
    engine::{Engine, EngineError, Writes},
    layout,
    plan::Plan,
    tally::Tally,
};
use crate::limits::{
    GROUP_BATCHES_MAX, GROUP_BYTES_MAX, PURGE_STEP_RECORDS, REOPEN_WAIT_MAX, REOPEN_WAIT_MIN,
    UNLOCK_WAIT_MAX,
};
use crate::options::OpenError;

type Results = Vec<Result<(), Refusal>>;
type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked to do.
pub(crate) enum Command {
    /// Commit batches.
    Append {
        /// The batches, in order.
        batches: Vec<Batch>,
        /// A result for each.
        reply: Reply<Results>,
    },
    /// Remove one step's worth of old records.
    Purge {
        /// Which log.
        log: LogKey,
        /// The last record to remove.
        up_to: u64,
        /// Whether all of it is done.
        reply: Reply<bool>,
    },
    /// From now on keep what rows were: a backup begins.
    Freeze {
        /// Once it is so.
        reply: Reply<()>,
    },
    /// A reader met an i/o error.
    Reopen,
}

/// One call in a group.
struct Call {
    batches: Vec<Batch>,
    reply: Reply<Results>,
}

/// The writer's thread.
pub(crate) struct Writer<E> {
    shared: Arc<Shared<E>>,
    queue: mpsc::Receiver<Command>,
    tally: Tally,
    durability: Durability,
    /// What ended the last group by not being an append.
    next: Option<Command>,
    /// An engine that failed and isn't closed yet.
    failed: Option<Arc<E>>,
}

impl<E: Engine> Writer<E> {
    /// A writer on top of a store with this tally.
    pub(crate) fn new(
        shared: Arc<Shared<E>>,
        queue: mpsc::Receiver<Command>,
        tally: Tally,
        durability: Durability,
    ) -> Self {
        Writer { shared, queue, tally, durability, next: None, failed: None }
    }

    /// Runs until every sender is gone.
    pub(crate) fn run(mut self) {
        while let Some(command) = self.next.take().or_else(|| self.queue.blocking_recv()) {
            let done = match command {
                Command::Append { batches, reply } => self.append(Call { batches, reply }),
                Command::Purge { log, up_to, reply } => self.purge(log, up_to, reply),
                Command::Freeze { reply } => {
                    *self.preimages() = Some(PreImages::default());
                    let _ = reply.send(Ok(()));
                    Ok(())
                }
                Command::Reopen => Err(EngineError::Io(std::io::Error::other("read failed"))),
            };
            if let Err(error) = done
                && self.reopen(&error).is_break()
            {
                return;
            }
        }
        self.durability = Durability::Engine;
        if let Ok(engine) = self.shared.engine()
            && let Err(error) =
                engine.sync().and_then(|()| Ok(self.shared.folder.witness.sync()?))
        {
            tracing::error!(%error, "last sync failed");
        }
    }

    /// Commits a call and whatever else has arrived.
    fn append(&mut self, first: Call) -> Result<(), EngineError> {
        let calls = self.gather(first);
        if !self.shared.space.has_room() {
            return refuse(calls, &StoreError::ReadOnly, Ok(()));
        }
        let engine = match self.shared.engine() {
            Ok(engine) => engine,
            Err(error) => return refuse(calls, &error, Ok(())),
        };
        match self.commit_calls(&engine, &calls) {
            Ok(results) => {
                for (call, results) in calls.into_iter().zip(results) {
                    // A caller that went away doesn't undo what it asked for.
                    let _ = call.reply.send(Ok(results));
                }
                Ok(())
            }
            Err(error) => {
                drop(engine);
                self.detach();
                refuse(calls, &StoreError::Unavailable, Err(error))
            }
        }
    }

    /// The calls that go into one group: what is waiting already, within the bounds.
    fn gather(&mut self, first: Call) -> Vec<Call> {
        let mut batches = first.batches.len();
        let mut calls = vec![first];
        while batches < GROUP_BATCHES_MAX {
            match self.queue.try_recv() {
                Ok(Command::Append { batches: more, reply }) => {
                    batches += more.len();
                    calls.push(Call { batches: more, reply });
                }
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        calls
    }

    fn commit_calls(&mut self, engine: &E, calls: &[Call]) -> Result<Vec<Results>, EngineError> {
        let mut plan = Plan::new(engine, self.tally.clone());
        let mut all = Vec::with_capacity(calls.len());
        for call in calls {
            let mut results = Vec::with_capacity(call.batches.len());
            for batch in &call.batches {
                results.push(plan.add(batch)?);
                // A group of long bodies takes several syncs: what an engine writes between
                // two of them has to stay bounded.
                if plan.bytes() >= GROUP_BYTES_MAX {
                    self.commit(engine, plan)?;
                    plan = Plan::new(engine, self.tally.clone());
                }
            }
            all.push(results);
        }
        self.commit(engine, plan)?;
        Ok(all)
    }

    fn commit(&mut self, engine: &E, plan: Plan<'_, E>) -> Result<(), EngineError> {
        if plan.is_empty() {
            return Ok(());
        }
        let (writes, tally) = plan.finish();
        self.keep_preimages(engine, &writes)?;
        self.durability.commit(engine, tally.commit, writes)?;
        self.tally = tally;
        if let Err(error) = self.shared.folder.witness.note(self.tally.commit) {
            // The commit is durable; only the witness lags.
            tracing::warn!(%error, "the commit number can't be noted");
        }
        Ok(())
    }

    /// Keeps what a running backup still has to see. Before the write, so that a reader who
    /// misses the old value in the engine finds it here.
    fn keep_preimages(&self, engine: &E, writes: &Writes) -> Result<(), EngineError> {
        match self.preimages().as_mut() {
            Some(preimages) => preimages.keep(engine, writes),
            None => Ok(()),
        }
    }

    fn preimages(&self) -> std::sync::MutexGuard<'_, Option<PreImages>> {
        self.shared.preimages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the mark first: from then on the records read as gone, whatever happens next.
    fn purge(&mut self, log: LogKey, up_to: u64, reply: Reply<bool>) -> Result<(), EngineError> {
        if !self.shared.space.has_room_to_purge() {
            let _ = reply.send(Err(StoreError::ReadOnly));
            return Ok(());
        }
        let engine = match self.shared.engine() {
            Ok(engine) => engine,
            Err(error) => {
                let _ = reply.send(Err(error));
                return Ok(());
            }
        };
        match self.purge_step(&engine, log, up_to) {
            Ok(done) => {
                let _ = reply.send(Ok(done));
                Ok(())
            }
            Err(EngineError::Damaged(_)) => {
                let _ = reply.send(Err(StoreError::Damaged));
                Ok(())
            }
            Err(error) => {
                drop(engine);
                self.detach();
                let _ = reply.send(Err(StoreError::Unavailable));
                Err(error)
            }
        }
    }

    fn purge_step(&mut self, engine: &E, log: LogKey, up_to: u64) -> Result<bool, EngineError> {
        let mut plan = Plan::new(engine, self.tally.clone());
        let Some(purged) = plan.purge_mark(log, up_to)? else { return Ok(true) };
        self.commit(engine, plan)?;
        let (from, to) = (layout::record_key(log, 0), layout::record_end(log, purged));
        let mut writes = Writes::new();
        engine.scan(&from, &to, false, &mut |key, _| {
            writes.insert(key.to_vec(), None);
            if writes.len() as u64 >= PURGE_STEP_RECORDS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        let done = (writes.len() as u64) < PURGE_STEP_RECORDS;
        if !writes.is_empty() {
            engine.apply(writes)?;
            engine.sync()?;
        }
        Ok(done)
    }

    /// Closes the failed engine and opens it again, refusing whatever arrives meanwhile.
    fn reopen(&mut self, error: &EngineError) -> ControlFlow<()> {
        tracing::error!(%error, "the engine failed, opening it again");
        // A backup whose writer stopped keeping rows for it can't be finished.
        if let Some(preimages) = self.preimages().as_mut() {
            preimages.abandon();
        }
        self.close_engine();
        let mut wait = REOPEN_WAIT_MIN;
        loop {
            if self.refuse_waiting().is_break() {
                return ControlFlow::Break(());
            }
            match self.attach() {
                Ok(()) => {
                    tracing::info!("the store is open again");
                    return ControlFlow::Continue(());
                }
                Err(error) => tracing::error!(%error, "the store doesn't open"),
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(REOPEN_WAIT_MAX);
        }
    }

    /// Opens the engine again and gives it to the readers.
    fn attach(&mut self) -> Result<(), OpenError> {
        let opened = self.shared.folder.open_engine::<E>(&self.shared.options)?;
        let engine = Arc::new(opened.engine);
        self.tally = opened.identity.tally;
        self.durability = Durability::new(opened.journal, &engine, self.tally.commit)?;
        if let Some(what) = &opened.damaged {
            self.shared.space.close_for_damage(what);
        }
        let mut slot = self.shared.engine.write().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(engine);
        Ok(())
    }

    /// Takes the failed engine from the readers. Before anybody is told: who hears of the
    /// failure must not find the store open still.
    fn detach(&mut self) {
        let mut slot = self.shared.engine.write().unwrap_or_else(PoisonError::into_inner);
        self.failed = slot.take().or(self.failed.take());
    }

    /// Drops the failed engine and waits for its last reader.
    fn close_engine(&mut self) {
        self.detach();
        // Its thread holds the engine too.
        self.durability = Durability::Engine;
        let Some(mut engine) = self.failed.take() else { return };
        let since = Instant::now();
        while since.elapsed() < UNLOCK_WAIT_MAX {
            match Arc::try_unwrap(engine) {
                Ok(engine) => return drop(engine),
                Err(shared) => engine = shared,
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Answers everything that waits with unavailable. Breaks when nobody can ask any more.
    fn refuse_waiting(&mut self) -> ControlFlow<()> {
        loop {
            match self.next.take().map_or_else(|| self.queue.try_recv(), Ok) {
                Ok(Command::Append { reply, .. }) => drop(reply.send(Err(StoreError::Unavailable))),
                Ok(Command::Purge { reply, .. }) => drop(reply.send(Err(StoreError::Unavailable))),
                Ok(Command::Freeze { reply }) => drop(reply.send(Err(StoreError::Unavailable))),
                Ok(Command::Reopen) => {}
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
            }
        }
    }
}

/// Answers a whole group with one error.
fn refuse<T>(calls: Vec<Call>, error: &StoreError, then: T) -> T {
    for call in calls {
        let _ = call.reply.send(Err(error.clone()));
    }
    then
}
