//! A whole server: starts with nothing else, says how it is, drains, and leaves no trace.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Instant,
};

use parlour_adapters::Memory;

use super::*;
use crate::{
    admin::{self, Request, Response},
    config::StoreKind,
    revocation::Revoked,
};

fn config(dir: &Path) -> Config {
    let mut config = Config { data: dir.join("data"), ..Config::default() };
    config.listen = "[::1]:0".parse().expect("address");
    config.http.listen = Some("127.0.0.1:0".parse().expect("address"));
    config.store.kind = StoreKind::Memory;
    config.drain = crate::config::Drain { deadline_s: 1, jitter_s: Some(0) };
    config
}

async fn get(address: SocketAddr, path: &'static str) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    });
    asked.await.expect("answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_within_a_second_and_says_how_it_is() {
    let dir = tempfile::tempdir().expect("folder");
    let begun = Instant::now();
    let server = Server::builder(config(dir.path())).start().await.expect("started");
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_ne!(server.local_addr().port(), 0);
    let http = server.http_addr().expect("http");
    assert!(get(http, "/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(get(http, "/metrics").await.starts_with("HTTP/1.1 404"));
    let socket = dir.path().join("data/admin.sock");
    let answer = admin::ask(&socket, &Request::Status).await.expect("answered");
    let Response::Status(status) = answer else { panic!("{answer:?}") };
    assert_eq!((&*status.state, &*status.store), ("ready", "memory"));
    assert_eq!(status.certificate_sha256, server.certificate_sha256());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_serves_one_server_at_a_time() {
    let dir = tempfile::tempdir().expect("folder");
    let first = Server::builder(config(dir.path())).start().await.expect("started");
    let second = Server::builder(config(dir.path())).start().await;
    assert!(matches!(second, Err(StartError::Data(DataError::InUse { .. }))));
    first.drain();
    first.wait().await;
    assert!(Server::builder(config(dir.path())).start().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_ends_it_and_frees_what_it_held() {
    let dir = tempfile::tempdir().expect("folder");
    let server = Server::builder(config(dir.path())).start().await.expect("started");
    let (udp, http) = (server.local_addr(), server.http_addr().expect("http"));
    let socket = dir.path().join("data/admin.sock");
    assert_eq!(admin::ask(&socket, &Request::Drain).await.expect("told"), Response::Done);
    tokio::time::timeout(Duration::from_secs(10), server.wait()).await.expect("ended");
    assert!(!socket.exists());
    assert!(TcpStream::connect(http).is_err());
    drop(server);
    tokio::time::sleep(Duration::from_millis(100)).await;
    std::net::UdpSocket::bind(udp).expect("the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedders_store_is_used_and_revocations_reach_it() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Arc::new(Memory::new([9; 16]));
    let builder = Server::builder(config(dir.path())).store(store.clone());
    let _server = builder.start().await.expect("started");
    let what = Revoked::Subject("ada".into());
    let request = Request::Revoke { org: "acme".into(), what: what.clone() };
    let answer = admin::ask(&dir.path().join("data/admin.sock"), &request).await;
    assert_eq!(answer.expect("answered"), Response::Revoked { closed: 0 });
    let memory = parlour_adapters::Memory::new([1; 16]);
    let draft = crate::revocation::draft(&memory, "acme", &what, 1).await.expect("draft");
    let put = &draft.puts[0];
    assert!(store.get(put.table, &put.key).await.expect("read").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_keys_and_refuses_nonsense_whole() {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join("parlour.toml");
    std::fs::write(&file, "[log]\nlevel = \"debug\"\n").expect("file");
    let builder = Server::builder(config(dir.path())).config_file(file.clone());
    let server = builder.start().await.expect("started");
    let keys = server.shared.keys.clone().expect("keys");
    assert!(keys.key_is_current("0:local"));
    server.reload().expect("reloaded");
    assert!(keys.key_is_current("0:local"), "sessions outlive a reload");
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let key =
        format!("[[auth.keys]]\nid = \"new\"\nalgorithm = \"HS256\"\nsecret = \"{secret}\"\n");
    std::fs::write(&file, &key).expect("file");
    server.reload().expect("reloaded");
    assert!(keys.key_is_current("2:new") && !keys.key_is_current("0:local"));
    std::fs::write(&file, "nonsense = 1").expect("file");
    assert!(server.reload().is_err());
    assert!(keys.key_is_current("2:new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_an_error_in_one_sentence() {
    let dir = tempfile::tempdir().expect("folder");
    let taken = std::net::UdpSocket::bind("[::1]:0").expect("bound");
    let mut config = config(dir.path());
    config.listen = taken.local_addr().expect("address");
    let Err(error) = Server::builder(config).start().await else { panic!("started") };
    let text = error.to_string();
    assert!(text.starts_with("quic can't listen on [::1]:"), "{text}");
    assert!(!text.contains('\n'));
}
