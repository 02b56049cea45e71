//! One connection: whom it watches, and what it hasn't been told.

use std::sync::Arc;

use parlour_protocol::{ids::UserId, presence::Activity};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::rooms::RoomCell;

/// The rooms by which a guest may know of somebody; `None` for those who aren't guests.
pub type Grounds = Option<Box<[Arc<RoomCell>]>>;

/// A connection that has said something or watches somebody.
#[derive(Debug)]
pub(super) struct Hearer {
    pub(super) user: UserId,
    pub(super) watches: FxHashMap<UserId, Grounds>,
    /// Watched users whose presence is another than it was told; each of them is watched.
    pub(super) changed: FxHashSet<UserId>,
    /// Watched users who have blocked this one meanwhile; each of them is in `changed`, too.
    pub(super) apart: FxHashSet<UserId>,
    /// Whether it is told anything: not in the background, nor after it fell silent.
    pub(super) hears: bool,
    /// Whether it stands in a queue to be told.
    pub(super) is_queued: bool,
}

impl Hearer {
    pub(super) fn new(user: UserId) -> Self {
        Hearer {
            user,
            watches: FxHashMap::default(),
            changed: FxHashSet::default(),
            apart: FxHashSet::default(),
            hears: true,
            is_queued: false,
        }
    }

    pub(super) fn say(&mut self, activity: Activity) {
        self.hears = activity != Activity::Background;
    }

    /// Whether it has to get into the queue; it is taken to be there from now on.
    pub(super) fn queues(&mut self) -> bool {
        let is_due = self.hears && !self.changed.is_empty() && !self.is_queued;
        self.is_queued |= is_due;
        is_due
    }

    /// Whether it may know of somebody now. Rooms are looked at as they are, since people leave
    /// them, and so is whether the user is a guest.
    pub(super) fn may_see(&self, user: UserId, is_guest: bool) -> bool {
        if self.apart.contains(&user) {
            return false;
        }
        let Some(grounds) = self.watches.get(&user) else { return false };
        let shares = |room: &Arc<RoomCell>| {
            !room.is_lost()
                && room
                    .read(|room| room.members.contains(&self.user) && room.members.contains(&user))
        };
        !is_guest || user == self.user || grounds.iter().flatten().any(shares)
    }
}
