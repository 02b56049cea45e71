//! Tokens that the application gets when the client wants one. Asked for by pulling, as everything here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::stream;
use parlour::{NoToken, Token};
use tokio::sync::{mpsc, oneshot};

use crate::pull::{Pull, Unnamed};

/// A token that a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TokenRequest {
    /// Its number, to answer it by.
    pub number: u64,
    /// The last one was refused or runs out: one from a cache won't do.
    pub fresh: bool,
}

/// Where a client gets its tokens from: the application takes what is asked for and gives an answer to
/// each. It is made before the client, which asks for the first one while it connects.
#[derive(uniffi::Object)]
pub struct TokenSource {
    pull: Pull<Unnamed<TokenRequest>>,
    ask: mpsc::UnboundedSender<TokenRequest>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Option<String>>>>,
    asked: AtomicU64,
}

impl TokenSource {
    /// The source as the client knows it.
    pub(crate) fn token(self: Arc<Self>) -> Token {
        Token::provider(move |fresh| {
            let source = self.clone();
            async move { source.get(fresh).await.ok_or(NoToken) }
        })
    }

    async fn get(&self, fresh: bool) -> Option<String> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let (give, given) = oneshot::channel();
        self.waiting().insert(number, give);
        // Whoever takes them is a part of this.
        let _ = self.ask.send(TokenRequest { number, fresh });
        given.await.ok().flatten()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Option<String>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[uniffi::export]
impl TokenSource {
    /// One that hasn't been asked for anything.
    #[uniffi::constructor]
    #[allow(clippy::new_without_default, reason = "nothing here is made by default")]
    pub fn new() -> Self {
        let (ask, mut asked) = mpsc::unbounded_channel();
        let requests: Unnamed<_> = Box::pin(stream::poll_fn(move |cx| asked.poll_recv(cx)));
        let (waiting, asked) = (Mutex::default(), AtomicU64::new(0));
        TokenSource { pull: Pull::new(requests), ask, waiting, asked }
    }

    /// Waits until there is something to take. Giving up the wait loses nothing.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// What is asked for, at most so many.
    pub fn take(&self, max: u32) -> Vec<TokenRequest> {
        self.pull.take(max)
    }

    /// The token that was asked for by that number; none where there is none now: it is asked for again later.
    pub fn give(&self, number: u64, token: Option<String>) {
        let Some(waiting) = self.waiting().remove(&number) else { return };
        // The client may have given up.
        let _ = waiting.send(token);
    }
}
