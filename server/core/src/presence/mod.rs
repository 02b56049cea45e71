//! Presence as a machine: what connections say, how long it holds, what it comes to for each user,
//! and who is to be told. Time is an argument; nothing here commits, sends or waits.

mod card;
mod hearer;
mod person;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use parlour_protocol::{
    ids::UserId,
    limits::{PRESENCE_TOLD_EVERY, PRESENCE_WATCHED_MAX},
    presence::{Activity, Presence, PresenceState, PresenceUpdate, WatchPresenceResponse},
};
use rustc_hash::FxHashMap;

pub use card::{Card, Cards, LastSeenRow, last_seen_put, status_key};
pub use hearer::Grounds;
use hearer::Hearer;
use person::Person;

use crate::{draft::ConnId, ports::clock::Now};

/// Somebody to be watched.
#[derive(Debug)]
pub struct Watched {
    /// What is kept of them.
    pub card: Arc<Card>,
    /// Why a guest may know of them.
    pub grounds: Grounds,
}

/// A connection would watch more users than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWatched;

/// See the module. A connection costs nothing here until it says something or watches somebody.
#[derive(Debug, Default)]
pub struct Board {
    people: FxHashMap<UserId, Person>,
    hearers: FxHashMap<ConnId, Hearer>,
    // When to look at whom, each user once.
    alarms: BTreeSet<(Duration, UserId)>,
    // Users about whom something happened at a time that wasn't said.
    touched: Vec<UserId>,
    // Users whose watchers don't know yet that there is something to tell.
    news: Vec<UserId>,
    // Connections to be told at the next tick, and now.
    queue: Vec<ConnId>,
    due: VecDeque<ConnId>,
    // All are told at the same ticks.
    tick_at: Option<Duration>,
    ticked_at: Option<Duration>,
    // How many there were: answers and updates travel on different lanes, and this says which is newer.
    ticks: u64,
    // To be kept: when somebody was there last; and when to go on with that.
    seen: BTreeMap<UserId, u64>,
    keep_at: Duration,
}

impl Board {
    // Inputs.

    /// A connection of the card's user says what somebody does there.
    pub fn handle_word(&mut self, conn: ConnId, card: &Arc<Card>, activity: Activity, now: Now) {
        let user = card.user;
        let hearer = self.hearers.entry(conn).or_insert_with(|| Hearer::new(user));
        hearer.say(activity);
        if hearer.queues() {
            self.queue.push(conn);
            self.tick_soon(now.elapsed);
        }
        self.person(card, now).say(conn, activity, now);
        self.settle(user, now);
    }

    /// A connection watches other users than before. The answer is the presence of those added.
    ///
    /// # Errors
    /// Where they would be too many; then nothing is done.
    pub fn handle_watch(
        &mut self,
        conn: ConnId,
        watcher: UserId,
        add: Vec<Watched>,
        remove: &[UserId],
        now: Now,
    ) -> Result<WatchPresenceResponse, TooManyWatched> {
        let hearer = self.hearers.entry(conn).or_insert_with(|| Hearer::new(watcher));
        let gone: BTreeSet<UserId> =
            remove.iter().filter(|user| hearer.watches.contains_key(user)).copied().collect();
        let stays = |user: &UserId| hearer.watches.contains_key(user) && !gone.contains(user);
        let new: BTreeSet<UserId> =
            add.iter().map(|watched| watched.card.user).filter(|user| !stays(user)).collect();
        if hearer.watches.len() - gone.len() + new.len() > PRESENCE_WATCHED_MAX {
            return Err(TooManyWatched);
        }
        gone.into_iter().for_each(|user| self.unwatch(conn, user));
        let mut people = Vec::with_capacity(add.len());
        for Watched { card, grounds } in add {
            let user = card.user;
            let person = self.person(&card, now);
            if person.watchers.is_empty() {
                // Nobody was told before, and this one is by the answer.
                person.has_changed(now.unix_ms);
            }
            person.watchers.insert(conn);
            if let Some(hearer) = self.hearers.get_mut(&conn) {
                hearer.watches.insert(user, grounds);
                // The answer says it.
                hearer.changed.remove(&user);
                hearer.apart.remove(&user);
            }
            self.settle(user, now);
            people.extend(self.people.get(&user).map(|person| person.view(now.unix_ms)));
        }
        Ok(WatchPresenceResponse { people, as_of: self.ticks })
    }

