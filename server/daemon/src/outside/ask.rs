//! One request and its answer, read no further than is wanted.

use std::pin::pin;

use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{OutsideError, Reach, Stream, Target, open};
use crate::limits::OUTSIDE_HEAD_BYTES_MAX;

/// What the server calls itself.
pub(crate) const USER_AGENT: &str = concat!("parlour/", env!("CARGO_PKG_VERSION"));

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// As much as was wanted of it, and of a failure nothing.
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// How an answer is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    /// Kinds of content that are wanted, as `Accept` has them.
    pub(crate) accept: &'static str,
    /// From the first look-up to the answer's last byte.
    pub(crate) within: std::time::Duration,
    /// So many bytes of the body.
    pub(crate) body_max: usize,
    /// What becomes of one that has more.
    pub(crate) over: Over,
}

/// What becomes of a body that is over its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// It is an error.
    Refuse,
    /// What is within the bound is taken, and the rest isn't read; so is what an end in the middle leaves.
    Cut,
}

/// Gets what is at an address. A body that is packed is an error.
pub(crate) async fn get(
    target: &Target,
    reach: &Reach,
    tls: Option<&TlsConnector>,
    ask: Ask,
) -> Result<Answer, OutsideError> {
    let got = async {
        let request = Request::get(&target.path)
            .header(header::HOST, &target.authority)
            .header(header::ACCEPT, ask.accept)
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::USER_AGENT, USER_AGENT)
            .body(Full::default())
            .map_err(|_| OutsideError::NoTarget)?;
        exchange(open(target, reach, tls).await?, request, Some((ask.body_max, ask.over))).await
    };
    timeout(ask.within, got).await.unwrap_or(Err(OutsideError::TooSlow))
}

/// Sends the request and reads the answer, with its body if that is wanted and it succeeded.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    body_max: Option<(usize, Over)>,
) -> Result<Answer, OutsideError> {
    let body_max = |status: StatusCode| body_max.filter(|_| status.is_success());
    let (head, body) = send(stream, request, body_max).await?.into_parts();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// The same, with the body of a failure as well: it says more than the status does.
pub(crate) async fn exchange_whole(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    body_max: usize,
) -> Result<Response<Bytes>, OutsideError> {
    send(stream, request, |_| Some((body_max, Over::Refuse))).await
}

async fn send(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    body_max: impl Fn(StatusCode) -> Option<(usize, Over)>,
) -> Result<Response<Bytes>, OutsideError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(OUTSIDE_HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| OutsideError::NotHttp)?;
    let mut answer = pin!(async {
        let answer = sender.send_request(request).await.map_err(|_| OutsideError::NotHttp)?;
        let (head, body) = answer.into_parts();
        let body = match body_max(head.status) {
            Some((max, over)) => {
                check_unpacked(&head.headers)?;
                read(body, max, over).await?
            }
            None => Bytes::new(),
        };
        Ok(Response::from_parts(head, body))
    });
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // It may have ended right behind the answer.
        _ = connection => answer.await,
    }
}

/// Nothing is unpacked here: a few bytes may become any number of them.
fn check_unpacked(headers: &HeaderMap) -> Result<(), OutsideError> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(packed) if packed != "identity" => Err(OutsideError::NotHttp),
        _ => Ok(()),
    }
}

async fn read(
    mut body: hyper::body::Incoming,
    max: usize,
    over: Over,
) -> Result<Bytes, OutsideError> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            match over {
                Over::Refuse => return Err(OutsideError::NotHttp),
                Over::Cut => break,
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        let left = max - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(left)]);
        match over {
            Over::Refuse if data.len() > left => return Err(OutsideError::TooLarge),
            Over::Cut if data.len() >= left => break,
            _ => {}
        }
    }
    Ok(bytes.freeze())
}
