//! One client of Parlour as far as the wire goes: its lanes, its calls, and which events it has.

use std::collections::HashMap;

use bytes::Bytes;
use parlour_protocol::frame::Splitter;
use parlour_protocol::limits;
use quinn_proto::StreamId;

/// How far a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    /// The hello is sent.
    Greeted,
    /// Welcome has come; the list of rooms is under way.
    Syncing,
    Ready,
}

/// Why a bulk lane is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Sync,
    /// Events of a room of the world that were missed.
    CatchUp {
        room: usize,
    },
    /// What a room has beyond the last event known, after a move.
    ReadOn {
        room: usize,
    },
    /// A transfer somebody asked for.
    Transfer,
}

/// A lane that is read.
pub(super) struct Lane {
    pub(super) frames: Splitter,
    pub(super) purpose: Purpose,
}

/// What a client knows of a room's log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Known {
    /// Everything up to here has come, or is being fetched.
    pub(super) last: u64,
    /// The first live event since the connection began.
    pub(super) first_live: Option<u64>,
}

/// A client.
pub(super) struct Member {
    pub(super) user: usize,
    pub(super) device: [u8; 16],
    pub(super) stage: Stage,
    pub(super) control: Option<StreamId>,
    pub(super) control_in: Splitter,
    pub(super) events: Option<StreamId>,
    pub(super) events_in: Splitter,
    pub(super) event_lane_open: bool,
    pub(super) bulk: HashMap<StreamId, Lane>,
    /// What the control lane doesn't take yet.
    pub(super) waiting: Vec<u8>,
    pub(super) next_call: u64,
    pub(super) resume: Bytes,
    /// By room of the world; only rooms that were heard of.
    pub(super) known: HashMap<usize, Known>,
    pub(super) has_synced: bool,
}

impl Member {
    pub(super) fn new(user: usize) -> Self {
        let mut device = [7; 16];
        device[..8].copy_from_slice(&(user as u64).to_be_bytes());
        Self {
            user,
            device,
            stage: Stage::Connecting,
            control: None,
            control_in: Splitter::new(limits::CONTROL_FRAME_BYTES_MAX),
            events: None,
            events_in: Splitter::new(limits::EVENT_FRAME_BYTES_MAX),
            event_lane_open: false,
            bulk: HashMap::new(),
            waiting: Vec::new(),
            next_call: 1,
            resume: Bytes::new(),
            known: HashMap::new(),
            has_synced: false,
        }
    }

    /// A new connection of the same client: what it knows of logs stays.
    pub(super) fn reconnect(&mut self) {
        let fresh = Self::new(self.user);
        let resume = std::mem::take(&mut self.resume);
        let mut known = std::mem::take(&mut self.known);
        known.values_mut().for_each(|known| known.first_live = None);
        *self = Self { resume, known, has_synced: self.has_synced, ..fresh };
    }

    /// Whether a live event is new to this client; one that it has already is a repetition.
    pub(super) fn takes(&mut self, room: usize, seq: u64) -> bool {
        let known = self.known.entry(room).or_default();
        known.first_live.get_or_insert(seq);
        let is_new = seq > known.last;
        known.last = known.last.max(seq);
        is_new
    }
}
