//! Accounts of the server's own: from a link, a password or a kept login to a token, and after that all
//! is as with any other token. Off where there is no issuer.
//!
//! Everything about an account is decided on a *step* of it: a change writes the row of the step it was
//! decided on, which must not be there. So of two changes one is decided again, and no login outlives
//! the change that ends it.

pub mod attempts;
pub mod code;
pub mod invites;
pub mod keys;
pub mod logins;
pub(crate) mod owner;
pub mod passkeys;
pub mod rows;
pub mod sign_in;
pub mod sweep;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use parlour_protocol::{
    account::AccountsChanged,
    generated::{EventMessage, Rpc, rpc},
    ids::{OrgId, UserId},
    limits::{ACCOUNT_SCOPES_MAX, CODE_VALID_S_MIN, SCOPE_BYTES_MAX},
    wire::{Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashSet;

use crate::{
    directory::DirectoryCell,
    draft::{OrgDraft, store_error},
    limits::STEPS_KEPT,
    node::Node,
    ports::{
        accounts::Issuer,
        passkeys::Passkeys,
        store::{Put, Store, StoreError},
    },
    records::{RevokedRow, key, org_user},
    tables::Table,
};
use attempts::Attempts;
use passkeys::Questions;
use rows::AccountRow;

/// What the node knows of accounts.
#[derive(Default)]
pub struct Accounts {
    issuer: Option<Arc<dyn Issuer>>,
    passkeys: Option<Arc<dyn Passkeys>>,
    questions: Mutex<Questions>,
    pub(crate) attempts: Mutex<Attempts>,
    // Those who are setting a password.
    turns: Mutex<FxHashSet<UserId>>,
}

/// A user's turn to have a password hashed.
pub(crate) struct Turn<'a> {
    accounts: &'a Accounts,
    user: UserId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.accounts.turns().remove(&self.user);
    }
}

impl Accounts {
    /// With that issuer.
    pub fn over(issuer: Arc<dyn Issuer>) -> Self {
        Accounts { issuer: Some(issuer), ..Accounts::default() }
    }

    /// The same with passkeys.
    pub fn with_passkeys(self, passkeys: Arc<dyn Passkeys>) -> Self {
        Accounts { passkeys: Some(passkeys), ..self }
    }

    /// Whether there are any.
    pub fn are_there(&self) -> bool {
        self.issuer.is_some()
    }

    /// Whether they have passkeys.
    pub fn have_passkeys(&self) -> bool {
        self.are_there() && self.passkeys.is_some()
    }

    /// Takes a user's turn, unless somebody has it.
    pub(crate) fn take_turn(&self, user: UserId) -> Result<Turn<'_>, Error> {
        match self.turns().insert(user) {
            true => Ok(Turn { accounts: self, user }),
            false => Err(Error::new(ErrorReason::RateLimited, "another password is being set")),
        }
    }

    fn turns(&self) -> MutexGuard<'_, FxHashSet<UserId>> {
        self.turns.lock().expect("no panic while the lock is held")
    }

    /// Who signs tokens and hashes passwords, where there are accounts.
    pub(crate) fn issuer(&self) -> Result<&Arc<dyn Issuer>, Error> {
        let disabled = || Error::new(ErrorReason::AccountsDisabled, "there are no accounts here");
        self.issuer.as_ref().ok_or_else(disabled)
    }
}

/// An account as it was read, and what decisions on it rest on.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) row: AccountRow,
}

impl Account {
    /// One that isn't there yet.
    pub(crate) fn new(org: OrgId, user: UserId, row: AccountRow) -> Self {
        Account { org, user, row }
    }

    /// Refuses a program's account for what only people have.
    pub(crate) fn check_person(&self) -> Result<(), Error> {
        match self.row.is_service {
            true => Err(Error::new(ErrorReason::ServiceAccount, "a program has keys for that")),
            false => Ok(()),
        }
    }

    /// The row that must be absent: with it, the account isn't any more what was read.
    pub(crate) fn guard(&self) -> (Table, Bytes) {
        (Table::ACCOUNT_STEPS, self.step(self.row.step))
    }

    fn step(&self, step: u32) -> Bytes {
        key(&[&org_user(self.org, self.user), &step.to_be_bytes()])
    }

    /// The writes that make the account what `row` says.
    pub(crate) fn change(&self, row: AccountRow) -> Vec<Put> {
        let (table, step) = self.guard();
        let row = AccountRow { step: self.row.step + 1, ..row };
        let value = Some(row.encode_to_vec().into());
        let mut puts = vec![
            Put { table: Table::ACCOUNTS, key: org_user(self.org, self.user), value },
            Put { table, key: step, value: Some(Bytes::new()) },
        ];
        // Nobody still decides on a step of so long ago.
        if let Some(old) = self.row.step.checked_sub(STEPS_KEPT) {
            puts.push(Put { table, key: self.step(old), value: None });
        }
        puts
    }

