//! Timers in this server: looked at once a second, since the wall clock may be set.

use std::sync::{Arc, Weak};

use parlour_core::{draft::Submit, limits::TIMERS_LOOKED_AT_EVERY, node::Node};
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// Carries out what is due, as long as the node is there.
pub(crate) async fn run(node: Weak<Node>, hub: Arc<dyn Submit>) {
    let mut ticks = tokio::time::interval(TIMERS_LOOKED_AT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(node) = node.upgrade() else { return };
        let due = match node.due_timers(node.now().unix_ms).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "timers can't be looked at");
                continue;
            }
        };
        let mut under_way = JoinSet::new();
        for timers in due {
            let (node, hub) = (node.clone(), hub.clone());
            under_way.spawn(async move { node.carry_out(&hub, &timers).await });
        }
        // All of them first: what is under way isn't begun a second time.
        under_way.join_all().await;
    }
}
