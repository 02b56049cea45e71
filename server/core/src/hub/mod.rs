//! The hub: gives drafts their place, commits them in groups, and only then tells those who may
//! hear. A state machine: inputs are `handle_*`, the next thing to do comes from `poll`.

mod audience;
mod commit;
mod connections;
mod directory;
mod gather;
mod intents;
mod outbox;
mod pace;
mod place;
mod placed;
mod poll;
mod presence;
mod receipts;
mod signals;
mod sweep;
mod thread;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use parlour_protocol::{
    ids::{RoomId, UserId},
    receipt::ReadReceipt,
    wire::CloseCode,
};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    draft::{Again, ConnId, Draft, Refused, Submission, Then},
    effects::Job,
    limits,
    node::{Caller, Node},
    ports::{
        clock::Now,
        store::{Batch, StoreError},
    },
    presence::Board,
    session::reply_frame,
};

use audience::Audience;
use gather::Gather;
use intents::{Filter, Own};
pub use outbox::{Lane, Outbox};
use pace::Untold;
use place::Placed;

/// What the hub wants done.
#[derive(Debug)]
pub enum Output {
    /// Append these to the store, then call [`Hub::handle_appended`]. One at a time.
    Append(Vec<Batch>),
    /// Run the handler of this call again: what it decided on has changed.
    Rerun {
        /// Which connection.
        conn: ConnId,
        /// Which of its calls.
        call: u64,
        /// The call.
        again: Again,
    },
    /// Carry out what follows from an event elsewhere.
    Effects(Job),
    /// Write what waits for the connection, then close it. Goodbye is said already.
    Close {
        /// Which connection.
        conn: ConnId,
        /// The close code.
        code: CloseCode,
        /// For logs.
        why: &'static str,
    },
}

struct Conn {
    id: ConnId,
    caller: Arc<Caller>,
    calls: Arc<AtomicU32>,
    outbox: Outbox,
    // Rooms in whose audience the connection is.
    rooms: FxHashSet<RoomId>,
    // Rooms it hears in full although it is focused, or again after a gap.
    subscribed: FxHashSet<RoomId>,
    // Rooms left out because it was too slow.
    lagging: FxHashSet<RoomId>,
    // Rooms whose heads are to be told, and the user's own words there that come with them.
    pulses: FxHashMap<RoomId, Own>,
    // What it doesn't want all of; most have none.
    filter: Option<Box<Filter>>,
    reauth_deadline_ms: Option<u64>,
    is_dirty: bool,
    is_closing: bool,
}

/// Figures for metrics, counted up for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Groups committed.
    pub groups: u64,
    /// Drafts committed.
    pub drafts: u64,
    /// Frames put into outboxes.
    pub deliveries: u64,
    /// Events in those frames.
    pub events: u64,
    /// Times a connection was degraded.
    pub gaps: u64,
}

/// See the module.
pub struct Hub {
    node: Arc<Node>,
    conns: Vec<Option<Conn>>,
    free: Vec<u32>,
    uses: Vec<u32>,
    by_user: FxHashMap<UserId, Vec<u32>>,
    audiences: FxHashMap<RoomId, Audience>,
    pending: VecDeque<Submission>,
    group: Option<Vec<Placed>>,
    gather: Gather,
    untold: Untold,
    delivery_cost: std::time::Duration,
    // A floor under the log's time, committed with the group.
    floor_ms: Option<u64>,
    outputs: VecDeque<Output>,
    dirty: Vec<u32>,
    // Rooms and users with events since the last announcement of heads.
    active: FxHashSet<RoomId>,
    active_users: FxHashSet<UserId>,
    // Markers that moved since receipts were told last.
    receipts: FxHashMap<RoomId, FxHashMap<UserId, ReadReceipt>>,
    presence: Board,
    pulse_at: Option<std::time::Duration>,
    sweep_at: std::time::Duration,
    heads_at: std::time::Duration,
    totals: Totals,
}

impl Hub {
    /// A hub over what the node shares.
    pub fn new(node: Arc<Node>, now: Now) -> Self {
        Hub {
            node,
            conns: vec![],
            free: vec![],
            uses: vec![],
            by_user: FxHashMap::default(),
            audiences: FxHashMap::default(),
            pending: VecDeque::new(),
            group: None,
            gather: Gather::default(),
            untold: Untold::default(),
            delivery_cost: limits::DELIVERY_COST,
            floor_ms: None,
            outputs: VecDeque::new(),
            dirty: vec![],
            active: FxHashSet::default(),
            active_users: FxHashSet::default(),
            receipts: FxHashMap::default(),
            presence: Board::default(),
            pulse_at: None,
            sweep_at: now.elapsed + limits::SWEEP_EVERY,
            heads_at: now.elapsed + limits::HEADS_EVERY,
            totals: Totals::default(),
        }
    }

