//! What timelines show: messages, with what can be done about them, and notices.

use std::{sync::Arc, time::Duration};

use parlour::protocol::generated::{EVENT_RULES, EventBody};

use crate::{
    Attachment, QueueError, Refusal, Room, Thread, TransferError,
    ids::{parse_all, show, show_all},
    runtime::run,
};

/// What a message says, and whom it mentions.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Draft {
    /// 1 byte to 16 KiB; may be empty where there are attachments.
    pub text: String,
    /// What was uploaded, at most 50.
    #[uniffi(default = [])]
    pub attachments: Vec<Attachment>,
    /// Ids of users mentioned, at most 100; each must be in the room.
    #[uniffi(default = [])]
    pub mentions: Vec<String>,
    /// Mentions everyone in the room.
    #[uniffi(default = false)]
    pub mentions_everyone: bool,
    /// The message it replies to, by its number in the log.
    #[uniffi(default = None)]
    pub reply_to: Option<u64>,
    /// The message whose thread it belongs to.
    #[uniffi(default = None)]
    pub thread_root: Option<u64>,
}

impl Draft {
    pub(crate) fn told(self) -> Result<parlour::Draft, QueueError> {
        let attachments = self.attachments.into_iter().map(Attachment::told);
        Ok(parlour::Draft {
            text: self.text,
            attachments: attachments.collect::<Result<_, _>>()?,
            mentions: parse_all(&self.mentions)?,
            mentions_everyone: self.mentions_everyone,
            reply_to: self.reply_to,
            thread_root: self.thread_root,
            ..parlour::Draft::default()
        })
    }
}

/// Something that is in its room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Sent {
    /// Its number there.
    pub seq: u64,
    /// When the server took it, Unix milliseconds.
    pub at_ms: u64,
}

impl From<parlour::Sent> for Sent {
    fn from(sent: parlour::Sent) -> Self {
        Sent { seq: sent.seq, at_ms: sent.at_ms }
    }
}

/// One line of a timeline. Its variants are named as no type is, which some languages would confuse.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every item is a message, and none is kept long"
)]
#[derive(Clone, uniffi::Enum)]
pub enum Item {
    /// A message, also a deleted one or one that isn't sent yet.
    MessageItem {
        /// What can be done about it.
        message: Arc<Message>,
        /// What it is.
        info: MessageInfo,
    },
    /// Something that happened in the room, or a kind of event this version doesn't know.
    NoticeItem {
        /// What it is.
        notice: Notice,
    },
}

impl From<parlour::Item> for Item {
    fn from(item: parlour::Item) -> Self {
        match item {
            parlour::Item::Notice(notice) => Item::NoticeItem { notice: notice.into() },
            parlour::Item::Message(message) => Item::of(message),
        }
    }
}

impl Item {
    pub(crate) fn of(message: parlour::Message) -> Self {
        let info = MessageInfo::of(&message);
        Item::MessageItem { message: Arc::new(Message { inner: message }), info }
    }
}

/// Something that isn't a message.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Notice {
    /// Its number in the log.
    pub seq: u64,
    /// When it happened, Unix milliseconds.
    pub at_ms: u64,
    /// Who caused it.
    pub sender: Option<String>,
    /// The kind of the event as the protocol names it, such as `MembersAdded`.
    pub kind: String,
    /// The number of its kind in the protocol.
    pub kind_number: u32,
}

impl From<parlour::Notice> for Notice {
    fn from(notice: parlour::Notice) -> Self {
        let shown = format!("{:?}", notice.body);
        let kind = shown.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        Notice {
            seq: notice.seq,
            at_ms: notice.at_ms,
            sender: notice.sender.map(show),
            kind: kind.to_owned(),
            kind_number: match &notice.body {
                EventBody::Unknown { kind, .. } => *kind,
                _ => EVENT_RULES.iter().find(|rule| rule.name == kind).map_or(0, |rule| rule.kind),
            },
        }
    }
}

