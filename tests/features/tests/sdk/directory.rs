//! The Rust SDK against a real server: the directory, and rooms that follow it.

use crate::clients::{client, eventually};
use parlour::{
    CallError, Client, Focus, RoomKind, Trust,
    access::{For, Override, Permission, Permissions},
    directory::{NodeKind, Outcome, PutMembership, PutNode, PutUser, What},
    protocol::wire::ErrorReason,
};
use parlour_daemon::auth::TokenRequest;
use parlour_features::{server::Server, token, world::ORG};

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
async fn a_large_room_tells_its_members_page_by_page() {
    let server = Server::roomy();
    let root = acme(&server).await;
    let people: Vec<String> = (0..620).map(|n| format!("person{n}")).collect();
    for some in people.chunks(400) {
        let changes = some.iter().flat_map(|subject| {
            let put = PutUser { subject: subject.clone(), ..PutUser::default() };
            [What::PutUser(put), member("red", subject)]
        });
        root.directory().change(changes.collect::<Vec<_>>()).await.expect("they are members");
    }
    let ann = client(&server, "ann").connect().await.expect("ann connects");
    ann.synced().await.expect("in step");
    let mut list = ann.rooms().await.expect("a list");
    eventually(|| names(&mut list).contains(&"Node red".to_owned())).await;
    let red = list.items().iter().find(|room| room.name == "Node red").expect("it is there").id;
    let room = ann.room(red);
    let first = room.members_page(None).await.expect("a page");
    let second = room.members_page(first.next.clone()).await.expect("the next");
    assert!(first.next.is_some() && second.next.is_none());
    assert_eq!((first.users.len(), second.users.len()), (500, 121));
    let mut all: Vec<String> =
        first.users.into_iter().chain(second.users).map(|user| user.subject).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 621, "everyone once");
    assert_eq!(room.members().await.expect("everyone").len(), 621);
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
async fn what_is_set_of_a_nodes_room_is_told_and_outlives_a_kill() {
    let mut server = Server::roomy();
    let root = acme(&server).await;
    let ben = What::PutUser(PutUser { subject: "ben".into(), ..PutUser::default() });
    root.directory().change([ben, member("red", "ben")]).await.expect("he is a member");
    let (ann, ben) = (client(&server, "ann"), client(&server, "ben"));
    let ann = ann.connect().await.expect("ann connects");
    let ben = ben.connect().await.expect("ben connects");
    ann.synced().await.expect("in step");
    let (mut hers, mut his) =
        (ann.rooms().await.expect("a list"), ben.rooms().await.expect("a list"));
    let set = |list: &mut parlour::RoomList| {
        let room = list.refresh().iter().find(|room| room.name == "Node red")?;
        Some((room.slow_mode_s, room.message_expiry_s))
    };
    eventually(|| set(&mut hers).is_some() && set(&mut his).is_some()).await;
    let red = hers.items().iter().find(|room| room.name == "Node red").expect("there").id;
    ann.room(red).set_slow_mode(3).await.expect("set");
    ann.room(red).set_message_expiry(600).await.expect("set");
    eventually(|| set(&mut his) == Some((3, 600))).await;

    server.kill();
    server.run().expect("it starts again");
    let cai = What::PutUser(PutUser { subject: "cai".into(), ..PutUser::default() });
    root.directory().change([cai, member("red", "cai")]).await.expect("a member, later");
    let cai = client(&server, "cai").connect().await.expect("cai connects");
    let mut list = cai.rooms().await.expect("a list");
    eventually(|| set(&mut list) == Some((3, 600))).await;
    let one = cai.room(red).send("one").await.expect("sent");
    let two = cai.room(red).send("two").await.expect("sent, when it may be");
    assert!(two.at_ms - one.at_ms >= 3_000, "{} ms apart", two.at_ms - one.at_ms);
    ann.room(red).set_slow_mode(0).await.expect("set");
    eventually(|| set(&mut list) == Some((0, 600))).await;
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

#[tokio::test]
async fn a_group_becomes_a_place_for_announcements_and_back() {
    let server = Server::roomy();
    let (alice, bob) = crate::clients::pair(&server).await;
    let room = alice.create_group("News", ["bob"]).await.expect("made");
    let theirs = bob.room(room.id());
    assert!(theirs.permissions().await.expect("read").has(Permission::Send));
    room.set_announcements_only(true).await.expect("set");
    assert!(!theirs.permissions().await.expect("read").has(Permission::Send));
    assert!(theirs.send("may I?").await.is_err());
    room.send("whoever made it may").await.expect("sent");
    let bob_is_editor = Override {
        subject: For::User(bob.me().expect("connected")),
        allow: [Permission::Send].into_iter().collect(),
        deny: Permissions::NONE,
    };
    let mut overrides = room.overrides().await.expect("read");
    overrides.push(bob_is_editor.clone());
    room.set_overrides(overrides).await.expect("set");
    theirs.send("now I may").await.expect("sent");
    room.set_announcements_only(false).await.expect("set");
    assert_eq!(room.overrides().await.expect("read"), [bob_is_editor]);
    let refused = theirs.set_announcements_only(true).await;
    let Err(CallError::Refused(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.reason, ErrorReason::NotAllowed as i32);
}

#[tokio::test]
async fn a_nodes_room_begins_empty_and_is_talked_in_by_those_who_have_it_open() {
    for focus in [Focus::All, Focus::Focused] {
        talked_in_from_the_beginning(focus).await;
    }
}

async fn talked_in_from_the_beginning(focus: Focus) {
    let server = Server::roomy();
    let root = acme(&server).await;
    let folder = tempfile::tempdir().expect("a folder");
    let cache = |name: &str| client(&server, name).focus(focus).cache(folder.path().join(name));
    let ann = cache("ann").connect().await.expect("ann connects");
    let ben = cache("ben").connect().await.expect("ben connects");
    root.directory().change([member("red", "ben")]).await.expect("ben is in");
    let mut list = ben.rooms().await.expect("a list");
    eventually(|| names(&mut list).contains(&"Node red".to_owned())).await;
    let nodes = ann.directory().nodes().await.expect("read");
    let red = nodes.iter().find(|node| node.key == "red").expect("the team").id;
    let mut hers = ann.room(red).timeline().await.expect("a timeline");
    let mut his = ben.room(red).timeline().await.expect("a timeline");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!hers.load_older(50).await.expect("read"), "nothing comes before");
    for n in 0..3 {
        ann.room(red).send(format!("hers {n}")).await.expect("sent");
        ben.room(red).send(format!("his {n}")).await.expect("sent");
    }
    let all = ["hers 0", "his 0", "hers 1", "his 1", "hers 2", "his 2"];
    eventually(|| crate::clients::texts(hers.refresh()) == all).await;
    eventually(|| crate::clients::texts(his.refresh()) == all).await;
}

#[tokio::test]
async fn a_team_that_is_mentioned_is_told_and_others_are_not() {
    use futures_util::StreamExt;
    use parlour::{Draft, Item, Reason};
    let server = Server::roomy();
    let root = acme(&server).await;
    let ann = client(&server, "ann").connect().await.expect("ann connects");
    let bob = client(&server, "bob").connect().await.expect("bob connects");
    let mut rooms = ann.rooms().await.expect("a list");
    eventually(|| names(&mut rooms).contains(&"Node red".to_owned())).await;
    let red = rooms.items().iter().find(|room| room.name == "Node red").expect("red").id;
    let one = rooms.items().iter().find(|room| room.name == "Node one").expect("one").id;
    let room = root.create_group("Lunch", ["ann", "bob"]).await.expect("a group");
    eventually(|| names(&mut rooms).contains(&"Lunch".to_owned())).await;
    let mut bobs = bob.rooms().await.expect("a list");
    eventually(|| names(&mut bobs).contains(&"Lunch".to_owned())).await;
    let mut to_ann = ann.notifications().await.expect("ann listens");
    let mut to_bob = bob.notifications().await.expect("bob listens");
    // By what she is in, and by what stands above it.
    for node in [red, one] {
        let draft = Draft { text: "food".into(), mention_groups: vec![node], ..Draft::default() };
        room.send(draft).await.expect("sent");
        let told = to_ann.next().await.expect("told");
        assert_eq!((told.reason, told.room.id()), (Reason::Group, room.id()));
    }
    let all = Draft { text: "all".into(), mentions_everyone: true, ..Draft::default() };
    room.send(all).await.expect("sent");
    let told = to_bob.next().await.expect("told");
    assert_eq!(told.reason, Reason::Everyone, "and of nothing before");
    let mut timeline = bob.room(room.id()).timeline().await.expect("open");
    let groups = |timeline: &mut parlour::Timeline| -> Vec<_> {
        let messages = timeline.refresh().iter().filter_map(Item::message);
        messages.map(|message| message.mention_groups.clone()).collect()
    };
    eventually(|| groups(&mut timeline) == [vec![red], vec![one], vec![]]).await;
    // A team of few people is told as by name: it counts, and stands in the inbox.
    let counted = |list: &mut parlour::RoomList| {
        list.refresh().iter().find(|room| room.name == "Lunch").map(|room| room.mentions)
    };
    eventually(|| counted(&mut rooms) == Some(3) && counted(&mut bobs) == Some(1)).await;
    let inbox = ann.mentions(true).next_page(10).await.expect("read");
    assert_eq!(inbox.len(), 2);
    assert!(bob.mentions(false).next_page(10).await.expect("read").is_empty());
    room.delete(inbox[0].message.seq().expect("it was sent")).await.expect("deleted");
    eventually(|| counted(&mut rooms) == Some(2)).await;
    assert_eq!(ann.mentions(true).next_page(10).await.expect("read").len(), 1);
}
