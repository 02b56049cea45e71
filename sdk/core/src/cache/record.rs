//! Rooms and meta as the cache keeps them, and the bytes they are kept as.

use bytes::Bytes;
use parlour_protocol::{
    ids::{BlobHash, DeviceId, Incarnation, RoomId, UserId},
    limits::SEQ_MAX,
    marker::Marker,
    room::{Room, RoomKind},
};
use prost::Message;

use super::Meta;
use crate::{
    counts::{Counts, Head},
    event::Malformed,
    polls::{PollRecord, PollRow},
    settings::{RoomSettings, Settings},
};

/// How much of a room's log is known without a gap up to `to`. Empty when `from > to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// The first event known; everything before it may be missing or stale.
    pub from: u64,
    /// The last event taken in. What comes next has the number after it.
    pub to: u64,
}

impl LogRange {
    /// Nothing known yet, and what comes next follows `to`.
    pub fn empty_after(to: u64) -> Self {
        LogRange { from: to + 1, to }
    }

    /// Whether no event is known.
    pub fn is_empty(self) -> bool {
        self.from > self.to
    }
}

/// A room as the client knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomRecord {
    /// Its id.
    pub id: RoomId,
    /// What it is a room of (`RoomKind`); `Unspecified` until the server has told.
    pub kind: i32,
    /// Empty for direct rooms.
    pub name: String,
    /// Of a direct room: the other user.
    pub peer: Option<UserId>,
    /// Who made it.
    pub creator: Option<UserId>,
    /// How many are in it.
    pub member_count: u32,
    /// What it is for.
    pub topic: String,
    /// Whether nothing new can be written.
    pub is_archived: bool,
    /// Of a node's room: the node above.
    pub parent: Option<RoomId>,
    /// Everyone in the organization may join.
    pub is_open: bool,
    /// Seconds between two messages of one member; 0 for none.
    pub slow_mode_s: u32,
    /// Seconds after which messages are deleted by themselves; 0 for never.
    pub message_expiry_s: u32,
    /// Its picture.
    pub avatar: Option<BlobHash>,
    /// Up to which event of its log all that is so.
    pub told_seq: u64,
    /// The newest known place of its log.
    pub head: Head,
    /// Marker and unread counts.
    pub counts: Counts,
    /// Which events are in the cache.
    pub log: LogRange,
    /// A read marker the server hasn't been told yet; 0 for none.
    pub unsent_read: u64,
    /// The threads of it that the user follows.
    pub threads: Vec<ThreadRecord>,
    /// What the user wants of it.
    pub settings: RoomSettings,
    /// What was chosen in its polls.
    pub polls: Vec<PollRecord>,
}

/// A thread that the user follows.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadRecord {
    /// The message it stands under.
    pub root_seq: u64,
    /// The newest known event of it; `msg_no` counts its replies.
    pub head: Head,
    /// Marker and unread counts.
    pub counts: Counts,
}

impl RoomRecord {
    /// A room of which only the id is known.
    pub fn unknown(id: RoomId) -> Self {
        RoomRecord {
            id,
            kind: RoomKind::Unspecified as i32,
            name: String::new(),
            peer: None,
            creator: None,
            member_count: 0,
            topic: String::new(),
            is_archived: false,
            parent: None,
            is_open: false,
            slow_mode_s: 0,
            message_expiry_s: 0,
            avatar: None,
            told_seq: 0,
            head: Head::default(),
            counts: Counts::default(),
            log: LogRange::empty_after(0),
            unsent_read: 0,
            threads: vec![],
            settings: RoomSettings::default(),
            polls: vec![],
        }
    }

    /// Whether the server has told what the room is.
    pub fn is_described(&self) -> bool {
        self.kind != RoomKind::Unspecified as i32
    }

