//! Searching: what the node knows of its index, and how the index follows the logs. The index itself
//! is behind a port; nothing here decides who may read what.

pub mod asked;
pub mod feed;
pub mod words;

use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicBool, Ordering},
};

use parlour_protocol::ids::RoomId;
use rustc_hash::FxHashMap;

use crate::ports::search::Search;

/// What the node knows of its index, if it has one.
#[derive(Default)]
pub struct Searching {
    port: Option<Arc<dyn Search>>,
    // What came since the feed last asked. Only a hint: the feed finds the rest, too.
    news: Mutex<News>,
    // How far the logs of rooms have been read, as those who search now see it.
    reached: RwLock<FxHashMap<RoomId, u64>>,
    is_whole: AtomicBool,
}

/// Rooms that have news, and how many events those are in all.
#[derive(Default)]
struct News {
    rooms: FxHashMap<RoomId, u64>,
    events: u64,
}

impl Searching {
    /// With that index.
    pub fn over(port: Arc<dyn Search>) -> Self {
        Searching { port: Some(port), ..Searching::default() }
    }

    /// The index, if there is one.
    pub fn port(&self) -> Option<&Arc<dyn Search>> {
        self.port.as_ref()
    }

    /// A room's log has an event more.
    pub fn note(&self, room: RoomId, seq: u64) {
        if self.port.is_some() {
            let mut news = self.news.lock().expect("no panic while the lock is held");
            news.rooms.insert(room, seq);
            news.events += 1;
        }
    }

    /// Whether all that was in the logs when the index was opened is in it.
    pub fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// How far a room's log has been read.
    pub fn reached(&self, room: RoomId) -> u64 {
        let reached = self.reached.read().expect("no panic while the lock is held");
        reached.get(&room).copied().unwrap_or(0)
    }

    fn take_news(&self) -> News {
        std::mem::take(&mut *self.news.lock().expect("no panic while the lock is held"))
    }

    /// The index begins anew, with that.
    fn begin(&self, marks: impl IntoIterator<Item = (RoomId, u64)>) {
        self.is_whole.store(false, Ordering::Release);
        let mut reached = self.reached.write().expect("no panic while the lock is held");
        *reached = marks.into_iter().collect();
    }

    fn committed(&self, moved: impl IntoIterator<Item = (RoomId, u64)>, is_whole: bool) {
        self.reached.write().expect("no panic while the lock is held").extend(moved);
        if is_whole {
            self.is_whole.store(true, Ordering::Release);
        }
    }
}
