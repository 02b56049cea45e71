//! The directory: an operator's file makes the tree, rooms follow it at once, and everyone hears
//! what they may.

use std::process::Output;

use bytes::Bytes;
use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    raw::{Client, hello},
    server::Server,
    token::claims,
    world::{ORG, join, say},
};
use parlour_protocol::{
    directory::{
        Change, ChangeDirectoryRequest, EndMembership, ListNodesRequest, PutMembership, PutUser,
        ReadAuditRequest, change::Change as What,
    },
    generated::rpc::{
        AddMembers, ChangeDirectory, GetRoom, ListNodes, ReadAudit, ReadLog, RenameRoom,
    },
    room::{AddMembersRequest, GetRoomRequest, RenameRoomRequest, RoomKind},
    sync::ReadLogRequest,
    wire::{CloseCode, ErrorReason},
};

const GAINED: u32 = 101;
const LOST: u32 = 102;
const POSTED: u32 = 10;

const FILE: &str = r#"
[organization]
org = "acme"
name = "Acme"

[[users]]
subject = "ann"
role = "owner"
name = "Ann Archer"
handle = "ann"

[[users]]
subject = "ben"

[[nodes]]
key = "backend"
kind = "team"
name = "Backend"
parent = "engineering"
members = ["ann"]
roles = { ben = "lead" }

[[nodes]]
key = "engineering"
kind = "department"
name = "Engineering"

[[nodes]]
key = "sales"
kind = "department"
name = "Sales"
private = true
members = []
"#;

