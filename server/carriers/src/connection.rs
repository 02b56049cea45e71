//! A connection over whichever carrier it came.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use parlour_mux::Closed;
use parlour_quic::{ConnectionError, Scratch, SendDatagramError};

use crate::{recv::RecvLane, send::SendLane, webtransport};

/// The connection has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection has ended")]
pub struct Lost;

impl From<ConnectionError> for Lost {
    fn from(_: ConnectionError) -> Self {
        Lost
    }
}

impl From<parlour_mux::Lost> for Lost {
    fn from(_: parlour_mux::Lost) -> Self {
        Lost
    }
}

/// Why a datagram wasn't sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// The client takes none at all.
    #[error("the client takes no datagrams")]
    Unsupported,
    /// It is too large for the path, or the connection has ended.
    #[error("the datagram could not be sent")]
    Dropped,
}

/// Where a WebSocket comes from, and whether its client is known.
#[derive(Debug)]
pub struct Origin {
    /// Who is on the other side of the socket: the client, or a proxy before it.
    pub peer: IpAddr,
    /// The client's address; none where a proxy doesn't say.
    pub address: Option<IpAddr>,
    /// Set once the client is welcomed.
    pub is_admitted: Arc<AtomicBool>,
}

/// A connection. It ends when the last of its handles and lanes is dropped.
#[derive(Clone)]
pub enum Connection {
    /// QUIC with the protocol's own ALPN.
    Native(parlour_quic::Connection),
    /// A session over HTTP/3, on a QUIC connection of its own.
    WebTransport(Arc<webtransport::Session>),
    /// Lanes in the messages of a WebSocket.
    WebSocket(parlour_mux::Connection, Arc<Origin>),
}

impl Connection {
    /// Waits for a lane of the client's that both sides speak on.
    pub async fn accept_bi(&self) -> Result<(SendLane, RecvLane), Lost> {
        match self {
            Connection::Native(connection) => {
                let (send, recv) = connection.accept_bi().await?;
                Ok((SendLane::Native(send), RecvLane::Native(recv)))
            }
            Connection::WebTransport(session) => session.accept_bi().await,
            Connection::WebSocket(connection, _) => {
                let (send, recv) = connection.accept().await?;
                Ok((SendLane::WebSocket(send), RecvLane::WebSocket(recv)))
            }
        }
    }

    /// Waits for a lane that only the client speaks on; the protocol has none. With WebTransport this also
    /// hears what the session says of itself, so somebody has to wait here.
    pub async fn accept_uni(&self) -> Result<RecvLane, Lost> {
        match self {
            Connection::Native(connection) => Ok(RecvLane::Native(connection.accept_uni().await?)),
            Connection::WebTransport(session) => session.accept_uni().await,
            Connection::WebSocket(connection, _) => {
                connection.closed().await;
                Err(Lost)
            }
        }
    }

    /// Opens a lane that only the server speaks on, as soon as the client allows one.
    pub async fn open_uni(&self) -> Result<SendLane, Lost> {
        match self {
            Connection::Native(connection) => Ok(SendLane::Native(connection.open_uni().await?)),
            Connection::WebTransport(session) => session.open_uni().await,
            Connection::WebSocket(connection, _) => {
                Ok(SendLane::WebSocket(connection.open().await?.0))
            }
        }
    }

    /// Waits for a datagram.
    pub async fn read_datagram(&self) -> Result<Bytes, Lost> {
        match self {
            Connection::Native(connection) => Ok(connection.read_datagram().await?),
            Connection::WebTransport(session) => session.read_datagram().await,
            Connection::WebSocket(connection, _) => Ok(connection.read_datagram().await?),
        }
    }

    /// Sends a datagram, in place of older ones if too many wait.
    pub fn send_datagram(&self, data: Bytes) -> Result<(), DatagramError> {
        let sent = match self {
            Connection::Native(connection) => connection.send_datagram(data),
            Connection::WebTransport(session) => session.send_datagram(&data),
            Connection::WebSocket(connection, _) => {
                let is_sent = connection.send_datagram(data);
                return is_sent.then_some(()).ok_or(DatagramError::Dropped);
            }
        };
        sent.map_err(|error| match error {
            SendDatagramError::UnsupportedByPeer | SendDatagramError::Disabled => {
                DatagramError::Unsupported
            }
            _ => DatagramError::Dropped,
        })
    }

    /// The QUIC connection below, where there is one: what is written to lanes goes out when it is driven.
    pub fn quic(&self) -> Option<&parlour_quic::Connection> {
        match self {
            Connection::Native(connection) => Some(connection),
            Connection::WebTransport(session) => Some(session.quic()),
            Connection::WebSocket(..) => None,
        }
    }

    /// Sends at once what was written to lanes, where that isn't done by itself.
    pub fn drive(&self, scratch: &mut Scratch) {
        if let Some(quic) = self.quic() {
            quic.drive(scratch);
        }
    }

    /// Ends the connection with a close code of the protocol; what waits to be sent is lost.
    pub fn close(&self, code: u32, reason: &str) {
        match self {
            Connection::Native(connection) => connection.close(code.into(), reason.as_bytes()),
            Connection::WebTransport(session) => session.close(code, reason),
            Connection::WebSocket(connection, _) => connection.close(code, reason),
        }
    }

    /// Waits for the connection's end.
    pub async fn closed(&self) {
        match self {
            Connection::Native(connection) => drop(connection.closed().await),
            Connection::WebTransport(session) => session.closed().await,
            Connection::WebSocket(connection, _) => drop(connection.closed().await),
        }
    }

    /// The close code that the client has ended it with, if it has.
    pub fn close_code(&self) -> Option<u32> {
        match self {
            Connection::Native(connection) => match connection.close_reason() {
                Some(ConnectionError::ApplicationClosed(close)) => {
                    Some(u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX))
                }
                _ => None,
            },
            Connection::WebTransport(session) => session.close_code(),
            Connection::WebSocket(connection, _) => match connection.close_reason() {
                Some(Closed::Remote { code, .. }) => Some(code),
                _ => None,
            },
        }
    }

    /// Where the client is at present, as far as that is known.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Connection::WebSocket(_, origin) => origin.address,
            _ => Some(self.peer()),
        }
    }

    /// Who is on the other side: the client, or a proxy before it.
    pub fn peer(&self) -> IpAddr {
        match self {
            Connection::Native(connection) => connection.remote_address().ip(),
            Connection::WebTransport(session) => session.quic().remote_address().ip(),
            Connection::WebSocket(_, origin) => origin.peer,
        }
    }

    /// The client is known: how many lanes it may have open at once, and, over QUIC, how many bytes it may
    /// have under way on all of them.
    pub fn allow(&self, lanes: u32, window: u32) {
        match self {
            Connection::Native(connection) => {
                connection.set_max_concurrent_bi_streams(lanes.into());
                connection.set_receive_window(window.into());
            }
            Connection::WebTransport(session) => session.allow(lanes, window),
            Connection::WebSocket(connection, origin) => {
                origin.is_admitted.store(true, Ordering::Relaxed);
                connection.allow_lanes(lanes);
            }
        }
    }
}
