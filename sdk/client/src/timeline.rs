//! A room's timeline as an observable list.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use parlour_sdk_core::timeline as core;

use crate::{Diff, Item, Room, error::HistoryError, observe::Feed};

/// The messages of a room, or of a thread with its root, oldest first: a list, and a stream of the changes of that list. Each diff is
/// made to [`Timeline::items`] before it is handed out.
///
/// What the user has sent stands at the end until the log has it, so the list shows a message at
/// once. The room's whole events are read as long as a timeline of it exists.
#[derive(Debug)]
pub struct Timeline {
    room: Room,
    scope: core::Scope,
    items: Vec<Item>,
    feed: Feed<Diff<Arc<core::Item>>>,
}

impl Timeline {
    pub(crate) fn new(
        room: Room,
        scope: core::Scope,
        items: Vec<Arc<core::Item>>,
        feed: Feed<Diff<Arc<core::Item>>>,
    ) -> Self {
        let items = items.into_iter().map(|item| Item::new(item, &room)).collect();
        Timeline { room, scope, items, feed }
    }

    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The list as of the last diff, oldest first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Adds a page before the first item; its items come as diffs, and have come when this
    /// returns. `false` when nothing comes before. The future borrows nothing: diffs can be read
    /// meanwhile.
    ///
    /// # Errors
    /// When it isn't in the cache and there is no connection.
    pub fn load_older(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<bool, HistoryError>> + Send + use<> {
        let (room, scope) = (self.room.clone(), self.scope);
        async move { room.load_older(scope, limit).await }
    }

    /// Makes the changes that have come by now, without handing them out.
    pub fn refresh(&mut self) -> &[Item] {
        use futures_util::{FutureExt, StreamExt};
        while let Some(Some(_)) = self.next().now_or_never() {}
        &self.items
    }
}

impl Stream for Timeline {
    type Item = Diff<Item>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Diff<Item>>> {
        let this = self.get_mut();
        let diff = std::task::ready!(Pin::new(&mut this.feed).poll_next(cx));
        Poll::Ready(diff.map(|diff| {
            let diff = diff.map(|item| Item::new(item, &this.room));
            diff.clone().apply(&mut this.items);
            diff
        }))
    }
}
