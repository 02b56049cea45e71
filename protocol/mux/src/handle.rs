//! What tasks hold of a connection: handles that wait, over a machine they share.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::{
    frame::LaneId,
    machine::{Broken, Closed, Event, Mux, Side},
    receiving::ReadError,
    sending::{WriteError, Written},
};

/// The connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection has ended")]
pub struct Lost;

/// What a task can wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interest {
    Event(Event),
    /// Something to send.
    Message,
}

struct Inner {
    mux: Mux,
    wakers: Vec<(Interest, Waker)>,
}

impl Inner {
    fn wait(&mut self, interest: Interest, context: &Context<'_>) {
        let waker = context.waker();
        let mut known = self.wakers.iter().filter(|(other, _)| *other == interest);
        if !known.any(|(_, other)| other.will_wake(waker)) {
            self.wakers.push((interest, waker.clone()));
        }
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

    /// Nobody waits for a half of a lane any more.
    fn forget(&mut self, id: LaneId, is_sender: bool) {
        self.wakers.retain(|(interest, _)| match interest {
            Interest::Event(Event::Writable(other) | Event::Settled(other)) => {
                !is_sender || *other != id
            }
            Interest::Event(Event::Readable(other)) => is_sender || *other != id,
            _ => true,
        });
    }

    /// Those who wait for what has happened.
    fn woken(&mut self) -> Vec<Waker> {
        let mut out = vec![];
        while let Some(event) = self.mux.poll_event() {
            if event == Event::Closed {
                out.extend(self.wakers.drain(..).map(|(_, waker)| waker));
            } else {
                self.wake(Interest::Event(event), &mut out);
            }
        }
        out
    }
}

struct Shared {
    // Handles of the application: with the last one gone the connection is closed.
    handles: AtomicUsize,
    inner: Mutex<Inner>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the machine, and wakes whom that concerns, the one who sends included.
    fn act<T>(&self, act: impl FnOnce(&mut Mux) -> T) -> T {
        let mut inner = self.lock();
        let result = act(&mut inner.mux);
        let mut wakers = inner.woken();
        inner.wake(Interest::Message, &mut wakers);
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// Polls for something that may have to wait for an event; what it did is told like in `act`.
    fn poll<T>(
        &self,
        interest: Interest,
        context: &Context<'_>,
        poll: impl FnOnce(&mut Mux) -> Poll<T>,
    ) -> Poll<T> {
        let mut inner = self.lock();
        let result = poll(&mut inner.mux);
        if result.is_pending() {
            inner.wait(interest, context);
            return result;
        }
        let mut wakers = inner.woken();
        inner.wake(Interest::Message, &mut wakers);
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

struct Hold(Arc<Shared>);

impl Hold {
    fn new(shared: Arc<Shared>) -> Self {
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
            self.0.act(|mux| mux.close(0, ""));
        }
    }
}

/// A connection. It ends when the last of its handles and lanes is dropped.
#[derive(Clone)]
pub struct Connection(Hold);

/// The carrier's end of a connection: it feeds the machine and empties it, and keeps nothing open.
pub struct Carrier(Arc<Shared>);

impl Connection {
    /// One end of a new connection, and what its carrier holds of it.
    pub fn new(side: Side) -> (Self, Carrier) {
        let inner = Mutex::new(Inner { mux: Mux::new(side), wakers: vec![] });
        let shared = Arc::new(Shared { handles: AtomicUsize::new(0), inner });
        (Connection(Hold::new(shared.clone())), Carrier(shared))
    }

    fn shared(&self) -> &Shared {
        &self.0.0
    }

    fn lane(&self, id: LaneId) -> (SendLane, RecvLane) {
        let send = SendLane { hold: self.0.clone(), id };
        (send, RecvLane { hold: self.0.clone(), id, is_done: false })
    }

    /// Waits for a lane that the other side opens. On the client's side nobody hears on the sending half.
    pub async fn accept(&self) -> Result<(SendLane, RecvLane), Lost> {
        let id = poll_fn(|context| {
            self.shared().poll(Interest::Event(Event::Opened), context, |mux| match mux.accept() {
                Some(id) => Poll::Ready(Ok(id)),
                None if mux.closed().is_some() => Poll::Ready(Err(Lost)),
                None => Poll::Pending,
            })
        });
        Ok(self.lane(id.await?))
    }

    /// Opens a lane as soon as one may be. On the server's side nothing comes on the receiving half.
    pub async fn open(&self) -> Result<(SendLane, RecvLane), Lost> {
        let id = poll_fn(|context| {
            self.shared().poll(Interest::Event(Event::Available), context, |mux| match mux.open() {
                Some(id) => Poll::Ready(Ok(id)),
                None if mux.closed().is_some() => Poll::Ready(Err(Lost)),
                None => Poll::Pending,
            })
        });
        Ok(self.lane(id.await?))
    }

    /// Waits for a datagram.
    pub async fn read_datagram(&self) -> Result<Bytes, Lost> {
        poll_fn(|context| {
            let interest = Interest::Event(Event::Datagram);
            self.shared().poll(interest, context, |mux| match mux.read_datagram() {
                Some(bytes) => Poll::Ready(Ok(bytes)),
                None if mux.closed().is_some() => Poll::Ready(Err(Lost)),
                None => Poll::Pending,
            })
        })
        .await
    }

    /// Sends a datagram, in place of older ones if too many wait; `false` if it is too large.
    pub fn send_datagram(&self, bytes: Bytes) -> bool {
        self.shared().act(|mux| mux.send_datagram(bytes))
    }

    /// The client may have that many lanes open at once from now on, and as much of each under way as
    /// the protocol allows.
    pub fn allow_lanes(&self, at_once: u32) {
        self.shared().act(|mux| {
            mux.allow_lanes(at_once);
            mux.widen();
        });
    }

    /// Tells one connection from another as long as both are there.
    pub fn stable_id(&self) -> usize {
        Arc::as_ptr(&self.0.0) as usize
    }

    /// Ends the connection; what waits is lost.
    pub fn close(&self, code: u32, reason: &str) {
        self.shared().act(|mux| mux.close(code, reason));
    }

    /// Waits for the connection's end.
    pub async fn closed(&self) -> Closed {
        poll_fn(|context| {
            self.shared().poll(Interest::Event(Event::Closed), context, |mux| {
                mux.closed().cloned().map_or(Poll::Pending, Poll::Ready)
            })
        })
        .await
    }

    /// How it has ended, if it has.
    pub fn close_reason(&self) -> Option<Closed> {
        self.shared().lock().mux.closed().cloned()
    }
}

impl Carrier {
    /// A message has come. After an error the connection is to be closed with what the rule says.
    pub fn handle_message(&self, message: Bytes) -> Result<(), Broken> {
        self.0.act(|mux| mux.handle_message(message))
    }

    /// The next message to send; `None` once the connection has ended and everything is sent.
    pub fn poll_message(&self, context: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut inner = self.0.lock();
        let next = match inner.mux.poll_message() {
            Some(message) => Poll::Ready(Some(message)),
            None if inner.mux.closed().is_some() => Poll::Ready(None),
            None => {
                inner.wait(Interest::Message, context);
                Poll::Pending
            }
        };
        let wakers = inner.woken();
        drop(inner);
        wakers.into_iter().for_each(Waker::wake);
        next
    }

    /// Ends the connection with a word to the other side.
    pub fn close(&self, code: u32, reason: &str) {
        self.0.act(|mux| mux.close(code, reason));
    }

    /// Waits for the connection's end, from whichever side.
    pub async fn closed(&self) {
        poll_fn(|context| {
            self.0.poll(Interest::Event(Event::Closed), context, |mux| {
                mux.closed().map_or(Poll::Pending, |_| Poll::Ready(()))
            })
        })
        .await;
    }

    /// There is no carrier any more.
    pub fn handle_lost(&self) {
        self.0.act(Mux::handle_lost);
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.handle_lost();
    }
}

/// The sending half of a lane. Dropped, the lane is finished with what was written.
pub struct SendLane {
    hold: Hold,
    id: LaneId,
}

impl SendLane {
    fn shared(&self) -> &Shared {
        &self.hold.0
    }

    /// Writes as much of the chunks as fits now; what was written is taken out of them.
    pub fn poll_write_chunks(
        &mut self,
        context: &Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<Written, WriteError>> {
        let interest = Interest::Event(Event::Writable(self.id));
        self.shared().poll(interest, context, |mux| {
            if mux.closed().is_some() {
                return Poll::Ready(Err(WriteError::Closed));
            }
            match mux.write(self.id, chunks) {
                Err(WriteError::Blocked) => Poll::Pending,
                other => Poll::Ready(other),
            }
        })
    }

    /// Writes all of the chunks.
    pub async fn write_all_chunks(&mut self, mut chunks: &mut [Bytes]) -> Result<(), WriteError> {
        while !chunks.is_empty() {
            let written = poll_fn(|context| self.poll_write_chunks(context, chunks)).await?;
            chunks = &mut chunks[written.chunks..];
        }
        Ok(())
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        let id = self.id;
        self.shared().act(|mux| mux.finish(id));
    }

    /// Gives the lane up: what was written may not arrive.
    pub fn reset(&mut self, code: u32) {
        let id = self.id;
        self.shared().act(|mux| mux.reset(id, code));
    }

    /// Lanes with a higher priority go first; 0 without this.
    pub fn set_priority(&mut self, priority: i32) {
        self.shared().lock().mux.set_priority(self.id, priority);
    }

    /// Waits until all of a finished lane has been handed to the carrier, or nobody wants it.
    pub async fn settled(&mut self) {
        poll_fn(|context| {
            let interest = Interest::Event(Event::Settled(self.id));
            self.shared().poll(interest, context, |mux| {
                let is_settled = mux.closed().is_some() || mux.is_settled(self.id);
                if is_settled { Poll::Ready(()) } else { Poll::Pending }
            })
        })
        .await;
    }
}

impl Drop for SendLane {
    fn drop(&mut self) {
        self.shared().lock().forget(self.id, true);
        self.finish();
    }
}

/// The receiving half of a lane. Dropped before its end, the other side is told to stop.
pub struct RecvLane {
    hold: Hold,
    id: LaneId,
    is_done: bool,
}

impl RecvLane {
    /// Waits for the next bytes, at most that many; `None` at the lane's end.
    pub async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        if self.is_done {
            return Ok(None);
        }
        let read = poll_fn(|context| {
            let interest = Interest::Event(Event::Readable(self.id));
            self.hold.0.poll(interest, context, |mux| match mux.read(self.id, bytes_max) {
                Err(ReadError::Blocked) if mux.closed().is_some() => {
                    Poll::Ready(Err(ReadError::Closed))
                }
                Err(ReadError::Blocked) => Poll::Pending,
                other => Poll::Ready(other),
            })
        })
        .await;
        self.is_done = matches!(read, Ok(None) | Err(ReadError::Reset(_)));
        read
    }

    /// Asks the other side to write no more.
    pub fn stop(&mut self, code: u32) {
        self.is_done = true;
        let id = self.id;
        self.hold.0.act(|mux| mux.stop(id, code));
    }
}

impl Drop for RecvLane {
    fn drop(&mut self) {
        self.hold.0.lock().forget(self.id, false);
        if !self.is_done {
            self.stop(0);
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("closed", &self.close_reason()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SendLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendLane").field("id", &self.id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RecvLane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecvLane").field("id", &self.id).finish_non_exhaustive()
    }
}
