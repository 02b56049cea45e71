//! Who is there, and what they say of themselves.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use parlour_protocol::{
    generated::rpc,
    ids::UserId,
    presence::{SetStatusRequest, Status as WireStatus},
};
pub use parlour_sdk_core::presence::{
    Activity, Availability, PresenceSettings, Status, UserPresence,
};

use crate::{
    Diff,
    driver::Command,
    error::{CallError, WatchError},
    handle::{Gone, Handle},
    observe::Feed,
};

/// Presence: what this device says of the user, whom they watch, and what they have set. It doesn't
/// keep the client alive.
///
/// Until one of [`Presence::set_active`] and [`Presence::set_idle`] is called, the device doesn't
/// count: programs aren't shown as somebody who is there. What was said last is said again by the
/// client itself, while it holds and on every new connection.
#[derive(Clone, Debug)]
pub struct Presence {
    handle: Handle,
}

impl Presence {
    pub(crate) fn new(handle: Handle) -> Self {
        Presence { handle }
    }

    // This device.

    /// The user does something with the app. Call it at every touch: what need not be said isn't.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn set_active(&self) -> Result<(), CallError> {
        self.set_activity(Activity::Active).await
    }

    /// The app is shown, and the user does nothing with it.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn set_idle(&self) -> Result<(), CallError> {
        self.set_activity(Activity::Idle).await
    }

    /// The app isn't shown any more. Lists of presence rest until it is.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn set_background(&self) -> Result<(), CallError> {
        self.set_activity(Activity::Background).await
    }

    /// What the user does at this device, in one word.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn set_activity(&self, activity: Activity) -> Result<(), CallError> {
        let told = self.handle.command(Command::Activity(activity)).await;
        told.map_err(|Gone| CallError::Closed)
    }

    // Others.

    /// Watches users until the list is dropped, over reconnects as well. The list has them in this
    /// order, at first with what is known already. Without a connection it keeps what it has.
    ///
    /// # Errors
    /// Where all lists together would have more than 1,000 users.
    pub async fn watch(
        &self,
        users: impl IntoIterator<Item = UserId>,
    ) -> Result<PresenceList, WatchError> {
        let users = users.into_iter().collect();
        let asked = self.handle.ask(|reply| Command::WatchPresence(users, reply)).await;
        match asked {
            Ok(Ok((items, feed))) => Ok(PresenceList { items, feed }),
            Ok(Err(_)) => Err(WatchError::TooMany),
            Err(Gone) => Err(WatchError::Closed),
        }
    }

    // What the user has set.

    /// Says something of the user, in place of what was said before.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a text over 100 bytes, what isn't an emoji, or an end that is over.
    pub async fn set_status(&self, status: impl Into<Status>) -> Result<(), CallError> {
        let status = Some(WireStatus::from(status.into()));
        self.set(SetStatusRequest { status, ..SetStatusRequest::default() }).await.map(drop)
    }

    /// Says nothing of the user any more.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn clear_status(&self) -> Result<(), CallError> {
        self.set_status(Status::default()).await
    }

    /// The user doesn't want to be disturbed until then, Unix milliseconds; `None` for no longer.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a time that is over.
    pub async fn set_do_not_disturb(&self, until_ms: Option<u64>) -> Result<(), CallError> {
        let do_not_disturb_until_ms = Some(until_ms.unwrap_or(0));
        let request = SetStatusRequest { do_not_disturb_until_ms, ..SetStatusRequest::default() };
        self.set(request).await.map(drop)
    }

    /// Whether others see when the user was there last. Where they don't, it isn't even kept.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn share_last_seen(&self, share: bool) -> Result<(), CallError> {
        let share_last_seen = Some(share);
        let request = SetStatusRequest { share_last_seen, ..SetStatusRequest::default() };
        self.set(request).await.map(drop)
    }

    /// All that the user has set, at whichever device.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn settings(&self) -> Result<PresenceSettings, CallError> {
        self.set(SetStatusRequest::default()).await
    }

    /// What the user has set, whenever that changes, at whichever device. An observer that is behind
    /// gets the newest.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn settings_changes(
        &self,
    ) -> Result<impl Stream<Item = PresenceSettings> + Send + Unpin + use<>, CallError> {
        self.handle.ask(Command::Settings).await.map_err(|Gone| CallError::Closed)
    }

    async fn set(&self, request: SetStatusRequest) -> Result<PresenceSettings, CallError> {
        let answer = self.handle.call::<rpc::SetStatus>(request).await?;
        answer.settings.map(PresenceSettings::from).ok_or(CallError::Malformed)
    }
}

/// Users who are watched: a list, and a stream of the changes of that list. Each diff is made to
/// [`PresenceList::items`] before it is handed out. Dropping the list ends the watching.
#[derive(Debug)]
pub struct PresenceList {
    items: Vec<Arc<UserPresence>>,
    feed: Feed<Diff<Arc<UserPresence>>>,
}

impl PresenceList {
    /// The list as of the last diff: one item for each user, in the order they were named.
    pub fn items(&self) -> &[Arc<UserPresence>] {
        &self.items
    }

    /// Makes the changes that have come by now, without handing them out.
    pub fn refresh(&mut self) -> &[Arc<UserPresence>] {
        use futures_util::{FutureExt, StreamExt};
        while let Some(Some(_)) = self.next().now_or_never() {}
        &self.items
    }

    /// The presence of one of them, as of the last diff.
    pub fn of(&self, user: UserId) -> Option<&UserPresence> {
        self.items.iter().find(|item| item.user == user).map(|item| &**item)
    }
}

impl Stream for PresenceList {
    type Item = Diff<Arc<UserPresence>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let diff = std::task::ready!(Pin::new(&mut this.feed).poll_next(cx));
        Poll::Ready(diff.inspect(|diff| diff.clone().apply(&mut this.items)))
    }
}
