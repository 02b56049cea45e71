//! Which address a request comes from, where a reverse proxy may stand before the server.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::outside::Network;

/// What proxies say whom they speak for with; each adds the address that it was asked from at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the peer's, or what a known proxy says. What stands before a proxy's own word can be
/// anybody's. `None` where a proxy doesn't say.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    if !proxies.iter().any(|proxy| proxy.contains(peer)) {
        return Some(peer);
    }
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
    last.parse().ok().or_else(with_port)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
