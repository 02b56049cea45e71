//! Who and what counts for quotas, by organization: sets rather than numbers, so that what is noted twice counts
//! once. Counted from the store when somebody asks first, and kept up with each commit; nothing is stored, so
//! nothing can go wrong over a restart.

use std::sync::{Mutex, MutexGuard};

use parlour_protocol::{
    ids::{OrgId, RoomId, UserId},
    room::RoomKind,
};
use prost::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    draft::Draft,
    inventory::each_row,
    ports::store::{Put, Shard, Store, StoreError},
    records::{RoomRow, UserRow},
    rooms::RoomChange,
    tables::Table,
};

/// What a draft does to what is counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Nothing, as almost all drafts.
    Nothing,
    /// These users can come in from now on, or can't.
    Users(OrgId, Vec<(UserId, bool)>),
    /// There is another group.
    Group(OrgId, RoomId),
}

impl Counts {
    /// Of a draft.
    pub(crate) fn of(draft: &Draft) -> Self {
        match draft {
            Draft::Room(draft) => match &draft.change {
                Some(RoomChange::Created(state)) if state.kind == RoomKind::Group => {
                    Counts::Group(state.org, draft.cell.id)
                }
                _ => Counts::Nothing,
            },
            Draft::Org(draft) => Counts::of_puts(draft.cell.org, &draft.puts),
            Draft::Rows(draft) => match draft.shard {
                Shard::Org(org) => Counts::of_puts(org, &draft.puts),
                _ => Counts::Nothing,
            },
            _ => Counts::Nothing,
        }
    }

    fn of_puts(org: OrgId, puts: &[Put]) -> Self {
        let users: Vec<(UserId, bool)> = puts
            .iter()
            .filter(|put| put.table == Table::USERS)
            .filter_map(|put| {
                let user = UserId::parse(put.key.get(16..)?).ok()?;
                let row = put.value.clone().map(UserRow::decode);
                Some((user, row.is_some_and(|row| row.is_ok_and(|row| can_come_in(&row)))))
            })
            .collect();
        if users.is_empty() { Counts::Nothing } else { Counts::Users(org, users) }
    }

    /// Whether there may be more afterwards.
    pub(crate) fn may_grow(&self) -> Option<OrgId> {
        match self {
            Counts::Users(org, users) if users.iter().any(|(_, is)| *is) => Some(*org),
            Counts::Group(org, _) => Some(*org),
            _ => None,
        }
    }
}

/// A hook is only a name.
fn can_come_in(row: &UserRow) -> bool {
    !row.is_hook && !row.deactivated
}

/// What there is of an organization.
#[derive(Debug, Default)]
pub(crate) struct Had {
    pub(crate) users: FxHashSet<UserId>,
    pub(crate) groups: FxHashSet<RoomId>,
}

pub(super) type All = FxHashMap<OrgId, Had>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: Option<All>,
    // Who counts just now, and what was committed since the first of them began.
    counting: usize,
    users: FxHashMap<(OrgId, UserId), bool>,
    groups: FxHashSet<(OrgId, RoomId)>,
    // How often what is known was lost.
    losses: u64,
}

/// Somebody who counts; ends with them.
pub(super) struct Counting<'a>(&'a Ledger);

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.counting -= 1;
        if state.counting == 0 {
            (state.users, state.groups) = Default::default();
        }
    }
}

impl Ledger {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    /// Looks at what an organization has; `None` where nobody has counted yet.
    pub(crate) fn read<T>(&self, org: OrgId, look: impl FnOnce(&Had) -> T) -> Option<T> {
        let state = self.state();
        let all = state.all.as_ref()?;
        Some(match all.get(&org) {
            Some(had) => look(had),
            None => look(&Had::default()),
        })
    }

    /// Whether somebody has counted.
    pub(crate) fn is_counted(&self) -> bool {
        self.state().all.is_some()
    }

    /// Something was committed.
    pub(crate) fn note(&self, counts: Counts) {
        let mut state = self.state();
        let state = &mut *state;
        match counts {
            Counts::Nothing => {}
            Counts::Users(org, users) => {
                for (user, is) in users {
                    if state.counting > 0 {
                        state.users.insert((org, user), is);
                    }
                    if let Some(all) = &mut state.all {
                        put(all, org, user, is);
                    }
                }
            }
            Counts::Group(org, room) => {
                if state.counting > 0 {
                    state.groups.insert((org, room));
                }
                if let Some(all) = &mut state.all {
                    all.entry(org).or_default().groups.insert(room);
                }
            }
        }
    }

    /// What is known may no longer be true: it is counted again.
    pub(crate) fn lose(&self) {
        let mut state = self.state();
        state.losses += 1;
        state.all = None;
    }

    /// Counts, unless somebody has.
    pub(crate) async fn count(&self, store: &dyn Store) -> Result<(), StoreError> {
        while !self.is_counted() {
            let (counting, losses) = self.begin();
            let all = stored(store).await?;
            self.end(all, losses);
            drop(counting);
        }
        Ok(())
    }

    /// Somebody begins to read all rows.
    pub(super) fn begin(&self) -> (Counting<'_>, u64) {
        let mut state = self.state();
        state.counting += 1;
        (Counting(self), state.losses)
    }

    /// All rows were read. What was committed meanwhile may have been read before or after, and the last word
    /// counts.
    pub(super) fn end(&self, mut all: All, losses: u64) {
        let mut state = self.state();
        state.users.iter().for_each(|((org, user), is)| put(&mut all, *org, *user, *is));
        for (org, room) in &state.groups {
            all.entry(*org).or_default().groups.insert(*room);
        }
        // Nobody knows what of that which was lost was read.
        if state.losses == losses {
            state.all = Some(all);
        }
    }
}

fn put(all: &mut All, org: OrgId, user: UserId, is: bool) {
    let users = &mut all.entry(org).or_default().users;
    if is {
        users.insert(user)
    } else {
        users.remove(&user)
    };
}

/// Who and what there is by the store's rows.
async fn stored(store: &dyn Store) -> Result<All, StoreError> {
    let mut all = All::default();
    each_row(store, Table::USERS, &[], |row, value| {
        let org = OrgId::parse(row.get(..16)?).ok()?;
        let user = UserId::parse(row.get(16..)?).ok()?;
        if can_come_in(&UserRow::decode(value).ok()?) {
            put(&mut all, org, user, true);
        }
        Some(())
    })
    .await?;
    each_row(store, Table::ROOMS, &[], |row, value| {
        let room = RoomId::parse(row).ok()?;
        let row = RoomRow::decode(value).ok()?;
        let org = OrgId::parse(&row.org).ok()?;
        if row.kind == RoomKind::Group as i32 {
            all.entry(org).or_default().groups.insert(room);
        }
        Some(())
    })
    .await?;
    Ok(all)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
