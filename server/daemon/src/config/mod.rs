//! The one configuration file: its shape, its defaults, and how it becomes what the parts need.

mod acme;
mod blobs;
mod load;
mod outside;
mod quotas;
mod rates;
mod reference;
mod schema;
mod traces;
mod web;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use parlour_adapters::{Kind, Options};
use serde::Deserialize;

pub use acme::Acme;
pub use blobs::{Blobs, S3};
pub use load::{ConfigError, Listen, Overrides};
pub use outside::{Oidc, Previews, Webhooks};
pub use quotas::Quotas;
pub use reference::{default_file, reference};
pub use schema::{KEYS, KeyDoc};
pub use traces::{Headers, Traces};
pub use web::Web;

use crate::{
    auth::{Algorithm, KeySource, Policy},
    backup::Attachments,
    data::DataFolder,
    limits::rate::{Rate, Rates},
};

/// Everything that can be configured. Each field is described in [`KEYS`], from where
/// `parlour config --print-default` and the reference are made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where QUIC listens (UDP).
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// Threads of the runtime; 0 for one per processor.
    pub threads: usize,
    /// Health, readiness, metrics.
    pub http: Http,
    /// What keeps the messages.
    pub store: Store,
    /// Attachments.
    pub blobs: Blobs,
    /// The index of messages.
    pub search: Search,
    /// The certificate.
    pub tls: Tls,
    /// Who may come in.
    pub auth: Auth,
    /// The server's own accounts.
    pub accounts: Accounts,
    /// Where events are posted to.
    pub webhooks: Webhooks,
    /// What links lead to.
    pub previews: Previews,
    /// How much of everything.
    pub limits: Limits,
    /// How much of what organizations may have.
    pub quotas: Quotas,
    /// How the server goes away.
    pub drain: Drain,
    /// What the server says.
    pub log: Log,
    /// Who may read the metrics.
    pub metrics: Metrics,
    /// Where traces go.
    pub traces: Traces,
    /// Whether and from where browsers connect.
    pub web: Web,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([0_u16; 8], 4433)),
            data: "parlour-data".into(),
            threads: 0,
            http: Http::default(),
            store: Store::default(),
            blobs: Blobs::default(),
            search: Search::default(),
            tls: Tls::default(),
            auth: Auth::default(),
            accounts: Accounts::default(),
            webhooks: Webhooks::default(),
            previews: Previews::default(),
            limits: Limits::default(),
            quotas: Quotas::default(),
            drain: Drain::default(),
            log: Log::default(),
            metrics: Metrics::default(),
            traces: Traces::default(),
            web: Web::default(),
        }
    }
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Http {
    /// Where HTTP listens (TCP); none to do without.
    #[serde(deserialize_with = "load::address_or_off")]
    pub listen: Option<SocketAddr>,
    /// Where clients reach it.
    pub url: Option<String>,
    /// Whether it shows the certificate of `[tls]`, instead of leaving that to a proxy.
    pub tls: bool,
    /// Ranges of addresses of reverse proxies, which say whom they speak for.
    pub proxies: Vec<String>,
}

impl Default for Http {
    fn default() -> Self {
        let proxies = ["127.0.0.0/8", "::1/128"].map(String::from).to_vec();
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 8080)));
        Http { listen, url: None, tls: false, proxies }
    }
}

/// Which adapter keeps the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// sled: the default.
    Sled,
    /// redb: the second embedded engine.
    Redb,
    /// Nothing is kept over a restart: for tests and demonstrations.
    Memory,
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Store {
    /// Which adapter.
    pub kind: StoreKind,
    /// The adapter's cache, in MiB.
    pub cache_mb: u64,
    /// Free space below which the store is read-only, in MiB.
    pub reserve_mb: u64,
}

impl Default for Store {
    fn default() -> Self {
        Store { kind: StoreKind::Sled, cache_mb: 64, reserve_mb: 256 }
    }
}

/// `[search]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Search {
    /// Whether messages can be searched.
    pub enabled: bool,
    /// Memory for what is being indexed, in MiB.
    pub memory_mb: u64,
}

impl Default for Search {
    fn default() -> Self {
        Search { enabled: true, memory_mb: 32 }
    }
}

/// `[tls]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Tls {
    /// The certificate chain in PEM; none for a generated development certificate.
    pub certificate: Option<PathBuf>,
    /// The private key in PEM.
    pub key: Option<PathBuf>,
    /// Names and addresses in the development certificate.
    pub names: Vec<String>,
    /// The one that a CA issues.
    pub acme: Acme,
}

