//! Connections that are kept for the next request: those to a bucket, which a client of its own asks.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::http::{Method, Uri};
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    body::Incoming,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
        HttpResponse, HttpResponseBody, HttpService,
    },
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{OutsideError, Reach, Stream, Target, open};
use crate::limits::{
    POOL_ANSWER_WITHIN, POOL_BYTES_PER_SECOND_MIN, POOL_IDLE_FOR, POOL_IDLE_MAX, POOL_OPEN_WITHIN,
    POOL_TOGETHER_WITHIN,
};

type Doing<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Connections to wherever the configuration says.
#[derive(Clone)]
pub(crate) struct Pool {
    client: Client<Opener, HttpRequestBody>,
}

impl Pool {
    /// None yet. With `plain` they may go without TLS to other hosts than this one.
    pub(crate) fn new(tls: TlsConnector, plain: bool) -> Self {
        let opener = Opener { reach: Reach::Named(plain), tls };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE_FOR)
            .pool_max_idle_per_host(POOL_IDLE_MAX)
            .build(opener);
        Pool { client }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl HttpConnector for Pool {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Pool {
    fn call<'life0, 'async_trait>(
        &'life0 self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let within = within(request.method(), request.body().content_length());
            let answer = timeout(within, self.client.request(request)).await;
            let answer = answer.map_err(|_| too_slow())?.map_err(|error| {
                let kind = match error.is_connect() {
                    true => HttpErrorKind::Connect,
                    // It may have arrived; what is put has its name from its content.
                    false => HttpErrorKind::Interrupted,
                };
                HttpError::new(kind, error)
            })?;
            let (head, body) = answer.into_parts();
            Ok(HttpResponse::from_parts(head, HttpResponseBody::new(paced(body))))
        })
    }
}

/// How long a request may take up to the head of its answer. What is put together out of many parts takes a
/// store its time.
fn within(method: &Method, bytes: usize) -> Duration {
    let puts_together = method == Method::POST && bytes > 0;
    let base = if puts_together { POOL_TOGETHER_WITHIN } else { POOL_ANSWER_WITHIN };
    base + Duration::from_secs(bytes as u64 / POOL_BYTES_PER_SECOND_MIN)
}

fn too_slow() -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, OutsideError::TooSlow)
}

/// A body of which each piece comes in time.
fn paced(
    body: Incoming,
) -> impl hyper::body::Body<Data = bytes::Bytes, Error = HttpError> + Send + Sync + 'static {
    let frames = stream::try_unfold(body, |mut body| async move {
        match timeout(POOL_ANSWER_WITHIN, body.frame()).await {
            Err(_) => Err(too_slow()),
            Ok(None) => Ok(None),
            Ok(Some(Ok(frame))) => Ok(Some((frame, body))),
            Ok(Some(Err(error))) => Err(HttpError::new(HttpErrorKind::Interrupted, error)),
        }
    });
    StreamBody::new(frames)
}

/// Opens connections as everything here does.
#[derive(Clone)]
struct Opener {
    reach: Reach,
    tls: TlsConnector,
}

impl Service<Uri> for Opener {
    type Response = Link;
    type Error = OutsideError;
    type Future = Doing<Link, OutsideError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OutsideError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let opener = self.clone();
        Box::pin(async move {
            let target = Target::parse(&to.to_string()).map_err(|_| OutsideError::NoTarget)?;
            let opened = open(&target, &opener.reach, Some(&opener.tls));
            let stream = timeout(POOL_OPEN_WITHIN, opened).await;
            Ok(Link(TokioIo::new(stream.unwrap_or(Err(OutsideError::TooSlow))?)))
        })
    }
}

/// A connection as the pool keeps it.
struct Link(TokioIo<Box<dyn Stream>>);

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
