//! The open room: its timeline is followed, and what is asked of its messages is done.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use parlour::{Draft, HistoryError, Message, PageError, Place, QueueError, Room, Timeline};
use tokio::sync::mpsc;

use super::{convert, words};
use crate::model::Event;

/// Events asked for at once when history is read.
const PAGE: u32 = 50;
/// A page that is interrupted is asked for again after this time, this often.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
const ATTEMPTS_MAX: u32 = 20;

/// What can be asked of the open room.
#[derive(Debug)]
pub(super) enum Order {
    Older,
    Send(Draft),
    Change(Place, Change),
}

/// What can be done to a message.
#[derive(Debug)]
pub(super) enum Change {
    Edit(String),
    Delete,
    Retry,
}

/// Follows the timeline of a room, or of a thread of it, until nobody asks or listens any more.
pub(super) async fn follow(
    room: Room,
    thread: Option<u64>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::Sender<Event>,
) {
    let timeline = match thread {
        Some(root) => room.thread(root).timeline().await,
        None => room.timeline().await,
    };
    let mut timeline = match timeline {
        Ok(timeline) => timeline,
        Err(error) => return drop(events.send(Event::Failed(error.to_string())).await),
    };
    // What is under way goes on while the timeline is followed.
    let mut under_way = FuturesUnordered::new();
    if !show(&mut timeline, thread, &events).await {
        return;
    }
    loop {
        tokio::select! {
            diff = timeline.next() => {
                if diff.is_none() || !show(&mut timeline, thread, &events).await {
                    return;
                }
            }
            order = orders.recv() => match order {
                None => break,
                Some(Order::Older) => {
                    let more = older(&timeline, PAGE).await;
                    let more = more.map_err(|error| words::history_words(&error));
                    if !show(&mut timeline, thread, &events).await {
                        return;
                    }
                    let _ = events.send(Event::Older { room: room.id(), thread, more }).await;
                }
                Some(Order::Send(draft)) => match room.queue(draft).await {
                    Ok(queued) => under_way.push(async { queued.sent().await.map(drop) }.boxed()),
                    Err(error) => fail(&error, &events).await,
                },
                Some(Order::Change(place, change)) => {
                    if let Some(message) = message(&timeline, place) {
                        under_way.push(make(change, message).boxed());
                    }
                }
            },
            Some(Err(error)) = under_way.next() => fail(&error, &events).await,
        }
    }
    // Another room is open; what was asked for in this one is still to be done.
    while let Some(result) = under_way.next().await {
        if let Err(error) = result {
            fail(&error, &events).await;
        }
    }
}

/// Reads a page of history, again where something new came in between.
pub(crate) async fn older(timeline: &Timeline, limit: u32) -> Result<bool, HistoryError> {
    let mut attempts = 0;
    loop {
        match timeline.load_older(limit).await {
            Err(HistoryError::Page(PageError::Interrupted)) if attempts < ATTEMPTS_MAX => {
                attempts += 1;
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            result => return result,
        }
    }
}

async fn make(change: Change, message: Message) -> Result<(), QueueError> {
    match change {
        Change::Edit(text) => {
            message.edit(&text).await?;
            // One that failed goes out again with its new text.
            if message.seq().is_none() { message.retry().await } else { Ok(()) }
        }
        Change::Delete => message.delete().await,
        Change::Retry => message.retry().await,
    }
}

fn message(timeline: &Timeline, place: Place) -> Option<Message> {
    timeline.items().iter().find(|item| item.place() == place)?.message().cloned()
}

async fn fail(error: &QueueError, events: &mpsc::Sender<Event>) {
    let _ = events.send(Event::Failed(words::queue_words(error))).await;
}

/// The timeline as it is now; `false` when nobody listens.
async fn show(timeline: &mut Timeline, thread: Option<u64>, events: &mpsc::Sender<Event>) -> bool {
    let room = timeline.room().id();
    let entries = timeline.refresh().iter().map(convert::entry).collect();
    events.send(Event::Entries { room, thread, entries }).await.is_ok()
}
