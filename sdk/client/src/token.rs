//! Where tokens come from.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use parlour_protocol::wire::Error as Refusal;

use crate::{carrier::NotDialed, sign_in::Login};

/// The application has no token to give right now; the client asks again later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("no token")]
pub struct NoToken;

/// Why there is no token, in more detail than an application has to know.
#[derive(Clone, Debug)]
pub(crate) enum NoTokenYet {
    /// The application has none, or it couldn't be had; ask again.
    NotNow,
    /// No connection could be made to ask for one.
    NotDialed(NotDialed),
    /// The server asks to wait that long.
    Later(Duration),
    /// Somebody has to let the user in first.
    Knocking,
    /// The sign-in was refused: asking again is of no use.
    Refused(Box<Refusal>),
}

type Answer = Pin<Box<dyn Future<Output = Result<String, NoTokenYet>> + Send>>;

/// A JWT, a program's key, or a function that gets one of them. For a person a function is better: tokens
/// run out, and it is asked for a newer one while the connection goes on.
#[derive(Clone)]
pub struct Token {
    get: Arc<dyn Fn(bool) -> Answer + Send + Sync>,
    login: Option<Arc<Login>>,
    is_key: bool,
    /// It is the same whenever it is asked for.
    is_fixed: bool,
}

/// What a program's keys begin with.
const KEY_PREFIX: &str = "parlour_";

impl Token {
    /// A function that gets a token. Its argument says whether the last one was refused or runs
    /// out, so that one from a cache won't do.
    pub fn provider<F, A>(get: F) -> Self
    where
        F: Fn(bool) -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, NoToken>> + Send + 'static,
    {
        let get = move |fresh| -> Answer {
            let token = get(fresh);
            Box::pin(async move { token.await.map_err(|NoToken| NoTokenYet::NotNow) })
        };
        Token { get: Arc::new(get), login: None, is_key: false, is_fixed: false }
    }

    /// The tokens of a login.
    pub(crate) fn of(login: Arc<Login>) -> Self {
        let source = login.clone();
        let get = move |fresh| -> Answer {
            let login = source.clone();
            Box::pin(async move { login.token(fresh).await })
        };
        Token { get: Arc::new(get), login: Some(login), is_key: false, is_fixed: false }
    }

    pub(crate) fn get(&self, fresh: bool) -> Answer {
        (self.get)(fresh)
    }

    /// Whether one that was refused will be refused again.
    pub(crate) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Whether a token that was revoked may be followed by another one: a login may outlive it, and so
    /// may a key when what its account allows is changed.
    pub(crate) fn may_outlive_revocation(&self) -> bool {
        self.login.is_some() || self.is_key
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        let is_key = token.starts_with(KEY_PREFIX);
        let provider = Token::provider(move |_| std::future::ready(Ok(token.clone())));
        Token { is_key, is_fixed: true, ..provider }
    }
}

impl From<&str> for Token {
    fn from(token: &str) -> Self {
        Token::from(token.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
