//! The Rust SDK against a real server: the directory, and rooms that follow it.

mod sdk;

use parlour::{
    CallError, Client, RoomKind, Trust,
    directory::{NodeKind, Outcome, PutMembership, PutNode, PutUser, What},
    protocol::wire::ErrorReason,
};
use parlour_daemon::auth::TokenRequest;
use parlour_features::{server::Server, token, world::ORG};
use sdk::{client, eventually};

/// A client whose token may change the directory.
async fn admin(server: &Server) -> Client {
    let ready = server.ready();
    let scope = Some("admin:directory".to_owned());
    let claims = TokenRequest { scope, ..token::claims(ORG, "root") };
    let builder = Client::builder().address(ready.quic.to_string()).token(server.sign(&claims));
    let trust = Trust::parse_sha256(&ready.sha256).expect("the server prints its hash");
    builder.trust(trust).connect().await.expect("root connects")
}

fn node(kind: NodeKind, key: &str, parent: Option<&str>) -> What {
    What::PutNode(PutNode {
        key: key.into(),
        kind: kind as i32,
        parent: parent.map(Into::into),
        name: Some(format!("Node {key}")),
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

fn names(list: &mut parlour::RoomList) -> Vec<String> {
    let mut names: Vec<String> = list.refresh().iter().map(|room| room.name.clone()).collect();
    names.sort();
    names
}

async fn acme(server: &Server) -> Client {
    let root = admin(server).await;
    let directory = root.directory();
    let made = directory.change([
        node(NodeKind::Organization, "", None),
        node(NodeKind::Department, "one", Some("")),
        node(NodeKind::Team, "red", Some("one")),
        What::PutUser(PutUser { subject: "ann".into(), ..PutUser::default() }),
        member("red", "ann"),
    ]);
    assert_eq!(made.await.expect("made"), [Outcome::Created; 5]);
    root
}

#[tokio::test]
async fn rooms_of_the_directory_come_and_go_in_the_list() {
    let server = Server::roomy();
    let root = acme(&server).await;
    let ann = client(&server, "ann").connect().await.expect("ann connects");
    ann.synced().await.expect("in step");
    let mut list = ann.rooms().await.expect("a list");
    eventually(|| names(&mut list) == ["Node ", "Node one", "Node red"]).await;
    let kinds = |list: &mut parlour::RoomList, name: &str| {
        list.refresh().iter().find(|room| room.name == name).map(|room| room.kind)
    };
    assert_eq!(kinds(&mut list, "Node red"), Some(RoomKind::Team));

    let rename = PutNode {
        key: "red".into(),
        name: Some("Crimson".into()),
        topic: Some("all red".into()),
        ..PutNode::default()
    };
    root.directory().change([What::PutNode(rename)]).await.expect("renamed");
    eventually(|| {
        list.refresh().iter().any(|room| room.name == "Crimson" && room.topic == "all red")
    })
    .await;
    let archive = PutNode { key: "red".into(), archived: Some(true), ..PutNode::default() };
    root.directory().change([What::PutNode(archive)]).await.expect("archived");
    eventually(|| names(&mut list) == ["Crimson", "Node "]).await;
    eventually(|| list.refresh().iter().any(|room| room.name == "Crimson" && room.is_archived))
        .await;
    let nodes = ann.directory().nodes().await.expect("read");
    let red = nodes.iter().find(|node| node.key == "red").expect("still there");
    assert!(red.is_archived);
    let refused = ann.directory().room(red).send("too late").await;
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test]
async fn who_was_away_finds_what_changed_in_the_list() {
    let server = Server::roomy();
    let root = acme(&server).await;
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("ann.sqlite");
    let ann = client(&server, "ann").cache(cache.clone()).connect().await.expect("ann connects");
    ann.synced().await.expect("in step");
    let mut list = ann.rooms().await.expect("a list");
    eventually(|| names(&mut list).len() == 3).await;
    ann.disconnect().await;
    let move_away =
        [node(NodeKind::Department, "two", Some("")), node(NodeKind::Team, "red", Some("two"))];
    root.directory().change(move_away).await.expect("moved");
    let ann = client(&server, "ann").cache(cache).connect().await.expect("ann comes back");
    let mut list = ann.rooms().await.expect("a list");
    eventually(|| names(&mut list) == ["Node ", "Node red", "Node two"]).await;
}

#[tokio::test]
async fn wrong_changes_are_typed_errors() {
    let server = Server::roomy();
    let root = acme(&server).await;
    let orphan = root.directory().try_change([node(NodeKind::Team, "blue", Some("none"))]).await;
    let Err(CallError::Refused(error)) = orphan else { panic!("{orphan:?}") };
    assert_eq!(error.violations[0].field, "changes[0].put_node.parent");
    let ann = client(&server, "ann").connect().await.expect("ann connects");
    let refused = ann.directory().change([member("one", "ann")]).await;
    let Err(CallError::Refused(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.reason, ErrorReason::ScopeMissing as i32);
}
