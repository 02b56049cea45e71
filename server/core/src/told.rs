//! What users' own logs and rooms' logs say of the directory. The directory decides who is in a
//! room; this follows after it, at least once, so that whoever was away learns what changed.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    marker::Marker,
    room::{RoomGained, RoomLost},
};
use prost::Message;

use crate::{
    directory::{
        DirectoryCell,
        rows::{DirectoryJobRow, RoomNotice, outbox_key},
    },
    done::AllDone,
    draft::{
        Draft, GainsRoom, Guard, NewEvent, Refused, RoomDraft, RowsDraft, Submission, Submit,
        Tells, Then, UserDraft,
    },
    handing_over::hand_over,
    introduction::introduce_everyone,
    limits::{SCAN_ROWS, TOLD_AT_ONCE},
    node::Node,
    ports::store::{Put, Scan, Shard, StoreError},
    records::{key, user_room},
    rooms::RoomCell,
    tables::Table,
};

/// What follows from one change of a directory.
#[derive(Clone, Debug)]
pub struct DirectoryJob {
    /// Whose directory.
    pub org: OrgId,
    /// The organization's event.
    pub seq: u64,
    /// Which part of what follows from it.
    pub part: u32,
    /// What follows.
    pub row: DirectoryJobRow,
}

impl DirectoryJob {
    /// Organization, seq and part out of the key of a row.
    pub fn place(key: &[u8]) -> Option<(OrgId, u64, u32)> {
        let org = OrgId::parse(key.get(..16)?).ok()?;
        let seq = key.get(16..24)?.try_into().ok().map(u64::from_be_bytes)?;
        let part = key.get(24..28)?.try_into().ok().map(u32::from_be_bytes)?;
        Some((org, seq, part))
    }
}

/// Carries out a job: rooms are told first, then users, some at a time.
pub async fn follow_change(
    node: &Node,
    hub: &Arc<dyn Submit>,
    job: &DirectoryJob,
) -> Result<(), StoreError> {
    let directory = node.directory(job.org).await?;
    let mut drafts = Vec::new();
    for notice in &job.row.notices {
        drafts.extend(notice_draft(node, job, notice).await?);
    }
    let mut well = submit_all(hub, drafts).await;
    if job.row.everyone {
        well &= introduce_everyone(node, hub, &directory).await?;
    }
    for over in &job.row.hand_overs {
        well &= hand_over(node, hub, job.org, over).await?;
    }
    let mut users: Vec<UserId> =
        job.row.users.iter().filter_map(|user| UserId::parse(user).ok()).collect();
    for subtree in job.row.subtrees.iter().filter_map(|id| RoomId::parse(id).ok()) {
        users.extend(directory.read(|directory| directory.users_of_subtree(subtree)));
    }
    for some in users.chunks(TOLD_AT_ONCE) {
        let mut drafts = Vec::new();
        for user in some {
            drafts.extend(tell_user(node, &directory, *user).await?);
        }
        well &= submit_all(hub, drafts).await;
    }
    if well {
        let key = outbox_key(job.org, job.seq, job.part);
        let put = Put { table: Table::DIRECTORY_OUTBOX, key, value: None };
        let draft = RowsDraft::new(Shard::Org(job.org), vec![put]);
        submit_all(hub, vec![Draft::Rows(Box::new(draft))]).await;
    }
    Ok(())
}

/// Submits drafts and waits until each is committed, or is so already.
pub(crate) async fn submit_all(hub: &Arc<dyn Submit>, drafts: Vec<Draft>) -> bool {
    let all = AllDone::default();
    drafts.iter().for_each(|_| all.expect_one());
    for draft in drafts {
        let all = all.clone();
        let then = Then::Callback(Box::new(move |result| {
            // What exists was done before; what is stale is another job's, which comes later.
            all.one_done(matches!(result, Ok(_) | Err(Refused::Exists | Refused::Stale)));
        }));
        hub.submit(Submission { draft, then });
    }
    all.await
}

