//! One provider at work: its keys as they were last read, and the looks at them, of which there is one at
//! a time.

use std::{
    collections::HashMap,
    future::{Future, ready},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use parlour_core::ports::{
    Task,
    auth::{Claims, TokenError},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    Provider, claims,
    fetch::{FetchError, Fetched, fetch},
};
use crate::{
    auth::{Key, claims::Parts},
    limits::{OIDC_AGAIN_MAX, OIDC_KEYS_KEPT_FOR, OIDC_TOKEN_WAITS_FOR, OIDC_TOKENS_WAITING_MAX},
    metrics::SharedMetrics,
};

/// See the module.
pub(super) struct Issuer {
    provider: Provider,
    held: RwLock<Arc<Held>>,
    looks: Mutex<Looks>,
    wish: Notify,
    // Counts the looks that have ended.
    rounds: watch::Sender<u64>,
    count: Arc<AtomicU64>,
}

/// The keys as they were last read.
#[derive(Default)]
struct Held {
    keys: HashMap<String, Entry>,
    read_at: Option<Instant>,
}

#[derive(Clone)]
struct Entry {
    key: Arc<Key>,
    session_key_id: Arc<str>,
}

/// How looking goes.
pub(super) struct Looks {
    // When the last one began, in whichever way it ended.
    pub(super) began_at: Option<Instant>,
    is_under_way: bool,
    problem: Option<FetchError>,
    failures: u32,
}

/// How a provider fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its `iss`.
    pub issuer: String,
    /// Keys that tokens are verified with now.
    pub keys: usize,
    /// How long ago they were read; `None` if they never were.
    pub age: Option<Duration>,
    /// What was wrong with the last look, if anything was.
    pub problem: Option<FetchError>,
}

impl Held {
    /// Whether the keys still count.
    fn is_fresh(&self) -> bool {
        self.read_at.is_some_and(|at| at.elapsed() <= OIDC_KEYS_KEPT_FOR)
    }
}

impl Issuer {
    /// One that nothing is known of; run it, and that changes.
    pub(super) fn new(provider: Provider, count: Arc<AtomicU64>) -> Self {
        let looks = Looks { began_at: None, is_under_way: true, problem: None, failures: 0 };
        Issuer {
            provider,
            held: RwLock::default(),
            looks: Mutex::new(looks),
            wish: Notify::new(),
            rounds: watch::Sender::new(0),
            count,
        }
    }

    /// Takes over the keys of the one that was in its place, with their age, if it is asked for them in the
    /// same way: nobody has to wait for a provider that is down. Sessions go on, too, if its tokens mean
    /// what they did.
    pub(super) fn inherit(&self, former: &Issuer) {
        if !self.provider.is_asked_like(&former.provider) {
            return;
        }
        let mut held = former.held();
        if !self.provider.lets_in_like(&former.provider) {
            let anew = |(id, entry): (&String, &Entry)| (id.clone(), self.entry(entry.key.clone()));
            let keys = held.keys.iter().map(anew).collect();
            held = Arc::new(Held { keys, read_at: held.read_at });
        }
        self.hold(held);
    }

    pub(super) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Reads the keys now and again, for as long as it is polled.
    pub(super) async fn run(self: Arc<Self>, metrics: SharedMetrics) {
        let provider = Arc::new(self.provider.clone());
        let look = move || {
            let provider = provider.clone();
            async move { fetch(&provider).await }
        };
        self.run_with(metrics, look).await;
    }

    /// The same, with another way to look.
    pub(super) async fn run_with<F>(&self, metrics: SharedMetrics, look: impl Fn() -> F)
    where
        F: Future<Output = Result<Fetched, FetchError>>,
    {
        let mut pause = Duration::ZERO;
        loop {
            tokio::select! {
                () = self.wish.notified() => {}
                () = sleep(pause) => {}
            }
            {
                let mut looks = self.looks();
                looks.is_under_way = true;
                looks.began_at = Some(Instant::now());
            }
            // A bug must not end the looks for good: in a day no token would be taken any more.
            let fetched = AssertUnwindSafe(async { look().await }).catch_unwind().await;
            let fetched = fetched.unwrap_or(Err(FetchError::Bug));
            metrics.oidc_fetched(fetched.is_ok());
            pause = self.handle_fetched(fetched);
        }
    }

