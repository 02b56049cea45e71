//! Deletes what is older than rules of retention keep it, and the copies that legal holds no longer keep.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use parlour_core::{draft::Submit, node::Node, ports::store::StoreError, retention::Retained};
use parlour_protocol::ids::RoomId;
use tokio::time::{Instant, sleep};

use crate::limits::{HELD_LOOKED_AT_EVERY, RETENTION_LOOKED_AT_EVERY, RETENTION_PAUSE_MIN};

/// When each room is to be looked at again, Unix milliseconds, and the rule that was true of.
type Due = HashMap<RoomId, (u64, u64)>;

/// Looks after what is kept, as long as the node is there.
pub(crate) async fn run(weak: Weak<Node>, hub: Arc<dyn Submit>) {
    let mut due = Due::new();
    let mut swept_at: Option<Instant> = None;
    loop {
        let Some(node) = weak.upgrade() else { return };
        let pause = look(&node, &hub, &mut due).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "rules of retention can't be looked at");
            RETENTION_LOOKED_AT_EVERY
        });
        if swept_at.is_none_or(|at| at.elapsed() >= HELD_LOOKED_AT_EVERY) {
            swept_at = Some(Instant::now());
            if let Err(error) = sweep(&node, &hub).await {
                tracing::warn!(%error, "copies of what was held can't be looked at");
            }
        }
        let changed = node.retention.clone();
        drop(node);
        tokio::select! {
            () = changed.wait() => {
                // Another rule, or a hold that has ended.
                due.clear();
                swept_at = None;
            }
            () = sleep(pause.clamp(RETENTION_PAUSE_MIN, RETENTION_LOOKED_AT_EVERY)) => {}
        }
    }
}

/// Deletes what is due everywhere; how long nothing else will be.
async fn look(
    node: &Arc<Node>,
    hub: &Arc<dyn Submit>,
    due: &mut Due,
) -> Result<Duration, StoreError> {
    let rooms = node.retained_rooms().await?;
    let mut next_ms = u64::MAX;
    let (mut deleted, mut failed) = (0, 0);
    for of in &rooms {
        let Retained { room, max_age_ms, .. } = *of;
        let known = due.get(&room).filter(|(_, rule)| *rule == max_age_ms).map(|(at, _)| *at);
        let at_ms = match known {
            Some(at_ms) if at_ms > node.now().unix_ms => at_ms,
            _ => match node.retain(hub, *of).await {
                Ok(gone) => {
                    deleted += gone.deleted;
                    gone.next_ms
                }
                // One room's trouble isn't the others'.
                Err(_) => {
                    failed += 1;
                    node.now().unix_ms + RETENTION_LOOKED_AT_EVERY.as_millis() as u64
                }
            },
        };
        due.insert(room, (at_ms, max_age_ms));
        next_ms = next_ms.min(at_ms);
    }
    if deleted > 0 {
        tracing::info!(deleted, "messages were older than they are kept");
    }
    if failed > 0 {
        tracing::warn!(rooms = failed, "rules of retention can't be followed now");
    }
    if due.len() > rooms.len() {
        let there: std::collections::HashSet<RoomId> = rooms.iter().map(|of| of.room).collect();
        due.retain(|room, _| there.contains(room));
    }
    Ok(Duration::from_millis(next_ms.saturating_sub(node.now().unix_ms)))
}

async fn sweep(node: &Arc<Node>, hub: &Arc<dyn Submit>) -> Result<(), StoreError> {
    let mut after = Some(Bytes::new());
    while let Some(from) = after {
        after = node.forget_unheld(hub, from).await?;
    }
    Ok(())
}
