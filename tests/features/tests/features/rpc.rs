//! The protocol's calls as JSON over HTTP: what a script does, and that it leaves nothing behind.

use std::{net::SocketAddr, time::Duration};

use parlour_daemon::clock::{random, unix_ms};
use parlour_features::{
    http::{bearer, call, get, metric, request},
    server::{Options, ROOMY, Server},
    token::claims,
    world::{ORG, group, join, say, text_of},
};
use parlour_protocol::{
    generated::rpc::{SetPresence, WatchPresence},
    ids::{ClientRef, RoomId, uuid_v7},
    presence::{Activity, SetPresenceRequest, WatchPresenceRequest},
};
use serde_json::{Value, json};

/// A new id for a send, as it is printed.
fn client_ref() -> String {
    ClientRef::from_bytes(uuid_v7(unix_ms(), random())).to_string()
}

fn token(server: &Server, sub: &str) -> String {
    server.sign(&claims(ORG, sub))
}

fn ok(http: SocketAddr, token: &str, method: &str, body: Value) -> Value {
    let (status, lines) = call(http, token, method, &body);
    assert_eq!(status, 200, "{method}: {lines:?}");
    lines.into_iter().next().expect("an answer")
}

#[tokio::test]
async fn a_script_makes_a_room_sends_and_reads_and_others_hear_it() {
    let server = Server::roomy();
    let http = server.ready().http;
    let bob = join(&server, "bob").await;
    let ada = token(&server, "ada");
    let made = ok(
        http,
        &ada,
        "RoomService.CreateGroup",
        json!({ "client_ref": client_ref(), "name": "builds", "members": [{ "subject": "bob" }] }),
    );
    let room = made["room"]["id"].as_str().expect("the room's id").to_owned();
    bob.hears(101).await;
    let own = client_ref();
    let send = json!({ "room": room, "client_ref": own, "body": { "text": "The build is done" } });
    let sent = ok(http, &ada, "MessageService.Send", send.clone());
    assert_eq!(text_of(&bob.hears(10).await.body), "The build is done");

    // Lost answers are asked for again.
    let again = ok(http, &ada, "MessageService.Send", send.clone());
    assert_eq!(again["seq"], sent["seq"]);
    assert_eq!(again["deduplicated"], true);
    let mut other = send.clone();
    other["body"]["text"] = "Something else".into();
    let (status, lines) = call(http, &ada, "MessageService.Send", &other);
    assert_eq!((status, &lines[0]["error"]["reason"]), (409, &"REF_CONFLICT".into()));

    let (status, lines) = call(http, &ada, "SyncService.ReadLog?plain", &json!({ "room": room }));
    assert_eq!((status, lines.last()), (200, Some(&json!({ "end": {} }))));
    let events = lines[0]["item"]["events"].as_array().expect("events");
    let message = events.iter().find(|event| event["header"]["kind"] == 10).expect("the message");
    assert_eq!(message["body"], json!({ "text": "The build is done" }));
    assert_eq!(message["header"]["clientRef"], own);
    assert_eq!(message["header"]["seq"], sent["seq"]);
    // What is plain can be sent again as it is.
    let sender = message["header"]["sender"].clone();
    let users = ok(http, &ada, "UserService.GetUsers?plain", json!({ "users": [sender] }));
    assert_eq!(users["users"][0]["subject"], "ada");
    assert_eq!(users["users"][0]["id"], sender);
}