/// A message as it was when its timeline showed it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct MessageInfo {
    /// Its room.
    pub room: String,
    /// Its number in the log; none while it waits in the outbox.
    pub seq: Option<u64>,
    /// Who wrote it; none for an own one before the first connection ever.
    pub sender: Option<String>,
    /// When the server took it, or when it was written if that hasn't happened; Unix milliseconds.
    pub at_ms: u64,
    /// When it is deleted by itself, Unix milliseconds.
    pub expires_at_ms: Option<u64>,
    /// The text of the newest edit; empty when it is deleted.
    pub text: String,
    /// What it carries; empty when it is deleted.
    pub attachments: Vec<Attachment>,
    /// Whether the text is another than at first.
    pub is_edited: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// Users mentioned.
    pub mentions: Vec<String>,
    /// Whether everyone is.
    pub mentions_everyone: bool,
    /// The message it replies to, by its number in the log.
    pub reply_to: Option<u64>,
    /// The message whose thread it belongs to.
    pub thread_root: Option<u64>,
    /// What stands under it, where anything does.
    pub thread: Option<ThreadSummary>,
    /// What people put to it.
    pub reactions: Vec<Reaction>,
    /// What the pages say of themselves that its links lead to; not to be believed.
    pub link_previews: Vec<LinkPreview>,
    /// The sender's own id for it.
    pub client_ref: Option<String>,
    /// The client's own id of a change of it that is pending.
    pub pending_ref: Option<String>,
    /// How far the message, or a pending change of it, got.
    pub delivery: Delivery,
}

impl MessageInfo {
    fn of(message: &parlour::Message) -> Self {
        MessageInfo {
            room: show(message.room),
            seq: message.seq(),
            sender: message.sender.map(show),
            at_ms: message.at_ms,
            expires_at_ms: message.expires_at_ms,
            text: message.text.clone(),
            attachments: message.attachments.iter().cloned().map(Attachment::from).collect(),
            is_edited: message.is_edited,
            is_deleted: message.is_deleted,
            is_pinned: message.is_pinned,
            mentions: show_all(&message.mentions),
            mentions_everyone: message.mentions_everyone,
            reply_to: message.reply_to,
            thread_root: message.thread_root,
            thread: message.thread.map(ThreadSummary::from),
            reactions: message.reactions.iter().map(Reaction::from).collect(),
            link_previews: message.link_previews.iter().map(LinkPreview::from).collect(),
            client_ref: message.client_ref.map(show),
            pending_ref: message.pending.map(show),
            delivery: message.delivery.clone().into(),
        }
    }
}

/// How far something of the user's own got.
#[derive(Clone, Debug, PartialEq, uniffi::Enum)]
pub enum Delivery {
    /// The server has it.
    Sent,
    /// It waits for a connection or its turn.
    Queued,
    /// It is under way.
    Sending,
    /// It failed; it waits to be retried or discarded.
    Failed {
        /// For people.
        detail: String,
        /// What the server refused, if it did.
        refusal: Option<Refusal>,
    },
}

impl From<parlour::Delivery> for Delivery {
    fn from(delivery: parlour::Delivery) -> Self {
        match delivery {
            parlour::Delivery::Sent => Delivery::Sent,
            parlour::Delivery::Queued => Delivery::Queued,
            parlour::Delivery::Sending => Delivery::Sending,
            parlour::Delivery::Failed(error) => Delivery::Failed {
                detail: error.to_string(),
                refusal: match error {
                    parlour::SendError::Refused(refusal) => Some((*refusal).into()),
                    _ => None,
                },
            },
        }
    }
}

/// The thread under a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct ThreadSummary {
    /// Replies that aren't deleted.
    pub replies: u64,
    /// The last reply, by its number in the log.
    pub last_seq: u64,
    /// When that was, Unix milliseconds.
    pub last_at_ms: u64,
}

impl From<parlour::ThreadSummary> for ThreadSummary {
    fn from(thread: parlour::ThreadSummary) -> Self {
        let parlour::ThreadSummary { replies, last_seq, last_at_ms } = thread;
        ThreadSummary { replies, last_seq, last_at_ms }
    }
}

/// An emoji that people put to a message.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Reaction {
    /// The emoji, or `:name:`.
    pub emoji: String,
    /// Who put it there; never nobody.
    pub users: Vec<String>,
}

impl From<&parlour::Reaction> for Reaction {
    fn from(reaction: &parlour::Reaction) -> Self {
        Reaction { emoji: reaction.emoji.clone(), users: show_all(&reaction.users) }
    }
}

/// What a page says of itself that a message leads to.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct LinkPreview {
    /// The link as the text has it.
    pub url: String,
    /// The page's title; never empty.
    pub title: String,
    /// What it is about; may be empty.
    pub description: String,
    /// What the site is called; may be empty.
    pub site_name: String,
}

impl From<&parlour::LinkPreview> for LinkPreview {
    fn from(preview: &parlour::LinkPreview) -> Self {
        let parlour::LinkPreview { url, title, description, site_name } = preview.clone();
        LinkPreview { url, title, description, site_name }
    }
}

