//! Native QUIC, WebTransport and WebSocket beside each other, and what is particular to each. That all of
//! them carry everything is shown by the other files here, which run over each (`PARLOUR_CARRIER`).

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use parlour_features::{
    http,
    raw::{Carrier, Client, Lost, PATIENCE, hello_frame},
    server::{Options, Server},
    world::{group, hello_of, say},
};
use parlour_protocol::wire::CloseCode;
use serde_json::Value;
use tokio_tungstenite::{connect_async, tungstenite::Message};
use web_transport_quinn::proto::Settings;

const ALL: [Carrier; 3] = [Carrier::Quic, Carrier::WebTransport, Carrier::WebSocket];
const BROWSERS: [Carrier; 2] = [Carrier::WebTransport, Carrier::WebSocket];

async fn over(carrier: Carrier, server: &Server, name: &str) -> Client {
    server.door_over(carrier).connect(hello_of(server, name)).await.expect("welcomed")
}

#[tokio::test]
async fn people_on_different_carriers_are_in_one_room() {
    let server = Server::roomy();
    let [quic, web, socket] = [
        over(ALL[0], &server, "ada").await,
        over(ALL[1], &server, "bob").await,
        over(ALL[2], &server, "cleo").await,
    ];
    let room = group(&quic, "kitchen", &["bob", "cleo"]).await;
    // What is said before that comes as a pulse.
    for client in [&quic, &web, &socket] {
        client.hears(101).await;
    }
    for (from, others) in
        [(&quic, [&web, &socket]), (&web, [&quic, &socket]), (&socket, [&quic, &web])]
    {
        let sent = say(from, &room, "hello").await.expect("sent");
        for other in others {
            other
                .hears_where(|event| {
                    event.header.as_ref().is_some_and(|h| h.seq == sent.seq && h.kind == 10)
                })
                .await;
        }
        for other in others {
            hears_typing(from, other, &room).await;
        }
    }
}

/// A datagram may be lost; who goes on typing says so again.
async fn hears_typing(from: &Client, other: &Client, room: &Bytes) {
    for _ in 0..8 {
        from.types(room);
        let until = Instant::now() + Duration::from_millis(2100);
        while let Some(notice) =
            other.datagram(until.saturating_duration_since(Instant::now())).await
        {
            if notice.sender == from.welcome().user {
                return;
            }
        }
    }
    panic!("nobody was heard typing");
}

#[tokio::test]
async fn a_client_that_goes_in_order_is_known_to_have_gone() {
    let metrics = "[metrics]\nlisten = \"127.0.0.1:0\"\n";
    let server = Server::start(Options::config(metrics));
    for carrier in ALL {
        let client = over(carrier, &server, "ada").await;
        client.leave();
        assert!(matches!(client.closed().await, Lost::Transport(_)), "{carrier:?}");
    }
    // The server counts each end with its code.
    let counted = || {
        let address = server.ready().metrics.expect("it listens");
        let text = http::get(address, "/metrics", None).body;
        http::metric(&text, "parlour_connections_closed_total{code=\"CLOSE_CODE_CLIENT_DONE\"}")
    };
    let all = async {
        while counted() != Some(3.0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let all = tokio::time::timeout(PATIENCE, all).await;
    all.unwrap_or_else(|_| panic!("only {:?} are known to have gone", counted()));
}

#[tokio::test]
async fn pages_of_other_hosts_may_not_connect_unless_they_are_named() {
    let named = "[web]\norigins = [\"https://app.example.org\"]\n";
    let server = Server::start(Options::config(named));
    for carrier in BROWSERS {
        let door = server.door_over(carrier);
        for origin in ["https://evil.test", "null", "https://app.example.org:8443"] {
            let refused = door.handshake_from(Some(origin)).await;
            let Err(Lost::Transport(why)) = refused else { panic!("{origin}: {refused:?}") };
            assert!(why.contains("403"), "{carrier:?} {origin}: {why}");
        }
        for origin in ["https://app.example.org", "http://localhost:9", "http://127.0.0.1"] {
            let own = origin.contains("app")
                || (carrier == Carrier::WebTransport) == origin.contains("localhost");
            let connected = door.handshake_from(Some(origin)).await;
            assert_eq!(connected.is_ok(), own, "{carrier:?} {origin}: {connected:?}");
        }
    }
}

#[tokio::test]
async fn browsers_read_where_to_connect_before_they_do() {
    let server = Server::start(Options::config("[web]\norigins = [\"https://app.example.org\"]\n"));
    let ready = server.ready();
    let document: Value =
        serde_json::from_str(&http::get(ready.http, "/parlour/v1/endpoints", None).body)
            .expect("JSON");
    assert_eq!(document["webtransport"]["port"], ready.quic.port());
    assert_eq!(document["webtransport"]["path"], "/parlour/v1/wt");
    assert_eq!(document["websocket"]["path"], "/parlour/v1/ws");
    let hashes = document["webtransport"]["certificate_hashes"].as_array().expect("a list");
    let shown: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&ready.sha256[at..at + 2], 16).unwrap())
        .collect();
    assert_eq!(hashes.len(), 2, "this one's and the next one's");
    assert_eq!(hashes[0], STANDARD.encode(shown));
    for (origin, may) in [("https://app.example.org", true), ("https://evil.test", false)] {
        let from = format!("Origin: {origin}\r\n");
        let reply = http::request(ready.http, "GET", "/parlour/v1/endpoints", &from, b"")
            .expect("it answers");
        let allowed = reply.header("access-control-allow-origin") == Some(origin);
        assert_eq!((reply.status, allowed), (200, may), "{origin}");
    }
}

