//! What a client needs to know before it starts.

use std::{path::PathBuf, sync::Arc};

pub use parlour_protocol::wire::Intent;
use parlour_protocol::{
    ids::DeviceId,
    limits::{AGENT_BYTES_MAX, INTENTS_MAX},
};
pub use parlour_sdk_core::engine::Focus;
use parlour_sdk_core::{
    cache::{Cache as CachePort, CacheError, MemoryCache, Saved},
    engine::Config,
    reconnect::End,
};
use quinn::Runtime;
use tokio::sync::{mpsc, watch};

use crate::{
    Client, SignIn, SignInLink, State, Token, Trust,
    carrier::SocketUrl,
    client::Inner,
    driver::{Driver, Ends, Parts},
    environment::{Clock, Entropy, Environment, SocketFactory},
    error::ConnectError,
    handle::Handle,
    limits::{COMMANDS_MAX, CONNECT_WITHIN},
    sign_in::{self, Login},
    sqlite::SqliteCache,
    transfer::Transfers,
    transport::{Address, Dialer},
};

/// Where the client keeps what it knows and what waits to be sent.
#[non_exhaustive]
pub enum Cache {
    /// Nowhere: gone with the client.
    Memory,
    /// In an SQLite file, made if it isn't there. One client at a time.
    Path(PathBuf),
    /// In a place of the application's own.
    Custom(Box<dyn CachePort>),
}

impl From<&str> for Cache {
    fn from(path: &str) -> Self {
        Cache::Path(path.into())
    }
}

impl From<PathBuf> for Cache {
    fn from(path: PathBuf) -> Self {
        Cache::Path(path)
    }
}

impl From<&std::path::Path> for Cache {
    fn from(path: &std::path::Path) -> Self {
        Cache::Path(path.to_owned())
    }
}

/// What a client needs to know. Address and token are required.
#[must_use]
#[derive(Default)]
pub struct Builder {
    address: Option<String>,
    websocket: Option<String>,
    token: Option<Token>,
    sign_in: Option<SignIn>,
    login_file: Option<PathBuf>,
    cache: Option<Cache>,
    trust: Trust,
    focus: Focus,
    intents: Vec<Intent>,
    agent: Option<String>,
    clock: Option<Arc<dyn Clock>>,
    entropy: Option<Arc<dyn Entropy>>,
    runtime: Option<Arc<dyn Runtime>>,
    sockets: Option<Arc<dyn SocketFactory>>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Builder {
    /// The server's `host:port`, over UDP.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The user's token, or a [`Token::provider`] that gets one.
    pub fn token(mut self, token: impl Into<Token>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// How to sign in to an account that the server keeps, instead of a token. The login is kept
    /// beside the cache, and goes before this the next time.
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = Some(sign_in);
        self
    }

    /// Address, trust and sign-in of a link. For an invite say [`Builder::sign_in`] besides.
    pub fn link(mut self, link: &SignInLink) -> Self {
        self.address = Some(link.address().to_owned());
        self.trust = link.trust().clone();
        if !link.is_invite() {
            self.sign_in = Some(SignIn::code(link.code()));
        }
        self
    }

    /// The file in which a login is kept, readable by its owner only: the cache's path with `.login`
    /// behind it unless said otherwise, and none for a cache that is no file. With a file and neither
    /// token nor sign-in, the client goes on with the login that is kept there.
    pub fn login_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.login_file = Some(path.into());
        self
    }

    /// Where to open a WebSocket when QUIC doesn't get through, as on networks that block UDP:
    /// `wss://chat.example.org/parlour/v1/ws`. It carries the same, only that a lost packet holds up what
    /// comes behind it. Without this there is QUIC alone. With `ws://` everything travels in the clear, the
    /// token included: for servers on this machine.
    pub fn websocket(mut self, url: impl Into<String>) -> Self {
        self.websocket = Some(url.into());
        self
    }

    /// Where the client keeps what it knows; in memory unless said otherwise.
    pub fn cache(mut self, cache: impl Into<Cache>) -> Self {
        self.cache = Some(cache.into());
        self
    }

