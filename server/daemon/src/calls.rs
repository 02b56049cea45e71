//! Calls of the protocol that come without a connection: over HTTP, or from an operator. They go the
//! way that those of connections go, and leave nothing behind.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use parlour_core::{
    draft::{Again, Draft, Refused, Submission, Submit, Then, needs_connection},
    hooks::Posting,
    limits::RERUNS_MAX,
    node::{Caller, Node, Outcome},
    ports::store::StoreError,
};
use parlour_protocol::{
    generated::method,
    ids::{DeviceId, UserId},
    wire::{Error, ErrorReason},
};
use tokio::sync::oneshot;

use crate::{
    limits::rate::RateLimits,
    metrics::{LimitedBy, Metrics},
};

/// What limits callers, however they call.
pub(crate) type SharedRates = Arc<Mutex<RateLimits>>;

/// Why a caller has to wait, if they do.
pub(crate) fn over_rate(
    rates: &Mutex<RateLimits>,
    metrics: &Metrics,
    caller: &Caller,
    now: Duration,
) -> Option<Error> {
    wait_of(rates, metrics, (caller.user, caller.device), now)
}

/// The same of whoever has no token.
pub(crate) fn wait_of(
    rates: &Mutex<RateLimits>,
    metrics: &Metrics,
    (user, device): (UserId, DeviceId),
    now: Duration,
) -> Option<Error> {
    let mut rates = rates.lock().expect("no panic while the lock is held");
    let wait = rates.call(user, device, now).err()?;
    metrics.limited(LimitedBy::User);
    let error = Error::new(ErrorReason::RateLimited, "calls come too fast");
    Some(error.after_ms(u64::try_from(wait.0.as_millis()).unwrap_or(u64::MAX).max(1)))
}

/// Makes a call of the control lane, again where what it was decided on changed meanwhile. It has paid
/// already.
pub(crate) async fn call(
    node: &Arc<Node>,
    submit: &dyn Submit,
    caller: &Arc<Caller>,
    number: u32,
    body: Bytes,
) -> Result<Bytes, Error> {
    if method(number).is_some_and(|method| method.needs_connection) {
        return Err(needs_connection());
    }
    let mut again = Again::first(number, body, None);
    loop {
        let (draft, answer) = match node.call(caller, &again, || None).await {
            Outcome::Now(result) => return result,
            Outcome::Commit(draft, answer) => (draft, answer),
        };
        match told(submit, draft).await? {
            Ok(committed) => return Ok(answer(&committed)),
            Err(Refused::Stale | Refused::Exists) if again.times < RERUNS_MAX => {}
            // What was sent before is answered by a store that takes nothing new, too.
            Err(Refused::Store(StoreError::ReadOnly)) if again.times == 0 => {
                again.takes_nothing = true;
            }
            Err(refused) => return Err(refused.into()),
        }
        again.times += 1;
    }
}

/// Writes who is new, or has another name; again where the directory changed meanwhile.
pub(crate) async fn introduce(
    node: &Node,
    submit: &dyn Submit,
    caller: &Caller,
    mut draft: Option<Draft>,
) -> bool {
    for _ in 0..RERUNS_MAX {
        let Some(next) = draft.take() else { return true };
        match told(submit, next).await {
            Ok(Ok(_)) => return true,
            Ok(Err(Refused::Stale)) => {}
            _ => return false,
        }
        let Ok(again) = node.introduction(caller).await else { return false };
        draft = again;
    }
    false
}

/// Posts a message by a hook. How fast that goes is the hook's own, as is its device.
pub(crate) async fn post_by_hook(
    node: &Node,
    submit: &dyn Submit,
    rates: impl FnOnce(UserId) -> Option<Error>,
    address: &[u8],
    post: HookPost<'_>,
) -> Result<u64, Error> {
    let mut hook = node.hook(address).await?;
    if let Some(error) = rates(hook.user) {
        return Err(error);
    }
    if let Some(draft) = node.hook_introduction(&hook).await?
        && !matches!(told(submit, draft).await, Ok(Ok(_)))
    {
        // The message is worth more than the name beside it.
        tracing::warn!("a hook's name could not be written");
    }
    for _ in 0..=RERUNS_MAX {
        let draft = match node.hook_post(&hook, post.text, post.client_ref).await? {
            Posting::Before(seq) => return Ok(seq),
            Posting::New(draft) => *draft,
        };
        match told(submit, draft).await? {
            Ok(committed) => return Ok(committed.seq),
            Err(Refused::Stale | Refused::Exists) => hook = node.hook(address).await?,
            Err(refused) => return Err(refused.into()),
        }
    }
    Err(Refused::Stale.into())
}

/// What is posted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HookPost<'a> {
    pub(crate) text: &'a str,
    pub(crate) client_ref: Option<&'a [u8]>,
}

/// Hands a draft over and waits for what becomes of it.
pub(crate) async fn told(
    submit: &dyn Submit,
    draft: Draft,
) -> Result<Result<parlour_core::draft::Committed, Refused>, Error> {
    let (done, answer) = oneshot::channel();
    let then = Then::Callback(Box::new(move |result| {
        let _ = done.send(result);
    }));
    submit.submit(Submission { draft, then });
    answer.await.map_err(|_| Error::new(ErrorReason::Draining, "the server is stopping"))
}
