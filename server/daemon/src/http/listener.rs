//! A TCP listener whose connections are few and end: a peer that sends a byte a minute, or opens
//! sockets by the thousand, takes no descriptor from those who chat.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

use crate::limits::{ACCEPT_AGAIN_AFTER, HTTP_CONNECTIONS_MAX};

pub(super) struct Bounded {
    inner: TcpListener,
    permits: Arc<Semaphore>,
    life: Duration,
}

impl Bounded {
    /// Connections of this listener end after `life`.
    pub(super) fn new(inner: TcpListener, life: Duration) -> Self {
        Bounded { inner, permits: Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX)), life }
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
        (Guarded { stream, ends, _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection that fails once its time is over.
pub(super) struct Guarded {
    stream: TcpStream,
    ends: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl Guarded {
    fn poll_ends(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.ends.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
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
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_ends(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
