//! Logins: where somebody is signed in. A login's tokens have its id as their `jti`, so that ending it
//! is revoking that one token, whichever was made last.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    ids::{LoginId, OrgId, UserId},
    limits::{LOGIN_UNUSED_MAX, LOGINS_MAX},
    wire::{Error, SignIn},
};
use prost::Message;

use super::{
    Account,
    rows::{LoginRow, login_key},
};
use crate::{
    admission::revoked_key,
    draft::{Closes, store_error},
    identity,
    limits::ACCOUNT_ROWS,
    node::{Caller, Node},
    ports::store::{Put, Scan},
    records::{RevokedRow, key, org_user},
    tables::Table,
};

/// A login as it was read, or as it is to be.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) id: LoginId,
    pub(crate) row: LoginRow,
}

impl Login {
    /// A new one of whoever signs in like that.
    pub(crate) fn new(id: LoginId, request: &SignIn, method: i32, now_ms: u64) -> Self {
        let row = LoginRow {
            secret: request.next_hash.clone(),
            before: Bytes::new(),
            generation: 0,
            agent: request.agent.clone(),
            device: request.device.clone(),
            since_ms: now_ms,
            used_ms: now_ms,
            method,
        };
        Login { id, row }
    }

    /// The row that says so.
    pub(crate) fn put(&self, account: &Account) -> Put {
        let row = LoginRow { generation: account.row.generation, ..self.row.clone() };
        Put {
            table: Table::LOGINS,
            key: login_key(account.org, account.user, self.id),
            value: Some(row.encode_to_vec().into()),
        }
    }

    /// Whether it isn't over.
    pub(crate) fn is_good(&self, account: &Account, now_ms: u64) -> bool {
        let unused = LOGIN_UNUSED_MAX.as_millis() as u64;
        let is_current = self.row.generation == account.row.generation
            || account.row.spared == self.id.as_bytes()[..];
        is_current && now_ms <= self.row.used_ms.saturating_add(unused)
    }

    /// The `jti` of its tokens.
    pub(crate) fn token_id(&self) -> String {
        self.id.to_string()
    }

    /// What the client shows as its login.
    pub(crate) fn locator(&self, account: &Account) -> Bytes {
        login_key(account.org, account.user, self.id)
    }
}

/// The parts of a login as a client shows it.
pub(crate) fn parse_locator(bytes: &[u8]) -> Option<(OrgId, UserId, LoginId)> {
    let (org, rest) = bytes.split_at_checked(16)?;
    let (user, login) = rest.split_at_checked(16)?;
    Some((OrgId::parse(org).ok()?, UserId::parse(user).ok()?, LoginId::parse(login).ok()?))
}

/// The row whose presence says that a login was ended.
pub(crate) fn ended_key(org: OrgId, login: LoginId) -> Bytes {
    revoked_key(org, b't', identity::token_key(&login.to_string()))
}

/// The writes that end logins, and the connections to close with them.
pub(crate) fn end(account: &Account, logins: &[LoginId], now_ms: u64) -> (Vec<Put>, Closes) {
    let revoked = Bytes::from(RevokedRow::of_own(now_ms).encode_to_vec());
    let mut puts = Vec::with_capacity(logins.len() * 2);
    for login in logins {
        let key = login_key(account.org, account.user, *login);
        puts.push(Put { table: Table::LOGINS, key, value: None });
        let key = ended_key(account.org, *login);
        puts.push(Put { table: Table::REVOKED, key, value: Some(revoked.clone()) });
    }
    let ids = logins.iter().map(|login| Arc::from(login.to_string()));
    (puts, Closes::Tokens(ids.collect()))
}

/// The login a caller's token was made for, if it is one of this server's.
pub(crate) fn login_of(caller: &Caller) -> Option<LoginId> {
    caller.with_auth(|auth| auth.token_id.as_deref()?.parse().ok())
}

impl Node {
    /// One login, whether it is over or not.
    pub(crate) async fn login(
        &self,
        account: &Account,
        id: LoginId,
    ) -> Result<Option<Login>, Error> {
        let key = login_key(account.org, account.user, id);
        Ok(self.row(Table::LOGINS, &key).await?.map(|row| Login { id, row }))
    }

    /// An account's logins, those that are over included: the oldest first.
    pub(crate) async fn logins(&self, account: &Account) -> Result<Vec<Login>, Error> {
        let prefix = org_user(account.org, account.user);
        let mut scan = Scan::prefix(Table::LOGINS, prefix, ACCOUNT_ROWS);
        let mut logins = vec![];
        loop {
            let rows = self.store.scan(scan.clone()).await.map_err(store_error)?;
            logins.extend(rows.iter().filter_map(|(key, row)| {
                let id = LoginId::parse(key.get(32..)?).ok()?;
                Some(Login { id, row: LoginRow::decode(row.clone()).ok()? })
            }));
            let Some((last, _)) = rows.last().filter(|_| rows.len() == ACCOUNT_ROWS) else {
                return Ok(logins);
            };
            scan.from = key(&[last, &[0]]);
        }
    }

    /// The logins that have to go before there is another one: those that are over, and above the bound
    /// those that weren't used for longest.
    pub(crate) async fn surplus(
        &self,
        account: &Account,
        now_ms: u64,
    ) -> Result<Vec<LoginId>, Error> {
        let (mut good, over): (Vec<Login>, Vec<Login>) =
            self.logins(account).await?.into_iter().partition(|it| it.is_good(account, now_ms));
        good.sort_by_key(|login| login.row.used_ms);
        let excess = (good.len() + 1).saturating_sub(LOGINS_MAX);
        Ok(over.iter().chain(&good[..excess]).map(|login| login.id).collect())
    }
}
