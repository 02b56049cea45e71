//! The hub's task: feeds the machine, appends its groups, and writes for all connections.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, atomic::AtomicU32},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::FutureExt;
use parlour_carriers::{Connection, DatagramError, SendLane};
use parlour_core::{
    draft::{ConnId, Submission, Submit},
    effects::{self, Job},
    hub::{Hub, Lane, Output, Totals},
    node::Caller,
    ports::store::{Refusal, StoreError},
    session::server_frame,
};
use parlour_protocol::{
    ids::RoomId,
    wire::{CloseCode, Drain, Ephemeral, EventFrame, event_frame, server_frame::Frame},
};
use parlour_quic::Scratch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{Shared, connection, cost::Cost, reruns::Reruns, wakers::Writable};
use crate::limits::ANSWERS_WAITING_MAX;

/// Commands taken at once: what arrives together is written together.
const COMMANDS_AT_ONCE: usize = 1024;
/// Frames handed to the transport at once.
const CHUNKS_AT_ONCE: usize = 32;

/// Someone who comes in.
pub(super) struct Joined {
    pub(super) caller: Arc<Caller>,
    pub(super) calls: Arc<AtomicU32>,
    pub(super) writer: Writer,
    pub(super) answer: oneshot::Sender<Result<ConnId, CloseCode>>,
}

