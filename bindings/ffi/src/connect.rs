//! What a client needs to know, and how it starts.

use std::{path::PathBuf, sync::Arc};

use parlour::{Builder, Focus};

use crate::{Client, ConnectError, TokenSource, runtime::run};

/// What a client needs to know.
#[derive(Clone, uniffi::Record)]
pub struct Options {
    /// The server's `host:port`, over UDP.
    pub address: String,
    /// The user's token, or a program's key. Without one the client goes on with the login that is
    /// kept beside the cache.
    pub token: Option<String>,
    /// Where the client gets its tokens from, in place of `token`: tokens run out, and it asks for a newer one
    /// while the connection goes on.
    #[uniffi(default = None)]
    pub token_source: Option<Arc<TokenSource>>,
    /// Whole events only of rooms whose timeline is open, and of the others what changed: for devices that have
    /// many rooms and little room.
    #[uniffi(default = false)]
    pub focused: bool,
    /// Where to open a WebSocket when QUIC doesn't get through, such as `wss://host/parlour/v1/ws`.
    #[uniffi(default = None)]
    pub websocket: Option<String>,
    /// Where the client keeps what it knows: an SQLite file, made if it isn't there, one client at a
    /// time. Nowhere unless said otherwise.
    #[uniffi(default = None)]
    pub cache: Option<String>,
    /// Whom to believe to be the server; whoever the system would unless said otherwise.
    #[uniffi(default = None)]
    pub trust: Option<Trust>,
    /// Name and version of the application, for the server's logs.
    #[uniffi(default = None)]
    pub agent: Option<String>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret.
        f.debug_struct("Options").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Whom a client believes to be its server.
#[derive(Clone, Debug, uniffi::Enum)]
pub enum Trust {
    /// Only the holder of the certificate with this SHA-256 hash, in hexadecimal digits with or
    /// without colons. For development: `parlour serve` prints it.
    CertificateSha256 {
        /// The hash.
        hash: String,
    },
    /// Whoever has a certificate of one of these authorities, for the name in the address.
    Roots {
        /// One or several, as PEM.
        pem: String,
    },
}

impl Trust {
    fn told(self) -> Result<parlour::Trust, ConnectError> {
        match self {
            Trust::Roots { pem } => Ok(parlour::Trust::RootPem(pem)),
            Trust::CertificateSha256 { hash } => {
                let no_hash = || ConnectError::Trust { detail: "not a SHA-256 hash".to_owned() };
                parlour::Trust::parse_sha256(&hash).ok_or_else(no_hash)
            }
        }
    }
}

impl Options {
    fn builder(self) -> Result<Builder, ConnectError> {
        let mut builder = parlour::Client::builder().address(self.address);
        if let Some(token) = self.token {
            builder = builder.token(token);
        }
        if let Some(source) = self.token_source {
            builder = builder.token(source.token());
        }
        if self.focused {
            builder = builder.focus(Focus::Focused);
        }
        if let Some(cache) = self.cache {
            builder = builder.cache(PathBuf::from(cache));
        }
        builder = with(builder, self.websocket, Builder::websocket);
        builder = with(builder, self.agent, Builder::agent);
        let trust = self.trust.map(Trust::told).transpose()?;
        Ok(with(builder, trust, Builder::trust))
    }
}

fn with<T>(builder: Builder, what: Option<T>, set: impl FnOnce(Builder, T) -> Builder) -> Builder {
    match what {
        Some(what) => set(builder, what),
        None => builder,
    }
}

/// Starts a client and waits until it is connected.
///
/// # Errors
/// When an option is of no use, the cache can't be opened, the token is refused, or there is no
/// connection within 15 s.
#[uniffi::export]
pub async fn connect(options: Options) -> Result<Arc<Client>, ConnectError> {
    let builder = options.builder()?;
    run(async { Ok(Client::shared(builder.connect().await?)) }).await
}

/// Starts a client and returns once its cache is open; the connection is made when it can be.
///
/// # Errors
/// When an option is of no use or the cache can't be opened.
#[uniffi::export]
pub async fn start(options: Options) -> Result<Arc<Client>, ConnectError> {
    let builder = options.builder()?;
    run(async { Ok(Client::shared(builder.start().await?)) }).await
}
