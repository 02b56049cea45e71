//! What is to be done for users at a time. A timer is a row written with what it is for; whoever runs
//! the node looks once a second whose time has come. Done at least once: each kind of work finds out
//! by itself what is done already.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parlour_protocol::ids::{OrgId, UserId};

use crate::{
    done::committed,
    draft::{Draft, Refused, RowsDraft, Submit},
    limits::{TIMER_AGAIN_MS, TIMERS_AT_ONCE},
    node::Node,
    ports::store::{Put, Scan, Shard, StoreError},
    records::key,
    reminders, scheduled,
    tables::Table,
};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A scheduled message is to be sent.
    Send,
    /// A reminder is due.
    Remind,
    /// What is remembered of a scheduled message that is sent or taken back is old.
    Forget,
}

impl Work {
    fn number(self) -> u8 {
        match self {
            Work::Send => 1,
            Work::Remind => 2,
            Work::Forget => 3,
        }
    }

    fn of_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Work::Send),
            2 => Some(Work::Remind),
            3 => Some(Work::Forget),
            _ => None,
        }
    }
}

/// Something to do for a user.
#[derive(Clone, Debug)]
pub struct Timer {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) id: [u8; 16],
    work: Work,
    row: Bytes,
}

impl Timer {
    fn parse(row: Bytes, org: &[u8]) -> Option<Self> {
        let (_due, rest) = row.split_first_chunk::<8>()?;
        let (work, rest) = rest.split_first()?;
        let (user, id) = rest.split_first_chunk::<16>()?;
        Some(Timer {
            org: OrgId::parse(org).ok()?,
            user: UserId::from_bytes(*user),
            id: id.try_into().ok()?,
            work: Work::of_number(*work)?,
            row: row.clone(),
        })
    }

    /// Its time has come, and what was to be done is done.
    pub(crate) fn end(&self) -> Put {
        Put { table: Table::TIMERS, key: self.row.clone(), value: None }
    }
}

/// Sets a timer, as part of what it is for.
pub(crate) fn timer_put(
    (org, user, id): (OrgId, UserId, [u8; 16]),
    work: Work,
    due_ms: u64,
) -> Put {
    Put {
        table: Table::TIMERS,
        key: timer_key(user, id, work, due_ms),
        value: Some(org.to_field()),
    }
}

/// Takes a timer back.
pub(crate) fn timer_end(user: UserId, id: [u8; 16], work: Work, due_ms: u64) -> Put {
    Put { table: Table::TIMERS, key: timer_key(user, id, work, due_ms), value: None }
}

fn timer_key(user: UserId, id: [u8; 16], work: Work, due_ms: u64) -> Bytes {
    key(&[&due_ms.to_be_bytes(), &[work.number()], user.as_bytes(), &id])
}

impl Node {
    /// Timers whose time has come, at most so many as are to be carried out at once: those of each user
    /// together, to be carried out one after the other. They are found again until they are.
    pub async fn due_timers(&self, now_ms: u64) -> Result<Vec<Vec<Timer>>, StoreError> {
        let mut due: BTreeMap<UserId, Vec<Timer>> = BTreeMap::new();
        for timer in due_rows(self, Table::TIMERS, now_ms, Timer::parse).await? {
            due.entry(timer.user).or_default().push(timer);
        }
        Ok(due.into_values().collect())
    }

    /// Does what a user's timers are for. What can't be done now is tried again a while later. Whether
    /// each of them is done or put off: where not even that can be written, all is found again.
    pub async fn carry_out(self: &Arc<Self>, hub: &Arc<dyn Submit>, timers: &[Timer]) -> bool {
        let mut well = true;
        for timer in timers {
            well &= self.carry_out_one(hub, timer).await;
        }
        well
    }

    async fn carry_out_one(self: &Arc<Self>, hub: &Arc<dyn Submit>, timer: &Timer) -> bool {
        let row = self.user_row(timer.org, timer.user).await;
        if row.is_ok_and(|row| row.is_some_and(|row| row.is_erased())) {
            // What it was for is gone, or about to go.
            let rows = RowsDraft::new(Shard::User(timer.user), vec![timer.end()]);
            return committed(hub, Draft::Rows(Box::new(rows))).await.is_ok();
        }
        let done = match timer.work {
            Work::Send => scheduled::send(self, hub, timer).await,
            Work::Remind => reminders::remind(self, hub, timer).await,
            Work::Forget => scheduled::forget_end(hub, timer).await,
        };
        if done.is_ok() {
            return true;
        }
        let again_ms = self.now().unix_ms + TIMER_AGAIN_MS;
        let owner = (timer.org, timer.user, timer.id);
        let puts = vec![timer.end(), timer_put(owner, timer.work, again_ms)];
        let rows = RowsDraft::new(Shard::User(timer.user), puts);
        committed(hub, Draft::Rows(Box::new(rows))).await.is_ok()
    }
}

/// Rows of a table that is ordered by time whose time has come, at most so many as are dealt with at
/// once. Those that can't be read are passed over, so that they hide none of the others.
pub(crate) async fn due_rows<T>(
    node: &Node,
    table: Table,
    now_ms: u64,
    parse: impl Fn(Bytes, &[u8]) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let to = Bytes::copy_from_slice(&now_ms.saturating_add(1).to_be_bytes());
    let (from, rows_max) = (Bytes::new(), TIMERS_AT_ONCE);
    let mut scan = Scan { table, from, to: Some(to), reverse: false, rows_max };
    let mut due = Vec::new();
    loop {
        let rows = node.store.scan(scan.clone()).await?;
        let next = rows.last().filter(|_| rows.len() == rows_max).map(|(row, _)| key(&[row, &[0]]));
        due.extend(rows.into_iter().filter_map(|(row, org)| parse(row, &org)));
        match next {
            Some(next) if due.len() < rows_max => scan.from = next,
            _ => return Ok(due),
        }
    }
}

/// It can't be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Later;

impl From<StoreError> for Later {
    fn from(_: StoreError) -> Self {
        Later
    }
}

impl From<Refused> for Later {
    fn from(_: Refused) -> Self {
        Later
    }
}

/// A timer for what isn't there any more.
pub(crate) async fn forget(hub: &Arc<dyn Submit>, timer: &Timer) -> Result<(), Later> {
    let rows = RowsDraft::new(Shard::User(timer.user), vec![timer.end()]);
    committed(hub, Draft::Rows(Box::new(rows))).await?;
    Ok(())
}
