//! The directory without a network: what changes of it mean for those who are connected, for
//! those who were away, and after a crash.

use bytes::Bytes;
use parlour_core::identity;
use parlour_inproc::{Server, message, send};
use parlour_protocol::{
    directory::{self as wire, change::Change as What, *},
    generated::{EventBody, rpc},
    room::ListMembersRequest,
    sync::*,
    user::{GetUsersRequest, Profile},
    wire::{Error, ErrorReason, event_frame::Frame},
};
use prost::Message;

fn put(what: What) -> wire::Change {
    wire::Change { change: Some(what) }
}

fn node(kind: NodeKind, key: &str, parent: &str) -> wire::Change {
    put(What::PutNode(PutNode {
        key: key.into(),
        kind: kind as i32,
        parent: (!key.is_empty()).then(|| parent.into()),
        name: Some(format!("the {key} {kind:?}")),
        ..PutNode::default()
    }))
}

fn member(node: &str, subject: &str) -> wire::Change {
    let (node, subject) = (node.into(), subject.into());
    put(What::PutMembership(PutMembership { node, subject, role: String::new() }))
}

fn leaves(node: &str, subject: &str) -> wire::Change {
    put(What::EndMembership(EndMembership { node: node.into(), subject: subject.into() }))
}

fn person(subject: &str) -> wire::Change {
    put(What::PutUser(PutUser { subject: subject.into(), ..PutUser::default() }))
}

fn room(key: &str) -> Bytes {
    identity::node_id(identity::org_id("acme"), key).to_field()
}

fn change(server: &mut Server, by: usize, changes: Vec<wire::Change>) -> Vec<Outcome> {
    try_change(server, by, changes).unwrap()
}

fn try_change(
    server: &mut Server,
    by: usize,
    changes: Vec<wire::Change>,
) -> Result<Vec<Outcome>, Error> {
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    let answer = server.call::<rpc::ChangeDirectory>(by, &request)?;
    server.deliver();
    Ok(answer.outcomes.into_iter().map(|outcome| Outcome::try_from(outcome).unwrap()).collect())
}

/// An organization with departments one and two, and a team in one.
fn acme(server: &mut Server) -> usize {
    let root = server.connect("root");
    change(
        server,
        root,
        vec![
            node(NodeKind::Organization, "", ""),
            node(NodeKind::Department, "one", ""),
            node(NodeKind::Department, "two", ""),
            node(NodeKind::Team, "team", "one"),
        ],
    );
    root
}

fn rooms(server: &mut Server, client: usize) -> Vec<Bytes> {
    let items = server.bulk::<rpc::Sync>(client, &SyncRequest::default()).unwrap();
    let mut rooms = vec![];
    for item in items {
        if let Some(sync_item::Item::Digests(digests)) = item.item {
            rooms.extend(digests.rooms.into_iter().map(|digest| digest.room.unwrap().id));
        }
    }
    rooms.sort();
    rooms
}

fn sorted(keys: &[&str]) -> Vec<Bytes> {
    let mut rooms: Vec<Bytes> = keys.iter().map(|key| room(key)).collect();
    rooms.sort();
    rooms
}

/// Rooms that the user's own log says were gained and lost, in order.
fn told(server: &Server, client: usize) -> Vec<(char, Bytes)> {
    let frames = server.clients[client].frames.iter();
    let events = frames.filter_map(|frame| match frame {
        Frame::UserEvents(events) => Some(events.events.clone()),
        _ => None,
    });
    events
        .flatten()
        .filter_map(|event| {
            match EventBody::decode(event.header.unwrap().kind, event.body).unwrap() {
                EventBody::RoomGained(gained) => Some(('+', gained.room.unwrap().id)),
                EventBody::RoomLost(lost) => Some(('-', lost.room)),
                _ => None,
            }
        })
        .collect()
}

fn reason(error: &Error) -> ErrorReason {
    ErrorReason::try_from(error.reason).unwrap()
}

