//! Mentions of the directory's nodes: which are taken, of whom, and that they are told as mentions by name
//! are where they mean few, and leave nothing behind for each of many.

use bytes::Bytes;
use parlour_core::{limits::GROUP_MEANT_MAX, ports::store::Scan, tables::Table};
use parlour_inproc::{Server, accounts::reason, group, send, user};
use parlour_protocol::{
    directory::{change::Change as What, *},
    event::FLAG_GROUPS,
    generated::rpc,
    limits::MENTION_GROUPS_MAX,
    message::{DeleteRequest, MessagePosted, SendRequest},
    people::BlockUserRequest,
    room::{OpenPrivateRoomRequest, PostNoticeRequest},
    sync::{SyncRequest, sync_item},
    wire::{Error, ErrorReason},
};
use prost::Message;

fn node(key: &str, private: bool) -> What {
    What::PutNode(PutNode {
        key: key.into(),
        kind: if key.is_empty() { NodeKind::Organization } else { NodeKind::Team } as i32,
        parent: (!key.is_empty()).then(String::new),
        name: Some(format!("the {key}")),
        private: Some(private),
        ..PutNode::default()
    })
}

fn change(server: &mut Server, admin: usize, changes: Vec<What>) {
    let changes = changes.into_iter().map(|change| Change { change: Some(change) }).collect();
    let request = ChangeDirectoryRequest { changes, dry_run: false };
    server.call::<rpc::ChangeDirectory>(admin, &request).unwrap();
}

/// An admin, ada of the red team, ben of none, and ids of the nodes by their keys.
fn teams() -> (Server, [usize; 3], impl Fn(&str) -> Bytes) {
    let mut server = Server::new();
    let admin = server.connect("admin");
    let user =
        |subject: &str| What::PutUser(PutUser { subject: subject.into(), ..PutUser::default() });
    let membership = |node: &str, subject: &str| {
        let (node, subject) = (node.into(), subject.into());
        What::PutMembership(PutMembership { node, subject, role: String::new() })
    };
    let mut changes = vec![node("", false), node("red", false), node("hidden", true)];
    changes.extend((0..MENTION_GROUPS_MAX).map(|n| node(&format!("team{n}"), false)));
    changes.extend([
        user("ada"),
        user("ben"),
        membership("red", "ada"),
        membership("hidden", "ada"),
    ]);
    change(&mut server, admin, changes);
    let org = server.clients[admin].caller.org;
    let id = move |key: &str| parlour_core::identity::node_id(org, key).to_field();
    let (ada, ben) = (server.connect("ada"), server.connect("ben"));
    (server, [admin, ada, ben], id)
}

fn posting(server: &mut Server, room: &Bytes, groups: Vec<Bytes>) -> SendRequest {
    let posted = MessagePosted {
        text: "you all".into(),
        mention_groups: groups,
        ..MessagePosted::default()
    };
    SendRequest {
        room: room.clone(),
        client_ref: server.client_ref().to_field(),
        body: posted.encode_to_vec().into(),
        ..SendRequest::default()
    }
}

fn mention(server: &mut Server, by: usize, room: &Bytes, groups: Vec<Bytes>) -> Result<u64, Error> {
    let request = posting(server, room, groups);
    server.call::<rpc::Send>(by, &request).map(|sent| sent.seq)
}

