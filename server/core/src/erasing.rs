//! Erasing somebody: what they wrote, what is kept for them alone, and what names them go, one room after
//! the other, over restarts and at least once. What others did about them stays, under an id.

mod audit;
mod own;

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    limits::SEQ_MAX,
    message::{DeleteReason, MessagePosted},
    room::{MemberRemoved, RoomKind},
    wire::{Error, Event, EventHeader},
};
use prost::Message;

use crate::{
    deleting::{Gone, delete_all, held_at, is_whole},
    done::committed,
    draft::{Draft, Guard, NewEvent, Refused, RoomDraft, RowsDraft, Submit, store_error},
    effects::erasure,
    groups::{lost, member_put},
    identity,
    inventory::each_row,
    kit::Ctx,
    limits::{ERASURE_RECORDS, ERASURE_STRETCHES, ITEM_BYTES, RERUNS_MAX},
    node::Node,
    ports::store::{LogKey, Put, ReadRange, Shard, StoreError},
    records::{Erased, UserRow, org_user, room_user},
    rooms::{RoomCell, RoomChange},
    tables::Table,
};

/// A row of `Table::ERASURES`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErasureRow {
    /// Who asked for it.
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) by: Bytes,
    /// Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub(crate) since_ms: u64,
    /// Who they were, by the token's `sub`; empty once it is done.
    #[prost(string, tag = "3")]
    pub(crate) subject: String,
    /// The room that is gone through; those before it are done.
    #[prost(bytes = "bytes", tag = "4")]
    pub(crate) room: Bytes,
    /// Up to where.
    #[prost(uint64, tag = "5")]
    pub(crate) up_to: u64,
    #[prost(uint64, tag = "6")]
    pub(crate) deleted: u64,
    #[prost(uint64, tag = "7")]
    pub(crate) held: u64,
    #[prost(uint64, tag = "8")]
    pub(crate) damaged: u64,
    /// Unix milliseconds; 0 while it goes on.
    #[prost(uint64, tag = "9")]
    pub(crate) done_ms: u64,
}

/// Somebody to erase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasing {
    /// Whose user it is.
    pub org: OrgId,
    /// Who.
    pub user: UserId,
}

/// What an erasure has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Messages and applications' events that were deleted.
    pub deleted: u64,
    /// What can't be read.
    pub damaged: u64,
}

impl Node {
    /// Those whose erasure isn't done.
    pub async fn erasures_under_way(&self) -> Result<Vec<Erasing>, StoreError> {
        let mut all = Vec::new();
        each_row(&*self.store, Table::ERASURES, &[], |row, value| {
            let org = OrgId::parse(row.get(..16)?).ok()?;
            let user = UserId::parse(row.get(16..)?).ok()?;
            let is_done = ErasureRow::decode(value).ok()?.done_ms > 0;
            (!is_done).then(|| all.push(Erasing { org, user }))
        })
        .await?;
        Ok(all)
    }

    /// Erases somebody, from where it was left on. Nothing is done twice that can't be.
    pub async fn erase(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        of: Erasing,
    ) -> Result<Ended, Error> {
        let place = org_user(of.org, of.user);
        let row = self.store.get(Table::ERASURES, &place).await.map_err(store_error)?;
        let row = row.map(ErasureRow::decode).transpose();
        let row = row.map_err(|_| store_error(StoreError::Damaged))?.unwrap_or_default();
        let mut erasure = Erasure { node: self, hub, of, row, stretches: 0 };
        let mut rooms = self.rooms_of_org(of.org).await.map_err(store_error)?;
        rooms.sort_unstable();
        let left_at = RoomId::parse(&erasure.row.room).ok();
        for room in rooms.into_iter().filter(|room| Some(*room) >= left_at) {
            if Some(room) != left_at {
                (erasure.row.room, erasure.row.up_to) = (room.to_field(), 0);
            }
            erasure.leave(room).await?;
            erasure.go_through(room).await?;
        }
        erasure.remember().await?;
        own::erase(self, hub, of, &erasure.row.subject).await?;
        erasure.row.damaged += audit::redact(self, hub, of, &erasure.row.subject).await?;
        erasure.end().await
    }
}

/// An erasure under way.
struct Erasure<'a> {
    node: &'a Arc<Node>,
    hub: &'a Arc<dyn Submit>,
    of: Erasing,
    row: ErasureRow,
    stretches: usize,
}