    /// Takes over what the server says about the room as of that event of its log. It comes on another way
    /// than the events do: what they have told meanwhile is newer. Says whether it was taken over.
    pub fn describe(&mut self, room: &Room, as_of_seq: u64) -> bool {
        if self.is_described() && as_of_seq < self.told_seq {
            return false;
        }
        self.told_seq = self.told_seq.max(as_of_seq.min(SEQ_MAX));
        self.kind = room.kind;
        self.name.clone_from(&room.name);
        self.peer = UserId::parse(&room.peer).ok();
        self.creator = UserId::parse(&room.creator).ok();
        self.member_count = room.member_count;
        self.topic.clone_from(&room.topic);
        self.is_archived = room.archived;
        self.parent = RoomId::parse(&room.parent).ok();
        self.is_open = room.open;
        self.slow_mode_s = room.slow_mode_s;
        self.message_expiry_s = room.message_expiry_s;
        self.avatar = BlobHash::parse(&room.avatar).ok();
        true
    }

    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let id = |user: Option<UserId>| user.map_or(Bytes::new(), UserId::to_field);
        Row {
            id: self.id.to_field(),
            kind: self.kind,
            name: self.name.clone(),
            peer: id(self.peer),
            creator: id(self.creator),
            member_count: self.member_count,
            head: head_numbers(self.head),
            marker: Some(self.counts.marker),
            counts: count_numbers(&self.counts),
            log: vec![self.log.from, self.log.to],
            unsent_read: self.unsent_read,
            topic: self.topic.clone(),
            is_archived: self.is_archived,
            parent: self.parent.map_or(Bytes::new(), RoomId::to_field),
            is_open: self.is_open,
            slow_mode_s: self.slow_mode_s,
            message_expiry_s: self.message_expiry_s,
            avatar: self.avatar.map_or(Bytes::new(), BlobHash::to_field),
            told_seq: self.told_seq,
            threads: self.threads.iter().map(ThreadRecord::row).collect(),
            settings: Some(self.settings.to_wire()),
            polls: self.polls.iter().map(PollRecord::row).collect(),
        }
        .encode_to_vec()
    }

    /// What [`RoomRecord::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let row = Row::decode(bytes)?;
        let [from, to] = row.log[..] else { return Err(Malformed) };
        Ok(RoomRecord {
            id: RoomId::parse(&row.id).map_err(|_| Malformed)?,
            kind: row.kind,
            name: row.name,
            peer: UserId::parse(&row.peer).ok(),
            creator: UserId::parse(&row.creator).ok(),
            member_count: row.member_count,
            topic: row.topic,
            is_archived: row.is_archived,
            parent: RoomId::parse(&row.parent).ok(),
            is_open: row.is_open,
            slow_mode_s: row.slow_mode_s,
            message_expiry_s: row.message_expiry_s,
            avatar: BlobHash::parse(&row.avatar).ok(),
            told_seq: row.told_seq,
            head: head_of(&row.head)?,
            counts: counts_of(row.marker, &row.counts)?,
            log: LogRange { from, to },
            unsent_read: row.unsent_read,
            threads: row.threads.iter().map(ThreadRecord::of_row).collect::<Result<_, _>>()?,
            settings: row.settings.as_ref().map(RoomSettings::of_wire).unwrap_or_default(),
            polls: row.polls.into_iter().map(PollRecord::of_row).collect(),
        })
    }
}

impl ThreadRecord {
    fn row(&self) -> ThreadRow {
        ThreadRow {
            root_seq: self.root_seq,
            head: head_numbers(self.head),
            marker: Some(self.counts.marker),
            counts: count_numbers(&self.counts),
        }
    }

    fn of_row(row: &ThreadRow) -> Result<Self, Malformed> {
        let (head, counts) = (head_of(&row.head)?, counts_of(row.marker, &row.counts)?);
        Ok(ThreadRecord { root_seq: row.root_seq, head, counts })
    }
}

fn head_numbers(head: Head) -> Vec<u64> {
    vec![head.seq, head.at_ms, head.msg_no, head.bcast_no, head.del_no]
}

fn head_of(numbers: &[u64]) -> Result<Head, Malformed> {
    let [seq, at_ms, msg_no, bcast_no, del_no] = *numbers else { return Err(Malformed) };
    Ok(Head { seq, at_ms, msg_no, bcast_no, del_no })
}

fn count_numbers(counts: &Counts) -> Vec<u64> {
    vec![counts.own_seq, counts.messages, counts.mentions, u64::from(counts.is_uncertain)]
}

