//! What is kept of a user for themselves: their own log, their rows, their account.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    event::{self, FLAG_ERASED},
    generated::EventMessage,
    ids::{BlobHash, UserId},
    interaction::{CommandInvoked, ComponentUsed},
    limits::SEQ_MAX,
    presence::{PresenceSettings, StatusChanged},
    wire::{Error, Event, EventHeader},
};
use prost::Message;

use super::{Erasing, commit};
use crate::{
    accounts::rows::{CodeRow, KeyRow},
    blobs::rows::{ClaimRow, due_after, due_end, due_put},
    done::committed,
    draft::{Draft, RowsDraft, Submit, UserDraft, store_error},
    inventory::each_row,
    limits::{ERASURE_RECORDS, ITEM_BYTES, SCAN_ROWS},
    node::Node,
    ports::{
        blobs::BlobKey,
        store::{Erase, LogKey, Put, ReadRange, Scan, Shard, StoreError},
    },
    presence::status_key,
    records::{UserRow, key, org_user, trailing_seq, trailing_user},
    tables::Table,
};

/// Tables whose rows begin with a user. Which rooms they are in follows by itself; `DELIVERED` keeps what
/// was told once from being told again.
const OF_USER: [Table; 17] = [
    Table::MARKERS,
    Table::MENTIONS,
    Table::THREAD_FOLLOWS,
    Table::THREAD_MARKERS,
    Table::THREAD_MENTIONS,
    Table::ROOM_SETTINGS,
    Table::INBOX,
    Table::SETTINGS,
    Table::LAST_SEEN,
    Table::SAVED,
    Table::UPLOADS,
    Table::BLOB_CLAIMS,
    Table::SCHEDULED,
    Table::SCHEDULED_ENDS,
    Table::REMINDERS,
    Table::DRAFTS,
    Table::BLOCKS,
];
/// Those that begin with the organization and the user.
const OF_ORG_USER: [Table; 5] =
    [Table::ACCOUNTS, Table::LOGINS, Table::API_KEYS, Table::ACCOUNT_STEPS, Table::COMMANDS];

/// Erases all of it.
pub(super) async fn erase(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    subject: &str,
) -> Result<(), Error> {
    forget_status(node, hub, of.user).await?;
    erase_log(node, hub, of.user, |_| true).await?;
    erase_from_programs(node, hub, of).await?;
    for table in OF_USER {
        remove(node, hub, Shard::User(of.user), (table, of.user.to_field()), |(row, value)| {
            match table == Table::BLOB_CLAIMS {
                true => unclaimed(of, row, value, node.now().unix_ms),
                false => None,
            }
        })
        .await?;
    }
    for table in OF_ORG_USER {
        let rows = (table, org_user(of.org, of.user));
        remove(node, hub, Shard::Org(of.org), rows, |_| None).await?;
    }
    remove_named(node, hub, of, subject).await?;
    // What is known in memory may be older.
    if let Some(cell) = node.users.cached(of.user) {
        cell.lose();
    }
    Ok(())
}

/// What they could still have sent is looked at now, and not when their claim would have been over.
fn unclaimed(of: Erasing, row: &[u8], value: &Bytes, now_ms: u64) -> Option<[Put; 2]> {
    let blob = BlobKey { org: of.org, hash: BlobHash::parse(row.get(16..)?).ok()? };
    let claim = ClaimRow::decode(value.clone()).ok()?;
    let end = due_end(blob, due_after(claim.at_ms), of.user);
    Some([end, due_put(blob, now_ms, of.user)])
}

/// Whoever sees their presence sees that they have set nothing. That row stays.
async fn forget_status(node: &Node, hub: &Arc<dyn Submit>, user: UserId) -> Result<(), Error> {
    let scan = Scan { reverse: true, ..Scan::prefix(Table::STATUS, user.to_field(), 1) };
    let rows = node.store.scan(scan).await.map_err(store_error)?;
    let Some((row, value)) = rows.into_iter().next() else { return Ok(()) };
    if value.is_empty() {
        return Ok(());
    }
    let number = trailing_seq(&row).unwrap_or_default() + 1;
    let nothing = PresenceSettings::default();
    let key = status_key(user, number);
    let value = Some(Bytes::from(nothing.encode_to_vec()));
    let puts = vec![
        Put { table: Table::STATUS, key: row, value: None },
        Put { table: Table::STATUS, key, value },
    ];
    let cell = node.users.get(&*node.store, user).await.map_err(store_error)?;
    let draft = UserDraft::of(&cell, &StatusChanged { settings: Some(nothing) }, puts);
    committed(hub, Draft::User(Box::new(draft))).await?;
    Ok(())
}

