//! How connections are configured and made: by QUIC, and where that takes too long by a WebSocket as well.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use parlour_congestion::FlooredConfig;
use parlour_sdk_core::lanes::bulk_request;
use quinn::{
    ClientConfig, Endpoint, EndpointConfig, IdleTimeout, TransportConfig, VarInt,
    crypto::rustls::QuicClientConfig,
};
use quinn_proto::{ConnectionId, HashedConnectionIdGenerator};

use crate::{
    carrier::{Connection, NotDialed, RecvLane, SendLane, SocketUrl, open_socket},
    environment::Environment,
    limits::{
        DATAGRAM_BUFFER_BYTES, DIAL_WITHIN, FALLBACK_AFTER, IDLE_MAX, INITIAL_RTT,
        KEEP_ALIVE_EVERY, NEXT_DIAL_AFTER, RECEIVE_WINDOW_BYTES, SEND_WINDOW_BYTES,
        SERVER_UNI_LANES, STREAM_WINDOW_BYTES,
    },
    trust,
};

/// The control lane overtakes everything.
const CONTROL_PRIORITY: i32 = 10;
/// History and the like come last.
pub(crate) const BULK_PRIORITY: i32 = -10;

/// A connection with its control lane, before the hello.
#[derive(Debug)]
pub(crate) struct Dialed {
    pub(crate) connection: Connection,
    pub(crate) send: SendLane,
    pub(crate) recv: RecvLane,
}

/// Where the server is.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = !host.is_empty() && (!host.contains(':') || text.starts_with('['));
        let port = port.parse().ok().filter(|port| *port != 0)?;
        is_host.then(|| Address { host: host.to_owned(), port })
    }

    async fn resolve(&self) -> Vec<SocketAddr> {
        // An address in digits needs no name server, and no thread to ask it on.
        if let Ok(ip) = self.host.parse() {
            return vec![SocketAddr::new(ip, self.port)];
        }
        match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => found.collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// Makes connections. One endpoint per address family, made when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    environment: Environment,
    config: ClientConfig,
    endpoints: Arc<std::sync::Mutex<Endpoints>>,
    fallback: Option<Arc<Fallback>>,
}

/// The way where UDP doesn't get through.
#[derive(Debug)]
struct Fallback {
    url: SocketUrl,
    tls: Arc<rustls::ClientConfig>,
    // Whether it was the faster one the last time, on this network.
    is_preferred: AtomicBool,
}

#[derive(Debug, Default)]
struct Endpoints {
    v4: Option<(Endpoint, SocketAddr)>,
    v6: Option<(Endpoint, SocketAddr)>,
}

