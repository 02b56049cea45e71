//! A client's cache with bad days: it outlives its client, as a phone's disk does, and it may refuse,
//! forget to say that it worked, or be full for a while.

use std::sync::{Arc, Mutex, PoisonError};

use parlour::{CachePort, MemoryCache, RoomId};
use parlour_sdk_core::cache::{CacheError, Run, Saved, Write};

use crate::rng::Rng;

#[derive(Debug)]
struct Disk {
    cache: MemoryCache,
    rng: Rng,
    fault_per_mille: u64,
    is_full: bool,
    failures: u64,
}

/// A cache that is kept: clones are the same one. It needs no thread, whose time the paused clock
/// wouldn't wait for.
#[derive(Clone, Debug)]
pub struct Kept(Arc<Mutex<Disk>>);

impl Default for Kept {
    /// A cache that never fails until it is told to.
    fn default() -> Self {
        Kept::new(Rng::new(0))
    }
}

impl Kept {
    /// An empty cache that is sound so far.
    pub fn new(rng: Rng) -> Self {
        let cache = MemoryCache::default();
        let disk = Disk { cache, rng, fault_per_mille: 0, is_full: false, failures: 0 };
        Kept(Arc::new(Mutex::new(disk)))
    }

    /// How often calls fail from now on, in thousandths.
    pub fn set_faults(&self, per_mille: u64) {
        self.with(|disk| disk.fault_per_mille = per_mille);
    }

    /// Whether it takes no changes from now on. It can be read all the same.
    pub fn set_full(&self, is_full: bool) {
        self.with(|disk| disk.is_full = is_full);
    }

    /// Calls that failed.
    pub fn failures(&self) -> u64 {
        self.with(|disk| disk.failures)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Disk) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Disk {
    fn may_fail(&mut self) -> Result<(), CacheError> {
        let fails = self.rng.per_mille(self.fault_per_mille);
        self.fail_if(fails, "a bad day")
    }

    fn fail_if(&mut self, fails: bool, why: &str) -> Result<(), CacheError> {
        self.failures += u64::from(fails);
        if fails { Err(CacheError::new(why)) } else { Ok(()) }
    }
}

impl CachePort for Kept {
    fn load(&mut self) -> Result<Saved, CacheError> {
        self.with(|disk| {
            disk.may_fail()?;
            disk.cache.load()
        })
    }

    fn commit(&mut self, writes: &[Write]) -> Result<(), CacheError> {
        self.with(|disk| {
            disk.fail_if(disk.is_full, "full")?;
            disk.may_fail()?;
            disk.cache.commit(writes)?;
            // Written, but nobody is told: the same changes come again.
            disk.may_fail()
        })
    }

    fn runs(&mut self, room: RoomId, before: u64, limit: usize) -> Result<Vec<Run>, CacheError> {
        self.with(|disk| {
            disk.may_fail()?;
            disk.cache.runs(room, before, limit)
        })
    }

    fn is_instant(&self) -> bool {
        true
    }
}
