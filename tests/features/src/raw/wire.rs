//! What a client's connection is made of, over each carrier: connections, streams, what they end with.
//! WebTransport is `web-transport-quinn`'s client. Over a WebSocket both ends have the same lanes
//! (`parlour-mux`); clients of another make are TypeScript's and the conformance kit's.

use bytes::Bytes;
use web_transport_quinn as wt;

use super::Lost;

/// How clients reach the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// QUIC with the protocol's own name.
    #[default]
    Quic,
    /// HTTP/3 on the same port.
    WebTransport,
    /// A WebSocket on the port of HTTP.
    WebSocket,
}

impl Carrier {
    /// What `PARLOUR_CARRIER` names: the same tests run over each.
    pub fn of_environment() -> Carrier {
        match std::env::var("PARLOUR_CARRIER").as_deref() {
            Err(_) | Ok("quic") => Carrier::Quic,
            Ok("webtransport") => Carrier::WebTransport,
            Ok("websocket") => Carrier::WebSocket,
            Ok(other) => panic!("PARLOUR_CARRIER names no carrier: {other}"),
        }
    }
}

/// A connection.
#[derive(Clone, Debug)]
pub enum Connection {
    /// See [`Carrier::Quic`].
    Quic(quinn::Connection),
    /// See [`Carrier::WebTransport`].
    WebTransport(Box<wt::Session>),
    /// See [`Carrier::WebSocket`].
    WebSocket(parlour_mux::Connection),
}

/// The sending half of a stream.
#[derive(Debug)]
pub enum SendStream {
    /// See [`Carrier::Quic`].
    Quic(quinn::SendStream),
    /// See [`Carrier::WebTransport`].
    WebTransport(wt::SendStream),
    /// See [`Carrier::WebSocket`].
    WebSocket(parlour_mux::SendLane),
}

/// The receiving half of a stream.
#[derive(Debug)]
pub enum RecvStream {
    /// See [`Carrier::Quic`].
    Quic(quinn::RecvStream),
    /// See [`Carrier::WebTransport`].
    WebTransport(wt::RecvStream),
    /// See [`Carrier::WebSocket`].
    WebSocket(parlour_mux::RecvLane),
}

/// Why a stream gives no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The server gave it up with this code.
    Reset(u32),
    /// The connection is gone.
    Lost(Lost),
}

/// A stream takes no more: stopped with this code, or the connection is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped(pub Option<u32>);

fn code_of(code: quinn::VarInt) -> u32 {
    u32::try_from(code.into_inner()).unwrap_or(u32::MAX)
}

impl From<wt::SessionError> for Lost {
    fn from(error: wt::SessionError) -> Self {
        match error {
            wt::SessionError::WebTransportError(wt::WebTransportError::Closed(code, _)) => {
                Lost::Closed(code)
            }
            other => Lost::Transport(other.to_string()),
        }
    }
}

impl From<parlour_mux::Closed> for Lost {
    fn from(closed: parlour_mux::Closed) -> Self {
        match closed {
            parlour_mux::Closed::Remote { code, .. } => Lost::Closed(code),
            other => Lost::Transport(format!("{other:?}")),
        }
    }
}

impl Connection {
    async fn mux_lost(connection: &parlour_mux::Connection) -> Lost {
        connection.closed().await.into()
    }

    /// Opens a stream for both, as soon as the server allows one.
    pub async fn open_bi(&self) -> Result<(SendStream, RecvStream), Lost> {
        match self {
            Connection::Quic(connection) => {
                let (send, recv) = connection.open_bi().await?;
                Ok((SendStream::Quic(send), RecvStream::Quic(recv)))
            }
            Connection::WebTransport(session) => {
                let (send, recv) = session.open_bi().await?;
                Ok((SendStream::WebTransport(send), RecvStream::WebTransport(recv)))
            }
            Connection::WebSocket(connection) => match connection.open().await {
                Ok((send, recv)) => Ok((SendStream::WebSocket(send), RecvStream::WebSocket(recv))),
                Err(_) => Err(Connection::mux_lost(connection).await),
            },
        }
    }

    /// Opens a stream on which only the client speaks, where there is such a thing.
    pub async fn open_uni(&self) -> Result<SendStream, Lost> {
        match self {
            Connection::Quic(connection) => Ok(SendStream::Quic(connection.open_uni().await?)),
            Connection::WebTransport(session) => {
                Ok(SendStream::WebTransport(session.open_uni().await?))
            }
            Connection::WebSocket(_) => panic!("over a WebSocket no client can open one"),
        }
    }

    /// The server's stream.
    pub async fn accept_uni(&self) -> Result<RecvStream, Lost> {
        match self {
            Connection::Quic(connection) => Ok(RecvStream::Quic(connection.accept_uni().await?)),
            Connection::WebTransport(session) => {
                Ok(RecvStream::WebTransport(session.accept_uni().await?))
            }
            Connection::WebSocket(connection) => match connection.accept().await {
                Ok((_, recv)) => Ok(RecvStream::WebSocket(recv)),
                Err(_) => Err(Connection::mux_lost(connection).await),
            },
        }
    }