    /// The writes that end all logins, and with `password` the password; a link that wasn't used as well.
    pub(crate) fn end_all(&self, password: bool) -> Vec<Put> {
        let link = self.row.link.clone();
        let mut row = AccountRow {
            generation: self.row.generation + 1,
            spared: Bytes::new(),
            link: Bytes::new(),
            ..self.row.clone()
        };
        if password {
            row.password.clear();
        }
        let mut puts = self.change(row);
        if !link.is_empty() {
            let gone = |table| Put { table, key: link.clone(), value: None };
            puts.extend([Table::CODES, Table::CODES_SPENT].map(gone));
        }
        puts
    }
}

/// What ends a user's logins where their tokens are revoked: the writes, and the row that must be absent.
/// Nothing for a user without an account.
pub async fn end_logins(store: &dyn Store, org: OrgId, user: UserId) -> Result<Ends, StoreError> {
    let row = store.get(Table::ACCOUNTS, &org_user(org, user)).await?;
    let row = row.map(AccountRow::decode).transpose().map_err(|_| StoreError::Damaged)?;
    let Some(row) = row else { return Ok(Ends::default()) };
    let account = Account { org, user, row };
    Ok(Ends { puts: account.end_all(false), absent: vec![account.guard()] })
}

/// See [`end_logins`].
#[derive(Clone, Debug, Default)]
pub struct Ends {
    /// What is written.
    pub puts: Vec<Put>,
    /// What must be absent; otherwise ask again.
    pub absent: Vec<(Table, Bytes)>,
}

/// Until when tokens are refused that were made up to now. They count in whole seconds, and one may have
/// been dated behind the end before this one.
pub(crate) fn tokens_end_ms(before: Option<RevokedRow>, now_ms: u64) -> u64 {
    let second_ends = (now_ms / 1000 + 1) * 1000;
    second_ends.max(before.map_or(0, |row| row.at_ms + 1000))
}

impl Node {
    /// A user's account, if they have one.
    pub(crate) async fn account(&self, org: OrgId, user: UserId) -> Result<Option<Account>, Error> {
        let row = self.row::<AccountRow>(Table::ACCOUNTS, &org_user(org, user)).await?;
        Ok(row.map(|row| Account { org, user, row }))
    }

    /// One row of a table.
    pub(crate) async fn row<R: Message + Default>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<R>, Error> {
        let row = self.store.get(table, key).await.map_err(store_error)?;
        let row = row.map(R::decode).transpose();
        row.map_err(|_| Error::new(ErrorReason::DataDamaged, "a row is damaged"))
    }
}

/// The answer where there is no such account.
pub(crate) fn account_not_found() -> Error {
    Error::new(ErrorReason::AccountNotFound, "no such account")
}

/// An event of the organization's log that says what was done about accounts, with what changes.
pub(crate) fn audited(
    cell: Arc<DirectoryCell>,
    sender: UserId,
    event: &AccountsChanged,
    puts: Vec<Put>,
) -> OrgDraft {
    OrgDraft {
        version: cell.head().seq,
        cell,
        sender,
        kind: AccountsChanged::RULE.kind,
        body: event.encode_to_vec().into(),
        changes: vec![],
        puts,
        absent: vec![],
        jobs: vec![],
        closes: None,
    }
}

/// How long a code is good, in seconds.
pub(crate) fn valid_s(wanted: u32, usual: u32, max: u32) -> Result<u32, Error> {
    match wanted {
        0 => Ok(usual),
        n if (CODE_VALID_S_MIN..=max).contains(&n) => Ok(n),
        _ => Err(Error::invalid("valid_s", "is out of bounds")),
    }
}

/// What no account of the server's own may do, whoever made it: to set quotas.
const OPERATORS_SCOPE: &str = rpc::SetQuotas::METHOD.scope;

/// Scopes as accounts and keys have them.
pub(crate) fn check_scopes(scopes: &[String]) -> Result<(), Error> {
    if scopes.len() > ACCOUNT_SCOPES_MAX {
        return Err(Error::invalid("scopes", "are more than 20"));
    }
    for (i, scope) in scopes.iter().enumerate() {
        let plain = scope.bytes().all(|b| b.is_ascii_graphic());
        if !(1..=SCOPE_BYTES_MAX).contains(&scope.len()) || !plain {
            return Err(Error::invalid(format!("scopes[{i}]"), "is not 1 to 64 plain letters"));
        }
        // Whoever makes accounts of an organization would lift what it is bound by.
        if scope == OPERATORS_SCOPE {
            return Err(Error::invalid(format!("scopes[{i}]"), "is for whoever runs the server"));
        }
    }
    Ok(())
}
