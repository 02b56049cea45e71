//! What a timeline shows.

use std::{fmt, sync::Arc};

use parlour_protocol::{
    generated::EventBody,
    ids::{ClientRef, RoomId, UserId},
    interaction::Components,
};

use crate::{attachment::Attachment, outbox::SendError, polls::Poll};

/// Where an item stands: everything in the log in its order, then the outbox in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the room's log, under this number.
    Log(u64),
    /// In the outbox, under this number.
    Outbox(u64),
}

/// How far something of the user's own got.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// The server has it.
    Sent,
    /// It waits for a connection or its turn.
    Queued,
    /// It is under way.
    Sending,
    /// It failed; it waits to be retried or discarded.
    Failed(SendError),
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A message, also a deleted one or one that isn't sent yet.
    Message(Message),
    /// Something that happened in the room, or a kind of event this version doesn't know.
    Notice(Notice),
}

impl Item {
    /// Where it stands.
    pub fn place(&self) -> Place {
        match self {
            Item::Message(message) => message.place,
            Item::Notice(notice) => Place::Log(notice.seq),
        }
    }
}

/// A message as it is now.
#[derive(Clone, PartialEq)]
pub struct Message {
    /// Its room.
    pub room: RoomId,
    /// Where it stands.
    pub place: Place,
    /// Who wrote it; `None` for an own one before the first connection ever.
    pub sender: Option<UserId>,
    /// When the server took it, or when it was written if that hasn't happened; Unix milliseconds.
    pub at_ms: u64,
    /// When it is deleted by itself, Unix milliseconds.
    pub expires_at_ms: Option<u64>,
    /// The text of the newest edit; empty when it is deleted.
    pub text: String,
    /// What it carries; empty when it is deleted.
    pub attachments: Vec<Attachment>,
    /// What it asks; `None` when it is deleted.
    pub poll: Option<Poll>,
    /// What it offers to press and to choose; empty when it is deleted.
    pub components: Arc<Components>,
    /// Whether the text is another than at first.
    pub is_edited: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Users mentioned.
    pub mentions: Vec<UserId>,
    /// Whether everyone is.
    pub mentions_everyone: bool,
    /// Groups whose people are, by the rooms of their nodes: those who are in one of them and in this room.
    pub mention_groups: Vec<RoomId>,
    /// The message it replies to, by its number in the log.
    pub reply_to: Option<u64>,
    /// The message whose thread it belongs to.
    pub thread_root: Option<u64>,
    /// What stands under it, where anything does.
    pub thread: Option<ThreadSummary>,
    /// What people put to it, in the order of the emoji; those of the user that the server doesn't
    /// have yet included. Empty when it is deleted.
    pub reactions: Vec<Reaction>,
    /// What the pages say of themselves that its links lead to, where the server has looked; empty when it
    /// is deleted.
    pub link_previews: Arc<[LinkPreview]>,
    /// Whether it is pinned, as far as the user did that and the server doesn't have it yet, too.
    /// Never when it is deleted.
    pub is_pinned: bool,
    /// The sender's own id for it.
    pub client_ref: Option<ClientRef>,
    /// An own edit or delete of it that the server doesn't have yet.
    pub pending: Option<ClientRef>,
    /// How far the message, or the pending change of it, got.
    pub delivery: Delivery,
}

/// The thread under a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadSummary {
    /// Replies that aren't deleted.
    pub replies: u64,
    /// The last reply, by its number in the log.
    pub last_seq: u64,
    /// When that was, Unix milliseconds.
    pub last_at_ms: u64,
}

/// What a page says of itself that a message leads to. It isn't to be believed: whoever made the page may
/// say anything.
#[derive(Clone, Default, PartialEq, Eq)]
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

impl fmt::Debug for LinkPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where people's links lead is theirs: never in a log.
        f.debug_struct("LinkPreview").finish_non_exhaustive()
    }
}

/// An emoji that people put to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji, or `:name:`.
    pub emoji: String,
    /// Who put it there; never nobody.
    pub users: Vec<UserId>,
}

impl Message {
    /// Its number in the log, once it has one.
    pub fn seq(&self) -> Option<u64> {
        match self.place {
            Place::Log(seq) => Some(seq),
            Place::Outbox(_) => None,
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text is the user's: never in a log.
        f.debug_struct("Message")
            .field("place", &self.place)
            .field("text", &format_args!("<{} bytes>", self.text.len()))
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// Something that isn't a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Its number in the log.
    pub seq: u64,
    /// When it happened, Unix milliseconds.
    pub at_ms: u64,
    /// Who caused it.
    pub sender: Option<UserId>,
    /// What it is.
    pub body: EventBody,
}
