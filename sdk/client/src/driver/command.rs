//! What handles ask of the driver.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_protocol::{
    app::AppSignal,
    ids::{ClientRef, RoomId, UserId},
};
use parlour_sdk_core::{
    diff::Diff,
    engine::{Interaction, OwnChange, PageError, TooManyWatched},
    event::LogEvent,
    outbox::{Payload, SendError},
    presence::{Activity, PresenceSettings, UserPresence},
    rooms::RoomSummary,
    settings::Reason,
    timeline::{Item, Scope},
};
use tokio::sync::oneshot;

use super::Driver;
use crate::{
    client::RoomEvents,
    error::{CallError, QueueError},
    observe::Feed,
    receipts::Change,
};

/// A message, edit or delete that is in the room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its number there.
    pub seq: u64,
    /// When the server took it, Unix milliseconds.
    pub at_ms: u64,
}

/// Something queued: its ref once it is written down, its fate later.
pub(crate) struct Queued {
    pub(crate) durable: oneshot::Sender<Result<ClientRef, QueueError>>,
    pub(crate) sent: oneshot::Sender<Result<Sent, SendError>>,
}

/// A message that is worth a notification.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) room: RoomId,
    pub(crate) event: LogEvent,
    pub(crate) reason: Reason,
}

/// What an application told just now.
#[derive(Clone, Debug)]
pub(crate) struct Signalled {
    pub(crate) room: RoomId,
    pub(crate) sender: UserId,
    pub(crate) signal: AppSignal,
}

pub(crate) type Snapshot<T> = (Vec<Arc<T>>, Feed<Diff<Arc<T>>>);

pub(crate) enum Command {
    Call { token: u64, method: u32, body: Bytes, reply: oneshot::Sender<Result<Bytes, CallError>> },
    Ask { method: u32, body: Bytes, reply: oneshot::Sender<Result<Vec<Bytes>, CallError>> },
    Send { room: RoomId, payload: Payload, wait: Duration, queued: Queued },
    Rewrite { client_ref: ClientRef, text: String, done: oneshot::Sender<bool> },
    Retry(ClientRef),
    Discard(ClientRef),
    MarkRead(RoomId, u64),
    Typing(RoomId, bool),
    Summary(RoomId, oneshot::Sender<Option<Arc<RoomSummary>>>),
    Rooms(oneshot::Sender<Snapshot<RoomSummary>>),
    Timeline(Scope, oneshot::Sender<Snapshot<Item>>),
    Older(Scope, u32, oneshot::Sender<Result<bool, PageError>>),
    Download(RoomId, oneshot::Sender<Result<u64, PageError>>),
    Events(oneshot::Sender<Feed<RoomEvents>>),
    Notifications(oneshot::Sender<Feed<Noted>>),
    Signals(oneshot::Sender<Feed<Signalled>>),
    Own(oneshot::Sender<Feed<OwnChange>>),
    Interactions(oneshot::Sender<Feed<Interaction>>),
    Blocked(oneshot::Sender<BTreeSet<UserId>>),
    KeepUsers(Vec<(UserId, Bytes)>),
    AskUsers(Vec<UserId>),
    Receipts(RoomId, oneshot::Sender<Feed<Change>>),
    Activity(Activity),
    WatchPresence(Vec<UserId>, oneshot::Sender<Result<Snapshot<UserPresence>, TooManyWatched>>),
    Settings(oneshot::Sender<Feed<PresenceSettings>>),
    Background(oneshot::Sender<bool>),
    Foreground,
    NetworkChanged,
    Reconnect,
    Disconnect,
}

