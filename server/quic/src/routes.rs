//! Which packet is whose: quinn-proto's endpoint, and the connections it knows by number.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use quinn::{AsyncUdpSocket, udp::RecvMeta};
use quinn_proto::{
    ConnectionEvent, ConnectionHandle, DatagramEvent, EcnCodepoint, EndpointEvent,
    Incoming as ProtoIncoming, Transmit, VarInt,
};
use rustc_hash::FxHashMap;

use crate::connection::Shared;

/// Newcomers that wait to be accepted; those beyond are refused.
const INCOMING_MAX: usize = 4096;

/// Something that a connection tells the endpoint.
pub(crate) struct Told {
    pub(crate) handle: ConnectionHandle,
    pub(crate) number: u64,
    pub(crate) event: EndpointEvent,
}

/// See the module.
pub(crate) struct Routes {
    pub(crate) proto: quinn_proto::Endpoint,
    pub(crate) conns: FxHashMap<ConnectionHandle, Arc<Shared>>,
    pub(crate) incoming: VecDeque<ProtoIncoming>,
    /// Set once the endpoint is closed: with what, and why.
    pub(crate) closed: Option<(VarInt, Bytes)>,
    pub(crate) response: Vec<u8>,
}

impl Routes {
    /// Hands the datagrams of one read to those they are for, who are put on `due`. How many they
    /// were.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        meta: &RecvMeta,
        bytes: &[u8],
        socket: &dyn AsyncUdpSocket,
        due: &mut Vec<Arc<Shared>>,
    ) -> usize {
        let mut count = 0;
        let mut rest = BytesMut::from(&bytes[..meta.len]);
        let ecn = meta.ecn.and_then(|ecn| EcnCodepoint::from_bits(ecn as u8));
        while !rest.is_empty() {
            let datagram = rest.split_to(meta.stride.min(rest.len()));
            count += 1;
            self.response.clear();
            let event =
                self.proto.handle(now, meta.addr, meta.dst_ip, ecn, datagram, &mut self.response);
            match event {
                Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                    self.hand_over(handle, event, due);
                }
                Some(DatagramEvent::NewConnection(incoming)) => {
                    if self.closed.is_none() && self.incoming.len() < INCOMING_MAX {
                        self.incoming.push_back(incoming);
                    } else {
                        let refusal = self.proto.refuse(incoming, &mut self.response);
                        respond(socket, &refusal, &self.response);
                    }
                }
                Some(DatagramEvent::Response(response)) => {
                    respond(socket, &response, &self.response);
                }
                None => {}
            }
        }
        count
    }

    /// Something for a connection, which is put on `due`.
    fn hand_over(
        &self,
        handle: ConnectionHandle,
        event: ConnectionEvent,
        due: &mut Vec<Arc<Shared>>,
    ) {
        let Some(conn) = self.conns.get(&handle) else { return };
        let mut state = conn.lock();
        // quinn-proto would bring one that has drained back to life for a malformed packet, and let
        // it drain again; but its handle may be another's by then.
        if state.proto.is_drained() {
            return;
        }
        state.proto.handle_event(event);
        if state.list() {
            due.push(conn.clone());
        }
    }

    /// What a connection tells the endpoint; the answer may be for the connection, which is put on
    /// `due` then.
    pub(crate) fn handle_event(&mut self, told: Told, due: &mut Vec<Arc<Shared>>) {
        let Told { handle, number, event } = told;
        // Its handle may be another's by now.
        if self.conns.get(&handle).is_none_or(|conn| conn.number != number) {
            return;
        }
        if event.is_drained() {
            self.conns.remove(&handle);
        }
        if let Some(event) = self.proto.handle_event(handle, event) {
            self.hand_over(handle, event, due);
        }
    }

    /// All connections, in the order of their numbers.
    pub(crate) fn all(&self) -> Vec<Arc<Shared>> {
        let mut all: Vec<Arc<Shared>> = self.conns.values().cloned().collect();
        all.sort_unstable_by_key(|conn| conn.number);
        all
    }
}

/// Sends what answers a packet of nobody's. If the socket is full it is lost, as it might be on the
/// way: the peer repeats itself.
pub(crate) fn respond(socket: &dyn AsyncUdpSocket, transmit: &Transmit, buffer: &[u8]) {
    let _ = socket.try_send(&udp_transmit(transmit, &buffer[..transmit.size]));
}

/// A packet as sockets take it.
pub(crate) fn udp_transmit<'a>(
    transmit: &Transmit,
    contents: &'a [u8],
) -> quinn::udp::Transmit<'a> {
    quinn::udp::Transmit {
        destination: transmit.destination,
        ecn: transmit.ecn.and_then(|ecn| quinn::udp::EcnCodepoint::from_bits(ecn as u8)),
        contents,
        segment_size: transmit.segment_size,
        src_ip: transmit.src_ip,
    }
}
