//! Deletes what is older than rules of retention keep it, and the copies that legal holds no longer keep.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use parlour_core::{draft::Submit, node::Node, ports::store::StoreError, retention::Retained};
use parlour_protocol::ids::RoomId;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    limits::{HOLDS_LOOKED_AT_EVERY, RETENTION_LOOKED_AT_EVERY},
    metrics::{Metrics, RETENTION_FAILING, SharedMetrics},
};

/// When a room with that rule is to be looked at again, Unix milliseconds, and whether something was wrong.
type Due = HashMap<(RoomId, u64), (u64, bool)>;

/// Looks after what is kept, as long as the node is there.
pub(crate) async fn run(weak: Weak<Node>, hub: Arc<dyn Submit>, metrics: SharedMetrics) {
    let sweeps = tokio::spawn(sweep_all(weak.clone(), hub.clone()));
    let _ends_with_this = AbortOnDrop(sweeps);
    let mut due = Due::new();
    let mut rooms: (Vec<Retained>, Option<Instant>) = (vec![], None);
    loop {
        let Some(node) = weak.upgrade() else { return };
        if rooms.1.is_none_or(|at| at.elapsed() >= RETENTION_LOOKED_AT_EVERY) {
            match node.retained_rooms().await {
                Ok(found) => rooms = (found, Some(Instant::now())),
                Err(error) => tracing::warn!(%error, "rules of retention can't be read"),
            }
        }
        let pause = look(&node, &hub, &rooms.0, (&mut due, &metrics)).await;
        let changed = node.retention.clone();
        drop(node);
        tokio::select! {
            () = changed.wait() => rooms.1 = None,
            () = sleep(pause.min(RETENTION_LOOKED_AT_EVERY)) => {}
        }
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Deletes some of what is due in each room; how long nothing else will be.
async fn look(
    node: &Arc<Node>,
    hub: &Arc<dyn Submit>,
    rooms: &[Retained],
    (due, metrics): (&mut Due, &Metrics),
) -> Duration {
    let mut next_ms = u64::MAX;
    let mut deleted = 0;
    for of in rooms {
        let key = (of.room, of.max_age_ms);
        let known = due.get(&key).copied().filter(|(at_ms, _)| *at_ms > node.now().unix_ms);
        let next = match known {
            Some(next) => next,
            None => match node.retain(hub, *of).await {
                Ok(gone) => {
                    deleted += gone.deleted;
                    if gone.damaged > 0 {
                        let (room, messages) = (of.room, gone.damaged);
                        tracing::error!(%room, messages, "what is too old can't be deleted: damaged");
                    }
                    (gone.next_ms, gone.damaged > 0)
                }
                // One room's trouble isn't the others'.
                Err(error) => {
                    let (room, error) = (of.room, &error.message);
                    tracing::warn!(%room, %error, "a rule of retention can't be followed now");
                    (node.now().unix_ms + RETENTION_LOOKED_AT_EVERY.as_millis() as u64, true)
                }
            },
        };
        due.insert(key, next);
        next_ms = next_ms.min(next.0);
    }
    metrics.retention_deleted(deleted);
    if deleted > 0 {
        tracing::info!(deleted, "messages were older than they are kept");
    }
    if due.len() > rooms.len() {
        let there: HashSet<_> = rooms.iter().map(|of| (of.room, of.max_age_ms)).collect();
        due.retain(|key, _| there.contains(key));
    }
    metrics.set(RETENTION_FAILING, due.values().filter(|(_, is_wrong)| *is_wrong).count() as f64);
    Duration::from_millis(next_ms.saturating_sub(node.now().unix_ms))
}

/// Ends holds at their time, and removes what they kept.
async fn sweep_all(weak: Weak<Node>, hub: Arc<dyn Submit>) {
    // What a stop has left.
    let mut is_owed = true;
    loop {
        let Some(node) = weak.upgrade() else { return };
        match sweep(&node, &hub, is_owed).await {
            Ok(()) => is_owed = false,
            Err(error) => {
                is_owed = true;
                tracing::warn!(%error, "legal holds can't be looked at");
            }
        }
        drop(node);
        sleep(HOLDS_LOOKED_AT_EVERY).await;
    }
}

async fn sweep(node: &Arc<Node>, hub: &Arc<dyn Submit>, is_owed: bool) -> Result<(), StoreError> {
    let ended = node.end_holds(hub).await?;
    if ended.is_empty() && !is_owed {
        return Ok(());
    }
    node.retention.give();
    let mut after = Some(Bytes::new());
    while let Some(from) = after {
        after = node.forget_unheld(hub, from).await?;
    }
    Ok(())
}
