//! Rows of accounts as they lie in the store. No password, code or secret does: only their hashes.

use bytes::Bytes;
use parlour_protocol::ids::{ApiKeyId, InviteId, LoginId, OrgId, UserId};
use prost::Message;

use crate::{
    records::{key, org_user},
    shown::shows,
};

/// A row of `Table::ACCOUNTS`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct AccountRow {
    /// The `sub` of its tokens.
    #[prost(string, tag = "1")]
    pub subject: String,
    /// Their `org`.
    #[prost(string, tag = "2")]
    pub org: String,
    /// The password's hash; empty for none.
    #[prost(string, tag = "3")]
    pub password: String,
    /// When it was made, Unix milliseconds.
    #[prost(uint64, tag = "4")]
    pub created_ms: u64,
    /// How often it was changed.
    #[prost(uint32, tag = "5")]
    pub step: u32,
    /// Logins of another generation are over.
    #[prost(uint32, tag = "6")]
    pub generation: u32,
    /// But for this one, until it comes again.
    #[prost(bytes = "bytes", tag = "7")]
    pub spared: Bytes,
    /// What its tokens allow.
    #[prost(string, repeated, tag = "8")]
    pub scopes: Vec<String>,
    /// The key of the last link's code: a new one ends it.
    #[prost(bytes = "bytes", tag = "9")]
    pub link: Bytes,
    /// A program's: it has keys instead of links, logins and a password.
    #[prost(bool, tag = "10")]
    pub is_service: bool,
}

/// A row of `Table::LOGINS`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct LoginRow {
    /// SHA-256 of the secret it is kept with.
    #[prost(bytes = "bytes", tag = "1")]
    pub secret: Bytes,
    /// Of the one before, whose use may be repeated.
    #[prost(bytes = "bytes", tag = "2")]
    pub before: Bytes,
    /// See [`AccountRow::generation`].
    #[prost(uint32, tag = "3")]
    pub generation: u32,
    /// What the client calls itself.
    #[prost(string, tag = "4")]
    pub agent: String,
    /// Its device.
    #[prost(bytes = "bytes", tag = "5")]
    pub device: Bytes,
    /// When it began, Unix milliseconds.
    #[prost(uint64, tag = "6")]
    pub since_ms: u64,
    /// When a token was last made for it, Unix milliseconds.
    #[prost(uint64, tag = "7")]
    pub used_ms: u64,
    /// A `LoginMethod`.
    #[prost(int32, tag = "8")]
    pub method: i32,
}

/// A row of `Table::PASSKEYS`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct PasskeyRow {
    /// The credential's id.
    #[prost(bytes = "bytes", tag = "1")]
    pub id: Bytes,
    /// What its answers are judged by.
    #[prost(bytes = "bytes", tag = "2")]
    pub encoded: Bytes,
    /// What the user calls it.
    #[prost(string, tag = "3")]
    pub name: String,
    /// When it was made, Unix milliseconds.
    #[prost(uint64, tag = "4")]
    pub created_ms: u64,
    /// When somebody last signed in with it, Unix milliseconds.
    #[prost(uint64, tag = "5")]
    pub used_ms: u64,
    /// The authenticator's model.
    #[prost(bytes = "bytes", tag = "6")]
    pub model: Bytes,
    /// Whether it is copied to other devices.
    #[prost(bool, tag = "7")]
    pub is_synced: bool,
}

/// A row of `Table::CODES`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct CodeRow {
    /// Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub expires_ms: u64,
    /// The account it signs in to; empty for an invite's.
    #[prost(bytes = "bytes", tag = "2")]
    pub user: Bytes,
    /// The invite; empty for a link's.
    #[prost(bytes = "bytes", tag = "3")]
    pub invite: Bytes,
}

/// A row of `Table::CODES_SPENT`: of a code, or of a secret that a login was kept with.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct SpentRow {
    /// The login that was made with it.
    #[prost(bytes = "bytes", tag = "1")]
    pub login: Bytes,
    /// SHA-256 of the secret that was to keep it.
    #[prost(bytes = "bytes", tag = "2")]
    pub secret: Bytes,
    /// Whose secret was shown, as a client shows its login; empty for a code.
    #[prost(bytes = "bytes", tag = "3")]
    pub of: Bytes,
}

