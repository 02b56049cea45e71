//! Taking connections: full, too fast, or from an address that has to be proven first.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use parlour_carriers::Connection;

use super::{Shared, connection, greeting::Newcomer};
use crate::metrics::{HandshakeFailure, LimitedBy};

/// Why somebody isn't taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// The server stops, or has as many connections as it may.
    Full,
    /// Too many came from there lately.
    TooFast,
}

/// The way in for connections that come over TCP.
#[derive(Clone)]
pub(crate) struct Door(pub(super) Arc<Shared>);

impl Door {
    /// Whether there is room for one more from that address; where it isn't known, it isn't counted.
    pub(crate) fn knock(&self, from: Option<IpAddr>) -> Result<(), NoRoom> {
        has_room(&self.0, from)
    }

    /// Serves a connection to its end.
    pub(crate) async fn serve(&self, connection: Connection) {
        connection::serve(Newcomer::Open(connection), self.0.clone()).await;
    }
}

fn has_room(shared: &Shared, from: Option<IpAddr>) -> Result<(), NoRoom> {
    let is_full = shared.connections.load(Ordering::Acquire) >= shared.connections_max;
    if is_full || shared.draining.load(Ordering::Acquire) {
        shared.metrics.handshake_failed(HandshakeFailure::Refused);
        return Err(NoRoom::Full);
    }
    let Some(from) = from else { return Ok(()) };
    let now = shared.node.now().elapsed;
    let mut rates = shared.rates.lock().expect("no panic while the lock is held");
    rates.connect(from, now).map_err(|_| {
        shared.metrics.limited(LimitedBy::Address);
        shared.metrics.handshake_failed(HandshakeFailure::AddressLimited);
        NoRoom::TooFast
    })
}

/// Takes connections until the endpoint is closed.
pub(super) async fn accept(endpoint: parlour_quic::Endpoint, shared: Arc<Shared>) {
    while let Some(incoming) = endpoint.accept().await {
        let busy = shared.handshakes.load(Ordering::Acquire) >= shared.retry_above;
        if busy && !incoming.remote_address_validated() {
            // A spoofed source gets no further, and cost us no memory.
            if incoming.retry() {
                shared.metrics.retry_sent();
            }
            continue;
        }
        if has_room(&shared, Some(incoming.remote_address().ip())).is_err() {
            incoming.refuse();
            continue;
        }
        tokio::spawn(connection::serve(Newcomer::Incoming(Box::new(incoming)), shared.clone()));
    }
    shared.ended.notify_one();
}
