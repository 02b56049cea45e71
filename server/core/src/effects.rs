//! What follows from an event in other shards: entries in users' own logs, erasures. At least
//! once, deduplicated by (room, seq); the outbox row stays until all of it is done.

use std::{
    collections::{VecDeque, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use parlour_protocol::{
    event::{self, FLAG_ERASED},
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId},
    message::MessageEdited,
    preview::LinkPreviewsAdded,
    room::RoomLost,
    wire::{Event, EventHeader},
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    directory::rows::DirectoryJobRow,
    draft::{Draft, GainsRoom, Refused, RowsDraft, Submission, Submit, Then, UserDraft},
    holds::copy_of,
    inventory::each_row,
    limits::{ITEM_BYTES, SCAN_ROWS},
    node::Node,
    ports::store::{Erase, LogKey, Put, ReadRange, Scan, Shard, StoreError},
    records::{Effect, OutboxRow, key, room_seq, trailing_seq},
    tables::Table,
    told::{self, DirectoryJob},
};

/// What follows from something that was committed.
#[derive(Clone, Debug)]
pub enum Job {
    /// From an event of a room.
    Room(RoomJob),
    /// From a change of a directory.
    Directory(DirectoryJob),
}

/// What follows from one event of a room.
#[derive(Clone, Debug)]
pub struct RoomJob {
    /// The event's room.
    pub room: RoomId,
    /// The event.
    pub seq: u64,
    /// What follows.
    pub row: OutboxRow,
}

/// Jobs of one room are carried out one after the other: what follows from a removal must not come
/// behind what follows from joining again.
#[derive(Debug, Default)]
pub struct InOrder {
    // Rooms with a job under way, and what waits for it.
    rooms: Mutex<FxHashMap<RoomId, VecDeque<RoomJob>>>,
}

impl InOrder {
    /// Takes a job; hands it back if it is to be carried out now, and otherwise when its turn comes.
    pub fn push(&self, job: RoomJob) -> Option<RoomJob> {
        match self.rooms().entry(job.room) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push_back(job);
                None
            }
            Entry::Vacant(idle) => {
                idle.insert(VecDeque::new());
                Some(job)
            }
        }
    }

    /// The room's last job is submitted: its next one, if there is one.
    pub fn next(&self, room: RoomId) -> Option<RoomJob> {
        let mut rooms = self.rooms();
        let next = rooms.get_mut(&room).and_then(VecDeque::pop_front);
        if next.is_none() {
            rooms.remove(&room);
        }
        next
    }

    fn rooms(&self) -> MutexGuard<'_, FxHashMap<RoomId, VecDeque<RoomJob>>> {
        self.rooms.lock().expect("no panic while the lock is held")
    }
}

/// Counts the parts of a job; the last one done removes the outbox row.
struct Progress {
    left: AtomicUsize,
    failed: AtomicBool,
    room: RoomId,
    seq: u64,
    hub: Arc<dyn Submit>,
}

impl Progress {
    fn part_done(&self, result: &Result<(), ()>) {
        if result.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        let last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        // A row whose job failed stays, and is carried out again at the next start.
        if last && !self.failed.load(Ordering::Acquire) {
            let put = Put { table: Table::OUTBOX, key: room_seq(self.room, self.seq), value: None };
            self.hub.submit(Submission {
                draft: rows(Shard::Room(self.room), vec![put], vec![]),
                then: Then::Callback(Box::new(|_| {})),
            });
        }
    }
}

fn rows(shard: Shard, puts: Vec<Put>, erases: Vec<Erase>) -> Draft {
    Draft::Rows(Box::new(RowsDraft { erases, ..RowsDraft::new(shard, puts) }))
}

/// Carries out a job. That of a directory ends when all of it is committed, that of a room when
/// all of it is submitted.
pub async fn carry_out(node: &Node, hub: &Arc<dyn Submit>, job: &Job) -> Result<(), StoreError> {
    match job {
        Job::Room(job) => follow_event(node, hub, job, false).await,
        Job::Directory(job) => told::follow_change(node, hub, job).await,
    }
}

