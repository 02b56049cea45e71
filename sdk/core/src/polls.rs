//! Polls: what one asks, and what was chosen in one as of an event of its room's log. It is counted on
//! from there, vote by vote.

use std::fmt;

use bytes::Bytes;
use parlour_protocol::{
    ids::UserId,
    limits::{POLL_OPTIONS_MAX, SEQ_MAX},
    poll::{self as wire, PollState, PollVoted},
};

use crate::event::LogEvent;

/// A poll to be asked. 2 to 20 options, no two alike.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPoll {
    /// 1 to 500 bytes.
    pub question: String,
    /// What may be chosen.
    pub options: Vec<PollOption>,
    /// How many of them one user may choose; 1 unless it is said.
    pub max_choices: u32,
    /// Nobody is told who has chosen what; only that a changed vote is of the same voter as the one before.
    /// Whoever runs the server can look.
    pub is_anonymous: bool,
    /// From then on nobody can vote; Unix milliseconds.
    pub closes_at_ms: Option<u64>,
}

/// Something that may be chosen.
#[derive(Clone, PartialEq, Eq)]
pub struct PollOption {
    /// 1 to 200 bytes.
    pub text: String,
    /// An emoji, or `:name:`.
    pub emoji: Option<String>,
}

impl From<&str> for PollOption {
    fn from(text: &str) -> Self {
        PollOption { text: text.to_owned(), emoji: None }
    }
}

impl From<String> for PollOption {
    fn from(text: String) -> Self {
        PollOption { text, emoji: None }
    }
}

impl NewPoll {
    /// A poll of which everyone chooses one option, without an end.
    pub fn new<O: Into<PollOption>>(
        question: impl Into<String>,
        options: impl IntoIterator<Item = O>,
    ) -> Self {
        NewPoll {
            question: question.into(),
            options: options.into_iter().map(Into::into).collect(),
            max_choices: 1,
            is_anonymous: false,
            closes_at_ms: None,
        }
    }

    /// As it stands in a message's body.
    pub fn to_wire(&self) -> wire::Poll {
        let option = |option: &PollOption| wire::PollOption {
            text: option.text.clone(),
            emoji: option.emoji.clone().unwrap_or_default(),
        };
        wire::Poll {
            question: self.question.clone(),
            options: self.options.iter().map(option).collect(),
            max_choices: self.max_choices,
            anonymous: self.is_anonymous,
            closes_at_ms: self.closes_at_ms.unwrap_or_default(),
        }
    }

    /// That of a message's body.
    pub fn from_wire(poll: wire::Poll) -> Self {
        let option = |option: wire::PollOption| PollOption {
            text: option.text,
            emoji: Some(option.emoji).filter(|emoji| !emoji.is_empty()),
        };
        NewPoll {
            question: poll.question,
            options: poll.options.into_iter().map(option).collect(),
            max_choices: poll.max_choices,
            is_anonymous: poll.anonymous,
            closes_at_ms: Some(poll.closes_at_ms).filter(|at_ms| *at_ms > 0),
        }
    }
}

/// A poll as a timeline shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Poll {
    /// What it asks.
    pub asked: NewPoll,
    /// What was chosen; `None` while that isn't known, as of an old poll without a connection.
    pub tally: Option<Tally>,
    /// What the user has chosen, by places from 0, ascending; also what isn't sent yet.
    pub own: Vec<u32>,
    /// Whether somebody has closed it.
    pub is_closed: bool,
}

/// What was chosen, the user's own vote included, also one that isn't sent yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many have chosen each option.
    pub votes: Vec<u64>,
    /// How many have chosen anything.
    pub voters: u64,
    /// Whether there may be more: it is as of some time ago.
    pub is_old: bool,
}

impl Poll {
    /// Whether nobody can vote any more, at a time of the server's, Unix milliseconds.
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.is_closed || self.asked.closes_at_ms.is_some_and(|at_ms| at_ms <= now_ms)
    }
}

// What people ask and choose is theirs: never in a log.

impl fmt::Debug for NewPoll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewPoll({} options)", self.options.len())
    }
}

impl fmt::Debug for PollOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PollOption(<{} bytes>)", self.text.len())
    }
}

impl fmt::Debug for Poll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Poll({} options)", self.asked.options.len())
    }
}

/// What is known of a poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollRecord {
    /// The message.
    pub seq: u64,
    /// How many have chosen each option; none where that isn't known.
    pub counts: Vec<u64>,
    /// How many have chosen anything.
    pub voters: u64,
    /// Whether somebody has closed it.
    pub is_closed: bool,
    /// What the user has chosen, and the vote that says so.
    pub own: Vec<u32>,
    /// See `own`; 0 for none.
    pub own_seq: u64,
    /// What of the user's is in the counts.
    pub counted: Vec<u32>,
    /// The last event that is in it.
    pub as_of: u64,
    /// Votes before that may be missing: the server is asked.
    pub is_stale: bool,
}

