//! Outgoing webhooks: what the node knows of them, and how what happens in rooms gets to whoever is to be
//! told. Each reads the rooms' logs behind a mark of its own that is kept, so nothing is lost when the
//! server dies, and nothing is queued. The network is behind a port.
//!
//! A webhook's *epoch* tells its lives apart: what revokes or resumes it writes the step of the epoch it
//! was decided on, and everything the courier writes needs that step to be absent. So no late mark
//! overwrites where it was told to go on, and none outlives it.

pub mod courier;
pub mod filter;
mod line;
pub mod rows;
mod start;
mod under_way;

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

use parlour_protocol::{
    ids::RoomId,
    wire::{Error, ErrorReason},
};
use rustc_hash::FxHashSet;

use crate::ports::posts::Poster;

/// What the node knows of webhooks.
#[derive(Default)]
pub struct Webhooks {
    port: Option<Arc<dyn Poster>>,
    // Whether there are any: where there are none, nobody notes what happens.
    is_used: AtomicBool,
    news: Mutex<News>,
}

#[derive(Default)]
struct News {
    rooms: FxHashSet<RoomId>,
    is_changed: bool,
    waker: Option<Waker>,
}

impl Webhooks {
    /// With somebody who posts.
    pub fn over(port: Arc<dyn Poster>) -> Self {
        Webhooks { port: Some(port), ..Webhooks::default() }
    }

    /// Whoever posts, if anybody does.
    pub fn port(&self) -> Result<&Arc<dyn Poster>, Error> {
        let disabled = || Error::new(ErrorReason::WebhooksDisabled, "nothing is posted from here");
        self.port.as_ref().ok_or_else(disabled)
    }

    /// A room's log has an event more. Only a hint.
    pub(crate) fn note(&self, room: RoomId) {
        if self.is_used.load(Ordering::Acquire) {
            let mut news = self.news();
            news.rooms.insert(room);
            wake(news);
        }
    }

    /// There are other webhooks than before, or they are otherwise.
    pub(crate) fn note_change(&self) {
        if self.port.is_some() {
            let mut news = self.news();
            news.is_changed = true;
            wake(news);
        }
    }

    /// Waits until there is something new.
    pub async fn wait(&self) {
        poll_fn(|context| {
            let mut news = self.news();
            if news.is_changed || !news.rooms.is_empty() {
                return Poll::Ready(());
            }
            news.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// From now on it is noted what happens, or it isn't.
    fn set_used(&self, is_used: bool) {
        self.is_used.store(is_used, Ordering::Release);
    }

    fn take_rooms(&self) -> FxHashSet<RoomId> {
        std::mem::take(&mut self.news().rooms)
    }

    fn take_change(&self) -> bool {
        std::mem::take(&mut self.news().is_changed)
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().expect("no panic while the lock is held")
    }
}

fn wake(mut news: MutexGuard<'_, News>) {
    let waker = news.waker.take();
    drop(news);
    if let Some(waker) = waker {
        waker.wake();
    }
}
