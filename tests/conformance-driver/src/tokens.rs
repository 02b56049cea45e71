//! Tokens: whoever plays the script has them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use parlour::{NoToken, Token};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{lock, say};

/// Those that were asked for and haven't come.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    wanted: Arc<AtomicU64>,
    waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<Option<String>>>>>,
}

impl Tokens {
    /// Where the client gets its tokens.
    pub(crate) fn source(&self) -> Token {
        let tokens = self.clone();
        Token::provider(move |fresh| {
            let tokens = tokens.clone();
            async move { tokens.ask(fresh).await.ok_or(NoToken) }
        })
    }

    async fn ask(&self, fresh: bool) -> Option<String> {
        let number = self.wanted.fetch_add(1, Ordering::Relaxed) + 1;
        let (give, given) = oneshot::channel();
        lock(&self.waiting).insert(number, give);
        say(&json!({"report": "token", "number": number, "fresh": fresh}));
        given.await.ok().flatten()
    }

    /// A line with a token, or without one.
    pub(crate) fn give(&self, said: &Value) {
        let number = said["to"].as_u64().unwrap_or_default();
        let Some(waiting) = lock(&self.waiting).remove(&number) else { return };
        // Whoever asked may have given up.
        let _ = waiting.send(said["token"].as_str().map(str::to_owned));
    }
}
