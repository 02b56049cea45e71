//! Traces: what an operator's collector gets of calls, and what nobody gets. The collector is the test's
//! own: it decodes with the messages that OpenTelemetry publishes, and isn't the OpenTelemetry Collector.

use std::net::TcpListener;

use bytes::Bytes;
use parlour_daemon::{
    auth::TokenRequest,
    clock::{random, unix_ms},
};
use parlour_features::{
    collector::{Collector, Mood, Seen},
    http::{self, bearer, call, request},
    raw::{CallError, hello},
    server::{Options, ROOMY, Server},
    token::claims,
    world::{ORG, client_ref, group, join, say, text},
};
use parlour_protocol::{
    generated::rpc::{CreateHook, Send},
    hook::CreateHookRequest,
    ids::{ClientRef, RoomId, uuid_v7},
    wire::ErrorReason,
};
use serde_json::json;

const SEND: &str = "parlour.message.v1.MessageService.Send";
const GET_SETTINGS: &str = "parlour.settings.v1.SettingsService.GetSettings";
const RPC_ROUTE: &str = "POST /parlour/v1/rpc/{method}";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
/// Everything is recorded.
const ALL: &str = "sample_ratio = 1.0\nparents = true";

fn config(traces: &str) -> String {
    format!("{ROOMY}[metrics]\nlisten = \"127.0.0.1:0\"\n{traces}")
}

fn server(traces: &str) -> Server {
    Server::start(Options::config(config(traces)))
}

/// The names of a call's parts, in the order they ended.
fn parts(collector: &Collector, call: &Seen) -> Vec<String> {
    collector.below(call).into_iter().map(|part| part.name).collect()
}

/// A call over HTTP within that trace, recorded or not: its status.
fn call_within(server: &Server, token: &str, method: &str, parent: &str) -> u16 {
    let headers = format!("{}traceparent: {parent}\r\n", bearer(token));
    let path = format!("/parlour/v1/rpc/{method}");
    let reply = request(server.ready().http, "POST", &path, &headers, b"{}");
    reply.expect("an answer").status
}

