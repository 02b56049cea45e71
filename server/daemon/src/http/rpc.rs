//! The protocol's calls as JSON, one request each: the same tokens, rates, scopes and permissions, and
//! the same way to a handler. Whoever calls isn't there afterwards.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    body::{Body, HttpBody, to_bytes},
    extract::{ConnectInfo, Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use parlour_core::{
    admission::Refusal,
    draft::Submit,
    node::{Caller, Node},
};
use parlour_protocol::{
    generated::Lane,
    limits::CONTROL_FRAME_BYTES_MAX,
    wire::{Error, ErrorReason},
};

use super::{
    bulk,
    client::client,
    errors::{answer_of, answer_with},
    listener::Life,
};
use crate::{
    calls::{self, Knock, SharedRates},
    json::{self, CONTRACT, Entry, Form},
    limits::JSON_BYTES_MAX,
    metrics::{CallEnd, SharedMetrics},
    outside::Network,
    traces::{CallSpan, RequestSpan},
};

/// What calls are made with.
#[derive(Clone)]
pub(crate) struct RpcParts {
    pub(crate) node: Arc<Node>,
    pub(crate) submit: Arc<dyn Submit>,
    pub(crate) metrics: SharedMetrics,
    pub(crate) rates: SharedRates,
    /// Where reverse proxies are.
    pub(crate) proxies: Arc<[Network]>,
}

impl RpcParts {
    /// The address of whoever asks, where that can be known.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        client(peer, headers, &self.proxies)
    }

    /// Somebody from there with a secret.
    pub(super) fn knock<'a>(&'a self, from: Option<IpAddr>, secret: &'a [u8]) -> Knock<'a> {
        Knock { rates: &self.rates, metrics: &self.metrics, node: &self.node, from, secret }
    }
}

/// Below it, `Service.Method`.
pub(super) const PATH: &str = "/parlour/v1/rpc/";

/// A request that takes longer to come is looked at again: whether its caller still may.
const LOOKED_AT_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// One call.
pub(super) async fn call(
    State(parts): State<RpcParts>,
    ConnectInfo(life): ConnectInfo<Life>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    span: Option<Extension<RequestSpan>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let from = parts.client(life.peer(), &headers);
    let caller = match admit(&parts, from, &headers).await {
        Ok(caller) => caller,
        Err(error) => return answer_of(&error),
    };
    life.prolong();
    let now = parts.node.now().elapsed;
    let entry = CONTRACT.methods.get(&name);
    let number = entry.map_or(0, |entry| entry.method.id);
    if let Some(error) = calls::over_rate(&parts.rates, &parts.metrics, &caller, number, now) {
        return answer_of(&error);
    }
    let Some(entry) = entry else {
        return answer_of(&Error::new(ErrorReason::UnknownMethod, "no such method"));
    };
    let text = match text_of(&headers, body).await {
        Ok(text) => text,
        Err(refused) => return *refused,
    };
    // Whoever was ended while their request came does nothing with it.
    if parts.node.now().elapsed > now + LOOKED_AT_AGAIN_AFTER
        && let Err(refusal) = parts.node.check_admitted(&caller).await
    {
        return answer_of(&refusal.to_error());
    }
    let request = match json::read(&entry.request(), &text) {
        Ok(request) if request.len() <= CONTROL_FRAME_BYTES_MAX => request,
        Ok(_) => {
            return answer_of(&Error::new(ErrorReason::BodyTooLarge, "the request is over 64 KiB"));
        }
        Err(error) => return answer_of(&error),
    };
    let form = match query.as_deref().unwrap_or_default().split('&').any(is_plain) {
        true => Form::Plain,
        false => Form::Canonical,
    };
    let span = span.map(|Extension(span)| span.call(entry.method.id)).unwrap_or_default();
    match entry.method.lane {
        Lane::Control => control(&parts, &caller, entry, request, form, span).await,
        Lane::Bulk => bulk::answer(parts, caller, entry, request, form, span).await,
    }
}

fn is_plain(pair: &str) -> bool {
    matches!(pair, "plain" | "plain=1" | "plain=true")
}

/// Whose token it is that came with the request.
async fn admit(
    parts: &RpcParts,
    from: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Arc<Caller>, Error> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|value| value.split_once(' '))
        .and_then(|(scheme, token)| scheme.eq_ignore_ascii_case("Bearer").then_some(token.trim()));
    let Some(token) = token else {
        return Err(Error::new(ErrorReason::TokenInvalid, "there is no bearer token"));
    };
    match parts.knock(from, token.as_bytes()).admit(parts.node.admit_once(token)).await {
        Ok((caller, introduces)) => {
            calls::introduce(&parts.node, &*parts.submit, &caller, introduces).await?;
            Ok(caller)
        }
        Err(refusal) => {
            tracing::info!(%refusal, "a call over http was refused");
            if let Refusal::Token(error) = refusal {
                parts.metrics.token_refused(error);
            }
            Err(refusal.to_error())
        }
    }
}

/// The request's body, if it is JSON and not too large.
pub(super) async fn text_of(headers: &HeaderMap, body: Body) -> Result<Bytes, Box<Response>> {
    let too_large = || {
        let error = Error::new(ErrorReason::BodyTooLarge, "the body is over 256 KiB");
        Box::new(answer_of(&error))
    };
    if body.size_hint().lower() > JSON_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    if !kind.is_none_or(is_json) {
        let why = "the content type is not application/json";
        let error = Error::new(ErrorReason::MalformedRequest, why);
        return Err(Box::new(answer_with(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error)));
    }
    // It may also have broken off, but then nobody reads the answer.
    to_bytes(body, JSON_BYTES_MAX).await.map_err(|_| too_large())
}

fn is_json(kind: &str) -> bool {
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

async fn control(
    parts: &RpcParts,
    caller: &Arc<Caller>,
    entry: &Entry,
    request: Bytes,
    form: Form,
    span: CallSpan,
) -> Response {
    let started = parts.node.now().elapsed;
    let method = entry.method.id;
    let result = calls::call(&parts.node, &*parts.submit, caller, method, request, span).await;
    let end = match &result {
        Ok(_) => CallEnd::Ok,
        Err(error) => CallEnd::Error(error),
    };
    parts.metrics.call_ended(method, Lane::Control, end, parts.node.now().elapsed - started);
    match result.and_then(|answer| json::write(&entry.response(), answer, form)) {
        Ok(answer) => ([NO_STORE], Json(answer)).into_response(),
        Err(error) => answer_of(&error),
    }
}

/// Answers are for their caller alone.
pub(super) const NO_STORE: (header::HeaderName, HeaderValue) =
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
