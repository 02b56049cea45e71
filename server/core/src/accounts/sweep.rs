//! Rows of accounts that have no effect any more go: ends of logins whose tokens are over, logins that
//! nobody can go on with, codes and invites that are refused whatever is done.
//!
//! What might just be under way keeps a row for [`limits::SWEPT_AFTER`] longer: a decision takes far less
//! from its look at the clock to its commit. Keys of programs are not looked at, as an account has a few;
//! nor are revoked users, sessions and tokens of others, as nothing says when the last of what they
//! refuse ends.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    account::KnockState,
    ids::{InviteId, LoginId, OrgId, UserId},
    limits::LOGIN_UNUSED_MAX,
};
use prost::Message;

use super::{
    Account,
    logins::{Login, parse_locator},
    rows::{AccountRow, CodeRow, InviteRow, LoginRow, SpentRow, UseRow, invite_key, login_key},
};
use crate::{
    done::committed,
    draft::{Draft, RowsDraft, Submit},
    limits::{self, ACCOUNT_ROWS},
    node::Node,
    ports::store::{Put, Row, Scan, Shard, StoreError},
    records::{RevokedRow, org_user},
    tables::Table,
};

/// How many rows of each kind are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweptRows {
    /// Ends of logins and keys.
    pub ends: u64,
    /// Logins.
    pub logins: u64,
    /// Invites, and who took them.
    pub invites: u64,
    /// Codes, and what was made with them.
    pub codes: u64,
    /// Secrets of logins that were shown.
    pub secrets: u64,
}

/// What is to go together, and what must not be there meanwhile.
struct Going<'a> {
    org: OrgId,
    rows: Vec<(Table, Bytes)>,
    unless: Option<&'a Account>,
}

impl Node {
    /// Looks through all rows of accounts. To be called now and then.
    pub async fn sweep_accounts(
        &self,
        hub: &Arc<dyn Submit>,
        now_ms: u64,
    ) -> Result<SweptRows, StoreError> {
        Ok(SweptRows {
            logins: self.sweep_logins(hub, now_ms).await?,
            invites: self.sweep_invites(hub, now_ms).await?,
            codes: self.sweep_codes(hub, now_ms).await?,
            secrets: self.sweep_secrets(hub).await?,
            ends: self.sweep_ends(hub, now_ms).await?,
        })
    }

    /// Ends of this server's own logins and keys: the tokens they refuse are over, and what is ended has no
    /// row by which another token could be had.
    async fn sweep_ends(&self, hub: &Arc<dyn Submit>, now_ms: u64) -> Result<u64, StoreError> {
        let is_dead = |row: &Bytes| {
            let until_ms = RevokedRow::decode(row.clone()).map_or(0, |row| row.until_ms);
            until_ms != 0 && until_ms < now_ms
        };
        let (mut pages, mut gone) = (Pages::of(Table::REVOKED), 0);
        while let Some(rows) = pages.next(self).await? {
            let dead = rows.iter().filter(|(_, row)| is_dead(row));
            gone += remove_each(hub, Table::REVOKED, dead.map(|(key, _)| key)).await;
        }
        Ok(gone)
    }

    /// Logins of a generation that is over, or that weren't used for too long: they can't be gone on with,
    /// and are shown nowhere. Their tokens were refused together with the generation, or ended long ago.
    async fn sweep_logins(&self, hub: &Arc<dyn Submit>, now_ms: u64) -> Result<u64, StoreError> {
        let (mut pages, mut gone) = (Pages::of(Table::LOGINS), 0);
        while let Some(rows) = pages.next(self).await? {
            for of_one in rows.chunk_by(|(a, _), (b, _)| a.get(..32) == b.get(..32)) {
                // After the logins: one that was spared by a change since is in the account as it is read.
                let Some(account) = self.account_at(&of_one[0].0).await? else { continue };
                let dead =
                    of_one.iter().filter(|(key, row)| is_dead_login(&account, key, row, now_ms));
                let rows: Vec<_> = dead.map(|(key, _)| (Table::LOGINS, key.clone())).collect();
                let going = Going { org: account.org, rows, unless: Some(&account) };
                gone += going.go(hub).await;
            }
        }
        Ok(gone)
    }

