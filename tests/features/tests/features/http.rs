//! The HTTP port: alive, ready, and metrics for those who may see them.

use std::fs;

use parlour_features::{
    http::{get, metric},
    server::{Options, ROOMY, Server},
    world::{group, join, say},
};

#[tokio::test]
async fn health_and_readiness_are_public_and_metrics_are_not() {
    let server = Server::roomy();
    let http = server.ready().http;
    assert_eq!(get(http, "/healthz", None).status, 200);
    assert_eq!(get(http, "/readyz", None).status, 200);
    assert_eq!(get(http, "/metrics", None).status, 404, "without a token file there are none");
    assert_eq!(get(http, "/nothing.there", None).status, 404);
    // The web client, where there is one, says itself what of its paths is nothing.
    assert!(!get(http, "/../../etc/passwd", None).body.contains("root:"));
}

#[tokio::test]
async fn metrics_want_the_token_and_count_what_happens() {
    let config = format!("{ROOMY}[metrics]\ntoken_file = \"metrics-token.txt\"\n");
    let mut server = Server::prepare(Options::config(config));
    fs::write(server.root().join("metrics-token.txt"), "let-me-see\n").expect("written");
    server.run().expect("it starts");
    let http = server.ready().http;
    for wrong in [None, Some(""), Some("let-me-se"), Some("let-me-see-more")] {
        let answer = get(http, "/metrics", wrong);
        assert_eq!(answer.status, 401, "{wrong:?}");
        assert!(!answer.body.contains("parlour_"));
    }
    let ada = join(&server, "ada").await;
    let room = group(&ada, "kitchen", &[]).await;
    // Live from here on: what is said before the room was gained is read from its log.
    ada.hears(101).await;
    say(&ada, &room, "hello").await.expect("sent");
    ada.hears(10).await;
    let answer = get(http, "/metrics", Some("let-me-see"));
    assert_eq!(answer.status, 200);
    assert_eq!(metric(&answer.body, "parlour_connections_opened_total{resumed=\"no\"}"), Some(1.0));
    assert!(answer.body.contains("process_resident_memory_bytes"));
    let bytes = metric(&answer.body, "parlour_event_bytes_total").expect("it is counted");
    assert!((20.0..1_000.0).contains(&bytes), "{bytes} bytes of events");
}

#[tokio::test]
async fn a_private_listener_needs_no_token_and_serves_nothing_else_secret() {
    let config = format!("{ROOMY}[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let server = Server::start(Options::config(config));
    let private = server.ready().metrics.expect("it says where metrics are");
    assert_eq!(get(private, "/metrics", None).status, 200);
    assert_eq!(get(server.ready().http, "/metrics", None).status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_server_is_alive_but_not_ready() {
    let mut server = Server::start(Options::config("[drain]\ndeadline_s = 3\njitter_s = 1\n"));
    let ada = join(&server, "ada").await;
    server.signal("TERM");
    ada.notice(parlour_features::raw::PATIENCE).await.expect("ada is told");
    let http = server.ready().http;
    assert_eq!(get(http, "/readyz", None).status, 503);
    assert_eq!(get(http, "/healthz", None).status, 200);
    drop(ada);
    assert_eq!(server.wait().code(), Some(0));
}
