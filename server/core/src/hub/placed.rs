//! A draft with its place: which log it goes to, and what it touches.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::ids::UserId;

use super::place::Placed;
use crate::{
    draft::{Draft, Submission},
    ports::store::LogKey,
    records::Counters,
    rooms::{RoomCell, RoomChange},
};

impl Placed {
    /// Rows alone.
    pub(super) fn without_event(submission: Submission, next: Counters) -> Self {
        let record = Bytes::new();
        Placed { submission, next, record, outbox: None, thread: None, poll: None }
    }

    /// The log the draft goes to, if any.
    pub(super) fn log(&self) -> Option<LogKey> {
        match &self.submission.draft {
            Draft::Room(draft) => Some(LogKey::Room(draft.cell.id)),
            Draft::User(draft) => Some(LogKey::User(draft.cell.id)),
            Draft::Org(draft) => Some(LogKey::Org(draft.cell.org)),
            _ => None,
        }
    }

    /// What is known of the log may no longer be true.
    pub(super) fn lose(&self) {
        match &self.submission.draft {
            Draft::Room(draft) => {
                draft.cell.lose();
                self.lose_thread();
                if let Some(poll) = &draft.poll {
                    poll.cell.lose();
                }
            }
            Draft::User(draft) => draft.cell.lose(),
            Draft::Org(draft) => draft.cell.lose(),
            _ => {}
        }
    }

    /// What is known of its thread may no longer be true.
    pub(super) fn lose_thread(&self) {
        if let Draft::Room(draft) = &self.submission.draft
            && let Some(thread) = &draft.thread
        {
            thread.cell.lose();
        }
    }

    /// The users a change removes from the room.
    pub(super) fn removes(&self) -> Option<(Arc<RoomCell>, UserId)> {
        match &self.submission.draft {
            Draft::Room(draft) => match draft.change {
                Some(RoomChange::Removed(user) | RoomChange::Banned(user)) => {
                    Some((draft.cell.clone(), user))
                }
                _ => None,
            },
            _ => None,
        }
    }
}
