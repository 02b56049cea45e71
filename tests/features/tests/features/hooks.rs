//! Incoming webhooks: made, listed and revoked by those who may, posted to by whoever knows the address.

use bytes::Bytes;
use parlour_features::{
    http::{Reply, call, request},
    raw::{CallError, Client},
    server::{Options, ROOMY, Server},
    token::claims,
    world::{ORG, client_ref, group, join, text_of},
};
use parlour_protocol::{
    generated::{
        EventMessage,
        rpc::{ArchiveRoom, CreateHook, GetUsers, ListHooks, RevokeHook},
    },
    hook::{
        CreateHookRequest, CreateHookResponse, HookCreated, HookRevoked, ListHooksRequest,
        RevokeHookRequest,
    },
    ids::{ClientRef, RoomId},
    room::ArchiveRoomRequest,
    user::GetUsersRequest,
    wire::ErrorReason,
};
use serde_json::{Value, json};

const JSON: &str = "Content-Type: application/json\r\n";

fn post(server: &Server, path: &str, body: &Value) -> Reply {
    let body = body.to_string();
    request(server.ready().http, "POST", path, JSON, body.as_bytes()).expect("answered")
}

fn reason(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    (reply.status, body["error"]["reason"].as_str().unwrap_or_default().to_owned())
}

async fn hook(client: &Client, room: &Bytes, name: &str) -> Result<CreateHookResponse, CallError> {
    let request =
        CreateHookRequest { room: room.clone(), client_ref: client_ref(), name: name.into() };
    client.call::<CreateHook>(&request).await
}

fn is(result: Result<impl std::fmt::Debug, CallError>, reason: ErrorReason) {
    let error = result.expect_err("refused");
    assert_eq!(error.reason(), reason as i32, "{error:?}");
}

#[tokio::test]
async fn whoever_knows_the_address_posts_under_the_hooks_name() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let room = group(&ada, "builds", &["bob"]).await;
    bob.hears(101).await;
    let made = hook(&ada, &room, "Build server").await.expect("its creator may");
    let hook = made.hook.expect("a hook");
    bob.hears(HookCreated::RULE.kind).await;
    let slack = json!({ "text": "The build is done", "username": "x", "icon_emoji": ":x:" });
    let reply = post(&server, &made.path, &slack);
    assert_eq!((reply.status, &reply.json()["ok"]), (200, &true.into()));
    let heard = bob.hears(10).await;
    assert_eq!(text_of(&heard.body), "The build is done");
    let header = heard.header.expect("a header");
    assert_eq!((&header.sender, header.msg_no), (&hook.user, 1), "it counts as any message");
    let asked = GetUsersRequest { users: vec![hook.user.clone()], subjects: vec![] };
    let users = bob.call::<GetUsers>(&asked).await.expect("asked").users;
    assert_eq!(users[0].name, "Build server");

    // With a ref it is said once, without one each time.
    let own = ClientRef::parse(&client_ref()).expect("a ref").to_string();
    let once = json!({ "text": "once", "client_ref": own });
    let (first, second) = (post(&server, &made.path, &once), post(&server, &made.path, &once));
    assert_eq!(first.json()["seq"], second.json()["seq"]);
    let other = json!({ "text": "another", "client_ref": own });
    assert_eq!(reason(&post(&server, &made.path, &other)), (409, "REF_CONFLICT".into()));
    let twice = json!({ "text": "twice" });
    let (first, second) = (post(&server, &made.path, &twice), post(&server, &made.path, &twice));
    assert_ne!(first.json()["seq"], second.json()["seq"]);
}

#[tokio::test]
async fn a_revoked_hook_is_gone_at_once_and_for_good() {
    let mut server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = group(&ada, "builds", &[]).await;
    let kept = hook(&ada, &room, "kept").await.expect("made");
    let made = hook(&ada, &room, "Build server").await.expect("made");
    let id = made.hook.expect("a hook").id;
    let list = ListHooksRequest { room: room.clone() };
    let hooks = ada.call::<ListHooks>(&list).await.expect("listed").hooks;
    // The oldest first, but two may be made in the same millisecond.
    let mut names: Vec<_> = hooks.iter().map(|hook| &*hook.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["Build server", "kept"]);
    let revoke = RevokeHookRequest { room: room.clone(), hook: id };
    ada.call::<RevokeHook>(&revoke).await.expect("revoked");
    ada.hears(HookRevoked::RULE.kind).await;
    let hello = json!({ "text": "hello" });
    assert_eq!(reason(&post(&server, &made.path, &hello)), (404, "HOOK_NOT_FOUND".into()));
    is(ada.call::<RevokeHook>(&revoke).await, ErrorReason::HookNotFound);
    drop(ada);
    server.kill();
    server.run().expect("it starts again");
    assert_eq!(reason(&post(&server, &made.path, &hello)), (404, "HOOK_NOT_FOUND".into()));
    assert_eq!(post(&server, &kept.path, &hello).status, 200, "the other one is still there");
}

