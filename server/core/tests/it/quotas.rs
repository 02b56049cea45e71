//! Quotas and usage without a network: what may be added, and whether what is said to be there is.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use parlour_adapters::memory::Memory;
use parlour_core::{
    blobs::rows::BlobRow,
    draft::Refused,
    ports::store::{LogKey, ReadRange, Scan},
    quotas::Quota,
    records::{RoomRow, UserRow},
    tables::Table,
};
use parlour_inproc::{Server, accounts, message, send, user};
use parlour_protocol::{
    account::SetAccountScopesRequest,
    directory::{
        Change, ChangeDirectoryRequest, NodeKind, PutNode, PutUser, ReadAuditRequest,
        change::Change as What,
    },
    generated::{EventMessage, event_rule, rpc},
    ids::RoomId,
    limits::SEQ_MAX,
    message::{DeleteRequest, SendRequest},
    quota::*,
    room::{CreateGroupRequest, OpenDirectRequest, RoomKind},
    wire::{Error, ErrorReason, Event, Hello},
};
use prost::Message;

const HOUR: Duration = Duration::from_secs(3600);

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

fn ask(server: &mut Server, by: usize) -> GetUsageResponse {
    server.call::<rpc::GetUsage>(by, &GetUsageRequest {}).unwrap()
}

/// What there is, counted just now.
fn usage(server: &mut Server, by: usize) -> Usage {
    server.advance(HOUR);
    Usage { counted_at_ms: 0, ..ask(server, by).usage.unwrap() }
}

fn set(server: &mut Server, by: usize, quotas: Quotas) {
    server.call::<rpc::SetQuotas>(by, &SetQuotasRequest { quotas: Some(quotas) }).unwrap();
}

fn new_group(server: &mut Server, by: usize) -> Result<Bytes, Error> {
    let client_ref = server.client_ref().to_field();
    let request = CreateGroupRequest { client_ref, name: "More".into(), members: vec![] };
    server.call::<rpc::CreateGroup>(by, &request).map(|made| made.room.unwrap().id)
}

fn put_user(subject: &str, deactivated: Option<bool>) -> Change {
    let put = PutUser { subject: subject.into(), deactivated, ..PutUser::default() };
    Change { change: Some(What::PutUser(put)) }
}

fn change(server: &mut Server, by: usize, changes: Vec<Change>) -> Result<(), Error> {
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(by, &request).map(drop)
}

fn root() -> Change {
    let node = PutNode {
        kind: NodeKind::Organization as i32,
        name: Some("Acme".into()),
        ..PutNode::default()
    };
    Change { change: Some(What::PutNode(node)) }
}

fn hello(subject: &str, device: u8) -> Hello {
    let (token, device) = (subject.into(), Bytes::copy_from_slice(&[device; 16]));
    Hello { min_rev: 1, max_rev: 1, token, device, ..Hello::default() }
}

/// Comes in for the first time, as the driver brings somebody in.
fn come_in(server: &mut Server, subject: &str) -> Result<(), Refused> {
    let admission = server.runtime.block_on(server.node.admit(&hello(subject, 7))).unwrap();
    if let Some(draft) = admission.introduces {
        server.try_commit(draft)?;
    }
    if let Some(draft) = server.node.coming_in(&admission.caller) {
        server.try_commit(draft)?;
    }
    Ok(())
}

fn rows(server: &Server, table: Table) -> Vec<(Bytes, Bytes)> {
    let scan = Scan { rows_max: 100_000, ..Scan::prefix(table, Bytes::new(), 1) };
    let scan = Scan { from: Bytes::new(), to: None, ..scan };
    server.runtime.block_on(server.node.store.scan(scan)).unwrap()
}

