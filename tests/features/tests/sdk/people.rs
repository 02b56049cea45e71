//! The Rust SDK against a real server: people, private rooms, and what belongs to whom.

use std::time::Duration;

use crate::clients::{client, eventually, pair, texts};
use futures_util::StreamExt;
use parlour::{
    CallError, Client, Draft, OwnChange, ProfileChange, Reason, RoomKind, UserChanges,
    directory::{NodeKind, PutNode, What},
    protocol::{ids::UserId, wire::ErrorReason},
};
use parlour_features::{server::Server, token, world::ORG};

fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> ErrorReason {
    match result {
        Err(error) => error.reason().expect("the server refuses"),
        Ok(other) => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_program_posts_into_somebodys_private_room_and_all_their_devices_hear_it() {
    let mut server = Server::roomy();
    let (alice, _bob) = pair(&server).await;
    let phone = client(&server, "alice").connect().await.unwrap();
    phone.synced().await.unwrap();
    let mut notifications = phone.notifications().await.unwrap();
    let mut claims = token::claims(ORG, "builds");
    claims.scope = Some("notices".into());
    let bot = client(&server, "builds").token(server.sign(&claims)).connect().await.unwrap();
    let notice = bot.notice("the build is red");
    bot.post_notice("alice", &notice).await.unwrap();
    bot.post_notice("alice", &notice).await.unwrap();
    let noted = tokio::time::timeout(Duration::from_secs(20), notifications.next()).await;
    let noted = noted.expect("in time").expect("the client lives");
    assert_eq!((&*noted.text, noted.reason), ("the build is red", Reason::Message));
    let room = alice.private_room().await.unwrap();
    assert_eq!(room.summary().await.unwrap().unwrap().kind, RoomKind::User);
    let mut timeline = room.timeline().await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["the build is red"]).await;
    // Acknowledged, it is there after a crash.
    let other = bot.notice("and green again");
    bot.post_notice("alice", &other).await.unwrap();
    server.kill();
    server.run().expect("it starts again");
    bot.synced().await.unwrap();
    bot.post_notice("alice", &other).await.unwrap();
    eventually(|| texts(timeline.refresh()) == ["the build is red", "and green again"]).await;
    let refused = alice.post_notice("bob", &alice.notice("me, too")).await;
    assert_eq!(reason(refused), ErrorReason::ScopeMissing);
    let refused = bot.post_notice("nobody", &bot.notice("who?")).await;
    assert_eq!(reason(refused), ErrorReason::UserNotFound);
}

#[tokio::test]
async fn whoever_is_blocked_is_on_all_devices_and_is_heard_of_no_more() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let phone = client(&server, "alice").connect().await.unwrap();
    phone.synced().await.unwrap();
    let mut changes = phone.own_changes().await.unwrap();
    let mut notifications = phone.notifications().await.unwrap();
    let group = bob.create_group("Lunch", ["alice"]).await.unwrap();
    let page = alice.people().search("bo").await.unwrap();
    assert!(page.next.is_none());
    let them = page.users.iter().find(|user| user.subject == "bob").expect("he is found").id;
    alice.people().block(them).await.unwrap();
    let told = loop {
        match tokio::time::timeout(Duration::from_secs(20), changes.next()).await {
            Ok(Some(OwnChange::Blocked(user))) => break user,
            Ok(Some(_)) => {}
            other => panic!("not told: {other:?}"),
        }
    };
    assert_eq!(told, them);
    assert_eq!(phone.people().blocked().await.unwrap(), [them].into());
    assert_eq!(reason(bob.open_direct("alice").await), ErrorReason::NotAllowed);
    let me = alice.me().expect("known");
    let mention = Draft { text: "look, @alice".into(), mentions: vec![me], ..Draft::default() };
    group.send(mention.clone()).await.unwrap();
    let mut seen = phone.room(group.id()).timeline().await.unwrap();
    eventually(|| texts(seen.refresh()) == ["look, @alice"]).await;
    // A device that comes later knows it, too.
    let tablet = client(&server, "alice").connect().await.unwrap();
    tablet.synced().await.unwrap();
    let knows = || async { tablet.people().blocked().await.unwrap() == [them].into() };
    for _ in 0..200 {
        if knows().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(knows().await);
    let summary = tablet.room(group.id()).summary().await.unwrap().unwrap();
    assert_eq!((summary.unread, summary.mentions), (1, 0));
    alice.people().unblock(them).await.unwrap();
    bob.open_direct("alice").await.unwrap();
    group.send(Draft { text: "and now?".into(), ..mention }).await.unwrap();
    let noted = tokio::time::timeout(Duration::from_secs(20), notifications.next()).await;
    let noted = noted.expect("in time").expect("the client lives");
    assert_eq!(
        (&*noted.text, noted.reason),
        ("and now?", Reason::Mention),
        "and nothing before it"
    );
}

/// Makes the organization's directory, as its operator does.
async fn make_directory(server: &Server) {
    let mut claims = token::claims(ORG, "root");
    claims.scope = Some("admin:directory".into());
    let root = client(server, "root").token(server.sign(&claims));
    let root = root.connect().await.expect("root connects");
    let (kind, name) = (NodeKind::Organization as i32, Some("Acme".to_owned()));
    let node = PutNode { kind, name, ..PutNode::default() };
    root.directory().change([What::PutNode(node)]).await.expect("a directory");
}

#[tokio::test]
async fn whoever_leaves_hands_over_what_they_owned() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let carol = client(&server, "carol").connect().await.unwrap();
    carol.synced().await.unwrap();
    let room = alice.create_group("Plans", ["bob"]).await.unwrap();
    let other = alice.create_group("Lunch", ["bob"]).await.unwrap();
    other.hand_over(bob.me().expect("known")).await.unwrap();
    let theirs = bob.room(other.id());
    theirs.rename("Dinner").await.unwrap();
    make_directory(&server).await;
    server.printed(&["admin", "deactivate", "alice", "--org", ORG]);
    server.printed(&["admin", "hand-over", "alice", "carol", "--org", ORG]);
    let hers = carol.room(room.id());
    // She is a member first, and then the one who may.
    let mut removed = hers.remove_member(bob.me().expect("known")).await;
    for _ in 0..500 {
        if removed.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        removed = hers.remove_member(bob.me().expect("known")).await;
    }
    removed.expect("now it is hers");
    let found = bob.people().search("alice").await.unwrap();
    assert!(found.users.is_empty(), "{found:?}");
    server.printed(&["admin", "reactivate", "alice", "--org", ORG]);
    assert_eq!(bob.people().search("alice").await.unwrap().users.len(), 1);
}

