//! Calls over HTTP that are refused: the right status, the right reason, and nothing done.

use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    http::{Reply, bearer, call, request},
    server::{Options, ROOMY, Server},
    token::{claims, secret, sign},
    world::{ORG, group, join},
};
use parlour_protocol::ids::RoomId;
use serde_json::{Value, json};

const PATH: &str = "/parlour/v1/rpc/";

fn post(server: &Server, method: &str, headers: &str, body: &[u8]) -> Reply {
    let path = format!("{PATH}{method}");
    request(server.ready().http, "POST", &path, headers, body).expect("answered")
}

/// Status and reason, of an answer that has the shape errors have.
fn refused(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    let error = &body["error"];
    for field in ["code", "reason", "message", "retry"] {
        assert!(error[field].is_string(), "{field}: {body}");
    }
    (reply.status, error["reason"].as_str().unwrap_or_default().to_owned())
}

fn reason(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

#[tokio::test]
async fn tokens_are_held_to_the_same_rules_as_on_a_connection() {
    let server = Server::roomy();
    let good = server.sign(&claims(ORG, "ada"));
    let now = claims(ORG, "ada");
    let expired = server.sign(&TokenRequest { iat: now.iat - 100, exp: now.iat - 60, ..now });
    let forged = sign("local", &secret(), &claims(ORG, "ada"));
    let long = "x".repeat(9000);
    let method = "SettingsService.GetSettings";
    for (headers, why) in [
        (String::new(), "TOKEN_INVALID"),
        ("Authorization: Basic YWRhOnB3\r\n".to_owned(), "TOKEN_INVALID"),
        (bearer(""), "TOKEN_INVALID"),
        (bearer("a.b.c"), "TOKEN_INVALID"),
        (bearer(&good[..good.len() - 2]), "TOKEN_INVALID"),
        (bearer(&forged), "TOKEN_INVALID"),
        (bearer(&long), "TOKEN_INVALID"),
        (bearer(&expired), "TOKEN_EXPIRED"),
    ] {
        let reply = post(&server, method, &headers, b"{}");
        assert_eq!(refused(&reply), reason(401, why));
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let good = bearer(&good).replace("Bearer", "bearer");
    assert_eq!(post(&server, method, &good, b"{}").status, 200);
}

#[tokio::test]
async fn what_is_revoked_is_refused_at_once() {
    let server = Server::roomy();
    let one = TokenRequest { jti: Some("one".into()), ..claims(ORG, "ada") };
    let token = server.sign(&one);
    let method = "SettingsService.GetSettings";
    assert_eq!(post(&server, method, &bearer(&token), b"{}").status, 200);
    let output = server.command(&["revoke", "--org", ORG, "--token-id", "one"]);
    assert!(output.status.success());
    let reply = post(&server, method, &bearer(&token), b"{}");
    assert_eq!(refused(&reply), reason(401, "TOKEN_REVOKED"));
    // Another one of the same user is another token.
    let other = server.sign(&claims(ORG, "ada"));
    assert_eq!(post(&server, method, &bearer(&other), b"{}").status, 200);
    let output = server.command(&["revoke", "--org", ORG, "--subject", "ada"]);
    assert!(output.status.success());
    let reply = post(&server, method, &bearer(&other), b"{}");
    assert_eq!(refused(&reply), reason(401, "TOKEN_REVOKED"));
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_says_why() {
    let server = Server::roomy();
    let token = server.sign(&claims(ORG, "ada"));
    let json = bearer(&token);
    let plain = json.replace("application/json", "text/plain");
    let form = json.replace("application/json", "application/x-www-form-urlencoded");
    let send = "MessageService.Send";
    let bad =
        |headers: &str, method: &str, body: &[u8]| refused(&post(&server, method, headers, body));
    for method in
        ["Nothing.Known", "Send", "messageservice.send", "parlour.message.v1.MessageService.Send"]
    {
        assert_eq!(bad(&json, method, b"{}"), reason(404, "UNKNOWN_METHOD"), "{method}");
    }
    for headers in [&plain, &form] {
        assert_eq!(bad(headers, send, b"{}"), reason(415, "MALFORMED_REQUEST"));
    }
    for body in [&b"{\"room\":"[..], b"[]", b"null", b"{}{}", b"\xff\xfe", b"{\"room\":\"\xff\"}"] {
        assert_eq!(bad(&json, send, body), reason(400, "MALFORMED_REQUEST"));
    }
    let huge = vec![b' '; 10 * 1024 * 1024];
    assert_eq!(bad(&json, send, &huge), reason(413, "BODY_TOO_LARGE"));
    let long = json!({ "body": { "text": "x".repeat(100_000) } }).to_string();
    assert_eq!(bad(&json, send, long.as_bytes()), reason(413, "BODY_TOO_LARGE"));
    let get = request(server.ready().http, "GET", &format!("{PATH}{send}"), &json, b"");
    assert_eq!(get.expect("answered").status, 405);
    for method in [
        "SessionService.Reauth",
        "SyncService.Subscribe",
        "PresenceService.SetPresence",
        "PresenceService.WatchPresence",
    ] {
        assert_eq!(bad(&json, method, b"{}"), reason(409, "NEEDS_CONNECTION"), "{method}");
    }
    let admin = "DirectoryAdminService.ListMemberships";
    assert_eq!(bad(&json, admin, b"{}"), reason(403, "SCOPE_MISSING"));
}

#[tokio::test]
async fn the_field_that_is_wrong_is_named() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let room = RoomId::parse(&group(&ada, "kitchen", &[]).await).expect("an id").to_string();
    let token = server.sign(&claims(ORG, "ada"));
    let http = server.ready().http;
    for (body, field) in [
        (json!({ "rooom": room }), "rooom"),
        (json!({ "room": room, "body": { "txt": "x" } }), "body.txt"),
        (json!({ "room": "x" }), "room"),
        (json!({ "room": "AAAA" }), "room"),
        (json!({}), "room"),
        (json!({ "room": room, "body": { "text": "x" } }), "client_ref"),
        (json!({ "room": room, "client_ref": room, "body": { "text": "x" } }), "client_ref"),
    ] {
        let (status, lines) = call(http, &token, "MessageService.Send", &body);
        assert_eq!(status, 400, "{body}: {lines:?}");
        let error = &lines[0]["error"];
        assert_eq!(error["reason"], "INVALID_FIELD");
        assert_eq!(error["violations"][0]["field"], field, "{error}");
    }
}

#[tokio::test]
async fn a_room_one_may_not_see_is_answered_as_one_that_is_not_there() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    let secret = RoomId::parse(&group(&ada, "secret", &[]).await).expect("an id").to_string();
    let nowhere = "018f0000-0000-7000-8000-000000000000";
    let token = server.sign(&claims(ORG, "eve"));
    let http = server.ready().http;
    let client_ref = "0190fffe-0000-7000-8000-000000000000";
    let bodies = |room: &str| {
        [
            ("RoomService.GetRoom", json!({ "room": room })),
            ("RoomService.ListMembers", json!({ "room": room })),
            ("SyncService.ReadLog", json!({ "room": room })),
            ("SyncService.ReadTimeline", json!({ "room": room, "limit": 5 })),
            ("PinService.ListPins", json!({ "room": room })),
            ("AccessService.GetAccess", json!({ "room": room })),
            (
                "MessageService.Send",
                json!({ "room": room, "client_ref": client_ref, "body": { "text": "x" } }),
            ),
            ("AppService.Signal", json!({ "room": room, "body": { "name": "com.example.x" } })),
        ]
    };
    let answers = |room: &str| -> Vec<(u16, Vec<Value>)> {
        bodies(room).iter().map(|(method, body)| call(http, &token, method, body)).collect()
    };
    let (of_secret, of_nothing) = (answers(&secret), answers(nowhere));
    assert_eq!(of_secret, of_nothing);
    for (status, lines) in of_secret {
        assert_eq!((status, &lines[0]["error"]["reason"]), (404, &"ROOM_NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn rates_hold_and_say_how_long_to_wait() {
    let config = ROOMY
        .replace("calls_per_second_per_user = 100000.0", "calls_per_second_per_user = 0.5")
        .replace("calls_burst_per_user = 100000", "calls_burst_per_user = 5");
    let server = Server::start(Options::config(config));
    let token = server.sign(&claims(ORG, "ada"));
    let method = "SettingsService.GetSettings";
    let replies: Vec<Reply> =
        (0..20).map(|_| post(&server, method, &bearer(&token), b"{}")).collect();
    let through = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((5..10).contains(&through), "{through}");
    let last = replies.last().expect("some");
    assert_eq!(refused(last), reason(429, "RATE_LIMITED"));
    let wait: u64 = last.header("retry-after").expect("it says so").parse().expect("seconds");
    assert!((1..=3).contains(&wait), "{wait}");
    assert!(last.json()["error"]["retryAfterMs"].as_u64().is_some_and(|ms| ms <= wait * 1000));
    // Another user isn't slowed.
    let bob = server.sign(&claims(ORG, "bob"));
    assert_eq!(post(&server, method, &bearer(&bob), b"{}").status, 200);
}

#[tokio::test]
async fn nothing_of_a_request_is_in_the_log() {
    let server = Server::roomy();
    let token = server.sign(&claims(ORG, "ada"));
    let secret = "canary-in-a-body";
    let body = json!({ "room": secret, "body": { "text": secret } }).to_string();
    for headers in [bearer(&token), bearer("canary-in-a-token")] {
        let _ = post(&server, "MessageService.Send", &headers, body.as_bytes());
        let _ = post(&server, "canary-in-a-path", &headers, body.as_bytes());
    }
    let log = server.log();
    assert!(!log.contains("canary") && !log.contains(&token), "{log}");
}
