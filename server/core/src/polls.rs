//! Polls in memory: what was chosen so far. Loaded on first use, changed only by what was committed.
//! Who has chosen what lies in a table of its own and never leaves the server where a poll is
//! anonymous.

use std::sync::{
    Arc, Mutex, MutexGuard, RwLock,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use parlour_protocol::{
    ids::{RoomId, UserId},
    limits::{POLL_OPTION_BYTES_MAX, POLL_OPTIONS_MAX, POLL_OPTIONS_MIN, POLL_QUESTION_BYTES_MAX},
    poll::{Poll, PollState},
    wire::{Error, ErrorReason},
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    draft::store_error,
    emoji::check_emoji,
    kit::Ctx,
    limits::{self, SCAN_ROWS},
    ports::store::{Put, Scan, Store, StoreError},
    records::{key, room_seq, trailing_seq},
    tables::Table,
};

/// Options of a poll, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices(u32);

const _: () = assert!(POLL_OPTIONS_MAX <= u32::BITS as usize);

impl Choices {
    /// A set as it travels, if that may be chosen in the poll.
    pub fn parse(places: &[u32], poll: &PollRow) -> Result<Self, Error> {
        let invalid = |problem| Error::invalid("choices", problem);
        if places.len() > poll.max_choices as usize {
            return Err(invalid("are more than may be chosen"));
        }
        let mut set = 0;
        for place in places {
            if *place as usize >= poll.counts.len() {
                return Err(invalid("name an option that isn't there"));
            }
            if set & (1 << place) != 0 {
                return Err(invalid("name an option twice"));
            }
            set |= 1 << place;
        }
        Ok(Choices(set))
    }

    /// The set as it travels: ascending.
    pub fn places(self) -> Vec<u32> {
        (0..u32::BITS).filter(|place| self.has(*place as usize)).collect()
    }

    /// Whether the option is among them.
    pub fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A row of `Table::POLLS`: the rules of a poll, and what was chosen so far.
#[derive(Clone, PartialEq, Message)]
pub struct PollRow {
    /// How many have chosen each option.
    #[prost(uint64, repeated, tag = "1")]
    pub counts: Vec<u64>,
    /// How many have chosen anything.
    #[prost(uint64, tag = "2")]
    pub voters: u64,
    /// The event that closed it; 0 for none.
    #[prost(uint64, tag = "3")]
    pub closed_seq: u64,
    /// The event that changed it last; 0 for none.
    #[prost(uint64, tag = "4")]
    pub changed_seq: u64,
    /// How many options one user may choose.
    #[prost(uint32, tag = "5")]
    pub max_choices: u32,
    /// Nobody is told who has chosen what.
    #[prost(bool, tag = "6")]
    pub is_anonymous: bool,
    /// From then on it takes no votes; 0 for no end.
    #[prost(uint64, tag = "7")]
    pub closes_at_ms: u64,
}

impl PollRow {
    /// A poll in which nobody has voted.
    pub fn new(poll: &Poll) -> Self {
        PollRow {
            counts: vec![0; poll.options.len()],
            max_choices: poll.max_choices,
            is_anonymous: poll.anonymous,
            closes_at_ms: poll.closes_at_ms,
            ..PollRow::default()
        }
    }

    /// Whether it takes no votes any more.
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.closed_seq > 0 || (self.closes_at_ms > 0 && now_ms >= self.closes_at_ms)
    }

    /// The poll after the event at `seq`.
    pub fn after(mut self, change: &PollChange, seq: u64) -> Self {
        self.changed_seq = seq;
        match change {
            PollChange::Close => self.closed_seq = seq,
            PollChange::Vote(vote) => {
                for (place, count) in self.counts.iter_mut().enumerate() {
                    *count = *count + u64::from(vote.now.has(place))
                        - u64::from(vote.before.has(place)).min(*count);
                }
                self.voters = self.voters + u64::from(!vote.now.is_empty())
                    - u64::from(!vote.before.is_empty()).min(self.voters);
            }
        }
        self
    }
}

/// A row of `Table::POLL_VOTES`: what somebody has chosen. The row of a vote that another one of theirs
/// has taken the place of is empty.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct VoteRow {
    /// A bit for each option.
    #[prost(uint32, tag = "1")]
    bits: u32,
    /// The event.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
}

