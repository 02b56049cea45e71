//! What the application looks at: where the client stands, its rooms, and the timelines that are open. Lists are
//! made from the changes that the client tells, and told as wholes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures_util::{FutureExt, StreamExt};
use parlour::{Attachment, CallError, Client, Diff, HistoryError, Item, RoomId, Timeline};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use crate::{
    lines::{item_line, room_line, state_line},
    lock, say,
};

/// A wish for a page before what is shown.
type Older = (u32, oneshot::Sender<Result<bool, HistoryError>>);

/// A timeline that is open.
struct Shown {
    items: Arc<Mutex<Vec<Item>>>,
    older: mpsc::Sender<Older>,
    task: AbortHandle,
}

/// All of them, by room and root.
#[derive(Default)]
pub(crate) struct Timelines(Mutex<HashMap<(RoomId, u64), Shown>>);

impl Timelines {
    /// Tells of a timeline from now on.
    pub(crate) fn watch(&self, timeline: Timeline, root: u64) {
        let room = timeline.room().id();
        let items = Arc::new(Mutex::new(timeline.items().to_vec()));
        let (older, wishes) = mpsc::channel(8);
        let task = tokio::spawn(follow(timeline, root, items.clone(), wishes)).abort_handle();
        let shown = Shown { items, older, task };
        if let Some(before) = lock(&self.0).insert((room, root), shown) {
            before.task.abort();
        }
    }

    /// Nobody looks at it any more.
    pub(crate) fn shut(&self, room: RoomId, root: u64) {
        if let Some(shown) = lock(&self.0).remove(&(room, root)) {
            shown.task.abort();
        }
    }

    /// Nobody looks at anything any more.
    pub(crate) fn shut_all(&self) {
        for (_, shown) in lock(&self.0).drain() {
            shown.task.abort();
        }
    }

    /// Adds a page to one.
    pub(crate) async fn older(
        &self,
        room: RoomId,
        root: u64,
        limit: u32,
    ) -> Result<bool, HistoryError> {
        let older = lock(&self.0).get(&(room, root)).map(|shown| shown.older.clone());
        let Some(older) = older else { return Err(HistoryError::Closed) };
        let (done, is_done) = oneshot::channel();
        older.send((limit, done)).await.map_err(|_| HistoryError::Closed)?;
        is_done.await.unwrap_or(Err(HistoryError::Closed))
    }

    /// An attachment of a message that is shown.
    pub(crate) fn file(&self, room: RoomId, seq: u64, hash: &str) -> Option<Attachment> {
        let shown = lock(&self.0);
        let mut in_room = shown.iter().filter(|((of, _), _)| *of == room);
        in_room.find_map(|(_, shown)| {
            let items = lock(&shown.items);
            let message =
                items.iter().filter_map(Item::message).find(|one| one.seq() == Some(seq))?;
            message.attachments.iter().find(|file| file.hash.to_string() == hash).cloned()
        })
    }

    /// The item that something of the outbox shows as.
    pub(crate) fn of_ref(&self, client_ref: &str) -> Option<Item> {
        let is_it = |item: &&Item| {
            let message = item.message();
            let own = message.and_then(|message| message.pending.or(message.client_ref));
            own.is_some_and(|own| own.to_string() == client_ref)
        };
        lock(&self.0).values().find_map(|shown| lock(&shown.items).iter().find(is_it).cloned())
    }
}

async fn follow(
    mut timeline: Timeline,
    root: u64,
    items: Arc<Mutex<Vec<Item>>>,
    mut wishes: mpsc::Receiver<Older>,
) {
    let room = timeline.room().id();
    let tell = |list: &[Item]| {
        let lines: Vec<Value> = list.iter().map(item_line).collect();
        say(&json!({
            "report": "timeline", "room": room.to_string(), "root": root, "items": lines,
        }));
    };
    tell(&lock(&items));
    loop {
        tokio::select! {
            diff = timeline.next() => {
                let Some(diff) = diff else { return };
                // Changes that come together are one for whoever looks at the list.
                let mut diffs = vec![diff];
                while let Some(Some(more)) = timeline.next().now_or_never() {
                    diffs.push(more);
                }
                let mut list = lock(&items);
                for diff in diffs {
                    diff.apply(&mut list);
                }
                tell(&list);
            }
            Some((limit, done)) = wishes.recv() => {
                // Whoever wished for it may be gone.
                let _ = done.send(timeline.load_older(limit).await);
            }
        }
    }
}

/// Tells of what the user wants to be told of.
pub(crate) async fn watch_news(client: &Client) -> Result<(), CallError> {
    let mut news = client.notifications().await?;
    tokio::spawn(async move {
        while let Some(one) = news.next().await {
            say(&json!({"report": "news", "room": one.room.id().to_string(), "seq": one.seq}));
        }
    });
    Ok(())
}

/// Tells of rooms and states until the client ends.
pub(crate) fn watch_client(client: &Client) {
    let mut states = client.state();
    tokio::spawn(async move {
        while let Some(state) = states.next().await {
            say(&state_line(state));
        }
    });
    let of = client.clone();
    tokio::spawn(async move {
        if of.synced().await.is_ok() {
            say(&json!({"report": "synced"}));
        }
    });
    let of = client.clone();
    tokio::spawn(async move {
        let Ok(mut rooms) = of.rooms().await else { return };
        drop(of);
        let mut list = rooms.items().to_vec();
        loop {
            let lines: Vec<Value> = list.iter().map(|room| room_line(room)).collect();
            say(&json!({"report": "rooms", "rooms": lines}));
            let Some(diff) = rooms.next().await else { return };
            let mut diffs: Vec<Diff<_>> = vec![diff];
            while let Some(Some(more)) = rooms.next().now_or_never() {
                diffs.push(more);
            }
            for diff in diffs {
                diff.apply(&mut list);
            }
        }
    });
}
