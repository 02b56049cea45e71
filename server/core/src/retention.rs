//! Retention: messages that are older than their room keeps them are deleted, many with one event. Up to
//! where a room's log was gone through is a row; what is held stays.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    compliance::RetentionRule,
    ids::{OrgId, RoomId, UserId},
    limits::{DELETED_AT_ONCE_MAX, SEQ_MAX},
    message::DeleteReason,
    wire::{Error, Event, EventHeader},
};
use prost::Message;

use crate::{
    deleting::{Gone, delete_all, held_at, is_whole},
    done::committed,
    draft::{Draft, RowsDraft, Submit, store_error},
    holds::epoch,
    inventory::each_row,
    kit::Ctx,
    limits::{ITEM_BYTES, RETENTION_EVERY_MAX_MS, RETENTION_EVERY_MIN_MS, RETENTION_STRETCHES},
    node::{Caller, Node},
    ports::{
        clock::Now,
        store::{LogKey, Put, ReadRange, Shard, Store, StoreError},
    },
    records::{RoomRow, key},
    tables::Table,
};

/// A row of `Table::RETENTION`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct RuleRow {
    /// 0: for ever.
    #[prost(uint32, tag = "1")]
    pub(crate) max_age_s: u32,
}

/// A row of `Table::RETAINED`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct RetainedRow {
    #[prost(uint64, tag = "1")]
    pub(crate) up_to: u64,
    /// Which hold was the last that had ended: what one of them held is looked at again afterwards.
    #[prost(uint64, tag = "2")]
    holds: u64,
    /// The room's counters there.
    #[prost(uint64, tag = "3")]
    pub(crate) msg_no: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) bcast_no: u64,
    /// Something up to there is still there.
    #[prost(bool, tag = "5")]
    pub(crate) left: bool,
}

/// How far a rule has gone through a room's log.
pub(crate) async fn retained(
    store: &dyn Store,
    room: RoomId,
) -> Result<Option<RetainedRow>, StoreError> {
    // One that can't be read costs time: the log is gone through again.
    match store.get(Table::RETAINED, room.as_bytes()).await {
        Err(StoreError::Damaged) => Ok(None),
        row => Ok(row?.and_then(|row| RetainedRow::decode(row).ok())),
    }
}

/// org ‖ room; zeros are the organization's.
pub(crate) fn rule_key(org: OrgId, room: Option<RoomId>) -> Bytes {
    let room = room.map_or([0; 16], RoomId::to_bytes);
    key(&[org.as_bytes(), &room])
}

/// A rule as it stands, of a room or of an organization.
pub(crate) async fn rule(
    store: &dyn Store,
    org: OrgId,
    room: Option<RoomId>,
) -> Result<Option<RuleRow>, StoreError> {
    let row = store.get(Table::RETENTION, &rule_key(org, room)).await?;
    row.map(RuleRow::decode).transpose().map_err(|_| StoreError::Damaged)
}

/// The rule in force in a room.
pub(crate) async fn rule_in_force(
    store: &dyn Store,
    org: OrgId,
    room: RoomId,
) -> Result<RetentionRule, StoreError> {
    let own = rule(store, org, Some(room)).await?;
    let row = match own {
        Some(row) => row,
        None => rule(store, org, None).await?.unwrap_or_default(),
    };
    Ok(RetentionRule { max_age_s: row.max_age_s })
}

/// A room that doesn't keep everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retained {
    /// Whose it is.
    pub org: OrgId,
    /// The room.
    pub room: RoomId,
    /// How long it keeps messages, milliseconds.
    pub max_age_ms: u64,
    /// Which legal hold of the organization was the last that ended.
    pub holds: u64,
}

/// What became of a room's old messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// What was deleted now.
    pub gone: Gone,
    /// When to look again, Unix milliseconds.
    pub next_ms: u64,
}

/// Some events of a room's log that are too old.
struct Stretch {
    headers: Vec<EventHeader>,
    up_to: u64,
}

/// Rules by organization.
type Rules = BTreeMap<OrgId, BTreeMap<Option<RoomId>, u32>>;

impl Node {
    /// All rooms that don't keep everything.
    pub async fn retained_rooms(&self) -> Result<Vec<Retained>, StoreError> {
        let rules = self.rules().await?;
        let mut ended = BTreeMap::new();
        for org in rules.keys() {
            ended.insert(*org, epoch(&*self.store, *org).await?);
        }
        let mut rooms = Vec::new();
        let mut add = |org, room, max_age_s: u32| {
            let holds = ended.get(&org).copied().unwrap_or_default();
            if max_age_s > 0 {
                rooms.push(Retained { org, room, max_age_ms: u64::from(max_age_s) * 1000, holds });
            }
        };
        for (org, rules) in &rules {
            for (room, max_age_s) in rules {
                if let Some(room) = room {
                    add(*org, *room, *max_age_s);
                }
            }
        }
        let by_org = |org: OrgId, room: RoomId| {
            let rules = rules.get(&org)?;
            let all = rules.get(&None)?;
            (!rules.contains_key(&Some(room))).then_some(*all)
        };
        if rules.values().any(|rules| rules.contains_key(&None)) {
            each_row(&*self.store, Table::ROOMS, &[], |row, value| {
                let room = RoomId::parse(row).ok()?;
                let org = OrgId::parse(&RoomRow::decode(value).ok()?.org).ok()?;
                add(org, room, by_org(org, room)?);
                Some(())
            })
            .await?;
            each_row(&*self.store, Table::NODES, &[], |row, _| {
                let org = OrgId::parse(row.get(..16)?).ok()?;
                let room = RoomId::parse(row.get(16..32)?).ok()?;
                add(org, room, by_org(org, room)?);
                Some(())
            })
            .await?;
        }
        Ok(rooms)
    }

