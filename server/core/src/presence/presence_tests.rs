//! What connections say, how long it holds, and who is told when.

use parlour_protocol::{
    ids::{OrgId, RoomId},
    limits::PRESENCE_FOR,
    presence::{PresenceSettings, Status},
    room::RoomKind,
};
use rustc_hash::FxHashSet;

use super::*;
use crate::{
    limits::{LAST_SEEN_EVERY, PRESENCE_GRACE},
    records::Counters,
    rooms::{RoomCell, RoomChange, RoomState, next_version},
};

const TICK: Duration = PRESENCE_TOLD_EVERY;
const SECOND: Duration = Duration::from_secs(1);
const START_MS: u64 = 1_700_000_000_000;

use Activity::{Active, Background, Idle, Invisible};
use PresenceState::{DoNotDisturb, Offline, Online};

/// A board, and what everybody was told by it.
#[derive(Default)]
struct World {
    board: Board,
    elapsed: Duration,
    cards: FxHashMap<u8, Arc<Card>>,
    told: Vec<(ConnId, Vec<Presence>)>,
    seen: Vec<(UserId, u64)>,
    stalled: FxHashSet<ConnId>,
    guests: FxHashSet<ConnId>,
}

fn conn(index: u32) -> ConnId {
    ConnId { index, use_no: 1 }
}

fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

impl World {
    fn now(&self) -> Now {
        let unix_ms = START_MS + self.elapsed.as_millis() as u64;
        Now { unix_ms, elapsed: self.elapsed }
    }

    fn card(&mut self, n: u8) -> Arc<Card> {
        self.cards.entry(n).or_insert_with(|| Arc::new(Card::blank(user(n)))).clone()
    }

    fn say(&mut self, at: u32, of: u8, activity: Activity) {
        let (card, now) = (self.card(of), self.now());
        self.board.handle_word(conn(at), &card, activity, now);
        self.run();
    }

    fn watch(&mut self, at: u32, of: u8, watched: &[u8]) -> Vec<PresenceState> {
        let add = watched.iter().map(|n| Watched { card: self.card(*n), grounds: None }).collect();
        let people = self.board.handle_watch(conn(at), user(of), add, &[], self.now());
        self.run();
        people.unwrap().people.iter().map(Presence::state).collect()
    }

    fn set(&mut self, of: u8, settings: PresenceSettings) {
        let card = self.card(of);
        let (number, _) = card.settings();
        card.apply(number + 1, settings);
        self.board.handle_set(user(of));
        self.run();
    }

    fn run(&mut self) {
        while self.board.deadline().is_some_and(|at| at <= self.elapsed) {
            let now = self.now();
            self.board.handle_timeout(now);
            while let Some(conn) = self.board.poll_due() {
                if self.stalled.contains(&conn) {
                    self.board.put_off(conn, now.elapsed);
                    continue;
                }
                let is_guest = self.guests.contains(&conn);
                let people = self.board.take_changes(conn, is_guest, now).people;
                if !people.is_empty() {
                    self.told.push((conn, people));
                }
            }
            self.seen.extend(std::iter::from_fn(|| self.board.poll_seen()));
        }
    }

    fn advance(&mut self, by: Duration) {
        let until = self.elapsed + by;
        loop {
            self.run();
            let next = self.board.deadline().filter(|at| *at <= until);
            self.elapsed = next.unwrap_or(until);
            if next.is_none() {
                return self.run();
            }
        }
    }

    /// The states a connection was told since the last call, frame by frame.
    fn told(&mut self, at: u32) -> Vec<Vec<PresenceState>> {
        let all = std::mem::take(&mut self.told);
        let (own, others) = all.into_iter().partition(|(to, _)| *to == conn(at));
        self.told = others;
        let states = |(_, people): (ConnId, Vec<Presence>)| -> Vec<_> {
            people.iter().map(Presence::state).collect()
        };
        Vec::into_iter(own).map(states).collect()
    }
}

/// User 1 is watched by connection 9 of user 9, which has been told so far.
fn watched() -> World {
    let mut world = World::default();
    assert_eq!(world.watch(9, 9, &[1]), [Offline]);
    world
}

#[test]
fn whoever_is_active_anywhere_is_online_and_whoever_is_idle_everywhere_idle() {
    let mut world = watched();
    world.say(1, 1, Idle);
    assert_eq!(world.told(9), [[PresenceState::Idle]]);
    world.advance(TICK);
    world.say(2, 1, Active);
    assert_eq!(world.told(9), [[Online]]);
    world.advance(TICK);
    world.say(2, 1, Idle);
    assert_eq!(world.told(9), [[PresenceState::Idle]]);
    world.advance(TICK);
    for (conn, activity) in [(1, Background), (2, Invisible)] {
        world.say(conn, 1, activity);
    }
    assert_eq!(world.told(9), [[Offline]]);
}

