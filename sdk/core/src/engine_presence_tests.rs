//! Presence: what the device says and how often, whom it watches, and which word is the newer.

use parlour_protocol::{
    event::compose,
    generated::EventMessage,
    limits::{PRESENCE_AGAIN_EVERY, PRESENCE_WATCHED_MAX},
    presence::{
        Presence, PresenceState, PresenceUpdate, SetPresenceRequest, StatusChanged,
        WatchPresenceRequest, WatchPresenceResponse,
    },
    wire::EventHeader,
};

use super::*;
use crate::{
    limits::PRESENCE_AFTER_ERROR,
    presence::{Activity, Availability},
};

fn after(wait: Duration) -> Now {
    Now { elapsed: NOW.elapsed + wait, ..NOW }
}

fn is(user: UserId, state: PresenceState) -> Presence {
    Presence { user: user.to_field(), state: state as i32, ..Presence::default() }
}

impl Client {
    /// The calls of that method since the last look, with their requests.
    fn asked<R: Rpc>(&mut self) -> Vec<(CallId, R::Request)> {
        self.pump();
        let all = std::mem::take(&mut self.calls);
        let (own, others) = all.into_iter().partition(|(_, method, _)| *method == R::METHOD.id);
        self.calls = others;
        let decode = |(id, _, body): (CallId, u32, Bytes)| (id, R::Request::decode(body).unwrap());
        Vec::into_iter(own).map(decode).collect()
    }

    /// What was said of the device since the last look.
    fn said(&mut self) -> Vec<i32> {
        let calls = self.asked::<rpc::SetPresence>().into_iter();
        calls.map(|(_, SetPresenceRequest { activity })| activity).collect()
    }

    fn watch(&mut self, users: &[UserId]) {
        self.engine.watch_presence(users, NOW).unwrap();
    }

    /// Answers the one call that watches, and tells what it asked for.
    fn answer(&mut self, people: Vec<Presence>, as_of: u64) -> WatchPresenceRequest {
        let mut calls = self.asked::<rpc::WatchPresence>();
        assert_eq!(calls.len(), 1);
        let (id, request) = calls.remove(0);
        let body = WatchPresenceResponse { people, as_of }.encode_to_vec().into();
        self.engine.handle_reply(id, Ok(body), NOW);
        request
    }

    fn update(&mut self, people: Vec<Presence>, as_of: u64) {
        self.engine.handle_live(Live::Presence(PresenceUpdate { people, as_of }), NOW);
    }

    fn changes(&mut self) -> Vec<(UserId, Availability)> {
        let changes = self.engine.take_presence_changes().into_iter();
        changes.map(|one| (one.user, one.availability)).collect()
    }
}

fn numbered(n: u16) -> UserId {
    let mut bytes = [7; 16];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    UserId::from_bytes(bytes)
}

#[test]
fn what_holds_for_a_while_is_said_again_and_nothing_else() {
    let mut client = Client::new();
    client.connect(0);
    assert_eq!(client.said(), [], "programs say nothing");
    for _ in 0..5 {
        client.engine.set_activity(Activity::Active, NOW);
    }
    assert_eq!(client.said(), [1]);
    client.engine.handle_timeout(after(PRESENCE_AGAIN_EVERY - Duration::from_millis(1)));
    assert_eq!(client.said(), []);
    assert!(client.engine.poll_timeout().unwrap() <= after(PRESENCE_AGAIN_EVERY).elapsed);
    client.engine.handle_timeout(after(PRESENCE_AGAIN_EVERY));
    assert_eq!(client.said(), [1]);
    client.engine.set_activity(Activity::Background, after(PRESENCE_AGAIN_EVERY));
    assert_eq!(client.said(), [3]);
    client.engine.handle_timeout(after(10 * PRESENCE_AGAIN_EVERY));
    assert_eq!(client.said(), []);
}

#[test]
fn a_new_connection_is_told_all_of_it() {
    let mut client = Client::new();
    client.engine.set_activity(Activity::Idle, NOW);
    client.watch(&[ME, OTHER]);
    client.pump();
    assert!(client.calls.is_empty());
    for _ in 0..2 {
        client.connect(0);
        assert_eq!(client.said(), [2]);
        let (_, request) = client.asked::<rpc::WatchPresence>().remove(0);
        assert_eq!(request.add, [ME.to_field(), OTHER.to_field()]);
        client.engine.handle_disconnected();
        client.engine.handle_timeout(after(PRESENCE_AGAIN_EVERY));
        assert_eq!(client.said(), [], "without a connection there is nobody to say it to");
    }
}

