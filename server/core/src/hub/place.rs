//! Placing: drafts get sequence numbers, times and counters, and become batches.

use bytes::Bytes;
use parlour_protocol::{
    event::{self, FLAG_EVERYONE, FLAG_GROUPS},
    generated::{EventMessage, event_rule},
    ids::{ClientRef, OrgId, RoomId, UserId},
    message::MessagesDeleted,
    thread::Thread,
    wire::EventHeader,
};
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Hub, poll::put_poll, thread::put_thread};
use crate::{
    access::Bits,
    directory::rows::outbox_key,
    draft::{
        Basis, Committed, Draft, Guard, OrgDraft, Place, Refused, RoomDraft, Submission, Tells,
        Then, UserDraft,
    },
    limits,
    polls::PollRow,
    ports::{
        clock::Now,
        store::{Append, Batch, LogKey, Put, Shard, StoreError},
    },
    quotas::Growing,
    records::{Counters, LogTimeRow, OutboxRow, SendRow, StampRow, key, room_seq, room_user},
    rooms::RoomCell,
    tables::Table,
    threads::ThreadChange,
};

/// A draft with its place, on its way to the store.
pub(super) struct Placed {
    pub(super) submission: Submission,
    pub(super) next: Counters,
    pub(super) record: Bytes,
    pub(super) outbox: Option<OutboxRow>,
    // What its thread is once it is committed.
    pub(super) thread: Option<Thread>,
    // The same of its poll.
    pub(super) poll: Option<PollRow>,
}

/// What earlier drafts of the group have changed already.
#[derive(Default)]
pub(super) struct Overlay {
    heads: FxHashMap<LogKey, Counters>,
    refs: FxHashSet<(RoomId, UserId, ClientRef)>,
    // Who sends in slow mode: the next of them waits for the next group.
    paced: FxHashSet<(RoomId, UserId)>,
    pub(super) threads: FxHashMap<(RoomId, u64), Thread>,
    // Polls, and who votes in them: their next vote waits for the next group.
    pub(super) polls: FxHashMap<(RoomId, u64), (PollRow, FxHashSet<UserId>)>,
    // Rooms in which what follows waits for the next group: members or record change, or
    // something waits already and must not be overtaken.
    closed: FxHashSet<RoomId>,
    // Organizations whose directory changes: all that leans on it waits for the next group.
    closed_orgs: FxHashSet<OrgId>,
    // Users of whom something changes that is decided on: the next such waits for the next group.
    closed_users: FxHashSet<UserId>,
    growing: Growing,
    bytes: usize,
    // The log time of everything in the group.
    changed_ms: u64,
}

enum Turn {
    Placed(Box<Placed>, Box<Batch>),
    Refused(Then, Refused),
    Later(Submission),
    // Nothing is to be done.
    Settled(Then),
}

impl Hub {
    /// Places as many pending drafts as fit one group. `None` if every one was refused.
    pub(super) fn place_group(&mut self, now: Now) -> Option<Vec<Batch>> {
        let mut overlay =
            Overlay { changed_ms: self.node.log_time.begin(now.unix_ms), ..Overlay::default() };
        let (mut placed, mut batches, mut later) = (vec![], vec![], vec![]);
        while placed.len() < limits::GROUP_DRAFTS_MAX && overlay.bytes < limits::GROUP_BYTES_MAX {
            let Some(submission) = self.pending.pop_front() else { break };
            match self.place(submission, &mut overlay, now) {
                Turn::Placed(place, batch) => {
                    placed.push(*place);
                    batches.push(*batch);
                }
                Turn::Refused(then, refused) => self.refuse(then, refused),
                Turn::Later(submission) => later.push(submission),
                Turn::Settled(then) => self.answer(then, Committed::default()),
            }
        }
        for submission in later.into_iter().rev() {
            self.pending.push_front(submission);
        }
        if batches.is_empty() {
            self.node.log_time.end();
            return None;
        }
        if self.node.log_time.is_floor_due(overlay.changed_ms) {
            self.floor_ms = Some(overlay.changed_ms);
            batches.push(floor(overlay.changed_ms));
        }
        self.group = Some(placed);
        Some(batches)
    }

