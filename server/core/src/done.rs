//! Waiting, without a runtime, for callbacks: a future that ends when all of them were called.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use crate::draft::{Committed, Draft, Refused, Submission, Submit, Then};

/// Hands a draft over and waits for what becomes of it.
pub async fn committed(hub: &Arc<dyn Submit>, draft: Draft) -> Result<Committed, Refused> {
    let done = AllDone::default();
    let told = Arc::new(Mutex::new(None));
    done.expect_one();
    let (all, tells) = (done.clone(), told.clone());
    let then = Then::Callback(Box::new(move |result| {
        *tells.lock().expect("no panic while the lock is held") = Some(result);
        all.one_done(true);
    }));
    hub.submit(Submission { draft, then });
    done.await;
    let told = told.lock().expect("no panic while the lock is held").take();
    told.unwrap_or(Err(Refused::Busy))
}

#[derive(Debug, Default)]
struct State {
    left: usize,
    failed: bool,
    waker: Option<Waker>,
}

/// A number of callbacks to wait for; resolves to whether all of them said yes.
#[derive(Clone, Debug, Default)]
pub struct AllDone {
    state: Arc<Mutex<State>>,
}

impl AllDone {
    /// Waits for one more.
    pub fn expect_one(&self) {
        self.lock().left += 1;
    }

    /// One of them is done.
    pub fn one_done(&self, well: bool) {
        let mut state = self.lock();
        state.left -= 1;
        state.failed |= !well;
        let waker = if state.left == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}

impl Future for AllDone {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        if state.left == 0 {
            return Poll::Ready(!state.failed);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
