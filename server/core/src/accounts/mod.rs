//! Accounts of the server's own: from a link, a password or a kept login to a token, and after that all
//! is as with any other token. Off where there is no issuer.
//!
//! Everything about an account is decided on a *step* of it: a change writes the row of the step it was
//! decided on, which must not be there. So of two changes one is decided again, and no login outlives
//! the change that ends it.

pub mod attempts;
pub mod code;
pub mod invites;
pub mod logins;
pub mod rows;
pub mod sign_in;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parlour_protocol::{
    account::AccountsChanged,
    generated::EventMessage,
    ids::{OrgId, UserId},
    limits::CODE_VALID_S_MIN,
    wire::{Error, ErrorReason},
};
use prost::Message;

use crate::{
    directory::DirectoryCell,
    draft::{OrgDraft, store_error},
    node::Node,
    ports::{accounts::Issuer, store::Put},
    records::{key, org_user},
    tables::Table,
};
use attempts::Attempts;
use rows::AccountRow;

/// What the node knows of accounts.
#[derive(Default)]
pub struct Accounts {
    issuer: Option<Arc<dyn Issuer>>,
    pub(crate) attempts: Mutex<Attempts>,
}

impl Accounts {
    /// With that issuer.
    pub fn over(issuer: Arc<dyn Issuer>) -> Self {
        Accounts { issuer: Some(issuer), attempts: Mutex::default() }
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

    /// The row that must be absent: with it, the account isn't any more what was read.
    pub(crate) fn guard(&self) -> (Table, Bytes) {
        let step = self.row.step.to_be_bytes();
        (Table::ACCOUNT_STEPS, key(&[&org_user(self.org, self.user), &step]))
    }

    /// The writes that make the account what `row` says.
    pub(crate) fn change(&self, row: AccountRow) -> Vec<Put> {
        let (table, step) = self.guard();
        let row = AccountRow { step: self.row.step + 1, ..row };
        let value = Some(row.encode_to_vec().into());
        vec![
            Put { table: Table::ACCOUNTS, key: org_user(self.org, self.user), value },
            Put { table, key: step, value: Some(Bytes::new()) },
        ]
    }
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
