//! Somebody who is to be erased, and where their words are.

use std::sync::Arc;

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::{
    identity,
    ports::store::{LogKey, ReadRange, Scan},
    tables::Table,
};
use parlour_inproc::{Server, carrying, group, send, user};
use parlour_protocol::{
    app::{AppEvent, PublishRequest},
    compliance::*,
    directory::{self as wire, change::Change as What, *},
    draft::{MessageDraft, SetDraftRequest},
    event::FLAG_ERASED,
    generated::{EventMessage, rpc},
    ids::{RoomId, UserId},
    message::*,
    presence::{SetStatusRequest, Status},
    reminder::{Reminder, SetReminderRequest},
    room::{OpenDirectRequest, UserRef, user_ref},
    schedule::ScheduleSendRequest,
    settings::{SetSettingsRequest, Settings},
    sync::ReadLogRequest,
    user::{GetUsersRequest, Profile, User},
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

/// More drafts than any erasure here takes.
pub(crate) const ALL: usize = 1_000_000;

pub(crate) fn change(server: &mut Server, by: usize, what: What) -> Result<(), Error> {
    let changes = vec![wire::Change { change: Some(what) }];
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    let result = server.call::<rpc::ChangeDirectory>(by, &request).map(drop);
    server.deliver();
    result
}

pub(crate) fn put(subject: &str, deactivated: Option<bool>) -> What {
    What::PutUser(PutUser { subject: subject.into(), deactivated, ..PutUser::default() })
}

pub(crate) fn named(subject: &str) -> Option<UserRef> {
    Some(UserRef { user: Some(user_ref::User::Subject(subject.into())) })
}

pub(crate) fn ask(server: &mut Server, by: usize, subject: &str) -> Result<Bytes, Error> {
    let request = EraseUserRequest { user: named(subject) };
    server.call::<rpc::EraseUser>(by, &request).map(|answer| answer.user)
}

pub(crate) fn erasures(server: &mut Server, by: usize) -> Vec<Erasure> {
    server.call::<rpc::ListErasures>(by, &ListErasuresRequest::default()).unwrap().erasures
}

pub(crate) fn shown(server: &mut Server, by: usize, id: &Bytes) -> User {
    let request = GetUsersRequest { users: vec![id.clone()], ..GetUsersRequest::default() };
    server.call::<rpc::GetUsers>(by, &request).unwrap().users.remove(0)
}

pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

pub(crate) fn texts(server: &mut Server, by: usize, room: &Bytes) -> Vec<String> {
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
pub(crate) fn holding(
    server: &Server,
    rooms: &[RoomId],
    users: &[UserId],
    secret: &str,
) -> Vec<String> {
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
pub(crate) struct Told {
    pub(crate) group: Bytes,
    pub(crate) direct: Bytes,
    pub(crate) id: UserId,
}

pub(crate) fn acme() -> (Server, usize, usize) {
    acme_over(Arc::new(Memory::new([1; 16])))
}

pub(crate) fn acme_over(store: Arc<Memory>) -> (Server, usize, usize) {
    let mut server = Server::over(store);
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

pub(crate) fn tell(server: &mut Server, root: usize, ben: usize) -> (usize, Told) {
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

pub(crate) fn set_own(server: &mut Server, zoe: usize, group: &Bytes) {
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

pub(crate) fn now(server: &Server) -> u64 {
    use parlour_core::ports::clock::Clock;
    server.hand.now().unix_ms
}

pub(crate) fn rooms_of(told: &Told) -> Vec<RoomId> {
    let org = identity::org_id("acme");
    let own = identity::private_room_id(org, told.id);
    vec![RoomId::parse(&told.group).unwrap(), RoomId::parse(&told.direct).unwrap(), own]
}