impl Default for Tls {
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "::1"];
        let names = names.map(String::from).to_vec();
        Tls { certificate: None, key: None, names, acme: Acme::default() }
    }
}

/// `[accounts]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// Whether there are any; unset: where no key of an identity provider is configured.
    pub enabled: Option<bool>,
    /// How long their tokens are good, in seconds.
    pub token_s: u64,
    /// Where clients reach the server, in sign-in links; unset: the first name of the certificate.
    pub address: Option<String>,
    /// Whether people may sign in with passkeys.
    pub passkeys: bool,
    /// The host that passkeys are kept under; unset: that of `http.url`.
    pub passkey_host: Option<String>,
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts { enabled: None, token_s: 3600, address: None, passkeys: true, passkey_host: None }
    }
}

/// `[auth]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// How far the issuer's clock may be off, in seconds.
    pub leeway_s: u64,
    /// The `aud` every token must have.
    pub audience: Option<String>,
    /// The `iss` every token must have.
    pub issuer: Option<String>,
    /// JSON Web Key Sets.
    pub key_sets: Vec<PathBuf>,
    /// Single keys.
    pub keys: Vec<AuthKey>,
    /// Identity providers whose keys are fetched.
    pub oidc: Vec<Oidc>,
}

impl Default for Auth {
    fn default() -> Self {
        Auth {
            leeway_s: 5,
            audience: None,
            issuer: None,
            key_sets: vec![],
            keys: vec![],
            oidc: vec![],
        }
    }
}

/// `[[auth.keys]]`
#[derive(Clone, PartialEq, Deserialize)]
pub struct AuthKey {
    /// The `kid` in tokens.
    pub id: String,
    /// HS256, ES256, RS256 or EdDSA.
    pub algorithm: String,
    /// HS256: the secret in base64.
    pub secret: Option<String>,
    /// HS256: a file with the secret in base64.
    pub secret_file: Option<PathBuf>,
    /// The others: a public key in PEM.
    pub public_key_file: Option<PathBuf>,
}

impl std::fmt::Debug for AuthKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Connections at once.
    pub connections_max: u32,
    /// Handshakes in flight above which addresses must prove themselves with a Retry.
    pub retry_above_handshakes: u32,
    /// New connections per second from one address (IPv6: one /64).
    pub connects_per_second_per_address: f64,
    /// The same, at once.
    pub connects_burst_per_address: u32,
    /// Calls per second of one user.
    pub calls_per_second_per_user: f64,
    /// The same, at once.
    pub calls_burst_per_user: u32,
    /// Calls per second of one device.
    pub calls_per_second_per_device: f64,
    /// The same, at once.
    pub calls_burst_per_device: u32,
    /// Calls per second of all users of one organization.
    pub calls_per_second_per_organization: f64,
    /// The same, at once.
    pub calls_burst_per_organization: u32,
    /// Wrong tokens per second from one address.
    pub failures_per_second_per_address: f64,
    /// The same, at once.
    pub failures_burst_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 20_000,
            retry_above_handshakes: 256,
            connects_per_second_per_address: 50.0,
            connects_burst_per_address: 500,
            calls_per_second_per_user: 200.0,
            calls_burst_per_user: 2000,
            calls_per_second_per_device: 100.0,
            calls_burst_per_device: 1000,
            calls_per_second_per_organization: 10_000.0,
            calls_burst_per_organization: 100_000,
            failures_per_second_per_address: 1.0,
            failures_burst_per_address: 100,
        }
    }
}

/// `[drain]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Drain {
    /// How long clients have to leave, in seconds.
    pub deadline_s: u64,
    /// Over how long their leaving is spread, in seconds. Without it half of the time they have, at most 10.
    pub jitter_s: Option<u64>,
}

impl Drain {
    /// How long clients have to leave, and over how long their leaving is spread.
    pub fn times(&self) -> (Duration, Duration) {
        let jitter_s = self.jitter_s.unwrap_or((self.deadline_s / 2).min(10));
        (Duration::from_secs(self.deadline_s), Duration::from_secs(jitter_s))
    }
}

impl Default for Drain {
    fn default() -> Self {
        Drain { deadline_s: 20, jitter_s: None }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is said: a level, or a filter as `tracing_subscriber::EnvFilter` has it.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Log { format: LogFormat::Text, level: "info".into() }
    }
}

