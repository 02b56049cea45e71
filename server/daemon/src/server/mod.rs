//! A whole server, for the binary and for programs that embed one: built from a configuration,
//! drained when told, gone when dropped.

mod health;
mod open;
mod operator;
mod operator_call;
mod supervisor;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parlour_adapters::OpenError;
use parlour_blobs::BucketError;
use parlour_core::{
    draft::Submit,
    node::Node,
    ports::{
        auth::TokenVerifier,
        store::{Store, StoreError},
    },
};
use tokio::sync::watch;

use crate::{
    acme::Keeper,
    attachments,
    auth::{JwtVerifier, KeyError},
    config::{Blobs, Config, ConfigError},
    data::{DataError, DataFolder},
    log::LogHandle,
    metrics::{self, SharedMetrics},
    quic::QuicHandle,
    tls::{Certificates, TlsError},
    traces::Traces,
};

pub use crate::attachments::open_bucket;
pub use open::{bind_udp, key_sources, open_certificates, open_store};
pub use supervisor::free_bytes;

/// Why a server didn't start.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is contradictory.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A key of tokens can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store doesn't open.
    #[error("store: {0}")]
    Open(#[from] OpenError),
    /// The store doesn't answer.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The bucket of attachments can't be asked as it is configured.
    #[error("bucket of attachments: {0}")]
    Bucket(#[from] BucketError),
    /// The certificates that vouch for the bucket can't be used.
    #[error("bucket of attachments: {ca} holds no certificates that can be used", ca = ca.as_ref().map_or("the system".into(), |path| path.display().to_string()))]
    BucketRoots {
        /// The file; none for those of the system.
        ca: Option<PathBuf>,
    },
    /// The token of the metrics can't be used.
    #[error("metrics.token_file {path} {problem}", path = path.display())]
    MetricsToken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A port can't be had.
    #[error("{what} can't listen on {address}: {error}")]
    Bind {
        /// `quic`, `http`, `acme`, `metrics` or `admin`.
        what: &'static str,
        /// Where.
        address: String,
        /// What the system says.
        error: io::Error,
    },
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Taking connections.
    Serving,
    /// Moving clients away.
    Draining,
    /// Ending without waiting for anybody.
    Aborting,
    /// Gone.
    Stopped,
}

/// What the parts of a running server share.
pub(crate) struct Shared {
    /// Whether it ends by itself, for want of a socket.
    has_failed: AtomicBool,
    pub(crate) config: Mutex<Config>,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) log: Option<LogHandle>,
    pub(crate) data: DataFolder,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: Arc<Node>,
    /// The verifier whose keys are ours to reload; none when an embedder brought its own.
    pub(crate) keys: Option<Arc<JwtVerifier>>,
    pub(crate) certificates: Arc<Certificates>,
    /// Who has them from a CA, where one issues them.
    pub(crate) acme: Option<Arc<Keeper>>,
    pub(crate) metrics: SharedMetrics,
    pub(crate) traces: Traces,
    pub(crate) submit: Arc<dyn Submit>,
    pub(crate) quic: Mutex<Option<QuicHandle>>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) listen: SocketAddr,
    pub(crate) began: Instant,
    pub(crate) disk: health::Disk,
}

/// What a server is made of.
pub struct Builder {
    config: Config,
    config_file: Option<PathBuf>,
    log: Option<LogHandle>,
    store: Option<Arc<dyn Store>>,
    verifier: Option<Arc<dyn TokenVerifier>>,
}

impl Builder {
    /// The file the configuration came from: it is read again on [`Server::reload`].
    pub fn config_file(mut self, path: PathBuf) -> Self {
        self.config_file = Some(path);
        self
    }

    /// The log whose level a reload changes.
    pub fn log(mut self, log: LogHandle) -> Self {
        self.log = Some(log);
        self
    }

    /// A store of the embedder's instead of the configured one.
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// A verifier of the embedder's instead of the configured keys.
    pub fn verifier(mut self, verifier: Arc<dyn TokenVerifier>) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Opens everything and serves. When this returns, clients can connect.
    pub async fn start(self) -> Result<Server, StartError> {
        open::start(self).await
    }
}

