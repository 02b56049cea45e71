//! One connection as applications see it, and what is kept of it.

use std::{
    future::poll_fn,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use quinn_proto::{
    ConnectionError, ConnectionHandle, Dir, Event, SendDatagramError, StreamEvent, StreamId,
    Transmit, VarInt, crypto::rustls::HandshakeData,
};

use crate::{drive::Scratch, endpoint::Inner, recv::RecvStream, send::SendStream};

/// What the first datagram of a connection has at least, which quinn-proto doesn't count among those
/// received (RFC 9000 section 14.1).
const FIRST_BYTES_MIN: u64 = 1200;

/// What a task can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// The handshake's end.
    Connected,
    /// The connection's end.
    Closed,
    /// A stream opened by the client.
    Opened(Dir),
    /// Leave to open a stream.
    Available(Dir),
    Datagram,
    Readable(StreamId),
    Writable(StreamId),
    /// The client took all of a stream, or wants no more of it.
    Stopped(StreamId),
}

/// A connection's part that is shared by driver and handles.
pub(crate) struct Shared {
    pub(crate) endpoint: Arc<Inner>,
    pub(crate) handle: ConnectionHandle,
    /// Never used twice, unlike the handle.
    pub(crate) number: u64,
    // Handles of the application: with the last one gone the connection is closed.
    handles: AtomicUsize,
    state: Mutex<State>,
}

/// What the lock is for.
pub(crate) struct State {
    pub(crate) proto: quinn_proto::Connection,
    /// Why it has ended.
    pub(crate) error: Option<ConnectionError>,
    /// A packet that the socket had no room for.
    pub(crate) unsent: Option<(Transmit, Vec<u8>)>,
    /// Whether it is on the list of those that wait for room.
    pub(crate) waits_for_socket: bool,
    /// Its place in the list of deadlines.
    pub(crate) armed: Option<Instant>,
    is_connected: bool,
    // Bytes sent to an address that nobody has shown yet to be theirs; `None` once somebody has.
    unvalidated: Option<u64>,
    // Whether somebody is about to drive it.
    is_listed: bool,
    wakers: Vec<(Interest, Waker)>,
}

impl State {
    /// Whether nobody is about to drive it: whoever asks has to see to it then.
    pub(crate) fn list(&mut self) -> bool {
        !std::mem::replace(&mut self.is_listed, true)
    }

    /// Somebody drives it now.
    pub(crate) fn unlist(&mut self) {
        self.is_listed = false;
    }

    /// How much of a packet may go out, which is counted as sent: to an address that nobody has shown to
    /// be theirs go at most three times the bytes that came from it (RFC 9000 section 8.1). quinn-proto
    /// keeps to that but for the last datagram, which it lets go beyond.
    pub(crate) fn allowed(&mut self, transmit: &Transmit) -> usize {
        let size = transmit.size;
        let Some(sent) = &mut self.unvalidated else { return size };
        let taken = FIRST_BYTES_MIN + self.proto.stats().udp_rx.bytes;
        let left = usize::try_from((3 * taken).saturating_sub(*sent)).unwrap_or(usize::MAX);
        let segment = transmit.segment_size.unwrap_or(size).max(1);
        let allowed = if size <= left { size } else { left / segment * segment };
        *sent += allowed as u64;
        allowed
    }

    /// The task is woken when it is worth trying again.
    pub(crate) fn wait(&mut self, interest: Interest, context: &Context<'_>) {
        let waker = context.waker();
        let mut known = self.wakers.iter().filter(|(other, _)| *other == interest);
        if !known.any(|(_, other)| other.will_wake(waker)) {
            self.wakers.push((interest, waker.clone()));
        }
    }

    /// Nobody waits for a stream any more.
    pub(crate) fn forget(&mut self, id: StreamId, is_sender: bool) {
        self.wakers.retain(|(interest, _)| match interest {
            Interest::Writable(other) | Interest::Stopped(other) => !is_sender || *other != id,
            Interest::Readable(other) => is_sender || *other != id,
            _ => true,
        });
    }

    fn wake(&mut self, interest: Interest, out: &mut Vec<Waker>) {
        let mut at = 0;
        while at < self.wakers.len() {
            if self.wakers[at].0 == interest {
                out.push(self.wakers.swap_remove(at).1);
            } else {
                at += 1;
            }
        }
    }

