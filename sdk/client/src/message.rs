//! A message of a timeline, with what can be done about it.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

pub use parlour_sdk_core::timeline::{
    Delivery, LinkPreview, Notice, Place, Reaction, ThreadSummary,
};
use parlour_sdk_core::{
    attachment::Attachment,
    polls::{NewPoll, Poll},
    timeline,
};

use crate::{
    Download, Room, Thread,
    driver::{Command, Sent},
    error::{CallError, QueueError},
    polls::Voter,
    room::{Draft, QueuedSend},
};

/// One line of a timeline.
#[derive(Clone, Debug)]
pub enum Item {
    /// A message, also a deleted one or one that isn't sent yet.
    Message(Message),
    /// Something that happened in the room, or a kind of event this version doesn't know.
    Notice(Notice),
}

impl Item {
    pub(crate) fn new(item: Arc<timeline::Item>, room: &Room) -> Self {
        match &*item {
            timeline::Item::Notice(notice) => Item::Notice(notice.clone()),
            timeline::Item::Message(_) => Item::Message(Message { item, room: room.clone() }),
        }
    }

    /// Where it stands in the timeline.
    pub fn place(&self) -> Place {
        match self {
            Item::Message(message) => message.place,
            Item::Notice(notice) => Place::Log(notice.seq),
        }
    }

    /// The message, if it is one.
    pub fn message(&self) -> Option<&Message> {
        match self {
            Item::Message(message) => Some(message),
            Item::Notice(_) => None,
        }
    }
}

/// A message as it was when its timeline showed it; a later state comes as another `Message`.
#[derive(Clone)]
pub struct Message {
    item: Arc<timeline::Item>,
    room: Room,
}

impl Deref for Message {
    type Target = timeline::Message;

