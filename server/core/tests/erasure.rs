//! Erasure without a network: what somebody wrote and what says who they were is nowhere any more.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::{
    admission::Refusal,
    identity,
    ports::store::{LogKey, ReadRange, Scan},
    tables::Table,
};
use parlour_inproc::{Server, carrying, group, message, send, user};
use parlour_protocol::{
    account::CreateServiceAccountRequest,
    app::{AppEvent, PublishRequest},
    compliance::*,
    directory::{self as wire, change::Change as What, *},
    draft::{MessageDraft, SetDraftRequest},
    event::FLAG_ERASED,
    generated::{EventMessage, rpc},
    ids::{OrgId, RoomId, UserId},
    interaction::*,
    message::*,
    presence::{SetStatusRequest, Status},
    reminder::{Reminder, SetReminderRequest},
    room::{ListMembersRequest, OpenDirectRequest, UserRef, user_ref},
    schedule::ScheduleSendRequest,
    settings::{GetSettingsRequest, SetSettingsRequest, Settings},
    sync::ReadLogRequest,
    user::{GetUsersRequest, Profile, User, UserKind},
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

/// More drafts than any erasure here takes.
const ALL: usize = 1_000_000;

fn change(server: &mut Server, by: usize, what: What) -> Result<(), Error> {
    let changes = vec![wire::Change { change: Some(what) }];
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    let result = server.call::<rpc::ChangeDirectory>(by, &request).map(drop);
    server.deliver();
    result
}

fn put(subject: &str, deactivated: Option<bool>) -> What {
    What::PutUser(PutUser { subject: subject.into(), deactivated, ..PutUser::default() })
}

fn named(subject: &str) -> Option<UserRef> {
    Some(UserRef { user: Some(user_ref::User::Subject(subject.into())) })
}

fn ask(server: &mut Server, by: usize, subject: &str) -> Result<Bytes, Error> {
    let request = EraseUserRequest { user: named(subject) };
    server.call::<rpc::EraseUser>(by, &request).map(|answer| answer.user)
}

fn erasures(server: &mut Server, by: usize) -> Vec<Erasure> {
    server.call::<rpc::ListErasures>(by, &ListErasuresRequest::default()).unwrap().erasures
}

fn shown(server: &mut Server, by: usize, id: &Bytes) -> User {
    let request = GetUsersRequest { users: vec![id.clone()], ..GetUsersRequest::default() };
    server.call::<rpc::GetUsers>(by, &request).unwrap().users.remove(0)
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn texts(server: &mut Server, by: usize, room: &Bytes) -> Vec<String> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..ReadLogRequest::default() };
    let items = server.bulk::<rpc::ReadLog>(by, &request).unwrap();
    let events = items.into_iter().flat_map(|item| item.events);
    let text = |event: Event| {
        let header = event.header?;
        let is_there = header.kind == MessagePosted::RULE.kind && header.flags & FLAG_ERASED == 0;
        is_there.then(|| MessagePosted::decode(event.body).unwrap().text)
    };
    events.filter_map(text).collect()
}

/// Where in the store that stands: rows and records as they are.
fn holding(server: &Server, rooms: &[RoomId], users: &[UserId], secret: &str) -> Vec<String> {
    let is_in = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    let store = &server.node.store;
    let mut found = vec![];
    for table in Table::ALL {
        let scan = Scan::prefix(*table, Bytes::new(), 100_000);
        for (row, value) in server.runtime.block_on(store.scan(scan)).unwrap() {
            (is_in(&row) || is_in(&value)).then(|| found.push(table.name().to_owned()));
        }
    }
    let rooms = rooms.iter().map(|room| LogKey::Room(*room));
    let users = users.iter().map(|user| LogKey::User(*user));
    let org = LogKey::Org(identity::org_id("acme"));
    for log in rooms.chain(users).chain([org]) {
        let range = ReadRange {
            from: 1,
            to: u64::MAX >> 1,
            reverse: false,
            records_max: 10_000,
            bytes_max: usize::MAX,
        };
        for stored in server.runtime.block_on(store.read(log, range)).unwrap() {
            is_in(&stored.record.unwrap()).then(|| found.push(format!("{log:?} {}", stored.seq)));
        }
    }
    found
}

/// Somebody with a profile, in a group and a direct room with ben, who has written and set all kinds of
/// things with `secret` in them.
struct Told {
    group: Bytes,
    direct: Bytes,
    id: UserId,
}