#[test]
fn nodes_that_the_sender_knows_of_are_mentioned_and_others_are_not_there() {
    let (mut server, [admin, ada, ben], id) = teams();
    let room = group(&mut server, ada, &[ben]);
    let seq = mention(&mut server, ben, &room, vec![id("red")]).unwrap();
    assert_eq!(mention(&mut server, ada, &room, vec![id("hidden"), id("")]), Ok(seq + 1));
    let eight: Vec<Bytes> = (0..MENTION_GROUPS_MAX).map(|n| id(&format!("team{n}"))).collect();
    assert_eq!(mention(&mut server, ada, &room, eight.clone()), Ok(seq + 2));
    let archived =
        What::PutNode(PutNode { key: "team0".into(), archived: Some(true), ..PutNode::default() });
    change(&mut server, admin, vec![archived]);
    let mut nine = eight;
    nine.push(id("red"));
    for (by, groups, at) in [
        (ada, nine, "body.mention_groups"),
        (ada, vec![id("team0")], "body.mention_groups[0]"),
        (ada, vec![id("red"), id("red")], "body.mention_groups[1]"),
        (ada, vec![id("nowhere")], "body.mention_groups[0]"),
        (ada, vec![room.clone()], "body.mention_groups[0]"),
        (ada, vec![Bytes::from_static(b"short")], "body.mention_groups"),
        // Told apart from one that isn't there by nobody who isn't in it.
        (ben, vec![id("hidden")], "body.mention_groups[0]"),
    ] {
        let refused = mention(&mut server, by, &room, groups).unwrap_err();
        assert_eq!(refused.violations[0].field, at);
    }
    let mut reply = posting(&mut server, &room, vec![id("red")]);
    reply.thread_root_seq = seq;
    let refused = server.call::<rpc::Send>(ada, &reply).unwrap_err();
    assert_eq!(refused.violations[0].field, "body.mention_groups");
    server.call::<rpc::OpenPrivateRoom>(ben, &OpenPrivateRoomRequest {}).unwrap();
    let notice = posting(&mut server, &room, vec![id("red")]);
    let notice = PostNoticeRequest {
        to: Some(user(server.clients[ben].user)),
        client_ref: notice.client_ref,
        body: notice.body,
        ..PostNoticeRequest::default()
    };
    let refused = server.call::<rpc::PostNotice>(admin, &notice).unwrap_err();
    assert_eq!(refused.violations[0].field, "body.mention_groups");
}

#[test]
fn it_takes_the_permission_to_mention_everyone() {
    let (mut server, [admin, ada, _], id) = teams();
    // In an organization's room members may write and not mention everyone.
    let everybody = id("");
    send(&mut server, ada, &everybody, "hello");
    let refused = mention(&mut server, ada, &everybody, vec![id("red")]).unwrap_err();
    assert_eq!(reason(&refused), ErrorReason::NotAllowed);
    let owner = What::PutUser(PutUser {
        subject: "ada".into(),
        role: Some("admin".into()),
        ..PutUser::default()
    });
    change(&mut server, admin, vec![owner]);
    mention(&mut server, ada, &everybody, vec![id("red")]).unwrap();
}

/// What a table has, whoever's it is.
fn rows(server: &Server, table: Table) -> usize {
    let rows = server.node.store.scan(Scan::prefix(table, Bytes::new(), 1_000));
    server.runtime.block_on(rows).unwrap().len()
}

/// Unread messages and mentions of a room.
fn unread(server: &mut Server, by: usize, room: &Bytes) -> (u64, u64) {
    let items = server.bulk::<rpc::Sync>(by, &SyncRequest { first: 10, ..SyncRequest::default() });
    let digests = items.unwrap().into_iter().filter_map(|item| match item.item {
        Some(sync_item::Item::Digests(digests)) => Some(digests.rooms),
        _ => None,
    });
    let digests: Vec<_> = digests.flatten().collect();
    let of_room = |digest: &&parlour_protocol::sync::RoomDigest| {
        digest.room.as_ref().is_some_and(|known| known.id == room)
    };
    let unread = digests.iter().find(of_room).unwrap().unread.unwrap();
    (unread.messages, unread.mentions)
}

