//! Random connections, words, ends and watches against a model that works everything out anew from
//! all that ever happened.

use std::collections::{BTreeMap, BTreeSet};

use parlour_protocol::{
    limits::PRESENCE_FOR,
    presence::{PresenceSettings, Status},
};
use proptest::prelude::*;

use super::*;
use crate::limits::PRESENCE_GRACE;

const USERS: u8 = 4;
const PLACES: usize = 7;
const START_MS: u64 = 1_700_000_000_000;

#[derive(Clone, Debug)]
enum Step {
    /// Somebody connects in a place, where it is free.
    Connect(usize, u8),
    Say(usize, Activity),
    Watch(usize, Vec<u8>, Vec<u8>),
    /// The connection in a place ends: in order, or not.
    End(usize, bool),
    /// The connection in a place reads, or doesn't.
    Stall(usize, bool),
    /// What a user sets, with ends in milliseconds from now.
    Set(u8, Option<u64>, u64),
    /// A user has another name.
    Name(u8),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let place = || 0..PLACES;
    let user = || 0..USERS;
    let users = || prop::collection::vec(0..USERS, 0..4);
    let activity = prop::sample::select(vec![
        Activity::Active,
        Activity::Active,
        Activity::Idle,
        Activity::Background,
        Activity::Invisible,
    ]);
    let time = || {
        prop_oneof![
            4 => 0..300_u64,
            3 => 300..6_000_u64,
            2 => 6_000..89_000_u64,
            1 => 89_000..200_000_u64,
        ]
    };
    prop_oneof![
        3 => (place(), user()).prop_map(|(place, user)| Step::Connect(place, user)),
        6 => (place(), activity).prop_map(|(place, activity)| Step::Say(place, activity)),
        3 => (place(), users(), users()).prop_map(|(place, add, gone)| Step::Watch(place, add, gone)),
        2 => (place(), any::<bool>()).prop_map(|(place, left)| Step::End(place, left)),
        1 => (place(), any::<bool>()).prop_map(|(place, stalls)| Step::Stall(place, stalls)),
        1 => (user(), prop::option::of(time()), time())
            .prop_map(|(user, status, quiet)| Step::Set(user, status, quiet)),
        1 => user().prop_map(Step::Name),
        6 => time().prop_map(Step::Pass),
    ]
}

/// Everything that a connection ever did.
struct Life {
    user: u8,
    words: Vec<(Duration, Activity)>,
    /// When, and whether in order.
    end: Option<(Duration, bool)>,
}

impl Life {
    /// What it says that still holds.
    fn word(&self, now: Duration) -> Option<Activity> {
        let (at, activity) = *self.words.last()?;
        let counts = matches!(activity, Activity::Active | Activity::Idle);
        let is_over = match self.end {
            Some((_, true)) => true,
            Some((end, false)) => end + PRESENCE_GRACE <= now,
            None => false,
        };
        (counts && at + PRESENCE_FOR > now && !is_over).then_some(activity)
    }

    fn hears(&self, now: Duration) -> bool {
        match self.words.last() {
            None | Some((_, Activity::Invisible)) => true,
            _ => self.word(now).is_some(),
        }
    }
}

#[derive(Default)]
struct Run {
    board: Board,
    elapsed: Duration,
    lives: Vec<(ConnId, Life)>,
    places: BTreeMap<usize, usize>,
    cards: BTreeMap<u8, Arc<Card>>,
    stalled: BTreeSet<ConnId>,
    heard: BTreeMap<ConnId, BTreeMap<UserId, Presence>>,
    told_at: BTreeMap<ConnId, Duration>,
}

fn id(user: u8) -> UserId {
    UserId::from_bytes([user + 1; 16])
}

impl Run {
    fn now(&self) -> Now {
        let unix_ms = START_MS + self.elapsed.as_millis() as u64;
        Now { unix_ms, elapsed: self.elapsed }
    }