fn acme() -> (Server, usize, usize) {
    let mut server = Server::over(Arc::new(Memory::new([1; 16])));
    let root = server.connect("root");
    let organization = PutNode {
        kind: NodeKind::Organization as i32,
        name: Some("Acme".into()),
        ..Default::default()
    };
    change(&mut server, root, What::PutNode(organization)).unwrap();
    let ben = server.connect("ben");
    (server, root, ben)
}

fn tell(server: &mut Server, root: usize, ben: usize) -> (usize, Told) {
    let zoe = server.connect("zoe-secret");
    let profile = Profile {
        name: Some("Zoe secret".into()),
        handle: Some("zoe-secret".into()),
        title: Some("secret agent".into()),
        ..Profile::default()
    };
    let whole =
        PutUser { subject: "zoe-secret".into(), profile: Some(profile), ..PutUser::default() };
    change(server, root, What::PutUser(whole)).unwrap();
    let group = group(server, zoe, &[ben]);
    let with = Some(user(server.clients[ben].user));
    let direct = server.call::<rpc::OpenDirect>(zoe, &OpenDirectRequest { with }).unwrap();
    let direct = direct.room.unwrap().id;
    let blob = server.upload(zoe, 1, b"a secret file").unwrap();
    let request = carrying(server, &group, "a secret with a file", std::slice::from_ref(&blob));
    let seq = server.call::<rpc::Send>(zoe, &request).unwrap().seq;
    let body = MessageEdited { text: "another secret".into(), ..Default::default() };
    let edit = EditRequest {
        room: group.clone(),
        client_ref: server.client_ref().to_field(),
        target_seq: seq,
        body: body.encode_to_vec().into(),
    };
    server.call::<rpc::Edit>(zoe, &edit).unwrap();
    send(server, zoe, &direct, "a secret between two");
    send(server, ben, &direct, "of ben");
    send(server, ben, &group, "of ben, too");
    let event = AppEvent {
        name: "com.example.built".into(),
        payload: Bytes::from_static(b"secret build"),
        ..AppEvent::default()
    };
    let client_ref = server.client_ref().to_field();
    let publish =
        PublishRequest { room: group.clone(), client_ref, body: event.encode_to_vec().into() };
    server.call::<rpc::Publish>(zoe, &publish).unwrap();
    set_own(server, zoe, &group);
    (zoe, Told { group, direct, id: server.clients[zoe].user })
}

fn set_own(server: &mut Server, zoe: usize, group: &Bytes) {
    let draft = MessageDraft {
        room: group.clone(),
        text: "secret draft".into(),
        ..MessageDraft::default()
    };
    server.call::<rpc::SetDraft>(zoe, &SetDraftRequest { draft: Some(draft) }).unwrap();
    let status = Status { text: "secret mood".into(), ..Status::default() };
    let request = SetStatusRequest { status: Some(status), ..SetStatusRequest::default() };
    server.call::<rpc::SetStatus>(zoe, &request).unwrap();
    let reminder = Reminder {
        id: server.client_ref().to_field(),
        at_ms: now(server) + 3_600_000,
        text: "secret reminder".into(),
        ..Reminder::default()
    };
    let request = SetReminderRequest { reminder: Some(reminder) };
    server.call::<rpc::SetReminder>(zoe, &request).unwrap();
    let blob = server.upload(zoe, 9, b"a secret file for later").unwrap();
    let later = carrying(server, group, "secret later", std::slice::from_ref(&blob));
    let later = SendRequest { client_ref: Bytes::new(), ..later };
    let id = server.client_ref().to_field();
    let request =
        ScheduleSendRequest { id, send_at_ms: now(server) + 3_600_000, send: Some(later) };
    server.call::<rpc::ScheduleSend>(zoe, &request).unwrap();
    let settings = Settings { keywords: vec!["secret".into()], ..Settings::default() };
    let request = SetSettingsRequest { settings: Some(settings) };
    server.call::<rpc::SetSettings>(zoe, &request).unwrap();
}

fn now(server: &Server) -> u64 {
    use parlour_core::ports::clock::Clock;
    server.hand.now().unix_ms
}

fn rooms_of(told: &Told) -> Vec<RoomId> {
    let org = identity::org_id("acme");
    let own = identity::private_room_id(org, told.id);
    vec![RoomId::parse(&told.group).unwrap(), RoomId::parse(&told.direct).unwrap(), own]
}

