//! The whole client as one state machine: replies, live events, history and the cache in; calls,
//! reads, writes and notices out. Feature by feature in the files beside this one.

mod anew;
mod asking;
mod download;
mod expiry;
mod history;
mod live;
mod markers;
mod page;
mod people;
mod polls;
mod presence;
mod repair;
mod sending;
mod session;
mod settings;
mod stretch;
mod syncing;
mod threads;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use parlour_protocol::{
    app::AppSignal,
    draft::MessageDraft,
    ids::{ClientRef, DeviceId, RoomId, UserId},
    interaction::{CommandInvoked, ComponentUsed, InteractionAnswered},
    reminder::ReminderChanged,
    schedule::ScheduledChanged,
    wire::{Delivery, Error},
};

pub use asking::AskError;
pub use history::PageError;
pub use presence::TooManyWatched;

use crate::{
    cache::{Meta, Saved, Write},
    connection::{CallId, TooManyCalls},
    diff::Diff,
    event::LogEvent,
    limits::CALLS_WAITING_MAX,
    outbox::{Outbox, SendError},
    presence::PresenceSettings,
    rooms::RoomList,
    settings::Reason,
    time::{Now, sooner},
    timeline::{Item, Scope},
};

/// Names a bulk lane among those of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BulkId(pub u64);

/// Names a read of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadId(pub u64);

/// What the owner does: on the present connection, or with the cache.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Make a call.
    Call {
        /// Its id.
        id: CallId,
        /// The method's number.
        method: u32,
        /// The request message.
        body: Bytes,
        /// The chain it is part of; 0 for none.
        chain: u64,
    },
    /// Stop waiting for a call.
    Cancel(CallId),
    /// Open a bulk lane.
    Bulk {
        /// Its id.
        id: BulkId,
        /// The method's number.
        method: u32,
        /// The request message.
        body: Bytes,
    },
    /// Reset a bulk lane.
    CancelBulk(BulkId),
    /// Send a datagram, if it can be sent.
    Datagram(Bytes),
    /// Read the cache and answer with `handle_loaded`.
    Load {
        /// Its id.
        id: LoadId,
        /// The room.
        room: RoomId,
        /// Events before this place.
        before: u64,
        /// As many as this.
        limit: usize,
    },
}

/// What the application may want to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A call made with [`Engine::call`] was answered.
    Reply(CallId, Result<Bytes, Error>),
    /// A bulk call made with [`Engine::ask`] was answered, by these items.
    Answered(BulkId, Result<Vec<Bytes>, AskError>),
    /// Something of the outbox is in its room's log.
    Sent {
        /// What.
        client_ref: ClientRef,
        /// Where.
        seq: u64,
        /// When, Unix milliseconds.
        at_ms: u64,
    },
    /// Something of the outbox failed.
    Failed(ClientRef, SendError),
    /// A ref expired and isn't in the log: call [`Engine::renew_ref`].
    RefExpired(ClientRef),
    /// The next events of a room's log, without gap or repetition, while connected.
    Events(RoomId, Vec<LogEvent>),
    /// A timeline is open: what the cache has of it is there.
    Opened(Scope),
    /// A page of history was added to a timeline, or couldn't be.
    Paged(Scope, Result<(), PageError>),
    /// A room's history was written to the cache, as far as this.
    Downloaded(RoomId, Result<u64, PageError>),
    /// Everything that happened while the client was away is known.
    Synced,
    /// The user isn't in the room any more.
    RoomLost(RoomId),
    /// A new message is worth a notification.
    Notify(RoomId, Box<LogEvent>, Reason),
    /// Somebody's marker in a room is at this place. Whoever sends has read what is before it, too.
    Receipt(RoomId, Receipt),
    /// Receipts may have gone past: ask for them again.
    ReceiptsMissed,
    /// The user has set something about their presence, at whichever device.
    Settings(PresenceSettings),
    /// An application tells something to those who hear the room just now.
    Signal(RoomId, UserId, AppSignal),
    /// Something the user keeps for themselves is another, at whichever device that was done.
    Own(OwnChange),
    /// Somebody wants something of the user's program, or a program answers the user alone.
    Interaction(Interaction),
}

