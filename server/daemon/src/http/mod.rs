//! The TCP port: is it alive, is it ready, how is it, attachments under links, the protocol's calls as JSON,
//! and WebSockets. Nothing else is served, and neither the number nor the life of its connections is unbounded.

mod blobs;
mod browsers;
mod bulk;
mod challenges;
mod client;
mod errors;
mod hooks;
mod listener;
mod rpc;
mod site;
mod traced;
mod wire;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use parlour_acme::Challenges;
use parlour_core::{
    blobs::{DOWNLOAD_PATH, UPLOAD_PATH},
    hooks::HOOK_PATH,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::{
    limits::HTTP_CONNECTION_FOR,
    metrics::SharedMetrics,
    openapi,
    traces::Traces,
    web::{ENDPOINTS_PATH, WEBSOCKET_PATH},
};
pub(crate) use blobs::BlobParts;
pub(crate) use browsers::WebParts;
pub(crate) use errors::reason_of;
use listener::{Bounded, Life};
pub(crate) use rpc::RpcParts;
use traced::traced;

/// Where the contract is described.
const OPENAPI_PATH: &str = "/parlour/v1/openapi.json";

/// Why the server can't take traffic now, in a word for operators.
pub type Readiness = Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

/// Who may read the metrics on a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Nobody: `/metrics` isn't there.
    Absent,
    /// Whoever sends the token in this file, which is read at each request.
    Token(PathBuf),
    /// Whoever reaches the listener.
    Open,
}

/// What the port answers from.
#[derive(Clone)]
pub struct HttpParts {
    /// Attachments, where they are served.
    pub(crate) blobs: Option<BlobParts>,
    /// The protocol's calls, where they are served.
    pub(crate) rpc: Option<RpcParts>,
    /// The way in for browsers, where they may.
    pub(crate) web: Option<WebParts>,
    /// What a CA's looks are answered with, where one issues the certificate.
    pub(crate) challenges: Option<Arc<Challenges>>,
    /// Whether the server is ready.
    pub readiness: Readiness,
    /// What it counts.
    pub metrics: SharedMetrics,
    /// Who may see that.
    pub access: MetricsAccess,
    /// What is traced.
    pub traces: Traces,
    /// With which TLS; none without.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// A listening port.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// Binds and serves until `stop` turns true; then answers what it has begun.
    pub async fn start(
        address: SocketAddr,
        parts: HttpParts,
        stop: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let tls = parts.tls.clone().map(TlsAcceptor::from);
        Self::serve(address, tls, router(parts), stop).await
    }

    /// The same of what a CA looks for and nothing else; others are led to `url`.
    pub(crate) async fn start_challenges(
        address: SocketAddr,
        challenges: Arc<Challenges>,
        url: Option<String>,
        stop: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        Self::serve(address, None, challenges::routes_alone(challenges, url), stop).await
    }

    async fn serve(
        address: SocketAddr,
        tls: Option<TlsAcceptor>,
        router: Router,
        mut stop: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let listener = Bounded::new(TcpListener::bind(address).await?, HTTP_CONNECTION_FOR, tls);
        let address = axum::serve::Listener::local_addr(&listener)?;
        let router = router.into_make_service_with_connect_info::<Life>();
        let stopped = async move {
            // A sender that is gone means stop as well.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
            if let Err(error) = served {
                tracing::error!(error = %error.kind(), "http stopped");
            }
        });
        Ok(HttpServer { address, task })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has ended.
    pub async fn wait(self) {
        let _ = self.task.await;
    }
}

/// The routes.
pub fn router(parts: HttpParts) -> Router {
    let blobs = |blobs| attachments(blobs, &parts.traces);
    let rpc = |rpc| calls(rpc, &parts.traces);
    let attachments = parts.blobs.clone().map_or_else(Router::new, blobs);
    let calls = parts.rpc.clone().map_or_else(Router::new, rpc);
    let web = parts.web.clone().map_or_else(Router::new, browsers);
    let challenges = parts.challenges.clone().map_or_else(Router::new, challenges::routes);
    // Whoever only looks whether it lives is in no trace.
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(parts)
        .merge(attachments)
        .merge(calls)
        .merge(challenges)
        .merge(web)
}

/// Not traced: a connection lasts for hours, and its calls are traced as others'.
fn browsers(parts: WebParts) -> Router {
    Router::new()
        .route(ENDPOINTS_PATH, get(browsers::endpoints))
        .route(WEBSOCKET_PATH, get(browsers::connect))
        .fallback(site::file)
        .with_state(parts)
}

fn calls(parts: RpcParts, traces: &Traces) -> Router {
    let routes = Router::new()
        .route(&format!("{}{{method}}", rpc::PATH), post(rpc::call))
        .route(&format!("{HOOK_PATH}{{secret}}"), post(hooks::post))
        .route(OPENAPI_PATH, get(openapi));
    traced(routes, traces).with_state(parts)
}

/// Says nothing of anybody, so it takes no token.
async fn openapi() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, openapi::document().clone()).into_response()
}

fn attachments(parts: BlobParts, traces: &Traces) -> Router {
    let taken = put(blobs::upload).patch(blobs::upload).head(blobs::upload);
    let routes = Router::new()
        .route(&format!("{DOWNLOAD_PATH}{{token}}"), get(blobs::download))
        .route(&format!("{UPLOAD_PATH}{{token}}"), taken);
    traced(routes, traces).with_state(parts)
}

async fn readyz(State(parts): State<HttpParts>) -> Response {
    match (parts.readiness)() {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(parts): State<HttpParts>, headers: HeaderMap) -> Response {
    match &parts.access {
        MetricsAccess::Absent => return StatusCode::NOT_FOUND.into_response(),
        MetricsAccess::Token(path) if !is_authorized(&headers, path).await => {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")])
                .into_response();
        }
        MetricsAccess::Token(_) | MetricsAccess::Open => {}
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, parts.metrics.render()).into_response()
}

async fn is_authorized(headers: &HeaderMap, path: &std::path::Path) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(given) = given.and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    let Ok(wanted) = tokio::fs::read_to_string(path).await else { return false };
    // Comparing digests takes no longer for a guess that begins right.
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let wanted = wanted.trim();
    !wanted.is_empty() && digest(given.trim()).as_ref() == digest(wanted).as_ref()
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