/// `[metrics]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// A listener of their own, where no token is asked for.
    #[serde(deserialize_with = "load::address_or_off")]
    pub listen: Option<SocketAddr>,
    /// A file with the bearer token that the HTTP port asks for.
    pub token_file: Option<PathBuf>,
}

impl StoreKind {
    /// The adapter of that name.
    pub fn adapter(self) -> Kind {
        match self {
            StoreKind::Sled => Kind::Sled,
            StoreKind::Redb => Kind::Redb,
            StoreKind::Memory => Kind::Memory,
        }
    }
}

impl Config {
    /// The rates in force.
    pub fn rates(&self) -> Rates {
        let limits = &self.limits;
        Rates {
            calls_per_user: Rate::new(
                limits.calls_per_second_per_user,
                limits.calls_burst_per_user,
            ),
            calls_per_device: Rate::new(
                limits.calls_per_second_per_device,
                limits.calls_burst_per_device,
            ),
            connects_per_address: Rate::new(
                limits.connects_per_second_per_address,
                limits.connects_burst_per_address,
            ),
            calls_per_organization: Rate::new(
                limits.calls_per_second_per_organization,
                limits.calls_burst_per_organization,
            ),
            failures_per_address: Rate::new(
                limits.failures_per_second_per_address,
                limits.failures_burst_per_address,
            ),
        }
    }

    /// Where and how the store is opened.
    pub fn store_options(&self, data: &DataFolder) -> Options {
        Options {
            path: data.store(),
            cache_bytes: self.store.cache_mb * 1024 * 1024,
            reserve_bytes: self.store.reserve_mb * 1024 * 1024,
        }
    }

    /// The folder of attachments.
    pub fn blobs_path(&self, data: &DataFolder) -> PathBuf {
        self.blobs.path.clone().unwrap_or_else(|| data.blobs())
    }

    /// What a backup has to know of attachments.
    pub fn attachments(&self, data: &DataFolder) -> Attachments {
        Attachments { folder: self.blobs_path(data), bucket: self.blobs.s3.described() }
    }

    /// Where and how the index of messages is kept; `None` where there is none.
    pub fn search_options(&self, data: &DataFolder) -> Option<parlour_search::Options> {
        let memory_bytes = self.search.memory_mb as usize * 1024 * 1024;
        let options = || parlour_search::Options::new(data.search(), memory_bytes);
        self.search.enabled.then(options)
    }

    /// Whether the server keeps accounts of its own.
    pub fn has_accounts(&self) -> bool {
        let Auth { keys, key_sets, oidc, .. } = &self.auth;
        let has_keys = !keys.is_empty() || !key_sets.is_empty() || !oidc.is_empty();
        self.accounts.enabled.unwrap_or(!has_keys)
    }

    /// What tokens must say.
    pub fn policy(&self) -> Policy {
        Policy {
            leeway: Duration::from_secs(self.auth.leeway_s),
            audience: self.auth.audience.clone(),
            issuer: self.auth.issuer.clone(),
        }
    }

    /// The configured keys; none means that the data folder's own key is used.
    pub fn key_sources(&self) -> Result<Vec<KeySource>, ConfigError> {
        let sets = self.auth.key_sets.iter().map(|path| KeySource::KeySet { path: path.clone() });
        let keys = self.auth.keys.iter().map(key_source).collect::<Result<Vec<_>, _>>()?;
        Ok(sets.chain(keys).collect())
    }
}

fn key_source(key: &AuthKey) -> Result<KeySource, ConfigError> {
    let wrong = |problem: &str| ConfigError::Key { id: key.id.clone(), problem: problem.into() };
    let algorithm: Algorithm = key.algorithm.parse().map_err(|error| wrong(&format!("{error}")))?;
    let id = key.id.clone();
    let given = (&key.secret, &key.secret_file, &key.public_key_file);
    match (algorithm, given) {
        (Algorithm::Hs256, (Some(secret), None, None)) => {
            Ok(KeySource::Secret { id, secret: secret.clone() })
        }
        (Algorithm::Hs256, (None, Some(path), None)) => {
            Ok(KeySource::SecretFile { id, path: path.clone() })
        }
        (Algorithm::Hs256, _) => Err(wrong("HS256 needs either secret or secret_file")),
        (_, (None, None, Some(path))) => {
            Ok(KeySource::PublicKeyFile { id, algorithm, path: path.clone() })
        }
        _ => Err(wrong("this algorithm needs public_key_file and nothing else")),
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