/// What has changed of what the user keeps for themselves.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnChange {
    /// A scheduled message.
    Scheduled(ScheduledChanged),
    /// A reminder: set, due, or gone.
    Reminder(ReminderChanged),
    /// What is begun in a room or thread.
    Draft(MessageDraft),
    /// Somebody is blocked, or isn't any more.
    Blocked(UserId, bool),
    /// The message at a place of a room is saved, or isn't any more.
    Saved(RoomId, u64, bool),
    /// The thread of that root is followed, or isn't any more.
    Followed(RoomId, u64, bool),
    /// A message mentions the user, or does so no more.
    Mentioned(RoomId, u64, bool),
    /// The settings that hold for all rooms.
    Settings(crate::settings::Settings),
    /// Any of it may have: it was too long ago, or what is begun isn't told of while away.
    Missed,
}

/// What goes on between users and programs.
#[derive(Clone, Debug, PartialEq)]
pub enum Interaction {
    /// A command that the user takes.
    Command(CommandInvoked),
    /// A component of a message of the user's.
    Component(ComponentUsed),
    /// An answer that only the user sees: the room, and the program.
    Response(RoomId, UserId, InteractionAnswered),
}

/// How far somebody has read a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who.
    pub user: UserId,
    /// Up to here, by its number in the log.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// What an application chooses about the engine.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Which events a connection gets.
    pub focus: Focus,
}

/// Which events a connection gets for the rooms the user is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Focus {
    /// Every event of every room.
    #[default]
    All,
    /// Events of rooms whose timeline is open, heads of the others.
    Focused,
}

impl From<Focus> for Delivery {
    fn from(focus: Focus) -> Self {
        match focus {
            Focus::All => Delivery::All,
            Focus::Focused => Delivery::Focused,
        }
    }
}

/// Why a call is in flight.
#[derive(Clone, Debug)]
enum Purpose {
    App { method: u32, body: Bytes },
    Send(ClientRef),
    Mark { room: RoomId, seq: u64 },
    Describe(RoomId),
    Subscribe(Vec<RoomId>),
    Polls(RoomId),
    Settings,
    Blocked,
    Quiet,
    Say,
    Watch { add: Vec<UserId>, remove: Vec<UserId> },
    Threads,
}

/// The client's state.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    meta: Meta,
    rooms: RoomList,
    outbox: Outbox,
    settled: sending::Settled,
    logs: BTreeMap<RoomId, repair::Log>,
    timelines: BTreeMap<Scope, history::Open>,
    downloads: BTreeMap<RoomId, download::Progress>,
    calls: BTreeMap<CallId, Purpose>,
    bulks: BTreeMap<BulkId, repair::Task>,
    loads: BTreeMap<LoadId, history::Load>,
    user_waiting: BTreeMap<u64, LogEvent>,
    // Rooms that a first sync has shown before the user's log has come: what it says of them is older. They are
    // kept over a sync that is cut off.
    screen: BTreeSet<RoomId>,
    // Up to which event of that log; 0 as long as nothing of it has come.
    screen_as_of: u64,
    session: Option<session::Session>,
    presences: presence::Presences,
    expiring: expiry::Expiring,
    /// Server time less own time, as of the last welcome.
    clock_offset_ms: i64,
    sync_at: Option<Duration>,
    repair_at: Option<Duration>,
    recount_at: Option<Duration>,
    // Of some followed threads more is to be read than was told.
    threads_uncertain: bool,
    // Marks in rooms of which nothing has been heard yet.
    early_marks: BTreeMap<RoomId, u64>,
    // Wanted whole, and refused for a while.
    unheard: BTreeSet<RoomId>,
    typed_at: BTreeMap<RoomId, Duration>,
    last_id: u64,
    actions: VecDeque<Action>,
    notices: VecDeque<Notice>,
    writes: Vec<Write>,
    writes_no: u64,
    changed_rooms: BTreeSet<RoomId>,
    meta_changed: bool,
}

