//! Presence without a network: who is there, who hears of it, and what they say of themselves.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::{
    hub::Output,
    identity,
    limits::PRESENCE_GRACE,
    ports::{
        clock::Clock,
        store::{Scan, Store},
    },
    tables::Table,
};
use parlour_inproc::{Server, group, send};
use parlour_protocol::{
    directory::{change::Change as What, *},
    generated::{EventBody, rpc},
    ids::UserId,
    limits::{PRESENCE_FOR, PRESENCE_TOLD_EVERY},
    presence::{PresenceState as State, *},
    room::RemoveMemberRequest,
    wire::{Error, ErrorReason, event_frame::Frame},
};

const TICK: Duration = PRESENCE_TOLD_EVERY;

fn say(server: &mut Server, client: usize, activity: Activity) {
    let request = SetPresenceRequest { activity: activity as i32 };
    server.call::<rpc::SetPresence>(client, &request).unwrap();
}

fn try_watch(server: &mut Server, by: usize, users: &[UserId]) -> Result<Vec<Presence>, Error> {
    let add = users.iter().map(|user| user.to_field()).collect();
    let request = WatchPresenceRequest { add, remove: vec![] };
    Ok(server.call::<rpc::WatchPresence>(by, &request)?.people)
}

fn watch(server: &mut Server, by: usize, clients: &[usize]) -> Vec<State> {
    let users: Vec<UserId> = clients.iter().map(|client| server.clients[*client].user).collect();
    try_watch(server, by, &users).unwrap().iter().map(Presence::state).collect()
}

fn set(server: &mut Server, by: usize, request: SetStatusRequest) -> PresenceSettings {
    server.call::<rpc::SetStatus>(by, &request).unwrap().settings.unwrap()
}

fn status(text: &str, expires_at_ms: u64) -> SetStatusRequest {
    let status = Status { text: text.into(), emoji: "🌴".into(), expires_at_ms };
    SetStatusRequest { status: Some(status), ..SetStatusRequest::default() }
}

/// The frames of presence that a client has heard since the last call.
fn told(server: &mut Server, client: usize) -> Vec<Vec<Presence>> {
    server.advance(TICK);
    server.deliver();
    let (presence, others) = std::mem::take(&mut server.clients[client].frames)
        .into_iter()
        .partition(|frame| matches!(frame, Frame::Presence(_)));
    server.clients[client].frames = others;
    let people = |frame| match frame {
        Frame::Presence(update) => update.people,
        _ => vec![],
    };
    Vec::into_iter(presence).map(people).collect()
}

/// The last that a client heard of each user since the last call.
fn heard(server: &mut Server, client: usize) -> BTreeMap<Bytes, Presence> {
    let people = told(server, client).into_iter().flatten();
    people.map(|one| (one.user.clone(), one)).collect()
}

fn states(server: &mut Server, client: usize) -> Vec<State> {
    heard(server, client).values().map(Presence::state).collect()
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn change(server: &mut Server, by: usize, changes: Vec<What>) {
    let changes = changes.into_iter().map(|what| Change { change: Some(what) }).collect();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(by, &request).unwrap();
}

fn node(kind: NodeKind, key: &str) -> What {
    What::PutNode(PutNode {
        key: key.into(),
        kind: kind as i32,
        name: Some(format!("the {kind:?}")),
        parent: (kind != NodeKind::Organization).then(String::new),
        ..PutNode::default()
    })
}

fn member(node: &str, subject: &str) -> What {
    What::PutMembership(PutMembership {
        node: node.into(),
        subject: subject.into(),
        role: String::new(),
    })
}

#[test]
fn whoever_watches_hears_who_comes_and_goes() {
    let mut server = Server::new();
    let (ann, ben, cat) = (server.connect("ann"), server.connect("ben"), server.connect("cat"));
    assert_eq!(watch(&mut server, ann, &[ben, cat]), [State::Offline, State::Offline]);
    say(&mut server, ben, Activity::Active);
    assert_eq!(states(&mut server, ann), [State::Online], "of whoever changed only");
    say(&mut server, ben, Activity::Idle);
    assert_eq!(states(&mut server, ann), [State::Idle]);
    let phone = server.connect("ben");
    say(&mut server, phone, Activity::Active);
    assert_eq!(states(&mut server, ann), [State::Online]);
    server.leave(phone);
    assert_eq!(states(&mut server, ann), [State::Idle], "a clean end shows at once");
    server.disconnect(ben);
    assert_eq!(states(&mut server, ann), []);
    server.advance(PRESENCE_GRACE);
    assert_eq!(states(&mut server, ann), [State::Offline]);
    assert_eq!(told(&mut server, cat), <[Vec<_>; 0]>::default(), "nobody else hears of it");
}

#[test]
fn whoever_is_silent_for_90_seconds_is_gone() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    say(&mut server, ben, Activity::Active);
    let said_ms = server.hand.now().unix_ms;
    assert_eq!(states(&mut server, ann), [State::Online]);
    server.advance(PRESENCE_FOR);
    let told = heard(&mut server, ann).into_values().next().unwrap();
    assert_eq!((told.state(), told.last_seen_ms), (State::Offline, said_ms));
}