/// A job that is `late` comes after what was committed since, and doesn't contradict it.
async fn follow_event(
    node: &Node,
    hub: &Arc<dyn Submit>,
    job: &RoomJob,
    late: bool,
) -> Result<(), StoreError> {
    let mut drafts = Vec::new();
    for (part, effect) in job.row.effects.iter().enumerate() {
        for user in &effect.users {
            let Ok(user) = UserId::parse(user) else { continue };
            if late && is_overtaken(node, job.room, effect, user).await? {
                continue;
            }
            drafts.push(for_user(node, job, effect, part, user).await?);
        }
    }
    for target in &job.row.erase_amendments_of {
        let held_for = OrgId::parse(&job.row.held_for).ok();
        drafts.extend(erasure(node, job.room, *target, held_for).await?);
        drafts.extend(votes_gone(node, job.room, *target).await?);
    }
    let progress = Arc::new(Progress {
        // One more than there are parts, so that a job without parts ends too.
        left: AtomicUsize::new(drafts.len() + 1),
        failed: AtomicBool::new(false),
        room: job.room,
        seq: job.seq,
        hub: hub.clone(),
    });
    for draft in drafts {
        let progress = progress.clone();
        let then = Then::Callback(Box::new(move |result| {
            progress.part_done(&match result {
                // It was done before a crash.
                Ok(_) | Err(Refused::Exists) => Ok(()),
                Err(_) => Err(()),
            });
        }));
        hub.submit(Submission { draft, then });
    }
    progress.part_done(&Ok(()));
    Ok(())
}

/// Whether an effect says that the user is in the room and they aren't, or the other way round: a later
/// event has changed it, and what follows from that says so.
async fn is_overtaken(
    node: &Node,
    room: RoomId,
    effect: &Effect,
    user: UserId,
) -> Result<bool, StoreError> {
    let loses = effect.kind == RoomLost::RULE.kind;
    if !loses && !effect.gains_room {
        return Ok(false);
    }
    let room = node.rooms.get(&*node.store, room).await?;
    let is_in = room.is_some_and(|room| room.is_member(user));
    Ok(is_in == loses)
}

async fn for_user(
    node: &Node,
    job: &RoomJob,
    effect: &Effect,
    part: usize,
    user: UserId,
) -> Result<Draft, StoreError> {
    let done: Bytes = key(&[
        user.as_bytes(),
        job.room.as_bytes(),
        &job.seq.to_be_bytes(),
        &(part as u32).to_be_bytes(),
    ]);
    let mut puts =
        vec![Put { table: Table::DELIVERED, key: done.clone(), value: Some(Bytes::new()) }];
    for row in &effect.rows {
        let Some(table) = u8::try_from(row.table).ok().and_then(Table::from_id) else { continue };
        let key = key(&[user.as_bytes(), &row.rest]);
        puts.push(Put { table, key, value: row.present.then(|| row.value.clone()) });
    }
    let room = node.rooms.get(&*node.store, job.room).await?.filter(|_| effect.gains_room);
    let gains_room = room.map(|cell| GainsRoom { cell, seq: job.seq });
    let cell = node.users.get(&*node.store, user).await?;
    Ok(Draft::User(Box::new(UserDraft {
        puts,
        absent: vec![(Table::DELIVERED, done)],
        gains_room,
        ..UserDraft::new(cell, effect.kind, effect.body.clone())
    })))
}

