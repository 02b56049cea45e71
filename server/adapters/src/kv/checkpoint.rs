//! Syncs an engine behind its journal, on a thread of its own, so that acknowledgements don't
//! wait for it. It also bounds how far the engine may be behind: by that much a restart replays,
//! and by that much the engine writes between two syncs.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Sender},
    },
    thread::JoinHandle,
};

use super::engine::{Engine, EngineError, shielded};
use crate::limits::CHECKPOINT_BYTES;

/// Why it goes no further.
#[derive(Clone, Debug)]
enum Failure {
    Damaged(String),
    Io,
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Damaged(what) => EngineError::Damaged(what),
            Failure::Io => EngineError::Io(io::Error::other("checkpoint failed")),
        }
    }
}

/// What the thread has reached.
#[derive(Debug, Default)]
struct State {
    durable: u64,
    failed: Option<Failure>,
}

#[derive(Debug, Default)]
struct Progress {
    state: Mutex<State>,
    moved: Condvar,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The checkpoints of one opened engine. Dropping it ends its thread.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    ask: Option<Sender<u64>>,
    thread: Option<JoinHandle<()>>,
    progress: Arc<Progress>,
    asked: u64,
    bytes: usize,
}

impl Checkpoint {
    /// Begins with an engine that is durable up to `commit`.
    pub(crate) fn start<E: Engine>(engine: Arc<E>, commit: u64) -> io::Result<Self> {
        let progress = Arc::new(Progress::default());
        progress.lock().durable = commit;
        let (ask, asked) = mpsc::channel();
        let theirs = progress.clone();
        let thread = std::thread::Builder::new().name(format!("{}-checkpoint", E::NAME)).spawn(
            move || {
                while let Ok(commit) = asked.recv() {
                    let synced = shielded(|| engine.sync());
                    let mut state = theirs.lock();
                    match synced {
                        Ok(()) => state.durable = commit,
                        Err(error) => {
                            tracing::error!(%error, "checkpoint failed");
                            // What failed first says why; what comes after it fails for that.
                            state.failed.get_or_insert(match error {
                                EngineError::Damaged(what) => Failure::Damaged(what),
                                EngineError::Io(_) => Failure::Io,
                            });
                        }
                    }
                    theirs.moved.notify_all();
                }
            },
        )?;
        let (ask, thread) = (Some(ask), Some(thread));
        Ok(Checkpoint { ask, thread, progress, asked: commit, bytes: 0 })
    }

    /// The last commit that the engine holds by itself.
    pub(crate) fn durable(&self) -> Result<u64, EngineError> {
        let state = self.progress.lock();
        state.failed.clone().map_or(Ok(state.durable), |failure| Err(failure.into()))
    }

    /// Notes that a commit of this size was applied. Asks for a sync now and then, and waits if
    /// the one before isn't done.
    pub(crate) fn applied(&mut self, commit: u64, bytes: usize) -> Result<(), EngineError> {
        self.bytes += bytes;
        if self.bytes < CHECKPOINT_BYTES {
            return Ok(());
        }
        self.bytes = 0;
        self.wait_for(self.asked)?;
        self.request(commit);
        Ok(())
    }

    /// Has everything up to `commit`, which is applied, made durable, and waits for it.
    pub(crate) fn reach(&mut self, commit: u64) -> Result<(), EngineError> {
        if self.asked < commit {
            self.request(commit);
        }
        self.wait_for(commit)
    }

    fn request(&mut self, commit: u64) {
        self.asked = commit;
        if let Some(ask) = &self.ask {
            // The thread ends only when `ask` does.
            let _ = ask.send(commit);
        }
    }

    fn wait_for(&self, commit: u64) -> Result<(), EngineError> {
        let mut state = self.progress.lock();
        while state.durable < commit && state.failed.is_none() {
            state = self.progress.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.failed.clone().map_or(Ok(()), |failure| Err(failure.into()))
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
