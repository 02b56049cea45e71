//! The replies under a message.

use std::sync::Arc;

use crate::{
    CallError, Draft, HistoryError, QueueError, Sent, ThreadSummary, Timeline,
    ids::{show, show_all},
    runtime::run,
};

/// The thread under a message, be it an empty one.
#[derive(uniffi::Object)]
pub struct Thread {
    pub(crate) inner: parlour::Thread,
}

impl Thread {
    pub(crate) fn shared(inner: parlour::Thread) -> Arc<Self> {
        Arc::new(Thread { inner })
    }
}

#[uniffi::export]
impl Thread {
    /// The id of its room.
    pub fn room(&self) -> String {
        show(self.inner.room().id())
    }

    /// The message it stands under, by its number in the log.
    pub fn root_seq(&self) -> u64 {
        self.inner.root_seq()
    }

    /// Replies, and waits until the server has it on its disk.
    ///
    /// # Errors
    /// When the text isn't 1 byte to 16 KiB, or the server refuses.
    pub async fn send(&self, draft: Draft) -> Result<Sent, QueueError> {
        let (thread, draft) = (self.inner.clone(), draft.told()?);
        run(async move { Ok(thread.send(draft).await?.into()) }).await
    }

    /// The root and the replies.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn timeline(&self) -> Result<Arc<Timeline>, HistoryError> {
        let thread = self.inner.clone();
        run(async move {
            let known = thread.room().summary().await.ok().flatten().map(|known| known.last_seq);
            Ok(Timeline::shared(thread.timeline().await?, known))
        })
        .await
    }

    /// Follows it from now on.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn follow(&self) -> Result<(), CallError> {
        let thread = self.inner.clone();
        run(async move { Ok(thread.follow().await?) }).await
    }

    /// Follows it no longer.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn unfollow(&self) -> Result<(), CallError> {
        let thread = self.inner.clone();
        run(async move { Ok(thread.unfollow().await?) }).await
    }

    /// Everything up to the reply at `seq` is read. Never moves the marker back.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn mark_read(&self, seq: u64) -> Result<(), CallError> {
        let thread = self.inner.clone();
        run(async move { Ok(thread.mark_read(seq).await?) }).await
    }
}

/// A thread that the user follows, as it was when it was asked for.
#[derive(Clone, uniffi::Record)]
pub struct FollowedThread {
    /// The thread.
    pub thread: Arc<Thread>,
    /// What stands in it.
    pub summary: ThreadSummary,
    /// Who replied last, at most 5, the last one first.
    pub repliers: Vec<String>,
    /// Unread replies.
    pub unread: u64,
    /// Of those, the ones that mention the user.
    pub mentions: u64,
}

impl From<parlour::FollowedThread> for FollowedThread {
    fn from(followed: parlour::FollowedThread) -> Self {
        FollowedThread {
            thread: Thread::shared(followed.thread),
            summary: followed.summary.into(),
            repliers: show_all(&followed.repliers),
            unread: followed.unread,
            mentions: followed.mentions,
        }
    }
}
