//! What a handler emits: a draft. The hub gives it a place, commits it, and only then tells
//! anyone. A handler can neither persist nor send.

mod passing;
mod refused;
mod submission;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{BlobHash, ClientRef, OrgId, RoomId, SessionId, UserId},
    presence::WatchPresenceResponse,
    receipt::ReadReceipt,
};

pub use passing::{
    Basis, PresenceDraft, PresenceWish, SessionsDraft, SessionsFound, SettledDraft, SignalDraft,
    SubscribeDraft,
};
pub use refused::{
    Refused, needs_connection, not_allowed, room_archived, room_not_found, store_error,
};
pub use submission::{Again, AnswerOf, Callback, ConnId, Follow, Submission, Submit, Then};

use crate::{
    access::Bits,
    directory::{Change, DirectoryCell, rows::DirectoryJobRow},
    polls::PollDraft,
    ports::store::{Erase, Put, Shard},
    records::Effect,
    rooms::{RoomCell, RoomChange},
    shown::shows,
    tables::Table,
    threads::{ThreadCell, ThreadChange},
    users::UserCell,
};

/// Something to commit.
#[derive(Debug)]
pub enum Draft {
    /// An event of a room.
    Room(Box<RoomDraft>),
    /// An event of a user's own log.
    User(Box<UserDraft>),
    /// An event of an organization's log, which changes its directory.
    Org(Box<OrgDraft>),
    /// Rows without an event.
    Rows(Box<RowsDraft>),
    /// Nothing to commit: which rooms the asking connection hears in full.
    Subscribe(SubscribeDraft),
    /// Nothing to commit, as it is so already or can't be. Told in its turn, and decided again if it
    /// isn't so by then: what one device asks never overtakes what it asked before.
    Settled(Box<SettledDraft>),
    /// Nothing to commit: what the asking connection says, or hears, of presence.
    Presence(Box<PresenceDraft>),
    /// Looks at who is connected.
    Sessions(Box<SessionsDraft>),
    /// Nothing to commit: told to those who hear the room just now, and forgotten.
    Signal(Box<SignalDraft>),
}

/// What must still be true when a draft's turn comes.
#[derive(Clone, Copy, Debug)]
pub enum Guard {
    /// The user is in the room, otherwise it isn't there for them, and still may do that. Looked
    /// at again in place rather than decided again: what one device sends keeps its order.
    Sender {
        /// The user.
        user: UserId,
        /// The room's version that was decided on.
        version: u64,
        /// The permissions it takes.
        needs: Bits,
    },
    /// Members and record are as they were at this version; otherwise decide again.
    Version(u64),
    /// The room doesn't exist yet.
    New,
    /// The room isn't archived, whoever is in it.
    Unarchived,
    /// Nothing: it follows from what was committed elsewhere.
    Open,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In its room's log.
    pub seq: u64,
    /// Among the replies of its thread; 0 for what isn't one.
    pub thread_no: u64,
    /// When it is, Unix milliseconds.
    pub at_ms: u64,
}

/// What follows elsewhere from an event, once its place is known.
pub type EffectsOf = Arc<dyn Fn(Place) -> Vec<Effect> + Send + Sync>;

/// A thread that an event changes.
#[derive(Clone, Debug)]
pub struct ThreadDraft {
    /// The thread.
    pub cell: Arc<ThreadCell>,
    /// How.
    pub change: ThreadChange,
}

/// An event for a room's log, and what changes with it.
pub struct RoomDraft {
    /// The room.
    pub cell: Arc<RoomCell>,
    /// When it may be committed.
    pub guard: Guard,
    /// The event.
    pub event: NewEvent,
    /// How the room changes.
    pub change: Option<RoomChange>,
    /// How a thread changes.
    pub thread: Option<ThreadDraft>,
    /// How a poll changes.
    pub poll: Option<PollDraft>,
    /// In slow mode: the sender's last message as it was decided on.
    pub paced_after: Option<u64>,
    /// Table writes with whole keys.
    pub puts: Vec<Put>,
    /// Table writes whose key ends with the event's sequence number.
    pub seq_puts: Vec<(Table, Bytes, Bytes)>,
    /// Rows that must not exist; if one does, decide again.
    pub absent: Vec<(Table, Bytes)>,
    /// Rows that say which event wrote them, as a [`StampRow`](crate::records::StampRow).
    pub stamps: Vec<(Table, Bytes)>,
    /// Records to replace in place.
    pub erases: Vec<Erase>,
    /// Messages of this room whose edits are to be erased afterwards.
    pub erase_amendments_of: Vec<u64>,
    /// Of a delete: the version of [what is kept](DirectoryCell::keeping) that it was decided on.
    pub keeping: Option<u64>,
    /// Whether what those edits say is held.
    pub is_held: bool,
    /// Events for users' own logs.
    pub effects: Option<EffectsOf>,
    /// Only the first half: the call is decided again once it is committed.
    pub is_first_half: bool,
}

