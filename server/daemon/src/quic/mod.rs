//! Native QUIC: the endpoint, one task per connection that reads, one task for the hub that
//! writes. Sockets, runtime and clock are given, so that a simulator can give its own.

mod blob;
mod bulk;
mod connection;
mod cost;
mod endpoint;
mod greeting;
mod hub_task;
mod lanes;
mod noise;
mod reruns;
mod transport;
mod wakers;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parlour_core::{
    effects::InOrder,
    node::{Caller, Node},
};
use parlour_protocol::wire::{CloseCode, Error};
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::{
    calls::{self, SharedRates},
    limits::{
        TRANSFERS_MAX,
        rate::{RateLimits, Rates},
    },
    metrics::Metrics,
    traces::Traces,
    web::Origins,
};

pub(crate) use endpoint::{Door, NoRoom};
use hub_task::{Command, HubSender};
pub use transport::{endpoint_config, server_config};

/// What the endpoint is made of.
pub struct QuicParts {
    /// The endpoint, bound and configured (see [`endpoint_config`] and [`server_config`]).
    pub endpoint: parlour_quic::Endpoint,
    /// What all connections share.
    pub node: Arc<Node>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is traced.
    pub traces: Traces,
    /// Pages that may connect.
    pub origins: Arc<Origins>,
    /// How much callers may ask.
    pub rates: Rates,
    /// Most connections at once, handshakes included.
    pub connections_max: usize,
    /// Handshakes under way above which newcomers have to prove their address first (Retry).
    pub retry_above: usize,
}

/// What connections and endpoint share.
pub(crate) struct Shared {
    pub(crate) node: Arc<Node>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
    pub(crate) origins: Arc<Origins>,
    pub(crate) hub: HubSender,
    pub(crate) rates: SharedRates,
    pub(crate) draining: AtomicBool,
    pub(crate) effects: InOrder,
    // Told when the endpoint takes no connections any more.
    ended: Arc<Notify>,
    pub(crate) transfers: Semaphore,
    pub(crate) handshakes: AtomicUsize,
    pub(crate) connections: AtomicUsize,
    pub(crate) connections_max: usize,
    pub(crate) retry_above: usize,
}

impl Shared {
    /// Why a caller has to wait before that method is called, if they do.
    fn over_rate(&self, caller: &Caller, method: u32) -> Option<Error> {
        let now = self.node.now().elapsed;
        calls::over_rate(&self.rates, &self.metrics, caller, method, now)
    }
}

/// A running endpoint. Dropping it closes everything at once.
pub struct QuicHandle {
    endpoint: parlour_quic::Endpoint,
    shared: Arc<Shared>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Starts serving: carries out what a crash left undone, then takes connections.
pub async fn start(parts: QuicParts) -> Result<QuicHandle, parlour_core::ports::store::StoreError> {
    let (sender, commands) = mpsc::unbounded_channel();
    let hub = HubSender::new(sender);
    let shared = Arc::new(Shared {
        node: parts.node,
        metrics: parts.metrics,
        traces: parts.traces,
        origins: parts.origins,
        hub: hub.clone(),
        rates: Arc::new(Mutex::new(RateLimits::new(parts.rates))),
        draining: AtomicBool::new(false),
        effects: InOrder::default(),
        ended: Arc::default(),
        transfers: Semaphore::new(TRANSFERS_MAX),
        handshakes: AtomicUsize::new(0),
        connections: AtomicUsize::new(0),
        connections_max: parts.connections_max,
        retry_above: parts.retry_above,
    });
    let mut tasks = vec![tokio::spawn(hub_task::run(shared.clone(), commands))];
    let submit: Arc<dyn parlour_core::draft::Submit> = Arc::new(hub);
    let (redone, jobs) = parlour_core::effects::recover(&shared.node, &submit).await?;
    let (node, hub) = (shared.node.clone(), submit.clone());
    tokio::spawn(async move {
        for job in jobs {
            if let Err(error) = parlour_core::told::follow_change(&node, &hub, &job).await {
                tracing::warn!(%error, "what follows from a change of a directory has to wait");
            }
        }
    });
    if redone > 0 {
        tracing::info!(jobs = redone, "carried out what was left undone");
    }
    let node = Arc::downgrade(&shared.node);
    tasks.push(tokio::spawn(crate::attachments::sweep(node.clone(), submit.clone())));
    tasks.push(tokio::spawn(crate::accounts::sweep(node.clone(), submit.clone())));
    tasks.push(tokio::spawn(crate::timers::run(node.clone(), submit.clone())));
    let metrics = shared.metrics.clone();
    tasks.push(tokio::spawn(crate::erasing::run(node.clone(), submit.clone(), metrics.clone())));
    tasks.push(tokio::spawn(crate::retention::run(node, submit, metrics)));
    tasks.push(tokio::spawn(endpoint::accept(parts.endpoint.clone(), shared.clone())));
    Ok(QuicHandle { endpoint: parts.endpoint, shared, tasks })
}

impl QuicHandle {
    /// Where clients connect.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Connections that are established or being so.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// Told when the endpoint has ended: closed, or broken.
    pub fn ended(&self) -> Arc<Notify> {
        self.shared.ended.clone()
    }

    /// Puts other rates in force.
    pub fn configure(&self, rates: Rates) {
        self.shared.rates.lock().expect("no panic while the lock is held").configure(rates);
    }

    /// What limits callers, however they call.
    pub(crate) fn rates(&self) -> SharedRates {
        self.shared.rates.clone()
    }

    /// The way in for connections that come over TCP.
    pub(crate) fn door(&self) -> Door {
        Door(self.shared.clone())
    }

    /// The way to the hub, for administration.
    pub fn submit(&self) -> Arc<dyn parlour_core::draft::Submit> {
        Arc::new(self.shared.hub.clone())
    }

    /// Asks clients to move, waits until they have or the deadline is there, closes the rest
    /// and ends. Everything submitted until then is committed.
    pub async fn drain(mut self, deadline: Duration, jitter: Duration) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.hub.send(Command::Drain { deadline, jitter });
        let until = tokio::time::Instant::now() + deadline;
        while self.connections() > 0 && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.shared.hub.send(Command::CloseAll(CloseCode::Draining, "the server stops"));
        let grace = tokio::time::Instant::now() + Duration::from_secs(1);
        while self.connections() > 0 && tokio::time::Instant::now() < grace {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.endpoint.close((CloseCode::Draining as u32).into(), b"the server stops");
        let _ = tokio::time::timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await;
        let (done, finished) = tokio::sync::oneshot::channel();
        self.shared.hub.send(Command::Stop(done));
        let _ = tokio::time::timeout(Duration::from_secs(10), finished).await;
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

impl Drop for QuicHandle {
    fn drop(&mut self) {
        self.endpoint.close((CloseCode::Draining as u32).into(), b"the server stops");
        for task in &self.tasks {
            task.abort();
        }
    }
}