/// What the hub's task is told.
pub(crate) enum Command {
    Join(Box<Joined>),
    Rooms(ConnId, Vec<RoomId>, Bytes),
    /// The client has said that it goes; then it is gone.
    Left(ConnId),
    Gone(ConnId),
    Submit(Submission),
    Reply(ConnId, Bytes, Place),
    Notice(ConnId, Bytes, Place),
    Close(ConnId, CloseCode, &'static str),
    Ephemeral(ConnId, RoomId, Ephemeral),
    Drain {
        deadline: Duration,
        jitter: Duration,
    },
    CloseAll(CloseCode, &'static str),
    /// Ends the task once everything submitted is committed.
    Stop(oneshot::Sender<()>),
}

/// A place among the answers of a connection that wait for the hub; free again once that has it.
pub(super) struct Place(#[allow(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// The answers of a connection on their way to the hub. Where all places are taken the connection
/// isn't read on: it may ask faster than one hub for all of them can tell the answers.
#[derive(Clone)]
pub(super) struct Answers(Arc<Semaphore>);

impl Default for Answers {
    fn default() -> Self {
        Answers(Arc::new(Semaphore::new(ANSWERS_WAITING_MAX)))
    }
}

impl Answers {
    /// Waits for a place.
    pub(super) async fn place(&self) -> Place {
        Place(self.0.clone().acquire_owned().await.expect("it is never closed"))
    }
}

/// The way to the hub. Unbounded, because what can wait in it is bounded where it comes from: calls in
/// flight and answers per connection, jobs per commit.
#[derive(Clone)]
pub(crate) struct HubSender(mpsc::UnboundedSender<Command>);

impl HubSender {
    pub(super) fn new(sender: mpsc::UnboundedSender<Command>) -> Self {
        HubSender(sender)
    }

    pub(super) fn send(&self, command: Command) {
        // The task outlives the connections; after it nobody needs an answer.
        let _ = self.0.send(command);
    }
}

impl Submit for HubSender {
    fn submit(&self, submission: Submission) {
        self.send(Command::Submit(submission));
    }
}

/// The writing sides of a connection.
pub(super) struct Writer {
    pub(super) control: SendLane,
    event: SendLane,
    pub(super) connection: Connection,
    reruns: Arc<Reruns>,
    control_full: bool,
    event_full: bool,
    waker: Waker,
    id: Option<ConnId>,
}

impl Writer {
    pub(super) fn new(
        control: SendLane,
        event: SendLane,
        connection: Connection,
        reruns: Arc<Reruns>,
    ) -> Self {
        Writer {
            control,
            event,
            connection,
            reruns,
            control_full: false,
            event_full: false,
            waker: Waker::noop().clone(),
            id: None,
        }
    }
}

type Appending = Pin<Box<dyn Future<Output = Result<Vec<Result<(), Refusal>>, StoreError>> + Send>>;

struct Task {
    shared: Arc<Shared>,
    hub: Hub,
    writers: Vec<Option<Writer>>,
    writable: Arc<Writable>,
    appending: Option<(Appending, usize, Duration)>,
    // The same by the clock on the wall, for traces.
    began: Option<SystemTime>,
    stopping: Option<oneshot::Sender<()>>,
    chunks: Vec<Bytes>,
    scratch: Scratch,
    dirty: Vec<ConnId>,
    closing: BTreeMap<ConnId, (CloseCode, &'static str)>,
    cost: Cost,
    // Written to event lanes and not counted yet.
    event_bytes: u64,
    // What the metrics know of already.
    counted: Totals,
}

/// Runs until it is told to stop.
pub(super) async fn run(shared: Arc<Shared>, mut commands: mpsc::UnboundedReceiver<Command>) {
    let hub = Hub::new(shared.node.clone(), shared.node.now());
    let mut task = Task {
        shared,
        hub,
        writers: vec![],
        writable: Arc::new(Writable::default()),
        appending: None,
        began: None,
        stopping: None,
        chunks: Vec::with_capacity(CHUNKS_AT_ONCE),
        scratch: Scratch::default(),
        dirty: vec![],
        closing: BTreeMap::new(),
        cost: Cost::default(),
        event_bytes: 0,
        counted: Totals::default(),
    };
    let mut batch = Vec::with_capacity(COMMANDS_AT_ONCE);
    loop {
        let writable = task.writable.clone();
        let sleep = task.hub.deadline().saturating_sub(task.shared.node.now().elapsed);
        tokio::select! {
            // In a fixed order, so that a simulation repeats exactly.
            biased;
            result = append(&mut task.appending) => task.appended(result),
            count = commands.recv_many(&mut batch, COMMANDS_AT_ONCE) => {
                if count == 0 {
                    return;
                }
                for command in batch.drain(..) {
                    task.handle(command);
                }
            }
            () = writable.wait() => {}
            () = tokio::time::sleep(sleep) => {}
        }
        // Whatever woke the task: what comes last in the order above must not starve.
        task.writable_again();
        let now = task.shared.node.now();
        if now.elapsed >= task.hub.deadline() {
            task.hub.handle_timeout(now);
        }
        task.cost.measure(&task.shared.node, &mut task.hub, now.elapsed);
        task.carry_out();
        task.flush();
        if task.is_done() {
            return;
        }
    }
}

async fn append(
    appending: &mut Option<(Appending, usize, Duration)>,
) -> Result<Vec<Result<(), Refusal>>, StoreError> {
    match appending {
        Some((future, ..)) => future.await,
        None => std::future::pending().await,
    }
}

impl Task {
    fn handle(&mut self, command: Command) {
        match command {
            Command::Submit(submission) => self.hub.handle_submission(submission),
            Command::Reply(conn, frame, _place) => self.hub.handle_reply(conn, frame),
            Command::Notice(conn, frame, _place) => self.hub.handle_notice(conn, frame),
            Command::Ephemeral(from, room, notice) => self.relay(from, room, &notice),
            Command::Join(joined) => self.join(*joined),
            Command::Rooms(conn, rooms, welcome) => self.hub.handle_rooms(conn, &rooms, welcome),
            Command::Left(conn) => self.hub.handle_left(conn),
            Command::Gone(conn) => self.gone(conn),
            Command::Close(conn, code, why) => self.hub.close(conn, code, why),
            Command::CloseAll(code, why) => {
                self.hub.tell_all(self.shared.node.now().elapsed);
                self.hub.close_all(code, why);
            }
            Command::Drain { deadline, jitter } => {
                let now_ms = self.shared.node.now().unix_ms;
                let drain = Drain {
                    deadline_ms: now_ms + deadline.as_millis() as u64,
                    jitter_ms: jitter.as_millis() as u64,
                    alternates: vec![],
                };
                self.hub.handle_notice_to_all(&server_frame(Frame::Drain(drain)));
            }
            Command::Stop(done) => self.stopping = Some(done),
        }
    }

    fn join(&mut self, joined: Joined) {
        let Joined { caller, calls, mut writer, answer } = joined;
        let connected = match self.hub.is_full_for(&caller) {
            true => Err(CloseCode::QuotaExceeded),
            false => {
                let connected = self.hub.handle_connected(caller, calls);
                connected.ok_or(CloseCode::TooManyConnections)
            }
        };
        let id = match connected {
            Ok(id) => id,
            Err(code) => {
                let _ = answer.send(Err(code));
                tokio::spawn(connection::turn_away(writer, code));
                return;
            }
        };
        writer.waker = self.writable.waker(id);
        writer.id = Some(id);
        let index = id.index as usize;
        if self.writers.len() <= index {
            self.writers.resize_with(index + 1, || None);
        }
        self.writers[index] = Some(writer);
        if answer.send(Ok(id)).is_err() {
            self.gone(id);
        }
    }

    fn gone(&mut self, id: ConnId) {
        self.hub.handle_disconnected(id);
        self.closing.remove(&id);
        if self.writer(id).is_some() {
            self.writers[id.index as usize] = None;
        }
    }

    fn writer(&mut self, id: ConnId) -> Option<&mut Writer> {
        let writer = self.writers.get_mut(id.index as usize)?.as_mut();
        writer.filter(|writer| writer.id == Some(id))
    }

    fn relay(&mut self, from: ConnId, room: RoomId, notice: &Ephemeral) {
        let mut hearers = Vec::new();
        let Some(bytes) = self.hub.handle_ephemeral(from, room, notice, &mut hearers) else {
            return;
        };
        let frame = EventFrame { frame: Some(event_frame::Frame::Ephemeral(notice.clone())) };
        let frame = parlour_protocol::frame::encode(&frame);
        for id in hearers {
            let Some(writer) = self.writer(id) else { continue };
            let sent = writer.connection.send_datagram(bytes.clone());
            if sent == Err(DatagramError::Unsupported) {
                self.hub.handle_ephemeral_frame(id, frame.clone());
            }
        }
    }

    fn appended(&mut self, result: Result<Vec<Result<(), Refusal>>, StoreError>) {
        let Some((_, batches, started)) = self.appending.take() else { return };
        match &result {
            Ok(_) => {
                let took = self.shared.node.now().elapsed - started;
                self.shared.metrics.committed(batches, took);
            }
            Err(error) => {
                tracing::warn!(%error, "a commit failed");
                self.shared.metrics.commit_failed(error);
            }
        }
        let telling = self.shared.traces.telling(self.began.take());
        self.hub.handle_appended(result, self.shared.node.now());
        drop(telling);
    }

    fn carry_out(&mut self) {
        let now = self.shared.node.now();
        while let Some(output) = self.hub.poll(now) {
            match output {
                Output::Append(batches) => {
                    let (store, count) = (self.shared.node.store.clone(), batches.len());
                    let future = Box::pin(async move { store.append(batches).await });
                    self.appending = Some((future, count, now.elapsed));
                    self.began = self.shared.traces.commit_begins();
                }
                Output::Rerun { conn, call, again } => {
                    if let Some(writer) = self.writer(conn) {
                        writer.reruns.push(call, again);
                    }
                }
                Output::Effects(Job::Room(job)) => {
                    if let Some(job) = self.shared.effects.push(job) {
                        tokio::spawn(follow(self.shared.clone(), Job::Room(job)));
                    }
                }
                Output::Effects(job) => {
                    tokio::spawn(follow(self.shared.clone(), job));
                }
                Output::Close { conn, code, why } => {
                    if code == CloseCode::TooSlow {
                        self.shared.metrics.too_slow();
                    }
                    self.closing.insert(conn, (code, why));
                    self.dirty.push(conn);
                }
            }
        }
    }

    fn writable_again(&mut self) {
        for id in self.writable.take() {
            if let Some(writer) = self.writer(id) {
                writer.control_full = false;
                writer.event_full = false;
                self.dirty.push(id);
            }
        }
    }

    fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        self.hub.take_dirty(&mut dirty);
        let now = self.shared.node.now().elapsed;
        let (tasks, mut written) = (parlour_quic::spread_over(dirty.len()), vec![]);
        for id in dirty.drain(..) {
            self.write(id, Lane::Control, now);
            self.write(id, Lane::Event, now);
            match self.writers.get(id.index as usize) {
                Some(Some(writer)) if tasks > 1 => {
                    written.extend(writer.connection.quic().cloned())
                }
                Some(Some(writer)) => writer.connection.drive(&mut self.scratch),
                _ => {}
            }
            if let Some((code, why)) = self.closing.remove(&id) {
                self.close(id, code, why);
            }
        }
        self.dirty = dirty;
        parlour_quic::drive_all(written, tasks, &mut self.scratch);
        let after = self.hub.totals();
        let before = std::mem::replace(&mut self.counted, after);
        let bytes = std::mem::take(&mut self.event_bytes);
        self.shared.metrics.delivered(after.events - before.events, bytes);
        for _ in before.gaps..after.gaps {
            self.shared.metrics.gap();
        }
    }

    /// Hands the transport what it takes without waiting.
    fn write(&mut self, id: ConnId, lane: Lane, now: Duration) {
        let Some(outbox) = self.hub.outbox(id) else { return };
        let writer = self.writers.get_mut(id.index as usize).and_then(Option::as_mut);
        let Some(writer) = writer.filter(|writer| writer.id == Some(id)) else { return };
        let (stream, full) = match lane {
            Lane::Control => (&mut writer.control, &mut writer.control_full),
            Lane::Event => (&mut writer.event, &mut writer.event_full),
        };
        let context = Context::from_waker(&writer.waker);
        while !*full {
            self.chunks.clear();
            outbox.next(lane, &mut self.chunks, CHUNKS_AT_ONCE);
            if self.chunks.is_empty() {
                return;
            }
            match stream.poll_write_chunks(&context, &mut self.chunks) {
                Poll::Ready(Ok(written)) => {
                    outbox.wrote(lane, written.bytes);
                    self.event_bytes += if lane == Lane::Event { written.bytes as u64 } else { 0 };
                }
                // The reading side notices the end and says so.
                Poll::Ready(Err(_)) => return,
                Poll::Pending => {
                    *full = true;
                    outbox.blocked(now);
                }
            }
        }
    }

    fn close(&mut self, id: ConnId, code: CloseCode, why: &'static str) {
        if self.writer(id).is_none() {
            return;
        }
        let Some(mut writer) = self.writers[id.index as usize].take() else { return };
        tracing::info!(code = code.as_str_name(), why, "closing a connection");
        tokio::spawn(async move {
            let connection = writer.connection.clone();
            connection::close_after(&mut writer.control, &connection, code, why).await;
        });
    }

    fn is_done(&mut self) -> bool {
        if self.stopping.is_none() || self.hub.waiting() > 0 || !self.hub.has_told_all() {
            return false;
        }
        if let Some(done) = self.stopping.take() {
            let _ = done.send(());
        }
        true
    }
}

/// Carries out what follows from something; then what waits for it.
async fn follow(shared: Arc<Shared>, mut job: Job) {
    loop {
        let hub: Arc<dyn Submit> = Arc::new(shared.hub.clone());
        let work = AssertUnwindSafe(effects::carry_out(&shared.node, &hub, &job)).catch_unwind();
        match work.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what follows from an event has to wait"),
            // A bug, and told as one; what waits behind it must not wait for ever.
            Err(_) => tracing::error!("what follows from an event has failed"),
        }
        let next = match &job {
            Job::Room(job) => shared.effects.next(job.room),
            Job::Directory(_) => None,
        };
        match next {
            Some(next) => job = Job::Room(next),
            None => return,
        }
    }
}
