//! What is kept of a user for themselves: their own log, their rows, their account.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    account::KnockState,
    event::{self, FLAG_ERASED},
    generated::EventMessage,
    ids::UserId,
    interaction::{CommandInvoked, ComponentUsed},
    presence::{PresenceSettings, StatusChanged},
    wire::{Error, Event, EventHeader},
};
use prost::Message;

use super::{Erasing, ErasureRow, commit, commit_all, some_from};
use crate::{
    accounts::{
        passkeys::owner_end,
        rows::{CodeRow, KeyRow, UseRow},
    },
    blobs::rows::{due_end, due_put, parse_due},
    done::committed,
    draft::{Draft, Refused, RowsDraft, Submit, UserDraft, store_error},
    inventory::each_row,
    limits::{RERUNS_MAX, SCAN_ROWS},
    node::Node,
    ports::store::{Erase, LogKey, Put, Scan, Shard},
    presence::{last_seen_put, status_key},
    records::{UserRow, key, org_user, trailing_seq, trailing_user},
    reports::reports_about,
    scheduled::ScheduledRow,
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
const OF_ORG_USER: [Table; 7] = [
    Table::ACCOUNTS,
    Table::LOGINS,
    Table::PASSKEYS,
    Table::API_KEYS,
    Table::ACCOUNT_STEPS,
    Table::COMMANDS,
    Table::CAME_IN,
];

/// Erases all of it. The log comes last: what is removed before it is told there no more.
pub(super) async fn erase(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    row: &ErasureRow,
) -> Result<(), Error> {
    for table in OF_USER {
        remove(node, hub, Shard::User(of.user), (table, of.user.to_field()), |row, value| {
            let now_ms = node.now().unix_ms;
            match table {
                Table::SCHEDULED => unscheduled(of, row, value, now_ms).unwrap_or_default(),
                _ => vec![],
            }
        })
        .await?;
    }
    for table in OF_ORG_USER {
        let rows = (table, org_user(of.org, of.user));
        remove(node, hub, Shard::Org(of.org), rows, |row, _| match table {
            Table::PASSKEYS => vec![owner_end(Bytes::copy_from_slice(&row[32..]))],
            _ => vec![],
        })
        .await?;
    }
    release_files(node, hub, of).await?;
    remove_named(node, hub, of, &row.subject).await?;
    keys_without(node, hub, of, &row.subject).await?;
    erase_from_programs(node, hub, of, &row.programs).await?;
    forget_status(node, hub, of.user).await?;
    erase_log(node, hub, of.user, |_| true).await?;
    // What is known in memory may be older.
    if let Some(cell) = node.users.cached(of.user) {
        cell.lose();
    }
    Ok(())
}

/// A scheduled message keeps its attachments no more.
fn unscheduled(of: Erasing, row: &[u8], value: &Bytes, now_ms: u64) -> Option<Vec<Put>> {
    let id = row.get(16..)?.try_into().ok()?;
    let scheduled = ScheduledRow::decode(value.clone()).ok()?;
    Some(scheduled.uses_end((of.org, of.user), id, now_ms))
}

/// What they could still have sent is looked at now, and not when their claims would have been over.
async fn release_files(node: &Node, hub: &Arc<dyn Submit>, of: Erasing) -> Result<(), Error> {
    let mut puts = Vec::new();
    let now_ms = node.now().unix_ms;
    each_row(&*node.store, Table::BLOB_DUE, of.org.as_bytes(), |row, _| {
        let (blob, due_ms) = parse_due(row).filter(|(_, due_ms)| *due_ms > now_ms)?;
        let is_theirs = trailing_user(row)? == of.user;
        is_theirs
            .then(|| puts.extend([due_end(blob, due_ms, of.user), due_put(blob, now_ms, of.user)]))
    })
    .await
    .map_err(store_error)?;
    commit_all(hub, of.org, puts).await
}

/// Whoever sees their presence sees that they have set nothing. That row stays.
async fn forget_status(node: &Node, hub: &Arc<dyn Submit>, user: UserId) -> Result<(), Error> {
    let scan = Scan { reverse: true, ..Scan::prefix(Table::STATUS, user.to_field(), 1) };
    let rows = node.store.scan(scan).await.map_err(store_error)?;
    let before = rows.into_iter().next().map(|(row, _)| row);
    let number = before.as_ref().and_then(|row| trailing_seq(row)).unwrap_or_default() + 1;
    let nothing = PresenceSettings::default();
    let value = Some(Bytes::from(nothing.encode_to_vec()));
    let mut puts = vec![
        Put { table: Table::STATUS, key: status_key(user, number), value },
        last_seen_put(user, None),
    ];
    puts.extend(before.map(|key| Put { table: Table::STATUS, key, value: None }));
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
        let read = node.store.read(log, some_from(from)).await.map_err(store_error)?;
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

/// What they have asked of programs stands in those programs' own logs: of those with an account, with
/// commands, and of whoever has sent messages with components.
async fn erase_from_programs(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    others: &[Bytes],
) -> Result<(), Error> {
    let mut programs: BTreeSet<UserId> =
        others.iter().filter_map(|user| UserId::parse(user).ok()).collect();
    each_row(&*node.store, Table::USERS, of.org.as_bytes(), |row, value| {
        let is_bot = UserRow::decode(value).ok()?.is_bot;
        programs.extend(is_bot.then_some(trailing_user(row)?));
        Some(())
    })
    .await
    .map_err(store_error)?;
    each_row(&*node.store, Table::COMMANDS, of.org.as_bytes(), |row, _| {
        programs.insert(trailing_user(row)?);
        Some(())
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
    follows: impl Fn(&[u8], &Bytes) -> Vec<Put>,
) -> Result<(), Error> {
    let mut scan = Scan::prefix(table, prefix, SCAN_ROWS);
    loop {
        let rows = node.store.scan(scan.clone()).await.map_err(store_error)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        scan.from = key(&[last, &[0]]);
        let mut puts = Vec::new();
        for (row, value) in rows {
            puts.extend(follows(&row, &value));
            puts.push(Put { table, key: row, value: None });
        }
        commit(hub, RowsDraft::new(shard, puts)).await?;
    }
}

/// Rows of the organization that are about them: codes of links, invites they took, reports.
async fn remove_named(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    subject: &str,
) -> Result<(), Error> {
    let (store, org) = (&*node.store, of.org.as_bytes());
    let mut puts = Vec::new();
    let put = |table, row: &[u8], value| Put { table, key: Bytes::copy_from_slice(row), value };
    let uses = each_row(store, Table::INVITE_USES, org, |row, value| {
        if trailing_user(row)? != of.user {
            return None;
        }
        // That it was taken stays, or it could be taken once more.
        let UseRow { at_ms, state, .. } = UseRow::decode(value).unwrap_or_default();
        let state = match KnockState::try_from(state) {
            Ok(KnockState::Joined) => KnockState::Joined,
            _ => KnockState::Declined,
        };
        let left = UseRow { at_ms, state: state as i32, ..UseRow::default() };
        puts.push(put(Table::INVITE_USES, row, Some(left.encode_to_vec().into())));
        Some(())
    })
    .await;
    let codes = each_row(store, Table::CODES, org, |row, value| {
        let is_theirs = CodeRow::decode(value).ok()?.user == of.user.as_bytes()[..];
        is_theirs.then(|| puts.push(put(Table::CODES, row, None)))
    })
    .await;
    uses.and(codes).map_err(store_error)?;
    let reports = reports_about(store, of.org, (of.user, subject)).await;
    puts.extend(reports.map_err(store_error)?);
    commit_all(hub, of.org, puts).await
}

/// Where they made a program's key, it has their id.
async fn keys_without(
    node: &Node,
    hub: &Arc<dyn Submit>,
    of: Erasing,
    subject: &str,
) -> Result<(), Error> {
    if subject.is_empty() {
        // It was done before.
        return Ok(());
    }
    let mut owners = BTreeSet::new();
    each_row(&*node.store, Table::API_KEYS, of.org.as_bytes(), |row, value| {
        let is_theirs = KeyRow::decode(value).ok()?.creator == subject;
        owners.extend(is_theirs.then_some(UserId::parse(row.get(16..32)?).ok()?));
        Some(())
    })
    .await
    .map_err(store_error)?;
    for owner in owners {
        // Another change of the account meanwhile stands: it is decided again.
        for rerun in 0.. {
            let Some(account) = node.account(of.org, owner).await? else { break };
            let mut puts = Vec::new();
            each_row(&*node.store, Table::API_KEYS, &org_user(of.org, owner), |row, value| {
                let key = KeyRow::decode(value).ok().filter(|key| key.creator == subject)?;
                let row = Bytes::copy_from_slice(row);
                let value = KeyRow { creator: of.user.to_string(), ..key }.encode_to_vec();
                puts.push(Put { table: Table::API_KEYS, key: row, value: Some(value.into()) });
                Some(())
            })
            .await
            .map_err(store_error)?;
            let absent = vec![account.guard()];
            let rows = RowsDraft { absent, ..RowsDraft::new(Shard::Org(of.org), puts) };
            match committed(hub, Draft::Rows(Box::new(rows))).await {
                Ok(_) => break,
                Err(Refused::Exists | Refused::Stale) if rerun < RERUNS_MAX => {}
                Err(refused) => return Err(refused.into()),
            }
        }
    }
    Ok(())
}
