//! How the server is, as the protocol tells it to whoever may ask.

use std::{
    fmt,
    sync::{
        Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parlour_core::ports::health::Health;
use parlour_protocol::health::{GetHealthResponse, ProviderHealth};

use super::Shared;
use crate::{auth::oidc::Standing, clock};

/// What was last seen of the disk, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) store: AtomicU64,
    pub(crate) free: AtomicU64,
}

/// The server as it is; nothing once it is gone.
pub(super) struct ServerHealth(pub(super) Weak<Shared>);

impl fmt::Debug for ServerHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerHealth")
    }
}

impl Health for ServerHealth {
    fn health(&self) -> GetHealthResponse {
        let Some(shared) = self.0.upgrade() else { return GetHealthResponse::default() };
        let now_ms = clock::unix_ms();
        let ago = |time: Duration| now_ms.saturating_sub(time.as_millis() as u64);
        let provider = |standing: Standing| ProviderHealth {
            issuer: standing.issuer,
            keys: standing.keys as u32,
            read_ms: standing.age.map_or(0, ago),
            problem: standing.problem.map(|problem| problem.to_string()).unwrap_or_default(),
        };
        let providers = shared.keys.iter().flat_map(|keys| keys.providers());
        GetHealthResponse {
            version: env!("CARGO_PKG_VERSION").into(),
            started_ms: ago(shared.began.elapsed()),
            state: shared.readiness().err().unwrap_or("ready").into(),
            connections: shared.connections() as u32,
            connections_max: shared.connections_max(),
            store: shared.store.info().adapter.into(),
            store_bytes: shared.disk.store.load(Relaxed),
            disk_free_bytes: shared.disk.free.load(Relaxed),
            certificate_ends_ms: shared.certificates.validity().not_after.as_millis() as u64,
            providers: providers.map(provider).collect(),
        }
    }
}
