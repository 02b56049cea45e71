//! The rooms as a list that tells its changes.

use std::sync::{Arc, Mutex, PoisonError};

use parlour::{RoomKind, RoomSummary};

use crate::{
    ids::{show, show_all},
    pull::Pull,
    timeline::diff,
};

/// A room on one line.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct RoomInfo {
    /// Its id.
    pub id: String,
    /// Whether it is a direct room.
    pub is_direct: bool,
    /// Whether it is of a node of the directory: an organization's, department's, team's, project's
    /// or task's.
    pub is_of_directory: bool,
    /// Empty for direct rooms.
    pub name: String,
    /// Of a direct room: the other user.
    pub peer: Option<String>,
    /// How many are in it.
    pub member_count: u32,
    /// What it is for.
    pub topic: String,
    /// Whether nothing new can be written.
    pub is_archived: bool,
    /// The newest known event.
    pub last_seq: u64,
    /// When that was, Unix milliseconds.
    pub last_at_ms: u64,
    /// Unread messages.
    pub unread: u64,
    /// Of those, the ones that mention the user or everyone.
    pub mentions: u64,
    /// Unread replies in threads of it that the user follows; not part of `unread`.
    pub thread_unread: u64,
    /// Everything up to here is read.
    pub read_seq: u64,
    /// Who is typing.
    pub typing: Vec<String>,
}

impl From<Arc<RoomSummary>> for RoomInfo {
    fn from(room: Arc<RoomSummary>) -> Self {
        let of_people = [RoomKind::Unspecified, RoomKind::Direct, RoomKind::Group, RoomKind::User];
        RoomInfo {
            id: show(room.id),
            is_direct: room.is_direct,
            is_of_directory: !of_people.contains(&room.kind),
            name: room.name.clone(),
            peer: room.peer.map(show),
            member_count: room.member_count,
            topic: room.topic.clone(),
            is_archived: room.is_archived,
            last_seq: room.last_seq,
            last_at_ms: room.last_at_ms,
            unread: room.unread,
            mentions: room.mentions,
            thread_unread: room.thread_unread,
            read_seq: room.read_seq,
            typing: show_all(&room.typing),
        }
    }
}

diff!(
    /// One change of the rooms.
    RoomListDiff,
    RoomInfo,
    Arc<RoomSummary>
);

/// The user's rooms, the one with the newest event first.
#[derive(uniffi::Object)]
pub struct RoomList {
    first: Mutex<Vec<Arc<RoomSummary>>>,
    pull: Pull<parlour::RoomList>,
}

impl RoomList {
    pub(crate) fn shared(rooms: parlour::RoomList) -> Arc<Self> {
        let first = Mutex::new(rooms.items().to_vec());
        Arc::new(RoomList { first, pull: Pull::new(rooms) })
    }
}

#[uniffi::export]
impl RoomList {
    /// The list as it was opened, once: the diffs go on from it.
    pub fn first(&self) -> Vec<RoomInfo> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *first).into_iter().map(RoomInfo::from).collect()
    }

    /// Waits until there are diffs to take; `false` when none come any more. Giving up the wait loses
    /// none.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// The diffs that have come, at most so many.
    pub fn take(&self, max: u32) -> Vec<RoomListDiff> {
        self.pull.take(max).into_iter().map(RoomListDiff::from).collect()
    }
}
