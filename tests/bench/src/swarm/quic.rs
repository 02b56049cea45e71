//! Many QUIC connections in one thread: quinn's state machine with a socket for each connection,
//! as separate clients have, and GRO, as quinn's own clients use. Knows nothing of what is said.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use parlour_congestion::FlooredConfig;
use quinn_proto::crypto::rustls::QuicClientConfig;
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Endpoint, EndpointConfig, Event,
    Transmit, TransportConfig, VarInt,
};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};

use super::meter::Meter;
use crate::harness::{Outcome, certificate, during};

const EVENTS_MAX: usize = 256;
/// Datagrams taken by one call to the kernel, and the bytes of each: a whole train with GRO.
const BATCH: usize = 8;
const DATAGRAM_BYTES: usize = 64 * 1024;
const IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// What became of the connection at a place.
pub(crate) type Happened = (usize, Event);

struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
}

struct Pipe {
    handle: ConnectionHandle,
    connection: Connection,
    socket: Socket,
    /// The one before a move, where it still hears.
    previous: Option<Socket>,
    timer: Option<Instant>,
    dirty: bool,
}

/// The connections: each has a place, which it keeps when it is opened anew.
pub(crate) struct Quic {
    poll: Poll,
    events: Events,
    endpoint: Endpoint,
    config: ClientConfig,
    remote: SocketAddr,
    pipes: Vec<Option<Pipe>>,
    places: HashMap<ConnectionHandle, usize>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    dirty: Vec<usize>,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    pub(crate) meter: Meter,
}

impl Quic {
    pub(crate) fn new(remote: SocketAddr) -> Outcome<Self> {
        let endpoint = Endpoint::new(Arc::new(EndpointConfig::default()), None, true, None);
        Ok(Self {
            poll: Poll::new().map_err(during("poll"))?,
            events: Events::with_capacity(EVENTS_MAX),
            endpoint,
            config: client_config()?,
            remote,
            pipes: Vec::new(),
            places: HashMap::new(),
            timers: BinaryHeap::new(),
            dirty: Vec::new(),
            inbox: vec![0; BATCH * DATAGRAM_BYTES],
            outbox: Vec::with_capacity(2_048),
            meter: Meter::new(),
        })
    }

    /// Begins to connect; hands back the connection's place: the given one, or the next.
    pub(crate) fn open(&mut self, place: Option<usize>, from: Option<IpAddr>) -> Outcome<usize> {
        let place = place.unwrap_or(self.pipes.len());
        let now = Instant::now();
        let (handle, connection) = self
            .endpoint
            .connect(now, self.config.clone(), self.remote, "localhost")
            .map_err(during("connect"))?;
        let socket = self.socket(place, from)?;
        let (previous, timer) = (None, None);
        let pipe = Pipe { handle, connection, socket, previous, timer, dirty: false };
        if self.pipes.len() <= place {
            self.pipes.resize_with(place + 1, || None);
        }
        if let Some(old) = self.pipes[place].replace(pipe) {
            self.places.remove(&old.handle);
        }
        self.places.insert(handle, place);
        self.touch(place);
        Ok(place)
    }

    /// The connection at a place; what is done with it is sent by the next `turn` or `flush`.
    pub(crate) fn connection(&mut self, place: usize) -> Option<&mut Connection> {
        self.touch(place);
        self.pipes.get_mut(place)?.as_mut().map(|pipe| &mut pipe.connection)
    }

    /// The client is at another address from now on; the old one may go on hearing, as with
    /// quinn's own endpoints.
    pub(crate) fn rebind(&mut self, place: usize, address: IpAddr, keep_old: bool) -> Outcome {
        let socket = self.socket(place, Some(address))?;
        let Some(pipe) = self.pipes.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
        let old = std::mem::replace(&mut pipe.socket, socket);
        pipe.previous = keep_old.then_some(old);
        pipe.connection.local_address_changed();
        self.touch(place);
        Ok(())
    }