impl fmt::Debug for RoomDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomDraft")
            .field("room", &self.cell.id)
            .field("guard", &self.guard)
            .field("kind", &self.event.kind)
            .finish_non_exhaustive()
    }
}

impl RoomDraft {
    /// A draft with nothing but its event.
    pub fn new(cell: Arc<RoomCell>, guard: Guard, event: NewEvent) -> Self {
        RoomDraft {
            cell,
            guard,
            event,
            change: None,
            thread: None,
            poll: None,
            paced_after: None,
            puts: vec![],
            seq_puts: vec![],
            absent: vec![],
            stamps: vec![],
            erases: vec![],
            erase_amendments_of: vec![],
            keeping: None,
            is_held: false,
            effects: None,
            is_first_half: false,
        }
    }
}

/// An event before it has a place.
#[derive(Clone)]
pub struct NewEvent {
    /// Who causes it.
    pub sender: UserId,
    /// Nobody is told who that is: the event has neither a sender nor a client_ref.
    pub is_anonymous: bool,
    /// Its kind; must be a room event of the registry.
    pub kind: u32,
    /// The sender's own id for it and what it stood for.
    pub client_ref: Option<(ClientRef, u64)>,
    /// Its body.
    pub body: Bytes,
    /// Users it mentions.
    pub mentions: Vec<UserId>,
    /// Whether it mentions everyone.
    pub everyone: bool,
    /// Whether it mentions groups.
    pub groups: bool,
    /// Attachments.
    pub attachments: Vec<BlobHash>,
    /// The event it is about, 0 for none.
    pub target_seq: u64,
    /// The events it is about, where it is about several.
    pub target_seqs: Vec<u64>,
    /// The root of the thread it stands in, or of what it amends; 0 for none.
    pub thread_root_seq: u64,
    /// Whether it deletes its target, or all of them.
    pub deletes: bool,
    /// When it is deleted by itself, Unix milliseconds; 0 for never.
    pub expires_at_ms: u64,
}

shows! { NewEvent { sender, kind, target_seq, thread_root_seq, deletes, expires_at_ms } }

impl NewEvent {
    /// An event without mentions, target and client_ref.
    pub fn new(sender: UserId, kind: u32, body: Bytes) -> Self {
        NewEvent {
            sender,
            is_anonymous: false,
            kind,
            client_ref: None,
            body,
            mentions: vec![],
            everyone: false,
            groups: false,
            attachments: vec![],
            target_seq: 0,
            target_seqs: vec![],
            thread_root_seq: 0,
            deletes: false,
            expires_at_ms: 0,
        }
    }

    /// All events it is about.
    pub fn targets(&self) -> &[u64] {
        match self.target_seq {
            0 => &self.target_seqs,
            _ => std::slice::from_ref(&self.target_seq),
        }
    }
}

/// An event for a user's own log.
pub struct UserDraft {
    /// Whose log.
    pub cell: Arc<UserCell>,
    /// Its kind; must be a user event of the registry.
    pub kind: u32,
    /// Its body.
    pub body: Bytes,
    /// Table writes of the user's shard.
    pub puts: Vec<Put>,
    /// Rows that say which event wrote them, as a [`StampRow`](crate::records::StampRow).
    pub stamps: Vec<(Table, Bytes)>,
    /// Rows that must not exist; if one does, it was done already.
    pub absent: Vec<(Table, Bytes)>,
    /// How far the user has read, for the room's others.
    pub receipt: Option<ReceiptDraft>,
    /// The [version](UserCell::version) it was decided on, where it was on one. Its commit moves the
    /// version: of two that were decided on the same, the second is decided again.
    pub version: Option<u64>,
    /// A room that the user's connections hear from now on.
    pub gains_room: Option<GainsRoom>,
    /// What it says of the directory, which must be so when its turn comes.
    pub tells: Option<Tells>,
}

shows! { UserDraft { kind, version } }

/// How far a user has read a room.
#[derive(Debug)]
pub struct ReceiptDraft {
    /// The room.
    pub cell: Arc<RoomCell>,
    /// How far, and when.
    pub read: ReadReceipt,
}

