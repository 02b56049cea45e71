//! What is kept of a user's presence: what they have set, and about when they were there last.
//! Loaded on first use, changed only by what was committed.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use parlour_protocol::{
    ids::UserId,
    presence::{PresenceSettings, Status},
};
use prost::Message;
use rustc_hash::FxHashMap;

use crate::{
    limits,
    ports::store::{Put, Scan, Store, StoreError},
    records::{UserRow, key, trailing_seq, trailing_user},
    tables::Table,
};

/// A row of `Table::LAST_SEEN`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct LastSeenRow {
    /// When, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub at_ms: u64,
}

/// What one user has set, and when they were there last.
#[derive(Debug)]
pub struct Card {
    /// Whose it is.
    pub user: UserId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    // Which of the user's changes it is as of, and which one was of the status; 0 for none ever.
    number: u64,
    status_number: u64,
    settings: PresenceSettings,
    // 0 where it isn't known.
    last_seen_ms: u64,
    // What the user's row comes to; 0 where nobody has asked.
    mark: u32,
}

/// What a user has set who has never set anything.
fn unset() -> PresenceSettings {
    PresenceSettings { share_last_seen: true, ..PresenceSettings::default() }
}

impl Card {
    /// The card of a user who has never set anything and was never seen.
    pub fn blank(user: UserId) -> Self {
        let settings = unset();
        let state = State { number: 0, status_number: 0, settings, last_seen_ms: 0, mark: 0 };
        Card { user, state: Mutex::new(state) }
    }

    /// What the user has set, and the number of the change.
    pub fn settings(&self) -> (u64, PresenceSettings) {
        self.read(|state| (state.number, state.settings.clone()))
    }

    /// The status to be shown, and the number of the change that set it.
    pub(super) fn status_at(&self, unix_ms: u64) -> Option<(u64, Status)> {
        self.read(|state| {
            let status = state.settings.status.as_ref()?;
            let is_over = status.expires_at_ms != 0 && status.expires_at_ms <= unix_ms;
            (!is_over).then(|| (state.status_number, status.clone()))
        })
    }

    /// Whether the user isn't to be disturbed.
    pub(super) fn is_do_not_disturb(&self, unix_ms: u64) -> bool {
        self.read(|state| state.settings.do_not_disturb_until_ms > unix_ms)
    }

    /// When the next thing that the user has set is over, Unix milliseconds.
    pub(super) fn next_end_ms(&self, unix_ms: u64) -> Option<u64> {
        self.read(|state| {
            let status = state.settings.status.as_ref().map_or(0, |status| status.expires_at_ms);
            let ends = [status, state.settings.do_not_disturb_until_ms];
            ends.into_iter().filter(|end| *end > unix_ms).min()
        })
    }

    /// When the user was there last, where others may know it; 0 where not.
    pub(super) fn last_seen_ms(&self) -> u64 {
        self.read(|state| state.last_seen_ms)
    }

    /// Whether others may know when the user was there last.
    pub(crate) fn shares_last_seen(&self) -> bool {
        self.read(|state| state.settings.share_last_seen)
    }

    /// The user was there; `false` where that isn't to be kept.
    pub(super) fn saw(&self, at_ms: u64) -> bool {
        let mut state = self.lock();
        let shares = state.settings.share_last_seen;
        if shares {
            state.last_seen_ms = state.last_seen_ms.max(at_ms);
        }
        shares
    }

    /// The mark of the user's row; 0 where it isn't known.
    pub fn mark(&self) -> u32 {
        self.read(|state| state.mark)
    }

    /// The mark of the row as it was committed, or 0 for one that has to be read again.
    pub fn set_mark(&self, mark: u32) {
        self.lock().mark = mark;
    }

    /// The mark of the row as it was read after this card was got: what was committed since is newer.
    pub fn learn_mark(&self, mark: u32) {
        let mut state = self.lock();
        if state.mark == 0 {
            state.mark = mark;
        }
    }