impl Dialer {
    pub(crate) fn new(
        environment: Environment,
        tls: rustls::ClientConfig,
        socket: Option<SocketUrl>,
    ) -> Result<Self, rustls::Error> {
        let fallback = socket.map(|url| {
            let mut tls = tls.clone();
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            let is_preferred = AtomicBool::new(false);
            Arc::new(Fallback { url, tls: Arc::new(tls), is_preferred })
        });
        let crypto = QuicClientConfig::try_from(Arc::new(tls))
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport()));
        let entropy = environment.entropy.clone();
        config.initial_dst_cid_provider(Arc::new(move || {
            let mut id = [0; 16];
            entropy.fill(&mut id);
            ConnectionId::new(&id)
        }));
        Ok(Dialer { environment, config, endpoints: Arc::default(), fallback })
    }

    /// The present, Unix milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.environment.now().unix_ms
    }

    /// Unpredictable bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.environment.random()
    }

    /// Makes a connection to the first address that answers.
    pub(crate) fn dial(
        &self,
        address: Address,
    ) -> impl Future<Output = Result<Dialed, NotDialed>> + Send + use<> {
        let dialer = self.clone();
        async move { dialer.race(&address).await }
    }

    /// By QUIC; where that hasn't come about in a moment, by a WebSocket at the same time.
    async fn race(&self, address: &Address) -> Result<Dialed, NotDialed> {
        let Some(fallback) = self.fallback.clone() else { return self.dial_quic(address).await };
        let quic = self.dial_quic(address);
        let socket = async {
            if !fallback.is_preferred.load(Ordering::Relaxed) {
                tokio::time::sleep(FALLBACK_AFTER).await;
            }
            let open = dial_socket(&fallback);
            tokio::time::timeout(DIAL_WITHIN, open).await.unwrap_or(Err(NotDialed::Unreachable))
        };
        tokio::pin!(quic, socket);
        let dialed = tokio::select! {
            biased;
            dialed = &mut quic => match dialed {
                Ok(dialed) => Ok(dialed),
                Err(why) => socket.await.map_err(|other| other.or(why)),
            },
            dialed = &mut socket => match dialed {
                Ok(dialed) => Ok(dialed),
                Err(why) => quic.await.map_err(|other| other.or(why)),
            },
        };
        if let Ok(dialed) = &dialed {
            fallback.is_preferred.store(dialed.connection.is_socket(), Ordering::Relaxed);
        }
        dialed
    }

    async fn dial_quic(&self, address: &Address) -> Result<Dialed, NotDialed> {
        let mut why = NotDialed::Unreachable;
        for remote in address.resolve().await {
            let dial = self.dial_one(remote, &address.host);
            match tokio::time::timeout(DIAL_WITHIN, dial).await {
                Ok(Ok(dialed)) => return Ok(dialed),
                Ok(Err(other)) => why = why.or(other),
                Err(_) => {}
            }
        }
        Err(why)
    }

    /// Attempts begin one after the other without waiting for each other's end: QUIC sends a lost
    /// first packet again ever more slowly, so that a young attempt is the first to notice that the
    /// network is back.
    async fn dial_one(&self, remote: SocketAddr, name: &str) -> Result<Dialed, NotDialed> {
        let mut attempts = FuturesUnordered::new();
        attempts.push(self.attempt(remote, name));
        loop {
            tokio::select! {
                biased;
                attempt = attempts.next() => match attempt {
                    Some(Ok(dialed)) => return Ok(dialed),
                    Some(Err(why @ NotDialed::Untrusted(_))) => return Err(why),
                    Some(Err(NotDialed::Unreachable)) => {}
                    None => return Err(NotDialed::Unreachable),
                },
                () = tokio::time::sleep(NEXT_DIAL_AFTER) => {
                    attempts.push(self.attempt(remote, name));
                }
            }
        }
    }

    async fn attempt(&self, remote: SocketAddr, name: &str) -> Result<Dialed, NotDialed> {
        let unreachable = NotDialed::Unreachable;
        let endpoint = self.endpoint(remote).ok_or(unreachable)?;
        let connecting = endpoint.connect_with(self.config.clone(), remote, name);
        let connection = connecting.map_err(|_| unreachable)?.await.map_err(|error| {
            tracing::debug!(%error, "handshake failed");
            trust::distrust_of_quic(&error).map_or(unreachable, NotDialed::Untrusted)
        })?;
        begin(Connection::Quic(connection)).await
    }

    /// The device has another network: connections go on from new sockets.
    pub(crate) fn rebind(&self) {
        if let Some(fallback) = &self.fallback {
            fallback.is_preferred.store(false, Ordering::Relaxed);
        }
        let endpoints = self.endpoints.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (endpoint, remote) in [&endpoints.v4, &endpoints.v6].into_iter().flatten() {
            let bound = self.environment.sockets.bind(*remote);
            if let Err(error) = bound.and_then(|socket| endpoint.rebind_abstract(socket)) {
                tracing::debug!(%error, "no new socket");
            }
        }
    }

    /// Waits until closed connections have said so.
    pub(crate) async fn wait_idle(&self) {
        let endpoints: Vec<Endpoint> = {
            let held = self.endpoints.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            [&held.v4, &held.v6].into_iter().flatten().map(|(e, _)| e.clone()).collect()
        };
        for endpoint in endpoints {
            endpoint.wait_idle().await;
        }
    }

    fn endpoint(&self, remote: SocketAddr) -> Option<Endpoint> {
        let mut held = self.endpoints.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let slot = if remote.is_ipv4() { &mut held.v4 } else { &mut held.v6 };
        if let Some((endpoint, _)) = slot {
            return Some(endpoint.clone());
        }
        let socket = self.environment.sockets.bind(remote).ok()?;
        let runtime = self.environment.runtime.clone();
        let config = endpoint_config(&self.environment);
        let endpoint = Endpoint::new_with_abstract_socket(config, None, socket, runtime).ok()?;
        *slot = Some((endpoint.clone(), remote));
        Some(endpoint)
    }
}

/// Opens a bulk lane and sends its call; the answers are on the returned half.
pub(crate) async fn open_bulk(
    connection: Connection,
    method: u32,
    body: bytes::Bytes,
) -> Option<RecvLane> {
    let (mut send, recv) = connection.open_bi(BULK_PRIORITY).await.ok()?;
    send.write_chunk(bulk_request(method, body)).await.ok()?;
    send.finish();
    Some(recv)
}

async fn dial_socket(fallback: &Fallback) -> Result<Dialed, NotDialed> {
    let socket = open_socket(&fallback.url, fallback.tls.clone()).await?;
    begin(Connection::WebSocket(socket)).await
}

/// The control lane comes first.
async fn begin(connection: Connection) -> Result<Dialed, NotDialed> {
    let opened = connection.open_bi(CONTROL_PRIORITY).await;
    let (send, recv) = opened.map_err(|_| NotDialed::Unreachable)?;
    Ok(Dialed { connection, send, recv })
}

fn endpoint_config(environment: &Environment) -> EndpointConfig {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &environment.random::<32>());
    let mut config = EndpointConfig::new(Arc::new(key));
    let cid_key = environment.random_u64();
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(cid_key)));
    config.rng_seed(Some(environment.random()));
    // QUIC's first byte must stay tellable from STUN and RTP on a shared port (RFC 9443).
    config.grease_quic_bit(false);
    config
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .max_concurrent_uni_streams(VarInt::from_u32(SERVER_UNI_LANES))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES)
        .keep_alive_interval(Some(KEEP_ALIVE_EVERY))
        .initial_rtt(INITIAL_RTT)
        .congestion_controller_factory(Arc::new(FlooredConfig::default()));
    if let Ok(idle) = IdleTimeout::try_from(IDLE_MAX) {
        transport.max_idle_timeout(Some(idle));
    }
    transport
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        let parsed = |text| Address::parse(text).map(|a| (a.host, a.port));
        assert_eq!(parsed("chat.example:4433"), Some(("chat.example".into(), 4433)));
        assert_eq!(parsed("127.0.0.1:1"), Some(("127.0.0.1".into(), 1)));
        assert_eq!(parsed("[::1]:5"), Some(("::1".into(), 5)));
        for bad in ["", "host", "host:", ":5", "host:0", "host:70000", "::1:5"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
