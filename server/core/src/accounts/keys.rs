//! Keys of programs' accounts: shown instead of a token, and looked up each time, so that one which was
//! revoked is no longer good. The key's id is the `jti` of what it stands for, so what closes a token's
//! connections closes a key's.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use parlour_protocol::{
    ids::{ApiKeyId, OrgId, UserId},
    limits::{API_KEYS_MAX, API_KEYS_PAST_MAX},
    wire::Error,
};
use prost::Message;

use super::{
    Account,
    code::sha256,
    rows::{KeyRow, api_key_key},
};
use crate::{
    admission::{Refusal, revoked_key},
    directory::Role,
    draft::store_error,
    identity,
    introduction::GUEST_SCOPE,
    node::{Auth, Caller, Node},
    ports::{
        auth::{Claims, TokenError},
        clock::Now,
        store::{Put, Scan},
    },
    records::{RevokedRow, org_user},
    tables::Table,
};

/// What keys begin with, so that whoever looks for secrets in places where none should be finds them.
pub const KEY_PREFIX: &str = "parlour_";

/// Stands for all keys where a token names the key that signed it.
const KEY_ID: &str = "api_key";

/// When a key without an end ends: with the year 9999.
const NEVER_MS: u64 = 253_402_300_799_000;

const SECRET_BYTES: usize = 24;
const LOCATOR_BYTES: usize = 48;

/// A key as a program shows it.
struct Shown {
    org: OrgId,
    user: UserId,
    id: ApiKeyId,
    hash: [u8; 32],
}

/// A key as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: ApiKeyId,
    pub(crate) row: KeyRow,
}

impl Key {
    /// The row that says so.
    pub(crate) fn put(&self, account: &Account) -> Put {
        Put {
            table: Table::API_KEYS,
            key: api_key_key(account.org, account.user, self.id),
            value: Some(self.row.encode_to_vec().into()),
        }
    }

    /// The write that forgets it.
    fn gone(&self, account: &Account) -> Put {
        Put { value: None, ..self.put(account) }
    }

    /// Whether it was revoked, by itself or with all of its account.
    pub(crate) fn is_revoked(&self, account: &Account) -> bool {
        self.row.revoked || self.row.generation != account.row.generation
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        self.row.expires_ms != 0 && now_ms >= self.row.expires_ms
    }

    /// Whether it lets somebody in.
    pub(crate) fn is_good(&self, account: &Account, now_ms: u64) -> bool {
        !self.is_revoked(account) && !self.is_over(now_ms)
    }

    fn check(&self, account: &Account, now_ms: u64) -> Result<(), Refusal> {
        if self.is_revoked(account) {
            return Err(Refusal::Revoked);
        }
        if self.is_over(now_ms) { Err(Refusal::Token(TokenError::Expired)) } else { Ok(()) }
    }
}

/// An account's keys, sorted into what lets somebody in and what no longer does; the oldest first.
pub(crate) struct Keys {
    pub(crate) good: Vec<Key>,
    pub(crate) past: Vec<Key>,
}

impl Keys {
    /// The writes that forget those nobody has to know of any more, if `more` are added to them.
    pub(crate) fn surplus(&self, account: &Account, more: usize) -> Vec<Put> {
        let excess = (self.past.len() + more).saturating_sub(API_KEYS_PAST_MAX);
        self.past.iter().take(excess).map(|key| key.gone(account)).collect()
    }
}

/// What a new key's secret is, and its row's hash of it.
pub(crate) fn new_secret(node: &Node, account: &Account, id: ApiKeyId) -> (String, Bytes) {
    let mut bytes = [0; LOCATOR_BYTES + SECRET_BYTES];
    bytes[..LOCATOR_BYTES].copy_from_slice(&api_key_key(account.org, account.user, id));
    node.entropy.fill(&mut bytes[LOCATOR_BYTES..]);
    let hash = Bytes::copy_from_slice(&sha256(&bytes[LOCATOR_BYTES..]));
    (format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)), hash)
}

fn parse(text: &str) -> Option<Shown> {
    let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(KEY_PREFIX)?).ok()?;
    let secret = bytes.get(LOCATOR_BYTES..).filter(|secret| secret.len() == SECRET_BYTES)?;
    Some(Shown {
        org: OrgId::parse(&bytes[..16]).ok()?,
        user: UserId::parse(&bytes[16..32]).ok()?,
        id: ApiKeyId::parse(&bytes[32..48]).ok()?,
        hash: sha256(secret),
    })
}

/// The writes that make a key no longer good. Its connections are closed as those of the token of its id.
pub(crate) fn revoke(account: &Account, key: &Key, now_ms: u64) -> [Put; 2] {
    let row = KeyRow { revoked: true, ..key.row.clone() };
    let revoked = RevokedRow::of_own(now_ms);
    let token = identity::token_key(&key.id.to_string());
    [
        Key { id: key.id, row }.put(account),
        Put {
            table: Table::REVOKED,
            key: revoked_key(account.org, b't', token),
            value: Some(revoked.encode_to_vec().into()),
        },
    ]
}

