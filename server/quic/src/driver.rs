//! The endpoint's task: receives for all connections, and drives whom that concerns, whose deadline
//! has come, and who was left to it.

use std::{
    future::Future,
    io::{self, IoSliceMut},
    pin::Pin,
    sync::{Arc, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use quinn::{UdpPoller, udp::RecvMeta};
use tokio::time::Sleep;

use crate::{connection::Shared, drive::Scratch, endpoint::Inner};

/// Datagrams received with one call.
const BATCH: usize = quinn::udp::BATCH_SIZE;
/// Datagrams before what was received is answered, and other tasks have their turn. The last call
/// may bring more.
const DATAGRAMS_AT_ONCE: usize = 256;
/// Connections that had to wait for the socket and try again together.
const UNSENT_AT_ONCE: usize = 256;

/// See the module.
pub(crate) struct Driver {
    inner: Arc<Inner>,
    buffer: Box<[u8]>,
    poller: Pin<Box<dyn UdpPoller>>,
    sleep: Pin<Box<Sleep>>,
    due: Vec<Arc<Shared>>,
    scratch: Scratch,
}

impl Driver {
    /// A task for the endpoint, which receives datagrams of at most `payload_max` bytes.
    pub(crate) fn new(inner: Arc<Inner>, payload_max: usize) -> Self {
        let bytes = payload_max * inner.socket.max_receive_segments() * BATCH;
        Driver {
            buffer: vec![0; bytes].into(),
            poller: inner.socket.clone().create_io_poller(),
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            due: vec![],
            scratch: Scratch::default(),
            inner,
        }
    }

    /// Takes what has come; whether there may be more.
    fn receive(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut metas = [RecvMeta::default(); BATCH];
        let each = self.buffer.len() / BATCH;
        let mut received = 0;
        while received < DATAGRAMS_AT_ONCE {
            let mut slices = self.buffer.chunks_mut(each).map(IoSliceMut::new);
            let mut slices: [IoSliceMut<'_>; BATCH] =
                std::array::from_fn(|_| slices.next().expect("the buffer has that many parts"));
            match self.inner.socket.poll_recv(context, &mut slices, &mut metas) {
                Poll::Ready(Ok(count)) => {
                    let mut routes = self.inner.routes();
                    // What was sent meanwhile was sent before it was acknowledged.
                    let now = Inner::now();
                    for (meta, bytes) in metas.iter().zip(&slices).take(count) {
                        let socket = &*self.inner.socket;
                        received += routes.receive(now, meta, bytes, socket, &mut self.due);
                        // Answered while it is in the processor's cache, but for the last, who may
                        // have sent the next one, too.
                        let others = self.due.len().saturating_sub(1);
                        for conn in self.due.drain(..others) {
                            conn.drive(&mut self.scratch);
                        }
                    }
                }
                // Not a word of QUIC's: anybody on the way can make the system say so.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Those whose deadline has come.
    fn take_due(&mut self, now: Instant) {
        let mut timers = self.inner.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut expired = vec![];
        while let Some(one) = timers.pop(now) {
            expired.push(one);
        }
        drop(timers);
        for (at, conn) in expired {
            if let Some(conn) = conn.upgrade()
                && conn.handle_due(at)
            {
                self.due.push(conn);
            }
        }
    }

    /// What was left to the task, and those who wait for the socket if it has room.
    fn take_left(&mut self, context: &mut Context<'_>) {
        let mut left = self.inner.left();
        left.driver = Some(context.waker().clone());
        self.due.append(&mut left.dirty);
        let events = std::mem::take(&mut left.events);
        let has_unsent = !left.unsent.is_empty();
        drop(left);
        let has_room = has_unsent && self.poller.as_mut().poll_writable(context).is_ready();
        if events.is_empty() && !has_room {
            return;
        }
        let mut routes = self.inner.routes();
        if has_room {
            let mut left = self.inner.left();
            let count = left.unsent.len().min(UNSENT_AT_ONCE);
            let unsent: Vec<_> = left.unsent.drain(..count).collect();
            if !left.unsent.is_empty() {
                context.waker().wake_by_ref();
            }
            drop(left);
            for conn in unsent.iter().filter_map(|handle| routes.conns.get(handle)) {
                let mut state = conn.lock();
                state.waits_for_socket = false;
                if state.list() {
                    self.due.push(conn.clone());
                }
            }
        }
        for told in events {
            routes.handle_event(told, &mut self.due);
        }
        let is_idle = routes.conns.is_empty();
        drop(routes);
        if is_idle {
            self.inner.wake_waiting();
        }
    }

    /// Sleeps until the next deadline; whether it has come meanwhile.
    fn sleep(&mut self, context: &mut Context<'_>) -> bool {
        let next = self.inner.timers.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some(next) = next else { return false };
        let next = tokio::time::Instant::from_std(next);
        if self.sleep.deadline() != next {
            self.sleep.as_mut().reset(next);
        }
        self.sleep.as_mut().poll(context).is_ready()
    }
}

/// However it ends, nobody waits for it: at the end of its connections, when the socket is lost,
/// with the runtime, or in a panic.
impl Drop for Driver {
    fn drop(&mut self) {
        let mut routes = self.inner.routes();
        routes.closed.get_or_insert_default();
        let all = routes.all();
        routes.conns.clear();
        for incoming in std::mem::take(&mut routes.incoming) {
            routes.proto.ignore(incoming);
        }
        drop(routes);
        let mut left = self.inner.left();
        left.is_over = true;
        let dirty = std::mem::take(&mut left.dirty);
        left.events.clear();
        left.unsent.clear();
        drop(left);
        // Outside the locks: with the last handles of connections other things may end.
        drop(dirty);
        all.iter().for_each(|conn| conn.abandon());
        self.inner.wake_waiting();
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let more = match this.receive(context) {
            Ok(more) => more,
            Err(error) => {
                tracing::error!(%error, "the socket is lost, and all connections with it");
                return Poll::Ready(());
            }
        };
        this.take_due(Inner::now());
        this.take_left(context);
        let mut due = std::mem::take(&mut this.due);
        for conn in due.drain(..) {
            conn.drive(&mut this.scratch);
        }
        this.due = due;
        let (has_newcomers, is_done) = {
            let routes = this.inner.routes();
            (!routes.incoming.is_empty(), routes.closed.is_some() && routes.conns.is_empty())
        };
        if has_newcomers {
            this.inner.wake_waiting();
        }
        if is_done {
            return Poll::Ready(());
        }
        if this.sleep(context) || more {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
