//! From a configuration to a running server: opens each part in the order they need each other.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::{Duration, Instant},
};

use parlour_acme::TLS_ALPN;
use parlour_carriers::webtransport;
use parlour_core::{
    node::{Node, Parts},
    ports::{auth::TokenVerifier, blobs::Blobs, store::Store},
};
use parlour_quic::Endpoint;
use quinn::{Runtime, TokioRuntime};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    Builder, Phase, Server, Shared, StartError,
    health::{Disk, ServerHealth},
    operator::Operator,
    supervisor,
};
use crate::{
    accounts,
    acme::{self, Keeper},
    admin::AdminServer,
    attachments,
    auth::{JwtVerifier, KeySource},
    calls::SharedRates,
    clock::{self, SystemClock, SystemEntropy},
    config::{Config, StoreKind},
    data::{DataError, DataFolder},
    http::{BlobParts, HttpParts, HttpServer, MetricsAccess, RpcParts, WebParts},
    keys::{ServerKeys, own_token_key},
    limits,
    metrics::{Metrics, SharedMetrics},
    outside::Network,
    passkeys::OwnPasskeys,
    previews::{self, Visitor},
    quic::{self, Door, QuicHandle, QuicParts},
    seal::KeySealer,
    search,
    tls::{self, CertificateSource, Certificates, DevCertificates},
    traces::Traces,
    webhooks::{self, Outside},
};

pub(super) async fn start(builder: Builder) -> Result<Server, StartError> {
    let Builder { config, config_file, log, store, verifier } = builder;
    let data = DataFolder::open(&config.data)?;
    let lock = data.lock()?;
    let server_keys = ServerKeys::open(&data)?;
    let certificates = Arc::new(open_certificates(&config, &data)?);
    let metrics: SharedMetrics = Arc::new(Metrics::default());
    let (verifier, keys) = match verifier {
        Some(verifier) => (verifier, None),
        None => {
            let ours = open_verifier(&config, &data, &metrics)?;
            (ours.clone() as Arc<dyn TokenVerifier>, Some(ours))
        }
    };
    let store = match store {
        Some(store) => store,
        None => {
            let store = open_store(&config, &data).await?;
            remove_compacted(&config, &data);
            store
        }
    };
    let parts = Parts {
        store: store.clone(),
        blobs: open_blobs(&config, &data, &*store)?,
        blob_policy: attachments::policy(&config),
        verifier,
        sealer: Arc::new(KeySealer::new(&server_keys)),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
    };
    let node = open_node(parts, &config, &data, keys.is_some())?;
    node.quotas.set_usual(config.quota());
    let traces = open_traces(&config, &metrics)?;
    let seen = (metrics.clone(), traces.clone());
    let quic = start_quic(&config, &server_keys, certificates.clone(), node.clone(), seen).await?;
    let listen = quic.local_addr().map_err(|error| bind_error("quic", config.listen, error))?;
    let (submit, rates, door) = (quic.submit(), quic.rates(), quic.door());
    let shared = Arc::new(Shared {
        has_failed: AtomicBool::new(false),
        config_file,
        log,
        store,
        node,
        keys,
        acme: open_keeper(&config, &data, &certificates, &metrics)?,
        certificates,
        metrics,
        traces,
        submit,
        quic: Mutex::new(Some(quic)),
        phase: watch::channel(Phase::Serving).0,
        listen,
        began: Instant::now(),
        disk: Disk::default(),
        data,
        config: Mutex::new(config.clone()),
    });
    let (stop, stopped) = watch::channel(false);
    let http = start_http(&config, &shared, (rates, door), stopped).await?;
    let address = |server: &Option<HttpServer>| server.as_ref().map(HttpServer::local_addr);
    let [http_addr, metrics_addr, _] = http.each_ref().map(address);
    let operator = Arc::new(Operator { shared: shared.clone(), http: http_addr });
    let admin = start_admin(&shared, operator)?;
    let behind = follow(&shared, config.visitor()?);
    let held = supervisor::Held { http: http.into(), stop, admin, behind, lock };
    tokio::spawn(supervisor::run(shared.clone(), held));
    Ok(Server { shared, http: http_addr, metrics: metrics_addr })
}

