//! Whom users have blocked, as whatever concerns two people asks.

use std::{collections::BTreeSet, sync::Arc};

use parlour_protocol::{ids::UserId, room::RoomKind, wire::Error};

use crate::{
    access::Bits,
    draft::store_error,
    kit::Ctx,
    limits::BLOCKED_SCAN_MAX,
    ports::store::{Scan, Store, StoreError},
    records::trailing_user,
    rooms::RoomCell,
    tables::Table,
};

/// Whom the user has blocked, as the store has it.
pub(crate) async fn stored(
    store: &dyn Store,
    user: UserId,
) -> Result<BTreeSet<UserId>, StoreError> {
    let scan = Scan::prefix(Table::BLOCKS, user.to_field(), BLOCKED_SCAN_MAX);
    let rows = store.scan(scan).await?;
    Ok(rows.iter().filter_map(|(key, _)| trailing_user(key)).collect())
}

impl Ctx {
    /// Whom the user has blocked.
    pub(crate) async fn blocked_by(&self, user: UserId) -> Result<Arc<BTreeSet<UserId>>, Error> {
        self.node.users.blocked(self.store(), user).await.map_err(store_error)
    }

    /// Whether one of the two wants to hear nothing of the other.
    pub(crate) async fn are_apart(&self, a: UserId, b: UserId) -> Result<bool, Error> {
        Ok(self.blocked_by(a).await?.contains(&b) || self.blocked_by(b).await?.contains(&a))
    }

    /// Those of them who want to hear of the caller.
    pub(crate) async fn who_hear(&self, mut users: Vec<UserId>) -> Result<Vec<UserId>, Error> {
        let mut deaf = Vec::new();
        for user in &users {
            if self.blocked_by(*user).await?.contains(&self.user()) {
                deaf.push(*user);
            }
        }
        users.retain(|user| !deaf.contains(user));
        Ok(users)
    }

    /// Whether it is a direct room where one of the two has blocked the other.
    pub(crate) async fn is_peer_apart(&self, cell: &RoomCell) -> Result<bool, Error> {
        let me = self.user();
        let peer = cell.read(|room| match room.kind {
            RoomKind::Direct => room.members.iter().find(|user| **user != me).copied(),
            _ => None,
        });
        match peer {
            Some(peer) => self.are_apart(me, peer).await,
            None => Ok(false),
        }
    }

    /// Whether it is a direct room with that user, and one of the two has blocked the other.
    pub(crate) async fn is_apart_in(&self, cell: &RoomCell, user: UserId) -> Result<bool, Error> {
        Ok(user != self.user() && self.is_peer_apart(cell).await?)
    }

    /// What is left of permissions there.
    pub(crate) async fn between_two(&self, cell: &RoomCell, bits: Bits) -> Result<Bits, Error> {
        Ok(if self.is_peer_apart(cell).await? { bits.only_reads() } else { bits })
    }
}
