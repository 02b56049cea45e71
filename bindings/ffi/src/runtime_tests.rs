//! What runs on the runtime ends as other languages expect.

use std::{future::poll_fn, sync::Arc, task::Poll};

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
fn the_first_step_is_made_by_whoever_calls_and_the_rest_by_others() {
    let here = || std::thread::current().id();
    let steps = run(async move {
        let first = here();
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok::<_, CallError>((first, here()))
    });
    let (first, second) = block_on(steps).expect("nothing fails");
    assert_eq!(first, here());
    assert_ne!(second, here());
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
