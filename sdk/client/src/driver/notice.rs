//! Who waits for what: answers, acknowledgements, pages, and observers of lists and events.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use parlour_protocol::{
    generated::event_rule,
    ids::{ClientRef, RoomId},
};
use parlour_sdk_core::{
    connection::CallId,
    diff::Diff,
    engine::{AskError, BulkId, Interaction, Notice, OwnChange, PageError, Receipt},
    event::LogEvent,
    outbox::SendError,
    rooms::RoomSummary,
    timeline::{Item, Scope},
};
use tokio::sync::oneshot;

use super::{
    Driver, Tokens,
    command::{Noted, Queued, Sent, Signalled, Snapshot},
    presence::PresenceWaiters,
};
use crate::{
    client::RoomEvents,
    error::{CallError, QueueError},
    limits::EVENTS_MAX,
    observe::{Feed, Publisher, feed},
    receipts::Change,
};

type Pending<K, T> = BTreeMap<K, Vec<oneshot::Sender<T>>>;
type Durable = oneshot::Sender<Result<ClientRef, QueueError>>;

#[derive(Default)]
pub(super) struct Waiters {
    tokens: Tokens,
    calls: BTreeMap<CallId, (u64, oneshot::Sender<Result<Bytes, CallError>>)>,
    asked: BTreeMap<BulkId, oneshot::Sender<Result<Vec<Bytes>, CallError>>>,
    durable: VecDeque<(u64, ClientRef, Durable)>,
    flushes: Vec<(u64, oneshot::Sender<bool>)>,
    sent: BTreeMap<ClientRef, Vec<oneshot::Sender<Result<Sent, SendError>>>>,
    openings: Pending<Scope, Snapshot<Item>>,
    pages: Pending<Scope, Result<bool, PageError>>,
    downloads: Pending<RoomId, Result<u64, PageError>>,
    rooms: Vec<Publisher<Diff<Arc<RoomSummary>>>>,
    timelines: BTreeMap<Scope, Vec<Publisher<Diff<Arc<Item>>>>>,
    events: Vec<Publisher<RoomEvents>>,
    notifications: Vec<Publisher<Noted>>,
    signals: Vec<Publisher<Signalled>>,
    own: Vec<Publisher<OwnChange>>,
    interactions: Vec<Publisher<Interaction>>,
    receipts: BTreeMap<RoomId, Vec<Publisher<Change>>>,
    pub(super) presence: PresenceWaiters,
}

impl Waiters {
    pub(super) fn call(
        &mut self,
        token: u64,
        id: CallId,
        reply: oneshot::Sender<Result<Bytes, CallError>>,
    ) {
        self.tokens.insert(token, id);
        self.calls.insert(id, (token, reply));
    }

    pub(super) fn cancel(&mut self, token: u64) -> Option<CallId> {
        let id = self.tokens.remove(&token)?;
        self.calls.remove(&id);
        Some(id)
    }

    pub(super) fn asking(
        &mut self,
        id: BulkId,
        reply: oneshot::Sender<Result<Vec<Bytes>, CallError>>,
    ) {
        self.asked.insert(id, reply);
    }

    /// Bulk calls whose answers nobody waits for any more.
    pub(super) fn take_unasked(&mut self) -> Vec<BulkId> {
        self.asked.extract_if(.., |_, reply| reply.is_closed()).map(|(id, _)| id).collect()
    }

    pub(super) fn queued(&mut self, number: u64, client_ref: ClientRef, queued: Queued) {
        self.durable.push_back((number, client_ref, queued.durable));
        self.sent.entry(client_ref).or_default().push(queued.sent);
    }

    /// Told when that batch of writes is on the disk, or couldn't be put there.
    pub(super) fn flushing(&mut self, number: u64, reply: oneshot::Sender<bool>) {
        self.flushes.push((number, reply));
    }

    /// A batch of writes is on the disk, or isn't yet.
    pub(super) fn written(&mut self, number: u64, is_written: bool) {
        while self.durable.front().is_some_and(|(at, ..)| *at <= number) {
            let Some((_, client_ref, durable)) = self.durable.pop_front() else { return };
            let result = if is_written { Ok(client_ref) } else { Err(QueueError::NotDurable) };
            let _ = durable.send(result);
        }
        for (_, flushed) in self.flushes.extract_if(.., |(at, _)| *at <= number) {
            let _ = flushed.send(is_written);
        }
    }

    pub(super) fn opening(&mut self, scope: Scope, reply: oneshot::Sender<Snapshot<Item>>) {
        self.openings.entry(scope).or_default().push(reply);
    }

