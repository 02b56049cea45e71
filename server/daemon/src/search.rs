//! Search: the index beside the store, and the task that feeds it. Whatever goes wrong there, messages
//! are sent and read as ever.

use std::{fs, io, sync::Arc};

use parlour_core::{
    node::Node,
    search::feed::{Feed, FeedError},
};
use parlour_search::Index;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::{
    config::Config,
    data::{DataError, DataFolder},
    limits,
};

/// The node with the index that is configured; one that isn't wanted any more is removed, as it holds
/// what was said.
pub(crate) fn with_index(
    node: Node,
    config: &Config,
    data: &DataFolder,
) -> Result<Node, DataError> {
    let failed = |error| DataError::Io { path: data.search(), error };
    match config.search_options(data) {
        Some(options) => Ok(node.searching(Arc::new(Index::new(options).map_err(failed)?))),
        None => match fs::remove_dir_all(data.search()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(node),
        },
    }
}

/// Feeds the node's index for as long as it runs, and begins again where something went wrong.
pub(crate) async fn feed(node: Arc<Node>) {
    let mut pause = limits::FEED_AGAIN_MIN;
    loop {
        let began = Instant::now();
        let Err(error) = run(&node).await else { return };
        tracing::warn!(%error, "the index of messages waits");
        if began.elapsed() > limits::FEED_AGAIN_MAX {
            pause = limits::FEED_AGAIN_MIN;
        }
        sleep(pause).await;
        pause = (pause * 2).min(limits::FEED_AGAIN_MAX);
        if let Some(port) = node.search.port().filter(|_| error.needs_reset()) {
            tracing::warn!("the index of messages is made anew");
            if let Err(error) = port.reset().await {
                tracing::warn!(%error, "the index of messages can't be removed");
            }
        }
    }
}

/// Reads what there is for as long as a tick lasts, or less while the server has much to do, which is
/// what it says.
async fn read(feed: &mut Feed) -> Result<bool, FeedError> {
    let until = Instant::now() + limits::INDEX_EVERY;
    let (mut written, mut read) = (feed.take_written(), 0);
    while let Some(events) = feed.step().await? {
        read += events;
        written += feed.take_written();
        let is_busy = written > limits::INDEX_BUSY_EVENTS;
        if (is_busy && read >= limits::INDEX_BUSY_EVENTS) || Instant::now() >= until {
            break;
        }
        // Whoever waits for an answer goes first.
        tokio::task::yield_now().await;
    }
    Ok(written > limits::INDEX_BUSY_EVENTS)
}

async fn run(node: &Arc<Node>) -> Result<(), FeedError> {
    let Some(mut feed) = Feed::open(node.clone()).await? else { return Ok(()) };
    let mut ticks = interval(limits::INDEX_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut tick, mut was_whole, mut uncommitted) = (0_u64, false, 0_u64);
    loop {
        ticks.tick().await;
        tick += 1;
        // Where space is short, it isn't for what can be made again.
        if !node.store.writable() {
            continue;
        }
        if tick.is_multiple_of(limits::LOOK_AROUND_TICKS) {
            feed.look_around().await?;
        }
        let is_busy = read(&mut feed).await?;
        let is_first = !was_whole && !feed.has_news();
        if feed.has_news() || is_first || tick.is_multiple_of(limits::INDEX_SEEN_TICKS) {
            uncommitted += 1;
            if !is_busy || uncommitted >= limits::INDEX_BUSY_TICKS {
                feed.commit().await?;
                uncommitted = 0;
            }
        }
        if !was_whole && node.search.is_whole() {
            was_whole = true;
            tracing::info!("all messages can be searched");
        }
    }
}
