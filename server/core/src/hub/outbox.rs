//! What waits for one connection: replies first, then events, within a budget.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use parlour_protocol::ids::RoomId;

use crate::{limits, shown::shows};

struct Entry {
    bytes: Bytes,
    of: Of,
    events: usize,
    started: bool,
}

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Events of a room; they may be left out when the reader is too slow.
    Room(RoomId),
    /// What must not be left out.
    User,
    /// Presence: one frame at most, since what changes meanwhile is told when it was read.
    Presence,
}

/// Which of a connection's two written lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Replies and notices.
    Control,
    /// Events.
    Event,
}

/// Whether what was pushed fits the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fits {
    Yes,
    /// Room events have to be left out.
    Degrade,
    /// The connection has to be closed.
    Close,
}

/// What waits for one connection.
pub struct Outbox {
    control: VecDeque<Bytes>,
    control_bytes: usize,
    events: VecDeque<Entry>,
    room_bytes: usize,
    room_events: usize,
    user_bytes: usize,
    presence_bytes: usize,
    blocked_since: Option<Duration>,
}

impl Default for Outbox {
    fn default() -> Self {
        Outbox {
            // Most of the time there is one, and an idle connection keeps the place.
            control: VecDeque::with_capacity(1),
            control_bytes: 0,
            events: VecDeque::with_capacity(1),
            room_bytes: 0,
            room_events: 0,
            user_bytes: 0,
            presence_bytes: 0,
            blocked_since: None,
        }
    }
}

shows! { Outbox { control_bytes, room_bytes, room_events, user_bytes, presence_bytes } }

impl Outbox {
    pub(crate) fn push_control(&mut self, bytes: Bytes) -> Fits {
        self.control_bytes += bytes.len();
        self.control.push_back(bytes);
        if self.control_bytes > limits::OUTBOX_CONTROL_BYTES_MAX { Fits::Close } else { Fits::Yes }
    }

    pub(crate) fn push_room(&mut self, room: RoomId, bytes: Bytes, events: usize) -> Fits {
        self.room_bytes += bytes.len();
        self.room_events += events;
        self.events.push_back(Entry { bytes, of: Of::Room(room), events, started: false });
        let over = self.room_bytes > limits::OUTBOX_BYTES_MAX
            || self.room_events > limits::OUTBOX_EVENTS_MAX;
        if over { Fits::Degrade } else { Fits::Yes }
    }

    /// Pushes what must not be left out: the user's own log, gaps, pulses, heads.
    pub(crate) fn push_kept(&mut self, bytes: Bytes) -> Fits {
        self.user_bytes += bytes.len();
        self.events.push_back(Entry { bytes, of: Of::User, events: 0, started: false });
        if self.user_bytes > limits::OUTBOX_USER_BYTES_MAX { Fits::Close } else { Fits::Yes }
    }

    /// Pushes presence; only where [`Outbox::holds_presence`] says that none waits.
    pub(crate) fn push_presence(&mut self, bytes: Bytes) {
        self.presence_bytes += bytes.len();
        self.events.push_back(Entry { bytes, of: Of::Presence, events: 0, started: false });
    }

    /// Whether presence waits to be read.
    pub(crate) fn holds_presence(&self) -> bool {
        self.presence_bytes > 0
    }

    /// Leaves out what waits for rooms, except a frame that is partly sent; tells which rooms.
    pub(crate) fn leave_out(&mut self) -> Vec<RoomId> {
        let mut rooms = Vec::new();
        let (mut bytes, mut events) = (0, 0);
        self.events.retain(|entry| {
            let Of::Room(room) = entry.of else { return true };
            if entry.started {
                bytes += entry.bytes.len();
                events += entry.events;
            } else {
                rooms.push(room);
            }
            entry.started
        });
        (self.room_bytes, self.room_events) = (bytes, events);
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.control.is_empty() && self.events.is_empty()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.control_bytes + self.room_bytes + self.user_bytes + self.presence_bytes
    }

    /// The next bytes for a lane, at most `out`'s free places; they stay until
    /// [`Outbox::wrote`].
    pub fn next(&self, lane: Lane, out: &mut Vec<Bytes>, chunks_max: usize) {
        match lane {
            Lane::Control => out.extend(self.control.iter().take(chunks_max).cloned()),
            Lane::Event => {
                out.extend(self.events.iter().take(chunks_max).map(|entry| entry.bytes.clone()));
            }
        }
    }

    /// The transport took this many bytes of the lane.
    pub fn wrote(&mut self, lane: Lane, bytes: usize) {
        if bytes > 0 {
            self.blocked_since = None;
        }
        match lane {
            Lane::Control => self.wrote_control(bytes),
            Lane::Event => self.wrote_events(bytes),
        }
    }

    /// The transport takes nothing more for now.
    pub fn blocked(&mut self, now: Duration) {
        self.blocked_since.get_or_insert(now);
    }

    /// Whether it has taken nothing for too long.
    pub fn is_stalled(&self, now: Duration) -> bool {
        self.blocked_since.is_some_and(|since| now >= since + limits::STALLED_FOR_MAX)
    }

    fn wrote_control(&mut self, mut bytes: usize) {
        self.control_bytes -= bytes;
        while bytes > 0 {
            let Some(front) = self.control.front_mut() else { return };
            if front.len() > bytes {
                *front = front.slice(bytes..);
                return;
            }
            bytes -= front.len();
            self.control.pop_front();
        }
    }

    fn wrote_events(&mut self, mut bytes: usize) {
        while bytes > 0 {
            let Some(front) = self.events.front_mut() else { return };
            let part = bytes.min(front.bytes.len());
            let count = match front.of {
                Of::Room(_) => &mut self.room_bytes,
                Of::User => &mut self.user_bytes,
                Of::Presence => &mut self.presence_bytes,
            };
            *count -= part;
            bytes -= part;
            if part < front.bytes.len() {
                front.bytes = front.bytes.slice(part..);
                front.started = true;
                return;
            }
            self.room_events -= front.events;
            self.events.pop_front();
        }
    }
}