impl Driver {
    pub(super) fn handle_command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Call { token, method, body, reply } => {
                // Cancelled before it began.
                if reply.is_closed() {
                    return;
                }
                match self.engine.call(method, body) {
                    Ok(id) => self.waiters.call(token, id, reply),
                    Err(_) => {
                        let _ = reply.send(Err(CallError::TooManyCalls));
                    }
                }
            }
            Command::Ask { method, body, reply } => match self.engine.ask(method, body) {
                Ok(id) => self.waiters.asking(id, reply),
                Err(_) => {
                    let _ = reply.send(Err(CallError::TooManyCalls));
                }
            },
            Command::Send { room, payload, wait, queued } => {
                self.handle_send(room, payload, wait, queued);
            }
            Command::Rewrite { client_ref, text, done } => {
                let _ = done.send(self.engine.rewrite(client_ref, &text));
            }
            Command::Retry(client_ref) => self.engine.retry(client_ref, now),
            Command::Discard(client_ref) => self.engine.discard(client_ref, now),
            Command::MarkRead(room, seq) => self.engine.mark_read(room, seq),
            Command::Typing(room, active) => self.engine.typing(room, active, now),
            Command::Summary(room, reply) => drop(reply.send(self.engine.rooms().summary(room))),
            Command::Rooms(reply) => {
                // Changes up to now are for those who observe already.
                self.publish();
                let feed = self.waiters.observe_rooms();
                let _ = reply.send((self.engine.rooms().items(), feed));
            }
            Command::Timeline(scope, reply) => {
                self.waiters.opening(scope, reply);
                self.engine.open_timeline(scope);
            }
            Command::Older(scope, limit, reply) => {
                self.waiters.paging(scope, reply);
                self.engine.load_older(scope, limit);
            }
            Command::Download(room, reply) => {
                self.waiters.downloading(room, reply);
                self.engine.download(room);
            }
            Command::Events(reply) => drop(reply.send(self.waiters.observe_events())),
            Command::Notifications(reply) => drop(reply.send(self.waiters.observe_notifications())),
            Command::Signals(reply) => drop(reply.send(self.waiters.observe_signals())),
            Command::Interactions(reply) => drop(reply.send(self.waiters.observe_interactions())),
            Command::Own(reply) => drop(reply.send(self.waiters.observe_own())),
            Command::Blocked(reply) => drop(reply.send(self.engine.blocked().clone())),
            Command::KeepUsers(users) => self.engine.keep_users(users),
            Command::AskUsers(users) => self.ask_users(users),
            Command::Receipts(room, reply) => drop(reply.send(self.waiters.observe_receipts(room))),
            Command::Activity(activity) => self.engine.set_activity(activity, now),
            Command::WatchPresence(users, reply) => {
                let _ = reply.send(self.watch_presence(users));
            }
            Command::Settings(reply) => {
                let _ = reply.send(self.waiters.presence.observe_settings());
            }
            Command::Background(reply) => self.handle_background(reply),
            Command::Foreground => self.handle_foreground(),
            Command::NetworkChanged => self.handle_network_changed(),
            Command::Reconnect => self.supervisor.handle_restart(now),
            Command::Disconnect => self.is_over = true,
        }
    }

    /// The application isn't shown any more. The answer is whether what is known is on the disk.
    fn handle_background(&mut self, reply: oneshot::Sender<bool>) {
        let now = self.now();
        self.engine.set_activity(Activity::Background, now);
        match self.persist.unwritten_no(&self.engine) {
            Some(number) => self.waiters.flushing(number, reply),
            None => drop(reply.send(true)),
        }
    }

    fn handle_foreground(&mut self) {
        let now = self.now();
        self.engine.set_activity(Activity::Active, now);
        if let Some(link) = &mut self.link {
            link.machine.ping(now);
        }
        self.supervisor.handle_foreground(now);
    }

    fn handle_send(&mut self, room: RoomId, payload: Payload, wait: Duration, queued: Queued) {
        let (now, random) = (self.now(), self.environment.random());
        match self.engine.send_after(room, payload, wait, random, now) {
            Ok(client_ref) => {
                let number = self.engine.next_writes_no();
                self.waiters.queued(number, client_ref, queued);
            }
            Err(_) => {
                let _ = queued.durable.send(Err(QueueError::Full));
            }
        }
    }

    /// The caller of a call has gone.
    pub(super) fn handle_cancel(&mut self, token: u64) {
        if let Some(id) = self.waiters.cancel(token) {
            self.engine.cancel(id);
        }
    }
}
