//! Who stops waiting is heard.

use futures_util::FutureExt;
use parlour_protocol::{generated::rpc, search::SearchMessagesRequest};

use super::*;

#[tokio::test]
async fn who_waits_for_a_bulk_answer_no_more_wakes_the_driver() {
    let (sender, mut commands) = mpsc::channel(1);
    let (cancels, mut cancelled) = mpsc::unbounded_channel();
    let (me, path) = (watch::channel(None).1, watch::channel(None).1);
    let handle = Handle::new(sender.downgrade(), cancels, me, Transfers::new(path));
    let mut asked =
        Box::pin(handle.ask_bulk::<rpc::SearchMessages>(SearchMessagesRequest::default()));
    assert!((&mut asked).now_or_never().is_none());
    let Some(Command::Ask { reply, .. }) = commands.recv().await else { panic!("no bulk call") };
    assert!(!reply.is_closed() && cancelled.try_recv().is_err());
    drop(asked);
    assert!(cancelled.try_recv().is_ok() && reply.is_closed());
}

#[tokio::test]
async fn who_was_answered_has_nothing_to_give_up() {
    let (sender, mut commands) = mpsc::channel(1);
    let (cancels, mut cancelled) = mpsc::unbounded_channel();
    let (me, path) = (watch::channel(None).1, watch::channel(None).1);
    let handle = Handle::new(sender.downgrade(), cancels, me, Transfers::new(path));
    let answer = async {
        let Some(Command::Ask { reply, .. }) = commands.recv().await else {
            panic!("no bulk call")
        };
        reply.send(Ok(vec![])).expect("it is waited for");
    };
    let asked = handle.ask_bulk::<rpc::SearchMessages>(SearchMessagesRequest::default());
    let (items, ()) = tokio::join!(asked, answer);
    assert_eq!(items, Ok(vec![]));
    assert!(cancelled.try_recv().is_err());
}
