//! The server of a simulation: the daemon's own QUIC driver on a socket in memory.

use std::{net::SocketAddr, sync::Arc};

use parlour_core::{
    node::{Node, Parts},
    ports::auth::{Claims, TokenError, TokenVerifier},
};
use parlour_daemon::{
    keys::ServerKeys,
    limits::rate::{Rate, Rates},
    metrics::Metrics,
    quic::{self, QuicHandle, QuicParts},
    seal::KeySealer,
    traces::Traces,
};
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};

use crate::{
    host::{SimClock, SimEntropy},
    net::Net,
    rng::Rng,
    store::Faulty,
};

/// Where clients connect.
pub const ADDRESS: &str = "10.0.0.1:4433";

/// The token is the subject; it never ends.
struct Trusting;

impl TokenVerifier for Trusting {
    fn verify(&self, token: &str, now_ms: u64) -> Result<Claims, TokenError> {
        Ok(Claims {
            subject: token.into(),
            org: "sim".into(),
            name: token.into(),
            scopes: vec!["admin:compliance".into()],
            token_id: None,
            key_id: "sim".into(),
            issued_at_ms: now_ms,
            expires_at_ms: now_ms + 24 * 3_600_000,
        })
    }

    fn key_is_current(&self, _: &str) -> bool {
        true
    }
}

/// What a server keeps over crashes: its disk, keys and certificate.
pub struct Host {
    /// Its disk.
    pub store: Faulty,
    /// Its certificate's SHA-256, which clients pin.
    pub pin: [u8; 32],
    /// Calls that one device may make.
    pub call_rate: Rate,
    keys: ServerKeys,
    tls: rustls::ServerConfig,
    net: Net,
    start: tokio::time::Instant,
    rng: Rng,
}

impl Host {
    /// A host with an empty disk.
    pub fn new(net: Net, start: tokio::time::Instant, mut rng: Rng) -> Self {
        // Ed25519, whose signatures are all of one length: packets of two runs are, too.
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("ring makes keys");
        let mut params = rcgen::CertificateParams::new(vec!["sim".into()]).expect("a valid name");
        // By itself it follows from the key and is now and then a byte shorter.
        params.serial_number = Some(1.into());
        let certificate = params.self_signed(&key).expect("the key signs");
        let chain = vec![certificate.der().clone()];
        let pin = Sha256::digest(certificate.der()).into();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("ring speaks TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("certificate and key belong together");
        tls.alpn_protocols = vec![parlour_protocol::ALPN.to_vec()];
        let store = Faulty::new(rng.fork());
        let keys = ServerKeys::ephemeral();
        Host { store, pin, call_rate: fast(), keys, tls, net, start, rng }
    }

    /// Starts the server; `None` if its disk fails at that very moment.
    pub async fn start(&mut self) -> Option<QuicHandle> {
        let clock = Arc::new(SimClock::new(self.start, 0));
        let node = Arc::new(Node::new(Parts {
            store: Arc::new(self.store.clone()),
            blobs: Arc::new(parlour_core::ports::blobs::NoBlobs),
            blob_policy: parlour_core::blobs::BlobPolicy::default(),
            verifier: Arc::new(Trusting),
            sealer: Arc::new(KeySealer::new(&self.keys)),
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(SimEntropy::new(self.rng.fork())),
        }));
        let socket = self.net.bind(ADDRESS.parse().expect("an address"));
        let mut seed = [0; 32];
        self.rng.fill(&mut seed);
        let mut endpoint = quic::endpoint_config(&self.keys);
        endpoint.rng_seed(Some(seed));
        let mut server =
            quic::server_config(self.tls.clone(), &self.keys).expect("TLS 1.3 is there");
        server.time_source(clock);
        let endpoint = parlour_quic::Endpoint::new(endpoint, server, socket);
        let rates = Rates {
            calls_per_user: fast(),
            calls_per_device: self.call_rate,
            calls_per_organization: fast(),
            connects_per_address: fast(),
            failures_per_address: fast(),
        };
        let parts = QuicParts {
            endpoint,
            node,
            metrics: Arc::new(Metrics::default()),
            traces: Traces::default(),
            origins: Arc::default(),
            rates,
            connections_max: 1000,
            retry_above: 1000,
        };
        quic::start(parts).await.ok()
    }

    /// The server is gone from one moment to the next, without a word.
    pub fn crash(&self, server: Option<QuicHandle>) {
        let address: SocketAddr = ADDRESS.parse().expect("an address");
        self.net.unplug(address);
        drop(server);
    }
}

fn fast() -> Rate {
    Rate::new(100_000.0, 100_000)
}
