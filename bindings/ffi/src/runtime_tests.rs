//! What runs on the runtime ends as other languages expect.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

use tokio::sync::oneshot;

use super::{Builder, run};
use crate::CallError;

fn block_on<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

#[test]
fn a_panic_is_an_error_and_no_abort() {
    let panics = async { Err::<(), CallError>(serious()) };
    assert_eq!(block_on(run(panics)), Err(CallError::Panicked));
    let fine = block_on(run(async { Ok::<_, CallError>(7) }));
    assert_eq!(fine, Ok(7));
}

fn serious() -> CallError {
    panic!("a bug")
}

#[test]
fn the_first_step_is_made_in_turn() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let step = |nth: usize| {
        let order = order.clone();
        run(async move {
            order.lock().expect("nobody panics").push(nth);
            tokio::task::yield_now().await;
            Ok::<_, CallError>(())
        })
    };
    // Looked at one after the other.
    let all = block_on(futures_util::future::join_all((0..30).map(step)));
    assert!(all.iter().all(Result::is_ok));
    assert!(order.lock().expect("nobody panics").is_sorted());
}

#[test]
fn dropping_the_future_ends_the_work() {
    let (held, is_dropped) = oneshot::channel::<()>();
    let (begun, has_begun) = oneshot::channel::<()>();
    let work = async move {
        let _held = Arc::new(held);
        let _ = begun.send(());
        std::future::pending::<Result<(), CallError>>().await
    };
    block_on(async {
        let mut running = Box::pin(run(work));
        let early = poll_fn(|cx| Poll::Ready(running.as_mut().poll(cx).is_pending())).await;
        assert!(early);
        has_begun.await.expect("it began");
        drop(running);
        // The sender goes with the task.
        assert!(is_dropped.await.is_err());
    });
}