impl VoteRow {
    /// A vote as it is kept.
    pub fn new(choices: Choices, seq: u64) -> Self {
        VoteRow { bits: choices.0, seq }
    }

    /// What was chosen.
    pub fn choices(self) -> Choices {
        Choices(self.bits)
    }
}

/// How an event changes a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollChange {
    /// Somebody has voted.
    Vote(Vote),
    /// It takes no more votes.
    Close,
}

/// A vote as it was decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Whose.
    pub voter: UserId,
    /// Their first one in the poll is 1.
    pub number: u64,
    /// What they had chosen.
    pub before: Choices,
    /// What they choose.
    pub now: Choices,
}

/// A poll that an event changes.
#[derive(Clone, Debug)]
pub struct PollDraft {
    /// The poll.
    pub cell: Arc<PollCell>,
    /// How.
    pub change: PollChange,
}

impl PollDraft {
    /// Whether what it was decided on doesn't hold any more.
    pub fn is_stale(&self, now_ms: u64) -> bool {
        let PollDraft { cell, change } = self;
        cell.is_lost()
            || match change {
                PollChange::Close => cell.state().closed_seq > 0,
                PollChange::Vote(vote) => {
                    cell.state().is_over(now_ms) || cell.last_vote(vote.voter) >= vote.number
                }
            }
    }
}

/// A poll as of the last committed vote.
#[derive(Debug)]
pub struct PollCell {
    /// Its room.
    pub room: RoomId,
    /// The message.
    pub target_seq: u64,
    lost: AtomicBool,
    // The numbers of members' last votes since it was loaded: of two at once one is decided again.
    votes: Mutex<FxHashMap<UserId, u64>>,
    state: RwLock<PollRow>,
}

impl PollCell {
    /// Everything, as of now.
    pub fn state(&self) -> PollRow {
        self.state.read().expect("no panic while the lock is held").clone()
    }

    /// The number of the user's last vote, as far as they voted since it was loaded.
    fn last_vote(&self, user: UserId) -> u64 {
        let votes = self.votes.lock().expect("no panic while the lock is held");
        votes.get(&user).copied().unwrap_or(0)
    }

    /// What was committed becomes what is known.
    pub fn apply(&self, state: PollRow, change: &PollChange) {
        *self.state.write().expect("no panic while the lock is held") = state;
        if let PollChange::Vote(vote) = change {
            let mut votes = self.votes.lock().expect("no panic while the lock is held");
            // A row says the same, only later.
            if votes.len() >= limits::POLL_VOTERS_NOTED_MAX {
                votes.clear();
            }
            votes.insert(vote.voter, vote.number);
        }
    }

