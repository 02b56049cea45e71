//! The rooms as an observable list.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{Diff, RoomSummary, observe::Feed};

/// The user's rooms, the one with the newest event first: a list, and a stream of the changes of
/// that list. Each diff is made to [`RoomList::items`] before it is handed out.
#[derive(Debug)]
pub struct RoomList {
    items: Vec<Arc<RoomSummary>>,
    feed: Feed<Diff<Arc<RoomSummary>>>,
}

impl RoomList {
    pub(crate) fn new(items: Vec<Arc<RoomSummary>>, feed: Feed<Diff<Arc<RoomSummary>>>) -> Self {
        RoomList { items, feed }
    }

    /// The list as of the last diff.
    pub fn items(&self) -> &[Arc<RoomSummary>] {
        &self.items
    }

    /// Makes the changes that have come by now, without handing them out.
    pub fn refresh(&mut self) -> &[Arc<RoomSummary>] {
        use futures_util::{FutureExt, StreamExt};
        while let Some(Some(_)) = self.next().now_or_never() {}
        &self.items
    }
}

impl Stream for RoomList {
    type Item = Diff<Arc<RoomSummary>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let diff = std::task::ready!(Pin::new(&mut this.feed).poll_next(cx));
        Poll::Ready(diff.inspect(|diff| diff.clone().apply(&mut this.items)))
    }
}
