//! Quotas: how much an organization may have of users, groups, attachments and connected devices. What is over one
//! stays and works; nothing is added to it. Users and groups are decided on where a draft has its turn, so of two
//! who come last at the same time one is refused.

mod ledger;
mod survey;

use std::sync::{Mutex, RwLock};

use bytes::Bytes;
use parlour_protocol::{
    ids::{OrgId, UserId},
    quota::Quotas as Wire,
    wire::{Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashMap;

pub(crate) use ledger::Counts;
use ledger::{Had, Ledger};
use survey::{Surveys, day_of};

use crate::{
    draft::{Draft, Refused, RowsDraft},
    inventory::each_row,
    limits::USER_CACHE_MAX,
    node::{Caller, Node},
    ports::store::{Put, Shard, StoreError},
    records::org_user,
    tables::Table,
};

/// How much an organization may have; 0 is without a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// People and programs that can come in.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Bytes of attachments and pictures.
    pub attachment_bytes: u64,
    /// Devices that are connected at the same time.
    pub devices: u64,
}

/// A row of `Table::QUOTAS`: what is set for an organization.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct QuotaRow {
    #[prost(uint64, optional, tag = "1")]
    users: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    groups: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    attachment_bytes: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    devices: Option<u64>,
}

impl QuotaRow {
    pub(crate) fn of(wire: Wire) -> Self {
        let Wire { users, groups, attachment_bytes, devices } = wire;
        QuotaRow { users, groups, attachment_bytes, devices }
    }

    pub(crate) fn to_wire(self) -> Wire {
        let QuotaRow { users, groups, attachment_bytes, devices } = self;
        Wire { users, groups, attachment_bytes, devices }
    }

    /// What is in force, over the server's own.
    fn over(self, usual: Quota) -> Quota {
        Quota {
            users: self.users.unwrap_or(usual.users),
            groups: self.groups.unwrap_or(usual.groups),
            attachment_bytes: self.attachment_bytes.unwrap_or(usual.attachment_bytes),
            devices: self.devices.unwrap_or(usual.devices),
        }
    }
}

/// Quotas, and what they are held against.
#[derive(Debug, Default)]
pub struct Quotas {
    usual: RwLock<Quota>,
    // What is set for some organizations; the rows of the table.
    set: RwLock<FxHashMap<OrgId, QuotaRow>>,
    pub(crate) ledger: Ledger,
    surveys: Surveys,
    // Devices that are connected now.
    devices: Mutex<FxHashMap<OrgId, u64>>,
    // On which day users came in of whom that is written.
    came_in: Mutex<FxHashMap<UserId, u64>>,
}

impl Quotas {
    /// What holds for organizations of which nothing else is set.
    pub fn set_usual(&self, quota: Quota) {
        *self.usual.write().expect("no panic while the lock is held") = quota;
    }

    /// What holds for an organization.
    pub fn of(&self, org: OrgId) -> Quota {
        let usual = *self.usual.read().expect("no panic while the lock is held");
        self.set_for(org).over(usual)
    }

    /// What is set for an organization.
    pub(crate) fn set_for(&self, org: OrgId) -> QuotaRow {
        let set = self.set.read().expect("no panic while the lock is held");
        set.get(&org).copied().unwrap_or_default()
    }

    /// Rows that were committed, or read.
    pub(crate) fn note(&self, puts: &[Put]) {
        for put in puts.iter().filter(|put| put.table == Table::QUOTAS) {
            let Ok(org) = OrgId::parse(&put.key) else { continue };
            let row = put.value.clone().and_then(|value| QuotaRow::decode(value).ok());
            let mut set = self.set.write().expect("no panic while the lock is held");
            match row {
                Some(row) => drop(set.insert(org, row)),
                None => drop(set.remove(&org)),
            }
        }
    }

    /// How many devices of an organization are connected.
    pub(crate) fn devices(&self, org: OrgId) -> u64 {
        let devices = self.devices.lock().expect("no panic while the lock is held");
        devices.get(&org).copied().unwrap_or_default()
    }

    /// Another device is connected, or one less.
    pub(crate) fn note_device(&self, org: OrgId, is_there: bool) {
        let mut devices = self.devices.lock().expect("no panic while the lock is held");
        let count = devices.entry(org).or_default();
        *count = if is_there { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            devices.remove(&org);
        }
    }

    /// Whether as many devices are connected as may be.
    pub(crate) fn is_full_of_devices(&self, org: OrgId) -> bool {
        let most = self.of(org).devices;
        most > 0 && self.devices(org) >= most
    }
}

