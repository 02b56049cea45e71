//! The routes of browsers: where to connect, and the WebSocket.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use parlour_carriers::Origin;
use parlour_mux::{Connection, Side};
use tokio::sync::Semaphore;

use super::{client::client, listener::Life};
use crate::{
    Config,
    limits::{SOCKET_BUFFER_BYTES_MAX, SOCKET_READ_BYTES, SOCKET_WRITE_BYTES, sockets_max},
    outside::Network,
    quic::{Door, NoRoom},
    server::Shared,
    web::{Endpoints, Origins, SignIn, carry, host_of},
};

/// What browsers are taken in with.
#[derive(Clone)]
pub(crate) struct WebParts {
    door: Door,
    origins: Arc<Origins>,
    endpoints: Arc<Endpoints>,
    proxies: Arc<[Network]>,
    // Each is a descriptor, which others need as well.
    sockets: Arc<Semaphore>,
}

impl WebParts {
    pub(crate) fn new(
        config: &Config,
        shared: &Shared,
        door: Door,
        proxies: Arc<[Network]>,
    ) -> Self {
        let endpoints = Endpoints {
            port: config.public_port(shared.listen.port()),
            certificates: shared.certificates.clone(),
            hashes: shared.data.certificate_hashes(),
            sign_in: SignIn {
                accounts: shared.node.accounts.are_there(),
                passkeys: shared.node.accounts.have_passkeys(),
                providers: config.web_providers(),
            },
        };
        let (origins, endpoints) = (Arc::new(config.origins()), Arc::new(endpoints));
        let sockets_max = sockets_max(config.limits.connections_max as usize);
        let sockets = Arc::new(Semaphore::new(sockets_max));
        WebParts { door, origins, endpoints, proxies, sockets }
    }

    fn allow(&self, headers: &HeaderMap) -> bool {
        let text =
            |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
        self.origins.allow(text(header::ORIGIN), text(header::HOST).unwrap_or_default())
    }

    /// What the web client's pages may do (Content Security Policy, level 3).
    pub(super) fn policy(&self, headers: &HeaderMap) -> String {
        let host =
            headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = if host.bytes().all(is_of_host) { host } else { "" };
        let name = host_of(host);
        let port = self.endpoints.port;
        let mut connect = match host.is_empty() {
            true => String::new(),
            false => format!(" https://{name}:{port} ws://{host} wss://{host}"),
        };
        let providers = self.endpoints.sign_in.providers.iter();
        for origin in providers.flat_map(|provider| &provider.asked) {
            connect.extend([" ", origin]);
        }
        format!(
            "default-src 'self'; connect-src 'self'{connect}; img-src 'self' blob: data:; \
             media-src 'self' blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    }

    /// Where the client is: the last word of the proxy before the server, if there is one.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        client(peer, headers, &self.proxies)
    }
}

/// Says nothing of anybody, so it takes no token; pages of other hosts may read it if they may connect.
pub(super) async fn endpoints(State(parts): State<WebParts>, headers: HeaderMap) -> Response {
    let mut response = Json(parts.endpoints.document().await).into_response();
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    out.insert(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = headers.get(header::ORIGIN).filter(|_| parts.allow(&headers)) {
        out.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    response
}

/// Opens a WebSocket for a connection; who it is, it says in its first message.
pub(super) async fn connect(
    State(parts): State<WebParts>,
    ConnectInfo(life): ConnectInfo<Life>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    if !parts.allow(&headers) {
        return (StatusCode::FORBIDDEN, "pages of that origin may not connect\n").into_response();
    }
    let (peer, address) = (life.peer(), parts.address(life.peer(), &headers));
    let room = match parts.door.knock(address) {
        Ok(()) => parts.sockets.clone().try_acquire_owned().map_err(|_| NoRoom::Full),
        Err(no_room) => Err(no_room),
    };
    let held = match room {
        Ok(held) => held,
        Err(no_room) => {
            let status = match no_room {
                NoRoom::Full => StatusCode::SERVICE_UNAVAILABLE,
                NoRoom::TooFast => StatusCode::TOO_MANY_REQUESTS,
            };
            return (status, "there is no room for another connection now\n").into_response();
        }
    };
    // Time for its hello; once it is welcomed, it counts as a connection and no longer as a request.
    life.prolong();
    let origin = Arc::new(Origin { peer, address, is_admitted: life.handed_over() });
    upgrade
        .read_buffer_size(SOCKET_READ_BYTES)
        .max_message_size(parlour_mux::limits::MESSAGE_BYTES_MAX)
        .max_frame_size(parlour_mux::limits::MESSAGE_BYTES_MAX)
        .write_buffer_size(SOCKET_WRITE_BYTES)
        .max_write_buffer_size(SOCKET_BUFFER_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let _held = held;
            let (connection, carrier) = Connection::new(Side::Server);
            let connection = parlour_carriers::Connection::WebSocket(connection, origin);
            tokio::join!(parts.door.serve(connection), carry(socket, carrier));
        })
}

/// Nothing that would mean something else in a policy.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte)
}
