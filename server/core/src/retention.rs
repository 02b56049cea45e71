//! Retention: messages that are older than their room keeps them are deleted, many with one event. Up to
//! where a room's log was gone through is a row; what is held stays.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    app::AppEvent,
    compliance::RetentionRule,
    event::FLAG_ERASED,
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    limits::{DELETED_AT_ONCE_MAX, SEQ_MAX},
    message::{DeleteReason, MessagePosted},
    wire::{Error, Event, EventHeader},
};
use prost::Message;

use crate::{
    deleting::deletions,
    done::committed,
    draft::{Draft, Refused, RowsDraft, Submit, store_error},
    holds::{epoch, holds},
    inventory::each_row,
    kit::Ctx,
    limits::{DELETED_ATTACHMENTS_MAX, DELETED_MENTIONS_BYTES_MAX, ITEM_BYTES, RERUNS_MAX},
    node::{Caller, Node},
    pages::only,
    ports::store::{LogKey, Put, ReadRange, Shard, Store, StoreError},
    records::{RoomRow, key},
    rooms::RoomCell,
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
struct RetainedRow {
    #[prost(uint64, tag = "1")]
    up_to: u64,
    /// Which holds there were: what one of them held is looked at again when it has ended.
    #[prost(uint64, tag = "2")]
    holds: u64,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Whose it is.
    pub org: OrgId,
    /// The room.
    pub room: RoomId,
    /// How long it keeps messages, milliseconds.
    pub max_age_ms: u64,
}

/// What became of a room's old messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Messages that were deleted now.
    pub deleted: u64,
    /// When the next one may be due, Unix milliseconds.
    pub next_ms: u64,
}

/// Rules by organization.
type Rules = BTreeMap<OrgId, BTreeMap<Option<RoomId>, u32>>;

