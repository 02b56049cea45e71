//! A WebSocket (RFC 6455) that carries a connection's lanes (PROTOCOL.md section 50).

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{SinkExt, StreamExt};
use parlour_mux::{Broken, Carrier, Side};
use parlour_protocol::wire::CloseCode;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode as SocketCode},
    },
};

use super::NotDialed;
use crate::{
    limits::{SOCKET_BUFFER_BYTES_MAX, SOCKET_CLOSES_WITHIN, SOCKET_SILENT_MAX},
    trust,
};

/// Where a WebSocket is opened: `wss://host[:port]/path`, or `ws://` without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketUrl {
    text: String,
    host: String,
    port: u16,
    is_secure: bool,
}

impl SocketUrl {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_secure, rest) = match text.split_once("://")? {
            ("wss", rest) => (true, rest),
            ("ws", rest) => (false, rest),
            _ => return None,
        };
        let (authority, _path) = rest.split_once('/')?;
        let usual = if is_secure { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_one = !host.is_empty() && !host.contains('@') && port != 0;
        is_one.then(|| SocketUrl { text: text.into(), host: host.into(), port, is_secure })
    }
}

/// An open one.
#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(super) mux: parlour_mux::Connection,
    marks: Arc<Marks>,
}

/// What the task that carries says of it.
#[derive(Debug, Default)]
struct Marks {
    is_broken: AtomicBool,
    has_ended: AtomicBool,
}

impl Socket {
    /// Whether its last words are said, and it is closed.
    pub(super) fn has_ended(&self) -> bool {
        self.marks.has_ended.load(Ordering::Acquire)
    }

    /// Whether it was closed here with `MALFORMED_FRAME`, as the server sent what isn't allowed.
    pub(super) fn is_broken(&self) -> bool {
        self.marks.is_broken.load(Ordering::Acquire)
    }
}

/// Opens one; a task of its own carries until either side ends it.
pub(crate) async fn open(
    url: &SocketUrl,
    tls: Arc<rustls::ClientConfig>,
) -> Result<Socket, NotDialed> {
    let unreachable = NotDialed::Unreachable;
    let connecting = TcpStream::connect((url.host.as_str(), url.port));
    let tcp = connecting.await.map_err(|_| unreachable)?;
    let _ = tcp.set_nodelay(true);
    if !url.is_secure {
        return handshake(url, tcp).await;
    }
    let name = ServerName::try_from(url.host.clone()).map_err(|_| unreachable)?;
    let stream = TlsConnector::from(tls).connect(name, tcp).await.map_err(|error| {
        tracing::debug!(%error, "TLS failed");
        trust::distrust_of_io(&error).map_or(unreachable, NotDialed::Untrusted)
    })?;
    handshake(url, stream).await
}

async fn handshake<S>(url: &SocketUrl, stream: S) -> Result<Socket, NotDialed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = WebSocketConfig::default()
        .max_message_size(Some(parlour_mux::limits::MESSAGE_BYTES_MAX))
        .max_frame_size(Some(parlour_mux::limits::MESSAGE_BYTES_MAX))
        .max_write_buffer_size(SOCKET_BUFFER_BYTES_MAX);
    let opened = client_async_with_config(url.text.as_str(), stream, Some(config)).await;
    let (socket, _) = opened.map_err(|error| {
        tracing::debug!(%error, "a WebSocket wasn't opened");
        NotDialed::Unreachable
    })?;
    let (mux, carrier) = parlour_mux::Connection::new(Side::Client);
    let marks = Arc::new(Marks::default());
    let told = marks.clone();
    tokio::spawn(async move {
        carry(socket, &carrier, &told).await;
        carrier.handle_lost();
        told.has_ended.store(true, Ordering::Release);
    });
    Ok(Socket { mux, marks })
}

async fn carry<S>(socket: WebSocketStream<S>, carrier: &Carrier, marks: &Marks)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let transmit = async {
        while let Some(message) = poll_fn(|context| carrier.poll_message(context)).await {
            if sink.send(Message::Binary(message)).await.is_err() {
                return;
            }
        }
        let done = CloseFrame { code: SocketCode::Normal, reason: "".into() };
        if sink.send(Message::Close(Some(done))).await.is_ok() {
            // The server answers with its own: to hang up before that may cost it the last words.
            std::future::pending().await
        }
    };
    let receive = async {
        // The server says something at least every 20 s.
        while let Ok(Some(Ok(message))) = timeout(SOCKET_SILENT_MAX, stream.next()).await {
            let handled = match message {
                Message::Binary(bytes) => carrier.handle_message(bytes),
                Message::Text(_) => Err(Broken("a message that isn't binary")),
                _ => Ok(()),
            };
            if let Err(broken) = handled {
                tracing::warn!(%broken, "the server broke the protocol");
                marks.is_broken.store(true, Ordering::Release);
                carrier.close(CloseCode::MalformedFrame as u32, "");
            }
        }
    };
    let ended = async {
        carrier.closed().await;
        tokio::time::sleep(SOCKET_CLOSES_WITHIN).await;
    };
    tokio::select! {
        () = transmit => {}
        () = receive => {}
        () = ended => {}
    }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