    /// Takes what a look has found, and says after what time to look again.
    pub(super) fn handle_fetched(&self, fetched: Result<Fetched, FetchError>) -> Duration {
        let issuer = &*self.provider.issuer;
        let mut looks = self.looks();
        let result = fetched.map(|fetched| {
            if self.publish(fetched.keys) {
                let keys = self.held().keys.len();
                tracing::info!(issuer, keys, "an identity provider's keys were read");
            }
            fetched.again_after
        });
        looks.is_under_way = false;
        // Within the lock: whoever waits for the next one doesn't take this one's end for it.
        self.rounds.send_modify(|rounds| *rounds += 1);
        looks.problem = result.as_ref().err().copied();
        match result {
            Ok(again_after) => {
                looks.failures = 0;
                again_after
            }
            Err(error) => {
                tracing::warn!(issuer, %error, "an identity provider's keys can't be read");
                looks.failures = looks.failures.saturating_add(1);
                let doubled =
                    self.provider.look_gap.saturating_mul(1 << (looks.failures - 1).min(8));
                doubled.min(OIDC_AGAIN_MAX)
            }
        }
    }

    /// Puts keys in force; a key that was before keeps its sessions. Says whether anything changed.
    pub(super) fn publish(&self, keys: Vec<Key>) -> bool {
        let before = self.held();
        let entry = |key: Key| {
            let id = key.id().to_owned();
            let entry = match before.keys.get(&id) {
                Some(entry) if entry.key.is_same(&key) => entry.clone(),
                _ => self.entry(Arc::new(key)),
            };
            (id, entry)
        };
        let keys: HashMap<String, Entry> = keys.into_iter().map(entry).collect();
        let is_same = |id: &String, entry: &Entry| {
            let known = before.keys.get(id);
            known.is_some_and(|known| known.session_key_id == entry.session_key_id)
        };
        let changed =
            before.keys.len() != keys.len() || !keys.iter().all(|(id, entry)| is_same(id, entry));
        self.hold(Arc::new(Held { keys, read_at: Some(Instant::now()) }));
        changed
    }

    /// A key whose sessions are all to come.
    fn entry(&self, key: Arc<Key>) -> Entry {
        let n = self.count.fetch_add(1, Ordering::Relaxed);
        // Those of configured keys begin with a number.
        let session_key_id = format!("oidc:{n}:{}", key.id()).into();
        Entry { key, session_key_id }
    }

    fn hold(&self, held: Arc<Held>) {
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// See [`parlour_core::ports::auth::TokenVerifier::verify`].
    pub(super) fn verify(
        &self,
        parts: &Parts<'_>,
        leeway: Duration,
        now_ms: u64,
    ) -> Result<Claims, TokenError> {
        let held = self.held();
        let entry = match &parts.key_id {
            _ if !held.is_fresh() => return Err(TokenError::KeysUnavailable),
            Some(id) => held.keys.get(id),
            None if held.keys.len() == 1 => held.keys.values().next(),
            // Which one it means would be a guess.
            None => return Err(TokenError::UnknownKey),
        };
        let Some(entry) = entry else { return Err(self.unknown()) };
        if parts.algorithm != entry.key.algorithm().name()
            || !entry.key.verifies(parts.signed, parts.signature)
        {
            return Err(TokenError::BadSignature);
        }
        claims::claims(parts, &self.provider, entry.session_key_id.clone(), leeway, now_ms)
    }

    /// What a key that isn't there means: nothing, as long as the provider can't be asked.
    fn unknown(&self) -> TokenError {
        let looks = self.looks();
        match looks.is_under_way || looks.problem.is_some() {
            true => TokenError::KeysUnavailable,
            false => TokenError::UnknownKey,
        }
    }

    /// Waits for the look that is under way, or begins one if the last one wasn't just now.
    pub(super) fn find_key(&self) -> Option<Task<'static, ()>> {
        let mut looks = self.looks();
        if !looks.is_under_way {
            if looks.began_at.is_some_and(|at| at.elapsed() < self.provider.look_gap) {
                return None;
            }
            looks.is_under_way = true;
            self.wish.notify_one();
        } else if self.rounds.receiver_count() >= OIDC_TOKENS_WAITING_MAX {
            // Verified again while the look is under way, it is refused as if nobody could be asked.
            return Some(Box::pin(ready(())));
        }
        // Within the lock: it can't end before somebody waits for that.
        let mut rounds = self.rounds.subscribe();
        drop(looks);
        Some(Box::pin(async move {
            let _ = timeout(OIDC_TOKEN_WAITS_FOR, rounds.changed()).await;
        }))
    }

    pub(super) fn key_is_current(&self, key_id: &str) -> bool {
        let held = self.held();
        held.is_fresh() && held.keys.values().any(|entry| &*entry.session_key_id == key_id)
    }

    pub(super) fn standing(&self) -> Standing {
        let held = self.held();
        Standing {
            issuer: self.provider.issuer.clone(),
            keys: if held.is_fresh() { held.keys.len() } else { 0 },
            age: held.read_at.map(|at| at.elapsed()),
            problem: self.looks().problem,
        }
    }

    fn held(&self) -> Arc<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