/// What a group of drafts that isn't committed yet adds to what organizations have.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    users: FxHashMap<(OrgId, UserId), bool>,
    more_users: FxHashMap<OrgId, i64>,
    more_groups: FxHashMap<OrgId, u64>,
}

impl Growing {
    /// Takes a draft, or refuses it because there would be too much. To be decided again where nobody has
    /// counted yet.
    pub(crate) fn take(&mut self, quotas: &Quotas, draft: &Draft) -> Result<(), Refused> {
        let counts = Counts::of(draft);
        let Some(org) = counts.may_grow() else { return Ok(()) };
        let quota = quotas.of(org);
        let is_bound = match counts {
            Counts::Users(..) => quota.users > 0,
            _ => quota.groups > 0,
        };
        if !is_bound {
            return Ok(());
        }
        let taken = quotas.ledger.read(org, |had| match &counts {
            Counts::Users(_, users) => self.take_users(org, users, had, quota.users),
            _ => self.take_group(org, had, quota.groups),
        });
        taken.unwrap_or(Err(Refused::Stale))
    }

    fn take_users(
        &mut self,
        org: OrgId,
        users: &[(UserId, bool)],
        had: &Had,
        most: u64,
    ) -> Result<(), Refused> {
        let was = |growing: &Self, user: &UserId| {
            let known = growing.users.get(&(org, *user)).copied();
            known.unwrap_or_else(|| had.users.contains(user))
        };
        let mut last: FxHashMap<UserId, bool> = FxHashMap::default();
        last.extend(users.iter().copied());
        let gain: i64 =
            last.iter().map(|(user, is)| i64::from(*is) - i64::from(was(self, user))).sum();
        let more = self.more_users.entry(org).or_default();
        let sum = i64::try_from(had.users.len()).unwrap_or(i64::MAX).saturating_add(*more + gain);
        if gain > 0 && u64::try_from(sum).unwrap_or_default() > most {
            return Err(over("the organization has as many users as it may"));
        }
        *more += gain;
        self.users.extend(last.into_iter().map(|(user, is)| ((org, user), is)));
        Ok(())
    }

    fn take_group(&mut self, org: OrgId, had: &Had, most: u64) -> Result<(), Refused> {
        let more = self.more_groups.entry(org).or_default();
        if had.groups.len() as u64 + *more >= most {
            return Err(over("the organization has as many groups as it may"));
        }
        *more += 1;
        Ok(())
    }
}

fn over(what: &str) -> Refused {
    Refused::Decided(Box::new(Error::new(ErrorReason::QuotaExceeded, what)))
}

impl Node {
    /// How much an organization may have.
    pub fn quota(&self, org: OrgId) -> Quota {
        self.quotas.of(org)
    }

    /// Reads which quotas are set.
    pub(crate) async fn recall_quotas(&self) -> Result<(), StoreError> {
        each_row(&*self.store, Table::QUOTAS, &[], |key, value| {
            let key = Bytes::copy_from_slice(key);
            self.quotas.note(&[Put { table: Table::QUOTAS, key, value: Some(value) }]);
            Some(())
        })
        .await
    }

    /// Counts what there is, where something is to be held against a quota and nobody has counted yet.
    pub(crate) async fn count_for(&self, draft: &Draft) -> Result<(), StoreError> {
        if self.quotas.ledger.is_counted() {
            return Ok(());
        }
        let Some(org) = Counts::of(draft).may_grow() else { return Ok(()) };
        let quota = self.quotas.of(org);
        match quota.users > 0 || quota.groups > 0 {
            true => self.quotas.ledger.count(&*self.store).await,
            false => Ok(()),
        }
    }

    /// What is written because somebody came in today for the first time.
    pub fn coming_in(&self, caller: &Caller) -> Option<Draft> {
        let day = day_of(self.now().unix_ms);
        {
            let mut came_in = self.quotas.came_in.lock().expect("no panic while the lock is held");
            if came_in.len() >= USER_CACHE_MAX {
                came_in.clear();
            }
            if came_in.insert(caller.user, day) == Some(day) {
                return None;
            }
        }
        let key = org_user(caller.org, caller.user);
        let value = Some(Bytes::copy_from_slice(&day.to_be_bytes()));
        let put = Put { table: Table::CAME_IN, key, value };
        Some(Draft::Rows(Box::new(RowsDraft::new(Shard::Org(caller.org), vec![put]))))
    }
}

#[cfg(test)]
#[path = "quotas_tests.rs"]
mod tests;
