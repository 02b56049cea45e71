//! The memory store with bad days: slow, refusing, full, or forgetting to say that it worked.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
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

use crate::rng::Rng;

/// What is on the disk outlives the server: clones share it.
#[derive(Clone)]
pub struct Faulty {
    disk: Arc<Memory>,
    rng: Arc<Mutex<Rng>>,
    fault_per_mille: Arc<AtomicU64>,
    read_only: Arc<AtomicBool>,
}

impl Faulty {
    /// An empty disk.
    pub fn new(mut rng: Rng) -> Self {
        let mut incarnation = [0; 16];
        rng.fill(&mut incarnation);
        Faulty {
            disk: Arc::new(Memory::new(incarnation)),
            rng: Arc::new(Mutex::new(rng)),
            fault_per_mille: Arc::default(),
            read_only: Arc::default(),
        }
    }

    /// How often calls fail from now on, in thousandths.
    pub fn set_faults(&self, per_mille: u64) {
        self.fault_per_mille.store(per_mille, Ordering::Relaxed);
    }

    /// Whether it can only be read from now on, as a store does when space is low.
    pub fn set_read_only(&self, read_only: bool) {
        self.read_only.store(read_only, Ordering::Relaxed);
    }

    /// What is on the disk.
    pub fn disk(&self) -> &Memory {
        &self.disk
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fails(&self) -> bool {
        let per_mille = self.fault_per_mille.load(Ordering::Relaxed);
        self.draw(|rng| rng.per_mille(per_mille))
    }

    fn reading(&self) -> Result<(), StoreError> {
        if self.fails() { Err(StoreError::Unavailable) } else { Ok(()) }
    }
}

type Appended = Result<Vec<Result<(), Refusal>>, StoreError>;

impl Store for Faulty {
    fn info(&self) -> StoreInfo {
        self.disk.info()
    }

    fn append(&self, batches: Vec<Batch>) -> Task<'_, Appended> {
        Box::pin(async move {
            // A crash may come before, during or after the sync.
            if !self.writable() {
                return Err(StoreError::ReadOnly);
            }
            let (before, after) = self.draw(|rng| (rng.range(50, 8_000), rng.range(0, 4_000)));
            tokio::time::sleep(Duration::from_micros(before)).await;
            if self.fails() {
                return Err(StoreError::Unavailable);
            }
            let result = self.disk.append(batches).await;
            tokio::time::sleep(Duration::from_micros(after)).await;
            // Written, but nobody is told.
            if self.fails() { Err(StoreError::Unavailable) } else { result }
        })
    }

    fn read(&self, log: LogKey, range: ReadRange) -> Task<'_, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            self.reading()?;
            self.disk.read(log, range).await
        })
    }

    fn heads<'a>(&'a self, logs: &'a [LogKey]) -> Task<'a, Result<Vec<Option<Head>>, StoreError>> {
        Box::pin(async move {
            self.reading()?;
            self.disk.heads(logs).await
        })
    }

    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> Task<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            self.reading()?;
            self.disk.get(table, key).await
        })
    }

    fn scan(&self, scan: Scan) -> Task<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async move {
            self.reading()?;
            self.disk.scan(scan).await
        })
    }

    fn purge(&self, log: LogKey, up_to: u64) -> Task<'_, Result<(), StoreError>> {
        self.disk.purge(log, up_to)
    }

    fn backup(&self, to: PathBuf) -> Task<'_, Result<(), StoreError>> {
        self.disk.backup(to)
    }

    fn writable(&self) -> bool {
        !self.read_only.load(Ordering::Relaxed)
    }
}
