//! Accounts of programs and their keys, for admins.

use std::fmt;

use parlour_protocol::{
    account::{
        ApiKey as Wire, CreateKeyRequest, CreateServiceAccountRequest, ListKeysRequest,
        RevokeKeyRequest,
    },
    generated::rpc,
    ids::{ApiKeyId, UserId},
};

use crate::{error::CallError, handle::Handle};

/// Accounts of programs: users who come with keys instead of a password. All its calls take the scope
/// `admin:accounts`. Cheap to clone; it doesn't keep the client alive.
#[derive(Clone, Debug)]
pub struct ServiceAccounts {
    handle: Handle,
}

/// A program's account to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewServiceAccount {
    /// What it is called: 1 to 32 of `a-z 0-9 . _ -`, nobody else's.
    pub subject: String,
    /// What people call it; empty for the subject.
    pub name: String,
    /// In the organization: `member` or `guest`; empty for `member`.
    pub role: String,
    /// Keys of the nodes that it is put into.
    pub nodes: Vec<String>,
    /// What its keys may allow.
    pub scopes: Vec<String>,
}

/// A key to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewApiKey {
    /// For people, 1 to 80 bytes.
    pub name: String,
    /// What it allows, of the account's scopes.
    pub scopes: Vec<String>,
    /// How long it is good, in seconds; 0 for ever.
    pub valid_s: u32,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// To revoke it by.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// What it allows, as far as the account still does.
    pub scopes: Vec<String>,
    /// Unix milliseconds.
    pub created_ms: u64,
    /// When it ends, Unix milliseconds; `None` for never.
    pub expires_ms: Option<u64>,
    /// Whether it is no longer good, though its time isn't over.
    pub is_revoked: bool,
    /// The subject of whoever made it.
    pub creator: String,
}

/// What a program shows as its token. Told once.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

impl ApiKeySecret {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret")
    }
}

impl ServiceAccounts {
    pub(crate) fn new(handle: Handle) -> Self {
        ServiceAccounts { handle }
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `SUBJECT_TAKEN`, `INVALID_FIELD`; otherwise as the server refuses, or when the client is gone.
    pub async fn create(&self, account: NewServiceAccount) -> Result<UserId, CallError> {
        let NewServiceAccount { subject, name, role, nodes, scopes } = account;
        let request = CreateServiceAccountRequest { subject, name, role, nodes, scopes };
        let answer = self.handle.call::<rpc::CreateServiceAccount>(request).await?;
        UserId::parse(&answer.user).map_err(|_| CallError::Malformed)
    }

    /// Makes a key for an account, and tells its secret, once.
    ///
    /// # Errors
    /// `ACCOUNT_NOT_FOUND`, `TOO_MANY_KEYS`, `INVALID_FIELD` where it would allow more than the account;
    /// otherwise as the server refuses, or when the client is gone.
    pub async fn create_key(
        &self,
        subject: &str,
        key: NewApiKey,
    ) -> Result<(ApiKey, ApiKeySecret), CallError> {
        let NewApiKey { name, scopes, valid_s } = key;
        let request = CreateKeyRequest { subject: subject.to_owned(), name, scopes, valid_s };
        let answer = self.handle.call::<rpc::CreateKey>(request).await?;
        let key = answer.key.and_then(parse).ok_or(CallError::Malformed)?;
        Ok((key, ApiKeySecret(answer.secret)))
    }

    /// An account's keys, the oldest first: those that are good, and the last of those that aren't.
    ///
    /// # Errors
    /// `ACCOUNT_NOT_FOUND`; otherwise as the server refuses, or when the client is gone.
    pub async fn keys(&self, subject: &str) -> Result<Vec<ApiKey>, CallError> {
        let request = ListKeysRequest { subject: subject.to_owned() };
        let answer = self.handle.call::<rpc::ListKeys>(request).await?;
        Ok(answer.keys.into_iter().filter_map(parse).collect())
    }

    /// Revokes a key: whoever came with it is out within two seconds. Does nothing where it is revoked.
    ///
    /// # Errors
    /// `ACCOUNT_NOT_FOUND`, `KEY_NOT_FOUND`; otherwise as the server refuses, or when the client is gone.
    pub async fn revoke_key(&self, subject: &str, key: ApiKeyId) -> Result<(), CallError> {
        let request = RevokeKeyRequest { subject: subject.to_owned(), key: key.to_field() };
        self.handle.call::<rpc::RevokeKey>(request).await.map(drop)
    }
}

fn parse(key: Wire) -> Option<ApiKey> {
    Some(ApiKey {
        id: ApiKeyId::parse(&key.id).ok()?,
        name: key.name,
        scopes: key.scopes,
        created_ms: key.created_ms,
        expires_ms: (key.expires_ms != 0).then_some(key.expires_ms),
        is_revoked: key.revoked,
        creator: key.creator,
    })
}
