//! Reminders as they are kept, and what is said when their time has come.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    ids::UserId,
    reminder::{Reminder, ReminderChanged},
};
use prost::Message;

use crate::{
    done::committed,
    draft::{Draft, Refused, Submit, UserDraft},
    limits::RERUNS_MAX,
    node::Node,
    ports::store::{Put, StoreError},
    records::key,
    tables::Table,
    timers::{Later, Timer, forget},
};

/// The write of a row of `Table::REMINDERS`, or of its end.
pub(crate) fn reminder_put(user: UserId, id: [u8; 16], row: Option<&Reminder>) -> Put {
    let value = row.map(|row| row.encode_to_vec().into());
    Put { table: Table::REMINDERS, key: key(&[user.as_bytes(), &id]), value }
}

/// A user's reminder.
pub(crate) async fn reminder_row(
    node: &Node,
    user: UserId,
    id: [u8; 16],
) -> Result<Option<Reminder>, StoreError> {
    let row = node.store.get(Table::REMINDERS, &key(&[user.as_bytes(), &id])).await?;
    row.map(Reminder::decode).transpose().map_err(|_| StoreError::Damaged)
}

/// That one of them is another now.
pub(crate) fn changed(reminder: Reminder) -> ReminderChanged {
    ReminderChanged { reminder: Some(reminder), deleted: false }
}

/// That one of them is gone.
pub(crate) fn deleted(id: [u8; 16]) -> ReminderChanged {
    let reminder = Reminder { id: Bytes::copy_from_slice(&id), ..Reminder::default() };
    ReminderChanged { reminder: Some(reminder), deleted: true }
}

/// Its time has come: it says so, once.
pub(crate) async fn remind(node: &Node, hub: &Arc<dyn Submit>, timer: &Timer) -> Result<(), Later> {
    for _ in 0..=RERUNS_MAX {
        let log = node.users.get(&*node.store, timer.user).await?;
        let version = log.version();
        let row = reminder_row(node, timer.user, timer.id).await?;
        let is_due = |row: &Reminder| !row.due && row.at_ms <= node.now().unix_ms;
        // It was taken off the list, or has another time.
        let Some(row) = row.filter(is_due) else { return forget(hub, timer).await };
        let row = Reminder { due: true, ..row };
        let puts = vec![reminder_put(timer.user, timer.id, Some(&row)), timer.end()];
        let draft = UserDraft::of(&log, &changed(row), puts).at(version);
        match committed(hub, Draft::User(Box::new(draft))).await {
            Ok(_) => return Ok(()),
            Err(Refused::Stale) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Later)
}