    /// What is known may no longer be true: load it again.
    pub fn lose(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Whether [`PollCell::lose`] was called.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// The polls in memory.
#[derive(Debug, Default)]
pub struct Polls {
    cells: Mutex<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    by_place: FxHashMap<(RoomId, u64), Arc<PollCell>>,
    /// How often some were forgotten: what was read from the store before may be old by now.
    forgotten: u64,
}

impl Cells {
    /// The poll if it is known, and otherwise how often some were forgotten.
    fn find(&mut self, place: (RoomId, u64)) -> Result<Arc<PollCell>, u64> {
        match self.by_place.get(&place) {
            Some(cell) if !cell.is_lost() => return Ok(cell.clone()),
            Some(_) => {
                self.by_place.remove(&place);
                self.forgotten += 1;
            }
            None => {}
        }
        Err(self.forgotten)
    }

    fn insert(&mut self, cell: Arc<PollCell>) {
        if self.by_place.len() >= limits::POLL_CACHE_MAX {
            self.by_place.retain(|_, cell| Arc::strong_count(cell) > 1);
            self.forgotten += 1;
        }
        self.by_place.insert((cell.room, cell.target_seq), cell);
    }
}

impl Polls {
    /// The poll of a message, from memory or from the store; `None` where it asks nothing.
    pub async fn get(
        &self,
        store: &dyn Store,
        room: RoomId,
        target_seq: u64,
    ) -> Result<Option<Arc<PollCell>>, StoreError> {
        let place = (room, target_seq);
        loop {
            let before = match self.cells().find(place) {
                Ok(cell) => return Ok(Some(cell)),
                Err(forgotten) => forgotten,
            };
            let Some(state) = load(store, room, target_seq).await? else { return Ok(None) };
            let mut cells = self.cells();
            match cells.find(place) {
                Ok(cell) => return Ok(Some(cell)),
                // Somebody may have had the poll meanwhile, and counted on.
                Err(forgotten) if forgotten != before => continue,
                Err(_) => {}
            }
            let (lost, votes, state) =
                (AtomicBool::new(false), Mutex::default(), RwLock::new(state));
            let cell = Arc::new(PollCell { room, target_seq, lost, votes, state });
            cells.insert(cell.clone());
            return Ok(Some(cell));
        }
    }

    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.cells.lock().expect("no panic while the lock is held")
    }
}

/// The poll of a message as it lies in the store.
async fn load(
    store: &dyn Store,
    room: RoomId,
    target_seq: u64,
) -> Result<Option<PollRow>, StoreError> {
    let row = store.get(Table::POLLS, &room_seq(room, target_seq)).await?;
    row.map(PollRow::decode).transpose().map_err(|_| StoreError::Damaged)
}

/// room ‖ target ‖ user ‖ number, for `POLL_VOTES`.
pub(crate) fn vote_key(room: RoomId, target_seq: u64, user: UserId, number: u64) -> Bytes {
    key(&[&room_seq(room, target_seq), user.as_bytes(), &number.to_be_bytes()])
}

/// The user's last vote and its number; none is number 0.
pub(crate) async fn last_vote(
    store: &dyn Store,
    room: RoomId,
    target_seq: u64,
    user: UserId,
) -> Result<(u64, VoteRow), Error> {
    let prefix = key(&[&room_seq(room, target_seq), user.as_bytes()]);
    let mut scan = Scan::prefix(Table::POLL_VOTES, prefix, 1);
    scan.reverse = true;
    let rows = store.scan(scan).await.map_err(store_error)?;
    let Some((row, value)) = rows.into_iter().next() else { return Ok((0, VoteRow::default())) };
    let vote = VoteRow::decode(value).map_err(|_| store_error(StoreError::Damaged))?;
    Ok((trailing_seq(&row).unwrap_or_default(), vote))
}

/// A poll as the caller sees it.
async fn view(ctx: &Ctx, room: RoomId, target_seq: u64, row: PollRow) -> Result<PollState, Error> {
    let (_, own) = last_vote(ctx.store(), room, target_seq, ctx.user()).await?;
    Ok(PollState {
        target_seq,
        counts: row.counts,
        voters: row.voters,
        closed_seq: row.closed_seq,
        changed_seq: row.changed_seq.max(target_seq),
        own: own.choices().places(),
        own_seq: own.seq,
    })
}

/// The poll of a message as the caller sees it; `None` where it asks nothing.
pub(crate) async fn poll_state(
    ctx: &Ctx,
    room: RoomId,
    target_seq: u64,
) -> Result<Option<PollState>, Error> {
    match load(ctx.store(), room, target_seq).await.map_err(store_error)? {
        Some(row) => view(ctx, room, target_seq, row).await.map(Some),
        None => Ok(None),
    }
}

/// The polls of the messages of a stretch of the room's log.
pub(crate) async fn polls_in(
    ctx: &Ctx,
    room: RoomId,
    first: u64,
    last: u64,
) -> Result<Vec<PollState>, Error> {
    let mut polls = Vec::new();
    let mut from = room_seq(room, first);
    loop {
        let scan = Scan {
            table: Table::POLLS,
            from: from.clone(),
            to: Some(room_seq(room, last + 1)),
            reverse: false,
            rows_max: SCAN_ROWS,
        };
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        for (row, value) in &rows {
            // One that can't be read doesn't hide the page.
            let poll = PollRow::decode(value.clone()).ok();
            let Some((target_seq, poll)) = trailing_seq(row).zip(poll) else { continue };
            polls.push(view(ctx, room, target_seq, poll).await?);
        }
        let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(polls);
        };
        from = key(&[row, &[0]]);
    }
}