    /// Takes a draft. Drafts of one room are committed in the order they come.
    pub fn handle_submission(&mut self, submission: Submission) {
        if let Draft::Subscribe(_) = submission.draft {
            return self.subscribe(submission);
        }
        if let Draft::Presence(_) = submission.draft {
            return self.handle_presence(submission);
        }
        if let Draft::Sessions(_) = submission.draft {
            return self.list_sessions(submission);
        }
        if let Draft::Signal(_) = submission.draft {
            return self.handle_signal(submission);
        }
        if self.pending.len() >= limits::PENDING_DRAFTS_MAX {
            return self.refuse(submission.then, Refused::Busy);
        }
        self.pending.push_back(submission);
    }

    /// The next thing to do.
    pub fn poll(&mut self, now: Now) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if self.group.is_some() {
            return None;
        }
        if self.gather.waits(now.elapsed, self.pending.len()) {
            return None;
        }
        while !self.pending.is_empty() {
            if let Some(batches) = self.place_group(now) {
                self.gather.handle_begin(now.elapsed);
                return Some(Output::Append(batches));
            }
        }
        self.outputs.pop_front()
    }

    /// Connections with something to write, each once.
    pub fn take_dirty(&mut self, into: &mut Vec<ConnId>) {
        for index in self.dirty.drain(..) {
            if let Some(conn) = self.conns[index as usize].as_mut() {
                conn.is_dirty = false;
                into.push(conn.id);
            }
        }
    }

    /// What waits for a connection.
    pub fn outbox(&mut self, conn: ConnId) -> Option<&mut Outbox> {
        self.conn_mut(conn).map(|conn| &mut conn.outbox)
    }

    /// Figures for metrics.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Connections that are established.
    pub fn connections(&self) -> usize {
        self.conns.len() - self.free.len()
    }

    /// Whether everything committed was told.
    pub fn has_told_all(&self) -> bool {
        self.untold.is_empty()
    }

    /// Whether a group is on its way to the store.
    pub(super) fn is_committing(&self) -> bool {
        self.group.is_some()
    }

    /// Drafts that wait for the commit under way.
    pub fn waiting(&self) -> usize {
        self.pending.len() + self.group.as_ref().map_or(0, Vec::len)
    }

    fn conn_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(id.index as usize)?.as_mut().filter(|conn| conn.id == id)
    }

    fn refuse(&mut self, then: Then, refused: Refused) {
        match then {
            Then::Callback(callback) => callback(Err(refused)),
            Then::Reply { conn, call, again, .. } => {
                // What was sent before is answered by a store that takes nothing new, too.
                let takes_nothing = matches!(refused, Refused::Store(StoreError::ReadOnly));
                let decides_again = matches!(refused, Refused::Stale | Refused::Exists)
                    && again.times < limits::RERUNS_MAX;
                // What is there already was there before everything behind it.
                if refused != Refused::Exists || !decides_again {
                    again.break_chain();
                }
                if decides_again || (takes_nothing && again.times == 0) {
                    let again = Again { times: again.times + 1, takes_nothing, ..again };
                    self.outputs.push_back(Output::Rerun { conn, call, again });
                } else {
                    let error = refused.into();
                    if let Some(follower) = &again.follower {
                        follower.handle_refused(&error);
                    }
                    self.handle_reply(conn, reply_frame(call, Err(error)));
                }
            }
        }
    }

    /// Sends an answer that needed no commit, or one made here.
    pub fn handle_reply(&mut self, conn: ConnId, frame: bytes::Bytes) {
        if let Some(conn) = self.conn_mut(conn) {
            conn.calls.fetch_sub(1, Ordering::AcqRel);
        }
        self.handle_notice(conn, frame);
    }

    /// Sends a frame on the control lane that answers no call.
    pub fn handle_notice(&mut self, id: ConnId, frame: bytes::Bytes) {
        let Some(conn) = self.conn_mut(id) else { return };
        let fits = conn.outbox.push_control(frame);
        self.mark_dirty(id.index);
        self.enforce(id.index, fits);
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
