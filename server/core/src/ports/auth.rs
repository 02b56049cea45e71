//! Who is calling: the port behind which tokens are verified.

use std::sync::Arc;

use super::Task;

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The token's `sub`: the user within the organization, 1 to 255 bytes.
    pub subject: Arc<str>,
    /// The token's `org`, 1 to 255 bytes.
    pub org: Arc<str>,
    /// The token's `name`, empty where there is none; at most 255 bytes.
    pub name: Arc<str>,
    /// The token's `scope`, split at spaces.
    pub scopes: Vec<Arc<str>>,
    /// The token's `jti`, where it has one.
    pub token_id: Option<Arc<str>>,
    /// Names the key that verified it, so that a removed or replaced key closes its sessions.
    /// Opaque: not the `kid`, which a new key may share with an old one.
    pub key_id: Arc<str>,
    /// `iat`, Unix milliseconds; 0 where there is none.
    pub issued_at_ms: u64,
    /// `exp`, Unix milliseconds. A token without one is refused.
    pub expires_at_ms: u64,
}

/// Why a token was refused. None of them repeats any part of the token.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, over 8 KiB, or a claim that is missing or of the wrong type.
    #[error("token is malformed")]
    Malformed,
    /// The signature doesn't verify, or the algorithm isn't the key's.
    #[error("token signature is not valid")]
    BadSignature,
    /// No configured key has that `kid`.
    #[error("token key is not known")]
    UnknownKey,
    /// `exp` has passed.
    #[error("token has expired")]
    Expired,
    /// `nbf` is still to come.
    #[error("token is not valid yet")]
    NotYetValid,
    /// `aud` or `iss` is not the one configured.
    #[error("token is meant for another service")]
    WrongAudience,
    /// The keys of whoever issued it can't be had now.
    #[error("keys of the token's issuer are not available")]
    KeysUnavailable,
    /// A key of a program's account that isn't known, or whose secret isn't right.
    #[error("api key is wrong")]
    WrongApiKey,
}

/// Verifies tokens. Keys are the implementation's: the algorithm is fixed per key, and a token
/// never brings its own (`jku`, `x5u` and `jwk` are ignored).
pub trait TokenVerifier: Send + Sync + 'static {
    /// Checks signature and time of `token` and returns its claims.
    fn verify(&self, token: &str, now_ms: u64) -> Result<Claims, TokenError>;
    /// Looks for the key of a token that was refused because its key isn't known; then verify it again.
    /// `None` where there is nobody to ask, or somebody was asked just now.
    fn find_key(&self, _token: &str) -> Option<Task<'static, ()>> {
        None
    }
    /// Whether a key once used for a session is still configured.
    fn key_is_current(&self, key_id: &str) -> bool;
}