#[tokio::test]
async fn sends_of_one_ref_at_once_make_one_message() {
    let server = Server::roomy();
    let http = server.ready().http;
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    let token = token(&server, "ada");
    let room = RoomId::parse(&room).expect("an id").to_string();
    let send = json!({ "room": room, "clientRef": client_ref(), "body": { "text": "once" } });
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let (token, send) = (token.clone(), send.clone());
            std::thread::spawn(move || ok(http, &token, "MessageService.Send", send))
        })
        .collect();
    let answers: Vec<Value> = threads.into_iter().map(|it| it.join().expect("sent")).collect();
    assert!(answers.iter().all(|answer| answer["seq"] == answers[0]["seq"]), "{answers:?}");
    let first = answers.iter().filter(|answer| answer["deduplicated"] != true);
    assert_eq!(first.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_not_there_and_leave_nothing_behind() {
    let config = format!("{ROOMY}[metrics]\ntoken_file = \"metrics-token.txt\"\n");
    let mut server = Server::prepare(Options::config(config));
    std::fs::write(server.root().join("metrics-token.txt"), "let-me-see\n").expect("written");
    server.run().expect("it starts");
    let http = server.ready().http;
    let bob = join(&server, "bob").await;
    bob.call::<SetPresence>(&SetPresenceRequest { activity: Activity::Active as i32 })
        .await
        .expect("bob is there");
    let ada = token(&server, "ada");
    let me = ok(http, &ada, "UserService.GetUsers", json!({ "subjects": ["ada"] }));
    assert_eq!(me["users"][0]["subject"], "ada", "who calls is known from then on");
    let files =
        || std::fs::read_dir(format!("/proc/{}/fd", server.pid())).map_or(0, Iterator::count);
    let before = files();
    let ids: Vec<_> = (0..8)
        .map(|_| {
            let ada = ada.clone();
            std::thread::spawn(move || {
                for _ in 0..125 {
                    ok(http, &ada, "SettingsService.GetSettings", json!({}));
                }
            })
        })
        .collect();
    ids.into_iter().for_each(|thread| thread.join().expect("it calls"));
    let metrics = get(http, "/metrics", Some("let-me-see")).body;
    assert_eq!(metric(&metrics, "parlour_connections"), Some(1.0), "bob's");
    let calls = "parlour_calls_total{method=\"GetSettings\",outcome=\"ok\"}";
    assert_eq!(metric(&metrics, calls), Some(1000.0));
    assert!(files() <= before + 16, "{} files, {before} before", files());
    let ada = bytes_of(&me["users"][0]["id"]);
    let watch = WatchPresenceRequest { add: vec![ada], remove: vec![] };
    let presence = bob.call::<WatchPresence>(&watch).await.expect("bob may look");
    assert_eq!(presence.people.len(), 1);
    assert_eq!(presence.people[0].state, 1, "offline: {:?}", presence.people[0]);
}

fn bytes_of(base64: &Value) -> bytes::Bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.decode(base64.as_str().expect("text")).expect("base64").into()
}

#[tokio::test]
async fn a_connection_that_calls_is_kept() {
    use std::io::{Read, Write};
    let server = Server::roomy();
    let token = token(&server, "ada");
    let mut stream = std::net::TcpStream::connect(server.ready().http).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    // A connection lasts ten seconds by itself.
    for _ in 0..7 {
        let request = format!(
            "POST /parlour/v1/rpc/SettingsService.GetSettings HTTP/1.1\r\nHost: parlour\r\n{}\
             Content-Length: 2\r\n\r\n{{}}",
            bearer(&token)
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).expect("answered");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "after some seconds");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

#[tokio::test]
async fn the_description_is_served_to_everyone_and_printed() {
    let server = Server::roomy();
    let http = server.ready().http;
    let served = request(http, "GET", "/parlour/v1/openapi.json", "", b"").expect("answered");
    assert_eq!(served.status, 200);
    let printed = server.command(&["openapi"]);
    assert!(printed.status.success());
    assert_eq!(served.body, printed.stdout);
    let document: Value = serde_json::from_slice(&served.body).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/parlour/v1/rpc/MessageService.Send"].is_object());
}

#[tokio::test]
async fn a_large_answer_comes_whole_and_a_reader_who_stops_holds_nobody_up() {
    use std::io::{Read, Write};
    let server = Server::roomy();
    let http = server.ready().http;
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    let long = "word ".repeat(3000);
    for _ in 0..200 {
        say(&ada, &room, &long).await.expect("sent");
    }
    let token = token(&server, "ada");
    let room = RoomId::parse(&room).expect("an id").to_string();
    let read = json!({ "room": room });
    let (status, lines) = call(http, &token, "SyncService.ReadLog", &read);
    assert_eq!((status, lines.last()), (200, Some(&json!({ "end": {} }))));
    let count = |line: &Value| line["item"]["events"].as_array().map_or(0, Vec::len);
    assert_eq!(lines.iter().map(count).sum::<usize>(), 201);

    // One who doesn't read on is cut off; everybody else goes on meanwhile.
    let mut slow = std::net::TcpStream::connect(http).expect("connected");
    let body = read.to_string();
    let request = format!(
        "POST /parlour/v1/rpc/SyncService.ReadLog HTTP/1.1\r\nHost: parlour\r\n{}Content-Length: \
         {}\r\n\r\n{body}",
        bearer(&token),
        body.len()
    );
    slow.write_all(request.as_bytes()).expect("sent");
    slow.read_exact(&mut [0; 15]).expect("it begins");
    say(&ada, &room_field(&room), "still here").await.expect("sent");
}

fn room_field(room: &str) -> bytes::Bytes {
    room.parse::<RoomId>().expect("an id").to_field()
}
