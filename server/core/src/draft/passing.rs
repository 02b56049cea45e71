//! Drafts with nothing to commit: what is decided, heard or told in its turn, and leaves no trace.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    ids::{OrgId, RoomId, UserId},
    presence::Activity,
    session::SessionInfo,
    wire::Error,
};

use super::Guard;
use crate::{
    ports::clock::Now,
    presence::{Card, Watched},
    rooms::RoomCell,
    users::UserCell,
};

/// Which rooms a focused or degraded connection hears in full.
#[derive(Debug)]
pub struct SubscribeDraft {
    /// From now on.
    pub add: Vec<Arc<RoomCell>>,
    /// No longer.
    pub remove: Vec<RoomId>,
}

/// A look at who is connected.
#[derive(Debug)]
pub struct SessionsDraft {
    /// Of this organization.
    pub org: OrgId,
    /// Only this user's.
    pub user: Option<UserId>,
    /// From this place on.
    pub from: u32,
    /// How many at most.
    pub max: usize,
}

/// Some of those who are connected, and where to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionsFound {
    /// Who.
    pub sessions: Vec<SessionInfo>,
    /// The next place, if there is more.
    pub next: Option<u32>,
}

/// What was decided without anything to commit.
#[derive(Debug)]
pub struct SettledDraft {
    /// What it was decided on.
    pub basis: Basis,
    /// The answer, if it is an error.
    pub error: Option<Error>,
}

/// What a decision rests on, and the version of it that was looked at.
#[derive(Clone, Debug)]
pub enum Basis {
    /// A room.
    Room(Arc<RoomCell>, u64),
    /// What a user has for themselves.
    User(Arc<UserCell>, u64),
}

impl Basis {
    /// Whether nothing has changed since.
    pub fn holds(&self) -> bool {
        match self {
            Basis::Room(cell, version) => {
                !cell.is_lost() && cell.read(|room| room.version) == *version
            }
            Basis::User(cell, version) => !cell.is_lost() && cell.version() == *version,
        }
    }
}

/// What a connection says, or hears, of presence.
#[derive(Debug)]
pub struct PresenceDraft {
    /// When.
    pub now: Now,
    /// What.
    pub what: PresenceWish,
}

/// What is wanted of presence.
#[derive(Debug)]
pub enum PresenceWish {
    /// This is what the card's user does at the connection.
    Say(Arc<Card>, Activity),
    /// The connection watches other users than before.
    Watch {
        /// From now on, each with their own log, which knows whom they have blocked.
        add: Vec<(Watched, Arc<UserCell>)>,
        /// No longer.
        remove: Vec<UserId>,
    },
}

/// Something that is told to those who hear a room just now.
pub struct SignalDraft {
    /// The room.
    pub cell: Arc<RoomCell>,
    /// When it may be told.
    pub guard: Guard,
    /// Only this user's connections are told, whatever they hear; `None` for all who hear the room.
    pub only_to: Option<UserId>,
    /// Who says so.
    pub sender: UserId,
    /// Its kind; must be an ephemeral one of the registry.
    pub kind: u32,
    /// Its body.
    pub body: Bytes,
}

impl fmt::Debug for SignalDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = &self.cell.id;
        f.debug_struct("SignalDraft").field("room", room).field("kind", &self.kind).finish()
    }
}