/// A row of `Table::INVITES`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct InviteRow {
    /// For people.
    #[prost(string, tag = "1")]
    pub label: String,
    /// In the organization.
    #[prost(string, tag = "2")]
    pub role: String,
    /// Keys of nodes.
    #[prost(string, repeated, tag = "3")]
    pub nodes: Vec<String>,
    /// How many may take it.
    #[prost(uint32, tag = "4")]
    pub uses_max: u32,
    /// Unix milliseconds.
    #[prost(uint64, tag = "5")]
    pub created_ms: u64,
    /// Unix milliseconds.
    #[prost(uint64, tag = "6")]
    pub expires_ms: u64,
    /// Whether somebody has to let them in.
    #[prost(bool, tag = "7")]
    pub knock: bool,
    /// Nobody can take it any more.
    #[prost(bool, tag = "8")]
    pub revoked: bool,
    /// The `org` of tokens.
    #[prost(string, tag = "9")]
    pub org: String,
}

/// A row of `Table::INVITE_USES`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct UseRow {
    /// Who took it.
    #[prost(string, tag = "1")]
    pub subject: String,
    /// What they are called.
    #[prost(string, tag = "2")]
    pub name: String,
    /// For whoever decides.
    #[prost(string, tag = "3")]
    pub note: String,
    /// When, Unix milliseconds.
    #[prost(uint64, tag = "4")]
    pub at_ms: u64,
    /// A `KnockState`.
    #[prost(int32, tag = "5")]
    pub state: i32,
    /// The login that it makes.
    #[prost(bytes = "bytes", tag = "6")]
    pub login: Bytes,
    /// SHA-256 of the secret that is to keep it.
    #[prost(bytes = "bytes", tag = "7")]
    pub secret: Bytes,
    /// What the client calls itself.
    #[prost(string, tag = "8")]
    pub agent: String,
    /// Its device.
    #[prost(bytes = "bytes", tag = "9")]
    pub device: Bytes,
}

/// A row of `Table::API_KEYS`.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct KeyRow {
    /// For people.
    #[prost(string, tag = "1")]
    pub name: String,
    /// SHA-256 of the secret.
    #[prost(bytes = "bytes", tag = "2")]
    pub secret: Bytes,
    /// What it allows, as far as the account still does.
    #[prost(string, repeated, tag = "3")]
    pub scopes: Vec<String>,
    /// Unix milliseconds.
    #[prost(uint64, tag = "4")]
    pub created_ms: u64,
    /// Unix milliseconds; 0 for never.
    #[prost(uint64, tag = "5")]
    pub expires_ms: u64,
    /// See [`AccountRow::generation`].
    #[prost(uint32, tag = "6")]
    pub generation: u32,
    /// It is no longer good.
    #[prost(bool, tag = "7")]
    pub revoked: bool,
    /// The subject of whoever made it.
    #[prost(string, tag = "8")]
    pub creator: String,
}

shows! {
    AccountRow { created_ms, step, generation, is_service }
    LoginRow { generation, since_ms, used_ms, method }
    PasskeyRow { created_ms, used_ms, is_synced }
    CodeRow { expires_ms }
    SpentRow {}
    InviteRow { uses_max, created_ms, expires_ms, knock, revoked }
    UseRow { at_ms, state }
    KeyRow { created_ms, expires_ms, generation, revoked }
}

/// org ‖ user ‖ key, for `API_KEYS`.
pub fn api_key_key(org: OrgId, user: UserId, id: ApiKeyId) -> Bytes {
    key(&[&org_user(org, user), id.as_bytes()])
}

/// org ‖ user ‖ SHA-256 of the credential's id, for `PASSKEYS`.
pub fn passkey_key(org: OrgId, user: UserId, hash: &[u8]) -> Bytes {
    key(&[&org_user(org, user), hash])
}

/// org ‖ user ‖ login, for `LOGINS`.
pub fn login_key(org: OrgId, user: UserId, login: LoginId) -> Bytes {
    key(&[&org_user(org, user), login.as_bytes()])
}

/// org ‖ invite ‖ user, for `INVITE_USES`.
pub fn use_key(org: OrgId, invite: InviteId, user: UserId) -> Bytes {
    key(&[org.as_bytes(), invite.as_bytes(), user.as_bytes()])
}

/// org ‖ invite, for `INVITES`.
pub fn invite_key(org: OrgId, invite: InviteId) -> Bytes {
    key(&[org.as_bytes(), invite.as_bytes()])
}
