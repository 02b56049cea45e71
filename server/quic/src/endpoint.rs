//! The endpoint: a socket, the connections behind it, and what they leave to its task.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use quinn::AsyncUdpSocket;
use quinn_proto::{ConnectionError, ConnectionHandle, EndpointConfig, ServerConfig, VarInt};
use rustc_hash::FxHashMap;

use crate::{
    connection::{Connection, Hold, Shared},
    driver::Driver,
    incoming::Incoming,
    routes::{Routes, Told, respond},
    timers::Timers,
};

/// What waits for the endpoint's task.
#[derive(Default)]
pub(crate) struct Left {
    /// Connections to drive.
    pub(crate) dirty: Vec<Arc<Shared>>,
    /// What connections tell the endpoint, each in its own order.
    pub(crate) events: Vec<Told>,
    /// Connections with a packet that the socket had no room for.
    pub(crate) unsent: Vec<ConnectionHandle>,
    /// Whether the task has ended: nothing is left to it any more.
    pub(crate) is_over: bool,
    /// The task, while it sleeps.
    pub(crate) driver: Option<Waker>,
    // Tasks that wait for newcomers, or for the last connection's end.
    waiting: Vec<Waker>,
}

/// What handles, connections and the task share. Locks are taken in the order routes, connection,
/// what is left, timers.
pub(crate) struct Inner {
    pub(crate) socket: Arc<dyn AsyncUdpSocket>,
    pub(crate) timers: Mutex<Timers>,
    routes: Mutex<Routes>,
    left: Mutex<Left>,
    numbers: AtomicU64,
    // With the last one the endpoint is closed.
    handles: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// The present, which stands still where tokio's does.
    pub(crate) fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    pub(crate) fn routes(&self) -> MutexGuard<'_, Routes> {
        lock(&self.routes)
    }

    pub(crate) fn left(&self) -> MutexGuard<'_, Left> {
        lock(&self.left)
    }

    fn leave(&self, what: impl FnOnce(&mut Left)) {
        let mut left = self.left();
        if left.is_over {
            return;
        }
        what(&mut left);
        let driver = left.driver.take();
        drop(left);
        driver.into_iter().for_each(Waker::wake);
    }

    /// The task drives this connection.
    pub(crate) fn leave_to_driver(&self, conn: Arc<Shared>) {
        self.leave(|left| left.dirty.push(conn));
    }

    /// What a connection tells the endpoint.
    pub(crate) fn tell(&self, events: impl Iterator<Item = Told>) {
        self.leave(|left| left.events.extend(events));
    }

    /// The task drives this connection as soon as the socket has room.
    pub(crate) fn wait_for_socket(&self, conn: ConnectionHandle) {
        self.leave(|left| left.unsent.push(conn));
    }

    /// The task looks at this connection at that time.
    pub(crate) fn arm(&self, conn: &Arc<Shared>, before: Option<Instant>, at: Instant) {
        let is_first = lock(&self.timers).set(conn, before, Some(at));
        if is_first {
            self.leave(|_| {});
        }
    }

    /// Somebody who waits for newcomers or for the end looks again.
    pub(crate) fn wake_waiting(&self) {
        let waiting = std::mem::take(&mut self.left().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn wait(&self, waker: &Waker) {
        let mut left = self.left();
        if !left.waiting.iter().any(|other| other.will_wake(waker)) {
            left.waiting.push(waker.clone());
        }
    }

    /// Takes a newcomer in.
    pub(crate) fn accept(
        self: &Arc<Self>,
        incoming: quinn_proto::Incoming,
    ) -> Result<Connection, ConnectionError> {
        let routes = &mut *self.routes();
        routes.response.clear();
        if routes.closed.is_some() {
            let refusal = routes.proto.refuse(incoming, &mut routes.response);
            respond(&*self.socket, &refusal, &routes.response);
            return Err(ConnectionError::LocallyClosed);
        }
        let is_validated = incoming.remote_address_validated();
        let (handle, proto) =
            match routes.proto.accept(incoming, Inner::now(), &mut routes.response, None) {
                Ok(accepted) => accepted,
                Err(error) => {
                    if let Some(response) = error.response {
                        respond(&*self.socket, &response, &routes.response);
                    }
                    return Err(error.cause);
                }
            };
        let number = self.numbers.fetch_add(1, Ordering::AcqRel);
        let shared = Shared::new(self.clone(), handle, number, proto, is_validated);
        routes.conns.insert(handle, shared.clone());
        let connection = Connection(Hold::new(shared.clone()));
        shared.leave_to_driver(shared.lock());
        Ok(connection)
    }

    fn close(&self, code: VarInt, reason: &[u8]) {
        let reason = Bytes::copy_from_slice(reason);
        let mut routes = self.routes();
        if routes.closed.is_some() {
            return;
        }
        routes.closed = Some((code, reason.clone()));
        let newcomers = std::mem::take(&mut routes.incoming);
        for incoming in newcomers {
            let Routes { proto, response, .. } = &mut *routes;
            response.clear();
            let refusal = proto.refuse(incoming, response);
            respond(&*self.socket, &refusal, response);
        }
        let all = routes.all();
        drop(routes);
        for conn in all {
            conn.close(code, reason.clone());
        }
        self.wake_waiting();
        self.leave(|_| {});
    }
}

/// A handle on the endpoint. Its task runs until the endpoint is closed and its connections have
/// ended; with the last handle gone it is closed.
pub struct Endpoint(Arc<Inner>);

impl Clone for Endpoint {
    fn clone(&self) -> Self {
        self.0.handles.fetch_add(1, Ordering::AcqRel);
        Endpoint(self.0.clone())
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.close(VarInt::from_u32(0), b"");
        }
    }
}