    /// It has ended: nobody waits for anything any more.
    pub(crate) fn end(&mut self, why: ConnectionError, out: &mut Vec<Waker>) {
        self.error.get_or_insert(why);
        out.extend(self.wakers.drain(..).map(|(_, waker)| waker));
    }

    /// Tells the tasks that wait what has happened.
    pub(crate) fn poll_events(&mut self, out: &mut Vec<Waker>) {
        while let Some(event) = self.proto.poll() {
            match event {
                Event::Connected => {
                    self.is_connected = true;
                    self.unvalidated = None;
                    self.wake(Interest::Connected, out);
                }
                Event::ConnectionLost { reason } => self.end(reason, out),
                Event::DatagramReceived => self.wake(Interest::Datagram, out),
                Event::Stream(StreamEvent::Opened { dir }) => {
                    self.wake(Interest::Opened(dir), out);
                }
                Event::Stream(StreamEvent::Available { dir }) => {
                    self.wake(Interest::Available(dir), out);
                }
                Event::Stream(StreamEvent::Readable { id }) => {
                    self.wake(Interest::Readable(id), out);
                }
                Event::Stream(StreamEvent::Writable { id }) => {
                    self.wake(Interest::Writable(id), out);
                }
                Event::Stream(StreamEvent::Finished { id }) => {
                    self.wake(Interest::Stopped(id), out);
                }
                Event::Stream(StreamEvent::Stopped { id, .. }) => {
                    self.wake(Interest::Stopped(id), out);
                    self.wake(Interest::Writable(id), out);
                }
                Event::HandshakeDataReady | Event::DatagramsUnblocked => {}
            }
        }
    }
}

impl Shared {
    pub(crate) fn new(
        endpoint: Arc<Inner>,
        handle: ConnectionHandle,
        number: u64,
        proto: quinn_proto::Connection,
        is_validated: bool,
    ) -> Arc<Self> {
        let state = State {
            proto,
            error: None,
            unsent: None,
            waits_for_socket: false,
            armed: None,
            is_connected: false,
            unvalidated: (!is_validated).then_some(0),
            is_listed: false,
            wakers: vec![],
        };
        let (handles, state) = (AtomicUsize::new(0), Mutex::new(state));
        Arc::new(Shared { endpoint, handle, number, handles, state })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection from this side.
    pub(crate) fn close(self: &Arc<Self>, code: VarInt, reason: Bytes) {
        let mut wakers = vec![];
        let mut state = self.lock();
        if state.error.is_some() {
            return;
        }
        state.proto.close(Inner::now(), code, reason);
        state.end(ConnectionError::LocallyClosed, &mut wakers);
        self.leave_to_driver(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The endpoint's task sees to what there is to send now.
    pub(crate) fn leave_to_driver(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        let is_new = state.list();
        drop(state);
        if is_new {
            self.endpoint.leave_to_driver(self.clone());
        }
    }
}

/// One hold on a connection: with the last one it ends.
pub(crate) struct Hold(pub(crate) Arc<Shared>);

impl Hold {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        shared.handles.fetch_add(1, Ordering::AcqRel);
        Hold(shared)
    }
}

impl Clone for Hold {
    fn clone(&self) -> Self {
        Hold::new(self.0.clone())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.close(VarInt::from_u32(0), Bytes::new());
        }
    }
}

/// A connection. It ends when the last of its handles and streams is dropped.
#[derive(Clone)]
pub struct Connection(pub(crate) Hold);

impl Connection {
    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    /// Waits for the handshake's end.
    pub async fn connected(&self) -> Result<(), ConnectionError> {
        poll_fn(|context| {
            let mut state = self.shared().lock();
            if state.is_connected {
                return Poll::Ready(Ok(()));
            }
            if let Some(error) = &state.error {
                return Poll::Ready(Err(error.clone()));
            }
            state.wait(Interest::Connected, context);
            Poll::Pending
        })
        .await
    }

    /// Waits for a bidirectional stream of the client's.
    pub async fn accept_bi(&self) -> Result<(SendStream, RecvStream), ConnectionError> {
        let id = poll_fn(|context| self.poll_accept(Dir::Bi, context)).await?;
        Ok((SendStream::new(self.0.clone(), id), RecvStream::new(self.0.clone(), id)))
    }

    /// Waits for a unidirectional stream of the client's.
    pub async fn accept_uni(&self) -> Result<RecvStream, ConnectionError> {
        let id = poll_fn(|context| self.poll_accept(Dir::Uni, context)).await?;
        Ok(RecvStream::new(self.0.clone(), id))
    }