    /// Sends a datagram.
    pub fn send_datagram(&self, bytes: Bytes) -> Result<(), Lost> {
        match self {
            Connection::Quic(connection) => {
                let sent = connection.send_datagram(bytes);
                sent.map_err(|error| Lost::Transport(error.to_string()))
            }
            Connection::WebTransport(session) => Ok(session.send_datagram(bytes)?),
            Connection::WebSocket(connection) => match connection.close_reason() {
                Some(closed) => Err(closed.into()),
                None if connection.send_datagram(bytes) => Ok(()),
                None => Err(Lost::Transport("the datagram is too large".into())),
            },
        }
    }

    /// The next datagram.
    pub async fn read_datagram(&self) -> Result<Bytes, Lost> {
        match self {
            Connection::Quic(connection) => Ok(connection.read_datagram().await?),
            Connection::WebTransport(session) => Ok(session.read_datagram().await?),
            Connection::WebSocket(connection) => match connection.read_datagram().await {
                Ok(bytes) => Ok(bytes),
                Err(_) => Err(Connection::mux_lost(connection).await),
            },
        }
    }

    /// Ends the connection.
    pub fn close(&self, code: u32, reason: &str) {
        match self {
            Connection::Quic(connection) => connection.close(code.into(), reason.as_bytes()),
            Connection::WebTransport(session) => session.close(code, reason.as_bytes()),
            Connection::WebSocket(connection) => connection.close(code, reason),
        }
    }

    /// Waits for the end.
    pub async fn closed(&self) -> Lost {
        match self {
            Connection::Quic(connection) => connection.closed().await.into(),
            Connection::WebTransport(session) => session.closed().await.into(),
            Connection::WebSocket(connection) => connection.closed().await.into(),
        }
    }

    /// How it has ended, if it has.
    pub fn close_reason(&self) -> Option<Lost> {
        match self {
            Connection::Quic(connection) => connection.close_reason().map(Lost::from),
            Connection::WebTransport(session) => session.close_reason().map(Lost::from),
            Connection::WebSocket(connection) => connection.close_reason().map(Lost::from),
        }
    }
}

impl SendStream {
    /// Writes all of it.
    pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        match self {
            SendStream::Quic(stream) => {
                stream.write_all(bytes).await.map_err(|error| match error {
                    quinn::WriteError::Stopped(code) => Stopped(Some(code_of(code))),
                    _ => Stopped(None),
                })
            }
            SendStream::WebTransport(stream) => {
                stream.write_all(bytes).await.map_err(|error| match error {
                    wt::WriteError::Stopped(code) => Stopped(Some(code)),
                    _ => Stopped(None),
                })
            }
            SendStream::WebSocket(lane) => {
                let mut chunks = [Bytes::copy_from_slice(bytes)];
                lane.write_all_chunks(&mut chunks).await.map_err(|error| match error {
                    parlour_mux::WriteError::Stopped(code) => Stopped(Some(code)),
                    _ => Stopped(None),
                })
            }
        }
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        match self {
            SendStream::Quic(stream) => drop(stream.finish()),
            SendStream::WebTransport(stream) => drop(stream.finish()),
            SendStream::WebSocket(lane) => lane.finish(),
        }
    }

    /// Gives it up.
    pub fn reset(&mut self, code: u32) {
        match self {
            SendStream::Quic(stream) => drop(stream.reset(code.into())),
            SendStream::WebTransport(stream) => drop(stream.reset(code)),
            SendStream::WebSocket(lane) => lane.reset(code),
        }
    }

    /// The code the server stops it with.
    pub async fn stopped(&mut self) -> Option<u32> {
        match self {
            SendStream::Quic(stream) => stream.stopped().await.ok().flatten().map(code_of),
            SendStream::WebTransport(stream) => {
                match wt::generic::SendStream::closed(stream).await {
                    Err(wt::WriteError::Stopped(code)) => Some(code),
                    _ => None,
                }
            }
            SendStream::WebSocket(lane) => {
                lane.settled().await;
                None
            }
        }
    }
}

impl RecvStream {
    /// The next bytes; `None` at the end.
    pub async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        let other =
            |error: &dyn std::fmt::Display| ReadError::Lost(Lost::Transport(error.to_string()));
        match self {
            RecvStream::Quic(stream) => match stream.read_chunk(bytes_max, true).await {
                Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
                Err(quinn::ReadError::Reset(code)) => Err(ReadError::Reset(code_of(code))),
                Err(quinn::ReadError::ConnectionLost(error)) => Err(ReadError::Lost(error.into())),
                Err(error) => Err(other(&error)),
            },
            RecvStream::WebTransport(stream) => match stream.read_chunk(bytes_max, true).await {
                Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
                Err(wt::ReadError::Reset(code)) => Err(ReadError::Reset(code)),
                Err(wt::ReadError::SessionError(error)) => Err(ReadError::Lost(error.into())),
                Err(error) => Err(other(&error)),
            },
            RecvStream::WebSocket(lane) => match lane.read_chunk(bytes_max).await {
                Ok(chunk) => Ok(chunk),
                Err(parlour_mux::ReadError::Reset(code)) => Err(ReadError::Reset(code)),
                Err(error) => Err(other(&error)),
            },
        }
    }

    /// Asks the server to write no more.
    pub fn stop(&mut self, code: u32) {
        match self {
            RecvStream::Quic(stream) => drop(stream.stop(code.into())),
            RecvStream::WebTransport(stream) => drop(stream.stop(code)),
            RecvStream::WebSocket(lane) => lane.stop(code),
        }
    }
}