#[test]
fn few_people_are_told_as_if_they_were_named() {
    let (mut server, [_, ada, ben], id) = teams();
    let room = group(&mut server, ben, &[ada]);
    let request = posting(&mut server, &room, vec![id("red"), id("")]);
    let seq = server.call::<rpc::Send>(ben, &request).unwrap().seq;
    server.deliver();
    let heard = server.clients[ada].heard();
    let event = heard.iter().find(|event| event.header.as_ref().unwrap().seq == seq).unwrap();
    assert_eq!(event.body, request.body, "the body is what was sent");
    let header = event.header.clone().unwrap();
    assert!(header.mentions.is_empty() && header.flags == FLAG_GROUPS);
    let tables = [Table::MENTIONS, Table::INBOX, Table::MEANT];
    assert_eq!(tables.map(|table| rows(&server, table)), [1, 1, 1], "ada once, and not ben");
    assert_eq!(unread(&mut server, ada, &room), (1, 1));
    // The same again is the same message; with another group it is another one.
    let again = server.call::<rpc::Send>(ben, &request).unwrap();
    assert_eq!((again.seq, again.deduplicated), (seq, true));
    let other =
        SendRequest { client_ref: request.client_ref, ..posting(&mut server, &room, vec![]) };
    let conflict = server.call::<rpc::Send>(ben, &other).unwrap_err();
    assert_eq!(reason(&conflict), ErrorReason::RefConflict);
    // With the message all of it is gone, also for whom the group doesn't mean any more.
    let client_ref = server.client_ref().to_field();
    let delete = DeleteRequest { room: room.clone(), client_ref, target_seq: seq };
    server.call::<rpc::Delete>(ben, &delete).unwrap();
    server.deliver();
    assert_eq!(tables.map(|table| rows(&server, table)), [0, 0, 0]);
    assert_eq!(unread(&mut server, ada, &room), (0, 0));
}

#[test]
fn who_is_named_or_everyone_is_meant_once() {
    let (mut server, [_, ada, ben], id) = teams();
    let room = group(&mut server, ben, &[ada]);
    let mut named = posting(&mut server, &room, vec![id("red")]);
    named.mentions = vec![server.clients[ada].user.to_field()];
    server.call::<rpc::Send>(ben, &named).unwrap();
    let mut everyone = posting(&mut server, &room, vec![id("red")]);
    everyone.mention_everyone = true;
    server.call::<rpc::Send>(ben, &everyone).unwrap();
    server.deliver();
    let tables = [Table::MENTIONS, Table::MEANT];
    assert_eq!(tables.map(|table| rows(&server, table)), [1, 0]);
    assert_eq!(unread(&mut server, ada, &room), (2, 2));
}

#[test]
fn nothing_is_kept_for_each_of_many() {
    let (mut server, [admin, ada, ben], id) = teams();
    let many = GROUP_MEANT_MAX + 1;
    let put = |n: usize| {
        let (node, subject) = ("red".to_owned(), format!("person{n}"));
        let user = PutUser { subject: subject.clone(), ..PutUser::default() };
        let membership = PutMembership { node, subject, role: String::new() };
        [What::PutUser(user), What::PutMembership(membership)]
    };
    change(&mut server, admin, (0..many).flat_map(put).collect());
    let room = id("red");
    mention(&mut server, ada, &room, vec![room.clone()]).unwrap();
    server.deliver();
    let tables = [Table::MENTIONS, Table::INBOX, Table::MEANT];
    assert_eq!(tables.map(|table| rows(&server, table)), [0, 0, 0]);
    // In a room of two it means one of them.
    let two = group(&mut server, ben, &[ada]);
    mention(&mut server, ben, &two, vec![room]).unwrap();
    server.deliver();
    assert_eq!(tables.map(|table| rows(&server, table)), [1, 1, 1]);
}

#[test]
fn whoever_has_blocked_the_sender_isnt_told() {
    let (mut server, [_, ada, ben], id) = teams();
    let room = group(&mut server, ben, &[ada]);
    let block = BlockUserRequest { user: Some(user(server.clients[ben].user)) };
    server.call::<rpc::BlockUser>(ada, &block).unwrap();
    mention(&mut server, ben, &room, vec![id("red")]).unwrap();
    server.deliver();
    assert_eq!([Table::MENTIONS, Table::MEANT].map(|table| rows(&server, table)), [0, 0]);
}
