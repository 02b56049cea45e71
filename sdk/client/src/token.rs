//! Where tokens come from.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

/// The application has no token to give right now; the client asks again later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("no token")]
pub struct NoToken;

type Answer = Pin<Box<dyn Future<Output = Result<String, NoToken>> + Send>>;

/// A JWT, or a function that gets one. A function is better: tokens run out, and it is asked for a
/// newer one while the connection goes on.
#[derive(Clone)]
pub struct Token(Arc<dyn Fn(bool) -> Answer + Send + Sync>);

impl Token {
    /// A function that gets a token. Its argument says whether the last one was refused or runs
    /// out, so that one from a cache won't do.
    pub fn provider<F, A>(get: F) -> Self
    where
        F: Fn(bool) -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, NoToken>> + Send + 'static,
    {
        Token(Arc::new(move |fresh| Box::pin(get(fresh))))
    }

    pub(crate) fn get(&self, fresh: bool) -> Answer {
        (self.0)(fresh)
    }
}

impl From<String> for Token {
    fn from(token: String) -> Self {
        Token::provider(move |_| std::future::ready(Ok(token.clone())))
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
