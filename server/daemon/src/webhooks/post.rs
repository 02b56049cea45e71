//! One post: signs it, and waits until it is taken. Nothing leads elsewhere from there: redirections aren't
//! followed, and the answer's body isn't read.

use std::{sync::Arc, time::UNIX_EPOCH};

use axum::http::{Request, header};
use bytes::Bytes;
use http_body_util::Full;
use parlour_core::ports::{
    Task,
    posts::{Post, PostError, Poster},
};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{
    body::body,
    sign::{id_of, signature},
};
use crate::{
    clock,
    limits::WEBHOOK_WITHIN,
    outside::{
        Network, OutsideError, Reach, Target, USER_AGENT, exchange, open, with_systems_roots,
    },
};

/// The world outside, as far as webhooks go there.
pub(crate) struct Outside {
    reach: Arc<Reach>,
    // Without one nothing is posted over TLS.
    tls: Option<TlsConnector>,
    give_up_after_ms: u64,
}

impl Outside {
    /// With these addresses besides the public ones; a webhook is stopped after that time.
    pub(crate) fn new(allowed: Vec<Network>, give_up_after_s: u64) -> Self {
        let tls = with_systems_roots().inspect_err(|error| {
            tracing::warn!(%error, "no certificate can be checked: webhooks post nothing over tls");
        });
        let give_up_after_ms = give_up_after_s.saturating_mul(1000);
        let reach = Arc::new(Reach::Posts(allowed.into()));
        Outside { reach, tls: tls.ok(), give_up_after_ms }
    }
}

impl Poster for Outside {
    fn check(&self, url: &str) -> Result<(), &'static str> {
        Target::parse(url)?.check(&self.reach)
    }

    fn post(&self, post: Post) -> Task<'static, Result<(), PostError>> {
        let (reach, tls) = (self.reach.clone(), self.tls.clone());
        Box::pin(async move {
            let sent = timeout(WEBHOOK_WITHIN, send(&post, &reach, tls.as_ref())).await;
            sent.unwrap_or(Err(PostError::TooSlow))
        })
    }

    fn give_up_after_ms(&self) -> u64 {
        self.give_up_after_ms
    }
}

async fn send(post: &Post, reach: &Reach, tls: Option<&TlsConnector>) -> Result<(), PostError> {
    let target = Target::parse(&post.url).map_err(|_| PostError::NotAllowed)?;
    let request = request(post, &target)?;
    let stream = open(&target, reach, tls).await.map_err(failed)?;
    let answer = exchange(stream, request, None).await.map_err(failed)?;
    if answer.status.is_success() {
        return Ok(());
    }
    let wish = answer.header(header::RETRY_AFTER);
    let wish = wish.and_then(|wish| retry_after_ms(wish.trim(), clock::unix_ms()));
    Err(PostError::Status(answer.status.as_u16(), wish))
}

fn failed(error: OutsideError) -> PostError {
    match error {
        OutsideError::NoAddress => PostError::NoAddress,
        OutsideError::NoTarget | OutsideError::NotAllowed => PostError::NotAllowed,
        OutsideError::Unreachable => PostError::Unreachable,
        OutsideError::Tls => PostError::Tls,
        OutsideError::TooSlow => PostError::TooSlow,
        OutsideError::NotHttp | OutsideError::TooLarge => PostError::NotHttp,
    }
}

fn request(post: &Post, target: &Target) -> Result<Request<Full<Bytes>>, PostError> {
    let body = body(post).ok_or(PostError::Unwritable)?;
    let (id, timestamp) = (id_of(post), clock::unix_ms() / 1000);
    let signature = signature(&post.secret, &id, timestamp, &body);
    Request::post(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, USER_AGENT)
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signature)
        .body(Full::new(body.into()))
        .map_err(|_| PostError::NotAllowed)
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
