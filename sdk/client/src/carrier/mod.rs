//! What carries a connection: QUIC, or a WebSocket where a network lets no UDP through. Above this there
//! are only a connection and its lanes.

mod socket;

use std::{future::poll_fn, pin::pin};

use bytes::Bytes;
use parlour_protocol::wire::CloseCode;
use parlour_sdk_core::reconnect::Distrust;

pub(crate) use socket::{SocketUrl, open as open_socket};

use crate::{
    limits::{FILE_WINDOW_BYTES, SEND_WINDOW_BYTES},
    transport::BULK_PRIORITY,
};

/// A connection.
#[derive(Clone, Debug)]
pub(crate) enum Connection {
    Quic(quinn::Connection),
    WebSocket(socket::Socket),
}

/// The connection has ended, or the lane has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// No connection could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotDialed {
    /// Nobody answered.
    Unreachable,
    /// Somebody did who isn't believed to be the server.
    Untrusted(Distrust),
}

impl NotDialed {
    /// Of two attempts: what is known of somebody who answered says more.
    pub(crate) fn or(self, other: NotDialed) -> Self {
        if self == NotDialed::Unreachable { other } else { self }
    }
}

/// How a connection has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// The server's close code, if it sent one, or that with which the carrier closed by itself.
    pub(crate) code: Option<u32>,
    /// For logs.
    pub(crate) why: String,
}

impl Connection {
    /// Opens a lane as soon as the server allows one.
    pub(crate) async fn open_bi(&self, priority: i32) -> Result<(SendLane, RecvLane), Gone> {
        match self {
            Connection::Quic(connection) => {
                let (send, recv) = connection.open_bi().await.map_err(|_| Gone)?;
                send.set_priority(priority).map_err(|_| Gone)?;
                let shares = (priority < BULK_PRIORITY).then(|| connection.clone());
                Ok((SendLane::Quic(send, shares), RecvLane::Quic(recv)))
            }
            Connection::WebSocket(socket) => {
                let (mut send, recv) = socket.mux.open().await.map_err(|_| Gone)?;
                send.set_priority(priority);
                Ok((SendLane::WebSocket(send), RecvLane::WebSocket(recv)))
            }
        }
    }

    /// Waits for the server's lane.
    pub(crate) async fn accept_uni(&self) -> Result<RecvLane, Gone> {
        match self {
            Connection::Quic(connection) => {
                connection.accept_uni().await.map(RecvLane::Quic).map_err(|_| Gone)
            }
            Connection::WebSocket(socket) => {
                let (_, recv) = socket.mux.accept().await.map_err(|_| Gone)?;
                Ok(RecvLane::WebSocket(recv))
            }
        }
    }

    /// What can't be sent now is lost, as datagrams may be.
    pub(crate) fn send_datagram(&self, bytes: Bytes) {
        match self {
            Connection::Quic(connection) => drop(connection.send_datagram(bytes)),
            Connection::WebSocket(socket) => {
                socket.mux.send_datagram(bytes);
            }
        }
    }

    /// Waits for a datagram.
    pub(crate) async fn read_datagram(&self) -> Result<Bytes, Gone> {
        match self {
            Connection::Quic(connection) => connection.read_datagram().await.map_err(|_| Gone),
            Connection::WebSocket(socket) => socket.mux.read_datagram().await.map_err(|_| Gone),
        }
    }

    /// Ends the connection with a close code of the protocol.
    pub(crate) fn close(&self, code: u32) {
        match self {
            Connection::Quic(connection) => connection.close(code.into(), b""),
            Connection::WebSocket(socket) => socket.mux.close(code, ""),
        }
    }

    /// Waits for the end.
    pub(crate) async fn closed(&self) -> Ended {
        match self {
            Connection::Quic(connection) => {
                let error = connection.closed().await;
                let code = match &error {
                    quinn::ConnectionError::ApplicationClosed(closed) => {
                        Some(u32::try_from(closed.error_code.into_inner()).unwrap_or(0))
                    }
                    _ => None,
                };
                Ended { code, why: error.to_string() }
            }
            Connection::WebSocket(socket) => {
                let closed = socket.mux.closed().await;
                let code = match &closed {
                    parlour_mux::Closed::Remote { code, .. } => Some(*code),
                    parlour_mux::Closed::Local if socket.is_broken() => {
                        Some(CloseCode::MalformedFrame as u32)
                    }
                    _ => None,
                };
                Ended { code, why: format!("{closed:?}") }
            }
        }
    }

