//! The port from outside: what is served to whom, and what a slow or greedy peer gets.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::*;
use crate::{limits, metrics::Metrics};

async fn start(access: MetricsAccess, ready: Arc<AtomicBool>) -> (HttpServer, watch::Sender<bool>) {
    let readiness: Readiness =
        Arc::new(move || if ready.load(Ordering::Relaxed) { Ok(()) } else { Err("draining") });
    let metrics = Arc::new(Metrics::default());
    let traces = Traces::default();
    let parts = HttpParts {
        challenges: None,
        blobs: None,
        rpc: None,
        web: None,
        readiness,
        metrics,
        access,
        traces,
        tls: None,
    };
    let (stop, stopped) = watch::channel(false);
    let address = "127.0.0.1:0".parse().expect("address");
    (HttpServer::start(address, parts, stopped).await.expect("bound"), stop)
}

async fn get(address: SocketAddr, path: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn health_and_readiness_answer_everyone_and_nothing_else_does() {
    let ready = Arc::new(AtomicBool::new(true));
    let (server, _stop) = start(MetricsAccess::Absent, ready.clone()).await;
    let at = server.local_addr();
    assert_eq!(status(&get(at, "/healthz", "").await), "200");
    assert_eq!(status(&get(at, "/readyz", "").await), "200");
    ready.store(false, Ordering::Relaxed);
    let answer = get(at, "/readyz", "").await;
    assert_eq!(status(&answer), "503");
    assert!(answer.ends_with("draining\n"));
    assert_eq!(status(&get(at, "/healthz", "").await), "200", "draining is alive");
    for path in ["/", "/metrics", "/admin", "/healthz/", "/../etc/passwd", "/%2e%2e/"] {
        assert_eq!(status(&get(at, path, "").await), "404", "{path}");
    }
}

#[tokio::test]
async fn metrics_need_the_token_of_the_moment() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("token");
    let ready = Arc::new(AtomicBool::new(true));
    let (server, _stop) = start(MetricsAccess::Token(path.clone()), ready).await;
    let at = server.local_addr();
    let with = |token: &str| format!("Authorization: Bearer {token}\r\n");
    assert_eq!(status(&get(at, "/metrics", &with("")).await), "401", "no file yet");
    fs::write(&path, "first\n").expect("file");
    assert_eq!(status(&get(at, "/metrics", "").await), "401");
    assert_eq!(status(&get(at, "/metrics", &with("firs")).await), "401");
    assert_eq!(status(&get(at, "/metrics", "Authorization: Basic first\r\n").await), "401");
    let answer = get(at, "/metrics", &with("first")).await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("# HELP parlour_connections "));
    fs::write(&path, "second\n").expect("file");
    assert_eq!(status(&get(at, "/metrics", &with("first")).await), "401");
    fs::write(&path, "").expect("file");
    assert_eq!(status(&get(at, "/metrics", &with("")).await), "401", "empty means nobody");
}

#[tokio::test]
async fn an_open_listener_needs_none() {
    let (server, _stop) = start(MetricsAccess::Open, Arc::new(AtomicBool::new(true))).await;
    assert_eq!(status(&get(server.local_addr(), "/metrics", "").await), "200");
}

#[tokio::test]
async fn connections_are_few_and_end() {
    let (server, _stop) = start(MetricsAccess::Absent, Arc::new(AtomicBool::new(true))).await;
    let at = server.local_addr();
    let mut silent = Vec::new();
    for _ in 0..limits::HTTP_CONNECTIONS_MAX {
        silent.push(TcpStream::connect(at).await.expect("connected"));
    }
    let waiting = tokio::spawn(async move { get(at, "/healthz", "").await });
    sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "over the bound one waits");
    silent.pop();
    let answer = timeout(Duration::from_secs(5), waiting).await.expect("in time").expect("task");
    assert_eq!(status(&answer), "200");
}

#[tokio::test]
async fn a_connection_that_says_nothing_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let at = listener.local_addr().expect("address");
    let mut bounded = Bounded::new(listener, Duration::from_millis(50), None);
    let _peer = TcpStream::connect(at).await.expect("connected");
    let (mut accepted, _) = axum::serve::Listener::accept(&mut bounded).await;
    let read = timeout(Duration::from_secs(5), accepted.read(&mut [0; 16])).await.expect("ended");
    assert_eq!(read.expect_err("timed out").kind(), io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn it_stops_when_told() {
    let (server, stop) = start(MetricsAccess::Absent, Arc::new(AtomicBool::new(true))).await;
    let at = server.local_addr();
    stop.send(true).expect("told");
    timeout(Duration::from_secs(5), server.wait()).await.expect("ended");
    assert!(TcpStream::connect(at).await.is_err());
}