/// Whether somebody came with a key.
pub(crate) fn is_by_key(auth: &Auth) -> bool {
    &*auth.key_id == KEY_ID
}

impl Node {
    /// What a key that somebody shows stands for. Nothing of it is kept in memory: reading its row is no
    /// dearer than asking whether a token was revoked, and never late.
    pub(crate) async fn by_key(
        &self,
        text: &str,
        now: Now,
    ) -> Result<(Claims, OrgId, UserId), Refusal> {
        let shown = parse(text).ok_or(Refusal::Token(TokenError::Malformed))?;
        let Shown { org, user, id, hash } = shown;
        let wrong = Refusal::Token(TokenError::WrongApiKey);
        let key = self.key(org, user, id).await.map_err(unavailable)?.ok_or(wrong)?;
        // Hashes of guesses tell nothing of the secret, however long they agree.
        if key.row.secret != hash[..] {
            return Err(self.wrong_key(id, now).unwrap_or(wrong));
        }
        let account = self.account(org, user).await.map_err(unavailable)?.ok_or(wrong)?;
        key.check(&account, now.unix_ms)?;
        let name = self.user_row(org, user).await?.map(|row| row.name);
        let name = name.filter(|name| !name.is_empty());
        let has = |scope: &&String| account.row.scopes.contains(*scope);
        let mut scopes: Vec<Arc<str>> =
            key.row.scopes.iter().filter(has).map(|scope| Arc::from(&**scope)).collect();
        let directory = self.directory(org).await?;
        let is_guest = directory
            .read(|directory| directory.role(user).is_some_and(|role| role.name() == Role::GUEST));
        if is_guest {
            scopes.push(GUEST_SCOPE.into());
        }
        let issued_at_ms = self.issued_at(&account, now).await.map_err(unavailable)?;
        let claims = Claims {
            subject: account.row.subject.as_str().into(),
            org: account.row.org.as_str().into(),
            name: name.unwrap_or(account.row.subject).into(),
            scopes,
            token_id: Some(id.to_string().into()),
            key_id: KEY_ID.into(),
            issued_at_ms,
            expires_at_ms: if key.row.expires_ms == 0 { NEVER_MS } else { key.row.expires_ms },
        };
        Ok((claims, org, user))
    }

    /// Whether the key that somebody came with is still good.
    pub(crate) async fn check_key(&self, caller: &Caller) -> Result<(), Refusal> {
        let id = caller.with_auth(|auth| auth.token_id.as_deref()?.parse().ok());
        let id: ApiKeyId = id.ok_or(Refusal::Revoked)?;
        let key = self.key(caller.org, caller.user, id).await.map_err(unavailable)?;
        let account = self.account(caller.org, caller.user).await.map_err(unavailable)?;
        match key.zip(account) {
            Some((key, account)) => key.check(&account, self.now().unix_ms),
            None => Err(Refusal::Revoked),
        }
    }

    /// Whether what verified a token is still there; keys answer for themselves.
    pub(crate) fn is_verified(&self, auth: &Auth) -> bool {
        is_by_key(auth) || self.verifier.key_is_current(&auth.key_id)
    }

    /// Counts a wrong secret; the answer to those that come too often. The right one is taken all the
    /// same: nobody is kept out by somebody else's guesses.
    fn wrong_key(&self, id: ApiKeyId, now: Now) -> Option<Refusal> {
        let mut attempts = self.accounts.attempts.lock().expect("no panic while the lock is held");
        // An id is an id, whatever of.
        let of = UserId::from_bytes(id.to_bytes());
        let wait = attempts.wait(of, now.elapsed);
        if wait.is_none() {
            attempts.handle_wrong(of, now.elapsed);
        }
        let ms = |wait: std::time::Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        wait.map(|wait| Refusal::TooOften(ms(wait).max(1)))
    }

    async fn key(&self, org: OrgId, user: UserId, id: ApiKeyId) -> Result<Option<Key>, Error> {
        let row = self.row(Table::API_KEYS, &api_key_key(org, user, id)).await?;
        Ok(row.map(|row| Key { id, row }))
    }

    /// An account's keys.
    pub(crate) async fn keys(&self, account: &Account, now_ms: u64) -> Result<Keys, Error> {
        let prefix = org_user(account.org, account.user);
        // One more of the past than is kept for each that may be revoked with the others.
        let max = 2 * (API_KEYS_MAX + API_KEYS_PAST_MAX);
        let scan = Scan::prefix(Table::API_KEYS, prefix, max);
        let rows = self.store.scan(scan).await.map_err(store_error)?;
        let keys = rows.iter().filter_map(|(key, row)| {
            let id = ApiKeyId::parse(key.get(32..)?).ok()?;
            Some(Key { id, row: KeyRow::decode(row.clone()).ok()? })
        });
        let (good, past) = keys.partition(|key| key.is_good(account, now_ms));
        Ok(Keys { good, past })
    }
}

/// Whatever can't be read may be right: come again.
fn unavailable(_: Error) -> Refusal {
    Refusal::Unavailable
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
