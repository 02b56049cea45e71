//! Messages whose time is over: each is deleted as if its sender had done it. Which ones those are
//! stands in rows that were written with them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    message::MessageDeleted,
    wire::Error,
};
use prost::Message;

use crate::{
    deleting::deletion,
    done::committed,
    draft::{Draft, Guard, NewEvent, Refused, RoomDraft, RowsDraft, Submit, store_error},
    kit::Ctx,
    limits::{RERUNS_MAX, TIMERS_AT_ONCE},
    messages::target,
    node::{Caller, Node},
    ports::store::{Put, Scan, Shard, StoreError},
    records::trailing_seq,
    tables::Table,
};

/// A message whose time is over.
#[derive(Clone, Debug)]
pub struct Expired {
    org: OrgId,
    room: RoomId,
    seq: u64,
    row: Bytes,
}

impl Expired {
    fn parse(row: Bytes, org: &[u8]) -> Option<Self> {
        let room = RoomId::parse(row.get(8..24)?).ok()?;
        let seq = trailing_seq(&row)?;
        Some(Expired { org: OrgId::parse(org).ok()?, room, seq, row })
    }

    fn end(&self) -> Put {
        Put { table: Table::EXPIRING, key: self.row.clone(), value: None }
    }
}

/// Where its room's messages disappear, a message gets its end.
pub(crate) fn expires(draft: &mut RoomDraft, now_ms: u64) {
    let seconds = draft.cell.read(|state| state.group.message_expiry_s);
    if seconds > 0 {
        let at_ms = now_ms + u64::from(seconds) * 1000;
        let prefix = [&at_ms.to_be_bytes()[..], draft.cell.id.as_bytes()].concat().into();
        draft.event.expires_at_ms = at_ms;
        draft.seq_puts.push((Table::EXPIRING, prefix, draft.cell.org.to_field()));
    }
}

impl Node {
    /// Messages whose time is over, at most so many as are to be deleted at once: those of each room
    /// together. They are found again until they are gone.
    pub async fn expired(&self, now_ms: u64) -> Result<Vec<Vec<Expired>>, StoreError> {
        let to = now_ms.saturating_add(1).to_be_bytes();
        let scan = Scan {
            table: Table::EXPIRING,
            from: Bytes::new(),
            to: Some(Bytes::copy_from_slice(&to)),
            reverse: false,
            rows_max: TIMERS_AT_ONCE,
        };
        let mut expired: BTreeMap<RoomId, Vec<Expired>> = BTreeMap::new();
        for (row, org) in self.store.scan(scan).await? {
            let Some(one) = Expired::parse(row, &org) else { continue };
            expired.entry(one.room).or_default().push(one);
        }
        Ok(expired.into_values().collect())
    }

    /// Deletes a room's messages whose time is over.
    pub async fn expire(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        expired: &[Expired],
    ) -> Result<(), Error> {
        for one in expired {
            self.expire_one(hub, one).await?;
        }
        Ok(())
    }

    async fn expire_one(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        expired: &Expired,
    ) -> Result<(), Error> {
        for _ in 0..=RERUNS_MAX {
            let draft = match self.gone(expired).await? {
                Some(draft) => Draft::Room(Box::new(draft)),
                // It was deleted before.
                None => {
                    let puts = vec![expired.end()];
                    Draft::Rows(Box::new(RowsDraft::new(Shard::Room(expired.room), puts)))
                }
            };
            match committed(hub, draft).await {
                Ok(_) => return Ok(()),
                Err(Refused::Stale | Refused::Exists) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(Refused::Stale.into())
    }

    /// The draft of its delete, if it is there.
    async fn gone(self: &Arc<Self>, expired: &Expired) -> Result<Option<RoomDraft>, Error> {
        let cell = self.room(expired.org, expired.room).await.map_err(store_error)?;
        let Some(cell) = cell else { return Ok(None) };
        let now = self.now();
        let ctx = |sender| Ctx {
            node: self.clone(),
            caller: Arc::new(Caller::absent(expired.org, sender, now)),
            now,
            reruns: 0,
            is_chained: false,
        };
        // Of a message that can't be read, nothing is left to delete.
        let Ok(header) = target(&ctx(UserId::from_bytes([0; 16])), &cell, expired.seq).await else {
            return Ok(None);
        };
        let Ok(sender) = UserId::parse(&header.sender) else { return Ok(None) };
        let body = MessageDeleted { expired: true }.encode_to_vec().into();
        let event = NewEvent::new(sender, MessageDeleted::RULE.kind, body);
        let mut draft = deletion(&ctx(sender), cell, Guard::Open, header, event).await?;
        draft.puts.push(expired.end());
        Ok(Some(draft))
    }
}
