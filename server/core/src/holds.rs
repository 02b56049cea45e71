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
    let key = key(&[org.as_bytes(), &room_seq(room, seq)]);
    Ok(record.map(|record| Put { table: Table::HELD, key, value: Some(record) }))
}

impl Node {
    /// Ends holds whose time is over; of which organizations there were some.
    pub async fn end_holds(&self, hub: &Arc<dyn Submit>) -> Result<BTreeSet<OrgId>, StoreError> {
        let now_ms = self.now().unix_ms;
        let mut over = Vec::new();
        each_row(&*self.store, Table::HOLDS, &[], |row, value| {
            let org = OrgId::parse(row.get(..16)?).ok()?;
            Held::of_key(row)?;
            let is_over = HoldRow::decode(value).ok()?.is_over(now_ms);
            is_over.then(|| over.push((org, Bytes::copy_from_slice(row))))
        })
        .await?;
        let mut orgs = BTreeSet::new();
        for (org, row) in over {
            // What the rules of retention left because of it is looked at again.
            let epoch = Bytes::copy_from_slice(&now_ms.to_be_bytes());
            let puts = vec![
                Put { table: Table::HOLDS, key: row, value: None },
                Put { table: Table::HOLDS, key: epoch_key(org), value: Some(epoch) },
            ];
            let rows = RowsDraft::new(Shard::Org(org), puts);
            if committed(hub, Draft::Rows(Box::new(rows))).await.is_ok() {
                orgs.insert(org);
            }
        }
        Ok(orgs)
    }

    /// Removes copies that nothing holds any more, of so many behind `after`; where to go on, if there
    /// may be more.
    pub async fn forget_unheld(
        &self,
        hub: &Arc<dyn Submit>,
        after: Bytes,
    ) -> Result<Option<Bytes>, StoreError> {
        let mut scan = Scan::prefix(Table::HELD, Bytes::new(), HELD_LOOKED_AT);
        scan.from = after;
        let rows = self.store.scan(scan).await?;
        let next = rows.last().filter(|_| rows.len() == HELD_LOOKED_AT);
        let next = next.map(|(row, _)| key(&[row, &[0]]));
        let mut known: Option<(OrgId, Holds)> = None;
        for (row, record) in rows {
            let place = |row: &[u8]| {
                let org = OrgId::parse(row.get(..16)?).ok()?;
                Some((org, RoomId::parse(row.get(16..32)?).ok()?))
            };
            let header = Event::decode(record).ok().and_then(|event| event.header);
            let Some(((org, room), header)) = place(&row).zip(header) else { continue };
            let holds = match known.take() {
                Some((of, holds)) if of == org => holds,
                _ => Holds::load(&*self.store, org, self.now().unix_ms).await?,
            };
            let is_held = holds.has(room, &header.sender);
            known = Some((org, holds));
            if !is_held {
                let rows = RowsDraft::new(Shard::Room(room), self.unheld(org, room, row, &header));
                // What can't be written now is found again.
                let _ = committed(hub, Draft::Rows(Box::new(rows))).await;
            }
        }
        Ok(next)
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