    /// What was committed becomes what is known.
    pub fn apply(&self, number: u64, settings: PresenceSettings) {
        let mut state = self.lock();
        if number <= state.number {
            return;
        }
        if !settings.share_last_seen {
            state.last_seen_ms = 0;
        }
        if settings.status != state.settings.status {
            state.status_number = number;
        }
        (state.number, state.settings) = (number, settings);
    }

    /// The same, out of the row that was written.
    pub(crate) fn apply_put(&self, put: &Put) {
        if let (Some(number), Some(value)) = (trailing_seq(&put.key), &put.value) {
            self.apply(number, PresenceSettings::decode(value.clone()).unwrap_or_else(|_| unset()));
        }
    }

    /// Looks into the store again: what is known may be older.
    pub async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let scan = Scan { reverse: true, ..Scan::prefix(Table::STATUS, self.user.to_field(), 1) };
        for (key, value) in store.scan(scan).await? {
            self.apply_put(&Put { table: Table::STATUS, key, value: Some(value) });
        }
        let row = store.get(Table::LAST_SEEN, self.user.as_bytes()).await?;
        // One that can't be read is one that isn't known.
        if let Some(row) = row.and_then(|row| LastSeenRow::decode(row).ok()) {
            self.saw(row.at_ms);
        }
        Ok(())
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }
}

/// The key of the row that a user's change of that number writes. Two devices that decided on the
/// same one would write the same row, which the second finds there.
pub fn status_key(user: UserId, number: u64) -> Bytes {
    key(&[user.as_bytes(), &number.to_be_bytes()])
}

/// The write of when a user was there last; `None` removes it.
pub fn last_seen_put(user: UserId, at_ms: Option<u64>) -> Put {
    let value = at_ms.map(|at_ms| LastSeenRow { at_ms }.encode_to_vec().into());
    Put { table: Table::LAST_SEEN, key: user.to_field(), value }
}

/// The cards in memory.
#[derive(Debug, Default)]
pub struct Cards {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    cards: FxHashMap<UserId, Arc<Card>>,
    // How many are in use as of the last look through them.
    in_use: usize,
}

impl Cards {
    /// The user's card, from memory or from the store. Every user has one, if only a blank one.
    pub async fn get(&self, store: &dyn Store, user: UserId) -> Result<Arc<Card>, StoreError> {
        if let Some(card) = self.cached(user) {
            return Ok(card);
        }
        let card = Card::blank(user);
        card.refresh(store).await?;
        let mut kept = self.lock();
        if kept.cards.len() >= kept.in_use + limits::CARD_CACHE_MAX {
            // Those in use stay: what is committed reaches them.
            kept.cards.retain(|_, card| Arc::strong_count(card) > 1);
            kept.in_use = kept.cards.len();
        }
        Ok(kept.cards.entry(user).or_insert_with(|| Arc::new(card)).clone())
    }

    /// Rows of users were committed: the cards in memory that they are about.
    pub(crate) fn note(&self, puts: &[Put]) -> Vec<Arc<Card>> {
        self.set_marks(puts, |user, row| UserRow::decode(row).ok().map(|row| row.view(user).mark))
    }

    /// Nobody knows whether they were committed.
    pub(crate) fn forget_marks(&self, puts: &[Put]) {
        self.set_marks(puts, |_, _| None);
    }

    fn set_marks(
        &self,
        puts: &[Put],
        mark: impl Fn(UserId, Bytes) -> Option<u32>,
    ) -> Vec<Arc<Card>> {
        let set = |put: &Put| {
            let card = self.cached(trailing_user(&put.key)?)?;
            let row = put.value.clone();
            card.set_mark(row.and_then(|row| mark(card.user, row)).unwrap_or(0));
            Some(card)
        };
        puts.iter().filter(|put| put.table == Table::USERS).filter_map(set).collect()
    }

    /// The user's card if it is in memory.
    pub fn cached(&self, user: UserId) -> Option<Arc<Card>> {
        self.lock().cards.get(&user).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the lock is held")
    }
}
