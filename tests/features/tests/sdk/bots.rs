//! Programs with accounts of their own, from the operator's first command on: over the SDK and over HTTP.

use crate::clients::{client, eventually, texts};
use parlour::{
    Builder, Client, ConnectError, Item, NewApiKey, NewServiceAccount, State, Trust,
    protocol::{
        user::UserKind,
        wire::{CloseCode, ErrorReason},
    },
};
use parlour_features::{
    http::call,
    server::{Options, ROOMY, Server},
    token,
    world::ORG,
};
use serde_json::json;

fn with_key(server: &Server, key: &str) -> Builder {
    let ready = server.ready();
    let trust = Trust::parse_sha256(&ready.sha256).expect("the server prints its hash");
    Client::builder().address(ready.quic.to_string()).trust(trust).token(key)
}

/// The close code that a key is refused with.
async fn refused(server: &Server, key: &str) -> u32 {
    match with_key(server, key).connect().await {
        Err(ConnectError::Unauthorized(code)) => code,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_needs_nothing_but_its_key_on_a_server_with_an_identity_provider() {
    // Its tokens come from elsewhere, so it keeps no accounts of people.
    let config = format!("{ROOMY}\n[accounts]\nenabled = false\n");
    let mut server = Server::start(Options::config(config));
    let key = server.printed(&["bot", "add", "deploy", "--org", ORG, "--name", "Deployments"]);
    assert!(key.starts_with("parlour_") && key.len() == 8 + 96, "{} bytes", key.len());
    let bot = with_key(&server, &key).connect().await.expect("welcomed");
    bot.synced().await.expect("in step");
    let ada = client(&server, "ada").connect().await.expect("welcomed");
    let users = ada.users_by_subject(&["deploy", "ada"]).await.expect("asked");
    assert_eq!((&*users[0].name, users[0].kind), ("Deployments", UserKind::Bot));
    assert_eq!(users[1].kind, UserKind::Person);

    let room = ada.open_direct("deploy").await.expect("a room");
    room.send("What is new?").await.expect("queued");
    let seen = bot.room(room.id());
    let mut timeline = seen.timeline().await.expect("a timeline");
    eventually(|| texts(timeline.refresh()) == ["What is new?"]).await;
    seen.send("Nothing").await.expect("queued");
    let mut timeline = room.timeline().await.expect("a timeline");
    let is_answered = |item: &Item| item.message().is_some_and(|message| message.text == "Nothing");
    eventually(|| timeline.refresh().iter().any(is_answered)).await;

    // Over HTTP, and after a crash.
    let http = |server: &Server, key: &str| {
        let asked = json!({ "subjects": ["ada"] });
        call(server.ready().http, key, "UserService.GetUsers", &asked)
    };
    let (status, answer) = http(&server, &key);
    assert_eq!((status, &answer[0]["users"][0]["kind"]), (200, &json!("USER_KIND_PERSON")));
    server.kill();
    server.run().expect("it starts again");
    assert_eq!(http(&server, &key).0, 200);
    let mut wrong = key.clone();
    wrong.replace_range(100..104, if key.ends_with("AAAA") { "BBBB" } else { "AAAA" });
    let (status, answer) = http(&server, &wrong);
    assert_eq!((status, &answer[0]["error"]["reason"]), (401, &json!("TOKEN_INVALID")));
    assert_eq!(refused(&server, &wrong).await, CloseCode::TokenInvalid as u32);
    // Neither the key nor its wrong half stands in the log.
    let log = server.log();
    assert!(!log.contains(&key[8..]) && !log.contains(&wrong[8..]));
    server.assert_well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_narrowed_listed_and_revoked() {
    let server = Server::roomy();
    let claims = token::claims(ORG, "admin");
    let scope = Some("admin:accounts admin:directory".to_owned());
    let claims = parlour_daemon::auth::TokenRequest { scope, ..claims };
    let ready = server.ready();
    let admin = Client::builder()
        .address(ready.quic.to_string())
        .trust(Trust::parse_sha256(&ready.sha256).expect("a hash"))
        .token(server.sign(&claims));
    let client = admin.connect().await.expect("welcomed");
    let admin = client.service_accounts();
    let scopes = vec!["events:publish".to_owned()];
    let new = NewServiceAccount { subject: "deploy".into(), scopes, ..Default::default() };
    let id = admin.create(new.clone()).await.expect("made");
    let taken = admin.create(new).await.expect_err("it is there");
    assert_eq!(taken.reason(), Some(ErrorReason::SubjectTaken));
    let more = NewApiKey {
        name: "all".into(),
        scopes: vec!["admin:accounts".into()],
        ..Default::default()
    };
    let more = admin.create_key("deploy", more).await.expect_err("more than the account's");
    assert_eq!(more.reason(), Some(ErrorReason::InvalidField));
    let new = NewApiKey { name: "first".into(), ..Default::default() };
    let (key, secret) = admin.create_key("deploy", new).await.expect("made");
    assert!(key.expires_ms.is_none() && key.creator == "admin" && !key.is_revoked);
    assert_eq!(format!("{secret:?}"), "ApiKeySecret");
    let bot = with_key(&server, secret.as_str()).connect().await.expect("welcomed");
    bot.synced().await.expect("in step");
    assert_eq!(bot.me(), Some(id));

    // Another scope closes its connection, and the key lets it in again.
    server.printed(&["user", "scopes", "deploy", "--org", ORG, "events:publish", "admin:audit"]);
    let room = bot.create_group("builds", [""; 0]).await.expect("it is back");
    room.send("still here").await.expect("sent");

    let printed =
        server.printed(&["bot", "key", "add", "deploy", "--org", ORG, "--name", "second"]);
    let listed = server.printed(&["bot", "key", "list", "deploy", "--org", ORG]);
    assert!(listed.contains("first") && listed.contains("second"), "{listed}");
    admin.revoke_key("deploy", key.id).await.expect("revoked");
    eventually(|| matches!(bot.current_state(), State::Stopped(_))).await;
    refused(&server, secret.as_str()).await;
    let keys = admin.keys("deploy").await.expect("listed");
    let revoked: Vec<_> = keys.iter().map(|key| (&*key.name, key.is_revoked)).collect();
    assert_eq!(revoked, [("first", true), ("second", false)]);
    let other = with_key(&server, &printed).connect().await.expect("welcomed");
    let second = keys[1].id.to_string();
    server.printed(&["bot", "key", "revoke", "deploy", &second, "--org", ORG]);
    eventually(|| matches!(other.current_state(), State::Stopped(_))).await;
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains(&format!("key {second} of deploy revoked")), "{audit}");
}
