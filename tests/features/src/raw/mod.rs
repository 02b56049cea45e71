//! The protocol without a client library: a door to knock at, connections, lanes, frames. What
//! the server must not trust can be said with this as well.

mod client;
mod pin;
mod socket;
mod wire;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_daemon::clock::random;
use parlour_protocol::{
    ALPN,
    frame::{self, FrameError, Splitter},
    wire::{
        ClientFrame, CloseCode, Delivery, Error, Goodbye, Hello, LaneKind, LaneOpen, ServerFrame,
        client_frame, server_frame,
    },
};
use prost::Message;
use quinn::{
    ClientConfig, ConnectionError, Endpoint, TransportConfig, crypto::rustls::QuicClientConfig,
};

use web_transport_quinn::proto::{ConnectRequest, http};

pub use client::{Client, Pending};
pub use wire::{Carrier, Connection, ReadError, RecvStream, SendStream, Stopped};

/// No test waits longer for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no connection (any more).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The server closed it with this code.
    Closed(u32),
    /// The transport ended it.
    Transport(String),
    /// Nothing came in time.
    Silence,
}

impl Lost {
    /// Whether the server closed it with that code.
    pub fn is(&self, code: CloseCode) -> bool {
        *self == Lost::Closed(code as u32)
    }
}

impl From<ConnectionError> for Lost {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => {
                Lost::Closed(u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX))
            }
            other => Lost::Transport(other.to_string()),
        }
    }
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum CallError {
    /// The server refuses.
    Refused(Error),
    /// The connection, or the call's lane, is gone.
    Lost(Lost),
}

impl CallError {
    /// The reason's number, 0 if there is none.
    pub fn reason(&self) -> i32 {
        match self {
            CallError::Refused(error) => error.reason,
            CallError::Lost(_) => 0,
        }
    }
}

impl From<Lost> for CallError {
    fn from(lost: Lost) -> Self {
        CallError::Lost(lost)
    }
}

/// Where clients come in. Every door is an endpoint (a UDP socket) of its own.
#[derive(Clone, Debug)]
pub struct Door {
    endpoint: Endpoint,
    address: SocketAddr,
    carrier: Carrier,
    // Where HTTP listens.
    http: Option<SocketAddr>,
}

impl Door {
    /// To a server with that certificate.
    pub fn to(address: SocketAddr, sha256: &str) -> Door {
        Door::with(address, sha256, transport())
    }

    /// The same with other transport parameters.
    pub fn with(address: SocketAddr, sha256: &str, transport: TransportConfig) -> Door {
        Door::speaking(ALPN, address, sha256, transport)
    }

    /// The same with another application protocol.
    pub fn speaking(
        alpn: &[u8],
        address: SocketAddr,
        sha256: &str,
        transport: TransportConfig,
    ) -> Door {
        let tls = pin::client_config(sha256, alpn);
        let crypto = QuicClientConfig::try_from(tls).expect("TLS 1.3 has an initial suite");
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport));
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut endpoint = Endpoint::client(here).expect("a UDP port can be had");
        endpoint.set_default_client_config(config);
        Door { endpoint, address, carrier: Carrier::Quic, http: None }
    }

    /// To a server over any carrier.
    pub fn over(carrier: Carrier, quic: SocketAddr, http: SocketAddr, sha256: &str) -> Door {
        let alpn = if carrier == Carrier::WebTransport { b"h3" } else { ALPN };
        let door = Door::speaking(alpn, quic, sha256, transport());
        Door { carrier, http: Some(http), ..door }
    }

    /// A connection on which nothing was said yet.
    pub async fn handshake(&self) -> Result<Connection, Lost> {
        self.handshake_from(None).await
    }

    /// The same from a page of that origin; native connections have none.
    pub async fn handshake_from(&self, origin: Option<&str>) -> Result<Connection, Lost> {
        let connected = tokio::time::timeout(PATIENCE, self.begin(origin)).await;
        connected.map_err(|_| Lost::Silence)?
    }

    async fn begin(&self, origin: Option<&str>) -> Result<Connection, Lost> {
        match self.carrier {
            Carrier::Quic => Ok(Connection::Quic(self.transport().await?)),
            Carrier::WebTransport => self.handshake_to("/parlour/v1/wt", origin).await,
            Carrier::WebSocket => {
                let http = self.http.expect("whoever names the carrier names the port");
                Ok(Connection::WebSocket(socket::open(http, origin).await?))
            }
        }
    }

    /// A QUIC connection, with whichever protocol the door speaks.
    pub async fn transport(&self) -> Result<quinn::Connection, Lost> {
        let connecting = self.endpoint.connect(self.address, "localhost");
        let connecting = connecting.map_err(|error| Lost::Transport(error.to_string()))?;
        Ok(connecting.await?)
    }

    /// A session of WebTransport at that path.
    pub async fn handshake_to(&self, path: &str, origin: Option<&str>) -> Result<Connection, Lost> {
        let connection = self.transport().await?;
        let url = format!("https://localhost:{}{path}", self.address.port());
        let mut request = ConnectRequest::new(url.parse::<url::Url>().expect("a URL"));
        if let Some(origin) = origin {
            let origin = origin.parse().expect("origins are ASCII");
            request = request.with_header(http::header::ORIGIN, origin);
        }
        let session = web_transport_quinn::Session::connect(connection, request).await;
        let session = session.map_err(|error| Lost::Transport(error.to_string()))?;
        Ok(Connection::WebTransport(Box::new(session)))
    }

    /// A connection that was welcomed.
    pub async fn connect(&self, hello: Hello) -> Result<Client, Lost> {
        Client::begin(self.handshake().await?, hello).await
    }

    /// A connection that was welcomed, whose events nobody reads.
    pub async fn connect_deaf(&self, hello: Hello) -> Result<Client, Lost> {
        Client::begin_deaf(self.handshake().await?, hello).await
    }

    /// The UDP port on this side.
    pub fn local_port(&self) -> u16 {
        self.endpoint.local_addr().map_or(0, |address| address.port())
    }

    /// Moves all of its connections to another UDP port.
    pub fn move_away(&self) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a UDP port can be had");
        self.endpoint.rebind(socket).expect("an endpoint can be moved");
    }
}