/// An event for a room's log, once.
async fn notice_draft(
    node: &Node,
    job: &DirectoryJob,
    notice: &RoomNotice,
) -> Result<Option<Draft>, StoreError> {
    let (Ok(room), Ok(sender)) = (RoomId::parse(&notice.room), UserId::parse(&notice.sender))
    else {
        return Ok(None);
    };
    let Some(cell) = node.room(job.org, room).await? else { return Ok(None) };
    let event = NewEvent::new(sender, notice.kind, notice.body.clone());
    let mut draft = RoomDraft::new(cell, Guard::Open, event);
    let done = key(&[room.as_bytes(), &job.seq.to_be_bytes(), &notice.kind.to_be_bytes()]);
    draft.absent.push((Table::NOTICED, done.clone()));
    draft.puts.push(Put { table: Table::NOTICED, key: done, value: Some(Bytes::new()) });
    Ok(Some(Draft::Room(Box::new(draft))))
}

/// What the user's own log has to say so that it fits the directory as it is now. Whoever was
/// never here has no log to follow: they are told when they come.
pub(crate) async fn tell_user(
    node: &Node,
    directory: &DirectoryCell,
    user: UserId,
) -> Result<Vec<Draft>, StoreError> {
    let row = node.user_row(directory.org, user).await?;
    if !row.is_some_and(|row| row.seen) {
        return Ok(vec![]);
    }
    let told = told_rooms(node, user).await?;
    let rooms = directory.read(|directory| directory.rooms_of(user));
    let mut drafts = Vec::new();
    for room in rooms.iter().filter(|room| !told.contains(room)) {
        if let Some(cell) = node.room(directory.org, *room).await? {
            drafts.push(gained(node, cell, user).await?);
        }
    }
    for room in told.into_iter().filter(|room| !rooms.contains(room)) {
        drafts.push(lost(node, directory.org, room, user).await?);
    }
    Ok(drafts)
}

async fn told_rooms(node: &Node, user: UserId) -> Result<Vec<RoomId>, StoreError> {
    let mut rooms = Vec::new();
    let mut scan = Scan::prefix(Table::TOLD_ROOMS, user.to_field(), SCAN_ROWS);
    loop {
        let rows = node.store.scan(scan.clone()).await?;
        rooms.extend(rows.iter().filter_map(|(key, _)| RoomId::parse(key.get(16..)?).ok()));
        let Some((last, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(rooms);
        };
        scan.from = key(&[last, &[0]]);
    }
}

async fn gained(node: &Node, cell: Arc<RoomCell>, user: UserId) -> Result<Draft, StoreError> {
    let row = user_room(user, cell.id);
    let (room, head) = cell.describe_at_head(user);
    let told = Put { table: Table::TOLD_ROOMS, key: row.clone(), value: Some(Bytes::new()) };
    let mut puts = vec![told];
    // What was said before they came is history, not unread.
    if node.store.get(Table::MARKERS, &row).await?.is_none() {
        let marker = Marker {
            seq: head.seq,
            msg_no: head.msg_no,
            bcast_no: head.bcast_no,
            set_at_seq: head.seq,
            at_ms: 0,
        };
        let value = Some(marker.encode_to_vec().into());
        puts.push(Put { table: Table::MARKERS, key: row.clone(), value });
    }
    let body = RoomGained { room: Some(room), seq: head.seq };
    let log = node.users.get(&*node.store, user).await?;
    Ok(Draft::User(Box::new(UserDraft {
        puts,
        absent: vec![(Table::TOLD_ROOMS, row)],
        tells: Some(Tells { org: cell.org, room: cell.id, is_member: true }),
        gains_room: Some(GainsRoom { cell, seq: head.seq }),
        ..UserDraft::new(log, RoomGained::RULE.kind, body.encode_to_vec().into())
    })))
}

async fn lost(node: &Node, org: OrgId, room: RoomId, user: UserId) -> Result<Draft, StoreError> {
    let seq = node.room(org, room).await?.map_or(0, |cell| cell.head().seq);
    let row = user_room(user, room);
    let gone = |table| Put { table, key: row.clone(), value: None };
    let log = node.users.get(&*node.store, user).await?;
    let body = RoomLost { room: room.to_field(), seq };
    Ok(Draft::User(Box::new(UserDraft {
        puts: [Table::TOLD_ROOMS, Table::MARKERS, Table::ROOM_SETTINGS].map(gone).into(),
        tells: Some(Tells { org, room, is_member: false }),
        ..UserDraft::new(log, RoomLost::RULE.kind, body.encode_to_vec().into())
    })))
}
