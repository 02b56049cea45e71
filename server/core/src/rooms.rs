//! Rooms in memory: who is in them and where their logs end. Loaded on first use, changed only
//! by what was committed.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use parlour_protocol::{
    ids::{OrgId, RoomId, UserId},
    room::{Room, RoomKind},
    wire::RoomPulse,
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    limits,
    ports::store::{LogKey, Scan, Store, StoreError},
    records::{Counters, RoomRow, room_user},
    tables::Table,
};

/// What is known of a room.
#[derive(Clone, Debug)]
pub struct RoomState {
    /// Direct or group.
    pub kind: RoomKind,
    /// Whose it is.
    pub org: OrgId,
    /// Empty for direct rooms.
    pub name: String,
    /// Who made it.
    pub creator: UserId,
    /// Everyone in it.
    pub members: Arc<BTreeSet<UserId>>,
    /// The event that last changed members or record; decisions are made on a version.
    pub version: u64,
    /// The log's end.
    pub head: Counters,
}

impl RoomState {
    /// The room as one of its members sees it.
    pub fn describe(&self, id: RoomId, viewer: UserId) -> Room {
        let peer = (self.kind == RoomKind::Direct)
            .then(|| self.members.iter().find(|user| **user != viewer))
            .flatten();
        Room {
            id: id.to_field(),
            kind: self.kind as i32,
            name: self.name.clone(),
            creator: self.creator.to_field(),
            member_count: self.members.len() as u32,
            peer: peer.map(|user| user.to_field()).unwrap_or_default(),
        }
    }
}

/// How an event changes what is known of its room.
#[derive(Clone, Debug)]
pub enum RoomChange {
    /// The room comes into being.
    Created(Box<RoomState>),
    /// These users are in it now.
    Added(Vec<UserId>),
    /// This user isn't any more.
    Removed(UserId),
    /// It has another name.
    Renamed(String),
}

/// A room in memory.
#[derive(Debug)]
pub struct RoomCell {
    /// Its id.
    pub id: RoomId,
    // Set when a commit failed and what is known may no longer be true.
    lost: AtomicBool,
    state: RwLock<RoomState>,
}

impl RoomCell {
    /// A cell for a room in that state.
    pub fn new(id: RoomId, state: RoomState) -> Self {
        RoomCell { id, lost: AtomicBool::new(false), state: RwLock::new(state) }
    }

    /// Everything, as of now.
    pub fn state(&self) -> RoomState {
        self.read(RoomState::clone)
    }

    /// Looks at the state without copying it.
    pub fn read<T>(&self, look: impl FnOnce(&RoomState) -> T) -> T {
        look(&self.state.read().expect("no panic while the lock is held"))
    }

    /// The log's end.
    pub fn head(&self) -> Counters {
        self.read(|state| state.head)
    }

    /// The room as one of its members sees it.
    pub fn describe(&self, viewer: UserId) -> Room {
        self.read(|state| state.describe(self.id, viewer))
    }

    /// Whether the user is in the room.
    pub fn is_member(&self, user: UserId) -> bool {
        self.read(|state| state.members.contains(&user))
    }

    /// The head as it is announced.
    pub fn pulse(&self) -> RoomPulse {
        let head = self.head();
        RoomPulse {
            room: self.id.to_field(),
            seq: head.seq,
            msg_no: head.msg_no,
            bcast_no: head.bcast_no,
            del_no: head.del_no,
        }
    }

    /// What was committed becomes what is known.
    pub fn apply(&self, head: Counters, change: Option<RoomChange>) {
        let mut state = self.state.write().expect("no panic while the lock is held");
        state.head = head;
        let Some(change) = change else { return };
        state.version = head.seq;
        match change {
            RoomChange::Created(created) => {
                *state = *created;
                state.head = head;
                state.version = head.seq;
            }
            RoomChange::Added(users) => Arc::make_mut(&mut state.members).extend(users),
            RoomChange::Removed(user) => {
                Arc::make_mut(&mut state.members).remove(&user);
            }
            RoomChange::Renamed(name) => state.name = name,
        }
    }