impl Erasure<'_> {
    fn ctx(&self) -> Ctx {
        self.node.nobody(self.of.org, self.node.now())
    }

    async fn cell(&self, room: RoomId) -> Result<Option<Arc<RoomCell>>, Error> {
        self.node.room(self.of.org, room).await.map_err(store_error)
    }

    /// They are in no group any more. A direct room stays its two members'.
    async fn leave(&self, room: RoomId) -> Result<(), Error> {
        let (user, by) = (self.of.user, UserId::parse(&self.row.by).unwrap_or(self.of.user));
        for _ in 0..RERUNS_MAX {
            let Some(cell) = self.cell(room).await? else { return Ok(()) };
            let state = cell.state();
            if state.kind != RoomKind::Group || !state.members.contains(&user) {
                return Ok(());
            }
            let body = MemberRemoved { user: user.to_field() }.encode_to_vec().into();
            let event = NewEvent::new(by, MemberRemoved::RULE.kind, body);
            let mut draft = RoomDraft::new(cell, Guard::Version(state.version), event);
            let sent = Put { table: Table::LAST_SENT, key: room_user(room, user), value: None };
            draft.puts = vec![member_put(room, user, false), sent];
            draft.effects = Some(lost(room, user));
            draft.change = Some(RoomChange::Removed(user));
            match committed(self.hub, Draft::Room(Box::new(draft))).await {
                Ok(_) => return Ok(()),
                Err(Refused::Stale | Refused::Exists) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(Refused::Busy.into())
    }

    /// What they wrote in a room goes; of their private room, all.
    async fn go_through(&mut self, room: RoomId) -> Result<(), Error> {
        let is_own = room == identity::private_room_id(self.of.org, self.of.user);
        let mut reruns = 0;
        loop {
            let Some(cell) = self.cell(room).await? else { return Ok(()) };
            let (headers, last) = self.stretch(room, is_own).await.map_err(store_error)?;
            let Some(last) = last else { return Ok(()) };
            let has_theirs = !headers.is_empty();
            if !self.delete(&cell, headers).await? {
                // Something about them has changed meanwhile: they are read again.
                reruns += 1;
                if reruns > RERUNS_MAX {
                    return Err(Refused::Busy.into());
                }
                continue;
            }
            (self.row.up_to, reruns) = (last, 0);
            self.stretches += 1;
            if has_theirs || self.stretches.is_multiple_of(ERASURE_STRETCHES) {
                self.remember().await?;
            }
        }
    }

    /// Some events of a room: those that may have something to lose, and the last one read.
    async fn stretch(
        &mut self,
        room: RoomId,
        is_own: bool,
    ) -> Result<(Vec<EventHeader>, Option<u64>), StoreError> {
        let range = ReadRange {
            from: self.row.up_to + 1,
            to: SEQ_MAX,
            reverse: false,
            records_max: ERASURE_RECORDS,
            bytes_max: ITEM_BYTES,
        };
        let (mut headers, mut last) = (Vec::new(), None);
        for stored in self.node.store.read(LogKey::Room(room), range).await? {
            last = Some(stored.seq);
            let event = stored.record.map(Event::decode).transpose();
            match event.ok().flatten().and_then(|event| event.header) {
                Some(header) if is_own || header.sender == self.of.user.as_bytes()[..] => {
                    headers.push(header);
                }
                Some(_) => {}
                None => self.row.damaged += 1,
            }
        }
        Ok((headers, last))
    }

    /// Deletes messages; `false` where they are to be read again. What their edits say goes with them, also
    /// of those that were deleted before.
    async fn delete(
        &mut self,
        cell: &Arc<RoomCell>,
        headers: Vec<EventHeader>,
    ) -> Result<bool, Error> {
        let ctx = self.ctx();
        let (version, holds) = held_at(&ctx).await?;
        let is_held = |header: &EventHeader| holds.has(cell.id, &header.sender);
        let is_message = |header: &&EventHeader| header.kind == MessagePosted::RULE.kind;
        let messages: Vec<(u64, bool)> =
            headers.iter().filter(is_message).map(|header| (header.seq, is_held(header))).collect();
        let whole: Vec<_> = headers.into_iter().filter(is_whole).collect();
        let held = whole.iter().filter(|header| is_held(header)).count() as u64;
        let (mut gone, at) = (Gone::default(), (version, &holds));
        let reason = DeleteReason::Erasure;
        let is_all = delete_all(self.hub, &ctx, (cell, whole), reason, at, &mut gone).await?;
        self.row.deleted += gone.deleted;
        self.row.damaged += gone.damaged;
        if !is_all {
            return Ok(false);
        }
        self.row.held += held;
        for (seq, is_held) in messages {
            let held_for = is_held.then_some(self.of.org);
            let edits = erasure(self.node, cell.id, seq, held_for).await.map_err(store_error)?;
            for edit in edits {
                committed(self.hub, edit).await?;
            }
        }
        Ok(true)
    }

    /// Writes down how far it is.
    async fn remember(&self) -> Result<(), Error> {
        let put = self.put();
        commit(self.hub, RowsDraft::new(Shard::Org(self.of.org), vec![put])).await
    }

    fn put(&self) -> Put {
        let key = org_user(self.of.org, self.of.user);
        Put { table: Table::ERASURES, key, value: Some(self.row.encode_to_vec().into()) }
    }

    /// All of it is gone.
    async fn end(mut self) -> Result<Ended, Error> {
        self.row.subject.clear();
        (self.row.room, self.row.up_to) = (Bytes::new(), 0);
        self.row.done_ms = self.node.now().unix_ms;
        let key = org_user(self.of.org, self.of.user);
        let user = UserRow::of_erased(Erased::Done).encode_to_vec().into();
        let user = Put { table: Table::USERS, key, value: Some(user) };
        let rows = vec![self.put(), user];
        commit(self.hub, RowsDraft::new(Shard::Org(self.of.org), rows)).await?;
        Ok(Ended { deleted: self.row.deleted, damaged: self.row.damaged })
    }
}

async fn commit(hub: &Arc<dyn Submit>, rows: RowsDraft) -> Result<(), Error> {
    committed(hub, Draft::Rows(Box::new(rows))).await?;
    Ok(())
}