#[test]
fn membership_flows_upward_only() {
    let mut server = Server::new();
    let root = acme(&mut server);
    change(&mut server, root, vec![person("ann"), person("ben")]);
    change(&mut server, root, vec![member("team", "ann"), member("two", "ben")]);
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    assert_eq!(rooms(&mut server, ann), sorted(&["", "one", "team"]));
    assert_eq!(rooms(&mut server, ben), sorted(&["", "two"]));
    send(&mut server, ann, &room("one"), "to the department");
    send(&mut server, ann, &room("team"), "to the team");
    send(&mut server, ben, &room(""), "to everyone");
    server.deliver();
    assert_eq!(server.clients[ann].heard().len(), 3);
    assert_eq!(server.clients[ben].heard().len(), 1);
    let into_another = message(&mut server, &room("team"), "no");
    let refused = server.call::<rpc::Send>(ben, &into_another).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RoomNotFound);
}

#[test]
fn those_who_were_there_before_the_directory_are_put_into_it() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    change(&mut server, ann, vec![node(NodeKind::Organization, "", "")]);
    assert_eq!(told(&server, ben), [('+', room(""))]);
    send(&mut server, ben, &room(""), "here already");
    server.deliver();
    assert_eq!(server.clients[ann].heard().len(), 1);
    let request = ListMembershipsRequest::default();
    let members = server.call::<rpc::ListMemberships>(ann, &request).unwrap().memberships;
    let mut roles: Vec<_> = members.into_iter().map(|member| member.role).collect();
    roles.sort();
    assert_eq!(roles, ["member", "owner"]);
}

#[test]
fn a_change_acts_at_once_on_those_who_are_connected() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let ann = server.connect("ann");
    assert_eq!(told(&server, ann), [('+', room(""))]);
    change(&mut server, root, vec![member("team", "ann")]);
    let gained: Vec<Bytes> = told(&server, ann).into_iter().map(|(_, room)| room).collect();
    assert_eq!(gained.len(), 3);
    let ben = server.connect("ben");
    change(&mut server, root, vec![member("team", "ben")]);
    send(&mut server, ben, &room("team"), "hello");
    server.deliver();
    assert_eq!(server.clients[ann].heard().len(), 1);
    // Leaving: what was sent before is heard, what comes after isn't.
    let before = message(&mut server, &room("team"), "before");
    let after = message(&mut server, &room("team"), "after");
    let leave = ChangeDirectoryRequest { changes: vec![leaves("team", "ann")], dry_run: false };
    server.start::<rpc::Send>(ben, &before);
    server.start::<rpc::ChangeDirectory>(root, &leave);
    server.start::<rpc::Send>(ben, &after);
    server.run();
    server.deliver();
    assert_eq!(server.clients[ann].heard().len(), 2);
    assert_eq!(told(&server, ann)[3..], [('-', room("one")), ('-', room("team"))][..]);
    assert_eq!(rooms(&mut server, ann), sorted(&[""]));
    let request = ReadLogRequest { room: room("team"), ..ReadLogRequest::default() };
    let refused = server.bulk::<rpc::ReadLog>(ann, &request).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RoomNotFound);
}

#[test]
fn a_moved_node_takes_its_members_along() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let ann = server.connect("ann");
    change(&mut server, root, vec![member("team", "ann")]);
    change(&mut server, root, vec![node(NodeKind::Team, "team", "two")]);
    assert_eq!(rooms(&mut server, ann), sorted(&["", "team", "two"]));
    let told = told(&server, ann);
    assert!(told.contains(&('-', room("one"))) && told.contains(&('+', room("two"))));
    let refused = try_change(&mut server, root, vec![node(NodeKind::Department, "two", "team")]);
    assert_eq!(refused.unwrap_err().violations[0].field, "changes[0].put_node.parent");
}