    /// What is known may no longer be true: load it again.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether [`RoomCell::lose`] was called.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// The rooms in memory.
#[derive(Debug, Default)]
pub struct Rooms {
    cells: Mutex<FxHashMap<RoomId, Arc<RoomCell>>>,
}

impl Rooms {
    /// The room if it is in memory.
    pub fn cached(&self, id: RoomId) -> Option<Arc<RoomCell>> {
        let cells = self.cells.lock().expect("no panic while the lock is held");
        cells.get(&id).filter(|cell| !cell.is_lost()).cloned()
    }

    /// The room, from memory or from the store; `None` if there is none.
    pub async fn get(
        &self,
        store: &dyn Store,
        id: RoomId,
    ) -> Result<Option<Arc<RoomCell>>, StoreError> {
        if let Some(cell) = self.cached(id) {
            return Ok(Some(cell));
        }
        let Some(state) = load(store, id).await? else { return Ok(None) };
        Ok(Some(self.insert(Arc::new(RoomCell::new(id, state)))))
    }

    /// Keeps a cell, unless there is a good one already: then that one counts.
    pub fn insert(&self, cell: Arc<RoomCell>) -> Arc<RoomCell> {
        let mut cells = self.cells.lock().expect("no panic while the lock is held");
        if let Some(present) = cells.get(&cell.id).filter(|present| !present.is_lost()) {
            return present.clone();
        }
        if cells.len() >= limits::ROOM_CACHE_MAX {
            cells.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        cells.insert(cell.id, cell.clone());
        cell
    }
}

async fn load(store: &dyn Store, id: RoomId) -> Result<Option<RoomState>, StoreError> {
    loop {
        // Members and head are two reads: if the log moved in between, they may not fit.
        let before = head_counters(store, LogKey::Room(id)).await?;
        let Some(row) = store.get(Table::ROOMS, id.as_bytes()).await? else { return Ok(None) };
        let row = RoomRow::decode(row).map_err(|_| StoreError::Damaged)?;
        let members = load_members(store, id).await?;
        let head = head_counters(store, LogKey::Room(id)).await?;
        if head != before {
            continue;
        }
        return Ok(Some(RoomState {
            kind: RoomKind::try_from(row.kind).map_err(|_| StoreError::Damaged)?,
            org: OrgId::parse(&row.org).map_err(|_| StoreError::Damaged)?,
            name: row.name,
            creator: UserId::parse(&row.creator).map_err(|_| StoreError::Damaged)?,
            members: Arc::new(members),
            version: head.seq,
            head,
        }));
    }
}

async fn load_members(store: &dyn Store, id: RoomId) -> Result<BTreeSet<UserId>, StoreError> {
    let mut members = BTreeSet::new();
    let mut scan = Scan::prefix(Table::MEMBERS, id.to_field(), limits::SCAN_ROWS);
    loop {
        let rows = store.scan(scan.clone()).await?;
        for (key, _) in &rows {
            let user = key.get(16..).and_then(|user| UserId::parse(user).ok());
            members.insert(user.ok_or(StoreError::Damaged)?);
        }
        let Some(last) = members.last().filter(|_| rows.len() == limits::SCAN_ROWS) else {
            return Ok(members);
        };
        let mut next = room_user(id, *last).to_vec();
        next.push(0);
        scan.from = next.into();
    }
}

/// The counters in a log's head; all zero for a log that doesn't exist.
pub async fn head_counters(store: &dyn Store, log: LogKey) -> Result<Counters, StoreError> {
    let heads = store.heads(&[log]).await?;
    decode_head(heads.into_iter().next().flatten())
}

/// The counters of a head as read.
pub fn decode_head(head: Option<crate::ports::store::Head>) -> Result<Counters, StoreError> {
    let Some(head) = head else { return Ok(Counters::default()) };
    let mut counters = Counters::decode(head.state).map_err(|_| StoreError::Damaged)?;
    counters.seq = head.seq;
    Ok(counters)
}
