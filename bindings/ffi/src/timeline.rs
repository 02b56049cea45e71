//! A room's or a thread's messages as a list that tells its changes.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{HistoryError, Item, pull::Pull, runtime::run};

/// The changes of a list of something, as an enum of its own: there are no generic ones across.
macro_rules! diff {
    ($(#[$doc:meta])* $name:ident, $item:ty, $source:ty) => {
        $(#[$doc])*
        #[derive(Clone, uniffi::Enum)]
        pub enum $name {
            /// A new item, before the one that has this index now.
            Insert {
                /// Where.
                index: u32,
                /// What.
                item: $item,
            },
            /// The item at this index is another now.
            Update {
                /// Where.
                index: u32,
                /// What.
                item: $item,
            },
            /// The item at this index is gone.
            Remove {
                /// Where.
                index: u32,
            },
            /// Everything is different.
            Reset {
                /// The whole list.
                items: Vec<$item>,
            },
        }

        impl From<parlour::Diff<$source>> for $name {
            fn from(diff: parlour::Diff<$source>) -> Self {
                use parlour::Diff;
                // No list is that long.
                let short = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
                match diff.map(<$item>::from) {
                    Diff::Insert { index, item } => $name::Insert { index: short(index), item },
                    Diff::Update { index, item } => $name::Update { index: short(index), item },
                    Diff::Remove { index } => $name::Remove { index: short(index) },
                    Diff::Reset { items } => $name::Reset { items },
                }
            }
        }
    };
}

pub(crate) use diff;

diff!(
    /// One change of a timeline.
    TimelineDiff,
    Item,
    parlour::Item
);

/// The messages of a room, or of a thread with its root, oldest first.
#[derive(uniffi::Object)]
pub struct Timeline {
    first: Mutex<Vec<parlour::Item>>,
    opened_at: Option<u64>,
    pull: Pull<parlour::Timeline>,
}

impl Timeline {
    pub(crate) fn shared(timeline: parlour::Timeline, opened_at: Option<u64>) -> Arc<Self> {
        let first = Mutex::new(timeline.items().to_vec());
        Arc::new(Timeline { first, opened_at, pull: Pull::new(timeline) })
    }
}

#[uniffi::export]
impl Timeline {
    /// The list as it was opened, once: the diffs go on from it.
    pub fn first(&self) -> Vec<Item> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *first).into_iter().map(Item::from).collect()
    }

    /// The newest event of its room that was known when it was opened: what has a greater number arrived
    /// since. None where nothing was known of the room.
    pub fn opened_at(&self) -> Option<u64> {
        self.opened_at
    }

    /// Waits until there are diffs to take; `false` when none come any more. Giving up the wait loses
    /// none.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// The diffs that have come, at most so many.
    pub fn take(&self, max: u32) -> Vec<TimelineDiff> {
        self.pull.take(max).into_iter().map(TimelineDiff::from).collect()
    }

    /// Adds a page before the first item; its items come as diffs. `false` when nothing comes before.
    ///
    /// # Errors
    /// When it isn't in the cache and there is no connection.
    pub async fn load_older(&self, limit: u32) -> Result<bool, HistoryError> {
        let older = self.pull.with(|timeline| timeline.load_older(limit));
        run(async { Ok(older.await?) }).await
    }
}
