//! The `Store` port: logs and tables, without a word about features.
//!
//! A log is a gapless sequence of records under a head. A table is an ordered map of bytes. A
//! [`Batch`] is atomic by itself; many batches share one sync.

use std::path::PathBuf;

use bytes::Bytes;
use parlour_protocol::ids::{OrgId, RoomId, UserId};

use super::Task;
use crate::{shown::shows, tables::Table};

/// The key of a log: one per room, one per user, one per organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogKey {
    /// A room's log.
    Room(RoomId),
    /// A user's personal log.
    User(UserId),
    /// An organization's log: what was changed in its directory.
    Org(OrgId),
}

impl LogKey {
    /// Seventeen bytes: a kind byte (`r`, `u` or `o`), then the id. Sorts by kind, then id.
    pub fn to_bytes(self) -> [u8; 17] {
        let (kind, id) = match self {
            LogKey::Room(id) => (b'r', id.to_bytes()),
            LogKey::User(id) => (b'u', id.to_bytes()),
            LogKey::Org(id) => (b'o', id.to_bytes()),
        };
        let mut out = [kind; 17];
        out[1..].copy_from_slice(&id);
        out
    }

    /// The inverse of [`LogKey::to_bytes`]; `None` for a foreign kind or length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, id) = bytes.split_first()?;
        let id: [u8; 16] = id.try_into().ok()?;
        match kind {
            b'r' => Some(LogKey::Room(RoomId::from_bytes(id))),
            b'u' => Some(LogKey::User(UserId::from_bytes(id))),
            b'o' => Some(LogKey::Org(OrgId::from_bytes(id))),
            _ => None,
        }
    }
}

/// What a batch belongs to. No batch touches two shards, so a shard can live on any node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shard {
    /// Room log, head, dedupe, members, indexes.
    Room(RoomId),
    /// User log, markers, mentions.
    User(UserId),
    /// Users, revocations, the directory and its log.
    Org(OrgId),
    /// What belongs to this installation: incarnation, keys.
    Node,
}

/// The head of a log: the last sequence number, and counters that the store doesn't interpret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last record's sequence number; the first record of a log has 1.
    pub seq: u64,
    /// Opaque to the store, at most [`STATE_BYTES_MAX`].
    pub state: Bytes,
}

/// Records to append to one log.
#[derive(Clone)]
pub struct Append {
    /// Which log.
    pub log: LogKey,
    /// The head's sequence number the writer expects; 0 for a log that doesn't exist yet.
    pub expected_seq: u64,
    /// The records, in order, each at most [`RECORD_BYTES_MAX`].
    pub records: Vec<Bytes>,
    /// The head's state after them.
    pub state: Bytes,
}

/// Largest record, in bytes: a 60 KiB body and its header.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Largest state of a head, in bytes.
pub const STATE_BYTES_MAX: usize = 256;
/// Largest batch, in bytes of records, keys, values and states together.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Largest table key, in bytes.
pub const KEY_BYTES_MAX: usize = 512;
/// Largest table value, in bytes.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// One write to a table.
#[derive(Clone)]
pub struct Put {
    /// Which table.
    pub table: Table,
    /// The key, at most [`KEY_BYTES_MAX`].
    pub key: Bytes,
    /// The value, at most [`VALUE_BYTES_MAX`]; `None` removes the row.
    pub value: Option<Bytes>,
}

/// Replaces one existing record in place: how deleted text leaves the disk.
#[derive(Clone)]
pub struct Erase {
    /// Which log.
    pub log: LogKey,
    /// Which record; it must exist.
    pub seq: u64,
    /// What stands there from now on.
    pub record: Bytes,
}

shows! {
    Append { log, expected_seq }
    Put { table }
    Erase { log, seq }
    Stored { seq }
}

/// Writes that happen together or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The shard that all keys of this batch belong to.
    pub shard: Shard,
    /// Rows that must not exist; otherwise [`Refusal::RowExists`].
    pub absent: Vec<(Table, Bytes)>,
    /// At most one per log.
    pub appends: Vec<Append>,
    /// Table writes; of two for the same key the later wins.
    pub puts: Vec<Put>,
    /// Records replaced in place.
    pub erases: Vec<Erase>,
}

impl Batch {
    /// An empty batch for `shard`.
    pub fn new(shard: Shard) -> Self {
        Batch { shard, absent: vec![], appends: vec![], puts: vec![], erases: vec![] }
    }
}