/// What can be done about a message.
#[derive(uniffi::Object)]
pub struct Message {
    inner: parlour::Message,
}

#[uniffi::export]
impl Message {
    /// Gives the user's own message another text. One that was never sent is changed in the outbox,
    /// which answers with nothing.
    ///
    /// # Errors
    /// `NotSent` while it is under way; when the text isn't 1 byte to 16 KiB, or the server refuses.
    pub async fn edit(&self, text: String) -> Result<Option<Sent>, QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.edit(&text).await?.map(Sent::from)) }).await
    }

    /// Deletes the message. One that waits in the outbox is taken out of it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete(&self) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.delete().await?) }).await
    }

    /// Replies to it, in its thread if it stands in one.
    ///
    /// # Errors
    /// `NotSent` for one that isn't in the log yet; else as `Room::send`.
    pub async fn reply(&self, draft: Draft) -> Result<Sent, QueueError> {
        let (message, draft) = (self.inner.clone(), draft.told()?);
        run(async move { Ok(message.reply(draft).await?.into()) }).await
    }

    /// Puts an emoji, or `:name:`, to it.
    ///
    /// # Errors
    /// `NotSent` for one that isn't in the log yet; when the server refuses.
    pub async fn react(&self, emoji: String) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.react(&emoji).await?) }).await
    }

    /// Takes the user's emoji off it.
    ///
    /// # Errors
    /// As `react`.
    pub async fn unreact(&self, emoji: String) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.unreact(&emoji).await?) }).await
    }

    /// Pins it for everyone in the room.
    ///
    /// # Errors
    /// As `react`.
    pub async fn pin(&self) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.pin().await?) }).await
    }

    /// Takes its pin off, whoever pinned it.
    ///
    /// # Errors
    /// As `react`.
    pub async fn unpin(&self) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.unpin().await?) }).await
    }

    /// Sends what it says and carries to another room, under the user's own name.
    ///
    /// # Errors
    /// `NotSent` for one that isn't in the log yet; else as `Room::send`.
    pub async fn forward(&self, to: Arc<Room>) -> Result<Sent, QueueError> {
        let (message, to) = (self.inner.clone(), to.inner.clone());
        run(async move { Ok(message.forward(&to).await?.into()) }).await
    }

    /// Deletes it in so many milliseconds: for the user it is gone at once, and discarding the change brings it
    /// back until then. Others see it as long.
    ///
    /// # Errors
    /// When the outbox is full.
    pub async fn delete_after(&self, wait_ms: u64) -> Result<(), QueueError> {
        let (message, wait) = (self.inner.clone(), Duration::from_millis(wait_ms));
        run(async move { Ok(message.delete_after(wait).await.map(drop)?) }).await
    }

    /// Sends it, or a pending change of it, again after it failed.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn retry(&self) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.retry().await?) }).await
    }

    /// Takes it, or a pending change of it, out of the outbox.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn discard(&self) -> Result<(), QueueError> {
        let message = self.inner.clone();
        run(async move { Ok(message.discard().await?) }).await
    }

    /// The thread it stands in, or the one under it; none for one that isn't in the log yet.
    pub fn open_thread(&self) -> Option<Arc<Thread>> {
        self.inner.open_thread().map(Thread::shared)
    }

    /// Writes one of its attachments, by its place from 0, to a file.
    ///
    /// # Errors
    /// When the file can't be written, the server refuses or the client is gone.
    pub async fn save(&self, attachment: u32, path: String) -> Result<(), TransferError> {
        let message = self.inner.clone();
        run(async move { Ok(download(&message, attachment)?.to_file(path).await?) }).await
    }

    /// All bytes of one of its attachments, by its place from 0, if they are no more than that.
    ///
    /// # Errors
    /// `TooLarge`; when the server refuses or the client is gone.
    pub async fn read(&self, attachment: u32, bytes_max: u64) -> Result<Vec<u8>, TransferError> {
        let message = self.inner.clone();
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        run(async move { Ok(download(&message, attachment)?.bytes(bytes_max).await?.to_vec()) })
            .await
    }
}

/// One of its attachments, to be fetched.
fn download(message: &parlour::Message, place: u32) -> Result<parlour::Download, TransferError> {
    let downloads = message.downloads().into_iter().nth(place as usize);
    downloads.map(|(_, download)| download).ok_or(TransferError::NotThere)
}
