//! The web client: its files, to anybody who asks, and what browsers may do with them.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::browsers::WebParts;
use crate::web::{File, find_file, has_files};

const NOT_BUILT: &str = "\
This server has no web client in it. `cargo xtask demo`, or `cargo xtask web` before the server is built, puts
it there. Everything else is as it should be.
";

/// What has none of the other routes' paths.
pub(super) async fn file(
    State(parts): State<WebParts>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::NOT_FOUND.into_response();
    }
    let is_protocols = uri.path().starts_with("/parlour/");
    let Some(file) = find_file(uri.path()).filter(|_| !is_protocols) else {
        let is_start = uri.path() == "/" && !has_files();
        return match is_start {
            true => (StatusCode::NOT_FOUND, NOT_BUILT).into_response(),
            false => StatusCode::NOT_FOUND.into_response(),
        };
    };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == file.etag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => content(file, &headers),
    };
    let out = response.headers_mut();
    out.insert(header::ETAG, HeaderValue::from_static(file.etag));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(file.cache_control()));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    guard(out, &parts.policy(&headers));
    response
}

fn content(file: &'static File, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip = accepted.is_some_and(|accepted| {
        accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip"))
    });
    let kind = (header::CONTENT_TYPE, file.media_type);
    match file.gzip.filter(|_| takes_gzip) {
        Some(gzip) => ([kind, (header::CONTENT_ENCODING, "gzip")], gzip).into_response(),
        None => ([kind], file.bytes).into_response(),
    }
}

/// What a page of ours may do, which is no more than it needs: a message that turns out to be a script
/// finds nobody to run it.
fn guard(out: &mut HeaderMap, policy: &str) {
    if let Ok(policy) = HeaderValue::from_str(policy) {
        out.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let opener = header::HeaderName::from_static("cross-origin-opener-policy");
    out.insert(opener, HeaderValue::from_static("same-origin"));
}
