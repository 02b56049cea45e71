//! The server's own accounts: what the core needs to keep them, which is tokens of its own and somebody
//! to hash passwords.

use std::sync::Arc;

use super::Task;

/// What a token of the server's own shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its `sub`.
    pub subject: Arc<str>,
    /// Its `org`.
    pub org: Arc<str>,
    /// Its `name`.
    pub name: Arc<str>,
    /// Its `scope`.
    pub scopes: Vec<String>,
    /// Its `jti`: the login it is made for.
    pub token_id: String,
    /// Its `iat`, Unix milliseconds.
    pub issued_at_ms: u64,
    /// Its `exp`, Unix milliseconds.
    pub expires_at_ms: u64,
}

/// Why neither a token nor a hash can be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't be done now")]
pub struct NotNow;

/// Signs tokens and hashes passwords. Hashing is slow on purpose and takes place elsewhere.
pub trait Issuer: Send + Sync + 'static {
    /// How long a token is good, in milliseconds.
    fn token_ms(&self) -> u64;

    /// A token that the node's verifier accepts.
    fn issue(&self, grant: &Grant) -> Result<String, NotNow>;

    /// A password's hash, with all that is needed to check it.
    fn hash(&self, password: String) -> Task<'_, Result<String, NotNow>>;

    /// Whether the password is the hash's. Without a hash it isn't, and to say so takes as long.
    fn check(&self, password: String, hash: Option<String>) -> Task<'_, Result<bool, NotNow>>;
}
