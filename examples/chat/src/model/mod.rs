//! The chat as a value: what is known, what is open, what is being written. It changes only by
//! [`Model::handle`] and [`Model::press`], which answer with what is to be done; it draws nothing
//! and knows no client.

pub(crate) mod command;
pub(crate) mod entry;
mod handle;
mod input;
mod keys;
pub(crate) mod people;
pub(crate) mod poll;
pub(crate) mod room;
mod run;

use std::{ops::Range, sync::Arc};

use parlour::{Place, RoomId, RoomSummary, UserId, presence::UserPresence};

use self::{
    entry::{Entry, Progress},
    input::Input,
    people::{People, Person},
    room::OpenRoom,
};
pub(crate) use keys::Key;

/// A good word stays this long on the status line, an error until something else is done.
const NOTE_FOR_MS: u64 = 6_000;

/// A message that waits longer than this is worth a word, even with a connection.
const LATE_MS: u64 = 2_000;

/// Where the connection stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Connection {
    #[default]
    Connecting,
    Live,
    /// Until the next attempt at this time, Unix milliseconds.
    Offline {
        retry_at_ms: u64,
        why: Option<String>,
    },
    /// It won't connect by itself, and why.
    Stopped(String),
    Closed,
}

/// Something that happened outside.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The time, Unix milliseconds.
    Tick(u64),
    Connection(Connection),
    Me(UserId),
    Rooms(Vec<Arc<RoomSummary>>),
    Entries {
        room: RoomId,
        /// The root of the thread they are of.
        thread: Option<u64>,
        entries: Vec<Entry>,
    },
    /// An answer to [`Effect::LoadOlder`]: whether there is more.
    Older {
        room: RoomId,
        thread: Option<u64>,
        more: Result<bool, String>,
    },
    Members {
        room: RoomId,
        members: Vec<Person>,
    },
    People(Vec<Person>),
    /// An answer to [`Effect::Watch`], whenever something is new.
    Presence(Vec<Arc<UserPresence>>),
    /// A room was made or found; show it.
    Opened(RoomId),
    /// An answer to [`Effect::Search`].
    Found(Vec<FoundLine>),
    Done(String),
    Failed(String),
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Follow this room's timeline and no other.
    Open(RoomId),
    /// Follow this thread's timeline and no other.
    OpenThread {
        room: RoomId,
        root: u64,
    },
    LoadOlder(RoomId),
    ListMembers(RoomId),
    LookUp(Vec<UserId>),
    /// Hear of the presence of these users and no others.
    Watch(Vec<UserId>),
    /// Somebody looks at the chat, or no longer.
    Show(bool),
    SetStatus(String),
    Send {
        room: RoomId,
        text: String,
        mentions: Vec<UserId>,
        everyone: bool,
        reply_to: Option<u64>,
        thread: Option<u64>,
    },
    Attach {
        room: RoomId,
        path: String,
        text: String,
        thread: Option<u64>,
    },
    Save {
        room: RoomId,
        seq: u64,
        files: Vec<parlour::Attachment>,
        folder: String,
    },
    Ask {
        room: RoomId,
        poll: parlour::NewPoll,
        thread: Option<u64>,
    },
    Vote {
        room: RoomId,
        seq: u64,
        choices: Vec<u32>,
    },
    ClosePoll {
        room: RoomId,
        seq: u64,
    },
    React {
        room: RoomId,
        seq: u64,
        emoji: String,
        on: bool,
    },
    Edit {
        room: RoomId,
        place: Place,
        text: String,
    },
    Delete {
        room: RoomId,
        place: Place,
    },
    Retry {
        room: RoomId,
        place: Place,
    },
    MarkRead {
        room: RoomId,
        seq: u64,
    },
    MarkThreadRead {
        room: RoomId,
        root: u64,
        seq: u64,
    },
    MarkUnread {
        room: RoomId,
        seq: u64,
    },
    Typing {
        room: RoomId,
        active: bool,
    },
    Direct(String),
    Group {
        name: String,
        members: Vec<String>,
    },
    Invite {
        room: RoomId,
        who: Vec<String>,
    },
    Leave(RoomId),
    Rename {
        room: RoomId,
        name: String,
    },
    Search(String),
    Reconnect,
    Quit,
}

/// A message that was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundLine {
    pub(crate) room: RoomId,
    pub(crate) sender: Option<UserId>,
    pub(crate) text: String,
    /// Where in the text the words are, in bytes.
    pub(crate) marks: Vec<Range<usize>>,
}

/// What the input line is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Writing,
    /// The own message at this place gets another text; what was being written before waits.
    Editing { place: Place, draft: String },
    /// Delete it, really?
    Deleting { place: Place },
    /// Keys and commands, from this line on where the screen is too small for all.
    Help { from: usize },
    /// The messages that were searched for are listed.
    Found(Vec<FoundLine>),
}

/// A line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) is_error: bool,
    until_ms: u64,
}

/// Everything the screen shows.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) me: Option<UserId>,
    pub(crate) now_ms: u64,
    pub(crate) connection: Connection,
    pub(crate) rooms: Vec<Arc<RoomSummary>>,
    pub(crate) people: People,
    /// Those whose presence is shown.
    watched: Vec<UserId>,
    pub(crate) open: Option<OpenRoom>,
    pub(crate) input: Input,
    pub(crate) mode: Mode,
    pub(crate) note: Option<Note>,
    /// Columns and rows of the timeline on the screen.
    pub(crate) view: (u16, u16),
    /// The terminal says when nobody looks at it; most look at it always.
    is_away: bool,
}

impl Model {
    /// The open room's line in the list.
    pub(crate) fn open_summary(&self) -> Option<&RoomSummary> {
        let open = self.open.as_ref()?;
        self.rooms.iter().find(|room| room.id == open.id).map(|room| &**room)
    }

    /// What to call a room.
    pub(crate) fn room_name<'a>(&'a self, room: &'a RoomSummary) -> &'a str {
        match room.peer {
            Some(peer) if room.is_direct => self.people.name(peer),
            _ => &room.name,
        }
    }

    /// Who types in the open room.
    pub(crate) fn typists(&self) -> Vec<&str> {
        let typing = self.open_summary().map_or(&[][..], |room| &room.typing);
        let others = typing.iter().filter(|user| Some(**user) != self.me);
        others.map(|user| self.people.name(*user)).collect()
    }

    /// How many of the open room's messages wait for longer than sending takes, and how many
    /// failed.
    pub(crate) fn unsent(&self) -> (usize, usize) {
        let entries = self.open.as_ref().map_or(&[][..], |open| &open.entries);
        let (mut waiting, mut failed) = (0, 0);
        for entry in entries {
            let is_late =
                entry.at_ms + LATE_MS < self.now_ms || self.connection != Connection::Live;
            match entry.said().map(|said| &said.progress) {
                Some(Progress::Waiting) if is_late => waiting += 1,
                Some(Progress::Failed(_)) => failed += 1,
                _ => {}
            }
        }
        (waiting, failed)
    }

    fn read_seq(&self) -> u64 {
        self.open_summary().map_or(0, |room| room.read_seq)
    }

    fn tell(&mut self, text: impl Into<String>) {
        let until_ms = self.now_ms + NOTE_FOR_MS;
        self.note = Some(Note { text: text.into(), is_error: false, until_ms });
    }

    fn complain(&mut self, text: impl Into<String>) {
        self.note = Some(Note { text: text.into(), is_error: true, until_ms: u64::MAX });
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