/// Erases the text of every edit of a deleted message, and what its links' previews say. None of them can
/// come after the delete. Where it is held, a copy is kept.
pub(crate) async fn erasure(
    node: &Node,
    room: RoomId,
    target: u64,
    held_for: Option<OrgId>,
) -> Result<Vec<Draft>, StoreError> {
    let mut drafts = Vec::new();
    let prefix = key(&[room.as_bytes(), &target.to_be_bytes()]);
    let mut scan = Scan::prefix(Table::AMENDMENTS, prefix, SCAN_ROWS);
    loop {
        let index = node.store.scan(scan.clone()).await?;
        for (row, kind) in &index {
            let kinds = [MessageEdited::RULE.kind, LinkPreviewsAdded::RULE.kind];
            let has_text = kinds.iter().any(|told| kind[..] == told.to_be_bytes());
            let Some(seq) = trailing_seq(row).filter(|_| has_text) else { continue };
            if let Some((whole, record)) = erased(node, room, seq).await? {
                let erase = Erase { log: LogKey::Room(room), seq, record };
                // Of what was read here: by now it may be erased.
                let kept = held_for.map(|org| copy_of(org, room, seq, whole));
                drafts.push(rows(Shard::Room(room), kept.into_iter().collect(), vec![erase]));
            }
        }
        let Some((row, _)) = index.last().filter(|_| index.len() == SCAN_ROWS) else {
            return Ok(drafts);
        };
        scan.from = key(&[row, &[0]]);
    }
}

/// Removes what was chosen in the poll of a deleted message. No vote can come after the delete.
async fn votes_gone(node: &Node, room: RoomId, target: u64) -> Result<Vec<Draft>, StoreError> {
    let mut drafts = Vec::new();
    let mut scan = Scan::prefix(Table::POLL_VOTES, room_seq(room, target), SCAN_ROWS);
    loop {
        let votes = node.store.scan(scan.clone()).await?;
        let gone = |(row, _): &(Bytes, Bytes)| Put {
            table: Table::POLL_VOTES,
            key: row.clone(),
            value: None,
        };
        let puts: Vec<Put> = votes.iter().map(gone).collect();
        if !puts.is_empty() {
            drafts.push(rows(Shard::Room(room), puts, vec![]));
        }
        let Some((row, _)) = votes.last().filter(|_| votes.len() == SCAN_ROWS) else {
            return Ok(drafts);
        };
        scan.from = key(&[row, &[0]]);
    }
}

/// The record with and without its body, or `None` if there is nothing to erase.
async fn erased(node: &Node, room: RoomId, seq: u64) -> Result<Option<(Bytes, Bytes)>, StoreError> {
    let range =
        ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: ITEM_BYTES };
    let read = node.store.read(LogKey::Room(room), range).await?;
    let Some(whole) = read.into_iter().next().and_then(|stored| stored.record) else {
        return Ok(None);
    };
    let event = Event::decode(whole.clone()).ok();
    let Some(Event { header: Some(header), body }) = event else { return Ok(None) };
    if body.is_empty() {
        return Ok(None);
    }
    let header = EventHeader { flags: header.flags | FLAG_ERASED, ..header };
    Ok(Some((whole, event::compose(&header, &[]))))
}

/// Carries out what was left undone, at the start: before it, nothing may be submitted. What it
/// returns is carried out meanwhile.
pub async fn recover(
    node: &Node,
    hub: &Arc<dyn Submit>,
) -> Result<(usize, Vec<DirectoryJob>), StoreError> {
    node.recall_time().await?;
    node.recall_quotas().await?;
    let mut jobs = Vec::new();
    each_row(&*node.store, Table::OUTBOX, &[], |row, value| {
        let room = row.get(..16).and_then(|room| RoomId::parse(room).ok());
        let row = OutboxRow::decode(value).ok().zip(trailing_seq(row));
        // A damaged row never hides the others.
        jobs.extend(room.zip(row).map(|(room, (row, seq))| RoomJob { room, seq, row }));
        Some(())
    })
    .await?;
    for job in &jobs {
        follow_event(node, hub, job, true).await?;
    }
    let mut directory_jobs = Vec::new();
    each_row(&*node.store, Table::DIRECTORY_OUTBOX, &[], |row, value| {
        let row = DirectoryJob::place(row).zip(DirectoryJobRow::decode(value).ok());
        directory_jobs.extend(row.map(|((org, seq, part), row)| DirectoryJob {
            org,
            seq,
            part,
            row,
        }));
        Some(())
    })
    .await?;
    Ok((jobs.len() + directory_jobs.len(), directory_jobs))
}

#[cfg(test)]
#[path = "effects_tests.rs"]
mod tests;