    /// Whom to believe to be the server; whoever the system would unless said otherwise.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Which events come by themselves: those of all rooms unless said otherwise.
    pub fn focus(mut self, focus: Focus) -> Self {
        self.focus = focus;
        self
    }

    /// What of its rooms the client is told live, for programs that want little of it; everything unless
    /// something is named here. [`Client::events`] and notifications then have the rest only where it is read
    /// for another reason: after an absence, or for a timeline that is open, which stays whole a little
    /// later. Unread counts, names and members follow what comes, and are right after the next connection.
    pub fn intents(mut self, intents: impl IntoIterator<Item = Intent>) -> Self {
        self.intents = intents.into_iter().take(INTENTS_MAX).collect();
        self
    }

    /// Name and version of the application, for the server's logs; cut at 100 bytes.
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    // For simulators.

    /// Another source of time.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Another source of randomness.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Another runtime for QUIC. The client's own task and timers stay tokio's.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Other sockets: a network of one's own.
    pub fn sockets(mut self, sockets: Arc<dyn SocketFactory>) -> Self {
        self.sockets = Some(sockets);
        self
    }

    /// The system's surroundings, but for what was given.
    fn environment(&mut self) -> Environment {
        let of_system = Environment::of_system();
        Environment {
            clock: self.clock.take().unwrap_or(of_system.clock),
            entropy: self.entropy.take().unwrap_or(of_system.entropy),
            runtime: self.runtime.take().unwrap_or(of_system.runtime),
            sockets: self.sockets.take().unwrap_or(of_system.sockets),
        }
    }

    /// Starts the client and waits until it is connected.
    ///
    /// # Errors
    /// When something given here is of no use, the cache can't be opened, the token is refused, the
    /// server's certificate isn't believed, or there is no connection within 15 s. Use
    /// [`Builder::start`] where the client is to be there without one.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        // A function may have a better one: whether that is refused as well is told by a stop.
        let is_fixed = self.token.as_ref().is_none_or(Token::is_fixed);
        let client = self.start().await?;
        let mut states = client.inner.state.clone();
        let connected = states.wait_for(|state| match state {
            State::Live | State::Stopped(_) | State::Closed => true,
            State::Offline { after: End::Closed { code, .. }, .. } => {
                is_fixed && is_unauthorized(*code)
            }
            State::Offline { after: End::Knocking | End::Untrusted(_), .. } => true,
            _ => false,
        });
        let state = match tokio::time::timeout(CONNECT_WITHIN, connected).await {
            Ok(Ok(state)) => *state,
            Ok(Err(_)) | Err(_) => return Err(ConnectError::Unreachable),
        };
        match state {
            State::Live => Ok(client),
            State::Stopped(stop) => Err(ConnectError::Stopped(stop)),
            State::Offline { after: End::Closed { code, .. }, .. } => {
                Err(ConnectError::Unauthorized(code))
            }
            State::Offline { after: End::Knocking, .. } => Err(ConnectError::Knocking),
            State::Offline { after: End::Untrusted(why), .. } => Err(ConnectError::Untrusted(why)),
            _ => Err(ConnectError::Unreachable),
        }
    }

    /// Starts the client and returns once its cache is open: rooms and messages are there, what is
    /// sent waits, and the connection is made as soon as it can be. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When something given here is of no use or the cache can't be opened.
    pub async fn start(mut self) -> Result<Client, ConnectError> {
        let address = self.address.as_deref().and_then(Address::parse);
        let address = address.ok_or(ConnectError::Address)?;
        let socket = self.websocket.as_deref().map(SocketUrl::parse);
        let socket = socket.map(|url| url.ok_or(ConnectError::WebSocketUrl)).transpose()?;
        let environment = self.environment();
        let trust = |error| ConnectError::Trust(Arc::new(error));
        let tls = self.trust.tls().map_err(trust)?;
        let dialer = Arc::new(Dialer::new(environment.clone(), tls, socket).map_err(trust)?);
        let cache = self.cache.unwrap_or(Cache::Memory);
        let login_file = self.login_file.or_else(|| match &cache {
            Cache::Path(path) => Some(with_login(path)),
            _ => None,
        });
        let (cache, mut saved) = open(cache).await?;
        let random = || DeviceId::from_bytes(environment.random());
        let device = saved.meta.device.unwrap_or_else(random);
        let mut agent = self.agent.unwrap_or_else(|| AGENT.to_owned());
        while agent.len() > AGENT_BYTES_MAX {
            agent.pop();
        }

        let login = sign_in::Parts {
            dialer: dialer.clone(),
            address: address.clone(),
            device,
            agent: agent.clone(),
            first: self.sign_in,
            file: login_file,
        };
        let (token, login) = source(self.token, login)?;

        let (commands, command_queue) = mpsc::channel(COMMANDS_MAX);
        let (cancels, cancel_queue) = mpsc::unbounded_channel();
        let (state, states) = watch::channel(State::Connecting);
        let (me, known_me) = watch::channel(None);
        let (synced, is_synced) = watch::channel(false);
        let (path, paths) = watch::channel(None);
        let handle = Handle::new(commands.downgrade(), cancels, known_me, Transfers::new(paths));
        handle.recall_users(std::mem::take(&mut saved.users), saved.meta.user);
        let inner = Inner {
            handle: handle.clone(),
            commands,
            state: states,
            synced: is_synced,
            entropy: environment.entropy.clone(),
            clock: environment.clock.clone(),
            login,
        };
        let (config, intents) = (Config { focus: self.focus }, self.intents);
        let parts = Parts {
            environment,
            dialer,
            device,
            address,
            token,
            agent,
            intents,
            config,
            cache,
            saved,
        };
        let (commands, cancels) = (command_queue, cancel_queue);
        let ends = Ends { commands, cancels, state, me, synced, path, handle };
        tokio::spawn(Driver::new(parts, ends).run());
        Ok(Client { inner: Arc::new(inner) })
    }
}

