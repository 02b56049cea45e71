//! Tokens: refused ones, rotated keys, reauthentication while connected.

use std::time::Duration;

use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    raw::{Lost, PATIENCE, hello, hello_frame, say_wrong},
    server::{Options, ROOMY, Server},
    token::{claims, forge, open, secret, sign},
    world::{ORG, join},
};
use parlour_protocol::{
    generated::rpc::{GetUsers, Reauth},
    limits::TOKEN_BYTES_MAX,
    session::ReauthRequest,
    user::GetUsersRequest,
    wire::{CloseCode, ErrorReason, server_frame},
};
use serde_json::{Value, json};

fn with_keys(keys: &[(&str, &str)]) -> String {
    let mut config = ROOMY.to_owned();
    for (id, secret) in keys {
        config.push_str(&format!(
            "[[auth.keys]]\nid = \"{id}\"\nalgorithm = \"HS256\"\nsecret = \"{secret}\"\n"
        ));
    }
    config
}

fn changed(mut value: Value, field: &str, to: Value) -> Value {
    value[field] = to;
    value
}

fn without(mut value: Value, field: &str) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.remove(field);
    }
    value
}

/// Tokens that are nobody's, by what is wrong with them.
fn forgeries(server: &Server) -> Vec<(&'static str, String)> {
    let good = server.sign(&claims(ORG, "ada"));
    let (header, payload) = open(&good);
    let key = server.own_secret();
    let key = base64_bytes(&key);
    let again = |header: Value, payload: Value| forge(&header, &payload, &key);
    let (body, signature) = good.rsplit_once('.').expect("a token has three parts");
    let next_hour = claims(ORG, "ada").exp;
    vec![
        ("empty", String::new()),
        ("not a token", "let me in".into()),
        ("two parts", body.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("no signature", format!("{body}.")),
        ("another key", forge(&header, &payload, b"0123456789abcdef0123456789abcdef")),
        ("no algorithm", again(changed(header.clone(), "alg", json!("none")), payload.clone())),
        (
            "another algorithm",
            again(changed(header.clone(), "alg", json!("RS256")), payload.clone()),
        ),
        ("an unknown key", again(changed(header.clone(), "kid", json!("theirs")), payload.clone())),
        ("a key in the header", {
            let header = without(changed(header.clone(), "jwk", json!({"kty": "oct"})), "kid");
            forge(&header, &payload, b"")
        }),
        (
            "a critical extension",
            again(changed(header.clone(), "crit", json!(["b64"])), payload.clone()),
        ),
        ("no subject", again(header.clone(), without(payload.clone(), "sub"))),
        ("an empty subject", again(header.clone(), changed(payload.clone(), "sub", json!("")))),
        ("a long subject", {
            again(header.clone(), changed(payload.clone(), "sub", json!("a".repeat(256))))
        }),
        ("no organization", again(header.clone(), without(payload.clone(), "org"))),
        ("no end", again(header.clone(), without(payload.clone(), "exp"))),
        ("an end that is text", again(header.clone(), changed(payload.clone(), "exp", json!("x")))),
        ("not yet valid", again(header.clone(), changed(payload.clone(), "nbf", json!(next_hour)))),
        (
            "issued tomorrow",
            again(header.clone(), changed(payload.clone(), "iat", json!(next_hour))),
        ),
        ("oversized", {
            let scope = json!("a ".repeat(TOKEN_BYTES_MAX / 2));
            again(header.clone(), changed(payload.clone(), "scope", scope))
        }),
    ]
}

fn base64_bytes(text: &str) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(text).expect("the secret is base64")
}

#[tokio::test]
async fn forged_tokens_are_refused_at_the_door_and_on_a_live_connection() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    for (what, token) in forgeries(&server) {
        let (goodbye, lost) = say_wrong(&server.door(), &hello_frame(hello(&token[..]))).await;
        assert!(lost.is(CloseCode::TokenInvalid), "{what}: {lost:?}");
        assert_eq!(goodbye.map(|said| said.code), Some(CloseCode::TokenInvalid as i32), "{what}");
        let refused = ada.call::<Reauth>(&ReauthRequest { token }).await;
        let refused = refused.expect_err("no forgery is accepted");
        assert_eq!(refused.reason(), ErrorReason::TokenInvalid as i32, "{what}");
    }
    // None of it harmed the connection they were tried on.
    ada.call::<GetUsers>(&GetUsersRequest::default()).await.expect("still connected");
    join(&server, "bob").await;
}

#[tokio::test]
async fn an_expired_token_is_refused_as_expired() {
    let server = Server::roomy();
    let past = TokenRequest { exp: claims(ORG, "ada").iat - 60, ..claims(ORG, "ada") };
    let past = TokenRequest { iat: past.exp - 60, ..past };
    let token = server.sign(&past);
    let (_, lost) = say_wrong(&server.door(), &hello_frame(hello(&token[..]))).await;
    assert!(lost.is(CloseCode::TokenExpired), "{lost:?}");
    let ada = join(&server, "ada").await;
    let refused = ada.call::<Reauth>(&ReauthRequest { token }).await.expect_err("expired");
    assert_eq!(refused.reason(), ErrorReason::TokenExpired as i32);
}

