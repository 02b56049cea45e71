//! The one task of a client: it owns the state machine, the connections and the cache, and moves
//! bytes between them. It runs on the caller's runtime and ends with the last `Client`.

mod command;
mod lane;
mod link;
mod notice;
mod persist;
mod presence;

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use parlour_protocol::{ids::DeviceId, wire::Intent};
use parlour_sdk_core::{
    cache::{Cache, Saved},
    engine::{BulkId, Config, Engine},
    reconnect::{Order, Phase, Supervisor},
};
use tokio::sync::{mpsc, watch};

pub use command::Sent;
pub(crate) use command::{Command, Noted, Queued, Signalled};

use crate::{
    carrier::{Ended, NotDialed, RecvLane, SendLane},
    environment::Environment,
    handle::Handle,
    limits::{BULK_READ_INPUTS, INPUTS_AT_ONCE},
    state::State,
    token::{NoTokenYet, Token},
    transfer::Path,
    transport::{Address, Dialed, Dialer},
};
use lane::{Chunks, Lanes};
use link::{Link, LinkId};
use notice::Waiters;
use persist::{Persist, Persisted};

/// What comes in from outside.
enum Input {
    Token(TokenUse, Result<String, NoTokenYet>),
    Dialed(u64, Result<Dialed, NotDialed>),
    Control(LinkId, Option<(RecvLane, Bytes)>),
    Written(LinkId, Option<SendLane>),
    EventLane(LinkId, Option<RecvLane>),
    Events(LinkId, Option<(RecvLane, Bytes)>),
    Datagram(LinkId, Option<Bytes>),
    Closed(LinkId, Ended),
    BulkOpened(BulkId, Option<RecvLane>),
    Bulk(BulkId, Option<(RecvLane, Option<Chunks>)>),
    Persisted(Persisted),
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TokenUse {
    Dial,
    Reauth(LinkId),
}

type Task = Pin<Box<dyn Future<Output = Input> + Send>>;

/// What a driver is made of.
pub(crate) struct Parts {
    pub(crate) environment: Environment,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) device: DeviceId,
    pub(crate) address: Address,
    pub(crate) token: Token,
    pub(crate) agent: String,
    pub(crate) intents: Vec<Intent>,
    pub(crate) config: Config,
    pub(crate) cache: Box<dyn Cache>,
    pub(crate) saved: Saved,
}

/// The other ends of a client's handles.
pub(crate) struct Ends {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) cancels: mpsc::UnboundedReceiver<u64>,
    pub(crate) state: watch::Sender<State>,
    pub(crate) me: watch::Sender<Option<parlour_protocol::ids::UserId>>,
    pub(crate) synced: watch::Sender<bool>,
    pub(crate) path: watch::Sender<Option<Path>>,
    /// The same line that the handles have: who is known stands there.
    pub(crate) handle: Handle,
}

pub(crate) struct Driver {
    environment: Environment,
    dialer: Arc<Dialer>,
    address: Address,
    /// Where a draining server sent us.
    alternate: Option<Address>,
    token: Token,
    /// The one last given, for the hello.
    last_token: String,
    agent: String,
    intents: Vec<Intent>,
    config: Config,
    engine: Engine,
    supervisor: Supervisor,
    link: Option<Link>,
    candidate: Option<Link>,
    /// The attempt under way; results of others are thrown away.
    dialing: Option<u64>,
    last_id: u64,
    /// The network changed and the path hasn't been shown to work.
    checks_path: bool,
    is_draining: bool,
    lanes: Lanes,
    persist: Persist,
    waiters: Waiters,
    tasks: FuturesUnordered<Task>,
    ends: Ends,
    is_over: bool,
}

impl Driver {
    pub(crate) fn new(parts: Parts, ends: Ends) -> Self {
        let engine = Engine::new(parts.saved, parts.device, parts.config);
        ends.me.send_replace(engine.me());
        Driver {
            dialer: parts.dialer,
            environment: parts.environment,
            address: parts.address,
            alternate: None,
            token: parts.token,
            last_token: String::new(),
            agent: parts.agent,
            intents: parts.intents,
            config: parts.config,
            engine,
            supervisor: Supervisor::default(),
            link: None,
            candidate: None,
            dialing: None,
            last_id: 0,
            checks_path: false,
            is_draining: false,
            lanes: Lanes::default(),
            persist: Persist::new(parts.cache),
            waiters: Waiters::default(),
            tasks: FuturesUnordered::new(),
            ends,
            is_over: false,
        }
    }

    /// Runs until the client is disconnected or its last handle is gone.
    pub(crate) async fn run(mut self) {
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        let mut due = None;
        while !self.is_over {
            self.pump();
            let next = self.poll_timeout();
            if next != due {
                due = next;
                let wait = due.unwrap_or(Duration::MAX).saturating_sub(self.now().elapsed);
                // tokio's furthest future; a deadline of `MAX` is none.
                let wait = wait.min(Duration::from_secs(86_400 * 365));
                timer.as_mut().reset(tokio::time::Instant::now() + wait);
            }
            tokio::select! {
                // In a fixed order, so that a simulation repeats exactly.
                biased;
                () = &mut timer, if due.is_some() => {
                    due = None;
                    self.handle_timeout();
                }
                command = self.ends.commands.recv() => match command {
                    Some(command) => self.handle_command(command),
                    None => self.is_over = true,
                },
                Some(token) = self.ends.cancels.recv() => self.handle_cancel(token),
                Some(input) = self.tasks.next(), if !self.tasks.is_empty() => {
                    self.handle_input(input);
                    self.handle_more();
                }
            }
        }
        let handle = self.ends.handle.clone();
        self.close().await;
        handle.end_users();
    }