const AGENT: &str = concat!("parlour-rust/", env!("CARGO_PKG_VERSION"));

/// Where tokens come from: the application, or a login, which there must be a way to have.
fn source(
    token: Option<Token>,
    login: sign_in::Parts,
) -> Result<(Token, Option<Arc<Login>>), ConnectError> {
    if let Some(token) = token {
        return Ok((token, None));
    }
    let has_sign_in = login.first.is_some();
    let login = Login::open(login).map_err(|error| ConnectError::Login(Arc::new(error)))?;
    if !has_sign_in && !login.is_kept() {
        return Err(ConnectError::Token);
    }
    let login = Arc::new(login);
    Ok((Token::of(login.clone()), Some(login)))
}

/// Where a login is kept beside a cache.
fn with_login(cache: &std::path::Path) -> PathBuf {
    let mut name = cache.as_os_str().to_owned();
    name.push(".login");
    name.into()
}

/// Closed for the token, as 0x100 to 0x1ff are, less a hello that came late.
fn is_unauthorized(code: u32) -> bool {
    use parlour_protocol::wire::CloseCode;
    (0x100..0x200).contains(&code) && code != CloseCode::HelloTimeout as u32
}

async fn open(cache: Cache) -> Result<(Box<dyn CachePort>, Saved), CacheError> {
    let mut cache: Box<dyn CachePort> = match cache {
        Cache::Memory => Box::new(MemoryCache::default()),
        Cache::Custom(cache) => cache,
        Cache::Path(path) => {
            let open = tokio::task::spawn_blocking(move || SqliteCache::open(&path));
            Box::new(open.await.map_err(CacheError::new)??)
        }
    };
    if cache.is_instant() {
        let saved = cache.load()?;
        return Ok((cache, saved));
    }
    let load = tokio::task::spawn_blocking(move || cache.load().map(|saved| (cache, saved)));
    load.await.map_err(CacheError::new)?
}