#[tokio::test]
async fn without_the_web_there_is_neither() {
    let server = Server::start(Options::config("[web]\nenabled = false\n"));
    for carrier in BROWSERS {
        assert!(server.door_over(carrier).handshake().await.is_err(), "{carrier:?}");
    }
    assert_eq!(http::get(server.ready().http, "/parlour/v1/endpoints", None).status, 404);
    over(Carrier::Quic, &server, "ada").await;
}

#[tokio::test]
async fn what_breaks_the_rules_of_the_socket_closes_it() {
    let mut server = Server::roomy();
    let url = format!("ws://{}/parlour/v1/ws", server.ready().http);
    let over_credit = [&[0, 0][..], &vec![0x80; 33 * 1024]].concat();
    for (what, message) in [
        ("text", Message::Text("hello".into())),
        ("nothing", Message::Binary(vec![].into())),
        ("a cut off number", Message::Binary(vec![0, 0x80].into())),
        ("the server's lane", Message::Binary(vec![0, 1, 7].into())),
        ("a lane too many", Message::Binary(vec![0, 4, 7].into())),
        ("more than the credit", Message::Binary(over_credit.into())),
        ("leave to open lanes", Message::Binary(vec![5, 100].into())),
        ("too large a message", Message::Binary(vec![9; 70 * 1024].into())),
    ] {
        let (mut socket, _) = connect_async(&url).await.expect("it opens");
        socket.send(message).await.expect("it takes bytes");
        let mut code = None;
        let heard = tokio::time::timeout(PATIENCE, async {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Binary(bytes) = message
                    && bytes.first() == Some(&7)
                {
                    code = Some(u32::from(bytes[1] & 0x7f) | u32::from(bytes[2]) << 7);
                }
            }
        });
        heard.await.unwrap_or_else(|_| panic!("{what}: it stays open"));
        // One that is too large ends below the lanes.
        let wanted = (what != "too large a message").then_some(CloseCode::MalformedFrame as u32);
        assert_eq!(code, wanted, "{what}");
    }
    over(Carrier::WebSocket, &server, "ada").await;
    server.assert_well();
}

#[tokio::test]
async fn a_socket_on_which_nothing_is_said_is_closed_in_time() {
    let server = Server::roomy();
    let connection = server.door_over(Carrier::WebSocket).handshake().await.expect("it opens");
    let (mut send, _recv) = connection.open_bi().await.expect("a lane");
    // Half a hello.
    let hello = hello_frame(hello_of(&server, "ada"));
    send.write_all(&hello[..hello.len() / 2]).await.expect("it takes bytes");
    let lost = tokio::time::timeout(PATIENCE, connection.closed()).await.expect("in time");
    assert!(lost.is(CloseCode::HelloTimeout), "{lost:?}");
}