fn start_admin(shared: &Shared, operator: Arc<Operator>) -> Result<AdminServer, StartError> {
    let socket = shared.data.admin_socket();
    AdminServer::start(&socket, operator)
        .map_err(|error| bind_error("admin", socket.display(), error))
}

/// Who looks at tokens. Providers' keys are read while everything else starts: whoever comes with another
/// token doesn't wait.
fn open_verifier(
    config: &Config,
    data: &DataFolder,
    metrics: &SharedMetrics,
) -> Result<Arc<JwtVerifier>, StartError> {
    let ours = Arc::new(JwtVerifier::new(key_sources(config, data)?, config.policy())?);
    ours.trust(config.providers()?, metrics);
    Ok(ours)
}

/// Who records calls; nobody where there is no collector.
fn open_traces(config: &Config, metrics: &SharedMetrics) -> Result<Traces, StartError> {
    let traces = config.tracing()?.map(|settings| Traces::start(settings, metrics));
    Ok(traces.unwrap_or_default())
}

/// The node with all that is configured. It keeps accounts only where the tokens are verified by
/// `has_keys` of its own.
fn open_node(
    parts: Parts,
    config: &Config,
    data: &DataFolder,
    has_keys: bool,
) -> Result<Arc<Node>, StartError> {
    let mut node = search::with_index(Node::new(parts), config, data)?;
    if config.webhooks.enabled {
        let after_s = config.webhooks.give_up_after_s;
        node = node.posting(Arc::new(Outside::new(config.networks()?, after_s)));
    }
    if config.previews.enabled {
        node = node.with_previews();
    }
    if config.has_accounts() && has_keys {
        node = node.with_accounts(Arc::new(accounts::issuer(config, data)?));
        if let Some(passkeys) = OwnPasskeys::of(config)? {
            node = node.with_passkeys(Arc::new(passkeys));
        }
    }
    Ok(Arc::new(node))
}

/// What follows the logs: the index, webhooks, previews of links; and who has certificates renewed.
fn follow(shared: &Arc<Shared>, visitor: Option<Visitor>) -> Vec<JoinHandle<()>> {
    // The first one stays, which an embedder may have set.
    let _ = shared.node.health.set(Arc::new(ServerHealth(Arc::downgrade(shared))));
    let (node, submit) = (shared.node.clone(), shared.submit.clone());
    let webhooks = webhooks::run(node, submit, shared.metrics.clone());
    let (node, submit) = (shared.node.clone(), shared.submit.clone());
    let previews = previews::run(node, submit, shared.metrics.clone(), visitor);
    let search = search::feed(shared.node.clone());
    let keeper = shared.acme.clone().map(|keeper| tokio::spawn(keeper.run()));
    let behind = [tokio::spawn(search), tokio::spawn(webhooks), tokio::spawn(previews)];
    behind.into_iter().chain(keeper).collect()
}

/// The store that has just opened is the whole one, whichever half of an exchange it is: the other
/// may hold text that was erased.
fn remove_compacted(config: &Config, data: &DataFolder) {
    if config.store.kind == StoreKind::Memory {
        return;
    }
    let path = data.compacted();
    match data.remove_compacted() {
        Ok(true) => tracing::info!(path = %path.display(), "a compaction's leftovers are removed"),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "a compaction's leftovers stay"),
    }
}

/// The configured keys, or the data folder's own.
pub fn key_sources(config: &Config, data: &DataFolder) -> Result<Vec<KeySource>, StartError> {
    let mut sources = config.key_sources()?;
    if sources.is_empty() || config.has_accounts() {
        sources.push(own_token_key(data)?);
    }
    Ok(sources)
}

