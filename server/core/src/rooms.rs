//! Rooms in memory: who is in them and where their logs end. Loaded on first use, changed only
//! by what was committed.

use std::{
    collections::BTreeSet,
    ops::Bound,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parlour_protocol::{
    ids::{BlobHash, OrgId, RoomId, UserId},
    room::{Room, RoomKind},
    wire::RoomPulse,
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    access::{Bits, Override, base, evaluate},
    directory::Role,
    limits,
    ports::store::{LogKey, Put, Scan, Store, StoreError},
    records::{Counters, NodeRoomRow, RoomRow, room_user},
    tables::Table,
};

/// What is known of a room.
#[derive(Clone, Debug)]
pub struct RoomState {
    /// What it is a room of.
    pub kind: RoomKind,
    /// Whose it is.
    pub org: OrgId,
    /// Empty for direct rooms.
    pub name: String,
    /// What it is for.
    pub topic: String,
    /// Whether nothing new can be written.
    pub archived: bool,
    /// Of a node's room: the node above.
    pub parent: Option<RoomId>,
    /// Who made it.
    pub creator: UserId,
    /// What it says of permissions.
    pub overrides: Arc<[Override]>,
    /// What whoever runs it has set.
    pub group: GroupSettings,
    /// Everyone in it.
    pub members: Arc<BTreeSet<UserId>>,
    /// Another one, in this program's life never used before, whenever members or record change:
    /// decisions are made on a version.
    pub version: u64,
    /// The log's end.
    pub head: Counters,
}

/// What whoever runs a room has set. Open and banned are of groups only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// Everyone in the organization may join.
    pub open: bool,
    /// Seconds between two messages of one member; 0 for none.
    pub slow_mode_s: u32,
    /// Who may not be in it.
    pub banned: Arc<BTreeSet<UserId>>,
    /// Seconds after which messages are deleted by themselves; 0 for never.
    pub message_expiry_s: u32,
    /// Its picture.
    pub avatar: Option<BlobHash>,
}

impl RoomState {
    /// The state after a change that isn't about who is in it for the first time.
    pub fn with(mut self, change: RoomChange) -> Self {
        self.change(change);
        self
    }

    fn change(&mut self, change: RoomChange) {
        match change {
            RoomChange::Created(created) => *self = *created,
            RoomChange::Added(users) => Arc::make_mut(&mut self.members).extend(users),
            RoomChange::Removed(user) => {
                Arc::make_mut(&mut self.members).remove(&user);
            }
            RoomChange::Banned(user) => {
                Arc::make_mut(&mut self.members).remove(&user);
                Arc::make_mut(&mut self.group.banned).insert(user);
            }
            RoomChange::Renamed(name) => self.name = name,
            RoomChange::Topic(topic) => self.topic = topic,
            RoomChange::Archived(archived) => self.archived = archived,
            RoomChange::Overrides(overrides) => self.overrides = overrides,
            RoomChange::HandedOver(user) => self.creator = user,
            RoomChange::Group(group) => self.group = group,
            // Kept in a table; whoever decided on it decides again.
            RoomChange::Pins | RoomChange::Hooks | RoomChange::Webhooks => {}
        }
    }

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
            topic: self.topic.clone(),
            archived: self.archived,
            parent: self.parent.map(|parent| parent.to_field()).unwrap_or_default(),
            open: self.group.open,
            slow_mode_s: self.group.slow_mode_s,
            message_expiry_s: self.group.message_expiry_s,
            avatar: self.group.avatar.map(BlobHash::to_field).unwrap_or_default(),
        }
    }

    /// What a member may do in a room that isn't the directory's. Whoever made a group may do
    /// everything in it.
    pub fn permissions(&self, role: Option<&Role>, user: UserId) -> Bits {
        if self.kind == RoomKind::Group && self.creator == user {
            return Bits::ALL;
        }
        // Running the organization is not running what people make for themselves.
        let plain = role.filter(|role| role.name() == Role::GUEST);
        let roles: Vec<&Role> = role.into_iter().collect();
        evaluate(base(plain, self.kind), user, [(&*self.overrides, roles)])
    }

    /// Whether its name and members come from the directory.
    pub fn is_of_directory(&self) -> bool {
        !matches!(self.kind, RoomKind::Direct | RoomKind::Group | RoomKind::User)
    }
}

/// A page of a room's members after one of them, and whether there are more.
pub fn member_page(state: &RoomState, after: Option<UserId>, size: usize) -> (Vec<UserId>, bool) {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let members = state.members.range((from, Bound::Unbounded));
    let mut page: Vec<UserId> = members.take(size + 1).copied().collect();
    let more = page.len() > size;
    page.truncate(size);
    (page, more)
}

/// A version that no room has had.
pub fn next_version() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
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
    /// It has another topic.
    Topic(String),
    /// It is archived, or is no longer.
    Archived(bool),
    /// It says something else of permissions.
    Overrides(Arc<[Override]>),
    /// This user isn't any more, and may not come back.
    Banned(UserId),
    /// It is this member's from now on.
    HandedOver(UserId),
    /// Whoever runs it has set something.
    Group(GroupSettings),
    /// Other messages are pinned.
    Pins,
    /// Programs post by other hooks.
    Hooks,
    /// What happens is posted to other addresses.
    Webhooks,
}

/// A room in memory.
#[derive(Debug)]
pub struct RoomCell {
    /// Its id.
    pub id: RoomId,
    /// Whose it is.
    pub org: OrgId,
    // Set when a commit failed and what is known may no longer be true.
    lost: AtomicBool,
    // The last messages of members since slow mode began: two at once don't both come in time.
    paced: Mutex<FxHashMap<UserId, u64>>,
    state: RwLock<RoomState>,
}