fn exported(server: &Server, outcome: &str) -> f64 {
    let metrics = server.ready().metrics.expect("metrics listen");
    let text = http::get(metrics, "/metrics", None).body;
    let name = format!("parlour_trace_spans_total{{outcome=\"{outcome}\"}}");
    http::metric(&text, &name).expect("it is counted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_quic_is_a_span_with_its_parts_and_its_reason() {
    let collector = Collector::start(Mood::Well);
    let more = format!("{ALL}\nservice_name = \"chat\"\nheaders = {{ X-Api-Key = \"open%20up\" }}");
    let server = server(&collector.config(&more));
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    let once = text(&room, "hello");
    ada.call::<Send>(&once).await.expect("sent");
    let sent = collector.named(SEND);
    assert!(sent.is_server && !sent.is_error && sent.parent.is_empty(), "{sent:?}");
    let said: Vec<_> = sent.attributes.iter().map(|(key, value)| (&**key, &**value)).collect();
    let wanted = [
        ("network.protocol.name", "parlour"),
        ("network.transport", "quic"),
        ("rpc.method", "Send"),
        ("rpc.service", "parlour.message.v1.MessageService"),
        ("rpc.system", "parlour"),
    ];
    assert_eq!(said, wanted);
    assert_eq!(parts(&collector, &sent), ["decide", "wait", "commit"]);
    assert!(collector.below(&sent).iter().all(|part| part.trace == sent.trace));
    assert_eq!(sent.resource["service.name"], "chat");
    assert_eq!(sent.resource["service.version"], env!("CARGO_PKG_VERSION"));
    let head = collector.heads().swap_remove(0).to_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-protobuf\r\n"), "{head}");
    assert!(head.contains("\r\nx-api-key: open%20up\r\n"), "{head}");

    // Sent again, it is decided twice, and is one call.
    ada.call::<Send>(&once).await.expect("it is there");
    let again = collector.wait_for("the other", |span| span.name == SEND && span.id != sent.id);
    assert_eq!(parts(&collector, &again), ["decide", "wait", "commit", "decide"]);
    assert_eq!(again.says("error.type"), None);

    let nowhere = Bytes::copy_from_slice(&uuid_v7(unix_ms(), random()));
    let refused = say(&ada, &nowhere, "hello").await.expect_err("there is no such room");
    assert_eq!(refused.reason(), ErrorReason::RoomNotFound as i32);
    let refused = collector.wait_for("the refused one", |span| span.says("error.type").is_some());
    assert_eq!((&*refused.name, refused.says("error.type")), (SEND, Some("ROOM_NOT_FOUND")));
    assert!(!refused.is_error, "it is the caller's fault");
    assert_eq!(parts(&collector, &refused), ["decide"]);
    assert!(exported(&server, "exported") >= 9.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_http_belongs_to_its_request_and_that_to_the_callers_trace() {
    let collector = Collector::start(Mood::Well);
    // Nothing is recorded but what others have begun to.
    let server = server(&collector.config("sample_ratio = 0.0\nparents = true"));
    let token = server.sign(&claims(ORG, "ada"));
    let settings = "SettingsService.GetSettings";
    let recorded = format!("00-{TRACE}-{PARENT}-01");
    assert_eq!(call(server.ready().http, &token, settings, &json!({})).0, 200);
    let not_recorded = format!("00-{}-{PARENT}-00", TRACE.replace('a', "b"));
    assert_eq!(call_within(&server, &token, settings, &not_recorded), 200);
    assert_eq!(call_within(&server, &token, settings, "00-what-is-this"), 200);
    assert_eq!(call_within(&server, &token, settings, &recorded), 200);
    let asked = collector.named(RPC_ROUTE);
    assert_eq!((&*asked.trace, &*asked.parent), (TRACE, PARENT));
    assert!(asked.is_server && !asked.is_error);
    assert_eq!(asked.says("http.route"), Some("/parlour/v1/rpc/{method}"));
    assert_eq!(asked.says("http.request.method"), Some("POST"));
    assert_eq!(asked.says("http.response.status_code"), Some("200"));
    let called = collector.named(GET_SETTINGS);
    assert_eq!((&called.trace, &called.parent), (&asked.trace, &asked.id));
    assert!(!called.is_server);
    assert_eq!(called.says("network.transport"), Some("tcp"));
    assert_eq!(parts(&collector, &called), ["decide"]);

    assert_eq!(call_within(&server, &token, "MessageService.Send", &recorded), 400);
    let refused = collector.named(SEND);
    let asked = collector.wait_for("its request", |span| span.id == refused.parent);
    assert_eq!(refused.says("error.type"), Some("INVALID_FIELD"));
    assert_eq!(asked.says("http.response.status_code"), Some("400"));
    assert!(!asked.is_error && !refused.is_error);
    // Whoever isn't let in has a request and no call.
    assert_eq!(call_within(&server, "nobody", settings, &recorded), 401);
    let turned_away = collector
        .wait_for("the third", |span| span.says("http.response.status_code") == Some("401"));
    assert!(collector.below(&turned_away).is_empty());
    // Spans arrive in the order they ended: what was not recorded would be here.
    assert!(collector.spans().iter().all(|span| span.trace == TRACE), "{:?}", collector.spans());
}

/// Everything that a room's id may be written as.
fn spellings(room: &Bytes) -> Vec<Vec<u8>> {
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
    };
    let id = RoomId::parse(room).expect("an id").to_string();
    let hex: String = room.iter().map(|byte| format!("{byte:02x}")).collect();
    let texts = [id, hex, STANDARD_NO_PAD.encode(room), URL_SAFE_NO_PAD.encode(room)];
    texts.into_iter().map(String::into_bytes).chain([room.to_vec()]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_anybody_is_exported() {
    let collector = Collector::start(Mood::Well);
    let secret = "canary-of-the-header";
    let headers = format!("{ALL}\nheaders = {{ Authorization = \"Bearer {secret}\" }}");
    let mut server = server(&collector.config(&headers));
    let who = TokenRequest { name: Some("Canary Name".into()), ..claims(ORG, "canary-subject") };
    let token = server.sign(&who);
    let ada = server.door().connect(hello(token.clone())).await.expect("let in");
    let room = group(&ada, "canary-room", &[]).await;
    say(&ada, &room, "canary-text").await.expect("sent");
    let make =
        CreateHookRequest { room: room.clone(), client_ref: client_ref(), name: "canary".into() };
    let hook = ada.call::<CreateHook>(&make).await.expect("made").path;
    let http = server.ready().http;
    let canary = json!({ "text": "canary-of-the-hook" }).to_string();
    let state = "traceparent: nothing\r\ntracestate: canary=of-the-state\r\n\
                 baggage: canary=of-the-baggage\r\nUser-Agent: canary-agent\r\n";
    let posted = request(http, "POST", &hook, state, canary.as_bytes()).expect("an answer");
    assert_eq!(posted.status, 200);
    let id = RoomId::parse(&room).expect("an id").to_string();
    let own = ClientRef::from_bytes(uuid_v7(unix_ms(), random())).to_string();
    let send = json!({ "room": id, "clientRef": own, "body": { "text": "canary-text" } });
    assert_eq!(call(http, &token, "MessageService.Send?canary=1", &send).0, 200);
    // What nobody serves, with names that somebody made up.
    assert_eq!(call(http, &token, "CanaryService.Canary", &json!({})).0, 404);
    for path in ["/canary", "/parlour/v1/blobs/canary", "/parlour/v1/uploads/canary?canary"] {
        request(http, "CANARY", path, "", b"canary").expect("an answer");
        request(http, "GET", path, "", b"").expect("an answer");
    }
    let raw = ada.start_raw::<Send>(9_999, Bytes::from_static(b"canary")).await.expect("made");
    assert!(matches!(raw.outcome().await, Err(CallError::Refused(_))));
    collector.named("unknown");
    assert!(server.stop().success());

    let bytes = collector.bytes();
    assert!(collector.spans().len() > 10, "{:?}", collector.spans());
    let mut canaries: Vec<Vec<u8>> =
        vec![b"anary".to_vec(), b"CANARY".to_vec(), b"127.0.0.1".to_vec()];
    canaries.push(hook.rsplit('/').next().expect("a secret").as_bytes().to_vec());
    canaries.extend([token.as_bytes().to_vec(), ada.user().as_bytes().to_vec()]);
    canaries.extend(spellings(&room));
    canaries.extend(token.split('.').map(|part| part.as_bytes().to_vec()));
    for canary in canaries {
        let is_there = bytes.windows(canary.len()).any(|window| window == canary);
        assert!(!is_there, "{:?} was exported", String::from_utf8_lossy(&canary));
    }
    assert!(!server.log().contains("anary"), "{}", server.log());
    assert!(collector.heads().iter().all(|head| head.contains(secret)), "it was sent");
    let said = [server.command(&["config"]), server.command(&["doctor"])];
    assert!(!format!("{said:?}").contains("anary"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recorded_last_arrives_before_a_clean_end() {
    let collector = Collector::start(Mood::Well);
    let mut server = server(&collector.config(ALL));
    let token = server.sign(&claims(ORG, "ada"));
    assert_eq!(call(server.ready().http, &token, "SettingsService.GetSettings", &json!({})).0, 200);
    assert!(server.stop().success());
    // It has ended: what isn't there now never comes.
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.name == GET_SETTINGS), "{spans:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_collector_the_server_starts_serves_and_ends_and_says_so_once() {
    // Nobody is at this port.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = gone.local_addr().expect("an address");
    let silent = Collector::start(Mood::Silent);
    let refusing = Collector::start(Mood::Refusing(401));
    for endpoint in [format!("http://{gone}"), silent.endpoint(), refusing.endpoint()] {
        let mut server = server(&format!("[traces]\nendpoint = \"{endpoint}\"\n{ALL}\n"));
        let ada = join(&server, "ada").await;
        let room = group(&ada, "kitchen", &[]).await;
        for nth in 0..20 {
            say(&ada, &room, &format!("number {nth}")).await.expect("sent");
        }
        let token = server.sign(&claims(ORG, "ada"));
        let settings = "SettingsService.GetSettings";
        assert_eq!(call(server.ready().http, &token, settings, &json!({})).0, 200);
        server.logs("the collector takes no traces");
        assert_eq!(exported(&server, "exported"), 0.0);
        assert!(exported(&server, "failed") > 20.0);
        say(&ada, &room, "and on").await.expect("sent");
        let doctor = server.command(&["doctor"]);
        let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
        assert!(doctor.contains("they are dropped until it takes them"), "{doctor}");
        assert!(server.stop().success());
        let log = server.log();
        assert_eq!(log.matches("the collector takes no traces").count(), 1, "{log}");
        assert!(!log.contains(&endpoint) && !log.contains("panicked"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_comes_back_gets_what_is_recorded_from_then_on() {
    let collector = Collector::start(Mood::Refusing(400));
    let server = server(&collector.config(ALL));
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    say(&ada, &room, "lost").await.expect("sent");
    server.logs("the collector takes no traces");
    collector.is(Mood::Well);
    say(&ada, &room, "kept").await.expect("sent");
    collector.named(SEND);
    server.logs("the collector takes traces again");
    let doctor = server.command(&["doctor"]);
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("the collector takes them"));
}

#[test]
fn an_address_that_is_none_is_said_so_at_the_start() {
    for (traces, said) in [
        ("endpoint = \"collector\"", "traces.endpoint is not an address of http or https"),
        ("endpoint = \"tcp://127.0.0.1:4318\"", "traces.endpoint is not an address"),
        ("endpoint = \"http://10.0.0.1:4318\"", "traces.endpoint leads to another host"),
        ("endpoint = \"http://127.0.0.1:4318/v1/traces\"", "traces.endpoint ends with"),
        ("sample_ratio = 2.0", "traces.sample_ratio is not 0 to 1"),
        ("headers = \"canary\"", "expected headers like"),
        ("endpiont = \"http://127.0.0.1:4318\"", "did you mean traces.endpoint?"),
    ] {
        let mut server = Server::prepare(Options::config(format!("[traces]\n{traces}\n")));
        let complaint = server.run().expect_err("this configuration is wrong");
        assert!(complaint.contains("exit status: 1") && complaint.contains(said), "{complaint}");
        assert!(!complaint.contains("canary") && !complaint.contains("panicked"), "{complaint}");
        let checked = server.command(&["config"]);
        let checked = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(checked.contains(said), "{checked}");
    }
}
