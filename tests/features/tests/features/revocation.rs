//! Revocation: by the command line and by a call, of a user, a session or a token; silent within
//! two seconds, and for good.

use std::time::{Duration, Instant};

use parlour_daemon::auth::TokenRequest;
use parlour_features::{
    raw::{Client, PATIENCE, hello, hello_frame, say_wrong},
    server::Server,
    token::claims,
    world::{ORG, join},
};
use parlour_protocol::{
    generated::rpc::{GetUsers, Reauth, Revoke},
    ids::SessionId,
    session::{ReauthRequest, RevokeRequest, revoke_request::What},
    user::GetUsersRequest,
    wire::{CloseCode, ErrorReason, Hello, server_frame},
};

const WITHIN: Duration = Duration::from_secs(2);

/// A user with a token by that name.
async fn with_token(server: &Server, sub: &str, jti: &str) -> (Client, Hello) {
    let claims = TokenRequest { jti: Some(jti.to_owned()), ..claims(ORG, sub) };
    let hello = hello(server.sign(&claims));
    (server.door().connect(hello.clone()).await.expect("welcomed"), hello)
}

async fn assert_closed(client: &Client, since: Instant) {
    assert!(client.closed().await.is(CloseCode::Revoked));
    assert!(since.elapsed() < WITHIN, "took {:?}", since.elapsed());
    let said = client.notice(PATIENCE).await;
    assert!(matches!(said, Some(server_frame::Frame::Goodbye(_))), "{said:?}");
}

async fn assert_refused(server: &Server, hello: Hello) {
    let (_, lost) = say_wrong(&server.door(), &hello_frame(hello)).await;
    assert!(lost.is(CloseCode::Revoked), "{lost:?}");
}

async fn assert_stays(client: &Client) {
    client.call::<GetUsers>(&GetUsersRequest::default()).await.expect("not revoked");
}

#[tokio::test]
async fn the_command_line_revokes_users_sessions_and_tokens() {
    let server = Server::roomy();
    let bob = join(&server, "bob").await;
    let (ada, again) = with_token(&server, "ada", "one").await;
    let session = SessionId::parse(&ada.welcome().session).expect("16 bytes").to_string();
    for what in [["--token-id", "one"], ["--session", &session], ["--subject", "ada"]] {
        let (client, mut hello) = with_token(&server, "ada", "one-more").await;
        let (victim, mut again) = match what[0] {
            "--token-id" => with_token(&server, "ada", "one").await,
            "--session" => {
                let mut resuming = again.clone();
                resuming.token = hello.token.clone();
                resuming.resume = ada.welcome().resume.clone();
                let victim = server.door().connect(resuming.clone()).await.expect("resumed");
                assert!(victim.welcome().resumed);
                (victim, resuming)
            }
            _ => (client, hello.clone()),
        };
        let since = Instant::now();
        let output = server.command(&["revoke", "--org", ORG, what[0], what[1]]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_closed(&victim, since).await;
        again.features.clear();
        hello.features.clear();
        assert_refused(&server, again).await;
    }
    assert_stays(&bob).await;
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    for line in
        ["token one revoked", &format!("session {session} ended"), "all sessions of ada ended"]
    {
        assert!(audit.contains(&format!("operator: {line}")), "{line}: {audit}");
    }
}

#[tokio::test]
async fn a_call_revokes_what_its_scope_allows() {
    let server = Server::roomy();
    let admin = TokenRequest { scope: Some("admin:sessions".into()), ..claims(ORG, "root") };
    let admin = server.door().connect(hello(server.sign(&admin))).await.expect("welcomed");
    let bob = join(&server, "bob").await;
    let revoke = RevokeRequest { what: Some(What::Subject("ada".into())) };
    let refused = bob.call::<Revoke>(&revoke).await.expect_err("bob lacks the scope");
    assert_eq!(refused.reason(), ErrorReason::ScopeMissing as i32);

    let (phone, hello) = with_token(&server, "ada", "phone").await;
    let (laptop, _) = with_token(&server, "ada", "laptop").await;
    let since = Instant::now();
    let one = RevokeRequest { what: Some(What::TokenId("laptop".into())) };
    assert_eq!(admin.call::<Revoke>(&one).await.expect("allowed").closed, 1);
    assert_closed(&laptop, since).await;
    assert_stays(&phone).await;
    let since = Instant::now();
    assert_eq!(admin.call::<Revoke>(&revoke).await.expect("allowed").closed, 1);
    assert_closed(&phone, since).await;
    assert_refused(&server, hello).await;
    assert_stays(&bob).await;
    let audit = server.printed(&["admin", "audit", "--org", ORG]);
    assert!(audit.contains("root: all sessions of ada ended"), "{audit}");
}

#[tokio::test]
async fn tokens_issued_after_the_revocation_are_good_and_older_ones_are_not() {
    let server = Server::roomy();
    let (ada, hello_before) = with_token(&server, "ada", "before").await;
    drop(ada);
    let output = server.command(&["revoke", "--org", ORG, "--subject", "ada"]);
    assert!(output.status.success());
    // Tokens count in whole seconds, and one may be a little ahead.
    let now = claims(ORG, "ada");
    let later = TokenRequest { iat: now.iat + 2, ..now };
    let ada = server.door().connect(hello(server.sign(&later))).await.expect("a newer token");
    let stolen = ReauthRequest { token: hello_before.token };
    let refused = ada.call::<Reauth>(&stolen).await.expect_err("an older token");
    assert_eq!(refused.reason(), ErrorReason::TokenRevoked as i32);
}

#[tokio::test]
async fn a_revocation_outlives_the_server_and_works_without_one() {
    let mut server = Server::roomy();
    let (ada, by_ada) = with_token(&server, "ada", "a").await;
    let (bob, by_bob) = with_token(&server, "bob", "b").await;
    drop((ada, bob));
    assert!(server.command(&["revoke", "--org", ORG, "--token-id", "a"]).status.success());
    server.kill();
    assert!(server.command(&["revoke", "--org", ORG, "--subject", "bob"]).status.success());
    server.run().expect("it starts again");
    assert_refused(&server, by_ada).await;
    assert_refused(&server, by_bob).await;
}