fn counts_of(marker: Option<Marker>, numbers: &[u64]) -> Result<Counts, Malformed> {
    let [own_seq, messages, mentions, uncertain] = *numbers else { return Err(Malformed) };
    let (marker, is_uncertain) = (marker.unwrap_or_default(), uncertain != 0);
    Ok(Counts { marker, own_seq, messages, mentions, is_uncertain, ..Counts::default() })
}

impl Meta {
    /// The bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        MetaRow {
            device: self.device.map_or(Bytes::new(), DeviceId::to_field),
            user: self.user.map_or(Bytes::new(), UserId::to_field),
            incarnation: self.incarnation.map_or(Bytes::new(), Incarnation::to_field),
            user_seq: self.user_seq,
            watermark_ms: self.watermark_ms,
            resume: self.resume.clone(),
            settings: Some(self.settings.to_wire()),
            quiet_until_ms: self.quiet_until_ms,
            blocked: self.blocked.iter().map(|user| user.to_field()).collect(),
            knows_blocked: self.knows_blocked,
        }
        .encode_to_vec()
    }

    /// What [`Meta::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let row = MetaRow::decode(bytes)?;
        Ok(Meta {
            device: DeviceId::parse(&row.device).ok(),
            user: UserId::parse(&row.user).ok(),
            incarnation: Incarnation::parse(&row.incarnation).ok(),
            user_seq: row.user_seq,
            watermark_ms: row.watermark_ms,
            resume: row.resume,
            settings: row.settings.map(Settings::of_wire).unwrap_or_default(),
            quiet_until_ms: row.quiet_until_ms,
            knows_blocked: row.knows_blocked,
            blocked: row.blocked.iter().filter_map(|user| UserId::parse(user).ok()).collect(),
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct MetaRow {
    #[prost(bytes = "bytes", tag = "1")]
    device: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    user: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    incarnation: Bytes,
    #[prost(uint64, tag = "4")]
    user_seq: u64,
    #[prost(uint64, tag = "5")]
    watermark_ms: u64,
    #[prost(bytes = "bytes", tag = "6")]
    resume: Bytes,
    #[prost(message, optional, tag = "7")]
    settings: Option<parlour_protocol::settings::Settings>,
    #[prost(uint64, tag = "8")]
    quiet_until_ms: u64,
    #[prost(bytes = "bytes", repeated, tag = "9")]
    blocked: Vec<Bytes>,
    #[prost(bool, tag = "10")]
    knows_blocked: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Row {
    #[prost(bytes = "bytes", tag = "1")]
    id: Bytes,
    #[prost(int32, tag = "2")]
    kind: i32,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(bytes = "bytes", tag = "4")]
    peer: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    creator: Bytes,
    #[prost(uint32, tag = "6")]
    member_count: u32,
    #[prost(uint64, repeated, tag = "7")]
    head: Vec<u64>,
    #[prost(message, optional, tag = "8")]
    marker: Option<Marker>,
    #[prost(uint64, repeated, tag = "9")]
    counts: Vec<u64>,
    #[prost(uint64, repeated, tag = "10")]
    log: Vec<u64>,
    #[prost(uint64, tag = "11")]
    unsent_read: u64,
    #[prost(string, tag = "12")]
    topic: String,
    #[prost(bool, tag = "13")]
    is_archived: bool,
    #[prost(bytes = "bytes", tag = "14")]
    parent: Bytes,
    #[prost(message, repeated, tag = "15")]
    threads: Vec<ThreadRow>,
    #[prost(message, optional, tag = "16")]
    settings: Option<parlour_protocol::settings::RoomSettings>,
    #[prost(bool, tag = "17")]
    is_open: bool,
    #[prost(uint32, tag = "18")]
    slow_mode_s: u32,
    #[prost(uint32, tag = "19")]
    message_expiry_s: u32,
    #[prost(bytes = "bytes", tag = "25")]
    avatar: Bytes,
    #[prost(message, repeated, tag = "24")]
    polls: Vec<PollRow>,
    #[prost(uint64, tag = "26")]
    told_seq: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ThreadRow {
    #[prost(uint64, tag = "1")]
    root_seq: u64,
    #[prost(uint64, repeated, tag = "2")]
    head: Vec<u64>,
    #[prost(message, optional, tag = "3")]
    marker: Option<Marker>,
    #[prost(uint64, repeated, tag = "4")]
    counts: Vec<u64>,
}
