//! Who is there, and what they say of themselves.

use std::sync::{Arc, Mutex, PoisonError};

use parlour::presence as sdk;

use crate::{
    CallError, WatchError,
    ids::{parse_all, show},
    pull::Pull,
    runtime::run,
    timeline::diff,
};

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Availability {
    /// Not known: the server hasn't said, or doesn't say it to this user.
    Unknown,
    /// They aren't there.
    Offline,
    /// They are there.
    Online,
    /// Their app is there, and they do nothing with it.
    Idle,
    /// They are there and don't want to be disturbed.
    DoNotDisturb,
}

impl From<sdk::Availability> for Availability {
    fn from(availability: sdk::Availability) -> Self {
        match availability {
            sdk::Availability::Offline => Availability::Offline,
            sdk::Availability::Online => Availability::Online,
            sdk::Availability::Idle => Availability::Idle,
            sdk::Availability::DoNotDisturb => Availability::DoNotDisturb,
            _ => Availability::Unknown,
        }
    }
}

/// What the user does at this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Activity {
    /// They use the app.
    Active,
    /// The app is shown, and nobody touches it.
    Idle,
    /// The app isn't shown: it counts for nothing and hears nothing of presence.
    Background,
    /// They don't want to be counted here, but hear of others.
    Invisible,
}

impl From<Activity> for sdk::Activity {
    fn from(activity: Activity) -> Self {
        match activity {
            Activity::Active => sdk::Activity::Active,
            Activity::Idle => sdk::Activity::Idle,
            Activity::Background => sdk::Activity::Background,
            Activity::Invisible => sdk::Activity::Invisible,
        }
    }
}

/// What a user says of themselves.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// At most 100 bytes.
    pub text: String,
    /// An emoji or `:name:`; empty for none.
    #[uniffi(default = "")]
    pub emoji: String,
    /// When it is over, Unix milliseconds.
    #[uniffi(default = None)]
    pub expires_at_ms: Option<u64>,
}

impl From<sdk::Status> for Status {
    fn from(status: sdk::Status) -> Self {
        let sdk::Status { text, emoji, expires_at_ms } = status;
        Status { text, emoji, expires_at_ms }
    }
}

impl From<Status> for sdk::Status {
    fn from(status: Status) -> Self {
        let Status { text, emoji, expires_at_ms } = status;
        sdk::Status { text, emoji, expires_at_ms }
    }
}

/// What others see of somebody's presence.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct UserPresence {
    /// Who.
    pub user: String,
    /// Whether they are there.
    pub availability: Availability,
    /// What they say of themselves.
    pub status: Option<Status>,
    /// Of somebody who isn't there: about when they were, Unix milliseconds.
    pub last_seen_ms: Option<u64>,
}

impl From<Arc<sdk::UserPresence>> for UserPresence {
    fn from(presence: Arc<sdk::UserPresence>) -> Self {
        UserPresence {
            user: show(presence.user),
            availability: presence.availability.into(),
            status: presence.status.clone().map(Status::from),
            last_seen_ms: presence.last_seen_ms,
        }
    }
}

/// What this device says of the user, whom they watch, and what they have set.
#[derive(uniffi::Object)]
pub struct Presence {
    pub(crate) inner: parlour::Presence,
}

#[uniffi::export]
impl Presence {
    /// What the user does at this device. Until it is called, the device doesn't count.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn set_activity(&self, activity: Activity) -> Result<(), CallError> {
        let presence = self.inner.clone();
        run(async move { Ok(presence.set_activity(activity.into()).await?) }).await
    }

    /// Says something of the user, in place of what was said before; nothing with an empty status.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a text over 100 bytes, what isn't an emoji, or an end that is over.
    pub async fn set_status(&self, status: Status) -> Result<(), CallError> {
        let presence = self.inner.clone();
        run(async move { Ok(presence.set_status(status).await?) }).await
    }

    /// The user doesn't want to be disturbed until then, Unix milliseconds; none for no longer.
    ///
    /// # Errors
    /// `INVALID_FIELD` for a time that is over.
    pub async fn set_do_not_disturb(&self, until_ms: Option<u64>) -> Result<(), CallError> {
        let presence = self.inner.clone();
        run(async move { Ok(presence.set_do_not_disturb(until_ms).await?) }).await
    }

    /// Watches users, by id, until the list is gone.
    ///
    /// # Errors
    /// Where all lists together would have more than 1,000 users.
    pub async fn watch(&self, users: Vec<String>) -> Result<Arc<PresenceList>, WatchError> {
        let (presence, users) = (self.inner.clone(), parse_all(&users)?);
        run(async move { Ok(PresenceList::shared(presence.watch(users).await?)) }).await
    }
}

diff!(
    /// One change of those who are watched.
    PresenceDiff,
    UserPresence,
    Arc<sdk::UserPresence>
);

/// Users who are watched, in the order they were named.
#[derive(uniffi::Object)]
pub struct PresenceList {
    first: Mutex<Vec<Arc<sdk::UserPresence>>>,
    pull: Pull<sdk::PresenceList>,
}

impl PresenceList {
    fn shared(list: sdk::PresenceList) -> Arc<Self> {
        let first = Mutex::new(list.items().to_vec());
        Arc::new(PresenceList { first, pull: Pull::new(list) })
    }
}

#[uniffi::export]
impl PresenceList {
    /// The list as it was opened, once: the diffs go on from it.
    pub fn first(&self) -> Vec<UserPresence> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *first).into_iter().map(UserPresence::from).collect()
    }

    /// Waits until there are diffs to take; `false` when none come any more. Giving up the wait loses
    /// none.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// The diffs that have come, at most so many.
    pub fn take(&self, max: u32) -> Vec<PresenceDiff> {
        self.pull.take(max).into_iter().map(PresenceDiff::from).collect()
    }
}