/// What events of a user's own log say goes; that there were some stays.
async fn erase_log(
    node: &Node,
    hub: &Arc<dyn Submit>,
    user: UserId,
    goes: impl Fn(&Event) -> bool,
) -> Result<(), Error> {
    let log = LogKey::User(user);
    let mut from = 1;
    loop {
        let range = ReadRange {
            from,
            to: SEQ_MAX,
            reverse: false,
            records_max: ERASURE_RECORDS,
            bytes_max: ITEM_BYTES,
        };
        let read = node.store.read(log, range).await.map_err(store_error)?;
        let Some(last) = read.last() else { return Ok(()) };
        from = last.seq + 1;
        let mut erases = Vec::new();
        for stored in read {
            let event = stored.record.map(Event::decode).transpose().ok().flatten();
            let Some(event) = event.filter(|event| !event.body.is_empty() && goes(event)) else {
                continue;
            };
            let header = event.header.unwrap_or_default();
            let header = EventHeader { flags: header.flags | FLAG_ERASED, ..header };
            erases.push(Erase { log, seq: stored.seq, record: event::compose(&header, &[]) });
        }
        if !erases.is_empty() {
            let rows = RowsDraft { erases, ..RowsDraft::new(Shard::User(user), vec![]) };
            commit(hub, rows).await?;
        }
    }
}

/// What they have asked of programs stands in those programs' own logs.
async fn erase_from_programs(node: &Node, hub: &Arc<dyn Submit>, of: Erasing) -> Result<(), Error> {
    let mut programs = Vec::new();
    each_row(&*node.store, Table::USERS, of.org.as_bytes(), |row, value| {
        let is_bot = UserRow::decode(value).ok()?.is_bot;
        is_bot.then_some(trailing_user(row)?).map(|program| programs.push(program))
    })
    .await
    .map_err(store_error)?;
    let asked = |event: &Event| {
        let user = match event.header.as_ref().map(|header| header.kind) {
            Some(kind) if kind == CommandInvoked::RULE.kind => {
                CommandInvoked::decode(event.body.clone()).map(|invoked| invoked.user)
            }
            Some(kind) if kind == ComponentUsed::RULE.kind => {
                ComponentUsed::decode(event.body.clone()).map(|used| used.user)
            }
            _ => return false,
        };
        user.is_ok_and(|user| user == of.user.as_bytes()[..])
    };
    for program in programs {
        erase_log(node, hub, program, asked).await?;
    }
    Ok(())
}

/// Removes the rows of a table whose key begins with that, and writes what follows from each.
async fn remove(
    node: &Node,
    hub: &Arc<dyn Submit>,
    shard: Shard,
    (table, prefix): (Table, Bytes),
    follows: impl Fn((&[u8], &Bytes)) -> Option<[Put; 2]>,
) -> Result<(), Error> {
    let mut scan = Scan::prefix(table, prefix, SCAN_ROWS);
    loop {
        let rows = node.store.scan(scan.clone()).await.map_err(store_error)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        scan.from = key(&[last, &[0]]);
        let mut puts = Vec::new();
        for (row, value) in rows {
            puts.extend(follows((&row, &value)).into_iter().flatten());
            puts.push(Put { table, key: row, value: None });
        }
        commit(hub, RowsDraft::new(shard, puts)).await?;
    }
}

/// Rows of the organization that are about them: codes of links, invites they took; and the name of whoever
/// made a program's key, where it was them.
async fn remove_named(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    subject: &str,
) -> Result<(), Error> {
    let (store, org) = (&*node.store, of.org.as_bytes());
    let mut puts = Vec::new();
    let gone = |table, row: &[u8]| Put { table, key: Bytes::copy_from_slice(row), value: None };
    let mut all: Result<(), StoreError> = each_row(store, Table::INVITE_USES, org, |row, _| {
        (trailing_user(row)? == of.user).then(|| puts.push(gone(Table::INVITE_USES, row)))
    })
    .await;
    all = all.and(
        each_row(store, Table::CODES, org, |row, value| {
            let is_theirs = CodeRow::decode(value).ok()?.user == of.user.as_bytes()[..];
            is_theirs.then(|| puts.push(gone(Table::CODES, row)))
        })
        .await,
    );
    all = all.and(
        each_row(store, Table::API_KEYS, org, |row, value| {
            let made = KeyRow::decode(value).ok().filter(|made| made.creator == subject)?;
            let made = KeyRow { creator: String::new(), ..made };
            let value = Some(made.encode_to_vec().into());
            puts.push(Put { value, ..gone(Table::API_KEYS, row) });
            Some(())
        })
        .await,
    );
    all.map_err(store_error)?;
    for puts in puts.chunks(SCAN_ROWS) {
        commit(hub, RowsDraft::new(Shard::Org(of.org), puts.to_vec())).await?;
    }
    Ok(())
}