#[test]
fn a_connection_that_has_said_nothing_does_not_count() {
    let mut world = watched();
    world.watch(1, 1, &[9]);
    world.advance(SECOND);
    assert_eq!(world.watch(9, 9, &[1]), [Offline]);
}

#[test]
fn a_word_holds_for_90_seconds_unless_it_is_said_again() {
    let mut world = watched();
    world.say(1, 1, Active);
    world.advance(PRESENCE_FOR - SECOND);
    world.say(1, 1, Active);
    world.advance(PRESENCE_FOR - SECOND);
    assert_eq!(world.told(9), [[Online]]);
    world.advance(SECOND);
    assert_eq!(world.told(9), [[Offline]]);
}

#[test]
fn whoever_leaves_is_gone_at_once() {
    let mut world = watched();
    world.say(1, 1, Active);
    world.advance(TICK);
    world.board.handle_left(conn(1));
    world.run();
    assert_eq!(world.told(9), [[Online], [Offline]]);
}

#[test]
fn a_broken_connection_counts_for_a_moment_and_a_reconnect_does_not_show() {
    let mut world = watched();
    world.say(1, 1, Active);
    world.advance(TICK);
    for next in 2..6 {
        world.board.handle_lost(conn(next - 1));
        world.advance(PRESENCE_GRACE - SECOND);
        world.say(next, 1, Active);
        world.advance(SECOND);
    }
    assert_eq!(world.told(9), [[Online]]);
    world.board.handle_lost(conn(5));
    world.advance(PRESENCE_GRACE - Duration::from_millis(1));
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
    world.advance(Duration::from_millis(1));
    assert_eq!(world.told(9), [[Offline]]);
}

#[test]
fn a_broken_connection_counts_no_longer_than_its_word_would() {
    let mut world = watched();
    world.say(1, 1, Active);
    world.advance(PRESENCE_FOR - SECOND);
    world.board.handle_lost(conn(1));
    world.advance(SECOND);
    assert_eq!(world.told(9), [[Online], [Offline]]);
}

#[test]
fn connections_that_break_by_the_hundred_are_counted_up_to_a_bound() {
    let mut world = World::default();
    for n in 0..1000 {
        world.say(n, 1, Active);
        world.board.handle_lost(conn(n));
        world.run();
    }
    let devices = world.board.people[&user(1)].devices.len();
    assert_eq!(devices, crate::limits::CONNECTIONS_PER_USER_MAX);
}

#[test]
fn what_changes_often_is_told_seldom_and_as_it_is_by_then() {
    let mut world = watched();
    world.say(1, 1, Active);
    assert_eq!(world.told(9), [[Online]], "the first change at once");
    for _ in 0..5 {
        world.say(1, 1, Idle);
        world.say(1, 1, Active);
        world.say(1, 1, Background);
        world.advance(TICK / 10);
    }
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
    world.advance(TICK);
    assert_eq!(world.told(9), [[Offline]]);
}

#[test]
fn a_connection_in_the_background_hears_nothing_and_then_what_changed() {
    let mut world = World::default();
    world.watch(9, 9, &[1, 2, 3]);
    world.say(9, 9, Background);
    world.advance(SECOND);
    world.say(1, 1, Active);
    world.say(2, 2, Active);
    world.advance(SECOND);
    world.say(1, 1, Idle);
    world.advance(60 * SECOND);
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
    world.say(9, 9, Active);
    assert_eq!(world.told(9), [[PresenceState::Idle, Online]]);
}

#[test]
fn a_connection_that_fell_silent_hears_nothing_until_it_speaks() {
    let mut world = watched();
    world.say(9, 9, Active);
    world.advance(PRESENCE_FOR);
    world.say(1, 1, Active);
    world.advance(SECOND);
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
    world.say(9, 9, Active);
    assert_eq!(world.told(9), [[Online]]);
}

#[test]
fn who_is_another_user_now_is_told_of_and_what_the_answer_said_is_not() {
    let mut world = World::default();
    world.say(1, 1, Active);
    // Read for whoever watches first.
    world.card(1).learn_mark(7);
    assert_eq!(world.watch(9, 9, &[1]), [Online]);
    world.advance(SECOND);
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
    world.card(1).set_mark(8);
    world.board.handle_set(user(1));
    world.advance(SECOND);
    let marks: Vec<u32> =
        world.told.drain(..).flat_map(|(_, told)| told).map(|one| one.user_mark).collect();
    assert_eq!(marks, [8]);
}

