//! Rows and keys as they lie in the store. Fields are numbered like a protocol: never reused.

use bytes::{Bytes, BytesMut};
use parlour_protocol::{
    ids::{OrgId, RoomId, UserId},
    user::{Profile, User, UserKind},
};
use prost::Message;

use crate::{directory::Role, limits::ENDS_KEPT_FOR};

/// A row of `Table::ROOMS`.
#[derive(Clone, PartialEq, Message)]
pub struct RoomRow {
    /// `RoomKind`.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// The organization's id.
    #[prost(bytes = "bytes", tag = "2")]
    pub org: Bytes,
    /// Empty for direct rooms.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Who made it.
    #[prost(bytes = "bytes", tag = "4")]
    pub creator: Bytes,
    /// What it is for.
    #[prost(string, tag = "5")]
    pub topic: String,
    /// What it says of permissions.
    #[prost(message, repeated, tag = "6")]
    pub overrides: Vec<parlour_protocol::access::PermissionOverride>,
    /// Of a group: nothing new can be written.
    #[prost(bool, tag = "7")]
    pub archived: bool,
    /// Of a group: everyone may join.
    #[prost(bool, tag = "8")]
    pub open: bool,
    /// Of a group: seconds between two messages of one member.
    #[prost(uint32, tag = "9")]
    pub slow_mode_s: u32,
    /// Of a group: who may not be in it.
    #[prost(bytes = "bytes", repeated, tag = "10")]
    pub banned: Vec<Bytes>,
    /// Seconds after which messages are deleted by themselves.
    #[prost(uint32, tag = "11")]
    pub message_expiry_s: u32,
    /// Its picture's hash; empty for none.
    #[prost(bytes = "bytes", tag = "12")]
    pub avatar: Bytes,
}

/// A row of `Table::NODE_ROOMS`: what the directory doesn't say of a node's room.
#[derive(Clone, PartialEq, Message)]
pub struct NodeRoomRow {
    /// Seconds between two messages of one member.
    #[prost(uint32, tag = "1")]
    pub slow_mode_s: u32,
    /// Seconds after which messages are deleted by themselves.
    #[prost(uint32, tag = "2")]
    pub message_expiry_s: u32,
    /// Its picture's hash; empty for none.
    #[prost(bytes = "bytes", tag = "3")]
    pub avatar: Bytes,
}

/// A row of `Table::SENDS`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct SendRow {
    /// The event made of it.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// When it was committed.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
    /// Tells the same request from another under the same ref.
    #[prost(fixed64, tag = "3")]
    pub fingerprint: u64,
}

/// Which event wrote a row: a row of `Table::PINS` or `Table::SAVED`.
#[derive(Clone, PartialEq, Message)]
pub struct StampRow {
    /// The event.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// When it was committed.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
    /// Who caused it; empty in a user's own log.
    #[prost(bytes = "bytes", tag = "3")]
    pub sender: Bytes,
}

/// The counters of a log, kept in its head, and a row of `Table::LAST_SENT`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Counters {
    /// The last event; filled in from the head when read from there.
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// Countable messages.
    #[prost(uint64, tag = "2")]
    pub msg_no: u64,
    /// Messages to everyone.
    #[prost(uint64, tag = "3")]
    pub bcast_no: u64,
    /// Deletes.
    #[prost(uint64, tag = "4")]
    pub del_no: u64,
    /// When the last event was committed, as people are shown it.
    #[prost(uint64, tag = "5")]
    pub at_ms: u64,
    /// The same in log time, which never goes back; 0 in heads that are older than it, and in
    /// `Table::LAST_SENT`.
    #[prost(uint64, tag = "6")]
    pub changed_ms: u64,
    /// When something was committed last that somebody did; 0 where that was the last event.
    #[prost(uint64, tag = "7")]
    pub news_ms: u64,
}

impl Counters {
    /// When somebody did something last: what goes by itself is no news.
    pub fn news_at_ms(&self) -> u64 {
        if self.news_ms > 0 { self.news_ms } else { self.at_ms }
    }

    /// Whether there may be something that a sync with that watermark hasn't seen.
    pub fn changed_since(&self, watermark_ms: u64) -> bool {
        self.changed_ms.max(self.at_ms) >= watermark_ms
    }
}

/// The row of `Table::LOG_TIME`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct LogTimeRow {
    /// No change after it has an earlier log time.
    #[prost(uint64, tag = "1")]
    pub floor_ms: u64,
}

/// A row of `Table::USERS`.
#[derive(Clone, PartialEq, Message)]
pub struct UserRow {
    /// The token's `sub`.
    #[prost(string, tag = "1")]
    pub subject: String,
    /// What they are called: the token's `name`, or the profile's.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What the directory says of them.
    #[prost(message, optional, tag = "3")]
    pub profile: Option<Profile>,
    /// Whether they are shut out.
    #[prost(bool, tag = "4")]
    pub deactivated: bool,
    /// Whether they were here: their own log has to say which rooms they gain and lose.
    #[prost(bool, tag = "5")]
    pub seen: bool,
    /// Whether they came as a guest.
    #[prost(bool, tag = "6")]
    pub guest: bool,
    /// Whether it is only the name of a hook: nobody who could be anywhere.
    #[prost(bool, tag = "7")]
    pub is_hook: bool,
    /// Whether it is a program with an account of its own.
    #[prost(bool, tag = "8")]
    pub is_bot: bool,
    /// Whether they were erased, and how far that is.
    #[prost(enumeration = "Erased", tag = "9")]
    pub erased: i32,
}

/// Whether somebody was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Erased {
    /// They weren't.
    No = 0,
    /// What they wrote goes just now.
    UnderWay = 1,
    /// All of it is gone.
    Done = 2,
}