    /// The same without waiting: whoever asks is woken when it is worth asking again.
    pub fn poll_accept_uni(
        &self,
        context: &Context<'_>,
    ) -> Poll<Result<RecvStream, ConnectionError>> {
        let accepted = self.poll_accept(Dir::Uni, context);
        accepted.map_ok(|id| RecvStream::new(self.0.clone(), id))
    }

    /// The application's protocol that was agreed on (RFC 7301), once connected.
    pub fn protocol(&self) -> Option<Vec<u8>> {
        let data = self.shared().lock().proto.crypto_session().handshake_data()?;
        data.downcast::<HandshakeData>().ok()?.protocol
    }

    fn poll_accept(
        &self,
        dir: Dir,
        context: &Context<'_>,
    ) -> Poll<Result<StreamId, ConnectionError>> {
        let mut state = self.shared().lock();
        if let Some(id) = state.proto.streams().accept(dir) {
            // The client may open another one now, and has to be told.
            self.shared().leave_to_driver(state);
            return Poll::Ready(Ok(id));
        }
        if let Some(error) = &state.error {
            return Poll::Ready(Err(error.clone()));
        }
        state.wait(Interest::Opened(dir), context);
        Poll::Pending
    }

    /// Opens a unidirectional stream, as soon as the client allows one.
    pub async fn open_uni(&self) -> Result<SendStream, ConnectionError> {
        let id = poll_fn(|context| {
            let mut state = self.shared().lock();
            if let Some(error) = &state.error {
                return Poll::Ready(Err(error.clone()));
            }
            if let Some(id) = state.proto.streams().open(Dir::Uni) {
                return Poll::Ready(Ok(id));
            }
            state.wait(Interest::Available(Dir::Uni), context);
            Poll::Pending
        });
        Ok(SendStream::new(self.0.clone(), id.await?))
    }

    /// Waits for a datagram (RFC 9221).
    pub async fn read_datagram(&self) -> Result<Bytes, ConnectionError> {
        poll_fn(|context| {
            let mut state = self.shared().lock();
            if let Some(datagram) = state.proto.datagrams().recv() {
                return Poll::Ready(Ok(datagram));
            }
            if let Some(error) = &state.error {
                return Poll::Ready(Err(error.clone()));
            }
            state.wait(Interest::Datagram, context);
            Poll::Pending
        })
        .await
    }

    /// Sends a datagram (RFC 9221), in place of older ones if too many wait.
    pub fn send_datagram(&self, data: Bytes) -> Result<(), SendDatagramError> {
        let mut state = self.shared().lock();
        state.proto.datagrams().send(data, true)?;
        self.shared().leave_to_driver(state);
        Ok(())
    }

    /// Sends at once what was written with [`SendStream::poll_write_chunks`].
    pub fn drive(&self, scratch: &mut Scratch) {
        self.shared().drive(scratch);
    }

    /// Ends the connection; what waits to be sent is lost.
    pub fn close(&self, code: VarInt, reason: &[u8]) {
        self.shared().close(code, Bytes::copy_from_slice(reason));
    }

    /// Waits for the connection's end.
    pub async fn closed(&self) -> ConnectionError {
        poll_fn(|context| {
            let mut state = self.shared().lock();
            if let Some(error) = &state.error {
                return Poll::Ready(error.clone());
            }
            state.wait(Interest::Closed, context);
            Poll::Pending
        })
        .await
    }

    /// Why it has ended, if it has.
    pub fn close_reason(&self) -> Option<ConnectionError> {
        self.shared().lock().error.clone()
    }

    /// Where the client is at present.
    pub fn remote_address(&self) -> SocketAddr {
        self.shared().lock().proto.remote_address()
    }

    /// How many bidirectional streams the client may have open.
    pub fn set_max_concurrent_bi_streams(&self, count: VarInt) {
        let mut state = self.shared().lock();
        state.proto.set_max_concurrent_streams(Dir::Bi, count);
        self.shared().leave_to_driver(state);
    }

    /// How many bytes the client may have under way on all streams together.
    pub fn set_receive_window(&self, bytes: VarInt) {
        let mut state = self.shared().lock();
        state.proto.set_receive_window(bytes);
        self.shared().leave_to_driver(state);
    }
}
