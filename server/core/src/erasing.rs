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
    wire::{Error, ErrorReason, Event, EventHeader},
};
use prost::Message;

use crate::{
    deleting::{Gone, delete_all, held_at, is_whole},
    directory::rows::DirectoryJobRow,
    done::committed,
    draft::{Draft, Guard, NewEvent, Refused, RoomDraft, RowsDraft, Submit, store_error},
    effects::erasure,
    groups::{lost, member_put},
    identity,
    inventory::each_row,
    kit::Ctx,
    limits::{
        ERASURE_ATTEMPTS, ERASURE_BATCH_BYTES, ERASURE_PROGRAMS, ERASURE_RECORDS,
        ERASURE_ROOMS_LEFT, ERASURE_STRETCHES, ITEM_BYTES, RERUNS_MAX, SCAN_ROWS,
    },
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
    /// Who has sent messages with components.
    #[prost(bytes = "bytes", repeated, tag = "10")]
    pub(crate) programs: Vec<Bytes>,
    /// Rooms that couldn't be gone through, for the next time.
    #[prost(bytes = "bytes", repeated, tag = "11")]
    pub(crate) left: Vec<Bytes>,
    /// How often only they were wrong.
    #[prost(uint32, tag = "12")]
    pub(crate) attempts: u32,
    /// What went wrong last.
    #[prost(string, tag = "13")]
    pub(crate) trouble: String,
}

/// Somebody to erase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasing {
    /// Whose user it is.
    pub org: OrgId,
    /// Who.
    pub user: UserId,
}

