//! A server process and clients: who gets in, who is put out, how it goes away and comes back.

mod support;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use parlour_protocol::{
    generated::rpc,
    ids::SessionId,
    session::{RevokeRequest, revoke_request::What},
    wire::{CloseCode, ErrorReason, server_frame::Frame},
};
use support::{Client, Process, ok, parlour, with};
use tokio::time::timeout;

fn token(dir: &Path, sub: &str, more: &[&str]) -> String {
    ok(dir, &[&["token", "--sub", sub, "--org", "acme"], more].concat())
}

async fn within<T>(seconds: u64, future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(seconds), future).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_let_in_or_are_refused_with_their_code() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Process::start(dir.path(), &[]);
    let good = token(dir.path(), "ada", &["--name", "Ada"]);
    let (mut client, welcome) = within(5, Client::hello(server.quic(), &good)).await.expect("in");
    assert_eq!((&*welcome.name, welcome.resumed), ("Ada", false));
    assert!(!welcome.resume.is_empty() && welcome.resume.len() <= 512);
    assert!(within(5, client.ping()).await);

    let (signed, _) = good.rsplit_once('.').expect("signature");
    let oversized = format!("{good}{}", "A".repeat(9000));
    let late = token(dir.path(), "ada", &["--ttl", "1s"]);
    tokio::time::sleep(Duration::from_millis(6200)).await;
    for (what, token, code) in [
        ("forged", format!("{signed}.AAAA"), CloseCode::TokenInvalid),
        ("empty", String::new(), CloseCode::TokenInvalid),
        ("expired", late, CloseCode::TokenExpired),
    ] {
        let Err(ended) = within(5, Client::hello(server.quic(), &token)).await else {
            panic!("{what} was let in");
        };
        assert_eq!(ended, with(code), "{what}");
    }
    assert!(within(5, Client::hello(server.quic(), &oversized)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_closes_open_sessions_within_two_seconds() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Process::start(dir.path(), &[]);
    let at = server.quic();
    let ada = token(dir.path(), "ada", &[]);
    let one = token(dir.path(), "eve", &["--jti", "one"]);
    let other = token(dir.path(), "eve", &["--jti", "other"]);
    let hello = async |token: &str| within(5, Client::hello(at, token)).await.expect("in");
    let (first, _) = hello(&ada).await;
    let (second, _) = hello(&ada).await;
    let (third, _) = hello(&one).await;
    let (fourth, welcome) = hello(&token(dir.path(), "bob", &[])).await;
    let (mut bystander, _) = hello(&other).await;

    let revoked = ok(dir.path(), &["revoke", "--org", "acme", "--subject", "ada"]);
    assert_eq!(revoked, "revoked; 2 connections are being closed");
    let begun = Instant::now();
    assert_eq!(within(2, first.wait_end()).await, with(CloseCode::Revoked));
    assert_eq!(within(2, second.wait_end()).await, with(CloseCode::Revoked));
    ok(dir.path(), &["revoke", "--org", "acme", "--token-id", "one"]);
    assert_eq!(within(2, third.wait_end()).await, with(CloseCode::Revoked));
    let session = SessionId::parse(&welcome.session).expect("session").to_string();
    ok(dir.path(), &["revoke", "--org", "acme", "--session", &session]);
    assert_eq!(within(2, fourth.wait_end()).await, with(CloseCode::Revoked));
    assert!(begun.elapsed() < Duration::from_secs(2));

    let refused = within(5, Client::hello(at, &ada)).await.err().expect("refused");
    assert_eq!(refused, with(CloseCode::Revoked));
    assert!(within(5, Client::hello(at, &one)).await.is_err());
    assert!(within(5, bystander.ping()).await);
    // Tokens count in seconds, so the new one is issued in a later one.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    hello(&token(dir.path(), "ada", &[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_by_protocol_needs_the_scope() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Process::start(dir.path(), &[]);
    let hello =
        async |token: &str| within(5, Client::hello(server.quic(), token)).await.expect("in");
    let (mut ada, _) = hello(&token(dir.path(), "ada", &[])).await;
    let request = RevokeRequest { what: Some(What::Subject("eve".into())) };
    let refused = ada.call::<rpc::Revoke>(&request).await.expect_err("refused");
    assert_eq!(refused.reason(), ErrorReason::ScopeMissing);
    let (eve, _) = hello(&token(dir.path(), "eve", &[])).await;
    let (mut admin, _) = hello(&token(dir.path(), "root", &["--scope", "admin:sessions"])).await;
    assert_eq!(admin.call::<rpc::Revoke>(&request).await.expect("revoked").closed, 1);
    assert_eq!(within(2, eve.wait_end()).await, with(CloseCode::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_key_closes_its_sessions_and_an_added_one_lets_in() {
    let dir = tempfile::tempdir().expect("folder");
    let write = |name: &str, fill: u8| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let temporary = dir.path().join("new");
        fs::write(&temporary, STANDARD.encode([fill; 32])).expect("file");
        fs::rename(temporary, dir.path().join(name)).expect("renamed");
    };
    let key = |id: &str| {
        format!("[[auth.keys]]\nid = \"{id}\"\nalgorithm = \"HS256\"\nsecret_file = \"{id}.txt\"\n")
    };
    write("a.txt", 1);
    write("b.txt", 2);
    fs::write(dir.path().join("parlour.toml"), key("a") + &key("b")).expect("file");
    let server = Process::start(dir.path(), &[]);
    let hello = async |token: &str| within(5, Client::hello(server.quic(), token)).await;
    let old = token(dir.path(), "ada", &["--kid", "a"]);
    let (first, _) = hello(&old).await.expect("in");
    let (mut second, _) = hello(&token(dir.path(), "eve", &["--kid", "b"])).await.expect("in");
    write("a.txt", 3);
    let new = token(dir.path(), "ada", &["--kid", "a"]);
    let ended = within(4, first.wait_end()).await;
    assert_eq!(ended, with(CloseCode::TokenInvalid));
    assert!(hello(&old).await.is_err());
    assert!(hello(&new).await.is_ok());
    assert!(within(5, second.ping()).await, "another key's sessions are left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_asks_waits_and_then_closes() {
    let dir = tempfile::tempdir().expect("folder");
    let config = "[drain]\ndeadline_s = 2\njitter_s = 1\n";
    fs::write(dir.path().join("parlour.toml"), config).expect("file");
    let mut server = Process::start(dir.path(), &[]);
    let token = token(dir.path(), "ada", &[]);
    let (mut leaves, _) = within(5, Client::hello(server.quic(), &token)).await.expect("in");
    let (stays, _) = within(5, Client::hello(server.quic(), &token)).await.expect("in");
    let begun = Instant::now();
    server.signal("-TERM");
    let Some(Frame::Drain(drain)) = within(2, leaves.next()).await else { panic!("no drain") };
    assert_eq!(drain.jitter_ms, 1000);
    assert!(support::get(server.http(), "/readyz").contains("503"));
    assert!(within(5, leaves.ping()).await, "calls are answered until the deadline");
    let refused = within(5, Client::open(server.quic())).await;
    assert!(refused.is_err(), "nobody new comes in");
    leaves.connection.close((CloseCode::ClientMoved as u32).into(), b"");
    assert_eq!(within(5, stays.wait_end()).await, with(CloseCode::Draining));
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(server.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_notices_a_killed_and_restarted_server_at_once() {
    let dir = tempfile::tempdir().expect("folder");
    let mut server = Process::start(dir.path(), &[]);
    let at = server.quic();
    let token = token(dir.path(), "ada", &[]);
    let (mut client, before) = within(5, Client::hello(at, &token)).await.expect("in");
    server.signal("-KILL");
    assert_eq!(server.code(), None);
    let listen = at.to_string();
    let words = ["serve", "--listen", &listen, "--http", "127.0.0.1:0"];
    let _again = Process::spawn(parlour(dir.path(), &words), dir.path());
    let begun = Instant::now();
    let alive = within(5, client.ping()).await;
    assert!(!alive && begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(client.connection.close_reason(), Some(quinn::ConnectionError::Reset));
    let (_, after) = within(5, Client::hello(at, &token)).await.expect("in");
    assert_eq!(before.incarnation, after.incarnation);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_shown_without_a_restart() {
    let dir = tempfile::tempdir().expect("folder");
    let write = || {
        let key = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("key");
        fs::write(dir.path().join("k.pem"), key.signing_key.serialize_pem()).expect("file");
        fs::write(dir.path().join("c.pem"), key.cert.pem()).expect("file");
        key.cert.der().to_vec()
    };
    let shown = |client: &Client| {
        let identity = client.connection.peer_identity().expect("identity");
        let chain = identity.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>();
        chain.expect("chain")[0].to_vec()
    };
    let first = write();
    let config = "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n";
    fs::write(dir.path().join("parlour.toml"), config).expect("file");
    let server = Process::start(dir.path(), &[]);
    let token = token(dir.path(), "ada", &[]);
    let (mut old, _) = within(5, Client::hello(server.quic(), &token)).await.expect("in");
    assert_eq!(shown(&old), first);
    let second = write();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let (new, _) = within(5, Client::hello(server.quic(), &token)).await.expect("in");
    assert_eq!(shown(&new), second);
    assert!(within(5, old.ping()).await, "who is connected stays so");
}
