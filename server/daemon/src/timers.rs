//! What has a time in this server: timers of users, and messages that disappear. Looked at once a
//! second, since the wall clock may be set.

use std::sync::{Arc, Weak};

use parlour_core::{
    draft::Submit,
    limits::{TIMERS_AT_ONCE, TIMERS_LOOKED_AT_EVERY},
    node::Node,
    ports::store::StoreError,
};
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// Carries out what is due, as long as the node is there.
pub(crate) async fn run(node: Weak<Node>, hub: Arc<dyn Submit>) {
    let mut ticks = tokio::time::interval(TIMERS_LOOKED_AT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // As long as there is as much as is looked at, there may be more.
        loop {
            let Some(node) = node.upgrade() else { return };
            match look(&node, &hub).await {
                Ok(count) if count >= TIMERS_AT_ONCE => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "timers can't be looked at");
                    break;
                }
            }
        }
    }
}

/// How many were found of the kind of which most were, and are carried out or put off.
async fn look(node: &Arc<Node>, hub: &Arc<dyn Submit>) -> Result<usize, StoreError> {
    let now_ms = node.now().unix_ms;
    let (due, expired) = (node.due_timers(now_ms).await?, node.expired(now_ms).await?);
    let most = usize::max(due.iter().flatten().count(), expired.iter().flatten().count());
    let mut under_way = JoinSet::new();
    for timers in due {
        let (node, hub) = (node.clone(), hub.clone());
        under_way.spawn(async move { node.carry_out(&hub, &timers).await });
    }
    for messages in expired {
        let (node, hub) = (node.clone(), hub.clone());
        under_way.spawn(async move { node.expire(&hub, &messages).await });
    }
    // All of them first: what is under way isn't begun a second time.
    let well = under_way.join_all().await.into_iter().all(|well| well);
    // What can't be done now is looked at with the next tick.
    Ok(if well { most } else { 0 })
}
