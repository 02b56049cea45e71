//! The Rust SDK against a real server where UDP doesn't get through.

use std::time::Duration;

use crate::clients::{client, eventually, texts};
use futures_util::StreamExt;
use parlour::{Builder, ConnectError, Distrust, Draft, State, Trust};
use parlour_features::server::{Options, ROOMY, Server};
use tokio::net::{TcpListener, UdpSocket};

fn url(server: &Server) -> String {
    format!("ws://{}/parlour/v1/ws", server.ready().http)
}

/// A client on a network that takes its datagrams and delivers none.
async fn behind_a_wall(server: &Server, sub: &str) -> (Builder, UdpSocket) {
    let wall = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = wall.local_addr().expect("bound").to_string();
    (client(server, sub).address(address).websocket(url(server)), wall)
}

#[tokio::test]
async fn where_udp_doesnt_get_through_a_websocket_does_and_everything_goes_over_it() {
    let mut server = Server::roomy();
    let (builder, _wall) = behind_a_wall(&server, "alice").await;
    let alice = builder.connect().await.unwrap();
    let bob = client(&server, "bob").connect().await.unwrap();
    let room = alice.open_direct("bob").await.unwrap();
    room.send("over TCP").await.unwrap();
    let mut theirs = bob.room(room.id()).timeline().await.unwrap();
    let mut mine = room.timeline().await.unwrap();
    bob.room(room.id()).send("over UDP").await.unwrap();
    eventually(|| texts(mine.refresh()) == ["over TCP", "over UDP"]).await;

    let mut expected = vec!["over TCP".to_owned(), "over UDP".to_owned()];
    for round in 0..3 {
        let mut waiting = Vec::new();
        for n in 0..20 {
            let text = format!("{round}.{n}");
            waiting.push(room.queue(text.clone()).await.unwrap());
            expected.push(text);
        }
        server.kill();
        server.run().unwrap();
        for queued in waiting {
            queued.sent().await.unwrap();
        }
    }
    eventually(|| texts(theirs.refresh()) == expected).await;
    eventually(|| texts(mine.refresh()) == expected).await;
    alice.disconnect().await;
}

#[tokio::test]
async fn files_go_over_a_websocket_beside_messages() {
    let server = Server::roomy();
    let (builder, _wall) = behind_a_wall(&server, "alice").await;
    let alice = builder.connect().await.unwrap();
    let _bob = client(&server, "bob").connect().await.unwrap();
    let room = alice.create_group("files", ["bob"]).await.unwrap();
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.bin");
    std::fs::write(&path, &content).unwrap();
    let talking = async {
        for n in 0..50 {
            room.send(format!("{n}")).await.unwrap();
        }
    };
    let (file, ()) = tokio::join!(async { alice.upload(path.as_path()).await }, talking);
    let draft = Draft { attachments: vec![file.unwrap()], ..Draft::default() };
    let seq = room.send(draft).await.unwrap().seq;
    let mut timeline = room.timeline().await.unwrap();
    let mut found = None;
    eventually(|| {
        let mut messages = timeline.refresh().iter().filter_map(|item| item.message());
        found = messages.find(|message| message.seq() == Some(seq)).cloned();
        found.is_some()
    })
    .await;
    let (_, download) = found.unwrap().downloads().remove(0);
    assert!(download.bytes(4_000_000).await.unwrap() == content);
}

#[tokio::test]
async fn where_quic_works_no_websocket_is_opened() {
    let server = Server::roomy();
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/parlour/v1/ws", other.local_addr().unwrap());
    let alice = client(&server, "alice").websocket(url).connect().await.unwrap();
    let opened = tokio::time::timeout(Duration::from_millis(1500), other.accept()).await;
    assert!(opened.is_err(), "nobody came");
    assert_eq!(alice.state().next().await, Some(State::Live));
}

#[tokio::test]
async fn what_is_no_address_of_a_websocket_is_refused() {
    let server = Server::roomy();
    for wrong in ["https://chat.example.org/", "chat.example.org", "wss://"] {
        let refused = client(&server, "alice").websocket(wrong).start().await;
        assert!(matches!(refused, Err(ConnectError::WebSocketUrl)), "{wrong}");
    }
}

#[tokio::test]
async fn with_tls_of_its_own_the_server_is_checked_as_over_quic() {
    let server = Server::start(Options::config(format!("{ROOMY}[http]\ntls = true\n")));
    let wall = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/parlour/v1/ws", server.ready().http.port());
    let behind = |sub| {
        let address = wall.local_addr().unwrap().to_string();
        client(&server, sub).address(address).websocket(url.clone())
    };
    let alice = behind("alice").connect().await.unwrap();
    let _bob = behind("bob").connect().await.unwrap();
    alice.open_direct("bob").await.unwrap().send("over TLS").await.unwrap();
    let stranger = Trust::parse_sha256(&"ab".repeat(32)).unwrap();
    let refused = behind("alice").trust(stranger).connect().await;
    let is_told = matches!(refused, Err(ConnectError::Untrusted(Distrust::Fingerprint)));
    assert!(is_told, "another certificate than the one that is pinned: {refused:?}");
}