    fn card(&mut self, user: u8) -> Arc<Card> {
        self.cards.entry(user).or_insert_with(|| Arc::new(Card::blank(id(user)))).clone()
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Connect(place, user) => {
                if !self.places.contains_key(&place) {
                    let conn = ConnId { index: place as u32, use_no: self.lives.len() as u32 };
                    self.places.insert(place, self.lives.len());
                    self.lives.push((conn, Life { user, words: vec![], end: None }));
                }
            }
            Step::Pass(ms) => self.pass(Duration::from_millis(ms)),
            Step::Set(user, status_ms, quiet_ms) => self.set(user, status_ms, quiet_ms),
            Step::Name(user) => {
                let card = self.card(user);
                card.set_mark(card.mark() + 1);
                self.board.handle_set(id(user));
            }
            Step::Say(place, _)
            | Step::Watch(place, ..)
            | Step::End(place, _)
            | Step::Stall(place, _) => {
                if let Some(at) = self.places.get(&place) {
                    self.apply_to(*at, step);
                }
            }
        }
        self.run();
    }

    fn apply_to(&mut self, at: usize, step: Step) {
        let (conn, user) = (self.lives[at].0, self.lives[at].1.user);
        let now = self.now();
        match step {
            Step::Say(_, activity) => {
                let card = self.card(user);
                self.board.handle_word(conn, &card, activity, now);
                self.lives[at].1.words.push((now.elapsed, activity));
            }
            Step::Watch(_, add, gone) => {
                let gone: Vec<UserId> = gone.into_iter().map(id).collect();
                let add: Vec<Watched> = add
                    .into_iter()
                    .map(|user| Watched { card: self.card(user), grounds: None })
                    .collect();
                let answer = self.board.handle_watch(conn, id(user), add, &gone, now).unwrap();
                let heard = self.heard.entry(conn).or_default();
                heard.retain(|user, _| !gone.contains(user));
                heard.extend(
                    answer.people.into_iter().map(|one| (UserId::parse(&one.user).unwrap(), one)),
                );
            }
            Step::End(place, left) => {
                self.lives[at].1.end = Some((now.elapsed, left));
                self.places.remove(&place);
                self.heard.remove(&conn);
                match left {
                    true => self.board.handle_left(conn),
                    false => self.board.handle_lost(conn),
                }
            }
            Step::Stall(_, true) => drop(self.stalled.insert(conn)),
            Step::Stall(_, false) => drop(self.stalled.remove(&conn)),
            _ => {}
        }
    }

    fn set(&mut self, user: u8, status_ms: Option<u64>, quiet_ms: u64) {
        let now_ms = self.now().unix_ms;
        let status = status_ms.map(|ms| Status {
            text: format!("for {ms}"),
            expires_at_ms: now_ms + ms + 1,
            ..Status::default()
        });
        let (card, do_not_disturb_until_ms) = (self.card(user), now_ms + quiet_ms);
        let number = card.settings().0 + 1;
        let settings = PresenceSettings { status, do_not_disturb_until_ms, share_last_seen: false };
        card.apply(number, settings);
        self.board.handle_set(id(user));
    }

    fn pass(&mut self, by: Duration) {
        let until = self.elapsed + by;
        loop {
            self.run();
            match self.board.deadline().filter(|at| *at <= until) {
                Some(at) => self.elapsed = at,
                None => {
                    self.elapsed = until;
                    return;
                }
            }
        }
    }

    fn run(&mut self) {
        while self.board.deadline().is_some_and(|at| at <= self.elapsed) {
            let now = self.now();
            self.board.handle_timeout(now);
            while let Some(conn) = self.board.poll_due() {
                self.tell(conn, now);
            }
            while self.board.poll_seen().is_some() {}
        }
    }

    fn tell(&mut self, conn: ConnId, now: Now) {
        if self.stalled.contains(&conn) {
            return self.board.put_off(conn, now.elapsed);
        }
        let people = self.board.take_changes(conn, false, now).people;
        if people.is_empty() {
            return;
        }
        let (_, life) = self.lives.iter().find(|(id, _)| *id == conn).unwrap();
        assert!(life.end.is_none() && life.hears(now.elapsed), "it costs nothing: {conn:?}");
        let last = self.told_at.insert(conn, now.elapsed);
        assert!(last.is_none_or(|last| last + PRESENCE_TOLD_EVERY <= now.elapsed), "too often");
        let heard = self.heard.get_mut(&conn).expect("it watches somebody");
        for one in people {
            let known = heard.insert(UserId::parse(&one.user).unwrap(), one);
            assert!(known.is_some(), "nobody hears of users they don't watch");
        }
    }

    /// What a user's presence comes to, from everything that ever happened.
    fn truth(&self, user: u8) -> Presence {
        let now = self.now();
        let own = self.lives.iter().filter(|(_, life)| life.user == user);
        let words: Vec<Activity> = own.filter_map(|(_, life)| life.word(now.elapsed)).collect();
        let settings = self.cards.get(&user).map(|card| card.settings().1).unwrap_or_default();
        let state = match () {
            () if words.is_empty() => PresenceState::Offline,
            () if settings.do_not_disturb_until_ms > now.unix_ms => PresenceState::DoNotDisturb,
            () if words.contains(&Activity::Active) => PresenceState::Online,
            () => PresenceState::Idle,
        };
        let status = settings.status.filter(|status| status.expires_at_ms > now.unix_ms);
        let user_mark = self.cards.get(&user).map_or(0, |card| card.mark());
        let user = id(user).to_field();
        Presence { user, state: state as i32, status, last_seen_ms: 0, user_mark }
    }

    /// What everybody was told last is so, now that nothing has happened for a moment.
    fn check(&self) {
        for (conn, life) in self.lives.iter().filter(|(_, life)| life.end.is_none()) {
            if !life.hears(self.elapsed) || self.stalled.contains(conn) {
                continue;
            }
            for user in 0..USERS {
                let Some(heard) = self.heard.get(conn).and_then(|heard| heard.get(&id(user)))
                else {
                    continue;
                };
                // Of those who are offline some have been seen before, which the model leaves out.
                let heard = Presence { last_seen_ms: 0, ..heard.clone() };
                assert_eq!(heard, self.truth(user), "{conn:?} about {user}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_watchers_heard_last_is_so_after_quiet(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut run = Run::default();
        for step in steps {
            let is_time = matches!(step, Step::Pass(ms) if ms > 2_000);
            run.apply(step);
            if is_time {
                run.settle_and_check();
            }
        }
        run.end();
    }
}

impl Run {
    /// Waits for a moment in which there is nothing to tell to those who read, then checks.
    fn settle_and_check(&mut self) {
        for _ in 0..100 {
            let waits = |conn: &ConnId| !self.stalled.contains(conn);
            if self.board.news.is_empty() && !self.board.queue.iter().any(waits) {
                return self.check();
            }
            self.pass(PRESENCE_TOLD_EVERY);
        }
        panic!("there is always something to tell");
    }

    /// Everybody reads and hears, and is right; then everybody goes, and nothing is left.
    fn end(&mut self) {
        self.stalled.clear();
        let places: Vec<usize> = self.places.keys().copied().collect();
        for place in &places {
            self.apply(Step::Say(*place, Activity::Invisible));
        }
        self.settle_and_check();
        for place in places {
            self.apply(Step::End(place, place % 2 == 0));
        }
        self.pass(PRESENCE_FOR);
        assert!(self.board.is_empty(), "{:?}", self.board);
    }
}