impl Endpoint {
    /// Serves on a socket, with a task on tokio's current runtime.
    pub fn new(
        config: EndpointConfig,
        server: ServerConfig,
        socket: Arc<dyn AsyncUdpSocket>,
    ) -> Self {
        let allow_mtud = !socket.may_fragment();
        let payload_max = config.get_max_udp_payload_size().min(64 * 1024) as usize;
        let proto =
            quinn_proto::Endpoint::new(Arc::new(config), Some(Arc::new(server)), allow_mtud, None);
        let routes = Routes {
            proto,
            conns: FxHashMap::default(),
            incoming: VecDeque::new(),
            closed: None,
            response: vec![],
        };
        let inner = Arc::new(Inner {
            socket,
            timers: Mutex::default(),
            routes: Mutex::new(routes),
            left: Mutex::default(),
            numbers: AtomicU64::new(0),
            handles: AtomicUsize::new(1),
        });
        tokio::spawn(Driver::new(inner.clone(), payload_max));
        Endpoint(inner)
    }

    /// The socket's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.socket.local_addr()
    }

    /// Waits for a newcomer; `None` once the endpoint is closed.
    pub async fn accept(&self) -> Option<Incoming> {
        poll_fn(|context| {
            let mut routes = self.0.routes();
            if let Some(incoming) = routes.incoming.pop_front() {
                return Poll::Ready(Some(Incoming::new(incoming, self.0.clone())));
            }
            if routes.closed.is_some() {
                return Poll::Ready(None);
            }
            self.0.wait(context.waker());
            Poll::Pending
        })
        .await
    }

    /// Closes all connections, and takes no new ones.
    pub fn close(&self, code: VarInt, reason: &[u8]) {
        self.0.close(code, reason);
    }

    /// Waits until all connections have ended, which takes three times the probe timeout (RFC 9000
    /// section 10.2).
    pub async fn wait_idle(&self) {
        poll_fn(|context| {
            // Held until the task is on the list, or the last one's end might go past it.
            let routes = self.0.routes();
            if routes.conns.is_empty() {
                return Poll::Ready(());
            }
            self.0.wait(context.waker());
            Poll::Pending
        })
        .await;
    }
}