#[test]
fn one_may_stop_watching() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    let remove = vec![server.clients[ben].user.to_field()];
    let request = WatchPresenceRequest { add: vec![], remove };
    server.call::<rpc::WatchPresence>(ann, &request).unwrap();
    say(&mut server, ben, Activity::Active);
    assert_eq!(states(&mut server, ann), []);
}

#[test]
fn a_connection_in_the_background_hears_once_it_is_back() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    say(&mut server, ann, Activity::Background);
    for activity in [Activity::Active, Activity::Idle, Activity::Active] {
        say(&mut server, ben, activity);
        assert_eq!(states(&mut server, ann), []);
    }
    say(&mut server, ann, Activity::Active);
    let told = told(&mut server, ann);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0][0].state(), State::Online);
}

#[test]
fn a_slow_reader_finds_the_newest_and_no_queue() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    for _ in 0..50 {
        for activity in [Activity::Active, Activity::Idle] {
            let request = SetPresenceRequest { activity: activity as i32 };
            server.start::<rpc::SetPresence>(ben, &request);
            // Ann doesn't read.
            server.advance(TICK);
        }
    }
    let told = told(&mut server, ann);
    assert_eq!(told.len(), 1, "one waits, and no more");
    assert_eq!(
        states(&mut server, ann),
        [State::Idle],
        "what changed since comes when it was read"
    );
}

#[test]
fn a_status_is_shown_until_it_is_over() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    say(&mut server, ben, Activity::Active);
    watch(&mut server, ann, &[ben]);
    let over_ms = server.hand.now().unix_ms + 60_000;
    set(&mut server, ben, status("lunch", over_ms));
    let told = heard(&mut server, ann).into_values().next().unwrap();
    assert_eq!((told.state(), told.status.unwrap().text.as_str()), (State::Online, "lunch"));
    let users = [server.clients[ben].user];
    let asked = try_watch(&mut server, ann, &users).unwrap();
    assert_eq!(asked[0].status.as_ref().unwrap().expires_at_ms, over_ms);
    server.advance(Duration::from_secs(60) - TICK);
    let told = heard(&mut server, ann).into_values().next().unwrap();
    assert_eq!((told.state(), told.status), (State::Online, None));
    assert_eq!(try_watch(&mut server, ann, &users).unwrap()[0].status, None);
}

#[test]
fn do_not_disturb_is_a_state_of_those_who_are_there() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    let until_ms = server.hand.now().unix_ms + 10_000;
    let request =
        SetStatusRequest { do_not_disturb_until_ms: Some(until_ms), ..Default::default() };
    set(&mut server, ben, request);
    assert_eq!(states(&mut server, ann), [], "who is away can't be disturbed");
    say(&mut server, ben, Activity::Idle);
    assert_eq!(states(&mut server, ann), [State::DoNotDisturb]);
    server.advance(Duration::from_secs(10));
    assert_eq!(states(&mut server, ann), [State::Idle]);
}

