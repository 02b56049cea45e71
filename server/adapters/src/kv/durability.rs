//! What makes a commit durable: the engine's own sync, or a journal in front of it.

use std::sync::Arc;

use super::{
    checkpoint::Checkpoint,
    engine::{Engine, EngineError, Writes},
    journal::{self, Full, Journal},
};
use crate::limits::GROUP_BYTES_MAX;

/// How one opened engine's commits become durable.
pub(crate) enum Durability {
    /// By the engine itself.
    Engine,
    /// By the journal; the engine follows.
    Journal {
        /// What is written before the acknowledgement.
        journal: Journal,
        /// What brings the engine after it.
        checkpoint: Checkpoint,
    },
}

impl Durability {
    /// Begins with an engine that is durable up to `commit`.
    pub(crate) fn new<E: Engine>(
        journal: Option<Journal>,
        engine: &Arc<E>,
        commit: u64,
    ) -> std::io::Result<Self> {
        Ok(match journal {
            None => Durability::Engine,
            Some(journal) => {
                let checkpoint = Checkpoint::start(engine.clone(), commit)?;
                Durability::Journal { journal, checkpoint }
            }
        })
    }

    /// Applies a group and returns when it is durable. With a journal nothing can be read
    /// before it is durable, since the engine comes second.
    pub(crate) fn commit<E: Engine>(
        &mut self,
        engine: &E,
        commit: u64,
        writes: Writes,
    ) -> Result<(), EngineError> {
        let Durability::Journal { journal, checkpoint } = self else {
            engine.apply(writes)?;
            return engine.sync();
        };
        let payload = journal::encode(&writes);
        if payload.len() > GROUP_BYTES_MAX {
            // One long batch can't be divided, so at least it shares no interval with others.
            checkpoint.reach(commit - 1)?;
        }
        loop {
            match journal.append(commit, &payload, checkpoint.durable()?)? {
                Ok(()) => {
                    engine.apply(writes)?;
                    return if payload.len() > GROUP_BYTES_MAX {
                        checkpoint.reach(commit)
                    } else {
                        checkpoint.applied(commit, payload.len())
                    };
                }
                Err(Full::Until(earlier)) => checkpoint.reach(earlier)?,
                Err(Full::TooLarge) => {
                    engine.apply(writes)?;
                    return checkpoint.reach(commit);
                }
            }
        }
    }
}