#[tokio::test]
async fn hooks_are_for_those_who_may_and_have_bounds() {
    let server = Server::roomy();
    let (ada, bob) = (join(&server, "ada").await, join(&server, "bob").await);
    let eve = join(&server, "eve").await;
    let room = group(&ada, "builds", &["bob"]).await;
    is(hook(&bob, &room, "x").await, ErrorReason::NotAllowed);
    is(hook(&eve, &room, "x").await, ErrorReason::RoomNotFound);
    let list = ListHooksRequest { room: room.clone() };
    is(bob.call::<ListHooks>(&list).await, ErrorReason::NotAllowed);
    is(eve.call::<ListHooks>(&list).await, ErrorReason::RoomNotFound);
    for name in ["", "a\nb", &"x".repeat(81)] {
        is(hook(&ada, &room, name).await, ErrorReason::InvalidField);
    }
    let request =
        CreateHookRequest { room: room.clone(), client_ref: client_ref(), name: "one".into() };
    let first = ada.call::<CreateHook>(&request).await.expect("made");
    let again = ada.call::<CreateHook>(&request).await.expect("the same");
    assert_eq!((again.hook, again.deduplicated), (first.hook, true));
    assert_eq!(again.path, "", "the secret is told once");
    for nth in 1..20 {
        hook(&ada, &room, &format!("hook {nth}")).await.expect("made");
    }
    is(hook(&ada, &room, "one too many").await, ErrorReason::TooManyHooks);
    let archive = ArchiveRoomRequest { room: room.clone(), archived: true };
    ada.call::<ArchiveRoom>(&archive).await.expect("archived");
    let reply = post(&server, &first.path, &json!({ "text": "x" }));
    assert_eq!(reason(&reply), (409, "ROOM_ARCHIVED".into()));
}

#[tokio::test]
async fn what_is_no_post_is_refused_and_secrets_are_in_no_log() {
    let config = ROOMY
        .replace("calls_per_second_per_user = 100000.0", "calls_per_second_per_user = 0.5")
        .replace("calls_burst_per_user = 100000", "calls_burst_per_user = 40");
    let server = Server::start(Options::config(config));
    let ada = join(&server, "ada").await;
    let room = group(&ada, "builds", &[]).await;
    let path = hook(&ada, &room, "Build server").await.expect("made").path;
    for body in [json!({}), json!([]), json!({ "text": 7 }), json!("x"), json!(null)] {
        assert_eq!(reason(&post(&server, &path, &body)), (400, "MALFORMED_REQUEST".into()));
    }
    let long = "x".repeat(20_000);
    for body in [
        json!({ "text": "" }),
        json!({ "text": long }),
        json!({ "text": "x", "client_ref": "x" }),
        json!({ "text": "x", "client_ref": "01900000-0000-4000-8000-000000000000" }),
    ] {
        assert_eq!(reason(&post(&server, &path, &body)), (400, "INVALID_FIELD".into()), "{body}");
    }
    let plain = request(server.ready().http, "POST", &path, "Content-Type: text/plain\r\n", b"x");
    assert_eq!(plain.expect("answered").status, 415);
    let hello = json!({ "text": "x" });
    let at = path.len() - 3;
    let changed = format!("{}AAA", &path[..at]);
    for wrong in ["/parlour/v1/hooks/x", "/parlour/v1/hooks/!", &path[..at], &changed] {
        assert_eq!(
            reason(&post(&server, wrong, &hello)),
            (404, "HOOK_NOT_FOUND".into()),
            "{wrong}"
        );
    }
    let slowed = (0..60).map(|_| post(&server, &path, &hello)).find(|reply| reply.status == 429);
    let slowed = slowed.expect("it comes too fast");
    assert_eq!(reason(&slowed).1, "RATE_LIMITED");
    assert!(slowed.header("retry-after").is_some());
    let secret = path.rsplit('/').next().expect("a secret");
    assert!(!server.log().contains(secret), "the secret is in the log");
}

#[tokio::test]
async fn operators_look_after_the_hooks_of_any_room() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let id = group(&ada, "builds", &[]).await;
    let room = RoomId::parse(&id).expect("an id").to_string();
    let hooks = |more: &[&str]| {
        let words = [&["admin", "hooks", "--org", ORG, "--room", &room], more].concat();
        let output = server.command(&words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    let path = hooks(&["--create", "Build server"]);
    assert_eq!(post(&server, &path, &json!({ "text": "hello" })).status, 200);
    let listed = hooks(&[]);
    let (hook, name) = listed.split_once(' ').expect("a hook");
    assert_eq!(name, "Build server");
    assert!(!listed.contains(path.rsplit('/').next().expect("a secret")));
    hooks(&["--revoke", hook]);
    assert_eq!(hooks(&[]), "");
    assert_eq!(post(&server, &path, &json!({ "text": "hello" })).status, 404);
    let other = server.command(&["admin", "hooks", "--org", "another", "--room", &room]);
    assert!(!other.status.success(), "another organization's room isn't there");
}

#[tokio::test]
async fn a_script_makes_a_hook_over_http() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = RoomId::parse(&group(&ada, "builds", &[]).await).expect("an id").to_string();
    let token = server.sign(&claims(ORG, "ada"));
    let own = ClientRef::parse(&client_ref()).expect("a ref").to_string();
    let body = json!({ "room": room, "client_ref": own, "name": "Build server" });
    let (status, lines) = call(server.ready().http, &token, "HookService.CreateHook", &body);
    assert_eq!(status, 200, "{lines:?}");
    let path = lines[0]["path"].as_str().expect("an address");
    assert_eq!(post(&server, path, &json!({ "text": "hello" })).status, 200);
}