    pub(super) fn paging(&mut self, scope: Scope, reply: oneshot::Sender<Result<bool, PageError>>) {
        self.pages.entry(scope).or_default().push(reply);
    }

    pub(super) fn downloading(
        &mut self,
        room: RoomId,
        reply: oneshot::Sender<Result<u64, PageError>>,
    ) {
        self.downloads.entry(room).or_default().push(reply);
    }

    /// Rooms whose download nobody waits for any more.
    pub(super) fn take_abandoned(&mut self) -> Vec<RoomId> {
        let mut abandoned = Vec::new();
        self.downloads.retain(|room, waiting| {
            waiting.retain(|waiter| !waiter.is_closed());
            if waiting.is_empty() {
                abandoned.push(*room);
            }
            !waiting.is_empty()
        });
        abandoned
    }

    pub(super) fn observe_rooms(&mut self) -> Feed<Diff<Arc<RoomSummary>>> {
        let (publisher, feed) = feed();
        self.rooms.push(publisher);
        feed
    }

    pub(super) fn observe_events(&mut self) -> Feed<RoomEvents> {
        let (publisher, feed) = feed();
        self.events.push(publisher);
        feed
    }

    pub(super) fn observe_notifications(&mut self) -> Feed<Noted> {
        let (publisher, feed) = feed();
        self.notifications.push(publisher);
        feed
    }

    pub(super) fn observe_signals(&mut self) -> Feed<Signalled> {
        let (publisher, feed) = feed();
        self.signals.push(publisher);
        feed
    }

    pub(super) fn observe_own(&mut self) -> Feed<OwnChange> {
        let (publisher, feed) = feed();
        self.own.push(publisher);
        feed
    }

    pub(super) fn observe_interactions(&mut self) -> Feed<Interaction> {
        let (publisher, feed) = feed();
        self.interactions.push(publisher);
        feed
    }

    pub(super) fn observe_receipts(&mut self, room: RoomId) -> Feed<Change> {
        let (publisher, feed) = feed();
        self.receipts.entry(room).or_default().push(publisher);
        feed
    }

    /// Tells those who listen to events, and those who look at receipts.
    fn tell_events(&mut self, room: RoomId, events: Vec<LogEvent>) {
        // Whoever sends has read what is before it.
        let read: Vec<Change> = events.iter().filter_map(read_by_sending).collect();
        self.tell_receipts(room, &read);
        publish_all(&mut self.events, &RoomEvents { room, events });
    }

    /// Tells those who look at a room's receipts.
    fn tell_receipts(&mut self, room: RoomId, changes: &[Change]) {
        let Some(publishers) = self.receipts.get_mut(&room) else { return };
        publishers.retain(|publisher| {
            publisher.publish(|queue| {
                if queue.len() + changes.len() > EVENTS_MAX {
                    queue.clear();
                    queue.push_back(Change::Missed);
                }
                queue.extend(changes.iter().copied());
            })
        });
        if publishers.is_empty() {
            self.receipts.remove(&room);
        }
    }

    /// Ends everything that waits.
    pub(super) fn finish(&mut self) {
        *self = Waiters::default();
    }

    fn settle(&mut self, client_ref: ClientRef, result: &Result<Sent, SendError>) {
        for waiter in self.sent.remove(&client_ref).unwrap_or_default() {
            let _ = waiter.send(result.clone());
        }
    }
}