/// What there is by everything that is stored, and by who is connected.
fn brute_force(server: &Server, org: &[u8]) -> Usage {
    let mut found = Usage::default();
    let mut rooms: BTreeSet<RoomId> = BTreeSet::new();
    for (_, row) in rows(server, Table::USERS).iter().filter(|(key, _)| key.starts_with(org)) {
        let row = UserRow::decode(row.clone()).unwrap();
        found.users += u64::from(!row.is_hook && !row.deactivated);
    }
    for (key, row) in rows(server, Table::ROOMS) {
        let row = RoomRow::decode(row).unwrap();
        if row.org == org {
            found.groups += u64::from(row.kind == RoomKind::Group as i32);
            found.direct_rooms += u64::from(row.kind == RoomKind::Direct as i32);
            rooms.insert(RoomId::parse(&key).unwrap());
        }
    }
    for (key, _) in rows(server, Table::NODES).iter().filter(|(key, _)| key.starts_with(org)) {
        found.nodes += 1;
        rooms.insert(RoomId::parse(&key[16..32]).unwrap());
    }
    for room in rooms {
        let range = ReadRange {
            from: 1,
            to: SEQ_MAX,
            reverse: false,
            records_max: 100_000,
            bytes_max: usize::MAX,
        };
        let read = server.node.store.read(LogKey::Room(room), range);
        for stored in server.runtime.block_on(read).unwrap() {
            let header = Event::decode(stored.record.unwrap()).unwrap().header.unwrap();
            if event_rule(header.kind).is_some_and(|rule| rule.countable) {
                *(if header.thread_no > 0 { &mut found.replies } else { &mut found.messages }) += 1;
            }
        }
    }
    for (_, row) in rows(server, Table::BLOBS).iter().filter(|(key, _)| key.starts_with(org)) {
        found.attachment_bytes += BlobRow::decode(row.clone()).unwrap().blob.unwrap().size;
    }
    let there = server.clients.iter().filter(|client| !client.is_gone);
    let there = there.filter(|client| client.caller.org.as_bytes()[..] == *org);
    found.devices = there.map(|c| (c.user, c.caller.device)).collect::<BTreeSet<_>>().len() as u64;
    found
}

/// A number below `most`, the same ones each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % most
    }
}

/// Something that changes what there is, or is refused.
fn anything(server: &mut Server, dice: &mut Dice, rooms: &mut Vec<(usize, Bytes)>, step: usize) {
    let by = dice.throw(2);
    let (of, room) = rooms[dice.throw(rooms.len())].clone();
    match dice.throw(9) {
        0 => drop(come_in(server, &format!("guest-{}", dice.throw(40)))),
        1 => drop(change(server, 0, vec![put_user(&format!("u{}", dice.throw(12)), None)])),
        2 => {
            let (subject, is) = (format!("u{}", dice.throw(12)), dice.throw(2) == 0);
            drop(change(server, 0, vec![put_user(&subject, Some(is))]));
        }
        3 => rooms.extend(new_group(server, by).map(|room| (by, room))),
        4 => {
            let with = Some(user(server.clients[1 - by].user));
            drop(server.call::<rpc::OpenDirect>(by, &OpenDirectRequest { with }));
        }
        5 => drop(server.upload(by, step as u8, &vec![step as u8; 1 + dice.throw(50)])),
        6 => {
            let root = send(server, of, &room, "a root");
            let reply = message(server, &room, "a reply");
            let reply = SendRequest { thread_root_seq: root, ..reply };
            server.call::<rpc::Send>(of, &reply).unwrap();
        }
        7 => {
            let target_seq = send(server, of, &room, "gone soon");
            let client_ref = server.client_ref().to_field();
            let request = DeleteRequest { room, client_ref, target_seq };
            server.call::<rpc::Delete>(of, &request).unwrap();
        }
        _ => {
            // The store takes nothing for a moment: what was asked for may be there or not.
            server.read_only = true;
            drop(new_group(server, by));
            drop(change(server, 0, vec![put_user(&format!("u{}", dice.throw(12)), None)]));
            server.read_only = false;
        }
    }
}

