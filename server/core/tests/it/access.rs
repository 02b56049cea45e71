//! Permissions without a network: what overrides mean for those who send, and for those who hear.

use bytes::Bytes;
use parlour_core::identity;
use parlour_inproc::{Server, group, message, send};
use parlour_protocol::{
    access::{permission_override::Subject, *},
    directory::{change::Change as What, *},
    generated::rpc,
    message::DeleteRequest,
    room::*,
    wire::{Error, ErrorReason},
};

fn bits(permissions: &[Permission]) -> u64 {
    permissions.iter().map(|permission| 1 << (*permission as u64 - 1)).sum()
}

fn role(name: &str, allow: &[Permission], deny: &[Permission]) -> PermissionOverride {
    let subject = Some(Subject::Role(name.into()));
    PermissionOverride { subject, allow: bits(allow), deny: bits(deny) }
}

fn room(key: &str) -> Bytes {
    identity::node_id(identity::org_id("acme"), key).to_field()
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
        ..PutNode::default()
    })
}

fn member(node: &str, subject: &str, role: &str) -> What {
    What::PutMembership(PutMembership {
        node: node.into(),
        subject: subject.into(),
        role: role.into(),
    })
}

/// Root owns the organization; Ann leads a team that Ben is in, and Root as well.
fn acme(server: &mut Server) -> [usize; 3] {
    let root = server.connect("root");
    change(server, root, vec![node(NodeKind::Organization, ""), node(NodeKind::Team, "team")]);
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let members = [("root", ""), ("ann", "lead"), ("ben", "")];
    change(server, root, members.map(|(who, role)| member("team", who, role)).to_vec());
    [root, ann, ben]
}

fn set(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    overrides: Vec<PermissionOverride>,
) -> Result<(), Error> {
    let request = SetOverridesRequest { room: room.clone(), overrides };
    server.call::<rpc::SetOverrides>(by, &request).map(|_| ())
}

fn try_send(server: &mut Server, by: usize, room: &Bytes) -> Result<u64, ErrorReason> {
    let request = message(server, room, "text");
    let sent = server.call::<rpc::Send>(by, &request);
    sent.map(|sent| sent.seq).map_err(|error| ErrorReason::try_from(error.reason).unwrap())
}

fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

#[test]
fn a_room_for_announcements_is_written_by_those_who_may() {
    let mut server = Server::new();
    let [root, ann, ben] = acme(&mut server);
    let team = room("team");
    let announcements =
        vec![role("everyone", &[], &[Permission::Send]), role("lead", &[Permission::Pin], &[])];
    assert_eq!(reason(set(&mut server, ben, &team, vec![])), ErrorReason::NotAllowed);
    let put = PutOverrides { node: "".into(), overrides: announcements.clone() };
    change(&mut server, root, vec![What::PutOverrides(put)]);
    // Above: nobody but the owner. Nearer, at the team: its lead as well.
    assert_eq!(try_send(&mut server, ann, &team), Err(ErrorReason::NotAllowed));
    set(&mut server, root, &team, vec![role("lead", &[Permission::Send], &[])]).unwrap();
    assert!(try_send(&mut server, ann, &team).is_ok());
    assert!(try_send(&mut server, root, &room("")).is_ok());
    assert_eq!(try_send(&mut server, ben, &team), Err(ErrorReason::NotAllowed));
    assert_eq!(try_send(&mut server, ann, &room("")), Err(ErrorReason::NotAllowed));
    let access = server.call::<rpc::GetAccess>(ann, &GetAccessRequest { room: team }).unwrap();
    assert_ne!(access.permissions & bits(&[Permission::Send]), 0);
    assert_eq!(access.overrides.len(), 1);
}

#[test]
fn who_may_not_view_is_out_at_once() {
    let mut server = Server::new();
    let [root, _, ben] = acme(&mut server);
    let team = room("team");
    let hidden = role("member", &[], &[Permission::View]);
    let user = server.clients[ben].user.to_field();
    let except = PermissionOverride {
        subject: Some(Subject::User(user)),
        allow: bits(&[Permission::View]),
        deny: 0,
    };
    let put = |overrides| What::PutOverrides(PutOverrides { node: "team".into(), overrides });
    send(&mut server, ben, &team, "one");
    change(&mut server, root, vec![put(vec![hidden.clone()])]);
    assert_eq!(try_send(&mut server, ben, &team), Err(ErrorReason::RoomNotFound));
    change(&mut server, root, vec![put(vec![hidden, except])]);
    assert!(try_send(&mut server, ben, &team).is_ok());
    let request = ListMembersRequest { room: team, ..ListMembersRequest::default() };
    let members = server.call::<rpc::ListMembers>(ben, &request).unwrap().members;
    assert_eq!(members.len(), 2, "ben and the owner; ann is a member of the organization");
}