    async fn rules(&self) -> Result<Rules, StoreError> {
        let mut rules = Rules::new();
        each_row(&*self.store, Table::RETENTION, &[], |row, value| {
            let org = OrgId::parse(row.get(..16)?).ok()?;
            let room = row.get(16..32).filter(|room| room.iter().any(|byte| *byte > 0));
            let room = room.map(RoomId::parse).transpose().ok()?;
            let max_age_s = RuleRow::decode(value).ok()?.max_age_s;
            rules.entry(org).or_default().insert(room, max_age_s);
            Some(())
        })
        .await?;
        Ok(rules)
    }

    /// Deletes what is too old in a room, some stretches of its log. Nothing is deleted after the rule has
    /// changed: then it is to be looked at again soon.
    pub async fn retain(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        of: Retained,
    ) -> Result<Retention, Error> {
        let (mut gone, mut next_ms) = (Gone::default(), 0);
        for _ in 0..RETENTION_STRETCHES {
            let Some(cell) = self.room(of.org, of.room).await.map_err(store_error)? else {
                return Ok(Retention { gone, next_ms: self.now().unix_ms + of.max_age_ms });
            };
            let now = self.now();
            let ctx = self.nobody(cell.org, now);
            let store = &*self.store;
            // Before the holds: what one of them held is looked at again once it has ended.
            let epoch = epoch(store, of.org).await.map_err(store_error)?;
            let (version, holds) = held_at(&ctx).await?;
            let rule = rule_in_force(store, of.org, of.room).await.map_err(store_error)?;
            if u64::from(rule.max_age_s) * 1000 != of.max_age_ms {
                let next_ms = now.unix_ms + RETENTION_EVERY_MIN_MS;
                return Ok(Retention { gone, next_ms });
            }
            let before = retained(store, of.room).await.map_err(store_error)?;
            let before = before.filter(|row| row.holds == epoch);
            let before = before.unwrap_or(RetainedRow { holds: epoch, ..RetainedRow::default() });
            let stretch = self.stretch(of, before.up_to + 1, now.unix_ms).await;
            let stretch = match stretch.map_err(store_error)? {
                Ok(stretch) => stretch,
                Err(next_ms) => return Ok(Retention { gone, next_ms }),
            };
            let mut after = RetainedRow { up_to: stretch.up_to, ..before };
            if let Some(last) = stretch.headers.last() {
                (after.msg_no, after.bcast_no) = (last.msg_no, last.bcast_no);
            }
            let whole = stretch.headers.into_iter().filter(is_whole);
            let (held, old): (Vec<_>, Vec<_>) =
                whole.partition(|header| holds.has(of.room, &header.sender));
            let damaged = gone.damaged;
            let at = (version, &holds);
            let reason = DeleteReason::Retention;
            if !delete_all(hub, &ctx, (&cell, old), reason, at, &mut gone).await? {
                next_ms = self.now().unix_ms + RETENTION_EVERY_MIN_MS;
                continue;
            }
            next_ms = 0;
            after.left |= !held.is_empty() || gone.damaged > damaged;
            let value = Some(after.encode_to_vec().into());
            let put = Put { table: Table::RETAINED, key: of.room.to_field(), value };
            let rows = RowsDraft::new(Shard::Room(of.room), vec![put]);
            committed(hub, Draft::Rows(Box::new(rows))).await?;
        }
        // The others have their turn, and a room in which something always changes waits a while.
        Ok(Retention { gone, next_ms: next_ms.max(self.now().unix_ms) })
    }

    /// What acts by itself, for nobody.
    pub(crate) fn nobody(self: &Arc<Self>, org: OrgId, now: Now) -> Ctx {
        Ctx {
            node: self.clone(),
            caller: Arc::new(Caller::absent(org, UserId::from_bytes([0; 16]), now)),
            now,
            reruns: 0,
            is_chained: false,
        }
    }

    /// What is too old from there on; or when to look again.
    async fn stretch(
        &self,
        of: Retained,
        from: u64,
        now_ms: u64,
    ) -> Result<Result<Stretch, u64>, StoreError> {
        let range = ReadRange {
            from,
            to: SEQ_MAX,
            reverse: false,
            records_max: DELETED_AT_ONCE_MAX,
            bytes_max: ITEM_BYTES,
        };
        let mut stretch = Stretch { headers: vec![], up_to: 0 };
        let mut due_ms = now_ms + of.max_age_ms;
        for stored in self.store.read(LogKey::Room(of.room), range).await? {
            let event = stored.record.and_then(|record| Event::decode(record).ok());
            if let Some(header) = event.and_then(|event| event.header) {
                if header.at_ms + of.max_age_ms > now_ms {
                    due_ms = header.at_ms + of.max_age_ms;
                    break;
                }
                stretch.headers.push(header);
            }
            stretch.up_to = stored.seq;
        }
        if stretch.up_to > 0 {
            return Ok(Ok(stretch));
        }
        // Several messages go together, a little late, rather than each at its moment.
        let pause_ms = of.max_age_ms / 100;
        let pause_ms = pause_ms.clamp(RETENTION_EVERY_MIN_MS, RETENTION_EVERY_MAX_MS);
        Ok(Err(due_ms.max(now_ms + pause_ms)))
    }
}