#[test]
fn a_list_hears_what_the_answer_and_updates_say() {
    let mut client = Client::new();
    client.connect(0);
    client.watch(&[ME, OTHER]);
    assert_eq!(client.engine.presence_of(OTHER).unwrap().availability, Availability::Unknown);
    client.answer(vec![is(ME, PresenceState::Online), is(OTHER, PresenceState::Offline)], 4);
    let expected = [(ME, Availability::Online), (OTHER, Availability::Offline)];
    assert_eq!(client.changes(), expected);
    client.update(vec![is(OTHER, PresenceState::Idle)], 5);
    assert_eq!(client.changes(), [(OTHER, Availability::Idle)]);
    client.update(vec![is(OTHER, PresenceState::Idle)], 6);
    assert_eq!(client.changes(), [], "nothing is new");
    client.update(vec![is(numbered(1), PresenceState::Idle)], 7);
    assert_eq!(client.changes(), [], "nobody watches them");
    // A state of later times.
    client.update(vec![Presence { state: 99, ..is(OTHER, PresenceState::Idle) }], 8);
    assert_eq!(client.changes(), [(OTHER, Availability::Online)]);
}

#[test]
fn of_an_answer_and_an_update_the_newer_counts_whichever_comes_first() {
    let states = [(5, 5, Availability::Offline), (5, 6, Availability::Online)];
    for (answered, updated, expected) in states {
        for answer_is_first in [true, false] {
            let mut client = Client::new();
            client.connect(0);
            client.watch(&[OTHER]);
            if answer_is_first {
                client.answer(vec![is(OTHER, PresenceState::Offline)], answered);
            }
            client.update(vec![is(OTHER, PresenceState::Online)], updated);
            if !answer_is_first {
                client.answer(vec![is(OTHER, PresenceState::Offline)], answered);
            }
            assert_eq!(client.engine.presence_of(OTHER).unwrap().availability, expected);
        }
    }
}

#[test]
fn users_are_watched_as_long_as_they_are_in_a_list() {
    let mut client = Client::new();
    client.connect(0);
    client.watch(&[ME, OTHER]);
    assert_eq!(client.answer(vec![], 0).add.len(), 2);
    client.watch(&[OTHER]);
    assert_eq!(client.asked::<rpc::WatchPresence>(), [], "they are watched already");
    client.engine.unwatch_presence(&[ME, OTHER], NOW);
    let request = client.answer(vec![], 0);
    assert_eq!((request.add.len(), request.remove), (0, vec![ME.to_field()]));
    client.update(vec![is(ME, PresenceState::Online), is(OTHER, PresenceState::Online)], 1);
    assert_eq!(client.changes(), [(OTHER, Availability::Online)]);
}

#[test]
fn many_are_asked_about_some_at_a_time_and_too_many_not_at_all() {
    let mut client = Client::new();
    client.connect(0);
    let users: Vec<UserId> = (0..PRESENCE_WATCHED_MAX as u16).map(numbered).collect();
    client.watch(&users[..500]);
    let calls = client.asked::<rpc::WatchPresence>();
    let sizes: Vec<usize> = calls.iter().map(|(_, request)| request.add.len()).collect();
    assert_eq!(sizes, [200, 200, 100]);
    client.watch(&users);
    let more = client.engine.watch_presence(&[ME], NOW);
    assert_eq!(more, Err(TooManyWatched));
    assert_eq!(client.engine.presence_of(ME), None);
}

#[test]
fn what_was_refused_for_now_is_asked_again() {
    let mut client = Client::new();
    client.connect(0);
    client.watch(&[OTHER]);
    client.engine.set_activity(Activity::Invisible, NOW);
    client.pump();
    for (id, ..) in std::mem::take(&mut client.calls) {
        let error = Error::new(ErrorReason::RateLimited, "too fast");
        client.engine.handle_reply(id, Err(error), NOW);
    }
    // What comes meanwhile waits as well.
    client.watch(&[ME]);
    assert_eq!((client.asked::<rpc::WatchPresence>(), client.said()), (vec![], vec![]));
    client.engine.handle_timeout(after(PRESENCE_AFTER_ERROR));
    let (_, request) = client.asked::<rpc::WatchPresence>().remove(0);
    assert_eq!((request.add.len(), client.said()), (2, vec![4]));
}

#[test]
fn what_another_device_sets_is_told() {
    let mut client = Client::new();
    client.connect(0);
    let settings = parlour_protocol::presence::PresenceSettings {
        do_not_disturb_until_ms: 5,
        ..Default::default()
    };
    let header = EventHeader { seq: 1, kind: StatusChanged::RULE.kind, ..Default::default() };
    let body = StatusChanged { settings: Some(settings) }.encode_to_vec();
    let event = LogEvent::parse(compose(&header, &body)).unwrap();
    client.engine.handle_live(Live::User(vec![event]), NOW);
    client.pump();
    let told = client.notices.iter().find_map(|notice| match notice {
        Notice::Settings(settings) => settings.do_not_disturb_until_ms,
        _ => None,
    });
    assert_eq!(told, Some(5));
}
