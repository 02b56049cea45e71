//! One TCP connection that never blocks, with or without TLS.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::harness::{Outcome, during};

/// The size of one read: larger than what the kernel usually holds for a member of a room.
const READ_BYTES: usize = 16 * 1024;

/// A connection and what waits to be sent on it.
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
    outbox: Vec<u8>,
    sent: usize,
}

impl Link {
    /// Begins to connect, from a local address where one is given.
    pub(crate) fn open(
        to: SocketAddr,
        from: Option<IpAddr>,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Outcome<Self> {
        let stream = connect(to, from).map_err(during("connect"))?;
        let tls = match tls {
            Some(config) => {
                let name = ServerName::try_from("localhost").map_err(during("name"))?;
                let made = ClientConnection::new(config.clone(), name).map_err(during("TLS"))?;
                Some(Box::new(made))
            }
            None => None,
        };
        Ok(Self { stream, tls, outbox: Vec::new(), sent: 0 })
    }

    /// Puts bytes behind what waits already.
    pub(crate) fn queue(&mut self, bytes: &[u8]) -> Outcome {
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(bytes).map_err(during("TLS")),
            None => {
                self.outbox.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Sends what the kernel takes.
    pub(crate) fn flush(&mut self) -> Outcome {
        let sent = match &mut self.tls {
            Some(tls) => flush_tls(tls, &mut self.stream),
            None => self.flush_plain(),
        };
        match sent {
            Err(error) if !is_waiting(&error) => Err(format!("send: {error}")),
            _ => Ok(()),
        }
    }

    fn flush_plain(&mut self) -> io::Result<()> {
        while self.sent < self.outbox.len() {
            self.sent += self.stream.write(&self.outbox[self.sent..])?;
        }
        self.outbox.clear();
        self.sent = 0;
        Ok(())
    }

    /// Appends what has come; `false` when the other side has ended.
    pub(crate) fn read(&mut self, into: &mut Vec<u8>) -> Outcome<bool> {
        let open = match &mut self.tls {
            Some(tls) => read_tls(tls, &mut self.stream, into)?,
            None => read_plain(&mut self.stream, into).map_err(during("receive"))?,
        };
        if self.tls.as_ref().is_some_and(|tls| tls.wants_write()) {
            self.flush()?;
        }
        Ok(open)
    }
}

fn connect(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let stream = match from {
        None => TcpStream::connect(to)?,
        Some(from) => {
            let domain = socket2::Domain::for_address(to);
            let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            socket.bind(&SocketAddr::new(from, 0).into())?;
            match socket.connect(&to.into()) {
                Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
                _ => TcpStream::from_std(socket.into()),
            }
        }
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn flush_tls(tls: &mut ClientConnection, stream: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        tls.write_tls(stream)?;
    }
    Ok(())
}

/// A short read says that a stream is drained, which saves asking once more (epoll(7)).
fn read_plain(stream: &mut TcpStream, into: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let before = into.len();
        into.resize(before + READ_BYTES, 0);
        let got = stream.read(&mut into[before..]);
        into.truncate(before + got.as_ref().copied().unwrap_or(0));
        match got {
            Ok(0) => return Ok(false),
            Ok(count) if count < READ_BYTES => return Ok(true),
            Ok(_) => {}
            Err(error) if is_waiting(&error) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

fn read_tls(
    tls: &mut ClientConnection,
    stream: &mut TcpStream,
    into: &mut Vec<u8>,
) -> Outcome<bool> {
    loop {
        let mut noting = Noting { stream, drained: false };
        match tls.read_tls(&mut noting) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(error) if is_waiting(&error) => return Ok(true),
            Err(error) => return Err(format!("receive: {error}")),
        }
        let drained = noting.drained;
        let state = tls.process_new_packets().map_err(during("TLS"))?;
        let ready = state.plaintext_bytes_to_read();
        if ready > 0 {
            let before = into.len();
            into.resize(before + ready, 0);
            tls.reader().read_exact(&mut into[before..]).map_err(during("TLS"))?;
        }
        if state.peer_has_closed() {
            return Ok(false);
        }
        if drained {
            return Ok(true);
        }
    }
}

/// Notes whether a read left nothing behind.
struct Noting<'a> {
    stream: &'a mut TcpStream,
    drained: bool,
}

impl Read for Noting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(into)?;
        self.drained = count < into.len();
        Ok(count)
    }
}

fn is_waiting(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, NotConnected, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | NotConnected)
}