#[test]
fn what_is_said_to_be_there_is_what_is_stored_over_restarts() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let zoe = server.connect("zoe@globex");
    let theirs = new_group(&mut server, zoe).unwrap();
    send(&mut server, zoe, &theirs, "elsewhere");
    change(&mut server, ada, vec![root()]).unwrap();
    let org = server.clients[ada].caller.org.to_field();
    let mut rooms = vec![(bob, new_group(&mut server, bob).unwrap())];
    let mut dice = Dice(7);
    for step in 0..200 {
        anything(&mut server, &mut dice, &mut rooms, step);
        if step % 10 == 0 {
            let told = Usage { active_users: 0, ..usage(&mut server, ada) };
            assert_eq!(told, brute_force(&server, &org), "after {step} steps");
        }
    }
    let before = usage(&mut server, ada);
    assert!(before.active_users > 5 && before.replies > 5 && before.attachment_bytes > 50);
    let mut server = Server::over(store);
    server.recover();
    let (ada, _, _) = (server.connect("ada"), server.connect("bob"), server.connect("zoe@globex"));
    // Time begins anew with the server here, and who came in came later then.
    assert_eq!(usage(&mut server, ada), Usage { devices: 2, ..before });
}

#[test]
fn going_through_everything_is_done_now_and_then() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    let room = new_group(&mut server, ada).unwrap();
    send(&mut server, ada, &room, "one");
    let first = ask(&mut server, ada).usage.unwrap();
    send(&mut server, ada, &room, "two");
    new_group(&mut server, ada).unwrap();
    server.advance(Duration::from_secs(1));
    let soon = ask(&mut server, ada).usage.unwrap();
    assert_eq!((soon.messages, soon.counted_at_ms), (1, first.counted_at_ms), "as of then");
    assert_eq!((first.groups, soon.groups), (1, 2), "as of now");
    server.advance(Duration::from_secs(10));
    let later = ask(&mut server, ada).usage.unwrap();
    assert_eq!((later.messages, later.counted_at_ms), (2, first.counted_at_ms + 11_000));
}

#[test]
fn whoever_came_in_within_thirty_days_is_active() {
    let mut server = Server::new();
    let ada = server.connect("ada");
    for subject in ["bob", "carol"] {
        come_in(&mut server, subject).unwrap();
    }
    assert_eq!(usage(&mut server, ada).active_users, 2, "the driver didn't bring ada in");
    server.advance(15 * 24 * HOUR);
    come_in(&mut server, "bob").unwrap();
    server.advance(13 * 24 * HOUR);
    assert_eq!(usage(&mut server, ada).active_users, 2);
    server.advance(24 * HOUR);
    assert_eq!(usage(&mut server, ada).active_users, 1);
    change(&mut server, ada, vec![root(), put_user("bob", Some(true))]).unwrap();
    assert_eq!(usage(&mut server, ada).active_users, 0, "who can't come in isn't");
}

#[test]
fn users_are_bounded_however_they_come_and_those_who_are_there_stay() {
    let mut server = Server::new();
    let (root_user, bob) = (server.connect("root"), server.connect("bob"));
    set(&mut server, root_user, Quotas { users: Some(3), ..Quotas::default() });
    come_in(&mut server, "carol").unwrap();
    let refused = come_in(&mut server, "dave").unwrap_err();
    assert_eq!(reason::<()>(Err(refused.into())), ErrorReason::QuotaExceeded);
    come_in(&mut server, "carol").unwrap();
    // With a directory it is the same, and so is a change of it.
    change(&mut server, root_user, vec![root()]).unwrap();
    assert!(come_in(&mut server, "dave").is_err());
    let added = change(&mut server, root_user, vec![put_user("eve", None)]);
    assert_eq!(reason(added), ErrorReason::QuotaExceeded);
    let instead = vec![put_user("carol", Some(true)), put_user("eve", None)];
    change(&mut server, root_user, instead).unwrap();
    let back = change(&mut server, root_user, vec![put_user("carol", Some(false))]);
    assert_eq!(reason(back), ErrorReason::QuotaExceeded);
    // Lowered below what there is, everybody goes on.
    set(&mut server, root_user, Quotas { users: Some(1), ..Quotas::default() });
    let room = new_group(&mut server, bob).unwrap();
    send(&mut server, bob, &room, "still here");
    come_in(&mut server, "bob").unwrap();
    assert!(come_in(&mut server, "dave").is_err());
    set(&mut server, root_user, Quotas::default());
    come_in(&mut server, "dave").unwrap();
    assert!(come_in(&mut server, "zoe@globex").is_ok(), "it was never about others");
}