impl UserDraft {
    /// A draft of an event with the rows that change with it.
    pub fn of<M: EventMessage>(cell: &Arc<UserCell>, body: &M, puts: Vec<Put>) -> Self {
        let body = body.encode_to_vec().into();
        UserDraft { puts, ..UserDraft::new(cell.clone(), M::RULE.kind, body) }
    }

    /// The same, decided on that [version](UserCell::version).
    pub fn at(self, version: u64) -> Self {
        UserDraft { version: Some(version), ..self }
    }

    /// A draft with nothing but its event.
    pub fn new(cell: Arc<UserCell>, kind: u32, body: Bytes) -> Self {
        UserDraft {
            cell,
            kind,
            body,
            puts: vec![],
            stamps: vec![],
            absent: vec![],
            receipt: None,
            version: None,
            gains_room: None,
            tells: None,
        }
    }
}

/// Whether a user is in the room of a node.
#[derive(Clone, Copy, Debug)]
pub struct Tells {
    /// Whose directory.
    pub org: OrgId,
    /// The node's room.
    pub room: RoomId,
    /// Whether the user is in it.
    pub is_member: bool,
}

/// An event for an organization's log, and what changes with it.
pub struct OrgDraft {
    /// The directory.
    pub cell: Arc<DirectoryCell>,
    /// The event it was decided on; if another one came since, decide again.
    pub version: u64,
    /// Who causes it.
    pub sender: UserId,
    /// Its kind; must be an organization's event of the registry.
    pub kind: u32,
    /// Its body.
    pub body: Bytes,
    /// What changes in memory.
    pub changes: Vec<Change>,
    /// What changes in the store.
    pub puts: Vec<Put>,
    /// Rows that must not exist; if one does, decide again.
    pub absent: Vec<(Table, Bytes)>,
    /// What follows elsewhere.
    pub jobs: Vec<DirectoryJobRow>,
    /// Connections to close once it is committed.
    pub closes: Option<Closes>,
}

impl OrgDraft {
    /// A draft with nothing but its event, decided on at that event of the directory.
    pub fn new<M: EventMessage>(
        cell: Arc<DirectoryCell>,
        version: u64,
        sender: UserId,
        body: &M,
    ) -> Self {
        let (kind, body) = (M::RULE.kind, body.encode_to_vec().into());
        let (changes, puts, absent, jobs) = (vec![], vec![], vec![], vec![]);
        OrgDraft { cell, version, sender, kind, body, changes, puts, absent, jobs, closes: None }
    }
}

impl fmt::Debug for OrgDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrgDraft")
            .field("org", &self.cell.org)
            .field("version", &self.version)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}

/// A user is in a room now.
#[derive(Debug)]
pub struct GainsRoom {
    /// The room.
    pub cell: Arc<RoomCell>,
    /// The event that brought them in: what came after it was told without them.
    pub seq: u64,
}

/// Rows of one shard, without an event.
pub struct RowsDraft {
    /// The shard.
    pub shard: Shard,
    /// The rows.
    pub puts: Vec<Put>,
    /// Rows that must not exist; if one does, decide again.
    pub absent: Vec<(Table, Bytes)>,
    /// Records to replace in place.
    pub erases: Vec<Erase>,
    /// Connections to close once it is committed.
    pub closes: Option<Closes>,
    /// A frame for a user's connections once it is committed.
    pub tells: Option<(UserId, Bytes)>,
    /// The version of what an organization [keeps](DirectoryCell::keeping) that it was decided on; if there
    /// is another by then, decide again.
    pub keeping: Option<(OrgId, u64)>,
}

shows! { RowsDraft { shard, puts } }

impl RowsDraft {
    /// Nothing but these rows.
    pub fn new(shard: Shard, puts: Vec<Put>) -> Self {
        let (absent, erases) = (vec![], vec![]);
        RowsDraft { shard, puts, absent, erases, closes: None, tells: None, keeping: None }
    }
}

/// Connections to close, because they were revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closes {
    /// Every connection of a user.
    User(UserId),
    /// Every connection of a session.
    Session(SessionId),
    /// Every connection that came with one of these tokens, by their `jti`.
    Tokens(Vec<Arc<str>>),
}

/// Where a draft ended up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// The event's sequence number, 0 for none.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Connections closed, of a draft that closes some.
    pub closed: u32,
    /// Heads of the rooms subscribed to.
    pub heads: Vec<parlour_protocol::wire::RoomPulse>,
    /// Presence of the users who are watched from now on.
    pub presence: WatchPresenceResponse,
    /// Who is connected, of a look at that.
    pub sessions: SessionsFound,
}