/// What a client's own log says of its settings, in order.
fn changes_heard(server: &Server, client: usize) -> Vec<PresenceSettings> {
    let events = server.clients[client].frames.iter().filter_map(|frame| match frame {
        Frame::UserEvents(events) => Some(events.events.clone()),
        _ => None,
    });
    let settings = |event: parlour_protocol::wire::Event| match EventBody::decode(
        event.header.unwrap().kind,
        event.body,
    )
    .unwrap()
    {
        EventBody::StatusChanged(changed) => changed.settings,
        _ => None,
    };
    events.flatten().filter_map(settings).collect()
}

#[test]
fn ones_own_devices_agree_on_what_is_set() {
    let mut server = Server::new();
    let (phone, laptop) = (server.connect("ann"), server.connect("ann"));
    let unset = set(&mut server, phone, SetStatusRequest::default());
    assert_eq!(unset, PresenceSettings { share_last_seen: true, ..Default::default() });
    let set_once = set(&mut server, phone, status("at sea", 0));
    assert_eq!(set(&mut server, laptop, status("at sea", 0)), set_once, "a repetition");
    let silent = SetStatusRequest { share_last_seen: Some(false), ..Default::default() };
    let set_twice = set(&mut server, laptop, silent);
    assert_eq!(set_twice, PresenceSettings { share_last_seen: false, ..set_once.clone() });
    let none = SetStatusRequest { status: Some(Status::default()), ..Default::default() };
    let cleared = set(&mut server, phone, none);
    assert_eq!(cleared.status, None);
    assert_eq!(changes_heard(&server, phone), [set_once, set_twice, cleared]);
    assert_eq!(changes_heard(&server, phone), changes_heard(&server, laptop));
}

#[test]
fn two_devices_at_once_undo_nothing_of_each_other() {
    let mut server = Server::new();
    let (phone, laptop) = (server.connect("ann"), server.connect("ann"));
    let until_ms = server.hand.now().unix_ms + 10_000;
    let quiet = SetStatusRequest { do_not_disturb_until_ms: Some(until_ms), ..Default::default() };
    let first = server.start::<rpc::SetStatus>(phone, &status("busy", 0));
    let second = server.start::<rpc::SetStatus>(laptop, &quiet);
    server.run();
    assert!(server.answer::<rpc::SetStatus>(phone, first).is_ok());
    let after = server.answer::<rpc::SetStatus>(laptop, second).unwrap().settings.unwrap();
    assert_eq!(
        (after.status.unwrap().text.as_str(), after.do_not_disturb_until_ms),
        ("busy", until_ms,)
    );
    assert_eq!(changes_heard(&server, phone).len(), 2);
}

#[test]
fn a_restart_keeps_what_is_set_and_who_was_seen_when() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    say(&mut server, ann, Activity::Active);
    say(&mut server, ben, Activity::Active);
    let hidden = SetStatusRequest { share_last_seen: Some(false), ..Default::default() };
    set(&mut server, ben, hidden);
    set(&mut server, ann, status("old", 0));
    set(&mut server, ann, status("away", 0));
    let seen_ms = server.hand.now().unix_ms;
    server.advance(Duration::from_secs(10));
    server.leave(ann);
    server.leave(ben);
    server.advance(TICK);

    let mut server = Server::over(store.clone());
    let cat = server.connect("cat");
    let org = identity::org_id("acme");
    let users = ["ann", "ben"].map(|subject| identity::user_id(org, subject));
    let found = try_watch(&mut server, cat, &users).unwrap();
    assert_eq!(found[0].status.as_ref().unwrap().text, "away");
    assert_eq!([found[0].last_seen_ms, found[1].last_seen_ms], [seen_ms, 0]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (table, count) in [(Table::STATUS, 2), (Table::LAST_SEEN, 1)] {
        let scan = Scan::prefix(table, Bytes::new(), 100);
        let rows = runtime.block_on(store.scan(scan)).unwrap();
        assert_eq!(rows.len(), count, "one row for each user");
    }
}

