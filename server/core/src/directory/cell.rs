//! Directories in memory: loaded on first use, changed only by what was committed.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parlour_protocol::ids::{OrgId, RoomId, UserId};
use prost::Message;
use rustc_hash::FxHashMap;

use super::{
    Change, Delta, Directory, Role,
    rows::{MembershipRow, NodeRow},
};
use crate::{
    access::Bits,
    limits::SCAN_ROWS,
    ports::store::{LogKey, Row, Scan, Store, StoreError},
    records::{Counters, UserRow, key},
    rooms::{RoomCell, RoomState, Rooms, head_counters, next_version},
    tables::Table,
};

/// An organization's directory, and where its log ends.
#[derive(Debug)]
pub struct DirectoryCell {
    /// Whose it is.
    pub org: OrgId,
    // Set when a commit failed and what is known may no longer be true.
    lost: AtomicBool,
    // Another one whenever what is kept changes: rules of retention, legal holds.
    keeping: AtomicU64,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    directory: Directory,
    head: Counters,
}

impl DirectoryCell {
    /// Looks at the directory without copying it.
    pub fn read<T>(&self, look: impl FnOnce(&Directory) -> T) -> T {
        look(&self.state.read().expect("no panic while the lock is held").directory)
    }

    /// Looks at the directory and at the event it is as of.
    pub fn read_at<T>(&self, look: impl FnOnce(&Directory, u64) -> T) -> T {
        let state = self.state.read().expect("no panic while the lock is held");
        look(&state.directory, state.head.seq)
    }

    /// What a user may do in a room of the organization that they are in.
    pub fn permissions(&self, room: &RoomCell, user: UserId) -> Bits {
        self.read(|directory| match room.read(RoomState::is_of_directory) {
            true => directory.permissions(room.id, user),
            false => room.read(|room| room.permissions(directory.role(user), user)),
        })
    }

    /// The log's end. Decisions are made on a version of the directory, which is this.
    pub fn head(&self) -> Counters {
        self.state.read().expect("no panic while the lock is held").head
    }

    /// What was committed becomes what is known; what it means for rooms.
    pub fn apply(&self, head: Counters, changes: &[Change]) -> BTreeMap<RoomId, Delta> {
        let mut state = self.state.write().expect("no panic while the lock is held");
        state.head = head;
        state.directory.apply(changes)
    }

    /// Which version of what is kept there is: rules of retention and legal holds.
    pub fn keeping(&self) -> u64 {
        self.keeping.load(Ordering::Acquire)
    }

    /// A rule or a hold was committed: what was decided on the version before is decided again.
    pub fn move_keeping(&self) {
        self.keeping.store(next_version(), Ordering::Release);
    }

    /// What is known may no longer be true: load it again.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether [`DirectoryCell::lose`] was called.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// The directories in memory.
#[derive(Debug, Default)]
pub struct Directories {
    cells: Mutex<FxHashMap<OrgId, Arc<DirectoryCell>>>,
}

impl Directories {
    /// The organization's directory if it is in memory.
    pub fn cached(&self, org: OrgId) -> Option<Arc<DirectoryCell>> {
        let cells = self.cells.lock().expect("no panic while the lock is held");
        cells.get(&org).filter(|cell| !cell.is_lost()).cloned()
    }

    /// The organization's directory, from memory or from the store. Every organization has one,
    /// if only an empty one.
    pub async fn get(
        &self,
        store: &dyn Store,
        rooms: &Rooms,
        org: OrgId,
    ) -> Result<Arc<DirectoryCell>, StoreError> {
        if let Some(cell) = self.cached(org) {
            return Ok(cell);
        }
        let (directory, head) = load(store, org).await?;
        let mut cells = self.cells.lock().expect("no panic while the lock is held");
        if let Some(present) = cells.get(&org).filter(|present| !present.is_lost()) {
            return Ok(present.clone());
        }
        // Rooms that were made from what turned out not to be true are made again.
        for (id, _) in directory.nodes_after(None) {
            if let Some(cell) = rooms.cached(id) {
                cell.lose();
            }
        }
        let state = RwLock::new(State { directory, head });
        let (lost, keeping) = (AtomicBool::new(false), AtomicU64::new(next_version()));
        let cell = Arc::new(DirectoryCell { org, lost, keeping, state });
        cells.insert(org, cell.clone());
        Ok(cell)
    }
}

async fn load(store: &dyn Store, org: OrgId) -> Result<(Directory, Counters), StoreError> {
    loop {
        // Rows and head are several reads: if the log moved in between, they may not fit.
        let before = head_counters(store, LogKey::Org(org)).await?;
        let mut directory = Directory::new(org);
        if before.seq > 0 {
            read_all(store, org, &mut directory).await?;
        }
        let head = head_counters(store, LogKey::Org(org)).await?;
        if head == before {
            return Ok((directory, head));
        }
    }
}

async fn read_all(
    store: &dyn Store,
    org: OrgId,
    directory: &mut Directory,
) -> Result<(), StoreError> {
    let mut changes = Vec::new();
    each_row(store, Table::NODES, org, |key, value| {
        let id = RoomId::parse(key.get(16..).unwrap_or_default());
        let id = id.map_err(|_| StoreError::Damaged)?;
        let row = NodeRow::decode(value).map_err(|_| StoreError::Damaged)?;
        changes.push(Change::Node(id, row.into_record()?));
        Ok(())
    })
    .await?;
    // Twice, so that every node finds the one above it.
    changes.iter().chain(&changes).for_each(|change| directory.apply_one(change));
    each_row(store, Table::MEMBERSHIPS, org, |key, value| {
        let node = key.get(16..32).and_then(|id| RoomId::parse(id).ok());
        let user = key.get(32..).and_then(|id| UserId::parse(id).ok());
        let (Some(node), Some(user)) = (node, user) else { return Err(StoreError::Damaged) };
        let row = MembershipRow::decode(value).map_err(|_| StoreError::Damaged)?;
        let role = Role::parse(&row.role).map_err(|_| StoreError::Damaged)?;
        directory.apply_one(&Change::Membership(node, user, Some(role)));
        Ok(())
    })
    .await?;
    each_row(store, Table::USERS, org, |key, value| {
        let user = key.get(16..).and_then(|id| UserId::parse(id).ok());
        let user = user.ok_or(StoreError::Damaged)?;
        let row = UserRow::decode(value).map_err(|_| StoreError::Damaged)?;
        if row.deactivated {
            directory.apply_one(&Change::Deactivated(user, true));
        }
        Ok(())
    })
    .await
}

async fn each_row(
    store: &dyn Store,
    table: Table,
    org: OrgId,
    mut take: impl FnMut(&Bytes, Bytes) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut scan = Scan::prefix(table, org.to_field(), SCAN_ROWS);
    loop {
        let rows: Vec<Row> = store.scan(scan.clone()).await?;
        let full = rows.len() == SCAN_ROWS;
        let last = rows.last().map(|(key, _)| key.clone());
        for (key, value) in rows {
            take(&key, value)?;
        }
        let Some(last) = last.filter(|_| full) else { return Ok(()) };
        scan.from = key(&[&last, &[0]]);
    }
}
