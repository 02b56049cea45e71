//! Messages that the user wants to be told of.

use std::sync::Arc;

use crate::{
    ids::show,
    pull::{Pull, Unnamed},
};

/// A message that the user wants to be told of.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Notification {
    /// Its room.
    pub room: String,
    /// Its number in the log.
    pub seq: u64,
    /// The message whose thread it belongs to.
    pub thread_root: Option<u64>,
    /// Who wrote it.
    pub sender: Option<String>,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// What it says.
    pub text: String,
}

impl From<parlour::Notification> for Notification {
    fn from(news: parlour::Notification) -> Self {
        Notification {
            room: show(news.room.id()),
            seq: news.seq,
            thread_root: news.thread_root,
            sender: news.sender.map(show),
            at_ms: news.at_ms,
            text: news.text,
        }
    }
}

/// Notifications as they come: what levels, mutes, keywords and do-not-disturb leave. One that isn't taken in
/// time makes place for newer ones.
#[derive(uniffi::Object)]
pub struct Notifications {
    pull: Pull<Unnamed<parlour::Notification>>,
}

impl Notifications {
    pub(crate) fn shared(notifications: parlour::Notifications) -> Arc<Self> {
        let source: Unnamed<_> = Box::pin(notifications);
        Arc::new(Notifications { pull: Pull::new(source) })
    }
}

#[uniffi::export]
impl Notifications {
    /// Waits until there is something to take; `false` when nothing comes any more.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// What has come, at most so many.
    pub fn take(&self, max: u32) -> Vec<Notification> {
        self.pull.take(max).into_iter().map(Notification::from).collect()
    }
}