impl UserRow {
    /// The role the organization gives them, unless it says otherwise.
    pub fn role_when_new(&self) -> &'static str {
        if self.guest { Role::GUEST } else { Role::MEMBER }
    }

    /// What is left of somebody who was erased: that there was somebody.
    pub fn of_erased(erased: Erased) -> Self {
        // Their own log still follows the directory until all of it is gone.
        let seen = erased == Erased::UnderWay;
        UserRow { deactivated: true, erased: erased as i32, seen, ..UserRow::default() }
    }

    /// Whether they were erased.
    pub fn is_erased(&self) -> bool {
        self.erased() != Erased::No
    }

    /// The user as others see them.
    pub fn view(self, id: UserId) -> User {
        let kind = match (self.is_hook, self.is_bot) {
            _ if self.is_erased() => UserKind::Erased,
            (true, _) => UserKind::Hook,
            (_, true) => UserKind::Bot,
            _ => UserKind::Person,
        };
        let user = User {
            id: id.to_field(),
            subject: self.subject,
            name: self.name,
            profile: self.profile,
            deactivated: self.deactivated,
            kind: kind as i32,
            mark: 0,
        };
        User { mark: mark(&user.encode_to_vec()), ..user }
    }
}

/// FNV-1a of 32 bits, which is the same in every version; 0 is for none.
fn mark(bytes: &[u8]) -> u32 {
    let step = |mark: u32, byte: &u8| (mark ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step).max(1)
}

/// A row of `Table::REVOKED`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct RevokedRow {
    /// Tokens issued up to then are refused.
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
    /// Nothing that it refuses is good after that, Unix milliseconds; 0 where nobody knows.
    #[prost(uint64, tag = "2")]
    pub until_ms: u64,
}

impl RevokedRow {
    /// Of what somebody else made: it may be good for ever.
    pub fn new(at_ms: u64) -> Self {
        RevokedRow { at_ms, until_ms: 0 }
    }

    /// Of a login or key of the server's own, which ends with it.
    pub fn of_own(at_ms: u64) -> Self {
        RevokedRow { at_ms, until_ms: at_ms + ENDS_KEPT_FOR.as_millis() as u64 }
    }
}

/// A row of `Table::OUTBOX`: what follows from an event in other shards, at least once.
#[derive(Clone, PartialEq, Message)]
pub struct OutboxRow {
    /// Events for users' own logs.
    #[prost(message, repeated, tag = "1")]
    pub effects: Vec<Effect>,
    /// Messages of the room whose edits are to be erased.
    #[prost(uint64, repeated, tag = "2")]
    pub erase_amendments_of: Vec<u64>,
    /// The organization for which what they said is held; empty where it isn't.
    #[prost(bytes = "bytes", tag = "3")]
    pub held_for: Bytes,
}

/// An event for the own logs of users.
#[derive(Clone, PartialEq, Message)]
pub struct Effect {
    /// Whose logs.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub users: Vec<Bytes>,
    /// The event's kind.
    #[prost(uint32, tag = "2")]
    pub kind: u32,
    /// The event's body.
    #[prost(bytes = "bytes", tag = "3")]
    pub body: Bytes,
    /// Rows of the user's shard that change with it.
    #[prost(message, repeated, tag = "4")]
    pub rows: Vec<EffectRow>,
    /// Whether the user's connections hear the room from now on.
    #[prost(bool, tag = "5")]
    pub gains_room: bool,
}

/// A row whose key begins with the user.
#[derive(Clone, PartialEq, Message)]
pub struct EffectRow {
    /// The table's number.
    #[prost(uint32, tag = "1")]
    pub table: u32,
    /// The key after the user's id.
    #[prost(bytes = "bytes", tag = "2")]
    pub rest: Bytes,
    /// Whether it is there or gone from now on.
    #[prost(bool, tag = "3")]
    pub present: bool,
    /// What is in it while it is there.
    #[prost(bytes = "bytes", tag = "4")]
    pub value: Bytes,
}

/// Joins the parts of a key.
pub fn key(parts: &[&[u8]]) -> Bytes {
    let mut out = BytesMut::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
    out.freeze()
}

/// room ‖ user, for `MEMBERS` and `LAST_SENT`.
pub fn room_user(room: RoomId, user: UserId) -> Bytes {
    key(&[room.as_bytes(), user.as_bytes()])
}

/// user ‖ room, for `USER_ROOMS` and `MARKERS`.
pub fn user_room(user: UserId, room: RoomId) -> Bytes {
    key(&[user.as_bytes(), room.as_bytes()])
}

/// room ‖ seq, for `DELETED` and `OUTBOX`.
pub fn room_seq(room: RoomId, seq: u64) -> Bytes {
    key(&[room.as_bytes(), &seq.to_be_bytes()])
}

/// org ‖ user, for `USERS`.
pub fn org_user(org: OrgId, user: UserId) -> Bytes {
    key(&[org.as_bytes(), user.as_bytes()])
}

/// org ‖ room, for `OPEN_ROOMS`.
pub fn org_room(org: OrgId, room: RoomId) -> Bytes {
    key(&[org.as_bytes(), room.as_bytes()])
}

/// The user at the end of a key.
pub fn trailing_user(key: &[u8]) -> Option<UserId> {
    UserId::parse(key.get(key.len().checked_sub(16)?..)?).ok()
}

/// The sequence number at the end of a key.
pub fn trailing_seq(key: &[u8]) -> Option<u64> {
    let start = key.len().checked_sub(8)?;
    key[start..].try_into().ok().map(u64::from_be_bytes)
}
