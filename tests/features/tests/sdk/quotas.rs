//! The Rust SDK, the command line and bare clients against a real server: what an organization may have, and what
//! it has.

use crate::clients::{client, pair};
use parlour::{CallError, Client, Trust};
use parlour_features::{
    http,
    raw::{hello, hello_frame, say_wrong},
    server::{Options, ROOMY, Server},
    token::claims,
    world::{ORG, group, hello_of, join, say},
};
use parlour_protocol::wire::{CloseCode, ErrorReason};
use serde_json::{Value, json};

fn run(server: &Server, words: &[&str]) -> String {
    let output = server.command(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("what is printed is text").trim().to_owned()
}

fn usage(server: &Server, org: &str) -> Value {
    let text = run(server, &["admin", "usage", "--org", org, "--json"]);
    serde_json::from_str(&text).expect("an object of JSON")
}

fn set(server: &Server, words: &[&str]) {
    run(server, &[&["admin", "quota", "set", "--org", ORG], words].concat());
}

fn refused<T: std::fmt::Debug>(result: Result<T, CallError>) -> Option<ErrorReason> {
    result.expect_err("refused").reason()
}

async fn admin(server: &Server) -> Client {
    let ready = server.ready();
    Client::builder()
        .address(ready.quic.to_string())
        .token(server.token(ORG, "root", &["--scope", "admin:usage"]))
        .trust(Trust::parse_sha256(&ready.sha256).expect("the server prints its hash"))
        .connect()
        .await
        .expect("comes in")
}

async fn is_closed_for_a_quota(server: &Server, sub: &str) {
    let (said, lost) = say_wrong(&server.door(), &hello_frame(hello_of(server, sub))).await;
    assert!(lost.is(CloseCode::QuotaExceeded), "{sub}: {lost:?}");
    assert!(said.is_some_and(|said| said.retry_after_ms > 0), "{sub}");
}

#[tokio::test]
async fn no_more_users_come_in_than_may_and_those_who_are_there_do() {
    let mut server = Server::start(Options::config(format!("{ROOMY}[quotas]\nusers = 3\n")));
    let (ada, _bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let elsewhere = server.sign(&claims("globex", "zoe"));
    server.door().connect(hello(elsewhere)).await.expect("another organization has its own");
    join(&server, "carol").await.leave();
    is_closed_for_a_quota(&server, "dave").await;
    let token = server.sign(&claims(ORG, "dave"));
    let (status, answer) =
        http::call(server.ready().http, &token, "UserService.GetUsers", &json!({}));
    assert_eq!(answer[0]["error"]["reason"], "QUOTA_EXCEEDED", "{status}: {answer:?}");
    set(&server, &["--users", "4"]);
    join(&server, "dave").await.leave();
    // Lowered below what there is: all of them work on, over a restart as well.
    set(&server, &["--users", "1"]);
    let room = group(&ada, "still here", &["bob", "carol", "dave"]).await;
    say(&ada, &room, "hello").await.expect("sent");
    server.kill();
    server.run().expect("it starts again");
    let ada = join(&server, "ada").await;
    say(&ada, &room, "hello again").await.expect("sent");
    join(&server, "dave").await;
    is_closed_for_a_quota(&server, "eve").await;
    let metrics = server.command(&["admin", "quota", "show", "--org", ORG]);
    let shown = String::from_utf8_lossy(&metrics.stdout).into_owned();
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["users", "1", "set"])), "{shown}");
    set(&server, &["--users", "none"]);
    join(&server, "eve").await;
    set(&server, &["--users", "default"]);
    is_closed_for_a_quota(&server, "frank").await;
    let audit = run(&server, &["admin", "audit", "--org", ORG]);
    assert!(audit.contains("quotas: 4 users") && audit.contains("quotas as configured"), "{audit}");
    server.assert_well();
}

