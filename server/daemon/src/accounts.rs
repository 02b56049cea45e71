//! The server's own accounts: tokens signed with its own key, and passwords hashed with argon2id.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use parlour_core::{
    accounts::sweep::SweptRows,
    draft::Submit,
    limits::ACCOUNTS_SWEPT_EVERY,
    node::Node,
    ports::{
        Task,
        accounts::{Grant, Issuer, NotNow},
    },
};
use tokio::sync::Semaphore;

use crate::{
    auth::{KeySource, SignError, Signer, TokenRequest},
    clock,
    config::Config,
    data::{DataError, DataFolder},
    keys::{OWN_TOKEN_KEY_ID, own_token_key},
    limits::{HASH_MEMORY_KIB, HASH_PASSES, HASHES_AT_ONCE, HASHES_WAITING_MAX},
};

/// Signs and hashes.
pub struct OwnAccounts {
    signer: Signer,
    audience: Option<String>,
    issuer: Option<String>,
    token_ms: u64,
    hashing: Arc<Hashing>,
}

/// Hashes in the background, a bounded number at a time.
struct Hashing {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// What is checked where there is no hash, so that it takes as long.
    nobody: String,
}

/// The issuer of a server, with the key in its data folder.
pub fn issuer(config: &Config, data: &DataFolder) -> Result<OwnAccounts, DataError> {
    let damaged = |_: SignError| DataError::Damaged { path: data.token_key() };
    let KeySource::SecretFile { path, .. } = own_token_key(data)? else {
        return Err(DataError::Damaged { path: data.token_key() });
    };
    let secret = std::fs::read_to_string(&path);
    let secret = secret.map_err(|error| DataError::Io { path, error })?;
    Ok(OwnAccounts {
        signer: Signer::from_text(Some(OWN_TOKEN_KEY_ID.into()), &secret).map_err(damaged)?,
        audience: config.auth.audience.clone(),
        issuer: config.auth.issuer.clone(),
        token_ms: config.accounts.token_s * 1000,
        hashing: Arc::new(Hashing::new()),
    })
}

impl Hashing {
    fn new() -> Self {
        let params = Params::new(HASH_MEMORY_KIB, HASH_PASSES, 1, None);
        let params = params.expect("the bounds are within argon2's");
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon, "nobody").unwrap_or_default();
        Hashing {
            argon,
            turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: AtomicUsize::new(0),
            nobody,
        }
    }

    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Hashing) -> T + Send + 'static,
    ) -> Result<T, NotNow> {
        let waiting = Waiting::new(self).ok_or(NotNow)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| NotNow)?;
        let hashing = self.clone();
        // Whoever gives up waiting for it doesn't end it.
        let hash = move || {
            let done = work(&hashing);
            drop((turn, waiting));
            done
        };
        tokio::task::spawn_blocking(hash).await.map_err(|_| NotNow)
    }
}

/// Counts those who wait or hash, as long as they do.
struct Waiting(Arc<Hashing>);

impl Waiting {
    fn new(hashing: &Arc<Hashing>) -> Option<Self> {
        let waiting = Waiting(hashing.clone());
        let before = hashing.waiting.fetch_add(1, Ordering::AcqRel);
        (before < HASHES_WAITING_MAX).then_some(waiting)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

fn hash(argon: &Argon2<'_>, password: &str) -> Option<String> {
    let salt = SaltString::encode_b64(&clock::random::<16>()).ok()?;
    Some(argon.hash_password(password.as_bytes(), &salt).ok()?.to_string())
}

impl Issuer for OwnAccounts {
    fn token_ms(&self) -> u64 {
        self.token_ms
    }

    fn issue(&self, grant: &Grant) -> Result<String, NotNow> {
        let scope = grant.scopes.join(" ");
        let request = TokenRequest {
            sub: grant.subject.to_string(),
            org: grant.org.to_string(),
            name: Some(grant.name.to_string()),
            scope: (!scope.is_empty()).then_some(scope),
            jti: Some(grant.token_id.clone()),
            aud: self.audience.clone(),
            iss: self.issuer.clone(),
            iat: grant.issued_at_ms / 1000,
            exp: grant.expires_at_ms / 1000,
        };
        self.signer.sign(&request).map_err(|_| NotNow)
    }

    fn hash(&self, password: String) -> Task<'_, Result<String, NotNow>> {
        Box::pin(async move {
            let done = self.hashing.run(move |hashing| hash(&hashing.argon, &password)).await?;
            done.ok_or(NotNow)
        })
    }

    fn check(&self, password: String, known: Option<String>) -> Task<'_, Result<bool, NotNow>> {
        Box::pin(async move {
            let check = move |hashing: &Hashing| {
                let exists = known.is_some();
                let known = known.unwrap_or_else(|| hashing.nobody.clone());
                // Its own parameters count, so that they can be changed for those who come later.
                let is_right = PasswordHash::new(&known).is_ok_and(|known| {
                    hashing.argon.verify_password(password.as_bytes(), &known).is_ok()
                });
                exists && is_right
            };
            self.hashing.run(check).await
        })
    }
}

/// Removes rows of accounts that have no effect any more, and old reports, as long as the node is there.
pub(crate) async fn sweep(node: Weak<Node>, submit: Arc<dyn Submit>) {
    loop {
        tokio::time::sleep(ACCOUNTS_SWEPT_EVERY).await;
        let Some(node) = node.upgrade() else { return };
        match node.sweep_accounts(&submit, node.now().unix_ms).await {
            Ok(swept) if swept != SweptRows::default() => {
                tracing::info!(?swept, "rows of accounts that had no effect are gone");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "rows of accounts can't be swept"),
        }
        match node.sweep_reports(&submit, node.now().unix_ms).await {
            Ok(0) => {}
            Ok(reports) => tracing::info!(reports, "reports that were decided long ago are gone"),
            Err(error) => tracing::warn!(%error, "reports can't be swept"),
        }
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
