//! One post: looks the host up, connects to an address that was checked, and waits until it is taken.
//! Nothing leads elsewhere from there: redirections aren't followed, and the answer's body isn't read.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::UNIX_EPOCH,
};

use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use parlour_core::ports::{
    Task,
    posts::{Post, PostError, Poster},
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    address::Network,
    body::body,
    sign::{id_of, signature},
    target::{Host, Target},
};
use crate::{
    clock,
    limits::{
        WEBHOOK_ADDRESSES_MAX, WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_CONNECT_WITHIN, WEBHOOK_WITHIN,
    },
};

/// The world outside, as far as webhooks go there.
pub(crate) struct Outside {
    allowed: Arc<[Network]>,
    // Without one nothing is posted over TLS.
    tls: Option<TlsConnector>,
    give_up_after_ms: u64,
}

impl Outside {
    /// With these addresses besides the public ones; a webhook is stopped after that time.
    pub(crate) fn new(allowed: Vec<Network>, give_up_after_s: u64) -> Self {
        let tls = connector().inspect_err(|error| {
            tracing::warn!(%error, "no certificate can be checked: webhooks post nothing over tls");
        });
        let give_up_after_ms = give_up_after_s.saturating_mul(1000);
        Outside { allowed: allowed.into(), tls: tls.ok(), give_up_after_ms }
    }
}

/// TLS with the certificates that the system trusts.
fn connector() -> Result<TlsConnector, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = rustls_platform_verifier::Verifier::new(provider.clone())?;
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(tls).into())
}

impl Poster for Outside {
    fn check(&self, url: &str) -> Result<(), &'static str> {
        Target::parse(url)?.check(&self.allowed)
    }

    fn post(&self, post: Post) -> Task<'static, Result<(), PostError>> {
        let (allowed, tls) = (self.allowed.clone(), self.tls.clone());
        Box::pin(async move {
            let sent = timeout(WEBHOOK_WITHIN, send(&post, &allowed, tls)).await;
            sent.unwrap_or(Err(PostError::TooSlow))
        })
    }

    fn give_up_after_ms(&self) -> u64 {
        self.give_up_after_ms
    }
}

async fn send(
    post: &Post,
    allowed: &[Network],
    tls: Option<TlsConnector>,
) -> Result<(), PostError> {
    let target = Target::parse(&post.url).map_err(|_| PostError::NotAllowed)?;
    let request = request(post, &target)?;
    let stream = connect(&target, allowed).await?;
    if !target.is_secure {
        return exchange(stream, request).await;
    }
    let name = match &target.host {
        Host::Address(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| PostError::NoAddress)?,
    };
    let tls = tls.ok_or(PostError::Tls)?;
    let stream = tls.connect(name, stream).await.map_err(|_| PostError::Tls)?;
    exchange(stream, request).await
}

fn request(post: &Post, target: &Target) -> Result<Request<Full<Bytes>>, PostError> {
    let body = body(post).ok_or(PostError::Unwritable)?;
    let (id, timestamp) = (id_of(post), clock::unix_ms() / 1000);
    let signature = signature(&post.secret, &id, timestamp, &body);
    Request::post(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("parlour/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(Full::new(body.into()))
        .map_err(|_| PostError::NotAllowed)
}

/// A connection to an address that may be posted to. The name isn't looked up again: what was checked is
/// what is connected to.
async fn connect(target: &Target, allowed: &[Network]) -> Result<TcpStream, PostError> {
    let addresses: Vec<SocketAddr> = match &target.host {
        Host::Address(address) => vec![(*address, target.port).into()],
        Host::Name(name) => {
            let found = lookup_host((name.as_str(), target.port)).await;
            found.map_err(|_| PostError::NoAddress)?.collect()
        }
    };
    if addresses.is_empty() {
        return Err(PostError::NoAddress);
    }
    let may = |address: &SocketAddr| target.may_lead_to(canonical(address.ip()), allowed);
    let addresses: Vec<SocketAddr> =
        addresses.into_iter().filter(may).take(WEBHOOK_ADDRESSES_MAX).collect();
    if addresses.is_empty() {
        return Err(PostError::NotAllowed);
    }
    for address in addresses {
        if let Ok(Ok(stream)) = timeout(WEBHOOK_CONNECT_WITHIN, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(PostError::Unreachable)
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Sends the request and reads the head of the answer.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(), PostError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(WEBHOOK_ANSWER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| PostError::NotHttp)?;
    let mut answer = pin!(sender.send_request(request));
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // It may have ended right behind the answer.
        _ = connection => answer.await,
    };
    let answer = answer.map_err(|_| PostError::NotHttp)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let wish = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wish = wish.and_then(|wish| retry_after_ms(wish.trim(), clock::unix_ms()));
    Err(PostError::Status(status.as_u16(), wish))
}

/// How long to wait, as `Retry-After` has it (RFC 9110 section 10.2.3): seconds, or a date.
fn retry_after_ms(wish: &str, now_ms: u64) -> Option<u64> {
    if let Ok(seconds) = wish.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let at = httpdate::parse_http_date(wish).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(u64::try_from(at.as_millis()).ok()?.saturating_sub(now_ms))
}

#[cfg(test)]
#[path = "post_tests.rs"]
mod tests;
