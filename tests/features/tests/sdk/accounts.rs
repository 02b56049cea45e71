//! The Rust SDK against a real server that keeps the accounts itself: from the operator's first command
//! to people who talk, and to those who may not any more.

use std::{path::Path, time::Duration};

use crate::clients::{eventually, texts};
use parlour::{
    Builder, CallError, Client, ConnectError, Distrust, End, SignIn, SignInLink, State, Stop,
    Trust,
    protocol::{account::LoginMethod, wire::ErrorReason},
};
use parlour_features::server::{Options, ROOMY, Server};

/// Runs a command that prints a link.
fn link(server: &Server, words: &[&str]) -> SignInLink {
    let output = server.command(words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {complaint}");
    let text = String::from_utf8(output.stdout).expect("links are text");
    let (text, page) = text.split_once('\n').expect("a line to a link");
    let code = text.split(['=', '&']).nth(1).expect("a code");
    let kind = if words[0] == "invite" { "invite" } else { "sign-in" };
    let expected = format!("http://localhost:{}/#{kind}={code}\n", server.ready().http.port());
    assert_eq!(page, expected, "the second is for browsers");
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A client at the server, without a way to sign in.
fn at(server: &Server) -> Builder {
    let ready = server.ready();
    let trust = Trust::parse_sha256(&ready.sha256).expect("the server prints its hash");
    Client::builder().address(ready.quic.to_string()).trust(trust)
}

fn by_password(server: &Server, user: &str, password: &str) -> Builder {
    at(server).sign_in(SignIn::password("acme", user, password))
}

#[tokio::test]
async fn nobody_signs_in_at_a_server_whose_certificate_isnt_believed() {
    let server = Server::roomy();
    let other = Trust::CertificateSha256([1; 32]);
    let result =
        by_password(&server, "alice", "correct horse battery").trust(other).connect().await;
    let is_told = matches!(result, Err(ConnectError::Untrusted(Distrust::Fingerprint)));
    assert!(is_told, "{result:?}");
}

/// The client stops because its sign-in is refused.
async fn is_out(client: &Client, reason: ErrorReason) {
    let out = State::Stopped(Stop::SignInRefused(reason as i32));
    eventually(|| client.current_state() == out).await;
}

fn refused(result: Result<Client, ConnectError>) -> ErrorReason {
    match result {
        Err(ConnectError::Stopped(Stop::SignInRefused(reason))) => {
            ErrorReason::try_from(reason).expect("a reason of the registry")
        }
        Err(error) => panic!("refused otherwise: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

fn size(file: &Path) -> usize {
    std::fs::read(file).map_or(0, |bytes| bytes.len())
}

#[tokio::test]
async fn from_a_binary_to_people_who_talk() {
    let mut server = Server::roomy();
    let folder = tempfile::tempdir().unwrap();
    let for_alice = link(&server, &["user", "add", "alice", "--org", "acme", "--name", "Alice"]);
    let for_bob = link(&server, &["user", "add", "bob", "--org", "acme"]);
    assert!(!for_alice.is_invite());
    let cache = |name: &str| folder.path().join(name);
    let alice = Client::builder().link(&for_alice).cache(cache("alice"));
    let alice = alice.connect().await.unwrap();
    let bob = Client::builder().link(&for_bob).cache(cache("bob")).connect().await.unwrap();
    alice.synced().await.unwrap();
    bob.synced().await.unwrap();
    // Both are in the organization's room, which was made with the first account.
    let rooms = alice.rooms().await.unwrap();
    let room = rooms.items().first().expect("the organization's room").id;
    alice.room(room).send("Hello").await.unwrap();
    let mut seen = bob.room(room).timeline().await.unwrap();
    eventually(|| texts(seen.refresh()) == ["Hello"]).await;
    let users = bob.users_by_subject(&["alice"]).await.unwrap();
    assert_eq!(users[0].name, "Alice");

    // Another start goes on with the login, with the link, which is spent, or without.
    alice.disconnect().await;
    server.kill();
    server.run().unwrap();
    let alice = Client::builder().link(&for_alice).cache(cache("alice"));
    let alice = alice.connect().await.unwrap();
    alice.disconnect().await;
    let alice = at(&server).cache(cache("alice")).connect().await.unwrap();
    let logins = alice.account().logins().await.unwrap();
    assert_eq!(logins.len(), 1);
    assert!(logins[0].is_current && logins[0].method == LoginMethod::Link);

    // On another device the link is worth nothing.
    let stranger = Client::builder().link(&for_alice).connect().await;
    assert_eq!(refused(stranger), ErrorReason::SignInRefused);
    // And without anything there is nothing to try.
    let nobody = at(&server).cache(cache("nobody")).connect().await;
    assert!(matches!(nobody, Err(ConnectError::Token)));
    server.assert_well();
}

#[tokio::test]
async fn a_password_signs_in_elsewhere_and_logins_are_ended() {
    let server = Server::roomy();
    let here = link(&server, &["user", "add", "alice", "--org", "acme"]);
    let here = Client::builder().link(&here).connect().await.unwrap();
    let there = by_password(&server, "alice", "a good password").connect().await;
    assert_eq!(refused(there), ErrorReason::SignInRefused);
    let short = here.account().set_password("", "short").await.unwrap_err();
    assert_eq!(short.reason(), Some(ErrorReason::InvalidField));
    here.account().set_password("", "a good password").await.unwrap();

    let there = by_password(&server, "alice", "a good password").agent("there/1");
    let there = there.connect().await.unwrap();
    let logins = here.account().logins().await.unwrap();
    assert_eq!(logins.len(), 2);
    let other = logins.iter().find(|login| !login.is_current).unwrap();
    assert_eq!((&*other.agent, other.method), ("there/1", LoginMethod::Password));
    here.account().end_login(other.id).await.unwrap();
    is_out(&there, ErrorReason::LoginEnded).await;
    assert_eq!(here.current_state(), State::Live);

    // By another client's new password, by sign_out, and by the operator.
    let there = by_password(&server, "alice", "a good password").connect().await.unwrap();
    let wrong = there.account().set_password("not that", "another password").await.unwrap_err();
    assert_eq!(wrong.reason(), Some(ErrorReason::WrongPassword));
    there.account().set_password("a good password", "another password").await.unwrap();
    is_out(&here, ErrorReason::LoginEnded).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.login");
    let third = by_password(&server, "alice", "another password").login_file(&file);
    let third = third.connect().await.unwrap();
    assert!(size(&file) > 0);
    third.account().sign_out().await.unwrap();
    assert_eq!(size(&file), 0);
    eventually(|| matches!(third.current_state(), State::Stopped(_))).await;
    assert_eq!(there.account().logins().await.unwrap().len(), 1);
    server.printed(&["user", "sign-out", "alice", "--org", "acme", "--remove-password"]);
    is_out(&there, ErrorReason::LoginEnded).await;
    let again = by_password(&server, "alice", "another password").connect().await;
    assert_eq!(refused(again), ErrorReason::SignInRefused);
}

#[tokio::test]
async fn a_login_goes_on_over_many_tokens_without_a_break() {
    let config = format!("{ROOMY}[accounts]\ntoken_s = 5\n");
    let server = Server::start(Options::config(config));
    let alice = link(&server, &["user", "add", "alice", "--org", "acme"]);
    let alice = Client::builder().link(&alice).connect().await.unwrap();
    let mut states = alice.state();
    let first = alice.account().logins().await.unwrap()[0].used_ms;
    let three_tokens = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let login = alice.account().logins().await.unwrap().remove(0);
            if login.used_ms > first + 11_000 {
                return;
            }
        }
    };
    let breaks = async {
        use futures_util::StreamExt;
        while let Some(state) = states.next().await {
            assert_eq!(state, State::Live, "the connection broke");
        }
    };
    tokio::select! {
        () = three_tokens => {}
        () = breaks => panic!("the states ended"),
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("no new token came"),
    }
}

#[tokio::test]
async fn other_scopes_count_at_once_and_cost_no_login() {
    let server = Server::roomy();
    let alice = link(&server, &["user", "add", "alice", "--org", "acme"]);
    let alice = Client::builder().link(&alice).connect().await.unwrap();
    server.printed(&["user", "scopes", "alice", "--org", "acme", "admin:accounts"]);
    let list = parlour::protocol::account::ListAccountsRequest::default();
    let mut answer = Err(CallError::Closed);
    for _ in 0..200 {
        // Her connection is closed, and she comes back with another token.
        let call = alice.call::<parlour::protocol::generated::rpc::ListAccounts>(list.clone());
        answer = call.await;
        match &answer {
            Ok(_) => break,
            Err(error) => assert_eq!(error.reason(), Some(ErrorReason::ScopeMissing)),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(answer.unwrap().accounts[0].scopes, ["admin:accounts"]);
}

#[tokio::test]
async fn an_invite_brings_people_in_and_a_knock_waits() {
    let server = Server::roomy();
    server.printed(&["user", "add", "alice", "--org", "acme"]);
    let open = link(&server, &["invite", "create", "--org", "acme", "--uses", "2"]);
    assert!(open.is_invite());
    let invited = |link: &SignInLink, who: &str| {
        let sign_in = SignIn::invite(link.code(), who, format!("The {who}"), "hello");
        Client::builder().link(link).sign_in(sign_in)
    };
    let bob = invited(&open, "bob").connect().await.unwrap();
    assert_eq!(bob.users_by_subject(&["bob"]).await.unwrap()[0].name, "The bob");
    assert_eq!(refused(invited(&open, "alice").connect().await), ErrorReason::SubjectTaken);
    assert_eq!(refused(invited(&open, "No Name").connect().await), ErrorReason::InvalidField);

    let knock = link(&server, &["invite", "create", "--org", "acme", "--knock", "--label", "x"]);
    let carol = invited(&knock, "carol").start().await.unwrap();
    let waits = |client: &Client| {
        matches!(client.current_state(), State::Offline { after: End::Knocking, .. })
    };
    eventually(|| waits(&carol)).await;
    let list = server.printed(&["invite", "list", "--org", "acme"]);
    let waiting = list.lines().find(|line| line.contains("carol")).unwrap();
    assert!(waiting.contains("waits") && waiting.contains("hello"), "{list}");
    let invite = list.lines().find(|line| line.ends_with(" x")).unwrap();
    let id = invite.split(' ').next().unwrap();
    server.printed(&["invite", "approve", id, "carol", "--org", "acme"]);
    carol.reconnect();
    eventually(|| carol.current_state() == State::Live).await;

    server.printed(&["invite", "revoke", id, "--org", "acme"]);
    assert_eq!(refused(invited(&knock, "dave").connect().await), ErrorReason::SignInRefused);
    let audit = server.printed(&["admin", "audit", "--org", "acme"]);
    for said in ["carol knocks with invite", "revoked", "sign-in link for alice"] {
        assert!(audit.contains(said), "{audit}");
    }
}

#[tokio::test]
async fn a_server_with_keys_of_others_keeps_no_accounts() {
    let secret = parlour_features::token::secret();
    let key =
        format!("[[auth.keys]]\nid = \"theirs\"\nalgorithm = \"HS256\"\nsecret = \"{secret}\"\n");
    let server = Server::start(Options::config(format!("{ROOMY}{key}")));
    let client = by_password(&server, "alice", "a good password").connect().await;
    assert_eq!(refused(client), ErrorReason::AccountsDisabled);
    let output = server.command(&["user", "add", "alice", "--org", "acme"]);
    assert!(!output.status.success());
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("no accounts here"), "{complaint}");
}

#[tokio::test]
async fn secrets_stay_out_of_logs_and_the_store() {
    let mut server = Server::roomy();
    let alice = link(&server, &["user", "add", "alice", "--org", "acme"]);
    let code = alice.code().to_owned();
    let alice = Client::builder().link(&alice).connect().await.unwrap();
    alice.account().set_password("", "canary password 7").await.unwrap();
    let wrong = by_password(&server, "alice", "canary password 8").connect().await;
    assert_eq!(refused(wrong), ErrorReason::SignInRefused);
    alice.disconnect().await;
    let log = server.log();
    server.stop();
    let mut files = vec![server.data()];
    let mut looked_at = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let Ok(bytes) = std::fs::read(&path) else { continue };
        looked_at += bytes.len();
        for secret in [code.as_bytes(), b"canary password"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "a secret in {}", path.display());
        }
    }
    assert!(looked_at > 10_000, "nothing was looked at");
    assert!(!log.contains(&code) && !log.contains("canary"), "{log}");
}
