//! Streams as they are pulled across: wait until there is something, then take it in a batch.
//!
//! They are two steps because a language may cancel a wait at any moment, also when the answer is
//! under way: what was waited for is still there then, and a list can't lose a change.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_util::{
    Stream, lock,
    stream::{Fuse, StreamExt},
};

/// How much is taken from a stream before somebody asks for it. What is behind that waits in the
/// client, which makes one change of many.
const AHEAD_MAX: usize = 256;

/// A stream whose type has no name.
pub(crate) type Unnamed<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// A stream that is pulled.
pub(crate) struct Pull<S: Stream> {
    queue: Mutex<Queue<S>>,
    // A stream wakes one who waits; others wait for their turn.
    turn: lock::Mutex<()>,
}

struct Queue<S: Stream> {
    ahead: VecDeque<S::Item>,
    // What has ended may not be looked at again.
    source: Fuse<S>,
}

impl<S: Stream + Unpin> Pull<S> {
    pub(crate) fn new(source: S) -> Self {
        let queue = Queue { ahead: VecDeque::new(), source: source.fuse() };
        Pull { queue: Mutex::new(queue), turn: lock::Mutex::new(()) }
    }

    /// Waits until there is something to take; `false` when nothing comes any more.
    pub(crate) async fn ready(&self) -> bool {
        let _turn = self.turn.lock().await;
        std::future::poll_fn(|cx| self.queue().poll_ready(cx)).await
    }

    /// What is there, at most so much of it.
    pub(crate) fn take(&self, max: u32) -> Vec<S::Item> {
        let mut queue = self.queue();
        let count = queue.ahead.len().min(max as usize);
        queue.ahead.drain(..count).collect()
    }

    /// Asks something of the stream itself, also while somebody waits.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&S) -> T) -> T {
        ask(self.queue().source.get_ref())
    }

    fn queue(&self) -> MutexGuard<'_, Queue<S>> {
        // A panic while the lock was held leaves a queue, which is as good as any.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Stream + Unpin> Queue<S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.ahead.len() < AHEAD_MAX {
            match self.source.poll_next_unpin(cx) {
                Poll::Ready(Some(item)) => self.ahead.push_back(item),
                Poll::Ready(None) => return Poll::Ready(!self.ahead.is_empty()),
                Poll::Pending if self.ahead.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(true)
    }
}

#[cfg(test)]
#[path = "pull_tests.rs"]
mod tests;