    fn place(&self, submission: Submission, overlay: &mut Overlay, now: Now) -> Turn {
        if let Then::Reply { again, .. } = &submission.then
            && again.is_chain_broken()
        {
            return Turn::Refused(submission.then, Refused::ChainBroken);
        }
        if let Then::Reply { conn, .. } = &submission.then
            && self.is_revoked(*conn)
        {
            return Turn::Refused(submission.then, Refused::Revoked);
        }
        if overlay.draft_must_wait(&submission.draft) {
            return Turn::Later(submission);
        }
        let checked = self.check_draft(&submission.draft, now);
        let grown = |()| overlay.growing.take(&self.node.quotas, &submission.draft);
        if let Err(refused) = checked.and_then(grown) {
            return Turn::Refused(submission.then, refused);
        }
        match &submission.draft {
            Draft::Room(_) => place_room(submission, overlay, now),
            Draft::User(_) => place_user(submission, overlay, now),
            Draft::Org(_) => place_org(submission, overlay, now),
            Draft::Rows(_) => place_rows(submission, now),
            Draft::Subscribe(_) | Draft::Presence(_) | Draft::Sessions(_) | Draft::Signal(_) => {
                Turn::Refused(submission.then, Refused::Stale)
            }
            Draft::Settled(_) => Turn::Settled(submission.then),
        }
    }

    /// Whether what a draft was decided on still holds.
    fn check_draft(&self, draft: &Draft, now: Now) -> Result<(), Refused> {
        let holds = match draft {
            Draft::Room(draft) => return self.check(draft, now),
            Draft::User(draft) => return self.check_user(draft),
            Draft::Org(draft) => !draft.cell.is_lost() && draft.cell.head().seq == draft.version,
            Draft::Rows(draft) => draft.keeping.is_none_or(|at| self.keeps(at)),
            Draft::Settled(draft) if draft.basis.holds() => match draft.error.clone() {
                Some(error) => return Err(Refused::Decided(Box::new(error))),
                None => true,
            },
            Draft::Settled(_) => false,
            Draft::Subscribe(_) | Draft::Presence(_) | Draft::Sessions(_) | Draft::Signal(_) => {
                true
            }
        };
        if holds { Ok(()) } else { Err(Refused::Stale) }
    }

    fn check(&self, draft: &RoomDraft, now: Now) -> Result<(), Refused> {
        if draft.cell.is_lost() {
            return Err(Refused::Store(StoreError::Unavailable));
        }
        let is_at = |version| self.keeps((draft.cell.org, version));
        let is_old = |after| draft.cell.last_paced(draft.event.sender) > after;
        if draft.thread.as_ref().is_some_and(|thread| thread.cell.is_lost())
            || draft.poll.as_ref().is_some_and(|poll| poll.is_stale(now.unix_ms))
            || draft.paced_after.is_some_and(is_old)
            || !draft.keeping.is_none_or(is_at)
        {
            return Err(Refused::Stale);
        }
        self.check_guard(&draft.cell, draft.guard)
    }

    /// Whether what the organization keeps is still at that version.
    fn keeps(&self, (org, version): (OrgId, u64)) -> bool {
        self.node.directories.cached(org).is_some_and(|cell| cell.keeping() == version)
    }

    /// Whether what is to be written into a room, or told there, still may be.
    pub(super) fn check_guard(&self, cell: &RoomCell, guard: Guard) -> Result<(), Refused> {
        match guard {
            Guard::Sender { user, version, needs } => {
                let (is_in, archived, same) = cell.read(|room| {
                    (room.members.contains(&user), room.archived, room.version == version)
                });
                match (is_in, archived, same || self.still_may(cell, user, needs)) {
                    (false, ..) => Err(Refused::NotMember),
                    (true, true, _) => Err(Refused::Archived),
                    (true, false, false) => Err(Refused::NotAllowed),
                    (true, false, true) => Ok(()),
                }
            }
            Guard::Open => Ok(()),
            Guard::Unarchived if cell.read(|room| room.archived) => Err(Refused::Archived),
            Guard::Unarchived => Ok(()),
            Guard::Version(version) if cell.read(|s| s.version) == version => Ok(()),
            Guard::New if self.node.rooms.cached(cell.id).is_none() => Ok(()),
            Guard::Version(_) | Guard::New => Err(Refused::Stale),
        }
    }

