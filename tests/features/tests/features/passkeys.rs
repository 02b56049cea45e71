//! Passkeys over the bare protocol, with an authenticator in software: added, signed in with, replayed,
//! removed.

use bytes::Bytes;
use parlour_daemon::clock::random;
use parlour_features::{
    authenticator::{Assertion, Authenticator},
    raw::{Client, Lane, PATIENCE, client_frame as framed, hello, lane_of},
    server::Server,
};
use parlour_protocol::{
    account::{
        AddPasskeyRequest, BeginPasskeyRequest, ListPasskeysRequest, LoginMethod,
        RemovePasskeyRequest,
    },
    generated::rpc::{AddPasskey, BeginPasskey, ListLogins, ListPasskeys, RemovePasskey},
    wire::{
        CodeSignIn, ErrorReason, PasskeyChallenge, PasskeyQuestion, PasskeySignIn, ServerFrame,
        SignIn, SignedIn, client_frame, server_frame, sign_in::How, sign_in_result::Result as Said,
    },
};

const ORIGIN: &str = "http://localhost:8080";

/// Says one sign-in on a connection of its own.
async fn says(server: &Server, how: How) -> Said {
    let request = SignIn {
        how: Some(how),
        next_hash: Bytes::copy_from_slice(&random::<32>()),
        device: Bytes::from_static(&[7; 16]),
        agent: "features/1".into(),
    };
    let connection = server.door().handshake().await.expect("connected");
    let frame = framed(client_frame::Frame::SignIn(request));
    let mut lane: Lane = lane_of(&connection, &frame).await.expect("open");
    let answer = tokio::time::timeout(PATIENCE, lane.next::<ServerFrame>()).await;
    match answer.expect("in time").expect("a frame").and_then(|frame| frame.frame) {
        Some(server_frame::Frame::SignInResult(result)) => result.result.expect("something"),
        other => panic!("{other:?}"),
    }
}