impl RoomCell {
    /// A cell for a room in that state.
    pub fn new(id: RoomId, state: RoomState) -> Self {
        let (lost, paced) = (AtomicBool::new(false), Mutex::default());
        RoomCell { id, org: state.org, lost, paced, state: RwLock::new(state) }
    }

    /// The user's last message while the room was in slow mode, as far as it was sent since the room
    /// was loaded; 0 for none.
    pub fn last_paced(&self, user: UserId) -> u64 {
        let paced = self.paced.lock().expect("no panic while the lock is held");
        paced.get(&user).copied().unwrap_or(0)
    }

    /// A message in slow mode was committed.
    pub fn note_paced(&self, user: UserId, seq: u64) {
        self.paced.lock().expect("no panic while the lock is held").insert(user, seq);
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

    /// The same with the log's end that it is true of.
    pub fn describe_at_head(&self, viewer: UserId) -> (Room, Counters) {
        self.read(|state| (state.describe(self.id, viewer), state.head))
    }

    /// Whether the user is in the room.
    pub fn is_member(&self, user: UserId) -> bool {
        self.read(|state| state.members.contains(&user))
    }

    /// The head as it is announced.
    pub fn pulse(&self) -> RoomPulse {
        self.pulse_at(self.head())
    }

    /// A head as it is announced.
    pub fn pulse_at(&self, head: Counters) -> RoomPulse {
        RoomPulse {
            room: self.id.to_field(),
            seq: head.seq,
            msg_no: head.msg_no,
            bcast_no: head.bcast_no,
            del_no: head.del_no,
            ..RoomPulse::default()
        }
    }

    /// What was committed becomes what is known.
    pub fn apply(&self, head: Counters, change: Option<RoomChange>) {
        let mut state = self.state.write().expect("no panic while the lock is held");
        state.head = head;
        let Some(change) = change else { return };
        state.change(change);
        state.head = head;
        state.version = next_version();
    }

    /// What the directory says of a node becomes what is known of its room.
    pub fn follow(&self, record: Option<RoomState>, joined: &[UserId], left: &[UserId]) {
        let mut state = self.state.write().expect("no panic while the lock is held");
        if let Some(record) = record {
            let RoomState { members, head, group, .. } = state.clone();
            *state = RoomState { members, head, group, ..record };
        }
        let members = Arc::make_mut(&mut state.members);
        members.extend(joined);
        for user in left {
            members.remove(user);
        }
        state.version = next_version();
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

/// The write of a room's record; of a node's room, of what was set in it.
pub fn room_put(id: RoomId, state: &RoomState) -> Put {
    if state.is_of_directory() {
        let row = NodeRoomRow {
            slow_mode_s: state.group.slow_mode_s,
            message_expiry_s: state.group.message_expiry_s,
            avatar: state.group.avatar.map(BlobHash::to_field).unwrap_or_default(),
        };
        // Not one for each node: where nothing is set there is none.
        let value = (row != NodeRoomRow::default()).then(|| row.encode_to_vec().into());
        return Put { table: Table::NODE_ROOMS, key: id.to_field(), value };
    }
    let row = RoomRow {
        kind: state.kind as i32,
        org: state.org.to_field(),
        name: state.name.clone(),
        creator: state.creator.to_field(),
        topic: state.topic.clone(),
        overrides: state.overrides.iter().map(Override::to_wire).collect(),
        archived: state.archived,
        open: state.group.open,
        slow_mode_s: state.group.slow_mode_s,
        banned: state.group.banned.iter().map(|user| user.to_field()).collect(),
        message_expiry_s: state.group.message_expiry_s,
        avatar: state.group.avatar.map(BlobHash::to_field).unwrap_or_default(),
    };
    let value = Some(row.encode_to_vec().into());
    Put { table: Table::ROOMS, key: Bytes::copy_from_slice(id.as_bytes()), value }
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
            overrides: Override::parse_all(&row.overrides).map_err(|_| StoreError::Damaged)?.into(),
            topic: row.topic,
            archived: row.archived,
            group: GroupSettings {
                open: row.open,
                slow_mode_s: row.slow_mode_s,
                banned: Arc::new(parse_users(&row.banned)?),
                message_expiry_s: row.message_expiry_s,
                avatar: BlobHash::parse(&row.avatar).ok(),
            },
            parent: None,
            members: Arc::new(members),
            version: next_version(),
            head,
        }));
    }
}

/// What was set in a node's room, and its log's end.
pub async fn load_node_room(
    store: &dyn Store,
    id: RoomId,
) -> Result<(GroupSettings, Counters), StoreError> {
    loop {
        // Two reads, as above.
        let before = head_counters(store, LogKey::Room(id)).await?;
        let row = store.get(Table::NODE_ROOMS, id.as_bytes()).await?.unwrap_or_default();
        let row = NodeRoomRow::decode(row).map_err(|_| StoreError::Damaged)?;
        let head = head_counters(store, LogKey::Room(id)).await?;
        if head == before {
            let settings = GroupSettings {
                slow_mode_s: row.slow_mode_s,
                message_expiry_s: row.message_expiry_s,
                avatar: BlobHash::parse(&row.avatar).ok(),
                ..GroupSettings::default()
            };
            return Ok((settings, head));
        }
    }
}

fn parse_users(fields: &[Bytes]) -> Result<BTreeSet<UserId>, StoreError> {
    let parsed = fields.iter().map(|user| UserId::parse(user).map_err(|_| StoreError::Damaged));
    parsed.collect()
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