    fn deref(&self) -> &timeline::Message {
        match &*self.item {
            timeline::Item::Message(message) => message,
            timeline::Item::Notice(_) => unreachable!("made only of messages, see Item::new"),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Message {
    /// Gives the user's own message another text. One that was never sent is changed in the
    /// outbox.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] while it is under way; else as [`Room::edit`].
    pub async fn edit(&self, text: &str) -> Result<Option<Sent>, QueueError> {
        match (self.place, self.client_ref) {
            (Place::Log(seq), _) => self.room.edit(seq, text).await.map(Some),
            (Place::Outbox(_), Some(own)) => self.room.rewrite(own, text).await.map(|()| None),
            (Place::Outbox(_), None) => Err(QueueError::NotSent),
        }
    }

    /// Deletes the message. One that waits in the outbox is taken out of it.
    ///
    /// # Errors
    /// As [`Room::delete`].
    pub async fn delete(&self) -> Result<(), QueueError> {
        match self.place {
            Place::Log(seq) => self.room.delete(seq).await.map(|_| ()),
            Place::Outbox(_) => self.discard().await,
        }
    }

    /// Deletes it in a while, as [`Room::delete_after`]. One that waits in the outbox is taken out of it, for
    /// good: `None`.
    ///
    /// # Errors
    /// When the outbox is full.
    pub async fn delete_after(&self, wait: Duration) -> Result<Option<QueuedSend>, QueueError> {
        match self.place {
            Place::Log(seq) => self.room.delete_after(seq, wait).await.map(Some),
            Place::Outbox(_) => self.discard().await.map(|()| None),
        }
    }

    /// Replies to it, in its thread if it stands in one; a text, or a draft whose `reply_to` is
    /// filled in.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; else as [`Room::send`].
    pub async fn reply(&self, message: impl Into<Draft>) -> Result<Sent, QueueError> {
        let seq = self.seq().ok_or(QueueError::NotSent)?;
        let draft = Draft { thread_root: self.thread_root, ..message.into() };
        self.room.send(Draft { reply_to: Some(seq), ..draft }).await
    }

    /// The thread it stands in, or the one under it. `None` for one that isn't in the log yet.
    pub fn open_thread(&self) -> Option<Thread> {
        self.thread_root.or(self.seq()).map(|root| self.room.thread(root))
    }

    /// Puts an emoji, or `:name:`, to it.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; else as [`Room::react`].
    pub async fn react(&self, emoji: &str) -> Result<(), QueueError> {
        self.room.react(self.seq().ok_or(QueueError::NotSent)?, emoji).await
    }

    /// Takes the user's emoji off it.
    ///
    /// # Errors
    /// As [`Message::react`].
    pub async fn unreact(&self, emoji: &str) -> Result<(), QueueError> {
        self.room.unreact(self.seq().ok_or(QueueError::NotSent)?, emoji).await
    }

    /// Pins it for everyone in the room.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; else as [`Room::pin`].
    pub async fn pin(&self) -> Result<(), QueueError> {
        self.room.pin(self.seq().ok_or(QueueError::NotSent)?).await
    }

    /// Takes its pin off, whoever pinned it.
    ///
    /// # Errors
    /// As [`Message::pin`].
    pub async fn unpin(&self) -> Result<(), QueueError> {
        self.room.unpin(self.seq().ok_or(QueueError::NotSent)?).await
    }

    /// Chooses options of its poll, by places from 0, in the place of what the user had chosen; none
    /// takes the vote back.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; else as [`Room::vote`].
    pub async fn vote(&self, choices: impl IntoIterator<Item = u32>) -> Result<(), QueueError> {
        self.room.vote(self.seq().ok_or(QueueError::NotSent)?, choices).await
    }

    /// Ends its poll.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; else as [`Room::close_poll`].
    pub async fn close_poll(&self) -> Result<(), QueueError> {
        self.room.close_poll(self.seq().ok_or(QueueError::NotSent)?).await
    }

    /// Who has chosen what in its poll.
    ///
    /// # Errors
    /// As [`Room::voters`]; `INVALID_FIELD` for one that isn't in the log yet.
    pub async fn voters(&self) -> Result<Vec<Voter>, CallError> {
        self.room.voters(self.seq().unwrap_or_default()).await
    }

    /// What the pages say of themselves that its links lead to, where the server has looked. It isn't to be
    /// believed, and is plain text.
    pub fn link_previews(&self) -> &[LinkPreview] {
        &self.link_previews
    }

    /// Takes its links' previews away for everyone, for good.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; else as [`Room::hide_link_previews`].
    pub async fn hide_link_previews(&self) -> Result<(), QueueError> {
        self.room.hide_link_previews(self.seq().ok_or(QueueError::NotSent)?).await
    }

    /// Its attachments, each with its way to be fetched; none before it is in the log.
    pub fn downloads(&self) -> Vec<(&Attachment, Download)> {
        let seq = self.seq();
        let download = |attachment| Some((attachment, self.room.download(seq?, attachment)));
        self.attachments.iter().filter_map(download).collect()
    }

    /// Sends what it says and carries to another room, under the user's own name. Needs a
    /// connection where it has attachments. A poll is asked anew there: without its votes, and
    /// without an end.
    ///
    /// # Errors
    /// [`QueueError::NotSent`] for one that isn't in the log yet; `BLOB_NOT_FOUND` where an
    /// attachment can't be read any more; else as [`Room::send`].
    pub async fn forward(&self, to: &Room) -> Result<Sent, QueueError> {
        let seq = self.seq().ok_or(QueueError::NotSent)?;
        for attachment in &self.attachments {
            self.room.claim(seq, attachment).await?;
        }
        let (text, attachments) = (self.text.clone(), self.attachments.clone());
        let anew = |poll: &Poll| NewPoll { closes_at_ms: None, ..poll.asked.clone() };
        let poll = self.poll.as_ref().map(anew);
        to.send(Draft { text, attachments, poll, ..Draft::default() }).await
    }

    /// Sends it, or a pending change of it, again after it failed.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn retry(&self) -> Result<(), QueueError> {
        match self.unsent() {
            Some(client_ref) => self.room.command(Command::Retry(client_ref)).await,
            None => Ok(()),
        }
    }

    /// Takes it, or a pending change of it, out of the outbox.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn discard(&self) -> Result<(), QueueError> {
        match self.unsent() {
            Some(client_ref) => self.room.command(Command::Discard(client_ref)).await,
            None => Ok(()),
        }
    }

    fn unsent(&self) -> Option<parlour_protocol::ids::ClientRef> {
        self.pending.or(self.client_ref.filter(|_| matches!(self.place, Place::Outbox(_))))
    }
}