#[test]
fn a_slow_reader_hears_the_newest_later() {
    let mut world = watched();
    world.stalled.insert(conn(9));
    for _ in 0..100 {
        world.say(1, 1, Active);
        world.advance(TICK);
        world.say(1, 1, Idle);
        world.advance(TICK);
    }
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
    world.stalled.clear();
    world.advance(TICK);
    assert_eq!(world.told(9), [[PresenceState::Idle]]);
}

#[test]
fn statuses_and_do_not_disturb_end_by_themselves() {
    let mut world = watched();
    world.say(1, 1, Active);
    world.advance(SECOND);
    world.told(9);
    let in_ms = |ms| START_MS + 1_000 + ms;
    let status =
        Status { text: "lunch".into(), expires_at_ms: in_ms(200_000), ..Status::default() };
    world.set(
        1,
        PresenceSettings {
            status: Some(status),
            do_not_disturb_until_ms: in_ms(100_000),
            share_last_seen: true,
        },
    );
    assert_eq!(world.told(9), [[DoNotDisturb]]);
    world.say(1, 1, Active);
    world.advance(80 * SECOND);
    world.say(1, 1, Active);
    world.advance(20 * SECOND);
    assert_eq!(world.told(9), [[Online]]);
    world.advance(60 * SECOND);
    world.say(1, 1, Active);
    world.advance(39 * SECOND);
    assert!(world.told.is_empty());
    world.advance(SECOND);
    let (_, people) = world.told.pop().unwrap();
    assert_eq!((people[0].state(), people[0].status.clone()), (Online, None));
}

#[test]
fn what_others_do_not_see_is_not_told() {
    let mut world = watched();
    world.say(1, 1, Active);
    let status = Some(Status { text: "at sea".into(), ..Status::default() });
    let shared = PresenceSettings { status, share_last_seen: true, ..Default::default() };
    world.set(1, shared.clone());
    world.advance(TICK);
    assert_eq!(world.told(9), [[Online], [Online]]);
    // They are online: nobody sees whether they share when they were there last.
    world.set(1, PresenceSettings { share_last_seen: false, ..shared });
    world.advance(SECOND);
    assert_eq!(world.told(9), <[Vec<_>; 0]>::default());
}

#[test]
fn a_wall_clock_that_jumps_is_noticed_within_a_minute() {
    let mut world = watched();
    let expires_at_ms = START_MS + 10 * 3_600_000;
    let status = Status { text: "away".into(), expires_at_ms, ..Status::default() };
    world.set(1, PresenceSettings { status: Some(status), ..PresenceSettings::default() });
    assert_eq!(world.told(9).len(), 1);
    // The clock is set forward while nobody does anything.
    let at = world.board.deadline().unwrap();
    assert!(at <= world.elapsed + crate::limits::CLOCK_LOOK_EVERY);
    world.board.handle_timeout(Now { unix_ms: expires_at_ms, elapsed: at });
    let due = world.board.poll_due().unwrap();
    let update = world.board.take_changes(due, false, Now { unix_ms: expires_at_ms, elapsed: at });
    assert_eq!(update.people[0].status, None);
}

#[test]
fn when_somebody_was_there_last_is_kept_now_and_then_and_at_the_end() {
    let mut world = watched();
    for _ in 0..20 {
        world.say(1, 1, Active);
        world.advance(60 * SECOND);
    }
    let every = LAST_SEEN_EVERY.as_secs() / 60;
    assert_eq!(world.seen.len() as u64, 20 / every);
    world.seen.clear();
    let gone_at = world.now().unix_ms;
    world.say(1, 1, Background);
    world.advance(TICK);
    assert_eq!(world.seen, [(user(1), gone_at)]);
    let (_, people) = world.told.last().unwrap();
    assert_eq!((people[0].state(), people[0].last_seen_ms), (Offline, gone_at));
    world.advance(10 * LAST_SEEN_EVERY);
    assert_eq!(world.seen.len(), 1, "nothing is kept of those who aren't there");
}

