//! What is pulled comes whole, in order, in batches, and survives a wait that was given up.

use futures_util::{FutureExt, stream};

use super::{AHEAD_MAX, Pull};

#[test]
fn a_wait_that_is_given_up_loses_nothing() {
    let pull = Pull::new(stream::iter([1, 2, 3]));
    // Answered, and the answer is thrown away.
    assert_eq!(pull.ready().now_or_never(), Some(true));
    assert_eq!(pull.ready().now_or_never(), Some(true));
    assert_eq!(pull.take(2), [1, 2]);
    assert_eq!(pull.ready().now_or_never(), Some(true));
    assert_eq!(pull.take(2), [3]);
    assert_eq!(pull.ready().now_or_never(), Some(false));
}

#[test]
fn no_more_is_held_than_the_bound() {
    let pull = Pull::new(stream::repeat(0_u8));
    assert_eq!(pull.ready().now_or_never(), Some(true));
    assert_eq!(pull.take(u32::MAX).len(), AHEAD_MAX);
}

#[test]
fn whoever_waits_for_nothing_waits() {
    let pull = Pull::new(stream::pending::<u8>());
    assert_eq!(pull.ready().now_or_never(), None);
    assert!(pull.take(1).is_empty());
}

#[test]
fn the_end_can_be_waited_for_again() {
    // One that panics when it is looked at behind its end.
    let once = stream::unfold(true, async |more| more.then_some((1, false)));
    let pull = Pull::new(Box::pin(once));
    assert_eq!(pull.ready().now_or_never(), Some(true));
    assert_eq!(pull.take(1), [1]);
    assert_eq!(pull.ready().now_or_never(), Some(false));
    assert_eq!(pull.ready().now_or_never(), Some(false));
}