    fn check_user(&self, draft: &UserDraft) -> Result<(), Refused> {
        if draft.cell.is_lost() {
            return Err(Refused::Store(StoreError::Unavailable));
        }
        let holds = draft.version.is_none_or(|version| version == draft.cell.version());
        let is_so = |tells| self.is_so(draft.cell.id, tells);
        if holds && draft.tells.is_none_or(is_so) { Ok(()) } else { Err(Refused::Stale) }
    }

    /// Whether the sender has the permissions now that something about the room has changed.
    fn still_may(&self, room: &RoomCell, user: UserId, needs: Bits) -> bool {
        let directory = self.node.directories.cached(room.org);
        directory.is_some_and(|cell| cell.permissions(room, user).has_all(needs))
    }

    /// Whether the directory says so now.
    fn is_so(&self, user: UserId, tells: Tells) -> bool {
        let directory = self.node.directories.cached(tells.org);
        directory.is_some_and(|cell| {
            cell.read(|directory| directory.is_member(tells.room, user)) == tells.is_member
        })
    }
}

impl Overlay {
    /// Whether a draft waits for the next group.
    fn draft_must_wait(&mut self, draft: &Draft) -> bool {
        match draft {
            Draft::Room(draft) => {
                let waits = self.must_wait(draft);
                if waits {
                    self.closed.insert(draft.cell.id);
                }
                waits
            }
            Draft::User(draft) => self.user_must_wait(draft),
            Draft::Org(draft) => self.closed_orgs.contains(&draft.cell.org),
            Draft::Rows(draft) => {
                draft.keeping.is_some_and(|(org, _)| self.closed_orgs.contains(&org))
            }
            Draft::Settled(draft) => self.changes(&draft.basis),
            Draft::Subscribe(_) | Draft::Presence(_) | Draft::Sessions(_) | Draft::Signal(_) => {
                false
            }
        }
    }

    fn must_wait(&self, draft: &RoomDraft) -> bool {
        let room = draft.cell.id;
        let same_ref = draft.event.client_ref.is_some_and(|(client_ref, _)| {
            self.refs.contains(&(room, draft.event.sender, client_ref))
        });
        let org_changes =
            !self.closed_orgs.is_empty() && self.closed_orgs.contains(&draft.cell.org);
        let paced = draft.paced_after.is_some() && self.paced.contains(&(room, draft.event.sender));
        same_ref
            || paced
            || org_changes
            || self.poll_must_wait(draft)
            || self.closed.contains(&room)
    }

    fn user_must_wait(&self, draft: &UserDraft) -> bool {
        let org_changes = draft.tells.is_some_and(|tells| self.closed_orgs.contains(&tells.org));
        org_changes || draft.version.is_some() && self.closed_users.contains(&draft.cell.id)
    }

    /// Whether something of the group changes what a decision rests on.
    fn changes(&self, basis: &Basis) -> bool {
        match basis {
            Basis::Room(cell, _) => {
                self.closed.contains(&cell.id) || self.closed_orgs.contains(&cell.org)
            }
            Basis::User(cell, _) => self.closed_users.contains(&cell.id),
        }
    }

    fn head(&self, log: LogKey, committed: impl FnOnce() -> Counters) -> Counters {
        self.heads.get(&log).copied().unwrap_or_else(committed)
    }
}

