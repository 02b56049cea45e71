//! The cache port: what a client keeps between starts, and the few things it asks of a place to
//! keep it. It knows rooms, runs of events and outbox rows, but no feature.

pub mod conformance;
mod memory;
mod record;
mod run;

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use parlour_protocol::ids::{ClientRef, DeviceId, Incarnation, RoomId, UserId};

pub use memory::MemoryCache;
pub use record::{LogRange, RoomRecord, ThreadRecord};
pub use run::{PackedRun, Run};

use crate::{event::Malformed, outbox::Entry, settings::Settings};

/// Why the cache can't be used.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// Another client, perhaps of another process, has it open.
    #[error("cache: in use by another client")]
    InUse,
    /// The place where it is kept fails. The text is for logs.
    #[error("cache: {0}")]
    Failed(String),
}

impl CacheError {
    /// An error of the place where the cache is kept.
    pub fn new(error: impl fmt::Display) -> Self {
        CacheError::Failed(error.to_string())
    }
}

impl From<Malformed> for CacheError {
    fn from(malformed: Malformed) -> Self {
        CacheError::new(malformed)
    }
}

/// What belongs to the whole client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// This installation; made once.
    pub device: Option<DeviceId>,
    /// Whose cache it is.
    pub user: Option<UserId>,
    /// The store its numbers come from.
    pub incarnation: Option<Incarnation>,
    /// The last event of the user's own log.
    pub user_seq: u64,
    /// From the last complete sync.
    pub watermark_ms: u64,
    /// From the last welcome.
    pub resume: Bytes,
    /// What the user wants everywhere.
    pub settings: Settings,
    /// Of whom the user wants to hear nothing.
    pub blocked: BTreeSet<UserId>,
    /// Whether the server has told who that is.
    pub knows_blocked: bool,
    /// Nothing is notified until then, Unix milliseconds: the user's do-not-disturb.
    pub quiet_until_ms: u64,
}

/// All that is loaded at the start. Events are loaded when they are looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saved {
    /// What belongs to the whole client.
    pub meta: Meta,
    /// The rooms, in no particular order.
    pub rooms: Vec<RoomRecord>,
    /// What waits to be sent, in order.
    pub outbox: Vec<Entry>,
    /// Users that were asked for, [`USERS_KEPT_MAX`](crate::limits::USERS_KEPT_MAX) of them at most; see [`Write::User`].
    pub users: Vec<(UserId, Bytes)>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Replaces what belongs to the whole client.
    Meta(Meta),
    /// Puts a room.
    Room(Box<RoomRecord>),
    /// Forgets a room and its events.
    RoomGone(RoomId),
    /// Puts events; whatever was there in their range is replaced.
    Run(Run),
    /// The same, of a history that is only kept.
    Packed(PackedRun),
    /// What is kept of a room may lack later edits and deletes.
    Stale(RoomId),
    /// Removes the bodies of events.
    Erase(RoomId, Vec<u64>),
    /// Puts a row of the outbox.
    Outbox(Box<Entry>),
    /// Removes a row of the outbox.
    OutboxGone(ClientRef),
    /// Forgets all rooms, events and users, but neither the outbox nor the meta.
    Reset,
    /// Forgets the outbox.
    ResetOutbox,
    /// Puts what the server said of a user: an encoded `parlour.user.v1.User`, to name them by while nobody
    /// can be asked. What goes beyond
    /// [`USERS_KEPT_MAX`](crate::limits::USERS_KEPT_MAX) may be forgotten.
    User(UserId, Bytes),
    /// Changes nothing: what is committed with it is durable.
    Sync,
}

impl Write {
    /// Bytes of events in it.
    pub fn event_bytes(&self) -> usize {
        match self {
            Write::Run(run) => run.bytes(),
            Write::Packed(run) => run.events.len(),
            _ => 0,
        }
    }

    /// Whether it is nowhere else: what waits to be sent, markers the server doesn't know yet, and
    /// that it knows them. Everything else can be read from the server again.
    pub fn is_irreplaceable(&self) -> bool {
        match self {
            Write::Outbox(_) | Write::OutboxGone(_) | Write::ResetOutbox | Write::Sync => true,
            Write::Room(room) => room.unsent_read > 0,
            _ => false,
        }
    }
}

/// A place to keep things. Calls come one at a time, in order.
pub trait Cache: Send + 'static {
    /// Everything but events.
    fn load(&mut self) -> Result<Saved, CacheError>;

    /// Makes all changes, in order, or none. They are durable when one of them is irreplaceable
    /// (see [`Write::is_irreplaceable`]), and otherwise no later than the next that is: a power cut
    /// may take the last changes, but never one before another that is kept.
    fn commit(&mut self, writes: &[Write]) -> Result<(), CacheError>;

    /// Runs of a room with events before `before`, newest first, as many as are needed for
    /// `limit` events, or all there are.
    fn runs(&mut self, room: RoomId, before: u64, limit: usize) -> Result<Vec<Run>, CacheError>;

    /// Whether calls return at once, so that they need no thread where blocking is allowed.
    fn is_instant(&self) -> bool {
        false
    }
}