#[test]
fn of_those_who_come_at_the_same_time_no_more_come_in_than_may() {
    let mut server = Server::new();
    server.node.quotas.set_usual(Quota { users: 4, groups: 3, ..Quota::default() });
    let ada = server.connect("ada");
    let hellos: Vec<Hello> = (0..10).map(|n| hello(&format!("u{}", n / 2), 7)).collect();
    let drafts: Vec<_> = hellos
        .iter()
        .map(|hello| server.runtime.block_on(server.node.admit(hello)).unwrap().introduces.unwrap())
        .collect();
    // All of them were let in before any was written.
    let results: Vec<bool> =
        server.try_commit_all(drafts).into_iter().map(|it| it.is_ok()).collect();
    assert_eq!(results, [[true; 6], [false; 6]].concat()[..10], "three users, each twice");
    let calls: Vec<u64> = (0..10)
        .map(|_| {
            let client_ref = server.client_ref().to_field();
            let request = CreateGroupRequest { client_ref, name: "G".into(), members: vec![] };
            server.start::<rpc::CreateGroup>(ada, &request)
        })
        .collect();
    server.run();
    server.deliver();
    let made =
        calls.into_iter().filter(|call| server.answer::<rpc::CreateGroup>(ada, *call).is_ok());
    assert_eq!(made.count(), 3);
    let told = usage(&mut server, ada);
    assert_eq!((told.users, told.groups), (4, 3));
}

#[test]
fn groups_are_bounded_and_what_was_made_is_answered_again() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    let client_ref = server.client_ref().to_field();
    let request = CreateGroupRequest { client_ref, name: "One".into(), members: vec![] };
    let made = server.call::<rpc::CreateGroup>(ada, &request).unwrap();
    set(&mut server, ada, Quotas { groups: Some(1), ..Quotas::default() });
    assert_eq!(reason(new_group(&mut server, bob)), ErrorReason::QuotaExceeded);
    assert_eq!(server.call::<rpc::CreateGroup>(ada, &request).unwrap(), made);
    let with = Some(user(server.clients[bob].user));
    server.call::<rpc::OpenDirect>(ada, &OpenDirectRequest { with }).unwrap();
    set(&mut server, ada, Quotas { groups: Some(0), ..Quotas::default() });
    new_group(&mut server, bob).unwrap();
}

#[test]
fn attachments_have_a_quota_of_their_organization() {
    let mut server = Server::new();
    let (ada, zoe) = (server.connect("ada"), server.connect("zoe@globex"));
    server.upload(ada, 1, b"twelve bytes").unwrap();
    set(&mut server, ada, Quotas { attachment_bytes: Some(20), ..Quotas::default() });
    assert_eq!(reason(server.upload(ada, 2, b"nine more")), ErrorReason::QuotaExceeded);
    server.upload(ada, 3, b"8 bytes!").unwrap();
    server.upload(zoe, 1, b"more than twenty bytes").unwrap();
    assert_eq!(usage(&mut server, ada).attachment_bytes, 20);
    set(&mut server, ada, Quotas { attachment_bytes: Some(5), ..Quotas::default() });
    assert_eq!(reason(server.upload(ada, 4, b"x")), ErrorReason::QuotaExceeded);
}