#[tokio::test]
async fn the_command_line_makes_tokens_the_server_takes() {
    let server = Server::roomy();
    let token = server.token("acme", "ada", &["--name", "Ada L.", "--ttl", "5m"]);
    let ada = server.door().connect(hello(token)).await.expect("welcomed");
    assert_eq!(ada.welcome().name, "Ada L.");
    let minutes = (ada.welcome().auth_expires_ms - ada.welcome().server_time_ms).div_ceil(60_000);
    assert_eq!(minutes, 5);
    let other = server.token("other", "ada", &[]);
    let other = server.door().connect(hello(other)).await.expect("welcomed");
    assert_ne!(other.user(), ada.user(), "users are users of an organization");
}

#[tokio::test]
async fn a_token_that_ends_asks_for_a_new_one_and_without_it_the_session_ends() {
    let server = Server::roomy();
    let brief = |sub: &str| {
        let claims = claims(ORG, sub);
        hello(server.sign(&TokenRequest { exp: claims.iat + 4, ..claims }))
    };
    let door = server.door();
    let ada = door.connect(brief("ada")).await.expect("welcomed");
    let bob = door.connect(brief("bob")).await.expect("welcomed");
    for client in [&ada, &bob] {
        let notice = client.notice(PATIENCE).await;
        let Some(server_frame::Frame::ReauthRequired(asked)) = notice else { panic!("{notice:?}") };
        assert!(asked.deadline_ms <= client.welcome().auth_expires_ms);
        assert!(asked.deadline_ms > client.welcome().server_time_ms);
    }
    let token = server.sign(&claims(ORG, "ada"));
    let renewed = ada.call::<Reauth>(&ReauthRequest { token }).await.expect("a newer token");
    assert!(renewed.auth_expires_ms > ada.welcome().auth_expires_ms);
    assert!(bob.closed().await.is(CloseCode::TokenExpired));
    let said = bob.notice(PATIENCE).await;
    let Some(server_frame::Frame::Goodbye(goodbye)) = said else { panic!("{said:?}") };
    assert_eq!(goodbye.code, CloseCode::TokenExpired as i32);
    ada.call::<GetUsers>(&GetUsersRequest::default()).await.expect("ada stays");
}

#[tokio::test]
async fn a_connection_stays_its_users() {
    let server = Server::roomy();
    let ada = join(&server, "ada").await;
    for (org, sub) in [(ORG, "bob"), ("other", "ada")] {
        let token = server.sign(&claims(org, sub));
        let refused = ada.call::<Reauth>(&ReauthRequest { token }).await.expect_err("not ada");
        assert_eq!(refused.reason(), ErrorReason::SubjectChanged as i32);
    }
}

#[tokio::test]
async fn keys_are_rotated_without_a_restart_and_a_removed_one_ends_its_sessions() {
    let (old, new) = (secret(), secret());
    let mut server = Server::start(Options::config(with_keys(&[("old", &old)])));
    let by = |id: &str, secret: &str| hello(sign(id, secret, &claims(ORG, "ada")));
    let door = server.door();
    let before = door.connect(by("old", &old)).await.expect("the old key holds");
    let (_, lost) = say_wrong(&door, &hello_frame(by("new", &new))).await;
    assert!(lost.is(CloseCode::TokenInvalid));

    server.write_config(&with_keys(&[("old", &old), ("new", &new)]));
    server.reload();
    let after = door.connect(by("new", &new)).await.expect("the new key holds");
    let both = door.connect(by("old", &old)).await.expect("the old one still does");

    server.write_config(&with_keys(&[("new", &new)]));
    server.reload();
    for client in [before, both] {
        assert!(client.closed().await.is(CloseCode::TokenInvalid));
    }
    let (_, lost) = say_wrong(&door, &hello_frame(by("old", &old))).await;
    assert!(lost.is(CloseCode::TokenInvalid));
    after.call::<GetUsers>(&GetUsersRequest::default()).await.expect("the new one stays");
    server.assert_well();
}

#[tokio::test]
async fn a_configuration_that_is_wrong_changes_nothing() {
    let key = secret();
    let server = Server::start(Options::config(with_keys(&[("main", &key)])));
    server.write_config("[auth]\nleeway_s = \"soon\"\n");
    server.signal("HUP");
    server.logs("nothing changed");
    let token = sign("main", &key, &claims(ORG, "ada"));
    let ada = server.door().connect(hello(token)).await.expect("the old key holds");
    let silence = ada.notice(Duration::from_millis(700)).await;
    assert!(silence.is_none(), "{silence:?}");
    let lost: Option<Lost> = ada.connection().close_reason();
    assert_eq!(lost, None);
}
