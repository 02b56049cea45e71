//! Committing: what the store has taken becomes known, is published, and is answered.

use std::time::Duration;

use bytes::Bytes;
use parlour_protocol::{
    compliance::{LegalHoldChanged, RetentionChanged},
    event::user_events_frame,
    generated::EventMessage,
    moderation::FilterChanged,
    webhook::WebhooksChanged,
};
use rustc_hash::FxHashSet;

use super::{Hub, Output, place::Placed};
use crate::{
    draft::{Closes, Committed, Draft, OrgDraft, Refused, RowsDraft, Submission, Then, UserDraft},
    effects::{Job, RoomJob},
    ports::{
        clock::Now,
        store::{LogKey, Refusal, Shard, StoreError},
    },
    quotas::Counts,
    records::Counters,
    rooms::RoomChange,
    session::reply_frame,
    tables::Table,
};

impl Hub {
    /// The store's answer to [`Output::Append`].
    pub fn handle_appended(
        &mut self,
        result: Result<Vec<Result<(), Refusal>>, StoreError>,
        now: Now,
    ) {
        let group = self.group.take().unwrap_or_default();
        // What follows from events by itself doesn't come again.
        let calls =
            group.iter().filter(|placed| matches!(placed.submission.then, Then::Reply { .. }));
        self.gather.handle_end(now.elapsed, calls.count(), self.pending.len());
        self.node.log_time.end();
        let floor_ms = self.floor_ms.take();
        let results = match result {
            Ok(results) => results,
            Err(error) => {
                for placed in group {
                    // It may be on disk all the same.
                    self.lose(&placed);
                    self.refuse(placed.submission.then, Refused::Store(error.clone()));
                }
                return;
            }
        };
        self.totals.groups += 1;
        // Its batch stands behind those of the group.
        if let (Some(floor_ms), Some(Ok(()))) = (floor_ms, results.get(group.len())) {
            self.node.log_time.floor_committed(floor_ms);
        }
        let mut refused_logs: FxHashSet<LogKey> = FxHashSet::default();
        let mut again: Vec<Submission> = Vec::new();
        for (placed, result) in group.into_iter().zip(results) {
            match result {
                Ok(()) => self.committed(placed, now.elapsed),
                Err(refusal) => {
                    let log = placed.log();
                    let follows = log.is_some_and(|log| refused_logs.contains(&log));
                    refused_logs.extend(log);
                    match refusal {
                        // It only stood behind one that was refused.
                        Refusal::HeadMoved { .. } if follows => again.push(placed.submission),
                        Refusal::RowExists { table } => {
                            if table == Table::THREAD_LOG {
                                placed.lose_thread();
                            }
                            self.refuse(placed.submission.then, Refused::Exists);
                        }
                        _ => {
                            self.lose(&placed);
                            let refused = Refused::Store(StoreError::Unavailable);
                            self.refuse(placed.submission.then, refused);
                        }
                    }
                }
            }
        }
        for submission in again.into_iter().rev() {
            self.pending.push_front(submission);
        }
        self.tell_or_wait(now.elapsed);
    }

    /// What is known of what it changes may no longer be true.
    fn lose(&self, placed: &Placed) {
        placed.lose();
        if Counts::of(&placed.submission.draft) != Counts::Nothing {
            self.node.quotas.ledger.lose();
        }
        match &placed.submission.draft {
            Draft::Org(draft) => {
                self.node.people.forget(draft.cell.org);
                self.node.filters.forget(draft.cell.org);
                self.node.cards.forget_marks(&draft.puts);
            }
            Draft::Rows(draft) => {
                if let Shard::Org(org) = draft.shard {
                    self.node.people.forget(org);
                    self.node.cards.forget_marks(&draft.puts);
                }
            }
            _ => {}
        }
    }

