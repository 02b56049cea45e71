//! The runtime that everything runs on, started when it is first needed and ended by `shutdown`.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::{JoinError, JoinHandle},
};

/// One to wait for the network while the other one works.
const THREADS: usize = 2;

enum Standing {
    Unused,
    Running(Runtime),
    Ended,
}

static RUNTIME: Mutex<Standing> = Mutex::new(Standing::Unused);

/// Why something didn't come to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It panicked: a bug.
    Panicked,
    /// The runtime has ended, or couldn't be started.
    Ended,
}

/// Runs it on the runtime. Dropping this future ends it there as well.
///
/// Its first step is made at once, by whoever polls first: what is sent in turn is written down in turn, which tasks
/// of several threads wouldn't do.
pub(crate) async fn run<T, E>(
    future: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Broken> + Send + 'static,
{
    let handle = handle().ok_or(Broken::Ended)?;
    let mut future = Box::pin(future);
    let first = std::future::poll_fn(|cx| {
        let _entered = handle.enter();
        let step = AssertUnwindSafe(|| future.as_mut().poll(cx));
        Poll::Ready(catch_unwind(step).map_err(|_| Broken::Panicked))
    });
    if let Poll::Ready(done) = first.await? {
        return done;
    }
    // Another waker takes over, and looks at it again first.
    let task = Task(handle.spawn(future));
    task.await.map_err(|error| if error.is_panic() { Broken::Panicked } else { Broken::Ended })?
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn standing() -> MutexGuard<'static, Standing> {
    RUNTIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn handle() -> Option<Handle> {
    let mut standing = standing();
    if let Standing::Unused = *standing {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(THREADS).thread_name("parlour").enable_all().build();
        *standing = Standing::Running(runtime.ok()?);
    }
    match &*standing {
        Standing::Running(runtime) => Some(runtime.handle().clone()),
        Standing::Unused | Standing::Ended => None,
    }
}

/// Disconnects every client and ends the threads, each within that time. A language whose runtime
/// can't be called while the process ends calls this before: afterwards nothing does, and every
/// call answers that the client is closed. There is no way back.
#[uniffi::export]
pub fn shutdown(within_ms: u64) {
    let ended = std::mem::replace(&mut *standing(), Standing::Ended);
    let Standing::Running(runtime) = ended else { return };
    let within = Duration::from_millis(within_ms);
    // One that can't take its leave in time is closed without it.
    let _ = runtime.block_on(async { tokio::time::timeout(within, crate::client::leave()).await });
    runtime.shutdown_timeout(within);
}

#[cfg(test)]
#[path = "runtime_tests.rs"]
mod tests;
