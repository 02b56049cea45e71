//! Outgoing webhooks: carries what the courier has to where it is to go, a bounded number at a time, and
//! keeps what became of it. Whatever goes wrong here, messages are sent and read as ever.

mod body;
mod post;
mod sign;

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use parlour_core::{
    draft::{Refused, Submission, Submit, Then},
    node::Node,
    ports::{
        posts::{PostError, Poster},
        store::StoreError,
    },
    webhooks::courier::{Courier, LineKey},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

pub(crate) use post::Outside;

use crate::{
    calls::told,
    limits::{
        FEED_AGAIN_MAX, FEED_AGAIN_MIN, WEBHOOK_POSTS_MAX, WEBHOOKS_IDLE_FOR, WEBHOOKS_SEEN_EVERY,
    },
    metrics::{SharedMetrics, WEBHOOKS, WEBHOOKS_STOPPED},
};

/// What became of a post.
struct Posted {
    line: LineKey,
    epoch: u32,
    result: Result<(), PostError>,
}

/// Posts for as long as the node runs, and begins again where something went wrong.
pub(crate) async fn run(node: Arc<Node>, submit: Arc<dyn Submit>, metrics: SharedMetrics) {
    let Ok(port) = node.webhooks.port().cloned() else { return };
    let mut pause = FEED_AGAIN_MIN;
    loop {
        let began = Instant::now();
        let Err(error) = serve(&node, &port, &*submit, &metrics).await;
        tracing::warn!(%error, "webhooks wait");
        if began.elapsed() > FEED_AGAIN_MAX {
            pause = FEED_AGAIN_MIN;
        }
        sleep(pause).await;
        pause = (pause * 2).min(FEED_AGAIN_MAX);
    }
}

async fn serve(
    node: &Arc<Node>,
    port: &Arc<dyn Poster>,
    submit: &dyn Submit,
    metrics: &SharedMetrics,
) -> Result<Infallible, StoreError> {
    let mut courier = Courier::open(node.clone()).await?;
    let mut posting: JoinSet<Posted> = JoinSet::new();
    let mut seen_at = Instant::now();
    loop {
        courier.hear().await?;
        if seen_at.elapsed() >= WEBHOOKS_SEEN_EVERY {
            courier.look_around().await?;
            seen_at = Instant::now();
        }
        let now = node.now();
        while posting.len() < WEBHOOK_POSTS_MAX {
            // Nothing is begun for one that was revoked, or begins anew, while others were looked at.
            courier.hear().await?;
            let Some(delivery) = courier.next(now).await? else { break };
            let (port, metrics) = (port.clone(), metrics.clone());
            posting.spawn(async move {
                let began = Instant::now();
                let (line, epoch) = (delivery.line, delivery.epoch);
                let post = AssertUnwindSafe(port.post(delivery.post)).catch_unwind();
                // A bug must not hold up what comes behind it.
                let result = post.await.unwrap_or(Err(PostError::Unwritable));
                metrics.webhook_posted(&result, began.elapsed());
                Posted { line, epoch, result }
            });
        }
        stop_those_that_fail(&mut courier, node, submit).await?;
        for draft in courier.take_drafts(now) {
            let then = Then::Callback(Box::new(|_| {}));
            submit.submit(Submission { draft, then });
        }
        let (all, stopped) = courier.count();
        metrics.set(WEBHOOKS, all as f64);
        metrics.set(WEBHOOKS_STOPPED, stopped as f64);
        let due = match posting.len() < WEBHOOK_POSTS_MAX {
            true => courier.deadline(now),
            // Only an end makes room.
            false => None,
        };
        let pause = due.map_or(WEBHOOKS_IDLE_FOR, |due| due.saturating_sub(now.elapsed));
        tokio::select! {
            Some(posted) = posting.join_next() => handle(&mut courier, node, posted),
            () = node.webhooks.wait() => {}
            () = sleep(pause.max(Duration::from_millis(1))) => {}
        }
    }
}

fn handle(courier: &mut Courier, node: &Node, posted: Result<Posted, tokio::task::JoinError>) {
    // Nobody ends these tasks, and what panics in them is caught.
    let Ok(Posted { line, epoch, result }) = posted else { return };
    if let Err(error) = &result {
        tracing::info!(webhook = %line.1, %error, "a webhook's post was not taken");
    }
    courier.handle_posted(line, epoch, result, node.now());
}

async fn stop_those_that_fail(
    courier: &mut Courier,
    node: &Node,
    submit: &dyn Submit,
) -> Result<(), StoreError> {
    while let Some(stop) = courier.next_stop(node.now()).await? {
        let Ok(result) = told(submit, stop.draft).await else { return Ok(()) };
        match result {
            Ok(_) => {
                let state = stop.state.as_str_name();
                tracing::warn!(webhook = %stop.line.1, state, "a webhook was stopped");
                courier.handle_stopped(stop.line, stop.state);
            }
            // Somebody has changed it meanwhile.
            Err(Refused::Exists) => courier.handle_outdated(stop.line),
            Err(Refused::Stale) => {}
            Err(refused) => {
                tracing::warn!(webhook = %stop.line.1, %refused, "a webhook can't be stopped now");
                courier.handle_unstoppable(stop.line, node.now());
            }
        }
    }
    Ok(())
}