/// Why one batch of a group was not applied. The others of the group are unaffected.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The log's head isn't where the writer expected it.
    #[error("log head has moved to {actual}")]
    HeadMoved {
        /// Which log.
        log: LogKey,
        /// Where the head is.
        actual: u64,
    },
    /// A row that had to be absent is there.
    #[error("row exists in table {}", table.name())]
    RowExists {
        /// Which table.
        table: Table,
    },
    /// A record to erase isn't there.
    #[error("record {seq} to erase does not exist")]
    NoSuchRecord {
        /// The sequence number asked for.
        seq: u64,
    },
    /// A record, key, value or state over its bound, or the batch over [`BATCH_BYTES_MAX`].
    #[error("batch holds something over its bound")]
    TooLarge,
    /// A stored row that the batch depends on fails its checksum.
    #[error("a row the batch depends on is damaged")]
    Damaged,
}

/// Why the store as a whole can't answer.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Writing stopped before the disk is full; reading goes on. Recovers by itself.
    #[error("store is read-only: disk space is low")]
    ReadOnly,
    /// An I/O error; nothing of the group is acknowledged. The store reopens by itself.
    #[error("store is unavailable")]
    Unavailable,
    /// A row fails its checksum. Other rows are unaffected.
    #[error("stored data is damaged")]
    Damaged,
}

/// A record as read.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its sequence number.
    pub seq: u64,
    /// The bytes, or `None` where the record is damaged: one bad record never hides the rest.
    pub record: Option<Bytes>,
}

/// A range of a log to read: `from..=to`, cut at whichever bound is met first.
#[derive(Clone, Copy, Debug)]
pub struct ReadRange {
    /// First sequence number.
    pub from: u64,
    /// Last sequence number, inclusive.
    pub to: u64,
    /// From the end backwards. Records come in the order read.
    pub reverse: bool,
    /// At most this many records.
    pub records_max: usize,
    /// Stop before the record that would exceed this many bytes; the first is always returned.
    pub bytes_max: usize,
}

/// A scan over one table: rows with `from <= key < to`.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Which table.
    pub table: Table,
    /// First key, inclusive.
    pub from: Bytes,
    /// End, exclusive; `None` is the table's end.
    pub to: Option<Bytes>,
    /// Greatest keys first.
    pub reverse: bool,
    /// At most this many rows.
    pub rows_max: usize,
}

impl Scan {
    /// All rows whose key begins with `prefix`, at most `rows_max`.
    pub fn prefix(table: Table, prefix: impl Into<Bytes>, rows_max: usize) -> Self {
        let from: Bytes = prefix.into();
        let mut to = from.to_vec();
        while to.last() == Some(&0xff) {
            to.pop();
        }
        let to = to.last_mut().map(|last| *last += 1).map(|()| Bytes::from(to.clone()));
        Scan { table, from, to, reverse: false, rows_max }
    }
}

/// A row as read: key and value.
pub type Row = (Bytes, Bytes);

/// What a store says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// Which adapter, e.g. `sled`.
    pub adapter: &'static str,
    /// Version of the layout on disk.
    pub schema: u32,
    /// Made anew when a store is created or restored from a backup: cursors carry it.
    pub incarnation: [u8; 16],
}

/// Logs and tables. Every call may be made from any task; writes are ordered by arrival.
pub trait Store: Send + Sync + 'static {
    /// What this store is.
    fn info(&self) -> StoreInfo;

    /// Applies each batch atomically, in order, with one sync for all of them; resolves when
    /// what was applied is durable. Batches of one call see the effects of earlier ones. On
    /// `Err` nothing may be acknowledged, although some of it may be found later.
    fn append(&self, batches: Vec<Batch>)
    -> Task<'_, Result<Vec<Result<(), Refusal>>, StoreError>>;

    /// Reads a range of a log. A log that doesn't exist reads as empty.
    fn read(&self, log: LogKey, range: ReadRange) -> Task<'_, Result<Vec<Stored>, StoreError>>;

    /// Reads heads, in the order asked.
    fn heads<'a>(&'a self, logs: &'a [LogKey]) -> Task<'a, Result<Vec<Option<Head>>, StoreError>>;

    /// Reads one row.
    fn get<'a>(
        &'a self,
        table: Table,
        key: &'a [u8],
    ) -> Task<'a, Result<Option<Bytes>, StoreError>>;

    /// Reads rows in key order. Damaged rows are left out and counted by `check`.
    fn scan(&self, scan: Scan) -> Task<'_, Result<Vec<Row>, StoreError>>;

    /// Removes the records of a log up to and including `up_to`; its head stays.
    fn purge(&self, log: LogKey, up_to: u64) -> Task<'_, Result<(), StoreError>>;

    /// Copies everything up to heads fixed at the start into the new folder `to`, while
    /// reading and writing go on.
    fn backup(&self, to: PathBuf) -> Task<'_, Result<(), StoreError>>;

    /// Whether writes are accepted now.
    fn writable(&self) -> bool;
}
