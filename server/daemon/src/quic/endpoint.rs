//! Taking connections: full, too fast, or from an address that has to be proven first.

use std::sync::{Arc, atomic::Ordering};

use super::{Shared, connection};
use crate::metrics::{HandshakeFailure, LimitedBy};

/// Takes connections until the endpoint is closed.
pub(super) async fn accept(endpoint: parlour_quic::Endpoint, shared: Arc<Shared>) {
    while let Some(incoming) = endpoint.accept().await {
        if shared.draining.load(Ordering::Acquire) {
            shared.metrics.handshake_failed(HandshakeFailure::Refused);
            incoming.refuse();
            continue;
        }
        let busy = shared.handshakes.load(Ordering::Acquire) >= shared.retry_above;
        if busy && !incoming.remote_address_validated() {
            // A spoofed source gets no further, and cost us no memory.
            if incoming.retry() {
                shared.metrics.retry_sent();
            }
            continue;
        }
        if shared.connections.load(Ordering::Acquire) >= shared.connections_max {
            shared.metrics.handshake_failed(HandshakeFailure::Refused);
            incoming.refuse();
            continue;
        }
        let now = shared.node.now().elapsed;
        let from = incoming.remote_address().ip();
        let admission =
            shared.rates.lock().expect("no panic while the lock is held").connect(from, now);
        if admission.is_err() {
            shared.metrics.limited(LimitedBy::Address);
            shared.metrics.handshake_failed(HandshakeFailure::AddressLimited);
            incoming.refuse();
            continue;
        }
        tokio::spawn(connection::serve(incoming, shared.clone()));
    }
    shared.ended.notify_one();
}