/// The store the configuration names.
pub async fn open_store(config: &Config, data: &DataFolder) -> Result<Arc<dyn Store>, StartError> {
    if config.store.kind == StoreKind::Memory {
        tracing::warn!("the memory store forgets everything at the end");
    }
    let options = config.store_options(data);
    Ok(parlour_adapters::any::open(config.store.kind.adapter(), options).await?)
}

fn open_blobs(
    config: &Config,
    data: &DataFolder,
    store: &dyn Store,
) -> Result<Arc<dyn Blobs>, StartError> {
    let path = config.blobs_path(data);
    let bucket = attachments::open_bucket(config, Some(store.info().incarnation))?;
    if let Some(bucket) = &bucket {
        tokio::spawn(attachments::check(bucket.clone()));
    }
    let opened = attachments::open(config, path.clone(), bucket);
    let folder = opened.map_err(|error| StartError::Data(DataError::Io { path, error }))?;
    Ok(Arc::new(folder))
}

/// The certificate the configuration names, or a generated one.
pub fn open_certificates(config: &Config, data: &DataFolder) -> Result<Certificates, StartError> {
    let generated = || DevCertificates::new(data.clone(), config.tls.names.clone());
    let source = match (&config.tls.certificate, &config.tls.key) {
        (Some(certificate), Some(key)) => {
            CertificateSource::Files { certificate: certificate.clone(), key: key.clone() }
        }
        _ if config.acme()?.is_some() => CertificateSource::Acme {
            file: acme::certificate_in(data),
            until_then: generated(),
            challenges: Arc::default(),
        },
        _ => CertificateSource::Development(generated()),
    };
    Ok(Certificates::open(source, Duration::from_millis(clock::unix_ms()))?)
}

/// Who has certificates from a CA, where one issues them.
fn open_keeper(
    config: &Config,
    data: &DataFolder,
    certificates: &Arc<Certificates>,
    metrics: &SharedMetrics,
) -> Result<Option<Arc<Keeper>>, StartError> {
    let settings = config.acme()?;
    Ok(settings.and_then(|settings| Keeper::new(settings, data, certificates, metrics)))
}

/// The listener that a CA looks at, where it has one of its own.
async fn start_challenges(
    config: &Config,
    shared: &Shared,
    stopped: watch::Receiver<bool>,
) -> Result<Option<HttpServer>, StartError> {
    let (Some(keeper), Some(address)) = (&shared.acme, config.tls.acme.listen) else {
        return Ok(None);
    };
    let url = config.http.url.clone();
    let started = HttpServer::start_challenges(address, keeper.challenges(), url, stopped).await;
    started.map(Some).map_err(|error| bind_error("acme", address, error))
}

async fn start_quic(
    config: &Config,
    keys: &ServerKeys,
    certificates: Arc<Certificates>,
    node: Arc<Node>,
    (metrics, traces): (SharedMetrics, Traces),
) -> Result<QuicHandle, StartError> {
    let alpn = [parlour_protocol::ALPN, webtransport::ALPN];
    let alpn = if config.web.enabled { &alpn[..] } else { &alpn[..1] };
    let tls = tls::server_config(certificates, alpn)?;
    let server =
        quic::server_config(tls, keys).map_err(|_| StartError::Tls(tls::TlsError::Generate))?;
    let failed = |error| bind_error("quic", config.listen, error);
    let socket = bind_udp(config.listen).map_err(failed)?;
    let socket = TokioRuntime.wrap_udp_socket(socket).map_err(failed)?;
    let endpoint = Endpoint::new(quic::endpoint_config(keys), server, socket);
    let parts = QuicParts {
        endpoint,
        node,
        metrics,
        traces,
        origins: Arc::new(config.origins()),
        rates: config.rates(),
        connections_max: config.limits.connections_max as usize,
        retry_above: config.limits.retry_above_handshakes as usize,
    };
    Ok(quic::start(parts).await?)
}