#[test]
fn devices_are_bounded_and_one_that_comes_back_is_no_other() {
    let mut server = Server::new();
    let (ada, bob) = (server.connect("ada"), server.connect("bob"));
    set(&mut server, ada, Quotas { devices: Some(2), ..Quotas::default() });
    let caller = |server: &mut Server, subject: &str, device: u8| {
        let hello = hello(subject, device);
        server.runtime.block_on(server.node.admit(&hello)).unwrap().caller
    };
    let (again, other) = (caller(&mut server, "ada", 7), caller(&mut server, "ada", 8));
    let (carol, zoe) = (caller(&mut server, "carol", 7), caller(&mut server, "zoe@globex", 7));
    assert!(server.hub.is_full_for(&other) && server.hub.is_full_for(&carol));
    assert!(!server.hub.is_full_for(&again), "its connection may only not be known to be gone");
    assert!(!server.hub.is_full_for(&zoe));
    let twice = server.connect("ada");
    assert_eq!(ask(&mut server, ada).usage.unwrap().devices, 2);
    server.disconnect(twice);
    assert!(server.hub.is_full_for(&carol));
    server.disconnect(bob);
    assert!(!server.hub.is_full_for(&carol));
}

#[test]
fn a_failing_store_is_counted_again() {
    let mut server = Server::new();
    server.node.quotas.set_usual(Quota { groups: 2, ..Quota::default() });
    let ada = server.connect("ada");
    new_group(&mut server, ada).unwrap();
    server.read_only = true;
    assert_eq!(reason(new_group(&mut server, ada)), ErrorReason::ReadOnly);
    server.read_only = false;
    new_group(&mut server, ada).unwrap();
    assert_eq!(reason(new_group(&mut server, ada)), ErrorReason::QuotaExceeded);
}

#[test]
fn quotas_stand_in_the_audit_log_and_are_there_after_a_restart() {
    let store = Arc::new(Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let ada = server.connect("ada");
    server.node.quotas.set_usual(Quota { users: 50, devices: 60, ..Quota::default() });
    let quotas = Quotas { groups: Some(1), devices: Some(0), ..Quotas::default() };
    set(&mut server, ada, quotas);
    set(&mut server, ada, quotas);
    let told = ask(&mut server, ada);
    assert_eq!(told.set, Some(quotas));
    let in_force = |users, groups, devices| Quotas {
        users: Some(users),
        groups: Some(groups),
        attachment_bytes: Some(0),
        devices: Some(devices),
    };
    assert_eq!(told.quotas, Some(in_force(50, 1, 0)));
    let log = server.call::<rpc::ReadAudit>(ada, &ReadAuditRequest::default()).unwrap();
    let kinds: Vec<u32> = log.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [QuotasChanged::RULE.kind], "the second did nothing");
    let mut server = Server::over(store);
    server.recover();
    let ada = server.connect("ada");
    assert_eq!(ask(&mut server, ada).quotas, Some(in_force(0, 1, 0)));
    new_group(&mut server, ada).unwrap();
    assert_eq!(reason(new_group(&mut server, ada)), ErrorReason::QuotaExceeded);
}

#[test]
fn no_account_of_the_servers_own_may_set_quotas() {
    let (mut server, admin) = accounts::acme();
    let scopes = |scopes: &[&str]| SetAccountScopesRequest {
        subject: "ada".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    come_in(&mut server, "ada").unwrap();
    accounts::by_link(&mut server, admin, "ada", 1);
    let refused = server.call::<rpc::SetAccountScopes>(admin, &scopes(&["admin:quotas"]));
    assert_eq!(refused.unwrap_err().violations[0].field, "scopes[0]");
    server.call::<rpc::SetAccountScopes>(admin, &scopes(&["admin:usage"])).unwrap();
    let missing = server.call::<rpc::SetQuotas>(admin, &SetQuotasRequest { quotas: None });
    assert_eq!(missing.unwrap_err().violations[0].field, "quotas");
}