impl Driver {
    pub(super) fn handle_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Reply(id, result) => {
                if let Some((token, reply)) = self.waiters.calls.remove(&id) {
                    self.waiters.tokens.remove(&token);
                    let refused = |error| CallError::Refused(Box::new(error));
                    let _ = reply.send(result.map_err(refused));
                }
            }
            Notice::Answered(id, result) => {
                if let Some(reply) = self.waiters.asked.remove(&id) {
                    let _ = reply.send(result.map_err(|error| match error {
                        AskError::Refused(error) => CallError::Refused(error),
                        // There is no other yet.
                        _ => CallError::TooLarge,
                    }));
                }
            }
            Notice::Sent { client_ref, seq, at_ms } => {
                self.waiters.settle(client_ref, &Ok(Sent { seq, at_ms }));
            }
            Notice::Failed(client_ref, error) => self.waiters.settle(client_ref, &Err(error)),
            Notice::RefExpired(client_ref) => {
                let (now, random) = (self.now(), self.environment.random());
                if let Some(new_ref) = self.engine.renew_ref(client_ref, random, now)
                    && let Some(waiting) = self.waiters.sent.remove(&client_ref)
                {
                    self.waiters.sent.insert(new_ref, waiting);
                }
            }
            Notice::Events(room, events) => self.waiters.tell_events(room, events),
            Notice::Opened(scope) => self.handle_opened(scope),
            Notice::Paged(scope, result) => {
                let at_start =
                    self.engine.timeline(scope).is_some_and(|timeline| timeline.is_at_start());
                // The page's items are to be seen by whoever is told that it is there.
                self.publish();
                for waiter in self.waiters.pages.remove(&scope).unwrap_or_default() {
                    let _ = waiter.send(result.clone().map(|()| !at_start));
                }
            }
            Notice::Downloaded(room, result) => {
                for waiter in self.waiters.downloads.remove(&room).unwrap_or_default() {
                    let _ = waiter.send(result.clone());
                }
            }
            Notice::Notify(room, event, reason) => {
                let noted = Noted { room, event: *event, reason };
                publish_all(&mut self.waiters.notifications, &noted);
            }
            Notice::Receipt(room, receipt) => {
                self.waiters.tell_receipts(room, &[Change::Read(receipt)]);
            }
            Notice::ReceiptsMissed => {
                let rooms: Vec<RoomId> = self.waiters.receipts.keys().copied().collect();
                rooms.into_iter().for_each(|r| self.waiters.tell_receipts(r, &[Change::Missed]));
            }
            Notice::Synced => drop(self.ends.synced.send_replace(true)),
            Notice::Signal(room, sender, signal) => {
                publish_all(&mut self.waiters.signals, &Signalled { room, sender, signal });
            }
            Notice::Interaction(interaction) => {
                publish_all(&mut self.waiters.interactions, &interaction);
            }
            Notice::Own(change) => publish_all(&mut self.waiters.own, &change),
            Notice::Settings(settings) => self.waiters.presence.tell_settings(&settings),
            Notice::RoomLost(room) => {
                for waiter in self.waiters.downloads.remove(&room).unwrap_or_default() {
                    let _ = waiter.send(Err(PageError::RoomLost));
                }
            }
        }
    }

    fn handle_opened(&mut self, scope: Scope) {
        self.publish();
        let Some(timeline) = self.engine.timeline(scope) else { return };
        let items = timeline.items();
        for waiter in self.waiters.openings.remove(&scope).unwrap_or_default() {
            let (publisher, feed) = feed();
            if waiter.send((items.clone(), feed)).is_ok() {
                self.waiters.timelines.entry(scope).or_default().push(publisher);
            }
        }
    }

    /// Hands changes of lists to those who observe them, and closes what nobody looks at.
    pub(super) fn publish(&mut self) {
        let diffs = self.engine.take_room_diffs();
        if !diffs.is_empty() {
            let rooms = self.engine.rooms();
            self.waiters.rooms.retain(|p| p.publish_diffs(&diffs, || rooms.items()));
        }
        for (scope, diffs) in self.engine.take_timeline_diffs() {
            let Some(publishers) = self.waiters.timelines.get_mut(&scope) else { continue };
            let whole = || self.engine.timeline(scope).map(|t| t.items()).unwrap_or_default();
            publishers.retain(|publisher| publisher.publish_diffs(&diffs, whole));
        }
        let openings = &self.waiters.openings;
        let mut unseen = Vec::new();
        self.waiters.timelines.retain(|scope, publishers| {
            publishers.retain(Publisher::is_observed);
            let is_seen = !publishers.is_empty() || openings.contains_key(scope);
            if !is_seen {
                unseen.push(*scope);
            }
            is_seen
        });
        unseen.into_iter().for_each(|scope| self.engine.close_timeline(scope));
        self.publish_presence();
    }
}

/// Hands something to everyone who listens; those who don't keep up lose the oldest.
fn publish_all<T: Clone>(publishers: &mut Vec<Publisher<T>>, what: &T) {
    publishers.retain(|publisher| {
        publisher.publish(|queue| {
            if queue.len() >= EVENTS_MAX {
                queue.pop_front();
            }
            queue.push_back(what.clone());
        })
    });
}

fn read_by_sending(event: &LogEvent) -> Option<Change> {
    let countable = event_rule(event.header.kind).is_some_and(|rule| rule.countable);
    let user = event.sender().filter(|_| countable && event.header.thread_root_seq == 0)?;
    Some(Change::Read(Receipt { user, seq: event.seq(), at_ms: event.header.at_ms }))
}