/// Binds the QUIC socket. `[::]` serves IPv4 too, and only IPv4 where the host has no IPv6.
pub fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    match bind_one(address) {
        Err(error)
            if address.ip() == IpAddr::from([0_u16; 8])
                && error.kind() != io::ErrorKind::AddrInUse
                && error.kind() != io::ErrorKind::PermissionDenied =>
        {
            bind_one(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())))
        }
        other => other,
    }
}

fn bind_one(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Best effort: the kernel caps both, and `parlour doctor` says when it does.
    let _ = socket.set_recv_buffer_size(limits::SOCKET_BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(limits::SOCKET_BUFFER_BYTES);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// The file of the metrics' token, which is read at each request: that it can't be is told at the start.
fn readable_token(path: &Path) -> Result<PathBuf, StartError> {
    let problem = match fs::read_to_string(path) {
        Ok(token) if token.trim().is_empty() => "is empty".to_owned(),
        Ok(_) => return Ok(path.to_owned()),
        Err(error) => format!("can't be read: {error}"),
    };
    Err(StartError::MetricsToken { path: path.to_owned(), problem })
}

/// The port of HTTP, that of metrics, and that of challenges, as far as they are wanted.
async fn start_http(
    config: &Config,
    shared: &Arc<Shared>,
    (rates, door): (SharedRates, Door),
    stopped: watch::Receiver<bool>,
) -> Result<[Option<HttpServer>; 3], StartError> {
    let access = match &config.metrics.token_file {
        Some(path) => MetricsAccess::Token(readable_token(path)?),
        None => MetricsAccess::Absent,
    };
    let listeners = [
        ("http", config.http.listen, access),
        ("metrics", config.metrics.listen, MetricsAccess::Open),
    ];
    let proxies: Arc<[Network]> = config.proxies()?.into();
    let mut started = [None, None, start_challenges(config, shared, stopped.clone()).await?];
    for (slot, (what, address, access)) in started.iter_mut().zip(listeners) {
        let Some(address) = address else { continue };
        let weak = Arc::downgrade(shared);
        let readiness = move || match weak.upgrade() {
            Some(shared) => shared.readiness(),
            None => Err("stopping"),
        };
        let blobs = (what == "http").then(|| BlobParts {
            node: shared.node.clone(),
            submit: shared.submit.clone(),
            metrics: shared.metrics.clone(),
        });
        let (readiness, metrics) = (Arc::new(readiness), shared.metrics.clone());
        let rpc = (what == "http").then(|| RpcParts {
            node: shared.node.clone(),
            submit: shared.submit.clone(),
            metrics: shared.metrics.clone(),
            rates: rates.clone(),
            proxies: proxies.clone(),
        });
        let is_open = what == "http" && config.web.enabled;
        let web = is_open.then(|| WebParts::new(config, shared, door.clone(), proxies.clone()));
        let traces = shared.traces.clone();
        let challenges = shared.acme.as_ref().filter(|_| what == "http");
        let challenges = challenges.map(|keeper| keeper.challenges());
        let tls = what == "http" && config.http.tls;
        // A CA asks for its own protocol and nothing else.
        let alpn = [b"http/1.1", TLS_ALPN];
        let alpn = if challenges.is_some() { &alpn[..] } else { &alpn[..1] };
        let tls = tls.then(|| tls::server_config(shared.certificates.clone(), alpn)).transpose()?;
        let tls = tls.map(Arc::new);
        let parts =
            HttpParts { blobs, rpc, web, challenges, readiness, metrics, access, traces, tls };
        let server = HttpServer::start(address, parts, stopped.clone()).await;
        *slot = Some(server.map_err(|error| bind_error(what, address, error))?);
    }
    Ok(started)
}

fn bind_error(what: &'static str, address: impl std::fmt::Display, error: io::Error) -> StartError {
    StartError::Bind { what, address: address.to_string(), error }
}