fn place_room(submission: Submission, overlay: &mut Overlay, now: Now) -> Turn {
    let Draft::Room(draft) = &submission.draft else { unreachable!("called for room drafts") };
    let (room, event) = (draft.cell.id, &draft.event);
    let log = LogKey::Room(room);
    let head = overlay.head(log, || draft.cell.head());
    let is_reply = draft.thread.as_ref().is_some_and(|t| t.change == ThreadChange::Reply);
    let countable = !is_reply && event_rule(event.kind).is_some_and(|rule| rule.countable);
    let next = Counters {
        seq: head.seq + 1,
        at_ms: now.unix_ms.max(head.at_ms),
        changed_ms: overlay.changed_ms,
        news_ms: if event.kind == MessagesDeleted::RULE.kind { head.news_at_ms() } else { 0 },
        msg_no: head.msg_no + u64::from(countable),
        bcast_no: head.bcast_no + u64::from(countable && event.everyone),
        del_no: head.del_no + if event.deletes { event.targets().len() as u64 } else { 0 },
    };
    let thread = draft.thread.as_ref().map(|thread| overlay.thread(draft, thread, next));
    let poll = draft.poll.as_ref().map(|poll| overlay.poll(poll, next));
    let thread_no = thread.as_ref().filter(|_| is_reply).map_or(0, |thread| thread.thread_no);
    let header = header(draft, next, thread_no);
    let record = event::compose(&header, &event.body);
    let outbox = outbox_row(draft, Place { seq: next.seq, thread_no, at_ms: next.at_ms });
    let mut batch = Batch {
        absent: draft.absent.clone(),
        appends: vec![append(log, head, next, &record)],
        puts: draft.puts.clone(),
        erases: draft.erases.clone(),
        ..Batch::new(Shard::Room(room))
    };
    for (table, prefix, value) in &draft.seq_puts {
        let key = key(&[prefix, &next.seq.to_be_bytes()]);
        batch.puts.push(Put { table: *table, key, value: Some(value.clone()) });
    }
    batch.puts.extend(draft.stamps.iter().map(|row| stamp(row, &header)));
    if let Some((client_ref, fingerprint)) = event.client_ref {
        let key = key(&[room.as_bytes(), event.sender.as_bytes(), client_ref.as_bytes()]);
        let row = SendRow { seq: next.seq, at_ms: next.at_ms, fingerprint };
        batch.absent.push((Table::SENDS, key.clone()));
        batch.puts.push(Put { table: Table::SENDS, key, value: Some(row.encode_to_vec().into()) });
        overlay.refs.insert((room, event.sender, client_ref));
    }
    if countable {
        let key = room_user(room, event.sender);
        let sent = Counters { changed_ms: 0, news_ms: 0, ..next };
        let value = Some(sent.encode_to_vec().into());
        batch.puts.push(Put { table: Table::LAST_SENT, key, value });
    }
    if let Some(thread) = &thread {
        put_thread(draft, thread, next, &mut batch);
    }
    if let (Some(of), Some(poll)) = (&draft.poll, &poll) {
        put_poll(of, poll, next, &mut batch);
    }
    if let Some(row) = &outbox {
        let value = Some(row.encode_to_vec().into());
        batch.puts.push(Put { table: Table::OUTBOX, key: room_seq(room, next.seq), value });
    }
    if draft.paced_after.is_some() {
        overlay.paced.insert((room, event.sender));
    }
    overlay.heads.insert(log, next);
    overlay.bytes += record.len();
    if draft.change.is_some() {
        overlay.closed.insert(room);
    }
    Turn::Placed(
        Box::new(Placed { submission, next, record, outbox, thread, poll }),
        Box::new(batch),
    )
}

/// Keeps the log's time over a restart.
fn floor(floor_ms: u64) -> Batch {
    let row = LogTimeRow { floor_ms };
    let value = Some(row.encode_to_vec().into());
    let put = Put { table: Table::LOG_TIME, key: Bytes::new(), value };
    Batch { puts: vec![put], ..Batch::new(Shard::Node) }
}

fn header(draft: &RoomDraft, next: Counters, thread_no: u64) -> EventHeader {
    let event = &draft.event;
    let told = !event.is_anonymous;
    let client_ref = event.client_ref.filter(|_| told);
    EventHeader {
        seq: next.seq,
        at_ms: next.at_ms,
        sender: if told { event.sender.to_field() } else { Bytes::new() },
        kind: event.kind,
        client_ref: client_ref.map(|(id, _)| id.to_field()).unwrap_or_default(),
        msg_no: next.msg_no,
        bcast_no: next.bcast_no,
        del_no: next.del_no,
        flags: u32::from(event.everyone) * FLAG_EVERYONE + u32::from(event.groups) * FLAG_GROUPS,
        target_seq: event.target_seq,
        target_seqs: event.target_seqs.clone(),
        thread_root_seq: event.thread_root_seq,
        thread_no,
        mentions: event.mentions.iter().map(|user| user.to_field()).collect(),
        attachments: event.attachments.iter().map(|hash| hash.to_field()).collect(),
        expires_at_ms: event.expires_at_ms,
        ..EventHeader::default()
    }
}

