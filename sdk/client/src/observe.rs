//! Observers: lists as diffs, events as they come. An observer that doesn't keep up gets the whole
//! list instead of ever more diffs.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use parlour_sdk_core::diff::Diff;

use crate::limits::FEED_DIFFS_MAX;

/// Both ends of a bounded queue between the driver and an observer.
#[derive(Debug)]
struct Queue<T> {
    items: VecDeque<T>,
    waker: Option<Waker>,
    is_closed: bool,
}

#[derive(Debug)]
struct Shared<T>(Mutex<Queue<T>>);

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        // A panic while the lock was held leaves a queue, which is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The observer's end.
#[derive(Debug)]
pub(crate) struct Feed<T>(Arc<Shared<T>>);

/// The driver's end. It ends the feed when it is dropped.
#[derive(Debug)]
pub(crate) struct Publisher<T>(Weak<Shared<T>>);

pub(crate) fn feed<T>() -> (Publisher<T>, Feed<T>) {
    let queue = Queue { items: VecDeque::new(), waker: None, is_closed: false };
    let shared = Arc::new(Shared(Mutex::new(queue)));
    (Publisher(Arc::downgrade(&shared)), Feed(shared))
}

impl<T> Publisher<T> {
    /// Changes the queue; `false` when nobody observes any more.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut VecDeque<T>)) -> bool {
        let Some(shared) = self.0.upgrade() else { return false };
        let waker = {
            let mut queue = shared.lock();
            change(&mut queue.items);
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl<T: Clone> Publisher<Diff<T>> {
    /// Hands out changes that lead to `whole`.
    pub(crate) fn publish_diffs(&self, diffs: &[Diff<T>], whole: impl FnOnce() -> Vec<T>) -> bool {
        self.publish(|queue| {
            if queue.len() + diffs.len() > FEED_DIFFS_MAX {
                queue.clear();
                queue.push_back(Diff::Reset { items: whole() });
            } else {
                queue.extend(diffs.iter().cloned());
            }
        })
    }
}

impl<T> Drop for Publisher<T> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            let waker = {
                let mut queue = shared.lock();
                queue.is_closed = true;
                queue.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<T> Stream for Feed<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut queue = self.0.lock();
        match queue.items.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if queue.is_closed => Poll::Ready(None),
            None => {
                queue.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    #[test]
    fn an_observer_that_is_far_behind_gets_the_whole_list() {
        let (publisher, mut feed) = feed::<Diff<u8>>();
        let insert = [Diff::Insert { index: 0, item: 1 }];
        for _ in 0..FEED_DIFFS_MAX {
            publisher.publish_diffs(&insert, Vec::new);
        }
        publisher.publish_diffs(&insert, || vec![7]);
        assert_eq!(feed.next().now_or_never(), Some(Some(Diff::Reset { items: vec![7] })));
        assert_eq!(feed.next().now_or_never(), None);
    }

    #[test]
    fn a_feed_ends_with_its_publisher_and_the_other_way_round() {
        let (publisher, mut feed_) = feed::<u8>();
        publisher.publish(|queue| queue.push_back(1));
        drop(publisher);
        assert_eq!(feed_.next().now_or_never(), Some(Some(1)));
        assert_eq!(feed_.next().now_or_never(), Some(None));
        let (publisher, feed_) = feed::<u8>();
        drop(feed_);
        assert!(!publisher.publish(|queue| queue.push_back(1)));
    }
}