#[test]
fn whoever_is_erased_is_nowhere_in_the_store_any_more() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    let users = [told.id, server.clients[ben].user, server.clients[root].user];
    let rooms = rooms_of(&told);
    assert!(holding(&server, &rooms, &users, "secret").len() > 15, "the search finds things");
    assert_eq!(reason(ask(&mut server, root, "nobody")), ErrorReason::UserNotFound);
    assert_eq!(reason(ask(&mut server, root, "zoe-secret")), ErrorReason::NotDeactivated);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    server.deliver();
    let id = ask(&mut server, root, "zoe-secret").unwrap();
    let now_shown = shown(&mut server, ben, &id);
    let erased = User { id: id.clone(), deactivated: true, ..User::default() };
    assert_eq!(now_shown, User { kind: UserKind::Erased as i32, ..erased }, "with the answer");
    let request = ListMembersRequest { room: told.group.clone(), ..Default::default() };
    assert_eq!(erasures(&mut server, root)[0].done_ms, 0);
    assert_eq!(ask(&mut server, root, "zoe-secret").unwrap(), id, "a retry does nothing");
    server.clients[ben].frames.clear();
    assert_eq!(server.erase(ALL), [Some(3)]);
    assert_eq!(holding(&server, &rooms, &users, "secret"), Vec::<String>::new());
    assert_eq!(texts(&mut server, ben, &told.group), ["of ben, too"]);
    assert_eq!(texts(&mut server, ben, &told.direct), ["of ben"]);
    let heard: Vec<Event> = server.clients[ben].heard();
    let kinds: Vec<u32> = heard.iter().map(|event| event.header.as_ref().unwrap().kind).collect();
    assert!(kinds.contains(&MessagesDeleted::RULE.kind), "{kinds:?}");
    let members = server.call::<rpc::ListMembers>(ben, &request).unwrap().members;
    assert_eq!(members.len(), 1, "in no group any more");
    let done = erasures(&mut server, root).remove(0);
    assert!(done.done_ms > 0 && (done.deleted, done.held, done.damaged) == (3, 0, 0), "{done:?}");
    let audit = server.call::<rpc::ReadAudit>(root, &ReadAuditRequest::default()).unwrap();
    assert_eq!(audit.entries.last().unwrap().kind, UserErased::RULE.kind);
    assert_eq!(server.erase(ALL), [], "there is nobody left");
    assert_eq!(server.try_admit("zoe-secret"), Err(Refusal::Revoked));
}

#[test]
fn files_of_messages_that_were_never_sent_go_too() {
    let (mut server, root, ben) = acme();
    let (zoe, _) = tell(&mut server, root, ben);
    let blob = server.upload(zoe, 9, b"a secret file for later").unwrap();
    let org = identity::org_id("acme");
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    server.sweep();
    server.advance(Duration::from_secs(600));
    server.sweep();
    assert!(!is_stored(&server, org, &blob.hash));
    server.advance(Duration::from_secs(3600));
    server.carry_out_timers();
    let users = [server.clients[zoe].user];
    assert_eq!(holding(&server, &[], &users, "secret"), Vec::<String>::new(), "nothing comes back");
}