#[tokio::test]
async fn groups_files_and_devices_are_bounded() {
    let server = Server::roomy();
    let (alice, bob) = pair(&server).await;
    alice.create_group("One", ["bob"]).await.unwrap();
    set(&server, &["--groups", "1", "--attachments-mb", "1", "--devices", "3"]);
    assert_eq!(refused(bob.create_group("Two", ["alice"]).await), Some(ErrorReason::QuotaExceeded));
    bob.open_direct("alice").await.expect("two people may always talk");
    // A third device comes in and a fourth doesn't, until one goes.
    let phone = client(&server, "alice").connect().await.expect("the third");
    phone.synced().await.unwrap();
    is_closed_for_a_quota(&server, "bob").await;
    phone.disconnect().await;
    let mut tries = 0..1000;
    loop {
        match server.door().connect(hello_of(&server, "bob")).await {
            Ok(tablet) => break tablet.leave(),
            Err(lost) => assert!(lost.is(CloseCode::QuotaExceeded), "{lost:?}"),
        }
        tries.next().expect("its place is free some time");
    }
    set(&server, &["--groups", "none"]);
    bob.create_group("Two", ["alice"]).await.expect("there is no bound any more");
}

#[tokio::test]
async fn what_is_said_to_be_there_is_there_and_a_restart_changes_nothing() {
    let mut server = Server::roomy();
    {
        let (alice, bob) = pair(&server).await;
        let room = alice.create_group("Lunch", ["bob"]).await.unwrap();
        let root = room.send("one").await.unwrap().seq;
        room.send(parlour::Draft { thread_root: Some(root), ..parlour::Draft::from("a reply") })
            .await
            .unwrap();
        bob.room(room.id()).send("two").await.unwrap();
        alice.open_direct("bob").await.unwrap();
        let denied = alice.directory().usage().await;
        assert_eq!(refused(denied), Some(ErrorReason::ScopeMissing));
    }
    let admin = admin(&server).await;
    let told = admin.directory().usage().await.expect("it has the scope");
    assert_eq!((told.users, told.groups, told.direct_rooms), (3, 1, 1));
    // That the caller came in may just be being written.
    assert!((2..=3).contains(&told.active_users), "{told:?}");
    assert_eq!((told.messages, told.replies, told.quotas.users), (2, 1, None));
    admin.disconnect().await;
    server.stop();
    server.run().expect("it starts again");
    let after = usage(&server, ORG);
    for (what, expected) in [
        ("users", 3),
        ("active_users", 3),
        ("groups", 1),
        ("direct_rooms", 1),
        ("messages", 2),
        ("replies", 1),
        ("devices", 0),
    ] {
        assert_eq!(after["usage"][what], expected, "{what}: {after}");
    }
    assert_eq!(usage(&server, "nobody")["usage"]["users"], 0);
    assert_eq!(after["quotas"]["users"], 0);
    assert!(after["set"].as_object().is_some_and(serde_json::Map::is_empty), "{after}");
}

#[tokio::test]
async fn only_who_runs_the_server_sets_quotas() {
    let server = Server::roomy();
    let call = |token: &str, method: &str, body: &Value| {
        let (status, answer) = http::call(server.ready().http, token, method, body);
        (status, answer.into_iter().next().unwrap_or_default())
    };
    let body = json!({ "quotas": { "users": "7", "devices": "0" } });
    let admin = server.token(ORG, "root", &["--scope", "admin:usage admin:directory"]);
    let (status, _) = call(&admin, "QuotaAdminService.SetQuotas", &body);
    assert_eq!(status, 403);
    let deployer = server.token(ORG, "deployer", &["--scope", "admin:quotas"]);
    assert_eq!(call(&deployer, "QuotaAdminService.SetQuotas", &body).0, 200);
    let (_, told) = call(&admin, "QuotaAdminService.GetUsage", &json!({}));
    assert_eq!(
        (&told["quotas"]["users"], &told["set"]["users"]),
        (&json!("7"), &json!("7")),
        "{told}"
    );
    for wrong in [json!({}), json!({ "quotas": { "users": "-1" } }), json!({ "quotas": 7 })] {
        assert_eq!(call(&deployer, "QuotaAdminService.SetQuotas", &wrong).0, 400, "{wrong}");
    }
    for words in [
        &["--users", "0"][..],
        &["--users", "many"],
        &["--attachments-mb", "18446744073709551615"],
        &[],
    ] {
        let words = [&["admin", "quota", "set", "--org", ORG], words].concat();
        assert!(!server.command(&words).status.success(), "{words:?}");
    }
}
