//! Messages whose time is over: each is deleted as if its sender had done it. Which ones those are
//! stands in rows that were written with them.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    message::MessageDeleted,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    deleting::deletion,
    done::committed,
    draft::{Draft, Guard, NewEvent, Refused, RoomDraft, RowsDraft, Submit, store_error},
    kit::Ctx,
    limits::{RERUNS_MAX, TIMER_AGAIN_MS},
    messages::target,
    node::{Caller, Node},
    ports::store::{Put, Shard, StoreError},
    records::{key, trailing_seq},
    tables::Table,
    timers::due_rows,
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
        let mut expired: BTreeMap<RoomId, Vec<Expired>> = BTreeMap::new();
        for one in due_rows(self, Table::EXPIRING, now_ms, Expired::parse).await? {
            expired.entry(one.room).or_default().push(one);
        }
        Ok(expired.into_values().collect())
    }

    /// Deletes a room's messages whose time is over. One that can't be deleted now is put off, so that
    /// it is in the way of none of the others. Whether each is deleted or put off.
    pub async fn expire(self: &Arc<Self>, hub: &Arc<dyn Submit>, expired: &[Expired]) -> bool {
        let mut well = true;
        for one in expired {
            if self.expire_one(hub, one).await.is_err() {
                let again_ms = (self.now().unix_ms + TIMER_AGAIN_MS).to_be_bytes();
                let key = key(&[&again_ms, &one.row[8..]]);
                let value = Some(one.org.to_field());
                let puts = vec![one.end(), Put { table: Table::EXPIRING, key, value }];
                let rows = RowsDraft::new(Shard::Room(one.room), puts);
                well &= committed(hub, Draft::Rows(Box::new(rows))).await.is_ok();
            }
        }
        well
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
        let header = match target(&ctx(UserId::from_bytes([0; 16])), &cell, expired.seq).await {
            Ok(header) => header,
            Err(error) => match ErrorReason::try_from(error.reason) {
                // It was deleted before; or it can't be read any more, by anybody.
                Ok(ErrorReason::MessageNotFound | ErrorReason::DataDamaged) => return Ok(None),
                _ => return Err(error),
            },
        };
        let Ok(sender) = UserId::parse(&header.sender) else { return Ok(None) };
        let body = MessageDeleted { expired: true }.encode_to_vec().into();
        let event = NewEvent::new(sender, MessageDeleted::RULE.kind, body);
        let mut draft = deletion(&ctx(sender), cell, Guard::Open, header, event).await?;
        draft.puts.push(expired.end());
        Ok(Some(draft))
    }
}