impl Engine {
    /// The client as it was saved. `device` is used when the cache has none yet.
    pub fn new(saved: Saved, device: DeviceId, config: Config) -> Self {
        let mut meta = saved.meta;
        let meta_changed = meta.device.is_none();
        meta.device.get_or_insert(device);
        Engine {
            config,
            meta,
            rooms: RoomList::restore(saved.rooms),
            outbox: Outbox::restore(saved.outbox),
            settled: sending::Settled::default(),
            logs: BTreeMap::new(),
            timelines: BTreeMap::new(),
            downloads: BTreeMap::new(),
            calls: BTreeMap::new(),
            bulks: BTreeMap::new(),
            loads: BTreeMap::new(),
            user_waiting: BTreeMap::new(),
            screen: BTreeSet::new(),
            screen_as_of: 0,
            session: None,
            presences: presence::Presences::default(),
            expiring: expiry::Expiring::default(),
            clock_offset_ms: 0,
            sync_at: None,
            repair_at: None,
            recount_at: None,
            threads_uncertain: false,
            early_marks: BTreeMap::new(),
            unheard: BTreeSet::new(),
            typed_at: BTreeMap::new(),
            last_id: 0,
            actions: VecDeque::new(),
            notices: VecDeque::new(),
            writes: Vec::new(),
            writes_no: 0,
            changed_rooms: BTreeSet::new(),
            meta_changed,
        }
    }

    // Getters.

    /// What belongs to the whole client.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The user, once known.
    pub fn me(&self) -> Option<UserId> {
        self.meta.user
    }

    /// The rooms.
    pub fn rooms(&self) -> &RoomList {
        &self.rooms
    }

    /// The outbox.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether there is a connection.
    pub fn is_live(&self) -> bool {
        self.session.is_some()
    }

    /// The server's time as far as known, Unix milliseconds.
    pub fn server_ms(&self, now: Now) -> u64 {
        now.unix_ms.saturating_add_signed(self.clock_offset_ms)
    }

    // Commands that belong to no feature.

    /// Makes a call, now or once there is a connection, and again on the next connection if its
    /// answer is lost: every method of this protocol may be repeated.
    pub fn call(&mut self, method: u32, body: Bytes) -> Result<CallId, TooManyCalls> {
        if self.calls.len() >= CALLS_WAITING_MAX {
            return Err(TooManyCalls);
        }
        Ok(self.start_call(method, body.clone(), Purpose::App { method, body }))
    }

    /// The answer to a call isn't wanted any more.
    pub fn cancel(&mut self, id: CallId) {
        if self.calls.remove(&id).is_some() && self.session.is_some() {
            self.actions.push_back(Action::Cancel(id));
        }
    }

    // Outputs.

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What to tell the application next.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Changes of the list of rooms since the last call.
    pub fn take_room_diffs(&mut self) -> Vec<Diff<Arc<crate::rooms::RoomSummary>>> {
        self.rooms.take_diffs()
    }

    /// Changes of open timelines since the last call.
    pub fn take_timeline_diffs(&mut self) -> Vec<(Scope, Vec<Diff<Arc<Item>>>)> {
        let mut all = Vec::new();
        for (scope, open) in &mut self.timelines {
            let diffs = open.timeline.take_diffs();
            if !diffs.is_empty() {
                all.push((*scope, diffs));
            }
        }
        all
    }

    /// When [`Engine::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let mut due = sooner(self.rooms.poll_timeout(), self.expiring.look_at);
        if self.may_send() {
            due = sooner(due, self.outbox.poll_timeout());
        }
        if self.session.is_some() {
            due = sooner(due, self.sync_at);
            due = sooner(due, self.repair_at);
            due = sooner(due, self.recount_at);
            due = sooner(due, self.presences.poll_timeout());
        }
        due
    }

    /// The time of [`Engine::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Now) {
        self.rooms.handle_timeout(now);
        self.handle_expiry_timeout(now);
        if self.sync_at.is_some_and(|at| at <= now.elapsed) {
            self.sync_at = None;
            self.start_sync();
        }
        if self.repair_at.is_some_and(|at| at <= now.elapsed) {
            self.repair_at = None;
            self.repair_all();
        }
        if self.recount_at.is_some_and(|at| at <= now.elapsed) {
            self.recount_at = None;
            self.recount();
            self.recount_threads(now);
        }
        self.handle_presence_timeout(now);
        self.send_outbox(now);
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn start_call(&mut self, method: u32, body: Bytes, purpose: Purpose) -> CallId {
        self.start_chained(method, body, 0, purpose)
    }

    fn start_chained(&mut self, method: u32, body: Bytes, chain: u64, purpose: Purpose) -> CallId {
        let id = CallId(self.next_id());
        self.calls.insert(id, purpose);
        if self.session.is_some() {
            self.actions.push_back(Action::Call { id, method, body, chain });
        }
        id
    }

    fn changed(&mut self, room: RoomId) {
        self.rooms.touch(room);
        self.changed_rooms.insert(room);
    }
}

#[cfg(test)]
#[path = "../engine_tests.rs"]
mod tests;