#[test]
fn an_archived_node_can_be_read_and_counts_for_nothing_above() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let ann = server.connect("ann");
    change(&mut server, root, vec![member("team", "ann")]);
    send(&mut server, ann, &room("team"), "while it lasts");
    let archive = |archived| {
        let key = "team".into();
        put(What::PutNode(PutNode { key, archived: Some(archived), ..PutNode::default() }))
    };
    change(&mut server, root, vec![archive(true)]);
    assert_eq!(rooms(&mut server, ann), sorted(&["", "team"]));
    let late = message(&mut server, &room("team"), "too late");
    let refused = server.call::<rpc::Send>(ann, &late).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::RoomArchived);
    let heard = server.clients[ann].heard();
    let kinds: Vec<u32> = heard.iter().map(|event| event.header.as_ref().unwrap().kind).collect();
    assert_eq!(kinds, [10, 6]);
    change(&mut server, root, vec![archive(false)]);
    assert_eq!(rooms(&mut server, ann), sorted(&["", "one", "team"]));
    send(&mut server, ann, &room("team"), "again");
}

#[test]
fn a_guest_has_only_the_rooms_named_for_them() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let guest = server.connect("guest gil");
    assert_eq!(rooms(&mut server, guest), Vec::<Bytes>::new());
    change(&mut server, root, vec![member("team", "guest gil")]);
    assert_eq!(rooms(&mut server, guest), sorted(&["team"]));
    send(&mut server, root, &room(""), "among us");
    server.deliver();
    assert_eq!(server.clients[guest].heard().len(), 0);
    let nodes = server.call::<rpc::ListNodes>(guest, &ListNodesRequest::default()).unwrap().nodes;
    assert_eq!(nodes.into_iter().map(|node| node.key).collect::<Vec<_>>(), ["team"]);
}

#[test]
fn who_was_away_is_told_when_they_come_and_a_crash_changes_nothing() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let ann = server.connect("ann");
    let id = server.clients[ann].id;
    server.hub.handle_disconnected(id);
    server.drop_effects = true;
    change(&mut server, root, vec![member("team", "ann"), node(NodeKind::Team, "team", "two")]);
    server.drop_effects = false;
    assert!(server.recover() > 0);
    let again = server.connect("ann");
    let delta = server.bulk::<rpc::Sync>(
        again,
        &SyncRequest {
            incarnation: server.node.incarnation.to_field(),
            user_seq: 1,
            ..SyncRequest::default()
        },
    );
    let events: Vec<_> = delta
        .unwrap()
        .into_iter()
        .filter_map(|item| match item.item {
            Some(sync_item::Item::User(delta)) => Some(delta.events),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(events.len(), 2, "the team and its department, once each");
    assert_eq!(server.recover(), 0);
}

#[test]
fn a_repeated_change_changes_nothing_and_a_dry_run_neither() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let changes = vec![person("ann"), member("team", "ann"), node(NodeKind::Team, "new", "two")];
    let dry = ChangeDirectoryRequest { changes: changes.clone(), dry_run: true };
    let answer = server.call::<rpc::ChangeDirectory>(root, &dry).unwrap();
    assert_eq!((answer.seq, answer.outcomes), (0, vec![Outcome::Created as i32; 3]));
    assert_eq!(change(&mut server, root, changes.clone()), [Outcome::Created; 3]);
    assert_eq!(change(&mut server, root, changes), [Outcome::None; 3]);
    let audit = server.call::<rpc::ReadAudit>(root, &ReadAuditRequest::default()).unwrap();
    assert_eq!(audit.entries.len(), 2, "the tree, and this");
    assert_eq!(change(&mut server, root, vec![leaves("team", "ann")]), [Outcome::Removed]);
}

