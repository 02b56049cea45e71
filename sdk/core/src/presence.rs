//! Presence as a client knows it: whether others are there, and what the user has set.

use parlour_protocol::{
    ids::UserId,
    presence::{self as wire, PresenceState},
};

/// Whether somebody is there.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    /// Not known: the server hasn't said, or doesn't say it to this user.
    #[default]
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

/// What the user does at this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Activity {
    /// Whether it holds for a while only, and has to be said again.
    pub(crate) fn is_repeated(self) -> bool {
        matches!(self, Activity::Active | Activity::Idle)
    }
}

impl From<Activity> for wire::Activity {
    fn from(activity: Activity) -> Self {
        match activity {
            Activity::Active => wire::Activity::Active,
            Activity::Idle => wire::Activity::Idle,
            Activity::Background => wire::Activity::Background,
            Activity::Invisible => wire::Activity::Invisible,
        }
    }
}

/// What a user says of themselves. A `&str` is a text without emoji and end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// At most 100 bytes.
    pub text: String,
    /// An emoji or `:name:`; empty for none.
    pub emoji: String,
    /// When it is over, Unix milliseconds.
    pub expires_at_ms: Option<u64>,
}

impl From<&str> for Status {
    fn from(text: &str) -> Self {
        Status { text: text.to_owned(), ..Status::default() }
    }
}

impl From<wire::Status> for Status {
    fn from(status: wire::Status) -> Self {
        let wire::Status { text, emoji, expires_at_ms } = status;
        Status { text, emoji, expires_at_ms: some(expires_at_ms) }
    }
}

impl From<Status> for wire::Status {
    fn from(status: Status) -> Self {
        let Status { text, emoji, expires_at_ms } = status;
        wire::Status { text, emoji, expires_at_ms: expires_at_ms.unwrap_or(0) }
    }
}

/// What others see of somebody's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPresence {
    /// Who.
    pub user: UserId,
    /// Whether they are there.
    pub availability: Availability,
    /// What they say of themselves.
    pub status: Option<Status>,
    /// Of somebody who isn't there: about when they were, Unix milliseconds, where they let others
    /// know.
    pub last_seen_ms: Option<u64>,
    /// Another one as soon as the user's name or anything else of them is another; 0 where it isn't
    /// known.
    pub user_mark: u32,
}

impl UserPresence {
    /// Somebody of whom nothing was heard.
    pub fn unknown(user: UserId) -> Self {
        let availability = Availability::Unknown;
        UserPresence { user, availability, status: None, last_seen_ms: None, user_mark: 0 }
    }

    pub(crate) fn parse(said: wire::Presence) -> Option<Self> {
        let user = UserId::parse(&said.user).ok()?;
        let availability = match PresenceState::try_from(said.state) {
            Ok(PresenceState::Unspecified) => Availability::Unknown,
            Ok(PresenceState::Offline) => Availability::Offline,
            Ok(PresenceState::Idle) => Availability::Idle,
            Ok(PresenceState::DoNotDisturb) => Availability::DoNotDisturb,
            // What servers say one day of those who are there.
            Ok(PresenceState::Online) | Err(_) => Availability::Online,
        };
        Some(UserPresence {
            user,
            availability,
            status: said.status.map(Status::from),
            last_seen_ms: some(said.last_seen_ms),
            user_mark: said.user_mark,
        })
    }
}

/// All that the user has set about their presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceSettings {
    /// What they say of themselves; kept when it is over, and not shown.
    pub status: Option<Status>,
    /// They don't want to be disturbed until then, Unix milliseconds.
    pub do_not_disturb_until_ms: Option<u64>,
    /// Whether others see when they were there last.
    pub shares_last_seen: bool,
}

impl From<wire::PresenceSettings> for PresenceSettings {
    fn from(settings: wire::PresenceSettings) -> Self {
        PresenceSettings {
            status: settings.status.map(Status::from),
            do_not_disturb_until_ms: some(settings.do_not_disturb_until_ms),
            shares_last_seen: settings.share_last_seen,
        }
    }
}

/// On the wire 0 is no time.
fn some(ms: u64) -> Option<u64> {
    (ms != 0).then_some(ms)
}
