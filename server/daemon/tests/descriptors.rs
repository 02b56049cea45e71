//! Out of file descriptors: whoever chats goes on chatting, and the rest comes back by itself.

mod support;

use std::{net::TcpStream, process::Command, time::Duration};

use support::{Client, Process, get, ok};
use tokio::time::{sleep, timeout};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sockets_takes_nothing_from_those_who_chat() {
    let dir = tempfile::tempdir().expect("folder");
    let mut command = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_parlour");
    let script = "ulimit -n 64; exec \"$0\" serve --listen '[::1]:0' --http 127.0.0.1:0";
    command.current_dir(dir.path()).args(["-c", script, program]);
    let server = Process::spawn(command, dir.path());
    let token = ok(dir.path(), &["token", "--sub", "ada", "--org", "acme"]);
    let hello = || timeout(Duration::from_secs(5), Client::hello(server.quic(), &token));
    let (mut before, _) = hello().await.expect("in time").expect("in");

    // Until the backlog is full as well.
    let wait = Duration::from_millis(200);
    let connect = |_| TcpStream::connect_timeout(&server.http(), wait).ok();
    let flood: Vec<_> = (0..300).map_while(connect).collect();
    assert!(flood.len() > 64, "more than there are descriptors");
    sleep(Duration::from_millis(500)).await;
    assert!(before.ping().await, "who is connected goes on");
    let (mut during, _) = hello().await.expect("in time").expect("in");
    assert!(during.ping().await, "who comes now comes in");
    drop(flood);
    sleep(Duration::from_millis(1500)).await;
    assert!(get(server.http(), "/readyz").starts_with("HTTP/1.1 200"));
    assert!(ok(dir.path(), &["status"]).contains("connections  2"));
}