#[test]
fn what_was_asked_of_programs_goes_from_their_logs() {
    let (mut server, root, ben) = acme();
    let request = CreateServiceAccountRequest { subject: "bot".into(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(root, &request).unwrap();
    let bot = server.connect("bot");
    let (zoe, _) = tell(&mut server, root, ben);
    let room = group(&mut server, ben, &[zoe, bot]);
    let command =
        Command { name: "deploy".into(), description: "Does it.".into(), ..Command::default() };
    let set = SetCommandsRequest { commands: vec![command] };
    server.call::<rpc::SetCommands>(bot, &set).unwrap();
    let invoke = InvokeCommandRequest {
        room: room.clone(),
        program: server.clients[bot].user.to_field(),
        command: "deploy".into(),
        text: "the secret branch".into(),
        client_ref: server.client_ref().to_field(),
        ..InvokeCommandRequest::default()
    };
    server.call::<rpc::InvokeCommand>(zoe, &invoke).unwrap();
    // Anybody may send a message with components, and hears who uses them.
    let option = SelectOption { value: "a secret choice".into(), label: "This".into() };
    let select = Select { options: vec![option], ..Select::default() };
    let kind = Some(component::Kind::Select(select));
    let choice = Component { id: "choice".into(), kind, disabled: false };
    let rows = vec![ComponentRow { components: vec![choice] }];
    let posted = MessagePosted {
        text: "Choose".into(),
        components: Some(Components { rows }),
        ..MessagePosted::default()
    };
    let base = message(&mut server, &room, "");
    let sent = SendRequest { body: posted.encode_to_vec().into(), ..base };
    let target_seq = server.call::<rpc::Send>(ben, &sent).unwrap().seq;
    let used = UseComponentRequest {
        room,
        target_seq,
        component: "choice".into(),
        values: vec!["a secret choice".into()],
        client_ref: server.client_ref().to_field(),
    };
    server.call::<rpc::UseComponent>(zoe, &used).unwrap();
    let logs = [server.clients[bot].user, server.clients[ben].user];
    assert_eq!(holding(&server, &[], &logs, "secret branch").len(), 1);
    assert_eq!(holding(&server, &[], &logs, "secret choice").len(), 1);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    assert_eq!(holding(&server, &[], &logs, "secret"), Vec::<String>::new());
}

#[test]
fn a_group_of_somebody_who_was_erased_can_still_be_handed_over() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    let room = RoomId::parse(&told.group).unwrap();
    let creator = |server: &Server| {
        let cell = server.runtime.block_on(server.node.room(identity::org_id("acme"), room));
        cell.unwrap().unwrap().state().creator
    };
    assert_eq!(creator(&server), told.id);
    let over = HandOver { from: "zoe-secret".into(), to: "ben".into() };
    change(&mut server, root, What::HandOver(over)).unwrap();
    assert_eq!(creator(&server), server.clients[ben].user);
}

#[test]
fn an_erasure_that_stops_anywhere_goes_on_from_there() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    let mut stops = 0;
    // One draft more each time, as what was done before is found to be.
    while server.erase(stops) == [None] {
        stops += 1;
        assert!(stops < 200, "it comes to an end");
    }
    assert!(stops > 5, "it stopped {stops} times");
    let users = [told.id, server.clients[ben].user, server.clients[root].user];
    assert_eq!(holding(&server, &rooms_of(&told), &users, "secret"), Vec::<String>::new());
    assert_eq!(texts(&mut server, ben, &told.group), ["of ben, too"]);
    let done = erasures(&mut server, root).remove(0);
    assert!(done.done_ms > 0 && done.deleted <= 3, "{done:?}");
}

#[test]
fn an_attachment_goes_unless_somebody_else_sent_it_too() {
    let (mut server, root, ben) = acme();
    let zoe = server.connect("zoe");
    let room = group(&mut server, ben, &[zoe]);
    let alone = server.upload(zoe, 1, b"of zoe alone").unwrap();
    let shared = server.upload(zoe, 2, b"of both").unwrap();
    let request = carrying(&mut server, &room, "two", &[alone.clone(), shared.clone()]);
    server.call::<rpc::Send>(zoe, &request).unwrap();
    server.upload(ben, 3, b"of both").unwrap();
    let request = carrying(&mut server, &room, "one", std::slice::from_ref(&shared));
    server.call::<rpc::Send>(ben, &request).unwrap();
    change(&mut server, root, put("zoe", Some(true))).unwrap();
    ask(&mut server, root, "zoe").unwrap();
    server.erase(ALL);
    server.sweep();
    server.advance(Duration::from_secs(600));
    server.sweep();
    let org = identity::org_id("acme");
    assert!(is_stored(&server, org, &shared.hash) && !is_stored(&server, org, &alone.hash));
}

fn is_stored(server: &Server, org: OrgId, hash: &[u8]) -> bool {
    let hash = parlour_protocol::ids::BlobHash::parse(hash).unwrap();
    let key = parlour_core::ports::blobs::BlobKey { org, hash };
    server.runtime.block_on(server.node.open_file(key)).unwrap().is_some()
}