#[tokio::test]
async fn names_are_there_before_a_connection_is_and_are_asked_for_anew_once_there_is_one() {
    let server = Server::roomy();
    let folder = tempfile::tempdir().unwrap();
    let cache = || folder.path().join("cache.sqlite");
    let bob = client(&server, "bob").connect().await.unwrap().me().expect("known");
    let alice = client(&server, "alice").cache(cache()).connect().await.unwrap();
    assert_eq!(alice.known_user(bob), None);
    assert_eq!(alice.users(&[bob]).await.unwrap()[&bob].name, "bob");
    alice.disconnect().await;
    // Nobody listens there.
    let nowhere = Client::builder().address("127.0.0.1:9").token("x").cache(cache());
    let nowhere = nowhere.start().await.unwrap();
    assert_eq!(nowhere.known_user(bob).expect("of the cache").name, "bob");
    nowhere.disconnect().await;
    let mut claims = token::claims(ORG, "bob");
    claims.name = Some("Bob Stone".into());
    client(&server, "bob").token(server.sign(&claims)).connect().await.unwrap();
    let alice = client(&server, "alice").cache(cache()).connect().await.unwrap();
    assert_eq!(alice.known_user(bob).expect("of the cache").name, "bob");
    assert_eq!(alice.users(&[bob]).await.unwrap()[&bob].name, "Bob Stone");
    assert_eq!(alice.known_user(bob).expect("just asked").name, "Bob Stone");
    alice.disconnect().await;
    // Who comes after her is shown nothing of what she was told.
    let carol = client(&server, "carol").cache(cache()).connect().await.unwrap();
    assert_eq!(carol.known_user(bob), None);
}

/// The next user who is another now: who, and what they do.
async fn changed(changes: &mut UserChanges) -> (UserId, String, Option<String>) {
    let next = tokio::time::timeout(Duration::from_secs(20), changes.next()).await;
    let user = next.expect("in time").expect("the client lives");
    (user.id, user.name, user.profile.title)
}

fn title(title: &str) -> ProfileChange {
    ProfileChange::default().title(title)
}

#[tokio::test]
async fn who_is_watched_is_told_of_when_they_have_another_name_or_title() {
    let server = Server::roomy();
    make_directory(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let cached = || client(&server, "alice").cache(folder.path().join("cache.sqlite"));
    let (alice, bob) = (cached().connect().await.unwrap(), client(&server, "bob"));
    let bob = bob.connect().await.unwrap();
    let carol = client(&server, "carol").connect().await.unwrap();
    let (him, her) = (bob.me().expect("known"), carol.me().expect("known"));
    assert_eq!(alice.users(&[him, her]).await.unwrap().len(), 2);
    let mut changes = alice.people().changes();
    let list = alice.presence().watch([him]).await.unwrap();
    carol.set_profile(title("Unwatched")).await.unwrap();
    bob.set_profile(title("Baker")).await.unwrap();
    assert_eq!(changed(&mut changes).await, (him, "bob".into(), Some("Baker".into())));
    assert_eq!(alice.known_user(him).unwrap().profile.title.as_deref(), Some("Baker"));
    let mut claims = token::claims(ORG, "bob");
    claims.name = Some("Bob Stone".into());
    let again = client(&server, "bob").token(server.sign(&claims)).connect().await.unwrap();
    assert_eq!(changed(&mut changes).await, (him, "Bob Stone".into(), Some("Baker".into())));
    // Away, she is told once she is back.
    drop(list);
    alice.disconnect().await;
    assert!(changes.next().await.is_none(), "the client is gone");
    again.set_profile(title("Miller")).await.unwrap();
    let alice = cached().connect().await.unwrap();
    let mut changes = alice.people().changes();
    let _list = alice.presence().watch([him, her]).await.unwrap();
    let mut both = [changed(&mut changes).await.2, changed(&mut changes).await.2];
    both.sort();
    assert_eq!(both, [Some("Miller".into()), Some("Unwatched".into())]);
    // Of whoever wants to hear nothing of her she isn't told, and of the others still.
    bob.people().block(alice.me().expect("known")).await.unwrap();
    again.set_profile(title("Spy")).await.unwrap();
    carol.set_profile(title("Pilot")).await.unwrap();
    assert_eq!(changed(&mut changes).await, (her, "carol".into(), Some("Pilot".into())));
    server.printed(&["admin", "deactivate", "carol", "--org", ORG]);
    assert_eq!(changed(&mut changes).await.0, her);
    assert!(alice.known_user(her).unwrap().is_deactivated);
    assert_eq!(alice.known_user(him).unwrap().profile.title.as_deref(), Some("Miller"));
}
