//! What an organization has, one row after the other: for exports and for whatever goes through all of it.

use bytes::Bytes;
use parlour_protocol::{
    blob::Variant,
    ids::{BlobHash, OrgId, RoomId, UserId},
    user::User,
};
use prost::Message;

use crate::{
    limits::{HELD_LOOKED_AT, SCAN_ROWS},
    node::Node,
    ports::{
        blobs::{BlobError, BlobKey, Download},
        store::{Row, Scan, Store, StoreError},
    },
    records::{RoomRow, UserRow, key},
    tables::Table,
};

impl Node {
    /// All rooms of an organization.
    pub async fn rooms_of_org(&self, org: OrgId) -> Result<Vec<RoomId>, StoreError> {
        let mut rooms = Vec::new();
        each_row(&*self.store, Table::ROOMS, &[], |row, value| {
            let room = RoomId::parse(row).ok()?;
            let is_its = RoomRow::decode(value).ok()?.org == org.as_bytes()[..];
            is_its.then(|| rooms.push(room))
        })
        .await?;
        each_row(&*self.store, Table::NODES, org.as_bytes(), |row, _| {
            rooms.push(RoomId::parse(row.get(16..32)?).ok()?);
            Some(())
        })
        .await?;
        Ok(rooms)
    }

    /// All users of an organization, as others see them.
    pub async fn users_of_org(&self, org: OrgId) -> Result<Vec<User>, StoreError> {
        let mut users = Vec::new();
        each_row(&*self.store, Table::USERS, org.as_bytes(), |row, value| {
            let id = UserId::parse(row.get(16..32)?).ok()?;
            users.push(User { mark: 0, ..UserRow::decode(value).ok()?.view(id) });
            Some(())
        })
        .await?;
        Ok(users)
    }

    /// Copies of what was deleted while it was held, of so many behind `after`: room and record.
    pub async fn held_of_org(
        &self,
        org: OrgId,
        after: Option<&Bytes>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut scan = Scan::prefix(Table::HELD, org.to_field(), HELD_LOOKED_AT);
        if let Some(after) = after {
            scan.from = key(&[after, &[0]]);
        }
        self.store.scan(scan).await
    }

    /// The bytes of a file, whoever may read it; `None` where there are none.
    pub async fn open_file(&self, key: BlobKey) -> Result<Option<Box<dyn Download>>, BlobError> {
        match self.attachments.store.open(key, Variant::Unspecified, 0).await {
            Ok(download) => Ok(Some(download)),
            Err(BlobError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Pictures that everyone in an organization may see.
    pub async fn pictures_of_org(&self, org: OrgId) -> Result<Vec<BlobHash>, StoreError> {
        let mut hashes = Vec::new();
        each_row(&*self.store, Table::PICTURES, org.as_bytes(), |row, _| {
            hashes.push(BlobHash::parse(row.get(16..48)?).ok()?);
            Some(())
        })
        .await?;
        hashes.dedup();
        Ok(hashes)
    }
}

/// Every row of a table whose key begins with that. Those that can't be read hide none of the others.
pub(crate) async fn each_row(
    store: &dyn Store,
    table: Table,
    prefix: &[u8],
    mut take: impl FnMut(&[u8], Bytes) -> Option<()>,
) -> Result<(), StoreError> {
    let mut scan = Scan::prefix(table, Bytes::copy_from_slice(prefix), SCAN_ROWS);
    loop {
        let rows = store.scan(scan.clone()).await?;
        let next = rows.last().filter(|_| rows.len() == SCAN_ROWS);
        let next = next.map(|(row, _)| key(&[row, &[0]]));
        for (row, value) in rows {
            let _ = take(&row, value);
        }
        match next {
            Some(next) => scan.from = next,
            None => return Ok(()),
        }
    }
}