fn outbox_row(draft: &RoomDraft, place: Place) -> Option<OutboxRow> {
    let effects = draft.effects.as_ref().map(|effects| effects(place)).unwrap_or_default();
    let erase_amendments_of = draft.erase_amendments_of.clone();
    let held_for = if draft.is_held { draft.cell.org.to_field() } else { Bytes::new() };
    let row = OutboxRow { effects, erase_amendments_of, held_for };
    (row != OutboxRow::default()).then_some(row)
}

fn append(log: LogKey, head: Counters, next: Counters, record: &Bytes) -> Append {
    Append {
        log,
        expected_seq: head.seq,
        records: vec![record.clone()],
        state: next.encode_to_vec().into(),
    }
}

/// The write of a row that says which event wrote it.
fn stamp((table, key): &(Table, Bytes), header: &EventHeader) -> Put {
    let row = StampRow { seq: header.seq, at_ms: header.at_ms, sender: header.sender.clone() };
    Put { table: *table, key: key.clone(), value: Some(row.encode_to_vec().into()) }
}

fn place_user(submission: Submission, overlay: &mut Overlay, now: Now) -> Turn {
    let Draft::User(draft) = &submission.draft else { unreachable!("called for user drafts") };
    let UserDraft { cell, kind, body, puts, absent, version, .. } = &**draft;
    let log = LogKey::User(cell.id);
    let head = overlay.head(log, || cell.head());
    let at_ms = now.unix_ms.max(head.at_ms);
    let next = Counters { seq: head.seq + 1, at_ms, ..Counters::default() };
    let header =
        EventHeader { seq: next.seq, at_ms: next.at_ms, kind: *kind, ..EventHeader::default() };
    let record = event::compose(&header, body);
    let mut batch = Batch {
        absent: absent.clone(),
        appends: vec![append(log, head, next, &record)],
        puts: puts.clone(),
        ..Batch::new(Shard::User(cell.id))
    };
    batch.puts.extend(draft.stamps.iter().map(|row| stamp(row, &header)));
    if version.is_some() {
        overlay.closed_users.insert(cell.id);
    }
    overlay.heads.insert(log, next);
    overlay.bytes += record.len();
    Turn::Placed(
        Box::new(Placed { record, ..Placed::without_event(submission, next) }),
        Box::new(batch),
    )
}

fn place_rows(submission: Submission, now: Now) -> Turn {
    let Draft::Rows(draft) = &submission.draft else { unreachable!("called for rows") };
    let batch = Batch {
        absent: draft.absent.clone(),
        puts: draft.puts.clone(),
        erases: draft.erases.clone(),
        ..Batch::new(draft.shard)
    };
    let next = Counters { at_ms: now.unix_ms, ..Counters::default() };
    let placed = Placed::without_event(submission, next);
    Turn::Placed(Box::new(placed), Box::new(batch))
}

fn place_org(submission: Submission, overlay: &mut Overlay, now: Now) -> Turn {
    let Draft::Org(draft) = &submission.draft else { unreachable!("called for org drafts") };
    let OrgDraft { cell, sender, kind, body, puts, absent, jobs, .. } = &**draft;
    let (log, head) = (LogKey::Org(cell.org), cell.head());
    let at_ms = now.unix_ms.max(head.at_ms);
    let next = Counters { seq: head.seq + 1, at_ms, ..Counters::default() };
    let header = EventHeader {
        seq: next.seq,
        at_ms: next.at_ms,
        sender: sender.to_field(),
        kind: *kind,
        ..EventHeader::default()
    };
    let record = event::compose(&header, body);
    let mut batch = Batch {
        absent: absent.clone(),
        appends: vec![append(log, head, next, &record)],
        puts: puts.clone(),
        ..Batch::new(Shard::Org(cell.org))
    };
    for (part, job) in (0..).zip(jobs) {
        let key = outbox_key(cell.org, next.seq, part);
        let value = Some(job.encode_to_vec().into());
        batch.puts.push(Put { table: Table::DIRECTORY_OUTBOX, key, value });
    }
    overlay.bytes += record.len();
    overlay.closed_orgs.insert(cell.org);
    Turn::Placed(
        Box::new(Placed { record, ..Placed::without_event(submission, next) }),
        Box::new(batch),
    )
}