/// What a client of ours uses: a keep-alive, and room for what the server sends.
pub fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport.keep_alive_interval(Some(Duration::from_secs(5)));
    transport
}

/// A hello of a new device, with a greased feature as all test clients send it.
pub fn hello(token: impl Into<String>) -> Hello {
    Hello {
        min_rev: 1,
        max_rev: 1,
        features: vec![31 * 7 + 27],
        token: token.into(),
        device: Bytes::copy_from_slice(&random::<16>()),
        delivery: Delivery::All as i32,
        agent: "parlour-features".into(),
        ..Hello::default()
    }
}

/// A frame of the control lane.
pub fn client_frame(arm: client_frame::Frame) -> Bytes {
    frame::encode(&ClientFrame { frame: Some(arm) })
}

/// What a client says first.
pub fn hello_frame(hello: Hello) -> Bytes {
    client_frame(client_frame::Frame::Hello(hello))
}

/// What opens a bulk lane.
pub fn bulk_open() -> Bytes {
    frame::encode(&LaneOpen { kind: LaneKind::Bulk as i32 })
}

/// Waits for the end of a connection.
pub async fn closed(connection: &Connection) -> Lost {
    match tokio::time::timeout(PATIENCE, connection.closed()).await {
        Ok(lost) => lost,
        Err(_) => Lost::Silence,
    }
}

/// Says these bytes on a new control lane and hears how the server ends the connection: its
/// goodbye, if there was one, and the close.
pub async fn say_wrong(door: &Door, bytes: &[u8]) -> (Option<Goodbye>, Lost) {
    let connection = door.handshake().await.expect("a handshake needs no token");
    let (mut send, recv) = connection.open_bi().await.expect("the control lane can be opened");
    // The server may close before it has read everything.
    let _ = send.write_all(bytes).await;
    hear_goodbye(&connection, recv).await
}

/// Reads the control lane to its end.
pub async fn hear_goodbye(connection: &Connection, recv: RecvStream) -> (Option<Goodbye>, Lost) {
    let mut lane = Lane::new(recv);
    let mut goodbye = None;
    while let Ok(Some(frame)) = lane.next::<ServerFrame>().await {
        if let Some(server_frame::Frame::Goodbye(said)) = frame.frame {
            goodbye = Some(said);
        }
    }
    (goodbye, closed(connection).await)
}

/// Why a lane has no further frame.
#[derive(Debug)]
pub enum LaneError {
    /// Reset with this code.
    Reset(u32),
    /// The connection is gone.
    Lost(Lost),
    /// Not frames, or not messages: the server is wrong.
    Garbage(String),
}

/// Reads messages off a stream.
#[derive(Debug)]
pub struct Lane {
    recv: RecvStream,
    splitter: Splitter,
    bytes: u64,
}

impl Lane {
    /// Over a stream, with the largest bound there is.
    pub fn new(recv: RecvStream) -> Lane {
        let bytes_max = parlour_protocol::limits::BULK_FRAME_BYTES_MAX;
        Lane { recv, splitter: Splitter::new(bytes_max), bytes: 0 }
    }

    /// The next message; `None` at the end of the stream.
    pub async fn next<M: Message + Default>(&mut self) -> Result<Option<M>, LaneError> {
        let garbage = |error: FrameError| LaneError::Garbage(error.to_string());
        loop {
            if let Some(frame) = self.splitter.next_frame().map_err(garbage)? {
                let message = M::decode(frame);
                return message.map(Some).map_err(|e| LaneError::Garbage(e.to_string()));
            }
            match self.recv.read_chunk(64 * 1024).await {
                Ok(Some(bytes)) => {
                    self.bytes += bytes.len() as u64;
                    self.splitter.push(&bytes);
                }
                Ok(None) => {
                    self.splitter.finish().map_err(garbage)?;
                    return Ok(None);
                }
                Err(ReadError::Reset(code)) => return Err(LaneError::Reset(code)),
                Err(ReadError::Lost(lost)) => return Err(LaneError::Lost(lost)),
            }
        }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Opens a lane of the client's and writes these bytes on it, then ends it.
pub async fn lane_of(connection: &Connection, bytes: &[u8]) -> Result<Lane, Lost> {
    let (mut send, recv) = connection.open_bi().await?;
    write_and_finish(&mut send, bytes).await;
    Ok(Lane::new(recv))
}

async fn write_and_finish(send: &mut SendStream, bytes: &[u8]) {
    // A server that has heard enough stops the stream; its answer says why.
    let _ = send.write_all(bytes).await;
    send.finish();
}
