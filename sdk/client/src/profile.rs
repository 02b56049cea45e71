//! What users say of themselves, and what the directory says of them.

use bytes::Bytes;
use parlour_protocol::{
    generated::rpc,
    user::{Profile as WireProfile, SetProfileRequest},
};

use crate::{Attachment, BlobHash, Client, error::CallError};

/// What is known of somebody besides their name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// How they are called without spaces, by nobody else.
    pub handle: Option<String>,
    /// What they do.
    pub title: Option<String>,
    /// How they are spoken of.
    pub pronouns: Option<String>,
    /// An IANA time zone.
    pub time_zone: Option<String>,
    /// A language tag (RFC 5646).
    pub locale: Option<String>,
    /// Their picture, for [`Client::picture`].
    pub avatar: Option<BlobHash>,
}

/// A change of what the user says of themselves. What is `None` stays; an empty text goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    title: Option<String>,
    pronouns: Option<String>,
    time_zone: Option<String>,
    locale: Option<String>,
    avatar: Option<Bytes>,
}

impl ProfileChange {
    /// What they do: at most 200 bytes.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// How they are spoken of: at most 64 bytes.
    pub fn pronouns(mut self, pronouns: impl Into<String>) -> Self {
        self.pronouns = Some(pronouns.into());
        self
    }

    /// An IANA time zone: at most 64 bytes.
    pub fn time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.time_zone = Some(time_zone.into());
        self
    }

    /// A language tag (RFC 5646): at most 35 bytes.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// A picture that the user has uploaded within seven days.
    pub fn avatar(mut self, picture: &Attachment) -> Self {
        self.avatar = Some(picture.hash.to_field());
        self
    }

    /// No picture.
    pub fn without_avatar(mut self) -> Self {
        self.avatar = Some(Bytes::new());
        self
    }
}

impl Client {
    /// Changes what the user says of themselves, and answers with all of it. Name and handle are the
    /// directory's, or the token's, to say.
    ///
    /// # Errors
    /// `INVALID_FIELD` for what is too long, or a picture that isn't a PNG, GIF, JPEG or WebP of at most
    /// 5 MiB; `BLOB_NOT_FOUND`; or when the client is gone.
    pub async fn set_profile(&self, change: ProfileChange) -> Result<Profile, CallError> {
        let ProfileChange { title, pronouns, time_zone, locale, avatar } = change;
        let (name, handle) = (None, None);
        let profile = WireProfile { name, handle, title, pronouns, time_zone, locale, avatar };
        let request = SetProfileRequest { profile: Some(profile) };
        let answer = self.call::<rpc::SetProfile>(request).await?;
        Ok(parse_profile(answer.profile.unwrap_or_default()))
    }
}

pub(crate) fn parse_profile(profile: WireProfile) -> Profile {
    let WireProfile { handle, title, pronouns, time_zone, locale, avatar, .. } = profile;
    let avatar = avatar.and_then(|hash| BlobHash::parse(&hash).ok());
    Profile { handle, title, pronouns, time_zone, locale, avatar }
}