async fn challenge(server: &Server) -> PasskeyChallenge {
    match says(server, How::Question(PasskeyQuestion {})).await {
        Said::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

fn answer(key: &Authenticator, challenge: &PasskeyChallenge, assertion: Assertion) -> How {
    How::Passkey(PasskeySignIn {
        state: challenge.state.clone(),
        id: Bytes::copy_from_slice(&key.id),
        user: key.user.clone().into(),
        client_data_json: assertion.client_data_json.into(),
        authenticator_data: assertion.authenticator_data.into(),
        signature: assertion.signature.into(),
    })
}

fn signed_in(said: Said) -> SignedIn {
    match said {
        Said::SignedIn(signed_in) => signed_in,
        other => panic!("{other:?}"),
    }
}

fn refused(said: Said) {
    let Said::Error(error) = said else { panic!("{said:?}") };
    assert_eq!(error.reason, ErrorReason::SignInRefused as i32, "{error:?}");
}

async fn ada(server: &Server) -> Client {
    let link = server.printed(&["user", "add", "ada", "--org", "acme"]);
    let code = link.split("code=").nth(1).expect("a code").split(['&', '\n']).next();
    let code = code.expect("a code").to_owned();
    let said = says(server, How::Code(CodeSignIn { code, newcomer: None })).await;
    server.door().connect(hello(signed_in(said).token)).await.expect("welcomed")
}

async fn add(client: &Client, name: &str) -> Authenticator {
    let begun = client.call::<BeginPasskey>(&BeginPasskeyRequest {}).await.expect("may");
    assert_eq!((&*begun.host, begun.algorithms[0]), ("localhost", -7));
    let mut key = Authenticator::new(&begun.user);
    let made = key.register(&begun.challenge, &begun.host, ORIGIN);
    let request = AddPasskeyRequest {
        state: begun.state,
        client_data_json: made.0.into(),
        attestation_object: made.1.into(),
        name: name.into(),
        current: String::new(),
    };
    let passkey = client.call::<AddPasskey>(&request).await.expect("added").passkey;
    assert_eq!(passkey.expect("told").name, name);
    // The same answer again is no second passkey.
    let again = client.call::<AddPasskey>(&request).await.expect_err("is there");
    assert_eq!(again.reason(), ErrorReason::InvalidField as i32);
    key
}

#[tokio::test]
async fn a_passkey_signs_in_until_it_is_removed() {
    let server = Server::roomy();
    let client = ada(&server).await;
    let mut key = add(&client, "My laptop").await;
    let asked = challenge(&server).await;
    let assertion = key.sign(&asked.challenge, &asked.host, ORIGIN);
    let how = answer(&key, &asked, assertion);
    let first = signed_in(says(&server, how.clone()).await);
    assert_eq!((&*first.subject, &*first.org), ("ada", "acme"));
    let again = server.door().connect(hello(first.token)).await.expect("welcomed");
    let logins = again.call::<ListLogins>(&Default::default()).await.expect("read").logins;
    let current = logins.iter().find(|login| login.current).expect("this one");
    assert_eq!(current.method, LoginMethod::Passkey as i32);
    // Whoever repeats it has nothing of it.
    refused(says(&server, how).await);
    let listed = client.call::<ListPasskeys>(&ListPasskeysRequest {}).await.expect("read");
    assert!(listed.passkeys[0].used_ms > 0, "{:?}", listed.passkeys[0]);
    let begun = client.call::<BeginPasskey>(&BeginPasskeyRequest {}).await.expect("may");
    assert_eq!(begun.exclude, [Bytes::copy_from_slice(&key.id)]);
    let id = listed.passkeys[0].id.clone();
    client.call::<RemovePasskey>(&RemovePasskeyRequest { id }).await.expect("removed");
    let asked = challenge(&server).await;
    let assertion = key.sign(&asked.challenge, &asked.host, ORIGIN);
    refused(says(&server, answer(&key, &asked, assertion)).await);
    again.call::<ListLogins>(&Default::default()).await.expect("the login stays");
}

#[tokio::test]
async fn what_is_not_right_about_a_passkey_lets_nobody_in() {
    let server = Server::roomy();
    let client = ada(&server).await;
    let mut key = add(&client, "A key").await;
    let asked = challenge(&server).await;
    let elsewhere = key.sign(&asked.challenge, &asked.host, "https://localhost.example");
    refused(says(&server, answer(&key, &asked, elsewhere)).await);
    let other_host = key.sign(&asked.challenge, "example.org", ORIGIN);
    refused(says(&server, answer(&key, &asked, other_host)).await);
    let other_challenge = key.sign(&[1; 16], &asked.host, ORIGIN);
    refused(says(&server, answer(&key, &asked, other_challenge)).await);
    let mut stranger = Authenticator::new(&key.user);
    let forged = stranger.sign(&asked.challenge, &asked.host, ORIGIN);
    refused(says(&server, answer(&key, &asked, forged)).await);
    // The state of another's registration is no question to anybody.
    let begun = client.call::<BeginPasskey>(&BeginPasskeyRequest {}).await.expect("may");
    let swapped = PasskeyChallenge { state: begun.state, ..asked.clone() };
    let assertion = key.sign(&begun.challenge, &asked.host, ORIGIN);
    refused(says(&server, answer(&key, &swapped, assertion)).await);
    // Wrong ones before don't cost the right one its challenge.
    let right = key.sign(&asked.challenge, &asked.host, ORIGIN);
    signed_in(says(&server, answer(&key, &asked, right)).await);
    // An admin removes what is left of ways in.
    server.printed(&["user", "sign-out", "ada", "--org", "acme", "--remove-password"]);
    let asked = challenge(&server).await;
    let right = key.sign(&asked.challenge, &asked.host, ORIGIN);
    refused(says(&server, answer(&key, &asked, right)).await);
}