    fn committed(&mut self, placed: Placed, now: Duration) {
        self.totals.drafts += 1;
        let removes = placed.removes();
        let Placed { submission, next, record, outbox, thread, poll } = placed;
        let (mut closes, mut is_first_half) = (None, false);
        self.node.quotas.ledger.note(Counts::of(&submission.draft));
        let mut committed = Committed { seq: next.seq, at_ms: next.at_ms, ..Default::default() };
        match submission.draft {
            Draft::Room(draft) => {
                is_first_half = draft.is_first_half;
                let cell = self.node.rooms.insert(draft.cell);
                if draft.change.is_some() {
                    // A barrier: what came before is heard by those who were in the room then.
                    self.tell(cell.id, None, now);
                }
                if let Some(RoomChange::Webhooks) = draft.change {
                    self.node.webhooks.note_change();
                }
                cell.apply(next, draft.change);
                if draft.paced_after.is_some() {
                    cell.note_paced(draft.event.sender, next.seq);
                }
                if let (Some(of), Some(thread)) = (draft.thread, thread) {
                    of.cell.apply(thread);
                }
                if let (Some(of), Some(poll)) = (draft.poll, poll) {
                    of.cell.apply(poll, &of.change);
                }
                self.node.search.note(cell.id, next.seq);
                self.node.webhooks.note(cell.id);
                self.node.previews.note(&cell, next.seq, &draft.event);
                self.untold.add(&cell, record);
                if let Some(row) = outbox {
                    let job = RoomJob { room: cell.id, seq: next.seq, row };
                    self.outputs.push_back(Output::Effects(Job::Room(job)));
                }
            }
            Draft::User(draft) => self.user_committed(*draft, next, record),
            Draft::Org(mut draft) => {
                closes = draft.closes.take();
                self.node.people.note(draft.cell.org, &draft.puts);
                self.users_committed(&draft.puts);
                self.org_committed(&draft);
                self.node.quotas.note(&draft.puts);
                self.directory_changed(*draft, next, now);
            }
            Draft::Rows(draft) => closes = self.rows_committed(*draft),
            // They never wait for a commit.
            Draft::Subscribe(_)
            | Draft::Settled(_)
            | Draft::Presence(_)
            | Draft::Sessions(_)
            | Draft::Signal(_) => {}
        }
        if let Some((cell, user)) = removes {
            // They hear of it themselves, and from here on nothing.
            self.tell(cell.id, Some(user), now);
            self.user_loses_room(user, cell.id);
        }
        let closed = closes.map_or(vec![], |closes| self.revoked(&closes));
        committed.closed = closed.len() as u32;
        // Before the end, as one of them may be the one that asked for it.
        match is_first_half {
            true => self.refuse(submission.then, Refused::Exists),
            false => self.answer(submission.then, committed),
        }
        self.close_revoked(&closed);
    }

    /// What is known in memory besides the directory.
    fn org_committed(&self, draft: &OrgDraft) {
        match draft.kind {
            kind if kind == RetentionChanged::RULE.kind || kind == LegalHoldChanged::RULE.kind => {
                draft.cell.move_keeping();
            }
            kind if kind == FilterChanged::RULE.kind => self.node.filters.forget(draft.cell.org),
            kind if kind == WebhooksChanged::RULE.kind => self.node.webhooks.note_change(),
            _ => {}
        }
    }

    /// The connections to close.
    fn rows_committed(&mut self, draft: RowsDraft) -> Option<Closes> {
        if let Shard::Org(org) = draft.shard {
            self.node.people.note(org, &draft.puts);
            self.users_committed(&draft.puts);
        }
        if let Some((user, frame)) = draft.tells {
            self.push_to_user(user, frame);
        }
        draft.closes
    }

    fn user_committed(&mut self, draft: UserDraft, next: Counters, record: Bytes) {
        self.settings_committed(&draft);
        draft.cell.apply(next);
        if draft.version.is_some() {
            draft.cell.move_version();
        }
        // Behind the version: who has read the rows from before it keeps nothing of them.
        self.block_committed(&draft);
        let user = draft.cell.id;
        self.active_users.insert(user);
        self.push_to_user(user, user_events_frame(&[record]));
        if let Some(receipt) = draft.receipt {
            self.note_receipt(user, receipt);
        }
        if let Some(gains) = draft.gains_room {
            self.user_gains_room(user, &gains);
        }
    }

    pub(super) fn answer(&mut self, then: Then, committed: Committed) {
        match then {
            Then::Reply { conn, call, answer, .. } => {
                self.handle_reply(conn, reply_frame(call, Ok(answer(&committed))));
            }
            Then::Callback(callback) => callback(Ok(committed)),
        }
    }
}
