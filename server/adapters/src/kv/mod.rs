//! The store over an embedded engine: layout, checksums, one writer with group commit, reading,
//! backup. sled and redb differ only behind the `Engine` trait.
//!
//! What turns rows into bytes and back is public for the fuzzer and for counting instructions.

pub(crate) mod backup;
pub mod block;
pub(crate) mod bounds;
mod checkpoint;
mod durability;
pub mod engine;
pub(crate) mod folder;
pub mod journal;
pub mod layout;
mod merge;
mod overlay;
pub mod packed;
pub(crate) mod plan;
pub(crate) mod read;
pub(crate) mod rows;
mod salvage;
pub(crate) mod schema;
mod space;
pub(crate) mod tally;
mod witness;
mod writer;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
};

use bytes::Bytes;
use parlour_core::{
    ports::{
        Task,
        store::{
            Batch, Head, LogKey, ReadRange, Refusal, Row, Scan, Store, StoreError, StoreInfo,
            Stored,
        },
    },
    tables::Table,
};
use tokio::sync::{mpsc, oneshot};

use self::{
    backup::PreImages,
    durability::Durability,
    engine::{Engine, EngineError},
    folder::{Folder, Opened},
    space::Space,
    writer::{Command, Writer},
};
use crate::{
    limits::{INLINE_READ_MAX, QUEUE_CALLS_MAX},
    options::{OpenError, Options},
};

#[cfg(test)]
mod model_tests;

/// A store over an embedded engine: [`Sled`](crate::Sled) or [`Redb`](crate::Redb).
///
/// Dropping it stops the writer and waits for it; what was acknowledged is on disk already.
pub struct Kv<E: Engine> {
    shared: Arc<Shared<E>>,
    /// Backup and purge take turns: a backup keeps what changes, and a purge changes too much.
    upkeep: tokio::sync::Mutex<()>,
    /// `None` only while dropping.
    commands: Option<mpsc::Sender<Command>>,
    writer: Option<JoinHandle<()>>,
}

/// What the writer and the readers share.
pub(crate) struct Shared<E> {
    /// The folder, locked for as long as this lives.
    folder: Folder,
    options: Options,
    info: StoreInfo,
    /// `None` while the engine has failed and isn't open again yet.
    engine: RwLock<Option<Arc<E>>>,
    space: Space,
    /// Rows as they were when the running backup began.
    preimages: Mutex<Option<PreImages>>,
}

impl<E: Engine> Shared<E> {
    /// The engine, if it is open.
    fn engine(&self) -> Result<Arc<E>, StoreError> {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine.clone().ok_or(StoreError::Unavailable)
    }
}

impl<E: Engine> Kv<E> {
    /// Opens the store in `options.path`, or makes one. Blocks: recovery reads the disk.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let folder = Folder::lock(&options.path)?;
        let Opened { engine, identity, journal, damaged } = folder.open_engine::<E>(&options)?;
        let engine = Arc::new(engine);
        let durability = Durability::new(journal, &engine, identity.tally.commit)?;
        let info = StoreInfo {
            adapter: E::NAME,
            schema: schema::CURRENT,
            incarnation: identity.incarnation,
        };
        let shared = Arc::new(Shared {
            space: Space::new(options.path.clone(), options.reserve_bytes),
            folder,
            options,
            info,
            engine: RwLock::new(Some(engine)),
            preimages: Mutex::new(None),
        });
        if let Some(what) = damaged {
            shared.space.close_for_damage(&what);
        }
        let (commands, queue) = mpsc::channel(QUEUE_CALLS_MAX);
        let writer = Writer::new(shared.clone(), queue, identity.tally, durability);
        let writer = std::thread::Builder::new()
            .name(format!("{}-writer", E::NAME))
            .spawn(move || writer.run())?;
        let upkeep = tokio::sync::Mutex::new(());
        Ok(Kv { shared, upkeep, commands: Some(commands), writer: Some(writer) })
    }

    /// Hands a command to the writer and waits for its answer.
    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let commands = self.commands.as_ref().ok_or(StoreError::Unavailable)?;
        commands.send(command(reply)).await.map_err(|_| StoreError::Unavailable)?;
        answer.await.map_err(|_| StoreError::Unavailable)?
    }

    /// What a read answers when the engine failed. An i/o error makes the writer open it again.
    fn failed(&self, error: EngineError) -> StoreError {
        match error {
            EngineError::Damaged(what) => {
                tracing::error!(what, "damage met while reading");
                StoreError::Damaged
            }
            EngineError::Io(error) => {
                tracing::error!(%error, "reading failed");
                if let Some(commands) = &self.commands {
                    // A full queue has the writer meet the error by itself.
                    let _ = commands.try_send(Command::Reopen);
                }
                StoreError::Unavailable
            }
        }
    }

    /// Runs a read: short ones where the caller is, long ones where they may block.
    async fn reading<T: Send + 'static>(
        &self,
        items_max: usize,
        read: impl FnOnce(&E) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let engine = self.shared.engine()?;
        let result = if items_max <= INLINE_READ_MAX {
            read(&engine)
        } else {
            let read = tokio::task::spawn_blocking(move || read(&engine));
            read.await.map_err(|_| StoreError::Unavailable)?
        };
        result.map_err(|error| self.failed(error))
    }
}

impl<E: Engine> Drop for Kv<E> {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so already.
            let _ = writer.join();
        }
    }
}

impl<E: Engine> Store for Kv<E> {
    fn info(&self) -> StoreInfo {
        self.shared.info.clone()
    }

    fn append(
        &self,
        batches: Vec<Batch>,
    ) -> Task<'_, Result<Vec<Result<(), Refusal>>, StoreError>> {
        Box::pin(self.ask(|reply| Command::Append { batches, reply }))
    }

    fn read(&self, log: LogKey, range: ReadRange) -> Task<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(self.reading(range.records_max, move |engine| read::records(engine, log, range)))
    }

    fn heads<'a>(&'a self, logs: &'a [LogKey]) -> Task<'a, Result<Vec<Option<Head>>, StoreError>> {
        let logs = logs.to_vec();
        Box::pin(self.reading(logs.len(), move |engine| read::heads(engine, &logs)))
    }

    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> Task<'a, Result<Option<Bytes>, StoreError>> {
        let key = layout::row_key(table, key);
        Box::pin(self.reading(1, move |engine| read::row(engine, &key)))
    }

    fn scan(&self, scan: Scan) -> Task<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(self.reading(scan.rows_max, move |engine| read::scan(engine, &scan)))
    }

    fn purge(&self, log: LogKey, up_to: u64) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let _turn = self.upkeep.lock().await;
            // Step by step, so that appends get their turn in between.
            while !self.ask(|reply| Command::Purge { log, up_to, reply }).await? {}
            Ok(())
        })
    }

    fn backup(&self, to: PathBuf) -> Task<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let _turn = self.upkeep.lock().await;
            self.ask(|reply| Command::Freeze { reply }).await?;
            let shared = self.shared.clone();
            let copying = tokio::task::spawn_blocking(move || backup::run(&shared, &to));
            copying.await.map_err(|_| StoreError::Unavailable)?
        })
    }

    fn writable(&self) -> bool {
        self.shared.engine().is_ok() && self.shared.space.has_room()
    }
}