    /// Invites that ended some time ago and by which nobody could still be let in: of those who took one,
    /// none waits, and none could have the answer to that once more.
    async fn sweep_invites(&self, hub: &Arc<dyn Submit>, now_ms: u64) -> Result<u64, StoreError> {
        let kept_ms = limits::INVITES_LISTED_FOR.as_millis() as u64;
        let (mut pages, mut gone) = (Pages::of(Table::INVITES), 0);
        while let Some(rows) = pages.next(self).await? {
            for (key, row) in rows {
                let Ok(row) = InviteRow::decode(row) else { continue };
                let Some((org, id)) = two_ids(&key) else { continue };
                let (org, id) = (OrgId::from_bytes(org), InviteId::from_bytes(id));
                if row.expires_ms.saturating_add(kept_ms) >= now_ms {
                    continue;
                }
                // An invite that is over gets no more of them.
                let mut uses = vec![];
                let mut of_it = Pages::under(Table::INVITE_USES, invite_key(org, id));
                let mut is_alive = false;
                while let Some(page) = of_it.next(self).await? {
                    is_alive |= self.has_effect(org, &page, now_ms).await?;
                    if is_alive {
                        break;
                    }
                    uses.extend(page.into_iter().map(|(key, _)| key));
                }
                if is_alive {
                    continue;
                }
                // Those who took it first: without them it is over as well.
                gone += remove_each(hub, Table::INVITE_USES, uses.iter()).await;
                gone += remove_each(hub, Table::INVITES, std::iter::once(&key)).await;
            }
        }
        Ok(gone)
    }

