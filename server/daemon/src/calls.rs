//! Calls of the protocol that come without a connection: over HTTP, or from an operator. They go the
//! way that those of connections go, and leave nothing behind.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use parlour_core::{
    admission::Refusal,
    draft::{Again, Committed, Draft, Refused, Submission, Submit, Then, needs_connection},
    hooks::{Hooked, Posting},
    limits::RERUNS_MAX,
    node::{Caller, Node, Outcome},
    ports::store::StoreError,
};
use parlour_protocol::{
    generated::method,
    wire::{Error, ErrorReason},
};
use tokio::sync::oneshot;

use crate::{
    limits::{
        attempts::{Attempt, LOOKED_AT_ONE_IN},
        rate::{CallOf, Limited, RateLimits, Wait, counts_for_org},
    },
    metrics::{CallEnd, LimitedBy, Metrics},
    traces::{CallSpan, Part},
};

/// What limits callers, however they call.
pub(crate) type SharedRates = Arc<Mutex<RateLimits>>;

/// Why a caller has to wait before that method is called, if they do.
pub(crate) fn over_rate(
    rates: &Mutex<RateLimits>,
    metrics: &Metrics,
    caller: &Caller,
    number: u32,
    now: Duration,
) -> Option<Error> {
    let Caller { user, device, org, .. } = *caller;
    let org = counts_for_org(number).then_some(org);
    wait_of(rates, metrics, CallOf { user, device, org }, now)
}

/// The same of whoever has no token.
pub(crate) fn wait_of(
    rates: &Mutex<RateLimits>,
    metrics: &Metrics,
    of: CallOf,
    now: Duration,
) -> Option<Error> {
    let mut rates = rates.lock().expect("no panic while the lock is held");
    let Limited { by, wait } = rates.call(of, now).err()?;
    metrics.limited(by);
    let what = match by {
        LimitedBy::Organization => "calls of the organization come too fast",
        _ => "calls come too fast",
    };
    Some(Error::new(ErrorReason::RateLimited, what).after_ms(wait_ms(wait)))
}

fn wait_ms(wait: Wait) -> u64 {
    u64::try_from(wait.0.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Somebody who wants to come in with a secret: a token, a key, a hook's address.
pub(crate) struct Knock<'a> {
    pub(crate) rates: &'a Mutex<RateLimits>,
    pub(crate) metrics: &'a Metrics,
    pub(crate) node: &'a Node,
    /// From where; `None` where that can't be known.
    pub(crate) from: Option<IpAddr>,
    pub(crate) secret: &'a [u8],
}

impl Knock<'_> {
    /// After how many milliseconds to try again, if the secret isn't looked at now.
    pub(crate) fn wait_ms(&self) -> Option<u64> {
        let from = self.from?;
        let (now, is_lucky) = (self.node.now().elapsed, || self.node.one_in(LOOKED_AT_ONE_IN));
        let rates = self.rates.lock().expect("no panic while the lock is held");
        let wait = rates.attempts.may_try(from, self.secret, is_lucky, now).err()?;
        self.metrics.limited(LimitedBy::Address);
        Some(wait_ms(wait))
    }

    /// It was looked at.
    pub(crate) fn handle(&self, attempt: Attempt) {
        let Some(from) = self.from else { return };
        let now = self.node.now().elapsed;
        let mut rates = self.rates.lock().expect("no panic while the lock is held");
        rates.attempts.handle(from, self.secret, attempt, now);
    }

    /// Lets somebody in, or says why not.
    pub(crate) async fn admit<T>(
        &self,
        admission: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        if let Some(ms) = self.wait_ms() {
            return Err(Refusal::TooOften(ms));
        }
        let admitted = admission.await;
        self.handle(Attempt::of(&admitted));
        admitted
    }
}

/// Makes a call of the control lane, again where what it was decided on changed meanwhile. It has paid
/// already.
pub(crate) async fn call(
    node: &Arc<Node>,
    submit: &dyn Submit,
    caller: &Arc<Caller>,
    number: u32,
    body: Bytes,
    span: CallSpan,
) -> Result<Bytes, Error> {
    let result = decide(node, submit, caller, Again::first(number, body, None), &span).await;
    span.ended(match &result {
        Ok(_) => CallEnd::Ok,
        Err(error) => CallEnd::Error(error),
    });
    result
}

async fn decide(
    node: &Arc<Node>,
    submit: &dyn Submit,
    caller: &Arc<Caller>,
    mut again: Again,
    span: &CallSpan,
) -> Result<Bytes, Error> {
    if method(again.method).is_some_and(|method| method.needs_connection) {
        return Err(needs_connection());
    }
    loop {
        let deciding = span.deciding();
        let outcome = node.call(caller, &again, || None).await;
        drop(deciding);
        let (draft, answer) = match outcome {
            Outcome::Now(result) => return result,
            Outcome::Commit(draft, answer) => (draft, answer),
        };
        match told_to(submit, draft, span.committing()).await? {
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

/// Writes who is new, or has another name, and on which day they came in; again where the directory changed
/// meanwhile. An error where they can't come in, since their organization has as many users as it may.
pub(crate) async fn introduce(
    node: &Node,
    submit: &dyn Submit,
    caller: &Caller,
    mut draft: Option<Draft>,
) -> Result<(), Error> {
    for _ in 0..RERUNS_MAX {
        let Some(next) = draft.take() else { break };
        match told(submit, next).await {
            Ok(Ok(_)) => break,
            Ok(Err(Refused::Stale)) => {}
            Ok(Err(Refused::Decided(error))) => return Err(*error),
            // A new name is not worth keeping somebody out, e.g. while the disk is full.
            _ => {
                tracing::warn!("a user's record could not be written");
                return Ok(());
            }
        }
        draft = node.introduction(caller).await.unwrap_or_default();
    }
    if let Some(draft) = node.coming_in(caller) {
        let then = Then::Callback(Box::new(|_| {}));
        submit.submit(Submission { draft, then });
    }
    Ok(())
}

/// Posts a message by a hook. How fast that goes is the hook's own, as is its device.
pub(crate) async fn post_by_hook(
    node: &Node,
    submit: &dyn Submit,
    rates: impl FnOnce(&Hooked) -> Option<Error>,
    address: &[u8],
    post: HookPost<'_>,
) -> Result<u64, Error> {
    let mut hook = node.hook(address).await?;
    if let Some(error) = rates(&hook) {
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
) -> Result<Result<Committed, Refused>, Error> {
    told_to(submit, draft, Part::default()).await
}

/// The same as a part of a call.
async fn told_to(
    submit: &dyn Submit,
    draft: Draft,
    committing: Part,
) -> Result<Result<Committed, Refused>, Error> {
    let (done, answer) = oneshot::channel();
    let then = Then::Callback(Box::new(move |result| {
        drop(committing);
        let _ = done.send(result);
    }));
    submit.submit(Submission { draft, then });
    answer.await.map_err(|_| Error::new(ErrorReason::Draining, "the server is stopping"))
}