#[tokio::test]
async fn what_is_no_request_for_a_session_is_refused() {
    let mut server = Server::roomy();
    let door = server.door_over(Carrier::WebTransport);
    let none = door.handshake_to("/elsewhere", None).await;
    assert!(matches!(&none, Err(Lost::Transport(why)) if why.contains("404")), "{none:?}");
    // A connection that says nothing.
    let silent = door.transport().await.expect("a handshake");
    // Nonsense instead of settings, settings without WebTransport, and nonsense instead of a request.
    let nonsense = |bytes: usize| vec![7; bytes];
    let mut plain = vec![];
    Settings::default().encode(&mut plain);
    let mut settings = Settings::default();
    settings.enable_webtransport(1);
    let mut good = vec![];
    settings.encode(&mut good);
    for (what, control, request) in [
        ("nonsense", [&[0][..], &nonsense(40_000)].concat(), vec![]),
        ("another HTTP/3", plain, vec![]),
        ("no request", good.clone(), nonsense(40_000)),
        ("half a request", good, vec![1, 0x40]),
    ] {
        let connection = door.transport().await.expect("a handshake");
        let mut uni = connection.open_uni().await.expect("a stream");
        let _ = uni.write_all(&control).await;
        let (mut send, _recv) = connection.open_bi().await.expect("a stream");
        let _ = send.write_all(&request).await;
        let at_once = Duration::from_secs(if what == "half a request" { 10 } else { 3 });
        let closed = tokio::time::timeout(at_once, connection.closed()).await;
        assert!(closed.is_ok(), "{what}: it isn't closed");
    }
    tokio::time::timeout(PATIENCE, silent.closed()).await.expect("it is closed in time");
    over(Carrier::WebTransport, &server, "ada").await;
    server.assert_well();
}

#[tokio::test]
async fn sockets_that_say_nothing_take_no_place_from_those_who_chat() {
    let mut server = Server::roomy();
    let url = format!("ws://{}/parlour/v1/ws", server.ready().http);
    let mut flood = vec![];
    for _ in 0..600 {
        let url = url.clone();
        flood.push(tokio::spawn(async move {
            let opened = connect_async(&url).await;
            tokio::time::sleep(Duration::from_secs(8)).await;
            drop(opened);
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("Linux").count();
    assert!(files < 350, "{files} open files: no more than the port of HTTP may have");
    let ada = over(Carrier::Quic, &server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    say(&ada, &room, "fine here").await.expect("sent");
    for one in flood {
        let _ = one.await;
    }
    over(Carrier::WebSocket, &server, "bob").await;
    server.assert_well();
}

#[tokio::test]
async fn a_close_arrives_whatever_the_client_is_saying() {
    let server = Server::roomy();
    let url = format!("ws://{}/parlour/v1/ws", server.ready().http);
    for _ in 0..5 {
        let (mut socket, _) = connect_async(&url).await.expect("it opens");
        // A broken rule, and much behind it that nobody reads.
        socket.send(Message::Binary(vec![0, 0x80].into())).await.expect("it takes bytes");
        for _ in 0..20 {
            let _ = socket.send(Message::Binary(vec![200; 60_000].into())).await;
        }
        let mut last = None;
        let heard = tokio::time::timeout(PATIENCE, async {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Binary(bytes) = message {
                    last = bytes.first().copied();
                }
            }
        });
        heard.await.expect("it is closed");
        assert_eq!(last, Some(7), "the close was said");
    }
}

#[tokio::test]
async fn a_client_that_closes_the_socket_gets_its_answer() {
    let server = Server::roomy();
    let url = format!("ws://{}/parlour/v1/ws", server.ready().http);
    let (mut socket, _) = connect_async(&url).await.expect("it opens");
    socket.close(None).await.expect("it takes the close");
    let mut answered = false;
    while let Some(message) = socket.next().await {
        answered |= matches!(message, Ok(Message::Close(_)));
    }
    assert!(answered, "the close was answered");
}
