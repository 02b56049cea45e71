//! Presence: what this device says, again and again while it holds, and whom it watches. Both are
//! told to each new connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::UserId,
    limits::{PRESENCE_AGAIN_EVERY, PRESENCE_WATCHED_MAX, PRESENCE_WATCHED_PER_CALL_MAX},
    presence::{
        Activity as WireActivity, PresenceUpdate, SetPresenceRequest, WatchPresenceRequest,
        WatchPresenceResponse,
    },
    wire::{Error, Retry},
};
use prost::Message;

use super::{Engine, Purpose};
use crate::{
    limits::PRESENCE_AFTER_ERROR,
    presence::{Activity, UserPresence},
    time::{Now, sooner},
};

/// More users would be watched than a connection may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many are watched")]
pub struct TooManyWatched;

#[derive(Debug, Default)]
pub(super) struct Presences {
    said: Option<Activity>,
    say_at: Option<Duration>,
    watched: BTreeMap<UserId, Watched>,
    /// Nobody watches them any more, and the server doesn't know it.
    gone: BTreeSet<UserId>,
    ask_at: Option<Duration>,
    changed: BTreeSet<UserId>,
}

#[derive(Debug)]
struct Watched {
    /// How many lists they are in.
    lists: usize,
    /// Whether the present connection has been asked about them.
    is_asked: bool,
    /// As of which update of the present connection it is known.
    as_of: u64,
    known: Arc<UserPresence>,
}

impl Watched {
    /// The user, if something about them is new.
    fn know(&mut self, presence: UserPresence) -> Option<UserId> {
        let is_new = *self.known != presence;
        if is_new {
            self.known = Arc::new(presence);
        }
        is_new.then_some(self.known.user)
    }
}

impl Presences {
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        sooner(self.say_at, self.ask_at)
    }

    /// Learns what an answer or an update says. They come on different lanes: an answer is newer than
    /// the update with its number, and older than the next.
    fn learn(&mut self, presence: UserPresence, as_of: u64, is_answer: bool) {
        let Some(watched) = self.watched.get_mut(&presence.user) else { return };
        if as_of > watched.as_of || is_answer && as_of == watched.as_of {
            watched.as_of = as_of;
            self.changed.extend(watched.know(presence));
        }
    }
}

impl Engine {
    // Commands.

    /// What the user does at this device. May be called at every touch: what need not be said isn't.
    pub fn set_activity(&mut self, activity: Activity, now: Now) {
        if self.presences.said.replace(activity) != Some(activity) {
            self.say_activity(now);
        }
    }

    /// Watches these users, once more where they are watched already.
    pub fn watch_presence(&mut self, users: &[UserId], now: Now) -> Result<(), TooManyWatched> {
        let watched = &mut self.presences.watched;
        let new: BTreeSet<&UserId> =
            users.iter().filter(|user| !watched.contains_key(user)).collect();
        if watched.len() + new.len() > PRESENCE_WATCHED_MAX {
            return Err(TooManyWatched);
        }
        for user in users {
            let unknown = || Watched {
                lists: 0,
                is_asked: false,
                as_of: 0,
                known: Arc::new(UserPresence::unknown(*user)),
            };
            watched.entry(*user).or_insert_with(unknown).lists += 1;
        }
        self.ask_presence(now);
        Ok(())
    }

    /// Watches these users once less.
    pub fn unwatch_presence(&mut self, users: &[UserId], now: Now) {
        for user in users {
            let Some(watched) = self.presences.watched.get_mut(user) else { continue };
            watched.lists -= 1;
            if watched.lists == 0 {
                self.presences.watched.remove(user);
                self.presences.changed.remove(user);
                self.presences.gone.insert(*user);
            }
        }
        self.ask_presence(now);
    }

    // Outputs.

    /// What is known of a user who is watched.
    pub fn presence_of(&self, user: UserId) -> Option<Arc<UserPresence>> {
        self.presences.watched.get(&user).map(|watched| watched.known.clone())
    }

    /// What has changed of those who are watched since the last call.
    pub fn take_presence_changes(&mut self) -> Vec<Arc<UserPresence>> {
        let changed = std::mem::take(&mut self.presences.changed);
        changed.into_iter().filter_map(|user| self.presence_of(user)).collect()
    }

    // Inputs.

    /// A new connection knows nothing of what was said on the one before.
    pub(super) fn presence_connected(&mut self, now: Now) {
        self.presences.gone.clear();
        for watched in self.presences.watched.values_mut() {
            (watched.is_asked, watched.as_of) = (false, 0);
        }
        self.say_activity(now);
        self.ask_presence(now);
    }