    /// A user has set something else.
    pub fn handle_set(&mut self, user: UserId) {
        if self.people.contains_key(&user) {
            self.touched.push(user);
        }
    }

    /// From now on that watcher may not know of the user: for them, they have left.
    pub fn handle_apart(&mut self, user: UserId, watcher: UserId) {
        let Some(person) = self.people.get(&user) else { return };
        for conn in &person.watchers {
            let Some(hearer) = self.hearers.get_mut(conn) else { continue };
            if hearer.user != watcher {
                continue;
            }
            hearer.apart.insert(user);
            hearer.changed.insert(user);
            if hearer.queues() {
                self.queue.push(*conn);
            }
        }
        self.touched.push(user);
    }

    /// A connection has said that it goes: from now on it doesn't count.
    pub fn handle_left(&mut self, conn: ConnId) {
        self.handle_gone(conn, Person::forget);
    }

    /// A connection is gone, and hasn't said why. What it said counts for a moment longer.
    pub fn handle_lost(&mut self, conn: ConnId) {
        self.handle_gone(conn, Person::lose);
    }

    fn handle_gone(&mut self, conn: ConnId, how: fn(&mut Person, ConnId)) {
        let Some(hearer) = self.hearers.get(&conn) else { return };
        let user = hearer.user;
        let watched: Vec<UserId> = hearer.watches.keys().copied().collect();
        watched.into_iter().for_each(|user| self.unwatch(conn, user));
        self.hearers.remove(&conn);
        if let Some(person) = self.people.get_mut(&user) {
            how(person, conn);
            self.touched.push(user);
        }
    }

    /// When [`Board::handle_timeout`] is to be called next.
    pub fn deadline(&self) -> Option<Duration> {
        if !self.touched.is_empty() {
            return Some(Duration::ZERO);
        }
        let alarm = self.alarms.first().map(|(at, _)| *at);
        let keep = (!self.seen.is_empty()).then_some(self.keep_at);
        [alarm, self.tick_at, keep].into_iter().flatten().min()
    }

    /// Time passes. Afterwards ask [`Board::poll_due`] and [`Board::poll_seen`].
    pub fn handle_timeout(&mut self, now: Now) {
        for user in std::mem::take(&mut self.touched) {
            self.settle(user, now);
        }
        if !self.queue.is_empty() {
            self.tick_soon(now.elapsed);
        }
        while let Some((at, user)) =
            self.alarms.first().copied().filter(|(at, _)| *at <= now.elapsed)
        {
            self.alarms.remove(&(at, user));
            if let Some(person) = self.people.get_mut(&user) {
                person.alarm = None;
            }
            self.settle(user, now);
        }
        if self.tick_at.is_some_and(|at| at <= now.elapsed) {
            (self.tick_at, self.ticked_at) = (None, Some(now.elapsed));
            self.ticks += 1;
            self.spread_news();
            self.due.extend(self.queue.drain(..));
        }
    }

    // Outputs.

    /// The next connection to be told: call [`Board::take_changes`], or [`Board::put_off`] if it
    /// hasn't read what it was told before.
    pub fn poll_due(&mut self) -> Option<ConnId> {
        self.due.pop_front()
    }

    /// What a connection wasn't told yet, as it is now; nobody for one that is in the background.
    /// Those whom a guest may no longer know of are gone for it: they look as if they had left.
    pub fn take_changes(&mut self, conn: ConnId, is_guest: bool, now: Now) -> PresenceUpdate {
        let mut update = PresenceUpdate { people: vec![], as_of: self.ticks };
        let Some(hearer) = self.hearers.get_mut(&conn) else { return update };
        hearer.is_queued = false;
        if !hearer.hears {
            return update;
        }
        let mut changed: Vec<UserId> = hearer.changed.drain().collect();
        changed.sort_unstable();
        let mut hidden = vec![];
        for user in changed {
            if !hearer.may_see(user, is_guest) {
                hidden.push(user);
            } else if let Some(person) = self.people.get(&user) {
                update.people.push(person.view(now.unix_ms));
            }
        }
        for user in hidden {
            self.unwatch(conn, user);
            let state = PresenceState::Offline as i32;
            update.people.push(Presence { user: user.to_field(), state, ..Presence::default() });
        }
        update
    }

