//! Posts by hooks: whoever knows the address says something in its room. The address is a secret: it
//! stands in no log and in no answer.

use std::net::IpAddr;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parlour_core::hooks::Hooked;
use parlour_protocol::{
    ids::{ClientRef, DeviceId},
    wire::{Error, ErrorReason},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    errors::answer_of,
    listener::Life,
    rpc::{RpcParts, text_of},
};
use crate::{
    calls::{self, HookPost},
    limits::{attempts::Attempt, rate::CallOf},
};

/// As chat systems take it: what else is in it is for other systems and left alone.
#[derive(Deserialize)]
struct Post {
    text: String,
    #[serde(default)]
    client_ref: Option<String>,
}

/// One post.
pub(super) async fn post(
    State(parts): State<RpcParts>,
    ConnectInfo(life): ConnectInfo<Life>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let text = match text_of(&headers, body).await {
        Ok(text) => text,
        Err(refused) => return *refused,
    };
    let from = parts.client(life.peer(), &headers);
    match take(&parts, from, &secret, text).await {
        Ok(seq) => {
            life.prolong();
            Json(json!({ "ok": true, "seq": seq })).into_response()
        }
        Err(error) => answer_of(&error),
    }
}

async fn take(
    parts: &RpcParts,
    from: Option<IpAddr>,
    secret: &str,
    text: Bytes,
) -> Result<u64, Error> {
    let address = BASE64_URL_SAFE_NO_PAD.decode(secret).unwrap_or_default();
    let post: Post = serde_json::from_slice(&text).map_err(|_| {
        Error::new(ErrorReason::MalformedRequest, "the body is not a JSON object with a text")
    })?;
    let client_ref = post.client_ref.map(|text| text.parse::<ClientRef>()).transpose();
    let client_ref = client_ref.map_err(|_| Error::invalid("client_ref", "is not a UUID"))?;
    let post =
        HookPost { text: &post.text, client_ref: client_ref.as_ref().map(|it| &it.as_bytes()[..]) };
    let rates = |hook: &Hooked| {
        let now = parts.node.now().elapsed;
        let device = DeviceId::from_bytes([0; 16]);
        let of = CallOf { user: hook.user, device, org: Some(hook.room.org) };
        calls::wait_of(&parts.rates, &parts.metrics, of, now)
    };
    let knock = parts.knock(from, &address);
    if let Some(ms) = knock.wait_ms() {
        let what = "wrong addresses come too often";
        return Err(Error::new(ErrorReason::RateLimited, what).after_ms(ms));
    }
    let posted = calls::post_by_hook(&parts.node, &*parts.submit, rates, &address, post).await;
    let is_wrong = |error: &Error| error.reason == ErrorReason::HookNotFound as i32;
    knock.handle(match &posted {
        Ok(_) => Attempt::Right,
        Err(error) if is_wrong(error) => Attempt::Wrong,
        Err(_) => Attempt::Neither,
    });
    posted
}