    /// Tells one connection from another.
    pub(crate) fn stable_id(&self) -> usize {
        match self {
            Connection::Quic(connection) => connection.stable_id(),
            Connection::WebSocket(socket) => socket.mux.stable_id(),
        }
    }

    /// Whether the other end has heard that it is closed here. QUIC keeps a closed connection for three
    /// timeouts more, in which there is nothing to wait for.
    pub(crate) fn has_heard_close(&self) -> bool {
        match self {
            Connection::Quic(connection) => connection.stats().frame_rx.connection_close > 0,
            Connection::WebSocket(socket) => socket.has_ended(),
        }
    }

    /// Whether it goes over a WebSocket.
    pub(crate) fn is_socket(&self) -> bool {
        matches!(self, Connection::WebSocket(_))
    }
}

/// The sending half of a lane. Dropped, it is finished with what was written.
#[derive(Debug)]
pub(crate) enum SendLane {
    /// With the connection if it carries a file, which everything else goes before.
    Quic(quinn::SendStream, Option<quinn::Connection>),
    WebSocket(parlour_mux::SendLane),
}

impl SendLane {
    /// Writes all of the chunk.
    pub(crate) async fn write_chunk(&mut self, chunk: Bytes) -> Result<(), Gone> {
        match self {
            SendLane::Quic(stream, None) => stream.write_chunk(chunk).await.map_err(|_| Gone),
            SendLane::Quic(stream, Some(connection)) => {
                // What waits to be acknowledged, of all lanes, is bounded: a file that filled it would keep
                // messages waiting, for long on a slow path. The others may find the bound low, too, for
                // the moment, and look again with the next packet.
                let mut writing = pin!(stream.write_chunk(chunk));
                let written = poll_fn(|context| {
                    connection.set_send_window(FILE_WINDOW_BYTES);
                    let written = writing.as_mut().poll(context);
                    connection.set_send_window(SEND_WINDOW_BYTES);
                    written
                });
                written.await.map_err(|_| Gone)
            }
            SendLane::WebSocket(lane) => {
                lane.write_all_chunks(&mut [chunk]).await.map_err(|_| Gone)
            }
        }
    }

    /// Nothing more comes.
    pub(crate) fn finish(&mut self) {
        match self {
            SendLane::Quic(stream, _) => drop(stream.finish()),
            SendLane::WebSocket(lane) => lane.finish(),
        }
    }

    /// Gives the lane up: what was written isn't the whole of it.
    pub(crate) fn reset(&mut self, code: CloseCode) {
        match self {
            SendLane::Quic(stream, _) => drop(stream.reset((code as u32).into())),
            SendLane::WebSocket(lane) => lane.reset(code as u32),
        }
    }
}

/// The receiving half of a lane. Dropped before its end, the server is told to stop.
#[derive(Debug)]
pub(crate) enum RecvLane {
    Quic(quinn::RecvStream),
    WebSocket(parlour_mux::RecvLane),
}

impl RecvLane {
    /// The next bytes, at most that many; `None` at the end.
    pub(crate) async fn read_chunk(&mut self, bytes_max: usize) -> Result<Option<Bytes>, Gone> {
        match self {
            RecvLane::Quic(stream) => {
                let chunk = stream.read_chunk(bytes_max, true).await.map_err(|_| Gone)?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
            RecvLane::WebSocket(lane) => lane.read_chunk(bytes_max).await.map_err(|_| Gone),
        }
    }

    /// The next pieces that are there, at most as many as there is room for; `None` at the end.
    pub(crate) async fn read_chunks(
        &mut self,
        chunks: &mut [Bytes],
    ) -> Result<Option<usize>, Gone> {
        match self {
            RecvLane::Quic(stream) => stream.read_chunks(chunks).await.map_err(|_| Gone),
            RecvLane::WebSocket(lane) => {
                let Some(first) = chunks.first_mut() else { return Ok(Some(0)) };
                let Some(bytes) =
                    lane.read_chunk(crate::limits::READ_BYTES_MAX).await.map_err(|_| Gone)?
                else {
                    return Ok(None);
                };
                *first = bytes;
                Ok(Some(1))
            }
        }
    }
}