impl PollRecord {
    /// A poll that was asked just now.
    pub fn new(seq: u64, options: usize) -> Self {
        let counts = vec![0; options.min(POLL_OPTIONS_MAX)];
        PollRecord { seq, counts, as_of: seq, ..PollRecord::default() }
    }

    /// A poll of which nothing is known but that something has happened in it.
    pub fn unknown(seq: u64) -> Self {
        PollRecord { seq, is_stale: true, ..PollRecord::default() }
    }

    /// What the server says, and whether it may be taken for all there is: live events may be further
    /// than it was when it was asked.
    pub fn learn(&mut self, state: &PollState) {
        if state.changed_seq < self.as_of {
            return;
        }
        self.counts.clone_from(&state.counts);
        self.counts.truncate(POLL_OPTIONS_MAX);
        self.voters = state.voters;
        self.is_closed = state.closed_seq > 0;
        self.as_of = state.changed_seq.min(SEQ_MAX);
        if state.own_seq >= self.own_seq {
            self.own.clone_from(&state.own);
            self.own.truncate(POLL_OPTIONS_MAX);
            self.own_seq = state.own_seq;
        }
        // The own vote was read a moment later than the counts: which of them it is in isn't said.
        self.is_stale = self.own_seq > self.as_of;
        self.counted = if self.is_stale { vec![] } else { self.own.clone() };
    }

    /// The next vote of the room's log.
    pub fn handle_vote(&mut self, event: &LogEvent, vote: &PollVoted, me: UserId) {
        if event.seq() <= self.as_of {
            return;
        }
        self.as_of = event.seq();
        for (place, count) in self.counts.iter_mut().enumerate() {
            let has = |choices: &[u32]| u64::from(choices.contains(&(place as u32)));
            *count = (*count + has(&vote.choices)).saturating_sub(has(&vote.before));
        }
        self.voters = (self.voters + u64::from(!vote.choices.is_empty()))
            .saturating_sub(u64::from(!vote.before.is_empty()));
        if event.sender() == Some(me) {
            self.handle_own(&vote.choices, event.seq());
        } else if event.seq() == self.own_seq {
            self.counted = self.own.clone();
        }
    }

    /// The user has voted, on whichever device.
    pub fn handle_own(&mut self, choices: &[u32], seq: u64) {
        if seq < self.own_seq {
            return;
        }
        self.own = choices.to_vec();
        self.own.sort_unstable();
        self.own_seq = seq;
        if seq <= self.as_of {
            self.counted = self.own.clone();
        }
    }

    /// What was chosen once `own` is the user's choice.
    pub fn tally(&self, own: &[u32]) -> Option<Tally> {
        if self.counts.is_empty() {
            return None;
        }
        let votes = self.counts.iter().enumerate().map(|(place, count)| {
            let has = |choices: &[u32]| u64::from(choices.contains(&(place as u32)));
            (count + has(own)).saturating_sub(has(&self.counted))
        });
        let voters = (self.voters + u64::from(!own.is_empty()))
            .saturating_sub(u64::from(!self.counted.is_empty()));
        Some(Tally { votes: votes.collect(), voters, is_old: self.is_stale })
    }

    pub(crate) fn row(&self) -> PollRow {
        PollRow {
            seq: self.seq,
            counts: self.counts.clone(),
            voters: self.voters,
            is_closed: self.is_closed,
            own: self.own.clone(),
            own_seq: self.own_seq,
            counted: self.counted.clone(),
            as_of: self.as_of,
            is_stale: self.is_stale,
        }
    }

    pub(crate) fn of_row(row: PollRow) -> Self {
        PollRecord {
            seq: row.seq,
            counts: row.counts,
            voters: row.voters,
            is_closed: row.is_closed,
            own: row.own,
            own_seq: row.own_seq,
            counted: row.counted,
            as_of: row.as_of,
            is_stale: row.is_stale,
        }
    }
}

/// A [`PollRecord`] as it is kept.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PollRow {
    #[prost(uint64, tag = "1")]
    seq: u64,
    #[prost(uint64, repeated, tag = "2")]
    counts: Vec<u64>,
    #[prost(uint64, tag = "3")]
    voters: u64,
    #[prost(bool, tag = "4")]
    is_closed: bool,
    #[prost(uint32, repeated, tag = "5")]
    own: Vec<u32>,
    #[prost(uint64, tag = "6")]
    own_seq: u64,
    #[prost(uint32, repeated, tag = "7")]
    counted: Vec<u32>,
    #[prost(uint64, tag = "8")]
    as_of: u64,
    #[prost(bool, tag = "9")]
    is_stale: bool,
}

/// Choices as the outbox keeps them: a byte for each.
pub(crate) fn pack(choices: &[u32]) -> Bytes {
    choices.iter().map(|place| u8::try_from(*place).unwrap_or(u8::MAX)).collect()
}

/// What [`pack`] made.
pub(crate) fn unpack(packed: &[u8]) -> Vec<u32> {
    packed.iter().map(|place| u32::from(*place)).collect()
}

#[cfg(test)]
#[path = "polls_tests.rs"]
mod tests;
