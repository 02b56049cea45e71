//! Legal holds: what is deleted while it is held leaves every call, and stays stored until the hold ends.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    compliance::{HoldTarget, hold_target::Of},
    ids::{BlobHash, OrgId, RoomId, UserId},
    room::{UserRef, user_ref::User},
    wire::Event,
};
use prost::Message;

use crate::{
    blobs::rows::{due_put, use_prefix},
    done::committed,
    draft::{Draft, RowsDraft, Submit},
    limits::HELD_LOOKED_AT,
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

/// Whether that is held, by itself.
pub(crate) async fn is_held(store: &dyn Store, org: OrgId, held: Held) -> Result<bool, StoreError> {
    Ok(store.get(Table::HOLDS, &held.key(org)).await?.is_some())
}

/// Whether what that user wrote in that room is held.
pub(crate) async fn holds(
    store: &dyn Store,
    org: OrgId,
    room: RoomId,
    sender: &[u8],
) -> Result<bool, StoreError> {
    // Most organizations hold nothing.
    let first = store.scan(Scan::prefix(Table::HOLDS, org.to_field(), 1)).await?;
    if first.first().and_then(|(row, _)| Held::of_key(row)).is_none() {
        return Ok(false);
    }
    if is_held(store, org, Held::Organization).await?
        || is_held(store, org, Held::Room(room)).await?
    {
        return Ok(true);
    }
    match UserId::parse(sender) {
        Ok(sender) => is_held(store, org, Held::User(sender)).await,
        Err(_) => Ok(false),
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
        for (row, record) in rows {
            let place = |row: &[u8]| {
                let org = OrgId::parse(row.get(..16)?).ok()?;
                Some((org, RoomId::parse(row.get(16..32)?).ok()?))
            };
            let header = Event::decode(record).ok().and_then(|event| event.header);
            let Some(((org, room), header)) = place(&row).zip(header) else { continue };
            if holds(&*self.store, org, room, &header.sender).await? {
                continue;
            }
            let mut puts = vec![Put { table: Table::HELD, key: row, value: None }];
            // What kept its attachments was the message, which is gone.
            for hash in header.attachments.iter().filter_map(|hash| BlobHash::parse(hash).ok()) {
                let key = BlobKey { org, hash };
                let used = [&use_prefix(key, room)[..], &header.seq.to_be_bytes()].concat().into();
                puts.push(Put { table: Table::BLOB_USES, key: used, value: None });
                let user = UserId::parse(&header.sender).unwrap_or(UserId::from_bytes([0; 16]));
                puts.push(due_put(key, self.now().unix_ms, user));
            }
            let rows = RowsDraft::new(Shard::Room(room), puts);
            // What can't be written now is found again.
            let _ = committed(hub, Draft::Rows(Box::new(rows))).await;
        }
        Ok(next)
    }
}