    pub(super) fn presence_disconnected(&mut self) {
        (self.presences.say_at, self.presences.ask_at) = (None, None);
    }

    /// Others are known by the server that was, or to the user who was.
    pub(super) fn forget_presence(&mut self) {
        for (user, watched) in &mut self.presences.watched {
            self.presences.changed.extend(watched.know(UserPresence::unknown(*user)));
        }
    }

    pub(super) fn handle_presence_timeout(&mut self, now: Now) {
        if self.presences.say_at.is_some_and(|at| at <= now.elapsed) {
            self.say_activity(now);
        }
        if self.presences.ask_at.is_some_and(|at| at <= now.elapsed) {
            self.ask_presence(now);
        }
    }

    /// Whom the server tells of.
    pub(super) fn handle_presence(&mut self, update: PresenceUpdate) {
        for presence in update.people.into_iter().filter_map(UserPresence::parse) {
            self.presences.learn(presence, update.as_of, false);
        }
    }

    pub(super) fn handle_said(&mut self, result: Result<Bytes, Error>, now: Now) {
        if let Err(error) = result
            && let Some(wait) = wait_after(&error)
        {
            self.presences.say_at = sooner(self.presences.say_at, Some(now.elapsed + wait));
        }
    }

    pub(super) fn handle_watched(
        &mut self,
        asked: Vec<UserId>,
        gone: Vec<UserId>,
        result: Result<Bytes, Error>,
        now: Now,
    ) {
        match result.map(WatchPresenceResponse::decode) {
            Ok(Ok(answer)) => {
                let mut unseen: BTreeSet<UserId> = asked.into_iter().collect();
                for presence in answer.people.into_iter().filter_map(UserPresence::parse) {
                    unseen.remove(&presence.user);
                    self.presences.learn(presence, answer.as_of, true);
                }
                // Those whom the user may no longer know of.
                for user in unseen {
                    self.presences.learn(UserPresence::unknown(user), answer.as_of, true);
                }
            }
            Ok(Err(_)) => {}
            Err(error) => {
                let Some(wait) = wait_after(&error) else { return };
                for user in asked {
                    if let Some(watched) = self.presences.watched.get_mut(&user) {
                        watched.is_asked = false;
                    }
                }
                self.presences.gone.extend(gone);
                self.presences.ask_at = Some(now.elapsed + wait);
            }
        }
    }

    fn say_activity(&mut self, now: Now) {
        let Some(activity) = self.presences.said.filter(|_| self.session.is_some()) else { return };
        let again = now.elapsed + PRESENCE_AGAIN_EVERY;
        self.presences.say_at = activity.is_repeated().then_some(again);
        let activity = WireActivity::from(activity) as i32;
        let body = SetPresenceRequest { activity }.encode_to_vec().into();
        self.start_call(rpc::SetPresence::METHOD.id, body, Purpose::Say);
    }

    /// Asks about those of whom the connection doesn't know that they are watched.
    fn ask_presence(&mut self, now: Now) {
        if self.session.is_none() || self.presences.ask_at.is_some_and(|at| at > now.elapsed) {
            return;
        }
        self.presences.ask_at = None;
        let mut gone: Vec<UserId> = std::mem::take(&mut self.presences.gone).into_iter().collect();
        let mut add = Vec::new();
        for (user, watched) in &mut self.presences.watched {
            if !std::mem::replace(&mut watched.is_asked, true) {
                add.push(*user);
            }
        }
        let mut rest = &add[..];
        while !rest.is_empty() || !gone.is_empty() {
            let (now_asked, later) = rest.split_at(rest.len().min(PRESENCE_WATCHED_PER_CALL_MAX));
            rest = later;
            self.call_watch(now_asked.to_vec(), std::mem::take(&mut gone));
        }
    }

    fn call_watch(&mut self, add: Vec<UserId>, remove: Vec<UserId>) {
        let fields = |users: &[UserId]| users.iter().map(|user| user.to_field()).collect();
        let request = WatchPresenceRequest { add: fields(&add), remove: fields(&remove) };
        let body = request.encode_to_vec().into();
        self.start_call(rpc::WatchPresence::METHOD.id, body, Purpose::Watch { add, remove });
    }
}

/// How long to wait before the same is tried again; `None` where that would be in vain, or where the
/// next connection does it by itself.
fn wait_after(error: &Error) -> Option<Duration> {
    match Retry::try_from(error.retry) {
        Ok(Retry::Same | Retry::AfterDelay) => {
            Some(Duration::from_millis(error.retry_after_ms).max(PRESENCE_AFTER_ERROR))
        }
        _ => None,
    }
}