    /// Whether one of those who took an invite that is over could still come in by it.
    async fn has_effect(&self, org: OrgId, uses: &[Row], now_ms: u64) -> Result<bool, StoreError> {
        for (key, row) in uses {
            let Ok(row) = UseRow::decode(row.clone()) else { continue };
            match KnockState::try_from(row.state) {
                Ok(KnockState::Declined) => continue,
                Ok(KnockState::Joined) => {}
                _ => return Ok(true),
            }
            let user = key.get(32..).and_then(|user| UserId::parse(user).ok());
            let (Some(user), Ok(login)) = (user, LoginId::parse(&row.login)) else { continue };
            let key = login_key(org, user, login);
            let Some(found) = self.store.get(Table::LOGINS, &key).await? else { continue };
            let Some(account) = self.account_at(&key).await? else { continue };
            let found = LoginRow::decode(found).map_err(|_| StoreError::Damaged)?;
            // Its answer is given again until the login is gone on with.
            let is_first = found.secret == row.secret;
            if is_first && (Login { id: login, row: found }).is_good(&account, now_ms) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Codes of links whose time is over, with what was made by them, and of invites that are gone: they
    /// are refused like any that there never was.
    async fn sweep_codes(&self, hub: &Arc<dyn Submit>, now_ms: u64) -> Result<u64, StoreError> {
        let after_ms = limits::SWEPT_AFTER.as_millis() as u64;
        let (mut pages, mut gone) = (Pages::of(Table::CODES), 0);
        while let Some(rows) = pages.next(self).await? {
            let mut dead = vec![];
            for (key, row) in rows {
                let Ok(row) = CodeRow::decode(row) else { continue };
                let Some(org) = key.first_chunk().copied().map(OrgId::from_bytes) else { continue };
                let is_over = row.expires_ms.saturating_add(after_ms) < now_ms;
                let is_dead = is_over
                    && match InviteId::parse(&row.invite) {
                        Ok(invite) => {
                            let invite = invite_key(org, invite);
                            self.store.get(Table::INVITES, &invite).await?.is_none()
                        }
                        Err(_) => true,
                    };
                if is_dead {
                    dead.push(key);
                }
            }
            // What was made with a code first: it is found by its code, which is refused by its time.
            remove_each(hub, Table::CODES_SPENT, dead.iter()).await;
            gone += remove_each(hub, Table::CODES, dead.iter()).await;
        }
        Ok(gone)
    }

    /// Secrets that logins were kept with: where the login is gone, nobody asks whether one was shown.
    async fn sweep_secrets(&self, hub: &Arc<dyn Submit>) -> Result<u64, StoreError> {
        let (mut pages, mut gone) = (Pages::of(Table::CODES_SPENT), 0);
        while let Some(rows) = pages.next(self).await? {
            let mut dead = vec![];
            for (key, row) in rows {
                let Ok(row) = SpentRow::decode(row) else { continue };
                let Some((org, user, login)) = parse_locator(&row.of) else { continue };
                let login = login_key(org, user, login);
                if self.store.get(Table::LOGINS, &login).await?.is_none() {
                    dead.push(key);
                }
            }
            gone += remove_each(hub, Table::CODES_SPENT, dead.iter()).await;
        }
        Ok(gone)
    }

    /// The account whose row, or one of whose rows, that key is.
    async fn account_at(&self, key: &[u8]) -> Result<Option<Account>, StoreError> {
        let Some((org, user)) = two_ids(key) else { return Ok(None) };
        let (org, user) = (OrgId::from_bytes(org), UserId::from_bytes(user));
        let row = match self.store.get(Table::ACCOUNTS, &org_user(org, user)).await {
            // One that can't be read opens nothing, and doesn't keep the others.
            Err(StoreError::Damaged) => None,
            row => row?.and_then(|row| AccountRow::decode(row).ok()),
        };
        Ok(row.map(|row| Account::new(org, user, row)))
    }
}

fn is_dead_login(account: &Account, key: &[u8], row: &Bytes, now_ms: u64) -> bool {
    let id = key.get(32..).and_then(|id| LoginId::parse(id).ok());
    let (Some(id), Ok(row)) = (id, LoginRow::decode(row.clone())) else { return false };
    let unused = LOGIN_UNUSED_MAX + limits::SWEPT_AFTER;
    let is_unused = row.used_ms.saturating_add(unused.as_millis() as u64) < now_ms;
    // Of another generation, whatever the time.
    let is_ended = !Login { id, row: LoginRow { used_ms: now_ms, ..row } }.is_good(account, now_ms);
    is_unused || is_ended
}

fn two_ids(key: &[u8]) -> Option<([u8; 16], [u8; 16])> {
    Some((*key.first_chunk()?, *key.get(16..)?.first_chunk()?))
}

/// A table, or what begins with something there, read page by page.
struct Pages(Option<Scan>);

impl Pages {
    fn of(table: Table) -> Self {
        Pages::under(table, Bytes::new())
    }

    fn under(table: Table, prefix: Bytes) -> Self {
        Pages(Some(Scan::prefix(table, prefix, ACCOUNT_ROWS)))
    }

    async fn next(&mut self, node: &Node) -> Result<Option<Vec<Row>>, StoreError> {
        let Some(scan) = &mut self.0 else { return Ok(None) };
        let rows = node.store.scan(scan.clone()).await?;
        match rows.last() {
            Some((last, _)) => scan.from = [&last[..], &[0]].concat().into(),
            None => self.0 = None,
        }
        Ok((!rows.is_empty()).then_some(rows))
    }
}

impl Going<'_> {
    /// How many are gone. Those that aren't are found by the next sweep.
    async fn go(self, hub: &Arc<dyn Submit>) -> u64 {
        let count = self.rows.len() as u64;
        if count == 0 {
            return 0;
        }
        let gone = |(table, key)| Put { table, key, value: None };
        let draft = RowsDraft {
            absent: self.unless.map(Account::guard).into_iter().collect(),
            ..RowsDraft::new(Shard::Org(self.org), self.rows.into_iter().map(gone).collect())
        };
        match committed(hub, Draft::Rows(Box::new(draft))).await {
            Ok(_) => count,
            Err(_) => 0,
        }
    }
}

/// Removes rows whose keys begin with an organization, a page of them together.
async fn remove_each<'a>(
    hub: &Arc<dyn Submit>,
    table: Table,
    keys: impl Iterator<Item = &'a Bytes>,
) -> u64 {
    let keys: Vec<&Bytes> = keys.filter(|key| key.len() >= 16).collect();
    let mut gone = 0;
    for of_one in keys.chunk_by(|a, b| a[..16] == b[..16]) {
        let Some(org) = of_one[0].first_chunk().copied().map(OrgId::from_bytes) else { continue };
        for page in of_one.chunks(ACCOUNT_ROWS) {
            let rows = page.iter().map(|key| (table, (*key).clone())).collect();
            gone += Going { org, rows, unless: None }.go(hub).await;
        }
    }
    gone
}
