//! Deletes what is older than rules of retention keep it, and the copies that legal holds no longer keep.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use parlour_core::{
    draft::Submit,
    node::Node,
    ports::store::StoreError,
    retention::{Retained, Retention},
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{
    limits::{
        COPIES_LOOKED_AT_EVERY, HOLDS_LOOKED_AT_EVERY, RETENTION_LOOKED_AT_EVERY,
        RETENTION_PAUSE_MIN,
    },
    metrics::{Metrics, RETENTION_FAILING, SharedMetrics},
};

/// When a room with that rule is to be looked at again, Unix milliseconds, and whether something was wrong.
type Due = HashMap<Retained, (u64, bool)>;

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
            () = sleep(pause.clamp(RETENTION_PAUSE_MIN, RETENTION_LOOKED_AT_EVERY)) => {}
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
        let known = due.get(of).copied().filter(|(at_ms, _)| *at_ms > node.now().unix_ms);
        let next = match known {
            Some(next) => next,
            None => match node.retain(hub, *of).await {
                Ok(Retention { gone, next_ms }) => {
                    deleted += gone.deleted;
                    if gone.damaged > 0 {
                        let (room, messages) = (of.room, gone.damaged);
                        tracing::error!(%room, messages, "what is too old can't be deleted: damaged");
                    }
                    (next_ms, gone.damaged > 0)
                }
                // One room's trouble isn't the others'.
                Err(error) => {
                    let (room, error) = (of.room, &error.message);
                    tracing::warn!(%room, %error, "a rule of retention can't be followed now");
                    (node.now().unix_ms + RETENTION_LOOKED_AT_EVERY.as_millis() as u64, true)
                }
            },
        };
        due.insert(*of, next);
        next_ms = next_ms.min(next.0);
    }
    metrics.retention_deleted(deleted);
    if deleted > 0 {
        tracing::info!(deleted, "messages were older than they are kept");
    }
    if due.len() > rooms.len() {
        let there: HashSet<&Retained> = rooms.iter().collect();
        due.retain(|of, _| there.contains(of));
    }
    metrics.set(RETENTION_FAILING, due.values().filter(|(_, is_wrong)| *is_wrong).count() as f64);
    Duration::from_millis(next_ms.saturating_sub(node.now().unix_ms))
}

/// Ends holds at their time, and removes what they kept.
async fn sweep_all(weak: Weak<Node>, hub: Arc<dyn Submit>) {
    // What a stop has left; and once a day what nobody has told of.
    let mut swept_at: Option<Instant> = None;
    loop {
        let Some(node) = weak.upgrade() else { return };
        let is_owed = swept_at.is_none_or(|at| at.elapsed() >= COPIES_LOOKED_AT_EVERY);
        match sweep(&node, &hub, is_owed).await {
            Ok(Swept::Whole) => swept_at = Some(Instant::now()),
            Ok(Swept::Nothing) => {}
            Ok(Swept::Partly) => swept_at = None,
            Err(error) => {
                swept_at = None;
                tracing::warn!(%error, "legal holds can't be looked at");
            }
        }
        drop(node);
        sleep(HOLDS_LOOKED_AT_EVERY).await;
    }
}

enum Swept {
    Nothing,
    /// Something couldn't be written, and is found again.
    Partly,
    Whole,
}

async fn sweep(
    node: &Arc<Node>,
    hub: &Arc<dyn Submit>,
    is_owed: bool,
) -> Result<Swept, StoreError> {
    let has_ended = node.end_holds(hub).await?;
    if !has_ended && !is_owed {
        return Ok(Swept::Nothing);
    }
    node.retention.give();
    let (mut after, mut is_whole) = (Some(Bytes::new()), true);
    while let Some(from) = after {
        let looked = node.forget_unheld(hub, from).await?;
        is_whole &= looked.is_whole;
        after = looked.next;
    }
    Ok(if is_whole { Swept::Whole } else { Swept::Partly })
}