/// Some events of a room.
struct Stretch {
    /// Those that may have something to lose.
    headers: Vec<EventHeader>,
    /// The last one read.
    last: u64,
    /// How many can't be read.
    damaged: u64,
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
        let ended = erasure.run().await;
        if let Err(error) = &ended {
            // For whoever waits for it.
            erasure.row.trouble = error.message.clone();
            erasure.remember().await?;
        }
        ended
    }

    /// Whether something that is a user's is still to go to somebody else.
    async fn is_handing_over(&self, of: Erasing) -> Result<bool, StoreError> {
        let mut is_any = false;
        each_row(&*self.store, Table::DIRECTORY_OUTBOX, of.org.as_bytes(), |_, value| {
            let job = DirectoryJobRow::decode(value).ok()?;
            is_any |= job.hand_overs.iter().any(|over| over.from == of.user.as_bytes()[..]);
            Some(())
        })
        .await?;
        Ok(is_any)
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
    async fn run(&mut self) -> Result<Ended, Error> {
        if self.node.is_handing_over(self.of).await.map_err(store_error)? {
            let what = "what they own is still being handed over";
            return Err(Error::new(ErrorReason::StoreUnavailable, what));
        }
        let (trouble, is_all) = self.go_through_all().await?;
        own::erase(self.node, self.hub, self.of, &self.row).await?;
        let damaged = audit::redact(self.node, self.hub, self.of, &self.row.subject).await?;
        match trouble {
            // All else could be written: so it is those rooms, and one day they are given up.
            Some(error) if !is_all || self.row.attempts < ERASURE_ATTEMPTS => {
                self.row.attempts += u32::from(is_all);
                Err(error)
            }
            _ => {
                self.row.damaged += damaged + self.row.left.len() as u64;
                self.end().await
            }
        }
    }

    /// Goes through all rooms; what was wrong with one of them isn't the others'. What was wrong last, and
    /// whether it came to the end.
    async fn go_through_all(&mut self) -> Result<(Option<Error>, bool), Error> {
        let mut rooms = self.node.rooms_of_org(self.of.org).await.map_err(store_error)?;
        rooms.sort_unstable();
        let reached = RoomId::parse(&self.row.room).ok();
        let from = |room| if Some(room) == reached { self.row.up_to } else { 0 };
        let next = rooms.into_iter().filter(|room| Some(*room) >= reached);
        let left = self.row.left.iter().filter_map(|room| RoomId::parse(room).ok());
        let left = left.map(|room| (room, 0, false));
        let all: Vec<_> = left.chain(next.map(|room| (room, from(room), true))).collect();
        let mut trouble = None;
        for (room, up_to, is_next) in all {
            if is_next && self.row.left.len() >= ERASURE_ROOMS_LEFT {
                return Ok((trouble, false));
            }
            if is_next {
                (self.row.room, self.row.up_to) = (room.to_field(), up_to);
            }
            let gone = match self.leave(room).await {
                Ok(()) => self.go_through(room, up_to, is_next).await,
                Err(error) => Err(error),
            };
            // One that was left stays in the row until it is done.
            match gone {
                Ok(()) => self.row.left.retain(|left| left[..] != room.as_bytes()[..]),
                Err(error) => {
                    self.row.left.extend(is_next.then(|| room.to_field()));
                    trouble = Some(error);
                }
            }
        }
        (self.row.room, self.row.up_to) = (Bytes::from_static(&[0xff; 16]), 0);
        self.remember().await?;
        Ok((trouble, true))
    }

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
    async fn go_through(
        &mut self,
        room: RoomId,
        mut up_to: u64,
        is_next: bool,
    ) -> Result<(), Error> {
        let is_own = room == identity::private_room_id(self.of.org, self.of.user);
        let mut reruns = 0;
        loop {
            let Some(cell) = self.cell(room).await? else { return Ok(()) };
            let stretch = self.stretch(room, up_to, is_own).await.map_err(store_error)?;
            let Some(stretch) = stretch else { return Ok(()) };
            let Stretch { headers, last, damaged } = stretch;
            let has_theirs = !headers.is_empty();
            if !self.delete(&cell, headers).await? {
                // Something about them has changed meanwhile: they are read again.
                reruns += 1;
                if reruns > RERUNS_MAX {
                    return Err(Refused::Busy.into());
                }
                continue;
            }
            (up_to, reruns) = (last, 0);
            if is_next {
                self.row.up_to = up_to;
                self.row.damaged += damaged;
            }
            self.stretches += 1;
            if has_theirs || self.stretches.is_multiple_of(ERASURE_STRETCHES) {
                self.remember().await?;
            }
        }
    }

    /// Some events of a room; `None` at its end.
    async fn stretch(
        &mut self,
        room: RoomId,
        up_to: u64,
        is_own: bool,
    ) -> Result<Option<Stretch>, StoreError> {
        let read = self.node.store.read(LogKey::Room(room), some_from(up_to + 1)).await?;
        let Some(last) = read.last().map(|stored| stored.seq) else { return Ok(None) };
        let mut stretch = Stretch { headers: vec![], last, damaged: 0 };
        for stored in read {
            let event = stored.record.map(Event::decode).transpose().ok().flatten();
            let Some(Event { header: Some(header), body }) = event else {
                stretch.damaged += 1;
                continue;
            };
            let is_theirs = header.sender == self.of.user.as_bytes()[..];
            if is_theirs || is_own {
                stretch.headers.push(header);
            } else if header.kind == MessagePosted::RULE.kind && !body.is_empty() {
                self.note_program(header.sender, body);
            }
        }
        Ok(Some(stretch))
    }

    /// Who sends components hears in their own log who used them, and how.
    fn note_program(&mut self, sender: Bytes, body: Bytes) {
        let programs = &mut self.row.programs;
        let is_new = !programs.contains(&sender) && programs.len() < ERASURE_PROGRAMS;
        if is_new && MessagePosted::decode(body).is_ok_and(|posted| posted.components.is_some()) {
            programs.push(sender);
        }
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
    async fn end(&mut self) -> Result<Ended, Error> {
        self.row.done_ms = self.node.now().unix_ms;
        let ErasureRow { by, since_ms, deleted, held, damaged, done_ms, .. } = self.row.clone();
        self.row =
            ErasureRow { by, since_ms, deleted, held, damaged, done_ms, ..Default::default() };
        let key = org_user(self.of.org, self.of.user);
        let user = UserRow::of_erased(Erased::Done).encode_to_vec().into();
        let user = Put { table: Table::USERS, key, value: Some(user) };
        let rows = vec![self.put(), user];
        commit(self.hub, RowsDraft::new(Shard::Org(self.of.org), rows)).await?;
        Ok(Ended { deleted: self.row.deleted, damaged: self.row.damaged })
    }
}

/// A stretch of a log.
fn some_from(from: u64) -> ReadRange {
    ReadRange {
        from,
        to: SEQ_MAX,
        reverse: false,
        records_max: ERASURE_RECORDS,
        bytes_max: ITEM_BYTES,
    }
}

/// Writes rows of an organization, as many at once as a batch holds.
async fn commit_all(hub: &Arc<dyn Submit>, org: OrgId, puts: Vec<Put>) -> Result<(), Error> {
    let (mut some, mut bytes) = (Vec::new(), 0);
    for put in puts {
        bytes += put.key.len() + put.value.as_ref().map_or(0, Bytes::len);
        some.push(put);
        if some.len() >= SCAN_ROWS || bytes >= ERASURE_BATCH_BYTES {
            commit(hub, RowsDraft::new(Shard::Org(org), std::mem::take(&mut some))).await?;
            bytes = 0;
        }
    }
    match some.is_empty() {
        true => Ok(()),
        false => commit(hub, RowsDraft::new(Shard::Org(org), some)).await,
    }
}

async fn commit(hub: &Arc<dyn Submit>, rows: RowsDraft) -> Result<(), Error> {
    committed(hub, Draft::Rows(Box::new(rows))).await?;
    Ok(())
}