fn apply(server: &Server, file: &str, more: &[&str]) -> Output {
    let path = server.root().join("org.toml");
    std::fs::write(&path, file).expect("the folder can be written");
    let path = path.to_string_lossy().into_owned();
    let words = [&["admin", "apply", &path, "--yes"], more].concat();
    server.command(&words)
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// An admin's connection.
async fn admin(server: &Server) -> Client {
    let scope = Some("admin:directory admin:audit".to_owned());
    let token = server.sign(&TokenRequest { scope, ..claims(ORG, "root") });
    server.door().connect(hello(token)).await.expect("welcomed")
}

async fn nodes(client: &Client) -> Vec<(String, Bytes)> {
    let answer = client.call::<ListNodes>(&ListNodesRequest::default()).await.expect("listed");
    answer.nodes.into_iter().map(|node| (node.key, node.id)).collect()
}

async fn node(client: &Client, key: &str) -> Bytes {
    let nodes = nodes(client).await;
    nodes.into_iter().find(|(has, _)| has == key).expect("the node is there").1
}

fn change(what: What) -> ChangeDirectoryRequest {
    ChangeDirectoryRequest { changes: vec![Change { change: Some(what) }], dry_run: false }
}

fn put_in(node: &str, subject: &str) -> ChangeDirectoryRequest {
    let (node, subject) = (node.into(), subject.into());
    change(What::PutMembership(PutMembership { node, subject, role: String::new() }))
}

fn take_out(node: &str, subject: &str) -> ChangeDirectoryRequest {
    let (node, subject) = (node.into(), subject.into());
    change(What::EndMembership(EndMembership { node, subject }))
}

#[tokio::test]
async fn a_file_makes_an_organization_and_applying_it_again_does_nothing() {
    let server = Server::roomy();
    let dry = apply(&server, FILE, &["--dry-run"]);
    assert!(said(&dry).contains("+ team backend"), "{}", said(&dry));
    assert!(said(&apply(&server, FILE, &[])).contains("8 changes made"));
    assert!(said(&apply(&server, FILE, &[])).contains("nothing to do"));
    let ben = join(&server, "ben").await;
    assert_eq!(ben.welcome().role, "member");
    let roles: Vec<&str> = ben.welcome().memberships.iter().map(|m| m.role.as_str()).collect();
    assert_eq!(roles.len(), 2);
    assert!(roles.contains(&"lead"));
    let keys: Vec<String> = nodes(&ben).await.into_iter().map(|(key, _)| key).collect();
    assert!(!keys.contains(&"sales".to_owned()), "a private node is hidden: {keys:?}");
    assert!(keys.contains(&"engineering".to_owned()));

    let moved = FILE.replace("parent = \"engineering\"\nmembers = [\"ann\"]", "members = []");
    let moved = apply(&server, &moved, &[]);
    assert!(said(&moved).contains("> team backend moves"), "{}", said(&moved));
    assert!(said(&moved).contains("- ann from backend"), "{}", said(&moved));
    let audit = server.command(&["admin", "audit", "--org", ORG]);
    assert!(said(&audit).contains("operator: ann from backend"), "{}", said(&audit));
    let tree = server.command(&["admin", "tree", "--org", ORG]);
    assert!(said(&tree).starts_with("organization Acme: 2\n"), "{}", said(&tree));
    assert!(said(&tree).contains(" team Backend [backend]: 1"), "{}", said(&tree));

    let gone = apply(&server, FILE.split("[[nodes]]").next().expect("a part"), &["--prune"]);
    assert!(said(&gone).contains("- node backend is archived"), "{}", said(&gone));
}

#[tokio::test]
async fn a_wrong_file_is_refused_with_the_place() {
    let server = Server::roomy();
    let unknown = apply(&server, &FILE.replace("private", "privat"), &[]);
    assert!(!unknown.status.success());
    assert!(said(&unknown).contains("privat"), "{}", said(&unknown));
    let orphan =
        apply(&server, &FILE.replace("\"engineering\"\nmembers", "\"none\"\nmembers"), &[]);
    assert!(said(&orphan).contains("no such node"), "{}", said(&orphan));
    let circle = FILE.replace("name = \"Engineering\"", "name = \"E\"\nparent = \"backend\"");
    assert!(said(&apply(&server, &circle, &[])).contains("stands below itself"));
}

#[tokio::test]
async fn rooms_follow_the_directory_while_people_are_connected() {
    let server = Server::roomy();
    assert!(apply(&server, FILE, &[]).status.success());
    let (root, ann, ben) =
        (admin(&server).await, join(&server, "ann").await, join(&server, "ben").await);
    let team = node(&ann, "backend").await;
    let seen = ann.call::<GetRoom>(&GetRoomRequest { room: team.clone() }).await.expect("read");
    let room = seen.room.expect("a room");
    assert_eq!((room.kind, room.member_count), (RoomKind::Team as i32, 2));

    root.call::<ChangeDirectory>(&take_out("backend", "ann")).await.expect("changed");
    ann.hears_where(|event| event.header.as_ref().is_some_and(|h| h.kind == LOST)).await;
    let sent = say(&ben, &team, "without ann").await.expect("sent");
    let read = ReadLogRequest { room: team.clone(), ..Default::default() };
    let refused = ann.bulk::<ReadLog>(&read).await.expect_err("not hers any more");
    assert_eq!(refused.reason(), ErrorReason::RoomNotFound as i32);
    root.call::<ChangeDirectory>(&put_in("backend", "ann")).await.expect("changed");
    ann.hears_where(|event| event.header.as_ref().is_some_and(|h| h.kind == GAINED)).await;
    let next = say(&ben, &team, "with ann").await.expect("sent");
    let heard = ann.hears(POSTED).await.header.expect("a header").seq;
    assert_eq!((sent.seq + 1, heard), (next.seq, next.seq), "only what came after she was in it");

    let add = AddMembersRequest { room: team.clone(), members: vec![] };
    let refused = ben.call::<AddMembers>(&add).await.expect_err("the directory's");
    assert_eq!(refused.reason(), ErrorReason::DirectoryRoom as i32);
    let rename = RenameRoomRequest { room: team, name: "mine".into() };
    let refused = ben.call::<RenameRoom>(&rename).await.expect_err("the directory's");
    assert_eq!(refused.reason(), ErrorReason::DirectoryRoom as i32);
}

#[tokio::test]
async fn who_is_deactivated_is_out_and_changes_need_a_scope() {
    let server = Server::roomy();
    assert!(apply(&server, FILE, &[]).status.success());
    let (root, ann) = (admin(&server).await, join(&server, "ann").await);
    let refused = ann.call::<ChangeDirectory>(&put_in("sales", "ann")).await.expect_err("no scope");
    assert_eq!(refused.reason(), ErrorReason::ScopeMissing as i32);
    let refused = ann.call::<ReadAudit>(&ReadAuditRequest::default()).await.expect_err("no scope");
    assert_eq!(refused.reason(), ErrorReason::ScopeMissing as i32);
    let out = PutUser { subject: "ann".into(), deactivated: Some(true), ..Default::default() };
    root.call::<ChangeDirectory>(&change(What::PutUser(out))).await.expect("changed");
    assert!(ann.closed().await.is(CloseCode::Revoked));
    let token = server.sign(&claims(ORG, "ann"));
    let refused = server.door().connect(hello(token)).await.expect_err("shut out");
    assert!(refused.is(CloseCode::Revoked), "{refused:?}");
}

#[tokio::test]
async fn a_killed_server_knows_every_change_it_answered() {
    let mut server = Server::roomy();
    assert!(apply(&server, FILE, &[]).status.success());
    let (ann, ben) = (join(&server, "ann").await, join(&server, "ben").await);
    let root = admin(&server).await;
    root.call::<ChangeDirectory>(&put_in("sales", "ben")).await.expect("changed");
    root.call::<ChangeDirectory>(&take_out("backend", "ann")).await.expect("changed");
    drop((ann, ben, root));
    server.kill();
    server.run().expect("it starts again");
    let (ann, ben) = (join(&server, "ann").await, join(&server, "ben").await);
    assert_eq!(ann.welcome().memberships.len(), 1);
    let sales = node(&ben, "sales").await;
    say(&ben, &sales, "still here").await.expect("sent");
}
