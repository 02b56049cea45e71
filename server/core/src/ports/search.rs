//! The `Search` port: an index of messages by their words. What it holds is derived from the logs and
//! can be thrown away at any time; who may read what is decided before and after it is asked.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::ids::{Incarnation, RoomId, UserId};

use super::Task;
use crate::{records::key, search::asked::Asked};

/// A message as it is indexed.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its room.
    pub room: RoomId,
    /// Its number in the room's log.
    pub seq: u64,
    /// The event that gave it this text: itself, or an edit. Everything in the log up to there has
    /// been read.
    pub upto: u64,
    /// When it was sent, Unix milliseconds.
    pub at_ms: u64,
    /// Who sent it.
    pub sender: UserId,
    /// The root of the thread it is in; 0 for none.
    pub thread_root: u64,
    /// Whether there is a link in it.
    pub has_link: bool,
    /// Whether there is a file with it.
    pub has_file: bool,
    /// What it says.
    pub text: String,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text is somebody's: never in a log.
        f.debug_struct("Entry").field("seq", &self.seq).finish_non_exhaustive()
    }
}

/// A change of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A message that isn't in the index.
    Add(Entry),
    /// In the place of what the index has of that message, if it has anything.
    Replace(Entry),
    /// A message that is found no longer.
    Remove {
        /// Its room.
        room: RoomId,
        /// Its number.
        seq: u64,
    },
    /// The room's log has been read up to there, and there was nothing to find for a while.
    Reached {
        /// The room.
        room: RoomId,
        /// The last number read.
        seq: u64,
    },
}

/// Which of two messages stands first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The one sent later.
    #[default]
    Newest,
    /// The one that says more of what was asked for, as the index sees it.
    Relevance,
}

/// Where a message stands among those found: the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The bits of a number that isn't negative, which are ordered as it is; 0 by time.
    pub score: u32,
    /// When it was sent.
    pub at_ms: u64,
    /// Its number in the log.
    pub seq: u64,
    /// Its room.
    pub room: RoomId,
}

impl Place {
    /// Thirty-six bytes, for clients to hand back.
    pub fn to_bytes(self) -> Bytes {
        let (score, at_ms) = (self.score.to_be_bytes(), self.at_ms.to_be_bytes());
        key(&[&score, &at_ms, &self.seq.to_be_bytes(), self.room.as_bytes()])
    }

    /// The inverse of [`Place::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (score, rest) = bytes.split_first_chunk()?;
        let (at_ms, rest) = rest.split_first_chunk()?;
        let (seq, room) = rest.split_first_chunk()?;
        Some(Place {
            score: u32::from_be_bytes(*score),
            at_ms: u64::from_be_bytes(*at_ms),
            seq: u64::from_be_bytes(*seq),
            room: RoomId::parse(room).ok()?,
        })
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Only in these rooms, in the order of their ids.
    pub rooms: Arc<[RoomId]>,
    /// What the message has to be like.
    pub asked: Arc<Asked>,
    /// Which stands first.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
    /// Only those behind that one.
    pub after: Option<Place>,
}

/// Why the index doesn't answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It isn't open: it is being opened or made anew.
    #[error("the index is not open")]
    Closed,
    /// It can't be read or written now.
    #[error("the index is unavailable")]
    Unavailable,
    /// It isn't whole: reset it and make it anew.
    #[error("the index is damaged")]
    Damaged,
}

/// An index. One task feeds it; any may ask.
pub trait Search: Send + Sync + 'static {
    /// Opens the index of that store, empty where there is none or it is of another one or another
    /// make; what was taken in and not committed is forgotten. Up to where it has read the rooms'
    /// logs: never further than it has, and not always as far.
    fn open(&self, of: Incarnation) -> Task<'_, Result<Vec<(RoomId, u64)>, SearchError>>;

    /// Closes it and removes all it holds.
    fn reset(&self) -> Task<'_, Result<(), SearchError>>;

    /// Takes changes in, in order. Nobody finds them before they are committed.
    fn apply(&self, changes: Vec<Change>) -> Task<'_, Result<(), SearchError>>;

    /// What was taken in is found from now on, and is there after a crash.
    fn commit(&self) -> Task<'_, Result<(), SearchError>>;

    /// The first messages that are as asked for, the first one first: as many as the limit, if there
    /// are.
    fn find(&self, query: Query) -> Task<'_, Result<Vec<Place>, SearchError>>;
}