    /// A connection has to read first: it is told later, and then what is so by then.
    pub fn put_off(&mut self, conn: ConnId, now: Duration) {
        self.queue.push(conn);
        self.tick_soon(now);
    }

    /// When somebody was there last, to be kept.
    pub fn poll_seen(&mut self) -> Option<(UserId, u64)> {
        self.seen.pop_first()
    }

    /// It isn't to be kept after all.
    pub fn forget_seen(&mut self, user: UserId) {
        self.seen.remove(&user);
    }

    /// The others are kept later.
    pub fn keep_later(&mut self, now: Duration) {
        self.keep_at = now + PRESENCE_TOLD_EVERY;
    }

    /// Whether nothing is known of anybody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.hearers.is_empty() && self.alarms.is_empty()
    }

    fn person(&mut self, card: &Arc<Card>, now: Now) -> &mut Person {
        let new = || Person::new(card.clone(), now.unix_ms);
        self.people.entry(card.user).or_insert_with(new)
    }

    fn unwatch(&mut self, conn: ConnId, user: UserId) {
        if let Some(hearer) = self.hearers.get_mut(&conn) {
            hearer.watches.remove(&user);
            hearer.changed.remove(&user);
            hearer.apart.remove(&user);
        }
        if let Some(person) = self.people.get_mut(&user) {
            person.watchers.remove(&conn);
            self.forget_if_nobody(user);
        }
    }

    /// Looks at somebody anew: whose word still holds, and what it comes to.
    fn settle(&mut self, user: UserId, now: Now) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let hearers = &mut self.hearers;
        person.expire(now.elapsed, |conn| {
            if let Some(hearer) = hearers.get_mut(&conn) {
                hearer.hears = false;
            }
        });
        self.seen.extend(person.keep(now.elapsed).map(|at_ms| (user, at_ms)));
        let has_changed = person.has_changed(now.unix_ms) && !person.watchers.is_empty();
        let is_news = has_changed && !std::mem::replace(&mut person.is_news, true);
        let alarm = person.next_alarm(now);
        if alarm != person.alarm {
            let before = std::mem::replace(&mut person.alarm, alarm);
            before.map(|at| self.alarms.remove(&(at, user)));
            self.alarms.extend(alarm.map(|at| (at, user)));
        }
        if is_news {
            self.news.push(user);
            self.tick_soon(now.elapsed);
        }
        self.forget_if_nobody(user);
    }

    fn forget_if_nobody(&mut self, user: UserId) {
        if self.people.get(&user).is_some_and(Person::is_forgettable) {
            let person = self.people.remove(&user);
            let alarm = person.and_then(|person| person.alarm);
            alarm.map(|at| self.alarms.remove(&(at, user)));
        }
    }

    /// A person who is watched by many costs their number once a tick, however often they change.
    fn spread_news(&mut self) {
        for user in std::mem::take(&mut self.news) {
            let Some(person) = self.people.get_mut(&user) else { continue };
            person.is_news = false;
            for conn in &person.watchers {
                let Some(hearer) = self.hearers.get_mut(conn) else { continue };
                hearer.changed.insert(user);
                if hearer.queues() {
                    self.queue.push(*conn);
                }
            }
        }
    }

    /// The next tick is at once if the last one was long enough ago.
    fn tick_soon(&mut self, now: Duration) {
        let at = self.ticked_at.map_or(now, |last| now.max(last + PRESENCE_TOLD_EVERY));
        self.tick_at.get_or_insert(at);
    }
}

#[cfg(test)]
#[path = "presence_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "model_tests.rs"]
mod model_tests;
