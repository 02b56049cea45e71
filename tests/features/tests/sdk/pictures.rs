//! The Rust SDK against a real server: avatars of users and groups, and the organization's emoji.

use crate::clients::{client, eventually, pair};
use parlour::{
    Attachment, CallError, Client, ProfileChange, TransferError, protocol::wire::ErrorReason,
};
use parlour_features::{png::png, server::Server, token, world::ORG};

fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> ErrorReason {
    match result {
        Err(error) => error.reason().expect("the server refuses"),
        Ok(other) => panic!("not refused: {other:?}"),
    }
}

async fn upload(client: &Client, picture: Vec<u8>) -> Attachment {
    client.upload(picture).named("a.png").await.expect("uploaded")
}

#[tokio::test]
async fn an_avatar_is_seen_by_the_organization_until_it_is_another() {
    let mut server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let (first, second) = (png(40, 40), png(50, 50));
    let uploaded = upload(&alice, first.clone()).await;
    assert!(
        matches!(
            bob.picture(uploaded.hash).bytes(100_000).await,
            Err(TransferError::Refused(refusal)) if refusal.reason == ErrorReason::BlobNotFound as i32
        ),
        "what is only uploaded is nobody's to see"
    );
    let change = ProfileChange::default().avatar(&uploaded).pronouns("she/her").title("Pilot");
    let profile = alice.set_profile(change).await.unwrap();
    assert_eq!((profile.avatar, profile.title.as_deref()), (Some(uploaded.hash), Some("Pilot")));
    let me = alice.me().expect("known");
    let card = bob.people().card(me).await.unwrap().expect("she is known");
    assert_eq!(card.profile, profile);
    assert_eq!(bob.picture(uploaded.hash).bytes(100_000).await.unwrap(), first);
    // Over HTTP, to show it in a page.
    let link = bob.picture(uploaded.hash).link().await.unwrap();
    assert!(link.starts_with('/'), "{link}");
    server.kill();
    server.run().expect("it starts again");
    alice.synced().await.unwrap();
    let other = upload(&alice, second.clone()).await;
    let change = ProfileChange::default().avatar(&other).title("");
    let profile = alice.set_profile(change).await.unwrap();
    assert_eq!((profile.title, profile.pronouns.as_deref()), (None, Some("she/her")));
    bob.synced().await.unwrap();
    assert_eq!(bob.picture(other.hash).bytes(100_000).await.unwrap(), second);
    assert!(bob.picture(uploaded.hash).bytes(100_000).await.is_err(), "it isn't hers any more");
    alice.set_profile(ProfileChange::default().without_avatar()).await.unwrap();
    assert!(bob.picture(other.hash).bytes(100_000).await.is_err());
    // Bob can't take a picture that he hasn't uploaded, nor one that is none.
    let theirs = ProfileChange::default().avatar(&other);
    assert_eq!(reason(bob.set_profile(theirs).await), ErrorReason::BlobNotFound);
    let text = bob.upload(b"no picture".to_vec()).named("a.png").await.unwrap();
    let change = ProfileChange::default().avatar(&text);
    assert_eq!(reason(bob.set_profile(change).await), ErrorReason::InvalidField);
}

#[tokio::test]
async fn a_groups_picture_is_its_members() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let carol = client(&server, "carol").connect().await.unwrap();
    carol.synced().await.unwrap();
    let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
    let picture = png(60, 30);
    let uploaded = upload(&alice, picture.clone()).await;
    room.set_avatar(Some(&uploaded)).await.unwrap();
    let mut list = bob.rooms().await.unwrap();
    eventually(|| list.refresh().iter().any(|room| room.avatar == Some(uploaded.hash))).await;
    let theirs = bob.room(room.id());
    assert_eq!(theirs.picture(uploaded.hash).bytes(100_000).await.unwrap(), picture);
    assert!(carol.room(room.id()).picture(uploaded.hash).bytes(100_000).await.is_err());
    assert!(carol.picture(uploaded.hash).bytes(100_000).await.is_err());
    room.set_avatar(Some(&uploaded)).await.unwrap();
    room.set_avatar(None).await.unwrap();
    eventually(|| list.refresh().iter().all(|room| room.avatar.is_none())).await;
    assert!(theirs.picture(uploaded.hash).bytes(100_000).await.is_err());
    let direct = alice.open_direct("bob").await.unwrap();
    assert_eq!(reason(direct.set_avatar(Some(&uploaded)).await), ErrorReason::DirectRoom);
}

#[tokio::test]
async fn emoji_are_the_organizations_and_whoever_added_one_removes_it() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    let picture = png(32, 32);
    let uploaded = upload(&alice, picture.clone()).await;
    alice.emoji().add("party-parrot", &uploaded).await.unwrap();
    alice.emoji().add("party-parrot", &uploaded).await.expect("it is there");
    alice.emoji().add("parrot+1", &uploaded).await.expect("one picture, two names");
    let listed = bob.emoji().list().await.unwrap();
    let names: Vec<&str> = listed.iter().map(|emoji| &*emoji.name).collect();
    assert_eq!(names, ["parrot+1", "party-parrot"]);
    assert_eq!(bob.picture(listed[1].picture).bytes(100_000).await.unwrap(), picture);
    assert_eq!(reason(bob.emoji().remove("party-parrot").await), ErrorReason::NotAllowed);
    let own = upload(&bob, png(16, 16)).await;
    assert_eq!(reason(bob.emoji().add("party-parrot", &own).await), ErrorReason::EmojiTaken);
    for name in ["", "Parrot", ":x:", &"x".repeat(33)] {
        assert_eq!(reason(bob.emoji().add(name, &own).await), ErrorReason::InvalidField, "{name}");
    }
    let wide = upload(&bob, png(513, 8)).await;
    assert_eq!(reason(bob.emoji().add("wide", &wide).await), ErrorReason::InvalidField);
    alice.emoji().remove("party-parrot").await.unwrap();
    assert_eq!(reason(alice.emoji().remove("party-parrot").await), ErrorReason::EmojiNotFound);
    assert_eq!(bob.picture(uploaded.hash).bytes(100_000).await.unwrap(), picture, "as parrot+1");
    alice.emoji().remove("parrot+1").await.unwrap();
    assert!(bob.picture(uploaded.hash).bytes(100_000).await.is_err());
    let mut claims = token::claims(ORG, "gwen");
    claims.scope = Some("guest".into());
    let guest = client(&server, "gwen").token(server.sign(&claims)).connect().await.unwrap();
    let theirs = upload(&guest, png(16, 16)).await;
    assert_eq!(reason(guest.emoji().add("mine", &theirs).await), ErrorReason::NotAllowed);
    let audit = server.command(&["admin", "audit", "--org", ORG]);
    let audit = String::from_utf8_lossy(&audit.stdout).into_owned();
    assert!(audit.contains("alice: emoji :parrot+1: removed"), "{audit}");
}