#[test]
fn a_permission_that_is_taken_stops_what_comes_after_it() {
    let mut server = Server::new();
    let [root, _, ben] = acme(&mut server);
    let team = room("team");
    let before = message(&mut server, &team, "before");
    let after = message(&mut server, &team, "after");
    let mute = SetOverridesRequest {
        room: team,
        overrides: vec![role("everyone", &[], &[Permission::Send])],
    };
    // All are decided on before any is committed.
    let calls = [
        server.start::<rpc::Send>(ben, &before),
        server.start::<rpc::SetOverrides>(root, &mute),
        server.start::<rpc::Send>(ben, &after),
    ];
    server.run();
    assert!(server.answer::<rpc::Send>(ben, calls[0]).is_ok());
    assert!(server.answer::<rpc::SetOverrides>(root, calls[1]).is_ok());
    assert_eq!(reason(server.answer::<rpc::Send>(ben, calls[2])), ErrorReason::NotAllowed);
}

#[test]
fn sends_keep_their_order_while_the_room_changes() {
    let mut server = Server::new();
    let [root, _, ben] = acme(&mut server);
    let team = room("team");
    for round in 0..20 {
        let role = if round % 2 == 0 { "scribe" } else { "lead" };
        let changes = vec![Change { change: Some(member("team", "ann", role)) }];
        let change = ChangeDirectoryRequest { changes, dry_run: false };
        let texts: Vec<_> = (0..4).map(|_| message(&mut server, &team, "text")).collect();
        let first = server.start::<rpc::Send>(ben, &texts[0]);
        let changed = server.start::<rpc::ChangeDirectory>(root, &change);
        let mut calls = vec![first];
        calls.extend(texts[1..].iter().map(|text| server.start::<rpc::Send>(ben, text)));
        server.run();
        server.answer::<rpc::ChangeDirectory>(root, changed).unwrap();
        let seqs: Vec<u64> = calls
            .into_iter()
            .map(|call| server.answer::<rpc::Send>(ben, call).unwrap().seq)
            .collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
    }
}

#[test]
fn whoever_made_a_group_says_what_its_members_may_do() {
    let mut server = Server::new();
    let (ann, ben) = (server.connect("ann"), server.connect("ben"));
    let group = group(&mut server, ann, &[ben]);
    let rename = RenameRoomRequest { room: group.clone(), name: "mine".into() };
    server.call::<rpc::RenameRoom>(ben, &rename).unwrap();
    let deny = [Permission::ManageRoom, Permission::MentionEveryone];
    let user = server.clients[ben].user.to_field();
    let moderator = PermissionOverride {
        subject: Some(Subject::User(user)),
        allow: bits(&[Permission::Moderate, Permission::ManagePermissions]),
        deny: 0,
    };
    let both = vec![role("everyone", &[], &deny), moderator.clone()];
    set(&mut server, ann, &group, both.clone()).unwrap();
    assert_eq!(reason(server.call::<rpc::RenameRoom>(ben, &rename)), ErrorReason::NotAllowed);
    let mut everyone = message(&mut server, &group, "all of you");
    everyone.mention_everyone = true;
    assert_eq!(reason(server.call::<rpc::Send>(ben, &everyone)), ErrorReason::NotAllowed);
    assert!(server.call::<rpc::Send>(ann, &everyone).is_ok());
    let seq = send(&mut server, ann, &group, "gone soon");
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: group.clone(), client_ref, target_seq: seq };
    assert!(server.call::<rpc::Delete>(ben, &delete).is_ok());
    // He may say who may do what, but gives nothing that he doesn't have.
    let mut more = both;
    more.push(role("guest", &[Permission::RemoveMembers], &[]));
    assert_eq!(reason(set(&mut server, ben, &group, more)), ErrorReason::NotAllowed);
    set(&mut server, ben, &group, vec![moderator]).unwrap();
    let view = vec![role("everyone", &[], &[Permission::View])];
    assert_eq!(reason(set(&mut server, ann, &group, view)), ErrorReason::InvalidField);
}

#[test]
fn overrides_are_there_after_a_restart() {
    let store = std::sync::Arc::new(parlour_adapters::memory::Memory::new([1; 16]));
    let mut server = Server::over(store.clone());
    let [root, _, _] = acme(&mut server);
    let muted = vec![role("everyone", &[], &[Permission::Send])];
    set(&mut server, root, &room("team"), muted.clone()).unwrap();
    let group = group(&mut server, root, &[1]);
    set(&mut server, root, &group, muted).unwrap();
    let mut server = Server::over(store);
    let ann = server.connect("ann");
    assert_eq!(try_send(&mut server, ann, &room("team")), Err(ErrorReason::NotAllowed));
    assert_eq!(try_send(&mut server, ann, &group), Err(ErrorReason::NotAllowed));
}