#[test]
fn what_is_not_shared_is_not_kept_even_if_it_was_on_its_way() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (phone, laptop) = (server.connect("ann"), server.connect("ann"));
    say(&mut server, phone, Activity::Active);
    let request = SetStatusRequest { share_last_seen: Some(false), ..Default::default() };
    let call = server.start::<rpc::SetStatus>(laptop, &request);
    // It is being committed while the user leaves.
    let Some(Output::Append(batches)) = server.hub.poll(server.hand.now()) else { panic!() };
    server.leave(phone);
    server.hub.handle_timeout(server.hand.now());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(store.append(batches));
    server.hub.handle_appended(result, server.hand.now());
    server.run();
    assert!(server.answer::<rpc::SetStatus>(laptop, call).is_ok());
    let scan = Scan::prefix(Table::LAST_SEEN, Bytes::new(), 100);
    assert_eq!(runtime.block_on(store.scan(scan)).unwrap(), []);
}

#[test]
fn a_full_disk_keeps_nobody_from_being_there() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    server.read_only = true;
    say(&mut server, ben, Activity::Active);
    assert_eq!(states(&mut server, ann), [State::Online]);
    let refused = server.call::<rpc::SetStatus>(ben, &status("no", 0));
    assert_eq!(reason(refused), ErrorReason::ReadOnly);
    assert_eq!(states(&mut server, ann), []);
    server.read_only = false;
    set(&mut server, ben, status("yes", 0));
    let told = heard(&mut server, ann).into_values().next().unwrap();
    assert_eq!(told.status.unwrap().text, "yes");
}

#[test]
fn whoever_is_deactivated_is_gone_at_once() {
    let mut server = Server::new();
    let root = server.connect("root");
    change(&mut server, root, vec![node(NodeKind::Organization, "")]);
    let ben = server.connect("ben");
    say(&mut server, ben, Activity::Active);
    watch(&mut server, root, &[ben]);
    let gone = PutUser { subject: "ben".into(), deactivated: Some(true), ..PutUser::default() };
    change(&mut server, root, vec![What::PutUser(gone)]);
    assert_eq!(states(&mut server, root), [State::Offline]);
    // What was on its way when the connection was closed comes to nothing.
    let request = SetPresenceRequest { activity: Activity::Active as i32 };
    server.start::<rpc::SetPresence>(ben, &request);
    assert_eq!(states(&mut server, root), []);
}

#[test]
fn users_who_are_not_there_are_left_out() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let nobody = UserId::from_bytes([9; 16]);
    let me = server.clients[ann].user;
    let found = try_watch(&mut server, ann, &[nobody, me]).unwrap();
    assert_eq!(found.iter().map(|one| one.user.clone()).collect::<Vec<_>>(), [me.to_field()]);
}

#[test]
fn a_guest_watches_those_with_whom_they_share_a_room_and_no_others() {
    let mut server = Server::new();
    let root = server.connect("root");
    change(&mut server, root, vec![node(NodeKind::Organization, ""), node(NodeKind::Team, "team")]);
    let (ann, ben, gil) =
        (server.connect("ann"), server.connect("ben"), server.connect("guest gil"));
    change(&mut server, root, vec![member("team", "ann"), member("team", "guest gil")]);
    for client in [ann, ben] {
        say(&mut server, client, Activity::Active);
    }
    assert_eq!(watch(&mut server, gil, &[ann, ben, gil]), [State::Online, State::Offline]);
    say(&mut server, ann, Activity::Idle);
    assert_eq!(states(&mut server, gil), [State::Idle]);
    let shared = group(&mut server, ben, &[gil]);
    assert_eq!(watch(&mut server, gil, &[ben]), [State::Online]);

    let (room, user) = (shared, server.clients[gil].user.to_field());
    server.call::<rpc::RemoveMember>(ben, &RemoveMemberRequest { room, user }).unwrap();
    say(&mut server, ben, Activity::Idle);
    assert_eq!(states(&mut server, gil), [State::Offline], "as if they had left");
    let gone = EndMembership { node: "team".into(), subject: "ann".into() };
    change(&mut server, root, vec![What::EndMembership(gone)]);
    say(&mut server, ann, Activity::Active);
    assert_eq!(states(&mut server, gil), [State::Offline]);
    assert_eq!(watch(&mut server, gil, &[ann, ben]), []);
}

