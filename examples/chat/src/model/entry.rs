//! A timeline's items as the model knows them: plain values, without the client behind them.

use parlour::{Place, UserId};

/// One item of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    /// `None` for an own one before the first connection ever.
    pub(crate) sender: Option<UserId>,
    pub(crate) at_ms: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Message(Said),
    Happened(Happening),
}

/// What a message says, and how far it got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) files: Vec<parlour::Attachment>,
    pub(crate) is_edited: bool,
    pub(crate) is_deleted: bool,
    pub(crate) mentions: Vec<UserId>,
    pub(crate) mentions_everyone: bool,
    /// The message it answers.
    pub(crate) reply_to: Option<u64>,
    /// Replies in the thread under it.
    pub(crate) replies: u64,
    pub(crate) poll: Option<Box<parlour::Poll>>,
    /// Emoji and who put them there.
    pub(crate) reactions: Vec<(String, Vec<UserId>)>,
    pub(crate) progress: Progress,
}

/// How far a message, or a pending change of it, got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    #[default]
    Sent,
    Waiting,
    /// And why.
    Failed(String),
}

/// Something that isn't a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    Created {
        name: String,
    },
    Added(Vec<UserId>),
    Removed(UserId),
    Renamed(String),
    Topic(String),
    Archived(bool),
    Permissions,
    /// A kind of event this version doesn't know.
    Unknown,
}

impl Entry {
    pub(crate) fn said(&self) -> Option<&Said> {
        match &self.what {
            What::Message(said) => Some(said),
            What::Happened(_) => None,
        }
    }

    /// Its number in the room's log, once it has one.
    pub(crate) fn seq(&self) -> Option<u64> {
        match self.place {
            Place::Log(seq) => Some(seq),
            Place::Outbox(_) => None,
        }
    }

    /// Whether this user wrote it. What waits in the outbox can be nobody else's.
    pub(crate) fn is_by(&self, me: Option<UserId>) -> bool {
        self.seq().is_none() || (me.is_some() && self.sender == me)
    }

    /// Everyone whose name is needed to show it.
    pub(crate) fn people(&self) -> Vec<UserId> {
        let mut people: Vec<UserId> = self.sender.into_iter().collect();
        match &self.what {
            What::Message(said) => people.extend(&said.mentions),
            What::Happened(Happening::Added(users)) => people.extend(users),
            What::Happened(Happening::Removed(user)) => people.push(*user),
            What::Happened(_) => {}
        }
        people
    }
}