#[test]
fn whoever_is_deactivated_is_out_at_once_and_stays_out() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let ann = server.connect("ann");
    change(&mut server, root, vec![member("team", "ann")]);
    let out = PutUser { subject: "ann".into(), deactivated: Some(true), ..PutUser::default() };
    change(&mut server, root, vec![put(What::PutUser(out))]);
    assert_eq!(server.closed.len(), 1);
    assert_eq!(server.closed[0].0, server.clients[ann].id);
    assert!(server.try_admit("ann").is_err());
}

#[test]
fn a_directory_is_read_again_as_it_was() {
    let store = std::sync::Arc::new(parlour_adapters::memory::Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let root = acme(&mut server);
    change(&mut server, root, vec![person("ann"), member("team", "ann")]);
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    assert_eq!(rooms(&mut server, ann), sorted(&["", "one", "team"]));
}

#[test]
fn wrong_changes_are_named() {
    let mut server = Server::new();
    let root = server.connect("root");
    let field = |server: &mut Server, change: wire::Change| {
        try_change(server, root, vec![change]).unwrap_err().violations[0].field.clone()
    };
    let early = node(NodeKind::Team, "team", "");
    assert_eq!(field(&mut server, early), "changes[0].put_node.parent");
    assert_eq!(field(&mut server, person("ann")), "changes[0].put_user");
    change(&mut server, root, vec![node(NodeKind::Organization, "", "")]);
    assert_eq!(field(&mut server, node(NodeKind::Team, "UP", "")), "changes[0].put_node.key");
    assert_eq!(field(&mut server, node(NodeKind::Task, "t", "")), "changes[0].put_node.parent");
    assert_eq!(field(&mut server, member("", "root")), "changes[0].put_membership.node");
    assert_eq!(field(&mut server, member("none", "root")), "changes[0].put_membership.node");
    change(&mut server, root, vec![node(NodeKind::Team, "team", "")]);
    let nobody = member("team", "nobody");
    assert_eq!(field(&mut server, nobody), "changes[0].put_membership.subject");
    assert_eq!(field(&mut server, wire::Change::default()), "changes[0].change");
}

#[test]
fn a_message_to_a_whole_node_is_one_commit_however_many_are_in_it() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let people: Vec<String> = (0..300).map(|n| format!("u{n}")).collect();
    change(&mut server, root, people.iter().map(|subject| person(subject)).collect());
    let before = server.hub.totals();
    send(&mut server, root, &room(""), "all of you");
    let after = server.hub.totals();
    assert_eq!((after.drafts - before.drafts, after.groups - before.groups), (1, 1));
}

#[test]
fn lists_fit_a_frame_however_long_the_names() {
    let mut server = Server::new();
    let root = acme(&mut server);
    let name = |n: usize| format!("{n:03}{}", "n".repeat(197));
    let subject = |n: usize| format!("{n:03}{}", "s".repeat(252));
    for part in (0..400).collect::<Vec<_>>().chunks(40) {
        let put = |n: &usize| {
            let profile =
                Profile { name: Some(name(*n)), title: Some(name(*n)), ..Profile::default() };
            let profile = Some(profile);
            put(What::PutUser(PutUser { subject: subject(*n), profile, ..PutUser::default() }))
        };
        change(&mut server, root, part.iter().map(put).collect());
    }
    let mut request = ListMembersRequest { room: room(""), page_size: 500, ..Default::default() };
    let mut found = 0;
    loop {
        let page = server.call::<rpc::ListMembers>(root, &request).unwrap();
        assert!(page.encoded_len() < 60 * 1024);
        found += page.members.len();
        if page.next_page.is_empty() {
            break;
        }
        request.page = page.next_page;
    }
    assert_eq!(found, 401);
    let subjects = (0..200).map(subject).collect();
    let request = GetUsersRequest { subjects, ..Default::default() };
    let answer = server.call::<rpc::GetUsers>(root, &request).unwrap();
    assert_eq!(answer.looked_at as usize, answer.users.len());
    assert!(answer.looked_at > 20 && answer.encoded_len() < 60 * 1024);
}