#[test]
fn whoever_is_made_a_guest_hears_no_more_than_a_guest() {
    let mut server = Server::new();
    let root = server.connect("root");
    change(&mut server, root, vec![node(NodeKind::Organization, "")]);
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    watch(&mut server, ann, &[ben]);
    say(&mut server, ben, Activity::Active);
    assert_eq!(states(&mut server, ann), [State::Online]);
    let guest = PutUser { subject: "ann".into(), role: Some("guest".into()), ..PutUser::default() };
    change(&mut server, root, vec![What::PutUser(guest)]);
    say(&mut server, ben, Activity::Idle);
    assert_eq!(states(&mut server, ann), [State::Offline]);
}

#[test]
fn wrong_words_are_refused() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    for activity in [0, 99] {
        let refused = server.call::<rpc::SetPresence>(ann, &SetPresenceRequest { activity });
        assert_eq!(reason(refused), ErrorReason::InvalidField);
    }
    let now_ms = server.hand.now().unix_ms;
    let with = |text: &str, emoji: &str, expires_at_ms| SetStatusRequest {
        status: Some(Status { text: text.into(), emoji: emoji.into(), expires_at_ms }),
        ..Default::default()
    };
    let late = SetStatusRequest { do_not_disturb_until_ms: Some(1), ..Default::default() };
    let never = SetStatusRequest { do_not_disturb_until_ms: Some(u64::MAX), ..Default::default() };
    let wrong = [
        (with(&"x".repeat(101), "", 0), "status.text"),
        (with("two\nlines", "", 0), "status.text"),
        (with("", "word", 0), "status.emoji"),
        (with("over", "", now_ms), "status.expires_at_ms"),
        (late, "do_not_disturb_until_ms"),
        (never, "do_not_disturb_until_ms"),
    ];
    for (request, field) in wrong {
        let error = server.call::<rpc::SetStatus>(ann, &request).unwrap_err();
        assert_eq!(error.violations[0].field, field);
    }
    set(&mut server, ann, with(&"x".repeat(100), "", now_ms + 1));
    let too_many = vec![Bytes::from(vec![1; 16]); 201];
    let request = WatchPresenceRequest { add: too_many, remove: vec![] };
    let refused = server.call::<rpc::WatchPresence>(ann, &request);
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    let request = WatchPresenceRequest { add: vec![Bytes::from_static(b"ann")], remove: vec![] };
    let refused = server.call::<rpc::WatchPresence>(ann, &request);
    assert_eq!(reason(refused), ErrorReason::InvalidField);
}

#[test]
fn a_thousand_are_watched_with_their_words_and_no_more() {
    let mut server = Server::new();
    let ann = server.connect("ann");
    let mut users = vec![];
    for n in 0..1001 {
        let client = server.connect(&format!("user {n}"));
        set(&mut server, client, status(&"x".repeat(100), 0));
        users.push(server.clients[client].user);
        server.leave(client);
    }
    for some in users[..1000].chunks(200) {
        assert_eq!(try_watch(&mut server, ann, some).unwrap().len(), 200);
    }
    let refused = try_watch(&mut server, ann, &users[1000..]);
    assert_eq!(reason(refused), ErrorReason::InvalidField);
    // All at once, in one frame.
    for n in 0..1000 {
        let client = server.connect(&format!("user {n}"));
        say(&mut server, client, Activity::Active);
    }
    let told = told(&mut server, ann);
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [1000]);
}

#[test]
fn presence_is_no_event_of_any_log() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let room = group(&mut server, ann, &[ben]);
    let before = send(&mut server, ann, &room, "before");
    watch(&mut server, ann, &[ben]);
    say(&mut server, ben, Activity::Active);
    assert_eq!(send(&mut server, ann, &room, "after"), before + 1);
}