    /// Whatever else has come already, up to a bound: outputs are looked at once for all of it.
    fn handle_more(&mut self) {
        use futures_util::FutureExt;
        let mut left = INPUTS_AT_ONCE;
        while left > 0 {
            match self.tasks.next().now_or_never() {
                Some(Some(input)) => {
                    // Pieces of history come by the dozen; what is live must not wait for many.
                    let is_bulk = matches!(input, Input::Bulk(..));
                    left = left.saturating_sub(if is_bulk { BULK_READ_INPUTS } else { 1 });
                    self.handle_input(input);
                }
                _ => return,
            }
        }
    }

    fn now(&self) -> parlour_sdk_core::Now {
        self.environment.now()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn links(&self) -> impl Iterator<Item = &Link> {
        self.link.iter().chain(&self.candidate)
    }

    fn poll_timeout(&self) -> Option<Duration> {
        let links = self.links().map(|link| link.machine.poll_timeout());
        links
            .chain([
                self.engine.poll_timeout(),
                self.supervisor.poll_timeout().filter(|due| *due != Duration::MAX),
                self.persist.poll_timeout(),
            ])
            .flatten()
            .min()
    }

    fn handle_timeout(&mut self) {
        let now = self.now();
        self.engine.handle_timeout(now);
        self.supervisor.handle_timeout(now);
        self.persist.handle_timeout(now);
        let ids: Vec<LinkId> = self.links().map(|link| link.id).collect();
        for id in ids {
            if let Some(link) = self.link_mut(id) {
                link.machine.handle_timeout(now);
            }
            self.handle_outputs(id);
        }
    }

    fn handle_input(&mut self, input: Input) {
        match input {
            Input::Token(what, token) => self.handle_token(what, token),
            Input::Dialed(attempt, result) => self.handle_dialed(attempt, result),
            Input::Control(id, read) => self.handle_control(id, read),
            Input::Written(id, stream) => self.handle_written(id, stream),
            Input::EventLane(id, lane) => self.handle_event_lane(id, lane),
            Input::Events(id, read) => self.handle_events(id, read),
            Input::Datagram(id, bytes) => self.handle_datagram(id, bytes),
            Input::Closed(id, ended) => self.handle_closed(id, &ended),
            Input::BulkOpened(id, lane) => self.handle_bulk_opened(id, lane),
            Input::Bulk(id, read) => self.handle_bulk_read(id, read),
            Input::Persisted(persisted) => self.handle_persisted(persisted),
            Input::Nothing => {}
        }
    }

    /// Carries out what the machines want by now.
    fn pump(&mut self) {
        while let Some(order) = self.supervisor.poll_order() {
            match order {
                Order::GetToken { fresh } => self.get_token(TokenUse::Dial, fresh),
                Order::Dial => self.dial(),
            }
        }
        for room in self.waiters.take_abandoned() {
            self.engine.stop_download(room);
        }
        for id in self.waiters.take_unasked() {
            self.engine.stop_asking(id);
        }
        while let Some(notice) = self.engine.poll_notice() {
            self.handle_notice(notice);
        }
        while let Some(action) = self.engine.poll_action() {
            self.handle_action(action);
        }
        self.publish();
        self.transmit();
        self.persist();
        self.publish_state();
        self.publish_path();
    }

    fn publish_state(&self) {
        let state = match self.supervisor.phase() {
            Phase::Live { .. } if self.engine.is_live() => State::Live,
            Phase::Live { .. } | Phase::Connecting => State::Connecting,
            Phase::Waiting { until, after } => {
                let now = self.now();
                let wait = until.saturating_sub(now.elapsed).as_millis();
                let retry_at_ms = now.unix_ms + u64::try_from(wait).unwrap_or(u64::MAX);
                match *self.ends.state.borrow() {
                    // The same wait, seen a moment later.
                    State::Offline { after: known, retry_at_ms: at }
                        if known == after && at.abs_diff(retry_at_ms) < 50 =>
                    {
                        return;
                    }
                    _ => State::Offline { retry_at_ms, after },
                }
            }
            Phase::Stopped(stop) => State::Stopped(stop),
        };
        self.ends.state.send_if_modified(|known| std::mem::replace(known, state) != state);
        let me = self.engine.me();
        self.ends.me.send_if_modified(|known| std::mem::replace(known, me) != me);
    }

    /// Tells transfers over which connection they go.
    fn publish_path(&self) {
        let link = self.link.as_ref();
        let known = |path: &Option<Path>| path.as_ref().map(|path| path.connection.stable_id());
        self.ends.path.send_if_modified(|path| {
            let is_other = known(path) != link.map(|link| link.connection.stable_id());
            if is_other {
                *path = link
                    .zip(self.engine.meta().device)
                    .map(|(link, device)| Path { connection: link.connection.clone(), device });
            }
            is_other
        });
    }
}

/// What handles need to talk to the driver.
pub(crate) type Tokens = BTreeMap<u64, parlour_sdk_core::connection::CallId>;
