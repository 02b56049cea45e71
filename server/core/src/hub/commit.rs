//! Committing: what the store has taken becomes known, is published, and is answered.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use parlour_protocol::{
    event::{room_events_frame, user_events_frame},
    ids::RoomId,
    limits::EVENT_FRAME_BYTES_MAX,
};
use rustc_hash::FxHashSet;

use super::{Hub, Output, place::Placed};
use crate::{
    draft::{Committed, Draft, Refused, Submission, Then},
    effects::Job,
    ports::store::{LogKey, Refusal, StoreError},
    rooms::RoomCell,
    session::reply_frame,
};

/// Room events of one group that weren't published yet, in the order of the rooms' logs.
#[derive(Default)]
struct Unpublished {
    rooms: Vec<(Arc<RoomCell>, Vec<Bytes>)>,
}

impl Unpublished {
    fn add(&mut self, cell: &Arc<RoomCell>, record: Bytes) {
        match self.rooms.iter_mut().rev().find(|(room, _)| room.id == cell.id) {
            Some((_, records)) => records.push(record),
            None => self.rooms.push((cell.clone(), vec![record])),
        }
    }

    fn take(&mut self, room: RoomId) -> Option<(Arc<RoomCell>, Vec<Bytes>)> {
        let at = self.rooms.iter().position(|(cell, _)| cell.id == room)?;
        Some(self.rooms.swap_remove(at))
    }
}

impl Hub {
    /// The store's answer to [`Output::Append`].
    pub fn handle_appended(&mut self, result: Result<Vec<Result<(), Refusal>>, StoreError>) {
        let group = self.group.take().unwrap_or_default();
        self.node.committing_since_ms.store(0, Ordering::Release);
        let results = match result {
            Ok(results) => results,
            Err(error) => {
                for placed in group {
                    // It may be on disk all the same.
                    placed.lose();
                    self.refuse(placed.submission.then, Refused::Store(error.clone()));
                }
                return;
            }
        };
        self.totals.groups += 1;
        let mut unpublished = Unpublished::default();
        let mut refused_logs: FxHashSet<LogKey> = FxHashSet::default();
        let mut again: Vec<Submission> = Vec::new();
        for (placed, result) in group.into_iter().zip(results) {
            match result {
                Ok(()) => self.committed(placed, &mut unpublished),
                Err(refusal) => {
                    let log = placed.log();
                    let follows = log.is_some_and(|log| refused_logs.contains(&log));
                    refused_logs.extend(log);
                    match refusal {
                        // It only stood behind one that was refused.
                        Refusal::HeadMoved { .. } if follows => again.push(placed.submission),
                        Refusal::RowExists { .. } => {
                            self.refuse(placed.submission.then, Refused::Exists);
                        }
                        _ => {
                            placed.lose();
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
        for (cell, records) in mem::take(&mut unpublished.rooms) {
            self.publish_records(&cell, records);
        }
    }

    fn committed(&mut self, placed: Placed, unpublished: &mut Unpublished) {
        self.totals.drafts += 1;
        let removes = placed.removes();
        let Placed { submission, next, record, outbox } = placed;
        let mut committed = Committed { seq: next.seq, at_ms: next.at_ms, ..Default::default() };
        match submission.draft {
            Draft::Room(draft) => {
                let cell = self.node.rooms.insert(draft.cell);
                cell.apply(next, draft.change);
                unpublished.add(&cell, record);
                if let Some(row) = outbox {
                    let job = Job { room: cell.id, seq: next.seq, row };
                    self.outputs.push_back(Output::Effects(job));
                }
            }
            Draft::User(draft) => {
                draft.cell.apply(next);
                let user = draft.cell.id;
                self.active_users.insert(user);
                self.push_to_user(user, user_events_frame(&[record]));
                if let Some(room) = draft.gains_room {
                    self.user_gains_room(user, room);
                }
            }
            Draft::Rows(draft) => {
                committed.closed = draft.closes.map_or(0, |closes| self.close_revoked(&closes));
            }
            Draft::Subscribe(_) => {}
        }
        if let Some((cell, user)) = removes {
            // A barrier: up to here they hear everything, from here on nothing.
            if let Some((cell, records)) = unpublished.take(cell.id) {
                self.publish_records_to(&cell, records, Some(user));
            }
            self.user_loses_room(user, cell.id);
        }
        self.answer(submission.then, committed);
    }

    pub(super) fn answer(&mut self, then: Then, committed: Committed) {
        match then {
            Then::Reply { conn, call, answer, .. } => {
                self.handle_reply(conn, reply_frame(call, Ok(answer(&committed))));
            }
            Then::Callback(callback) => callback(Ok(committed)),
        }
    }

    fn publish_records(&mut self, cell: &Arc<RoomCell>, records: Vec<Bytes>) {
        self.publish_records_to(cell, records, None);
    }

    fn publish_records_to(
        &mut self,
        cell: &Arc<RoomCell>,
        records: Vec<Bytes>,
        leaving: Option<parlour_protocol::ids::UserId>,
    ) {
        // Encoded once for everyone, several events to a frame.
        let mut from = 0;
        while from < records.len() {
            let (mut to, mut bytes) = (from, 64);
            while to < records.len() && (to == from || bytes < EVENT_FRAME_BYTES_MAX / 2) {
                bytes += records[to].len() + 4;
                to += 1;
            }
            if bytes > EVENT_FRAME_BYTES_MAX && to - from > 1 {
                to -= 1;
            }
            let frame = room_events_frame(cell.id, &records[from..to]);
            self.publish(cell, frame, to - from, leaving);
            from = to;
        }
    }
}