#[test]
fn what_is_held_for_all_stops_an_erasure_and_a_held_room_keeps_its_copies() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    let hold = |server: &mut Server, of: hold_target::Of, state: HoldState| {
        let target = Some(HoldTarget { of: Some(of) });
        let request = SetLegalHoldRequest { target, state: state as i32, reason: "case 7".into() };
        server.call::<rpc::SetLegalHold>(root, &request).unwrap();
    };
    let user = || hold_target::Of::User(named("zoe-secret").unwrap());
    for of in [user(), hold_target::Of::Organization(true)] {
        hold(&mut server, of.clone(), HoldState::Held);
        assert_eq!(reason(ask(&mut server, root, "zoe-secret")), ErrorReason::UserHeld);
        hold(&mut server, of, HoldState::Ended);
        assert_eq!(
            reason(ask(&mut server, root, "zoe-secret")),
            ErrorReason::UserHeld,
            "for a day"
        );
        server.advance(Duration::from_secs(24 * 3600));
        server.forget_unheld();
    }
    hold(&mut server, hold_target::Of::Room(told.group.clone()), HoldState::Held);
    ask(&mut server, root, "zoe-secret").unwrap();
    server.erase(ALL);
    assert_eq!(texts(&mut server, ben, &told.group), ["of ben, too"]);
    let done = erasures(&mut server, root).remove(0);
    assert_eq!((done.deleted, done.held), (3, 2), "{done:?}");
    let users = [told.id, server.clients[ben].user, server.clients[root].user];
    let left = holding(&server, &rooms_of(&told), &users, "secret");
    assert!(!left.is_empty() && left.iter().all(|place| place == "held"), "{left:?}");
    hold(&mut server, hold_target::Of::Room(told.group.clone()), HoldState::Ended);
    server.advance(Duration::from_secs(24 * 3600));
    server.forget_unheld();
    assert_eq!(holding(&server, &rooms_of(&told), &users, "secret"), Vec::<String>::new());
}

#[test]
fn whoever_was_erased_comes_back_only_as_somebody_new() {
    let (mut server, root, ben) = acme();
    let (_, told) = tell(&mut server, root, ben);
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    let id = ask(&mut server, root, "zoe-secret").unwrap();
    let field = |result: Result<(), Error>| result.unwrap_err().violations[0].problem.clone();
    let under_way = change(&mut server, root, put("zoe-secret", Some(false)));
    assert_eq!(field(under_way), "is being erased");
    server.erase(ALL);
    let said = field(change(&mut server, root, put("zoe-secret", None)));
    assert!(said.starts_with("was erased"), "{said}");
    let member =
        PutMembership { node: "one".into(), subject: "zoe-secret".into(), ..Default::default() };
    let one = PutNode {
        key: "one".into(),
        kind: NodeKind::Department as i32,
        name: Some("One".into()),
        ..Default::default()
    };
    change(&mut server, root, What::PutNode(one)).unwrap();
    assert!(change(&mut server, root, What::PutMembership(member)).is_err());
    change(&mut server, root, put("zoe-secret", Some(false))).unwrap();
    let now_shown = shown(&mut server, ben, &id);
    assert_eq!((&*now_shown.name, now_shown.profile.is_some()), ("zoe-secret", false));
    let member =
        PutMembership { node: "one".into(), subject: "zoe-secret".into(), ..Default::default() };
    change(&mut server, root, What::PutMembership(member)).unwrap();
    let zoe = server.connect("zoe-secret");
    let one = identity::node_id(identity::org_id("acme"), "one").to_field();
    assert_eq!(texts(&mut server, zoe, &one), Vec::<String>::new(), "they are in its room");
    let row = server.node.user_row(identity::org_id("acme"), told.id);
    assert!(server.runtime.block_on(row).unwrap().unwrap().seen, "and their own log is told so");
    let settings = server.call::<rpc::GetSettings>(zoe, &GetSettingsRequest::default()).unwrap();
    assert!(settings.settings.unwrap_or_default().keywords.is_empty());
    assert_eq!(texts(&mut server, zoe, &told.direct), ["of ben"], "a direct room stays its two's");
    send(&mut server, zoe, &told.direct, "hello again");
    change(&mut server, root, put("zoe-secret", Some(true))).unwrap();
    ask(&mut server, root, "zoe-secret").unwrap();
    assert_eq!(server.erase(ALL), [Some(1)], "and can be erased again");
}

#[test]
fn programs_are_not_erased_and_only_admins_erase() {
    let (mut server, root, _) = acme();
    let guest = server.connect("guest-eve");
    assert!(ask(&mut server, guest, "ben").is_err());
    let request = CreateServiceAccountRequest { subject: "bot".into(), ..Default::default() };
    server.call::<rpc::CreateServiceAccount>(root, &request).unwrap();
    assert_eq!(reason(ask(&mut server, root, "bot")), ErrorReason::ServiceAccount);
}
