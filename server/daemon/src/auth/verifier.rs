//! The verifier behind the core's port: a ring of keys that changes while the server runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use parlour_core::ports::{
    Task,
    auth::{Claims, TokenError, TokenVerifier},
};

use super::{
    Key, KeyError, KeySource,
    claims::{self, Parts},
    key::session_key_id,
    oidc::{Provider, Providers, Standing},
    source::Stamp,
};
use crate::{limits, metrics::SharedMetrics};

/// What tokens must say besides who their bearer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How far the issuer's clock may be off.
    pub leeway: Duration,
    /// The `aud` that tokens must have, where one is configured.
    pub audience: Option<String>,
    /// The `iss` that tokens must have, where one is configured.
    pub issuer: Option<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { leeway: limits::TOKEN_LEEWAY, audience: None, issuer: None }
    }
}

/// What a look at the key files found.
#[derive(Debug, Default)]
pub struct Reload {
    /// Whether the ring is another one now.
    pub changed: bool,
    /// Files that couldn't be used; their former keys stay in force.
    pub errors: Vec<KeyError>,
}

/// Verifies tokens with the configured keys.
///
/// A token names its key by `kid`. A token without `kid` is accepted only while exactly one key
/// is configured: with two, which one it meant would be a guess.
pub struct JwtVerifier {
    ring: RwLock<Arc<Ring>>,
    sources: Mutex<Sources>,
    providers: Providers,
}

#[derive(Default)]
struct Ring {
    policy: Policy,
    keys: HashMap<String, Entry>,
}

#[derive(Clone)]
struct Entry {
    key: Arc<Key>,
    session_key_id: Arc<str>,
}

#[derive(Default)]
struct Sources {
    slots: Vec<Slot>,
    /// Counts the changes of the ring.
    generation: u64,
}

struct Slot {
    source: KeySource,
    stamp: Stamp,
    keys: Vec<Arc<Key>>,
}

impl JwtVerifier {
    /// Reads all keys; every one of them must be usable.
    pub fn new(sources: Vec<KeySource>, policy: Policy) -> Result<Self, KeyError> {
        let verifier = JwtVerifier {
            ring: RwLock::default(),
            sources: Mutex::default(),
            providers: Providers::default(),
        };
        verifier.configure(sources, policy)?;
        Ok(verifier)
    }

    /// Puts other sources and another policy in force; on an error nothing changes.
    pub fn configure(&self, sources: Vec<KeySource>, policy: Policy) -> Result<(), KeyError> {
        let mut slots = Vec::with_capacity(sources.len());
        for source in sources {
            let stamp = source.stamp();
            let keys = source.load()?.into_iter().map(Arc::new).collect();
            slots.push(Slot { source, stamp, keys });
        }
        let mut state = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        check_distinct(&slots)?;
        state.slots = slots;
        self.publish(&mut state, policy);
        Ok(())
    }

    /// Looks whether key files have changed and reads those that have. A file that is gone takes
    /// its keys with it; one that can't be read or understood keeps its former ones, since it
    /// may be half written.
    pub fn poll(&self) -> Reload {
        let mut state = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reload = Reload::default();
        for slot in &mut state.slots {
            let stamp = slot.source.stamp();
            if stamp == slot.stamp || stamp == Stamp::Unknown {
                continue;
            }
            slot.stamp = stamp;
            if stamp == Stamp::Missing {
                slot.keys.clear();
                reload.changed = true;
                continue;
            }
            match slot.source.load() {
                Ok(keys) => {
                    slot.keys = keys.into_iter().map(Arc::new).collect();
                    reload.changed = true;
                }
                Err(error) => reload.errors.push(error),
            }
        }
        if reload.changed {
            if let Err(error) = check_distinct(&state.slots) {
                reload.errors.push(error);
            }
            let policy = self.ring().policy.clone();
            self.publish(&mut state, policy);
        }
        reload
    }

    /// Takes the tokens of these identity providers, too, whose keys are read in the background from now
    /// on: call it within a runtime. Tokens that name one of them are its alone to vouch for.
    pub fn trust(&self, providers: Vec<Provider>, metrics: &SharedMetrics) {
        self.providers.configure(providers, metrics);
    }

    /// How the identity providers fare.
    pub fn providers(&self) -> Vec<Standing> {
        self.providers.standing()
    }

    /// How many keys are in force.
    pub fn key_count(&self) -> usize {
        let fetched: usize = self.providers().iter().map(|standing| standing.keys).sum();
        self.ring().keys.len() + fetched
    }

    fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts the keys of the slots in force. A key that was in force before keeps its sessions;
    /// another one under the same id doesn't inherit them, nor does one that comes back.
    fn publish(&self, state: &mut Sources, policy: Policy) {
        let before = self.ring();
        let mut keys = HashMap::new();
        for key in state.slots.iter().flat_map(|slot| &slot.keys) {
            let entry = match before.keys.get(key.id()) {
                Some(entry) if entry.key.is_same(key) => entry.clone(),
                _ => {
                    let session_key_id = session_key_id(key.id(), state.generation);
                    Entry { key: key.clone(), session_key_id }
                }
            };
            // Of two keys with one id the first counts, as it did before the second appeared.
            keys.entry(key.id().to_owned()).or_insert(entry);
        }
        state.generation += 1;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Ring { policy, keys });
    }
}

impl Ring {
    fn select(&self, parts: &Parts<'_>) -> Result<&Entry, TokenError> {
        match &parts.key_id {
            Some(id) => self.keys.get(id),
            None if self.keys.len() == 1 => self.keys.values().next(),
            None => None,
        }
        .ok_or(TokenError::UnknownKey)
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &str, now_ms: u64) -> Result<Claims, TokenError> {
        let parts = claims::parts(token)?;
        let ring = self.ring();
        if let Some(verified) = self.providers.verify(&parts, ring.policy.leeway, now_ms) {
            return verified;
        }
        let entry = ring.select(&parts)?;
        if parts.algorithm != entry.key.algorithm().name()
            || !entry.key.verifies(parts.signed, parts.signature)
        {
            return Err(TokenError::BadSignature);
        }
        claims::claims(&parts, entry.session_key_id.clone(), &ring.policy, now_ms)
    }

    fn key_is_current(&self, key_id: &str) -> bool {
        self.ring().keys.values().any(|entry| &*entry.session_key_id == key_id)
            || self.providers.key_is_current(key_id)
    }

    fn find_key(&self, token: &str) -> Option<Task<'static, ()>> {
        self.providers.find_key(&claims::parts(token).ok()?)
    }
}

fn check_distinct(slots: &[Slot]) -> Result<(), KeyError> {
    let keys = || slots.iter().flat_map(|slot| &slot.keys);
    if keys().count() > limits::KEYS_MAX {
        return Err(KeyError::TooMany);
    }
    let mut seen = std::collections::HashSet::new();
    match keys().find(|key| !seen.insert(key.id())) {
        Some(key) => Err(KeyError::Twice { id: key.id().into() }),
        None => Ok(()),
    }
}
