//! The ends of users' own logs in memory.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use parlour_protocol::ids::UserId;
use rustc_hash::FxHashMap;

use crate::{
    blocks, limits,
    ports::store::{LogKey, Store, StoreError},
    records::Counters,
    rooms::head_counters,
};

/// The end of one user's own log.
#[derive(Debug)]
pub struct UserCell {
    /// Whose it is.
    pub id: UserId,
    lost: AtomicBool,
    version: AtomicU64,
    head: Mutex<Counters>,
    // Whom the user has blocked, once somebody has asked.
    blocked: Mutex<Option<Arc<BTreeSet<UserId>>>>,
}

impl UserCell {
    /// The log's end.
    pub fn head(&self) -> Counters {
        *self.head.lock().expect("no panic while the lock is held")
    }

    /// What was committed becomes what is known.
    pub fn apply(&self, head: Counters) {
        *self.head.lock().expect("no panic while the lock is held") = head;
    }

    /// Another one whenever something was committed that was decided on a version.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What was decided on the version before was committed.
    pub fn move_version(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    /// A change of whom the user has blocked was committed.
    pub fn note_blocked(&self, user: UserId, is_blocked: bool) {
        let mut known = self.blocked.lock().expect("no panic while the lock is held");
        let Some(known) = known.as_mut().map(Arc::make_mut) else { return };
        match is_blocked {
            true => known.insert(user),
            false => known.remove(&user),
        };
    }

    /// Whether the user has blocked that one, where whom they have blocked was asked for.
    pub fn is_known_apart(&self, user: UserId) -> bool {
        let known = self.blocked.lock().expect("no panic while the lock is held");
        known.as_ref().is_some_and(|blocked| blocked.contains(&user))
    }

    /// What is known may no longer be true: load it again.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether [`UserCell::lose`] was called.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// The users' logs in memory.
#[derive(Debug, Default)]
pub struct UserLogs {
    cells: Mutex<FxHashMap<UserId, Arc<UserCell>>>,
}

impl UserLogs {
    /// The user's log, from memory or from the store. Every user has one, if only an empty one.
    pub async fn get(&self, store: &dyn Store, id: UserId) -> Result<Arc<UserCell>, StoreError> {
        if let Some(cell) = self.cached(id) {
            return Ok(cell);
        }
        let head = head_counters(store, LogKey::User(id)).await?;
        let mut cells = self.cells.lock().expect("no panic while the lock is held");
        if let Some(present) = cells.get(&id).filter(|present| !present.is_lost()) {
            return Ok(present.clone());
        }
        if cells.len() >= limits::USER_CACHE_MAX {
            cells.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        let cell = Arc::new(UserCell {
            id,
            lost: AtomicBool::new(false),
            version: AtomicU64::new(0),
            head: Mutex::new(head),
            blocked: Mutex::default(),
        });
        cells.insert(id, cell.clone());
        Ok(cell)
    }

    /// Whom the user has blocked.
    pub(crate) async fn blocked(
        &self,
        store: &dyn Store,
        id: UserId,
    ) -> Result<Arc<BTreeSet<UserId>>, StoreError> {
        let cell = self.get(store, id).await?;
        loop {
            let known = || cell.blocked.lock().expect("no panic while the lock is held");
            if let Some(blocked) = known().clone() {
                return Ok(blocked);
            }
            let version = cell.version();
            let read = Arc::new(blocks::stored(store, id).await?);
            let mut known = known();
            // Unless a change was committed between reading and here, which it may not be in.
            if cell.version() == version {
                *known = Some(read.clone());
                return Ok(read);
            }
        }
    }

    /// The user's log if it is in memory.
    pub fn cached(&self, id: UserId) -> Option<Arc<UserCell>> {
        let cells = self.cells.lock().expect("no panic while the lock is held");
        cells.get(&id).filter(|cell| !cell.is_lost()).cloned()
    }
}
