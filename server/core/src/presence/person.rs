//! One user: what their connections said, and what it comes to.

use std::{sync::Arc, time::Duration};

use parlour_protocol::{
    limits::PRESENCE_FOR,
    presence::{Activity, Presence, PresenceState},
};
use rustc_hash::FxHashSet;

use super::card::Card;
use crate::{draft::ConnId, limits, ports::clock::Now};

/// A connection that counts.
#[derive(Debug)]
pub(super) struct Device {
    conn: ConnId,
    is_active: bool,
    // Its word holds until then.
    until: Duration,
    is_lost: bool,
}

/// What others were told, as far as it takes to notice that it is another now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    state: PresenceState,
    // The number of the change that set the status; 0 for no status.
    status: u64,
    last_seen_ms: u64,
    user_mark: u32,
}

/// A user who is there, or whom somebody watches.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) card: Arc<Card>,
    pub(super) watchers: FxHashSet<ConnId>,
    /// Whether those who watch have to be told.
    pub(super) is_news: bool,
    /// When somebody has to look at them again.
    pub(super) alarm: Option<Duration>,
    /// The connections that count.
    pub(super) devices: Vec<Device>,
    shown: Shown,
    // The last word of a connection that counts, Unix milliseconds.
    seen_ms: u64,
    // When that is kept next; `None` while they aren't there.
    keep_at: Option<Duration>,
}

impl Person {
    pub(super) fn new(card: Arc<Card>, unix_ms: u64) -> Self {
        let mut person = Person {
            card,
            watchers: FxHashSet::default(),
            is_news: false,
            alarm: None,
            devices: vec![],
            shown: Shown::default(),
            seen_ms: 0,
            keep_at: None,
        };
        person.shown = person.shows(unix_ms);
        person
    }

    /// A connection has said what somebody does there.
    pub(super) fn say(&mut self, conn: ConnId, activity: Activity, now: Now) {
        if self.devices.iter().any(|device| device.conn == conn) {
            // They were there until now, whatever they say.
            self.seen_ms = now.unix_ms;
        }
        self.forget(conn);
        let is_active = match activity {
            Activity::Active => true,
            Activity::Idle => false,
            Activity::Background | Activity::Invisible | Activity::Unspecified => return,
        };
        self.seen_ms = now.unix_ms;
        if self.devices.len() >= limits::CONNECTIONS_PER_USER_MAX {
            // There aren't as many connections, so that some of them are gone.
            let gone = self.devices.iter().position(|device| device.is_lost);
            gone.map(|at| self.devices.remove(at));
        }
        let until = now.elapsed + PRESENCE_FOR;
        self.devices.push(Device { conn, is_active, until, is_lost: false });
    }

    /// A connection doesn't count any more.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.devices.retain(|device| device.conn != conn);
    }

    /// A connection broke: it may be back in a moment, as another one.
    pub(super) fn lose(&mut self, conn: ConnId) {
        for device in self.devices.iter_mut().filter(|device| device.conn == conn) {
            device.is_lost = true;
        }
    }

    /// Forgets words that don't hold any more. `lapsed` are connections that are there and have said
    /// nothing for too long.
    pub(super) fn expire(&mut self, now: Duration, mut lapsed: impl FnMut(ConnId)) {
        for device in self.devices.iter_mut().filter(|device| device.is_lost) {
            // The first look at it counts: later ones only reach further.
            device.until = device.until.min(now + limits::PRESENCE_GRACE);
        }
        self.devices.retain(|device| {
            let holds = device.until > now;
            if !holds && !device.is_lost {
                lapsed(device.conn);
            }
            holds
        });
    }

    /// When they were there last, if that is to be kept now: now and then, and at the end.
    pub(super) fn keep(&mut self, now: Duration) -> Option<u64> {
        let again = now + limits::LAST_SEEN_EVERY;
        let was_due = match (self.keep_at, self.is_there()) {
            (None, false) => return None,
            (None, true) => {
                self.keep_at = Some(again);
                return None;
            }
            (Some(_), false) => {
                self.keep_at = None;
                true
            }
            (Some(at), true) => {
                let is_due = at <= now;
                if is_due {
                    self.keep_at = Some(again);
                }
                is_due
            }
        };
        (was_due && self.card.saw(self.seen_ms)).then_some(self.seen_ms)
    }

    /// Whether what others see is another now.
    pub(super) fn has_changed(&mut self, unix_ms: u64) -> bool {
        let shows = self.shows(unix_ms);
        std::mem::replace(&mut self.shown, shows) != shows
    }

    /// When something changes by itself.
    pub(super) fn next_alarm(&self, now: Now) -> Option<Duration> {
        let lapse = self.devices.iter().map(|device| device.until).min();
        let end = self.card.next_end_ms(now.unix_ms).filter(|_| !self.watchers.is_empty());
        let end = end.map(|end_ms| {
            // The wall clock may be set meanwhile.
            let wait = Duration::from_millis(end_ms - now.unix_ms).min(limits::CLOCK_LOOK_EVERY);
            now.elapsed + wait
        });
        [lapse, end, self.keep_at].into_iter().flatten().min()
    }

    /// Whether a connection counts.
    fn is_there(&self) -> bool {
        !self.devices.is_empty()
    }

    /// Whether nothing has to be known of them.
    pub(super) fn is_forgettable(&self) -> bool {
        self.devices.is_empty() && self.watchers.is_empty()
    }

    fn state(&self, unix_ms: u64) -> PresenceState {
        if !self.is_there() {
            PresenceState::Offline
        } else if self.card.is_do_not_disturb(unix_ms) {
            PresenceState::DoNotDisturb
        } else if self.devices.iter().any(|device| device.is_active) {
            PresenceState::Online
        } else {
            PresenceState::Idle
        }
    }

    fn shows(&self, unix_ms: u64) -> Shown {
        let state = self.state(unix_ms);
        let is_offline = state == PresenceState::Offline;
        Shown {
            state,
            status: self.card.status_at(unix_ms).map_or(0, |(number, _)| number),
            last_seen_ms: if is_offline { self.card.last_seen_ms() } else { 0 },
            user_mark: self.card.mark(),
        }
    }

    /// What others see.
    pub(super) fn view(&self, unix_ms: u64) -> Presence {
        let Shown { state, last_seen_ms, user_mark, .. } = self.shows(unix_ms);
        let status = self.card.status_at(unix_ms).map(|(_, status)| status);
        let user = self.card.user.to_field();
        Presence { user, state: state as i32, status, last_seen_ms, user_mark }
    }
}