    fn socket(&mut self, place: usize, from: Option<IpAddr>) -> Outcome<Socket> {
        let from = from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let mut io = UdpSocket::bind(SocketAddr::new(from, 0)).map_err(during("socket"))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io)).map_err(during("socket"))?;
        (self.poll.registry().register(&mut io, Token(place), Interest::READABLE))
            .map_err(during("poll"))?;
        Ok(Socket { io, state })
    }

    /// Sends what waits, waits for something to come, takes it in.
    pub(crate) fn turn(&mut self, wait: Duration, out: &mut Vec<Happened>) -> Outcome {
        self.flush(out)?;
        let asked = Instant::now();
        let timer = self.timers.peek().map(|Reverse((at, _))| at.saturating_duration_since(asked));
        let wait = if out.is_empty() { wait } else { Duration::ZERO };
        let bound = timer.map_or(wait, |timer| timer.min(wait));
        match self.poll.poll(&mut self.events, Some(bound)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled.map_err(during("poll"))?,
        }
        if !bound.is_zero() || self.events.is_empty() {
            self.meter.waited(asked.elapsed());
        }
        let woken: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
        for place in woken {
            self.receive(place)?;
            // Heard and answered one by one, so that a client isn't late for its neighbours' sake.
            self.drive(place, out)?;
        }
        self.expire(Instant::now());
        self.flush(out)
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self, out: &mut Vec<Happened>) -> Outcome {
        while let Some(place) = self.dirty.pop() {
            self.drive(place, out)?;
        }
        Ok(())
    }

    fn touch(&mut self, place: usize) {
        if let Some(pipe) = self.pipes.get_mut(place).and_then(Option::as_mut)
            && !pipe.dirty
        {
            pipe.dirty = true;
            self.dirty.push(place);
        }
    }

    fn expire(&mut self, now: Instant) {
        while let Some(Reverse((at, place))) = self.timers.peek().copied() {
            if at > now {
                return;
            }
            self.timers.pop();
            let Some(pipe) = self.pipes.get_mut(place).and_then(Option::as_mut) else { continue };
            // Only the newest entry counts: the others are of deadlines that were moved.
            if pipe.timer == Some(at) {
                pipe.timer = None;
                pipe.connection.handle_timeout(now);
                self.touch(place);
            }
        }
    }

    fn receive(&mut self, place: usize) -> Outcome {
        for of_previous in [false, true] {
            while self.receive_some(place, of_previous)? == BATCH {}
        }
        Ok(())
    }

    /// Takes what one call to the kernel gives; how many buffers that filled.
    fn receive_some(&mut self, place: usize, of_previous: bool) -> Outcome<usize> {
        let Some(pipe) = self.pipes.get_mut(place).and_then(Option::as_mut) else { return Ok(0) };
        let socket = if of_previous { pipe.previous.as_ref() } else { Some(&pipe.socket) };
        let Some(socket) = socket else { return Ok(0) };
        let mut metas = [RecvMeta::default(); BATCH];
        let mut slices = self.inbox.chunks_exact_mut(DATAGRAM_BYTES).map(IoSliceMut::new);
        let mut buffers: [IoSliceMut<'_>; BATCH] =
            std::array::from_fn(|_| slices.next().unwrap_or(IoSliceMut::new(&mut [])));
        let got = match socket.state.recv(UdpSockRef::from(&socket.io), &mut buffers, &mut metas) {
            Ok(got) => got,
            Err(error) if is_waiting(&error) => return Ok(0),
            Err(error) => return Err(format!("receive: {error}")),
        };
        for (at, meta) in metas[..got].iter().enumerate() {
            self.datagrams(at * DATAGRAM_BYTES, meta);
        }
        Ok(got)
    }

    /// Takes in what one buffer holds: one datagram, or a train of equal ones.
    fn datagrams(&mut self, start: usize, meta: &RecvMeta) {
        let now = Instant::now();
        for part in self.inbox[start..start + meta.len].chunks(meta.stride.max(1)) {
            self.outbox.clear();
            let bytes = BytesMut::from(part);
            let event = self.endpoint.handle(
                now,
                meta.addr,
                meta.dst_ip,
                meta.ecn.map(ecn_in),
                bytes,
                &mut self.outbox,
            );
            let Some(DatagramEvent::ConnectionEvent(handle, event)) = event else { continue };
            let Some(place) = self.places.get(&handle) else { continue };
            if let Some(pipe) = self.pipes[*place].as_mut() {
                pipe.connection.handle_event(event);
            }
        }
    }

    /// Runs one connection's state machine until it has nothing to say.
    fn drive(&mut self, place: usize, out: &mut Vec<Happened>) -> Outcome {
        let Some(pipe) = self.pipes.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
        pipe.dirty = false;
        let now = Instant::now();
        while let Some(event) = pipe.connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(pipe.handle, event) {
                pipe.connection.handle_event(event);
            }
        }
        while let Some(event) = pipe.connection.poll() {
            out.push((place, event));
        }
        loop {
            self.outbox.clear();
            let Some(transmit) = pipe.connection.poll_transmit(now, 1, &mut self.outbox) else {
                break;
            };
            send(&pipe.socket, &transmit, &self.outbox)?;
        }
        let timer = pipe.connection.poll_timeout();
        if timer != pipe.timer {
            pipe.timer = timer;
            if let Some(at) = timer {
                self.timers.push(Reverse((at, place)));
            }
        }
        Ok(())
    }
}

fn client_config() -> Outcome<ClientConfig> {
    let tls = certificate::client_tls(&[parlour_protocol::ALPN])?;
    let crypto = QuicClientConfig::try_from(tls).map_err(during("TLS"))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    let mut transport = TransportConfig::default();
    let idle = quinn_proto::IdleTimeout::try_from(IDLE).map_err(during("idle"))?;
    transport
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        // As the SDK does.
        .congestion_controller_factory(Arc::new(FlooredConfig::default()))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(4));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

fn send(socket: &Socket, transmit: &Transmit, contents: &[u8]) -> Outcome {
    let wanted = quinn_udp::Transmit {
        destination: transmit.destination,
        ecn: transmit.ecn.map(ecn_out),
        contents: &contents[..transmit.size],
        segment_size: transmit.segment_size,
        src_ip: None,
    };
    match socket.state.send(UdpSockRef::from(&socket.io), &wanted) {
        // A datagram that isn't taken is one lost: QUIC sends it again.
        Err(error) if is_waiting(&error) => Ok(()),
        sent => sent.map_err(during("send")),
    }
}

fn ecn_in(ecn: quinn_udp::EcnCodepoint) -> quinn_proto::EcnCodepoint {
    match ecn {
        quinn_udp::EcnCodepoint::Ect0 => quinn_proto::EcnCodepoint::Ect0,
        quinn_udp::EcnCodepoint::Ect1 => quinn_proto::EcnCodepoint::Ect1,
        quinn_udp::EcnCodepoint::Ce => quinn_proto::EcnCodepoint::Ce,
    }
}

fn ecn_out(ecn: quinn_proto::EcnCodepoint) -> quinn_udp::EcnCodepoint {
    match ecn {
        quinn_proto::EcnCodepoint::Ect0 => quinn_udp::EcnCodepoint::Ect0,
        quinn_proto::EcnCodepoint::Ect1 => quinn_udp::EcnCodepoint::Ect1,
        quinn_proto::EcnCodepoint::Ce => quinn_udp::EcnCodepoint::Ce,
    }
}

fn is_waiting(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
