//! Legal holds: what is deleted while it is held leaves every call, and stays stored until the hold ends.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    compliance::{HoldTarget, hold_target::Of},
    ids::{BlobHash, OrgId, RoomId, UserId},
    room::{UserRef, user_ref::User},
    wire::{Event, EventHeader},
};
use prost::Message;

use crate::{
    blobs::rows::{due_put, use_prefix},
    done::committed,
    draft::{Draft, RowsDraft, Submit},
    inventory::each_row,
    limits::{HELD_LOOKED_AT, HOLD_ENDS_AFTER_MS},
    node::Node,
    pages::only,
    ports::{
        blobs::BlobKey,
        store::{LogKey, Put, Scan, Shard, Store, StoreError},
    },
    records::{key, room_seq},
    tables::Table,
};

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Everything of an organization.
    Organization,
    /// Everything in a room.
    Room(RoomId),
    /// Everything that a user wrote.
    User(UserId),
}

/// A row of `Table::HOLDS`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HoldRow {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "2")]
    pub(crate) since_ms: u64,
    /// When somebody ended it; 0 for never. It holds a while longer.
    #[prost(uint64, tag = "3")]
    pub(crate) ended_ms: u64,
}

impl HoldRow {
    /// Whether nothing is held by it any more.
    fn is_over(&self, now_ms: u64) -> bool {
        self.ended_ms > 0 && now_ms >= self.ended_ms + HOLD_ENDS_AFTER_MS
    }
}

impl Held {
    /// org ‖ kind ‖ id.
    pub(crate) fn key(self, org: OrgId) -> Bytes {
        let (kind, id) = match self {
            Held::Organization => (0, [0; 16]),
            Held::Room(id) => (1, id.to_bytes()),
            Held::User(id) => (2, id.to_bytes()),
        };
        key(&[org.as_bytes(), &[kind], &id])
    }

    /// The inverse of [`Held::key`].
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        let (kind, id) = key.get(16..)?.split_first()?;
        match kind {
            0 => Some(Held::Organization),
            1 => Some(Held::Room(RoomId::parse(id).ok()?)),
            2 => Some(Held::User(UserId::parse(id).ok()?)),
            _ => None,
        }
    }

    /// As it is told.
    pub(crate) fn to_wire(self) -> HoldTarget {
        let of = match self {
            Held::Organization => Of::Organization(true),
            Held::Room(room) => Of::Room(room.to_field()),
            Held::User(user) => Of::User(UserRef { user: Some(User::Id(user.to_field())) }),
        };
        HoldTarget { of: Some(of) }
    }
}

/// org ‖ 255 ‖ zeros: which hold was the last that ended. Behind all holds.
pub(crate) fn epoch_key(org: OrgId) -> Bytes {
    key(&[org.as_bytes(), &[255], &[0; 16]])
}

/// A number that changes whenever a hold ends.
pub(crate) async fn epoch(store: &dyn Store, org: OrgId) -> Result<u64, StoreError> {
    let row = store.get(Table::HOLDS, &epoch_key(org)).await?;
    Ok(row.and_then(|row| row[..].try_into().ok()).map_or(0, u64::from_be_bytes))
}

/// A hold as it stands.
pub(crate) async fn hold(
    store: &dyn Store,
    org: OrgId,
    held: Held,
) -> Result<Option<HoldRow>, StoreError> {
    let row = store.get(Table::HOLDS, &held.key(org)).await?;
    row.map(HoldRow::decode).transpose().map_err(|_| StoreError::Damaged)
}

/// All that an organization holds, as of some version of its directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds {
    everything: bool,
    rooms: BTreeSet<RoomId>,
    users: BTreeSet<UserId>,
}

impl Holds {
    pub(crate) async fn load(
        store: &dyn Store,
        org: OrgId,
        now_ms: u64,
    ) -> Result<Self, StoreError> {
        let mut holds = Holds::default();
        each_row(store, Table::HOLDS, org.as_bytes(), |row, value| {
            let held = Held::of_key(row)?;
            // One that can't be read holds.
            if HoldRow::decode(value).is_ok_and(|row| row.is_over(now_ms)) {
                return None;
            }
            match held {
                Held::Organization => holds.everything = true,
                Held::Room(room) => drop(holds.rooms.insert(room)),
                Held::User(user) => drop(holds.users.insert(user)),
            }
            Some(())
        })
        .await?;
        Ok(holds)
    }

    /// Whether what that user wrote is held, wherever it is.
    pub(crate) fn has_all_of(&self, user: UserId) -> bool {
        self.everything || self.users.contains(&user)
    }

    /// Whether what that user wrote in that room is held.
    pub(crate) fn has(&self, room: RoomId, sender: &[u8]) -> bool {
        self.everything
            || self.rooms.contains(&room)
            || UserId::parse(sender).is_ok_and(|sender| self.users.contains(&sender))
    }
}

