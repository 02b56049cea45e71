//! Tokens of identity providers whose keys are fetched (OpenID Connect Discovery 1.0, RFC 7517). Each
//! provider has its own keys, and what its tokens say counts for what the configuration lets it speak of.
//!
//! Keys are read in the background. A token that names one that isn't known yet waits for a look that is
//! under way or begins one, of which there is one at a time and one in [`Provider::look_gap`] at most;
//! everybody else goes on meanwhile.

mod claims;
mod documents;
mod fetch;
mod issuer;

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicU64},
    time::Duration,
};

use parlour_core::ports::{
    Task,
    auth::{Claims, TokenError},
};
use tokio::task::JoinHandle;

pub use fetch::{FetchError, look};
pub use issuer::Standing;

use super::claims::Parts;
use crate::metrics::SharedMetrics;
use issuer::Issuer;

/// An identity provider, and what its tokens may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its `iss`, exactly.
    pub issuer: String,
    /// A token's `aud` has one of these.
    pub audiences: Vec<String>,
    /// Where its keys are; `None` to ask for that below its issuer.
    pub jwks_url: Option<String>,
    /// Which organization its users are in.
    pub organization: Organization,
    /// The claim with who a user is within the organization.
    pub subject_claim: String,
    /// The claims with what a user is called; the first that says something counts.
    pub name_claims: Vec<String>,
    /// Scopes that its tokens may give.
    pub scopes: Vec<String>,
    /// Certificates that vouch for it, in PEM, instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Whether it may be asked without TLS, although it is on another host.
    pub allow_http: bool,
    /// Tokens with keys that aren't known make the server look for them no more often than this.
    pub look_gap: Duration,
}

impl Provider {
    /// Whether its keys are where that one's are.
    fn is_asked_like(&self, other: &Provider) -> bool {
        let at =
            |p: &Provider| (p.issuer.clone(), p.jwks_url.clone(), p.ca_file.clone(), p.allow_http);
        at(self) == at(other)
    }

    /// Whether its tokens let the same users do the same as that one's.
    fn lets_in_like(&self, other: &Provider) -> bool {
        self.audiences == other.audiences
            && self.organization == other.organization
            && self.subject_claim == other.subject_claim
            && self.scopes == other.scopes
    }
}

/// Where a token's organization comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Organization {
    /// All are in this one.
    Fixed(String),
    /// The token says it.
    Claim {
        /// In this claim.
        name: String,
        /// These belong to other providers.
        except: Vec<String>,
    },
}

/// A provider whose keys are being kept up to date, until it is dropped.
struct Kept {
    issuer: Arc<Issuer>,
    task: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All providers.
#[derive(Default)]
pub(super) struct Providers {
    kept: RwLock<Arc<Vec<Arc<Kept>>>>,
    // Tells keys apart that come one after the other under the same id.
    count: Arc<AtomicU64>,
}

impl Providers {
    /// Puts these in force. One that is as it was keeps what is known of it, and so does one that is asked
    /// as before, though what it says may mean something else now.
    pub(super) fn configure(&self, providers: Vec<Provider>, metrics: &SharedMetrics) {
        let before = self.all();
        let keep = |provider: Provider| {
            if let Some(kept) = before.iter().find(|kept| *kept.issuer.provider() == provider) {
                return kept.clone();
            }
            let issuer = Arc::new(Issuer::new(provider, self.count.clone()));
            let is_former =
                |kept: &&Arc<Kept>| kept.issuer.provider().issuer == issuer.provider().issuer;
            if let Some(former) = before.iter().find(is_former) {
                issuer.inherit(&former.issuer);
            }
            let task = tokio::spawn(issuer.clone().run(metrics.clone()));
            Arc::new(Kept { issuer, task })
        };
        let kept = providers.into_iter().map(keep).collect();
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kept);
    }

    /// Whose token that says it is, if it is one of these.
    fn of(&self, parts: &Parts<'_>) -> Option<Arc<Issuer>> {
        let all = self.all();
        if all.is_empty() {
            return None;
        }
        let issuer = claims::issuer(parts)?;
        let of = |kept: &&Arc<Kept>| kept.issuer.provider().issuer == issuer;
        all.iter().find(of).map(|kept| kept.issuer.clone())
    }

    /// Whose token it is and what it says; `None` if it says that it is somebody else's.
    pub(super) fn verify(
        &self,
        parts: &Parts<'_>,
        leeway: Duration,
        now_ms: u64,
    ) -> Option<Result<Claims, TokenError>> {
        Some(self.of(parts)?.verify(parts, leeway, now_ms))
    }

    /// See [`parlour_core::ports::auth::TokenVerifier::find_key`].
    pub(super) fn find_key(&self, parts: &Parts<'_>) -> Option<Task<'static, ()>> {
        self.of(parts)?.find_key()
    }

    /// Whether a key that verified a session's token still would.
    pub(super) fn key_is_current(&self, key_id: &str) -> bool {
        self.all().iter().any(|kept| kept.issuer.key_is_current(key_id))
    }

    /// How each of them fares.
    pub(super) fn standing(&self) -> Vec<Standing> {
        self.all().iter().map(|kept| kept.issuer.standing()).collect()
    }

    fn all(&self) -> Arc<Vec<Arc<Kept>>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod claims_tests;
