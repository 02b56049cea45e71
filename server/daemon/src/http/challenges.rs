//! What a CA looks for before it issues a certificate (`http-01`, RFC 8555 section 8.3): on the port of
//! HTTP, or on a port of its own, where everything else is led to HTTPS.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use parlour_acme::{Challenges, HTTP_PATH};

/// The route for challenges.
pub(super) fn routes(challenges: Arc<Challenges>) -> Router {
    let answered = get(answer).with_state(challenges);
    Router::new().route(&format!("{HTTP_PATH}{{token}}"), answered)
}

/// The same, and the way to where clients reach the server over HTTPS.
pub(super) fn routes_alone(challenges: Arc<Challenges>, url: Option<String>) -> Router {
    let url = url.filter(|url| url.starts_with("https://"));
    routes(challenges).fallback(move |uri: Uri| {
        let url = url.clone();
        async move { elsewhere(url, &uri) }
    })
}

async fn answer(State(challenges): State<Arc<Challenges>>, Path(token): Path<String>) -> Response {
    match challenges.answer(&token) {
        Some(text) => ([(header::CONTENT_TYPE, "application/octet-stream")], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn elsewhere(url: Option<String>, uri: &Uri) -> Response {
    match url {
        Some(url) => {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            Redirect::permanent(&format!("{url}{path}")).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
#[path = "challenges_tests.rs"]
mod tests;