/// Whether a message asks something.
pub(crate) async fn is_poll(ctx: &Ctx, room: RoomId, seq: u64) -> Result<bool, Error> {
    let row = ctx.store().get(Table::POLLS, &room_seq(room, seq)).await;
    row.map(|row| row.is_some()).map_err(store_error)
}

/// What ends with a poll whose message is deleted. Its votes follow.
pub(crate) async fn end_of(ctx: &Ctx, room: RoomId, seq: u64) -> Result<Option<Put>, Error> {
    let put = Put { table: Table::POLLS, key: room_seq(room, seq), value: None };
    Ok(is_poll(ctx, room, seq).await?.then_some(put))
}

/// Refuses what isn't a poll.
pub(crate) fn check_poll(poll: &Poll) -> Result<(), Error> {
    let invalid = |field: &str, problem: &str| {
        Err(Error::invalid(format!("body.poll.{field}"), problem.to_owned()))
    };
    if !(1..=POLL_QUESTION_BYTES_MAX).contains(&poll.question.len()) {
        return invalid("question", "is empty or over 500 bytes");
    }
    if !(POLL_OPTIONS_MIN..=POLL_OPTIONS_MAX).contains(&poll.options.len()) {
        return invalid("options", "are fewer than 2 or more than 20");
    }
    if !(1..=poll.options.len()).contains(&(poll.max_choices as usize)) {
        return invalid("max_choices", "is 0, or more than there are options");
    }
    for (i, option) in poll.options.iter().enumerate() {
        if !(1..=POLL_OPTION_BYTES_MAX).contains(&option.text.len()) {
            return invalid(&format!("options[{i}].text"), "is empty or over 200 bytes");
        }
        if poll.options[..i].contains(option) {
            return invalid(&format!("options[{i}]"), "is there twice");
        }
        if !option.emoji.is_empty() {
            check_emoji(&format!("body.poll.options[{i}].emoji"), &option.emoji)?;
        }
    }
    Ok(())
}

/// Refuses a poll that would be over before it begins.
pub(crate) fn check_end(poll: Option<&Poll>, now_ms: u64) -> Result<(), Error> {
    match poll.map_or(0, |poll| poll.closes_at_ms) {
        0 => Ok(()),
        at_ms if at_ms > now_ms => Ok(()),
        _ => Err(Error::invalid("body.poll.closes_at_ms", "is over")),
    }
}

/// The answer to whoever votes too late.
pub(crate) fn poll_closed() -> Error {
    Error::new(ErrorReason::PollClosed, "the poll takes no more votes")
}

/// What there is to find in a message: its text, and behind it what it asks.
pub(crate) fn searched(text: &str, poll: Option<&Poll>) -> String {
    let mut searched = text.to_owned();
    for words in poll.into_iter().flat_map(|poll| {
        std::iter::once(&poll.question).chain(poll.options.iter().map(|option| &option.text))
    }) {
        searched.push('\n');
        searched.push_str(words);
    }
    searched
}

#[cfg(test)]
#[path = "polls_tests.rs"]
mod tests;
