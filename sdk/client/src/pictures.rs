//! Pictures that aren't attachments: avatars of users and rooms, and the organization's emoji.

use bytes::Bytes;
use parlour_protocol::{
    emoji::{AddEmojiRequest, Emoji as Listed, ListEmojiRequest, RemoveEmojiRequest},
    generated::rpc,
    ids::UserId,
    limits::EMOJI_PAGE_MAX,
    room::SetRoomAvatarRequest,
};
use parlour_sdk_core::attachment::Attachment;

use crate::{BlobHash, Client, Download, Room, error::CallError, handle::Handle};

/// The emoji of the user's organization. Cheap to clone; it doesn't keep the client alive.
///
/// In texts, reactions and statuses they stand as `:name:`. Nobody is told of new ones: ask again when a
/// name comes that isn't known.
#[derive(Clone, Debug)]
pub struct Emojis {
    handle: Handle,
}

/// An emoji of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// Its name, without colons.
    pub name: String,
    /// Its picture, for [`Client::picture`].
    pub picture: BlobHash,
    /// Who added it.
    pub creator: UserId,
    /// When, Unix milliseconds.
    pub added_ms: u64,
}

impl Client {
    /// The emoji of the organization.
    pub fn emoji(&self) -> Emojis {
        Emojis { handle: self.inner.handle.clone() }
    }

    /// Somebody's avatar, or the picture of an emoji. [`Download::preview`] is smaller, where there is
    /// one.
    pub fn picture(&self, hash: BlobHash) -> Download {
        Download::of(self.inner.handle.clone(), Bytes::new(), 0, hash)
    }
}

impl Emojis {
    /// All of them, by name.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn list(&self) -> Result<Vec<Emoji>, CallError> {
        let (mut emoji, mut page) = (Vec::new(), String::new());
        loop {
            let request = ListEmojiRequest { page, page_size: EMOJI_PAGE_MAX as u32 };
            let answer = self.handle.call::<rpc::ListEmoji>(request).await?;
            emoji.extend(answer.emoji.into_iter().filter_map(parse));
            page = answer.next_page;
            if page.is_empty() {
                return Ok(emoji);
            }
        }
    }

    /// Adds one with a picture that the user has uploaded within seven days. Does nothing where it is
    /// there already as the user's.
    ///
    /// # Errors
    /// `EMOJI_TAKEN`, `TOO_MANY_EMOJI`, `BLOB_NOT_FOUND`; `INVALID_FIELD` for another name than 1 to 32 of
    /// `a-z 0-9 _ + -`, or what isn't a PNG, GIF, JPEG or WebP of at most 256 KiB and 512 pixels;
    /// `NOT_ALLOWED` for guests; or when the client is gone.
    pub async fn add(&self, name: &str, picture: &Attachment) -> Result<(), CallError> {
        let request = AddEmojiRequest { name: name.to_owned(), hash: picture.hash.to_field() };
        self.handle.call::<rpc::AddEmoji>(request).await.map(drop)
    }

    /// Removes one: the user's own, or any for owners and admins.
    ///
    /// # Errors
    /// `EMOJI_NOT_FOUND`, `NOT_ALLOWED`; or when the client is gone.
    pub async fn remove(&self, name: &str) -> Result<(), CallError> {
        let request = RemoveEmojiRequest { name: name.to_owned() };
        self.handle.call::<rpc::RemoveEmoji>(request).await.map(drop)
    }
}

impl Room {
    /// Gives a group, or a room of the directory, a picture that the user has uploaded within seven days, or takes it away.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `BLOB_NOT_FOUND`; `INVALID_FIELD` for what isn't a PNG, GIF, JPEG or WebP of at most
    /// 5 MiB; `DIRECT_ROOM`; or when the client is gone.
    pub async fn set_avatar(&self, picture: Option<&Attachment>) -> Result<(), CallError> {
        let avatar = picture.map(|picture| picture.hash.to_field()).unwrap_or_default();
        let request = SetRoomAvatarRequest { room: self.id().to_field(), avatar };
        self.handle().call::<rpc::SetRoomAvatar>(request).await.map(drop)
    }

    /// The room's picture, as its summary names it.
    pub fn picture(&self, hash: BlobHash) -> Download {
        Download::of(self.handle().clone(), self.id().to_field(), 0, hash)
    }
}

fn parse(emoji: Listed) -> Option<Emoji> {
    Some(Emoji {
        name: emoji.name,
        picture: BlobHash::parse(&emoji.blob?.hash).ok()?,
        creator: UserId::parse(&emoji.creator).ok()?,
        added_ms: emoji.added_ms,
    })
}
