//! Erases people, one after the other, also those that a stop has left.

use std::sync::{Arc, Weak};

use parlour_core::{
    draft::Submit,
    erasing::{Ended, Erasing},
    node::Node,
};
use tokio::time::sleep;

use crate::{
    limits::ERASURES_AGAIN_AFTER,
    metrics::{ERASURES_FAILING, SharedMetrics},
};

/// Erases whoever is to be, as long as the node is there.
pub(crate) async fn run(weak: Weak<Node>, hub: Arc<dyn Submit>, metrics: SharedMetrics) {
    loop {
        let Some(node) = weak.upgrade() else { return };
        let failing = match node.erasures_under_way().await {
            Ok(all) => {
                let mut failing = 0;
                for of in all {
                    failing += u32::from(!erase(&node, &hub, of).await);
                }
                failing
            }
            Err(error) => {
                tracing::warn!(%error, "who is to be erased can't be read");
                1
            }
        };
        metrics.set(ERASURES_FAILING, f64::from(failing));
        let asked = node.erasures.clone();
        drop(node);
        match failing {
            0 => asked.wait().await,
            _ => tokio::select! {
                () = asked.wait() => {}
                () = sleep(ERASURES_AGAIN_AFTER) => {}
            },
        }
    }
}

/// Whether somebody is erased now.
async fn erase(node: &Arc<Node>, hub: &Arc<dyn Submit>, of: Erasing) -> bool {
    let user = of.user;
    match node.erase(hub, of).await {
        Ok(Ended { deleted, damaged }) => {
            tracing::info!(%user, deleted, damaged, "a user is erased");
            true
        }
        Err(error) => {
            let error = &error.message;
            tracing::warn!(%user, %error, "a user can't be erased now; tried again in a minute");
            false
        }
    }
}
