//! A TCP listener whose connections are few and end: a peer that sends a byte a minute, or opens
//! sockets by the thousand, takes no descriptor from those who chat. A connection over which bytes
//! go at a fair rate goes on.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

use socket2::SockRef;
use tokio_rustls::TlsAcceptor;

use super::wire::Wire;
use crate::limits::{
    ACCEPT_AGAIN_AFTER, HTTP_AHEAD_MAX, HTTP_BYTES_PER_SECOND_MIN, HTTP_CONNECTIONS_MAX,
    SOCKET_UNSENT_BYTES,
};

pub(super) struct Bounded {
    inner: TcpListener,
    tls: Option<TlsAcceptor>,
    permits: Arc<Semaphore>,
    life: Duration,
}

impl Bounded {
    /// Connections of this listener end after `life`; with TLS, where there is some.
    pub(super) fn new(inner: TcpListener, life: Duration, tls: Option<TlsAcceptor>) -> Self {
        Bounded { inner, tls, permits: Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX)), life }
    }
}

impl Listener for Bounded {
    type Io = Guarded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded, SocketAddr) {
        let permits = self.permits.clone();
        let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
        let (stream, address) = loop {
            match self.inner.accept().await {
                Ok(accepted) => break accepted,
                // Out of descriptors, most likely: they come back.
                Err(_) => sleep(ACCEPT_AGAIN_AFTER).await,
            }
        };
        let ends = Box::pin(sleep(self.life));
        let (goes_on, is_handed_over) = (Arc::default(), Arc::default());
        let stream = Wire::new(stream, self.tls.as_ref());
        let life = Life { peer: address.ip(), goes_on, is_handed_over };
        (Guarded { stream, ends, life, each: self.life, bytes: 0, permit: Some(permit) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// Whose connection it is, and how its end is put off while somebody known calls.
#[derive(Clone, Debug)]
pub(super) struct Life {
    peer: IpAddr,
    goes_on: Arc<AtomicBool>,
    is_handed_over: Arc<AtomicBool>,
}

impl Life {
    /// Who is on the other side: a client, or the proxy before it.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Once more as long as it had at first.
    pub(super) fn prolong(&self) {
        self.goes_on.store(true, Ordering::Relaxed);
    }

    /// Set, somebody else bounds it: it neither ends by itself nor counts as one of this port's.
    pub(super) fn handed_over(&self) -> Arc<AtomicBool> {
        self.is_handed_over.clone()
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Life {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        stream.io().life.clone()
    }
}

/// A connection that fails once its time is over.
pub(super) struct Guarded {
    stream: Wire,
    ends: Pin<Box<Sleep>>,
    life: Life,
    each: Duration,
    // Since its end was last put off.
    bytes: usize,
    // None once somebody else bounds the connection.
    permit: Option<OwnedSemaphorePermit>,
}

impl Guarded {
    fn poll_ends(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.permit.is_none() {
            return Ok(());
        }
        if self.life.is_handed_over.load(Ordering::Relaxed) {
            self.permit = None;
            // What waits in the kernel is sent before anything that becomes urgent meanwhile.
            if let Some(tcp) = self.stream.tcp() {
                let _ = tcp.set_nodelay(true);
                let _ = SockRef::from(tcp).set_tcp_notsent_lowat(SOCKET_UNSENT_BYTES);
            }
            return Ok(());
        }
        match self.ends.as_mut().poll(cx) {
            Poll::Ready(()) if self.life.goes_on.swap(false, Ordering::Relaxed) => {
                self.ends.as_mut().reset(Instant::now() + self.each);
                self.poll_ends(cx)
            }
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    /// Each so many bytes put the end off by a second, up to a minute from now.
    fn moved(&mut self, bytes: usize) {
        if self.permit.is_none() {
            return;
        }
        self.bytes += bytes;
        let seconds = self.bytes / HTTP_BYTES_PER_SECOND_MIN;
        if seconds > 0 {
            self.bytes %= HTTP_BYTES_PER_SECOND_MIN;
            let most = Instant::now() + HTTP_AHEAD_MAX;
            let ends =
                self.ends.deadline() + Duration::from_secs(seconds as u64).min(HTTP_AHEAD_MAX);
            self.ends.as_mut().reset(ends.min(most));
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_ends(cx)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.moved(buffer.filled().len() - before);
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_ends(cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(bytes)) = written {
            self.moved(bytes);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