impl Node {
    /// All rooms that don't keep everything.
    pub async fn retained_rooms(&self) -> Result<Vec<Retained>, StoreError> {
        let rules = self.rules().await?;
        let mut rooms = Vec::new();
        let mut add = |org, room, max_age_s: u32| {
            if max_age_s > 0 {
                rooms.push(Retained { org, room, max_age_ms: u64::from(max_age_s) * 1000 });
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

    /// Deletes what is too old in a room, a stretch of its log after the other.
    pub async fn retain(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        of: Retained,
    ) -> Result<Gone, Error> {
        let mut deleted = 0;
        loop {
            let now_ms = self.now().unix_ms;
            let never = Gone { deleted, next_ms: now_ms + of.max_age_ms };
            let cell = self.room(of.org, of.room).await.map_err(store_error)?;
            let Some(cell) = cell else { return Ok(never) };
            let epoch = epoch(&*self.store, of.org).await.map_err(store_error)?;
            let from = self.retained_to(of.room, epoch).await.map_err(store_error)? + 1;
            let range = ReadRange {
                from,
                to: SEQ_MAX,
                reverse: false,
                records_max: DELETED_AT_ONCE_MAX,
                bytes_max: ITEM_BYTES,
            };
            let read = self.store.read(LogKey::Room(of.room), range).await.map_err(store_error)?;
            let mut old = Vec::with_capacity(read.len());
            let (mut up_to, mut next_ms) = (None, never.next_ms);
            for stored in read {
                let event = stored.record.and_then(|record| Event::decode(record).ok());
                let header = event.and_then(|event| event.header);
                if let Some(header) = header {
                    let due_ms = header.at_ms + of.max_age_ms;
                    if due_ms > now_ms {
                        next_ms = due_ms;
                        break;
                    }
                    old.push(header);
                }
                up_to = Some(stored.seq);
            }
            let Some(up_to) = up_to else { return Ok(Gone { deleted, next_ms }) };
            deleted += self.delete_old(hub, &cell, old).await?;
            let row = RetainedRow { up_to, holds: epoch }.encode_to_vec().into();
            let put = Put { table: Table::RETAINED, key: of.room.to_field(), value: Some(row) };
            let rows = RowsDraft::new(Shard::Room(of.room), vec![put]);
            committed(hub, Draft::Rows(Box::new(rows))).await?;
        }
    }

    async fn retained_to(&self, room: RoomId, epoch: u64) -> Result<u64, StoreError> {
        let row = self.store.get(Table::RETAINED, room.as_bytes()).await?;
        let row = row.map(RetainedRow::decode).transpose().map_err(|_| StoreError::Damaged)?;
        Ok(row.filter(|row| row.holds == epoch).map_or(0, |row| row.up_to))
    }

    /// Deletes those of a stretch that have something to lose and aren't held.
    async fn delete_old(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        cell: &Arc<RoomCell>,
        old: Vec<EventHeader>,
    ) -> Result<u64, Error> {
        let mut wanted = Vec::with_capacity(old.len());
        for header in old {
            let held = holds(&*self.store, cell.org, cell.id, &header.sender);
            if !held.await.map_err(store_error)? {
                wanted.push(header.seq);
            }
        }
        self.delete_all(hub, cell, &wanted, DeleteReason::Retention).await
    }

    /// Deletes those of these messages and applications' events that are there, with as few events as can
    /// be. How many there were.
    pub(crate) async fn delete_all(
        self: &Arc<Self>,
        hub: &Arc<dyn Submit>,
        cell: &Arc<RoomCell>,
        seqs: &[u64],
        reason: DeleteReason,
    ) -> Result<u64, Error> {
        let now = self.now();
        let ctx = Ctx {
            node: self.clone(),
            caller: Arc::new(Caller::absent(cell.org, UserId::from_bytes([0; 16]), now)),
            now,
            reruns: 0,
            is_chained: false,
        };
        let mut deleted = 0;
        for _ in 0..=RERUNS_MAX {
            let mut again = false;
            for headers in apart(self.there(cell.id, seqs).await.map_err(store_error)?) {
                let count = headers.len() as u64;
                let draft = deletions(&ctx, cell.clone(), headers, reason).await?;
                match committed(hub, Draft::Room(Box::new(draft))).await {
                    Ok(_) => deleted += count,
                    // One of them was deleted by somebody else meanwhile.
                    Err(Refused::Stale | Refused::Exists) => again = true,
                    Err(refused) => return Err(refused.into()),
                }
            }
            if !again {
                return Ok(deleted);
            }
        }
        Err(Refused::Stale.into())
    }

    /// The headers of those that have something to lose.
    async fn there(&self, room: RoomId, seqs: &[u64]) -> Result<Vec<EventHeader>, StoreError> {
        let mut there = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let read = self.store.read(LogKey::Room(room), only(*seq)).await?;
            let record = read.into_iter().next().and_then(|stored| stored.record);
            let header = record.and_then(|record| Event::decode(record).ok()?.header);
            let is_whole = |header: &EventHeader| {
                [MessagePosted::RULE.kind, AppEvent::RULE.kind].contains(&header.kind)
                    && header.flags & FLAG_ERASED == 0
            };
            there.extend(header.filter(is_whole));
        }
        Ok(there)
    }
}

/// What one event each can delete: of one thread, or of none, and no more than one commit holds.
fn apart(headers: Vec<EventHeader>) -> Vec<Vec<EventHeader>> {
    #[derive(Default)]
    struct Part {
        headers: Vec<EventHeader>,
        attachments: usize,
        bytes: usize,
    }
    let mut full = Vec::new();
    let mut parts: BTreeMap<u64, Part> = BTreeMap::new();
    for header in headers {
        let part = parts.entry(header.thread_root_seq).or_default();
        // About what withdrawing its mentions takes in the outbox.
        let bytes = match header.mentions.len() {
            0 => 0,
            mentions => 200 + 20 * mentions,
        };
        if !part.headers.is_empty()
            && (part.headers.len() >= DELETED_AT_ONCE_MAX
                || part.attachments + header.attachments.len() > DELETED_ATTACHMENTS_MAX
                || part.bytes + bytes > DELETED_MENTIONS_BYTES_MAX)
        {
            full.push(std::mem::take(part).headers);
        }
        part.attachments += header.attachments.len();
        part.bytes += bytes;
        part.headers.push(header);
    }
    full.extend(parts.into_values().map(|part| part.headers));
    full
}