/// A running server. Dropping it ends it at once; [`Server::drain`] does it gently.
pub struct Server {
    shared: Arc<Shared>,
    http: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
}

impl Server {
    /// A server to be, of this configuration.
    pub fn builder(config: Config) -> Builder {
        Builder { config, config_file: None, log: None, store: None, verifier: None }
    }

    /// Where clients connect.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.listen
    }

    /// Where HTTP listens.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where metrics listen, if they have a listener of their own.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// The SHA-256 of the certificate in use, in hexadecimal.
    pub fn certificate_sha256(&self) -> String {
        self.shared.certificates.sha256_hex()
    }

    /// Whether clients have to pin that hash.
    pub fn has_development_certificate(&self) -> bool {
        self.shared.certificates.is_development()
    }

    /// What it counts.
    pub fn metrics(&self) -> SharedMetrics {
        self.shared.metrics.clone()
    }

    /// Begins to move clients away; [`Server::wait`] returns when they are gone.
    pub fn drain(&self) {
        self.shared.begin(Phase::Draining);
    }

    /// Reads the configuration file again: keys of tokens, limits, the log level.
    pub fn reload(&self) -> Result<(), StartError> {
        self.shared.reload()
    }

    /// Waits until it has ended, for whatever reason; `false` if nobody asked it to.
    pub async fn wait(&self) -> bool {
        let mut phase = self.shared.phase.subscribe();
        let _ = phase.wait_for(|phase| *phase == Phase::Stopped).await;
        !self.shared.has_failed.load(Ordering::Acquire)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.begin(Phase::Aborting);
    }
}

impl Shared {
    /// Goes on to a later phase; an earlier one is ignored.
    pub(crate) fn begin(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = (*phase as u8) < (next as u8);
            if later {
                *phase = next;
            }
            later
        });
        let draining = f64::from(u8::from(self.phase() != Phase::Serving));
        self.metrics.set(metrics::DRAINING, draining);
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Why the server isn't ready, if it isn't.
    pub(crate) fn readiness(&self) -> Result<(), &'static str> {
        match self.phase() {
            Phase::Serving if self.store.writable() => Ok(()),
            Phase::Serving => Err("read-only"),
            Phase::Draining => Err("draining"),
            Phase::Aborting | Phase::Stopped => Err("stopping"),
        }
    }

    pub(crate) fn connections_max(&self) -> u32 {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).limits.connections_max
    }

    pub(crate) fn connections(&self) -> usize {
        let quic = self.quic.lock().unwrap_or_else(PoisonError::into_inner);
        quic.as_ref().map_or(0, QuicHandle::connections)
    }

    pub(crate) fn drain_times(&self) -> (Duration, Duration) {
        let config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.drain.times()
    }

    /// Puts what may change while running in force, all of it or nothing.
    pub(crate) fn reload(&self) -> Result<(), StartError> {
        let Some(path) = &self.config_file else {
            // Without a file there is nothing to read but the keys, which are polled anyway.
            return Ok(());
        };
        let config = Config::load(path)?;
        if let Some(keys) = &self.keys {
            let providers = config.providers()?;
            keys.configure(open::key_sources(&config, &self.data)?, config.policy())?;
            keys.trust(providers, &self.metrics);
        }
        if let Some(log) = &self.log {
            // The level was checked with the rest of the file.
            let _ = log.set_level(&config.log.level);
        }
        let quic = self.quic.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quic) = quic.as_ref() {
            quic.configure(config.rates());
        }
        drop(quic);
        self.node.attachments.set_policy(attachments::policy(&config));
        self.node.quotas.set_usual(config.quota());
        let mut current = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        // The rest holds from the next start; pretending otherwise would confuse a later reload.
        current.auth = config.auth;
        current.limits = config.limits;
        current.quotas = config.quotas;
        let Blobs { path, scanner, ffmpeg, s3, .. } = current.blobs.clone();
        current.blobs = Blobs { path, scanner, ffmpeg, s3, ..config.blobs };
        current.http.url = config.http.url;
        current.log.level = config.log.level;
        current.drain = config.drain;
        if let Some(acme) = &self.acme {
            acme.wish();
        }
        tracing::info!("configuration read again");
        Ok(())
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