#[test]
fn when_somebody_was_there_last_is_not_kept_unless_they_share_it() {
    let mut world = watched();
    world.say(1, 1, Active);
    world.set(1, PresenceSettings::default());
    world.advance(PRESENCE_FOR + TICK);
    let (_, people) = world.told.last().unwrap();
    assert_eq!((people[0].state(), people[0].last_seen_ms), (Offline, 0));
    assert_eq!(world.seen, []);
    assert!(world.told.iter().all(|(_, people)| people[0].status.is_none()));
    // Off, it is forgotten.
    world.set(1, PresenceSettings { share_last_seen: true, ..PresenceSettings::default() });
    world.say(1, 1, Active);
    world.say(1, 1, Background);
    assert_eq!(world.seen.len(), 1);
    world.set(1, PresenceSettings::default());
    world.advance(TICK);
    let (_, people) = world.told.last().unwrap();
    assert_eq!(people[0].last_seen_ms, 0);
}

#[test]
fn more_than_a_thousand_are_not_watched_and_then_nothing_is_done() {
    let mut world = World::default();
    let many = |from: u32, to: u32| -> Vec<Watched> {
        let id = |n: u32| UserId::from_bytes([n.to_be_bytes(); 4].concat().try_into().unwrap());
        let watched = |n| Watched { card: Arc::new(Card::blank(id(n))), grounds: None };
        (from..to).map(watched).collect()
    };
    let now = world.now();
    assert!(world.board.handle_watch(conn(9), user(9), many(0, 1000), &[], now).is_ok());
    // Those that are watched already count once.
    assert!(world.board.handle_watch(conn(9), user(9), many(0, 200), &[], now).is_ok());
    let more = world.board.handle_watch(conn(9), user(9), many(999, 1001), &[], now);
    assert_eq!(more, Err(TooManyWatched));
    let one = many(0, 1)[0].card.user;
    let instead = world.board.handle_watch(conn(9), user(9), many(1000, 1001), &[one], now);
    assert_eq!(instead.map(|answer| answer.people.len()), Ok(1));
    world.board.handle_lost(conn(9));
    world.run();
    assert!(world.board.is_empty());
}

#[test]
fn an_answer_and_an_update_say_which_is_newer() {
    let mut world = watched();
    let now = world.now();
    let ask = |world: &mut World| {
        let add = vec![Watched { card: world.card(1), grounds: None }];
        world.board.handle_watch(conn(9), user(9), add, &[], now).unwrap()
    };
    let before = ask(&mut world);
    let card = world.card(1);
    world.board.handle_word(conn(1), &card, Active, now);
    let during = ask(&mut world);
    world.board.handle_word(conn(1), &card, Idle, now);
    world.board.handle_timeout(now);
    assert_eq!(world.board.poll_due(), Some(conn(9)));
    let update = world.board.take_changes(conn(9), false, now);
    let after = ask(&mut world);
    assert_eq!(during.as_of, before.as_of);
    assert!(update.as_of > during.as_of, "what was told is newer");
    assert_eq!(after.as_of, update.as_of, "the answer is no older");
}

#[test]
fn nothing_is_left_of_those_who_are_gone() {
    let mut world = World::default();
    for n in 1..5 {
        world.say(u32::from(n), n, Active);
        world.watch(u32::from(n), n, &[1, 2, 3, 4, 5]);
    }
    for n in 1..5 {
        world.board.handle_lost(conn(n));
    }
    world.advance(PRESENCE_GRACE);
    assert!(world.board.is_empty(), "{:?}", world.board);
    assert_eq!(world.board.deadline().filter(|at| *at > world.elapsed + TICK), None);
}

#[test]
fn a_guest_no_longer_hears_of_those_with_whom_they_share_no_room() {
    let mut world = World::default();
    let room = Arc::new(RoomCell::new(
        RoomId::from_bytes([7; 16]),
        RoomState {
            kind: RoomKind::Group,
            org: OrgId::from_bytes([0; 16]),
            name: String::new(),
            topic: String::new(),
            archived: false,
            parent: None,
            creator: user(1),
            overrides: Arc::default(),
            group: Default::default(),
            members: Arc::new([user(1), user(2), user(9)].into()),
            version: next_version(),
            head: Counters::default(),
        },
    ));
    world.guests.insert(conn(9));
    let grounds: Grounds = Some([room.clone()].into());
    let add = [1, 2].map(|n| Watched { card: world.card(n), grounds: grounds.clone() }).into();
    world.board.handle_watch(conn(9), user(9), add, &[], world.now()).unwrap();
    world.say(1, 1, Active);
    assert_eq!(world.told(9), [[Online]]);
    room.apply(Counters::default(), Some(RoomChange::Removed(user(1))));
    world.advance(TICK);
    world.say(1, 1, Idle);
    assert_eq!(world.told(9), [[Offline]], "it looks as if they had left");
    world.advance(TICK);
    world.say(1, 1, Active);
    world.say(2, 2, Active);
    world.advance(TICK);
    assert_eq!(world.told(9), [[Online]], "of the other only");
}
