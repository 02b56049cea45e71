//! A nudge: somebody who waits is told that there may be something to do. Lost ones cost time and no more.

use std::{
    future::poll_fn,
    sync::{Mutex, MutexGuard},
    task::{Poll, Waker},
};

#[derive(Debug, Default)]
struct State {
    is_given: bool,
    waker: Option<Waker>,
}

/// Given by any number, heard by one.
#[derive(Debug, Default)]
pub struct Nudge {
    state: Mutex<State>,
}

impl Nudge {
    /// There may be something to do.
    pub fn give(&self) {
        let mut state = self.lock();
        state.is_given = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends once one was given since this ended last.
    pub async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.lock();
            if std::mem::take(&mut state.is_given) {
                return Poll::Ready(());
            }
            state.waker = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}