/// Keeps a record that is about to be erased.
pub(crate) async fn copy(
    store: &dyn Store,
    org: OrgId,
    room: RoomId,
    seq: u64,
) -> Result<Option<Put>, StoreError> {
    let read = store.read(LogKey::Room(room), only(seq)).await?;
    let record = read.into_iter().next().and_then(|stored| stored.record);
    Ok(record.map(|record| copy_of(org, room, seq, record)))
}

/// Keeps that record.
pub(crate) fn copy_of(org: OrgId, room: RoomId, seq: u64, record: Bytes) -> Put {
    let key = key(&[org.as_bytes(), &room_seq(room, seq)]);
    Put { table: Table::HELD, key, value: Some(record) }
}

/// What became of a look at copies.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Where to go on, if there may be more.
    pub next: Option<Bytes>,
    /// Whether all that was to go is gone.
    pub is_whole: bool,
}

impl Node {
    /// Ends holds whose time is over; whether there were some. One that is taken up again meanwhile stays.
    pub async fn end_holds(&self, hub: &Arc<dyn Submit>) -> Result<bool, StoreError> {
        let now_ms = self.now().unix_ms;
        let mut orgs = BTreeSet::new();
        each_row(&*self.store, Table::HOLDS, &[], |row, value| {
            let org = OrgId::parse(row.get(..16)?).ok()?;
            Held::of_key(row)?;
            HoldRow::decode(value).ok()?.is_over(now_ms).then(|| orgs.insert(org)).map(drop)
        })
        .await?;
        let mut has_ended = false;
        for org in orgs {
            // The version first: what is read afterwards is still so when it is committed.
            let version = self.directory(org).await?.keeping();
            let mut puts = Vec::new();
            each_row(&*self.store, Table::HOLDS, org.as_bytes(), |row, value| {
                Held::of_key(row)?;
                let key = Bytes::copy_from_slice(row);
                let end = Put { table: Table::HOLDS, key, value: None };
                HoldRow::decode(value).ok()?.is_over(now_ms).then(|| puts.push(end))
            })
            .await?;
            // What the rules of retention left because of them is looked at again.
            let epoch = Bytes::copy_from_slice(&now_ms.to_be_bytes());
            puts.push(Put { table: Table::HOLDS, key: epoch_key(org), value: Some(epoch) });
            let keeping = Some((org, version));
            let rows = RowsDraft { keeping, ..RowsDraft::new(Shard::Org(org), puts) };
            // Otherwise they are found again.
            has_ended |= committed(hub, Draft::Rows(Box::new(rows))).await.is_ok();
        }
        Ok(has_ended)
    }

    /// Removes copies that nothing holds any more, of so many behind `after`.
    pub async fn forget_unheld(
        &self,
        hub: &Arc<dyn Submit>,
        after: Bytes,
    ) -> Result<Looked, StoreError> {
        let mut scan = Scan::prefix(Table::HELD, Bytes::new(), HELD_LOOKED_AT);
        scan.from = after;
        let rows = self.store.scan(scan).await?;
        let next = rows.last().filter(|_| rows.len() == HELD_LOOKED_AT);
        let next = next.map(|(row, _)| key(&[row, &[0]]));
        let mut looked = Looked { next, is_whole: true };
        let mut known: Option<(OrgId, u64, Holds)> = None;
        for (row, record) in rows {
            let place = |row: &[u8]| {
                let org = OrgId::parse(row.get(..16)?).ok()?;
                Some((org, RoomId::parse(row.get(16..32)?).ok()?))
            };
            let header = Event::decode(record).ok().and_then(|event| event.header);
            let Some(((org, room), header)) = place(&row).zip(header) else { continue };
            let (version, holds) = match known.take() {
                Some((of, version, holds)) if of == org => (version, holds),
                _ => {
                    let version = self.directory(org).await?.keeping();
                    (version, Holds::load(&*self.store, org, self.now().unix_ms).await?)
                }
            };
            if !holds.has(room, &header.sender) {
                let puts = self.unheld(org, room, row, &header);
                let keeping = Some((org, version));
                let rows = RowsDraft { keeping, ..RowsDraft::new(Shard::Room(room), puts) };
                looked.is_whole &= committed(hub, Draft::Rows(Box::new(rows))).await.is_ok();
            }
            known = Some((org, version, holds));
        }
        Ok(looked)
    }

    /// The end of a copy. What kept its attachments was the message, which is gone.
    fn unheld(&self, org: OrgId, room: RoomId, row: Bytes, header: &EventHeader) -> Vec<Put> {
        let mut puts = vec![Put { table: Table::HELD, key: row, value: None }];
        for hash in header.attachments.iter().filter_map(|hash| BlobHash::parse(hash).ok()) {
            let key = BlobKey { org, hash };
            let used = [&use_prefix(key, room)[..], &header.seq.to_be_bytes()].concat().into();
            puts.push(Put { table: Table::BLOB_USES, key: used, value: None });
            let user = UserId::parse(&header.sender).unwrap_or(UserId::from_bytes([0; 16]));
            puts.push(due_put(key, self.now().unix_ms, user));
        }
        puts
    }
}
