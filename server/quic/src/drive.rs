//! Driving a connection: its deadlines, its packets, the tasks that wait for it.

use std::{
    io::ErrorKind,
    sync::{Arc, MutexGuard},
    task::Waker,
    time::Instant,
};

use quinn_proto::ConnectionError;

use crate::{
    connection::{Connection, Shared, State},
    endpoint::Inner,
    routes::{Told, udp_transmit},
};

/// Packets that one connection sends before others have their turn.
const PACKETS_AT_ONCE: usize = 20;
/// Packets handed to the socket as one (UDP generic segmentation offload).
const SEGMENTS_MAX: usize = 10;

/// Memory that is used again for each connection that is driven.
#[derive(Default)]
pub struct Scratch {
    packet: Vec<u8>,
    wakers: Vec<Waker>,
}

/// Fewer connections than this for each task aren't worth one.
const SPREAD_MIN: usize = 64;
/// Workers of the runtime from which on the work is spread: with fewer the others have enough to do,
/// and a connection stays in the cache of the one that wrote to it.
const WORKERS_MIN: usize = 4;

/// How many tasks had best drive that many connections.
pub fn spread_over(connections: usize) -> usize {
    let workers = tokio::runtime::Handle::current().metrics().num_workers();
    if workers < WORKERS_MIN { 1 } else { (connections / SPREAD_MIN).clamp(1, workers) }
}

/// Drives many connections, in that many tasks: one part here, the others beside it.
pub fn drive_all(mut connections: Vec<Connection>, tasks: usize, scratch: &mut Scratch) {
    let each = connections.len().div_ceil(tasks.max(1)).max(1);
    while connections.len() > each {
        let part = connections.split_off(connections.len() - each);
        tokio::spawn(async move {
            let mut scratch = Scratch::default();
            part.iter().for_each(|connection| connection.drive(&mut scratch));
        });
    }
    connections.iter().for_each(|connection| connection.drive(scratch));
}

impl Shared {
    /// Lets the connection do all it can do now.
    pub(crate) fn drive(self: &Arc<Self>, scratch: &mut Scratch) {
        let mut state = self.lock();
        // Behind the lock, or the one who had it before was later.
        let now = Inner::now();
        state.unlist();
        // Not before its place in the list says so: asking costs more than it seems.
        if state.armed.is_none_or(|at| at <= now)
            && state.proto.poll_timeout().is_some_and(|at| at <= now)
        {
            state.proto.handle_timeout(now);
        }
        let has_more = self.transmit(&mut state, now, &mut scratch.packet);
        // In the connection's order: the lock is held until they are on the list.
        let mut event = state.proto.poll_endpoint_events();
        if event.is_some() {
            let events = std::iter::from_fn(|| {
                std::mem::replace(&mut event, state.proto.poll_endpoint_events())
            });
            self.endpoint.tell(events.map(|event| Told {
                handle: self.handle,
                number: self.number,
                event,
            }));
        }
        state.poll_events(&mut scratch.wakers);
        self.arm(&mut state);
        if has_more {
            self.leave_to_driver(state);
        } else {
            drop(state);
        }
        scratch.wakers.drain(..).for_each(Waker::wake);
    }

    /// Sends what there is to send; whether there is more than one may send at once.
    fn transmit(&self, state: &mut State, now: Instant, packet: &mut Vec<u8>) -> bool {
        let socket = &*self.endpoint.socket;
        let segments = socket.max_transmit_segments().min(SEGMENTS_MAX);
        let mut sent = 0;
        while sent < PACKETS_AT_ONCE {
            let transmit = match state.unsent.take() {
                Some((transmit, bytes)) => {
                    *packet = bytes;
                    transmit
                }
                None => {
                    packet.clear();
                    let Some(mut transmit) = state.proto.poll_transmit(now, segments, packet)
                    else {
                        return false;
                    };
                    // What may not go out is lost, as it might be on the way.
                    transmit.size = state.allowed(&transmit);
                    if transmit.size == 0 {
                        continue;
                    }
                    transmit
                }
            };
            match socket.try_send(&udp_transmit(&transmit, &packet[..transmit.size])) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    state.unsent = Some((transmit, std::mem::take(packet)));
                    if !std::mem::replace(&mut state.waits_for_socket, true) {
                        self.endpoint.wait_for_socket(self.handle);
                    }
                    return false;
                }
                Err(error) => {
                    // As if it was lost on the way; the endpoint's task notices a dead socket.
                    tracing::debug!(%error, "a packet could not be sent");
                }
            }
            sent += transmit.segment_size.map_or(1, |size| transmit.size.div_ceil(size));
        }
        true
    }

    /// Puts the connection where its deadline is, if that comes before the place it has.
    fn arm(self: &Arc<Self>, state: &mut MutexGuard<'_, State>) {
        let Some(at) = state.proto.poll_timeout() else { return };
        if state.armed.is_none_or(|armed| at < armed) {
            let before = state.armed.replace(at);
            self.endpoint.arm(self, before, at);
        }
    }

    /// Its place in the list of deadlines was taken off because it is due. Whether to drive it.
    pub(crate) fn handle_due(self: &Arc<Self>, at: Instant) -> bool {
        let mut state = self.lock();
        if state.armed != Some(at) {
            return false;
        }
        state.armed = None;
        state.list()
    }

    /// The endpoint is gone.
    pub(crate) fn abandon(&self) {
        let mut wakers = vec![];
        self.lock().end(ConnectionError::LocallyClosed, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }
}
