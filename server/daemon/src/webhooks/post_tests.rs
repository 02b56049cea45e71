//! Posts to a server of the test's own.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use parlour_protocol::{
    event::compose,
    ids::{RoomId, WebhookId},
    message::MessagePosted,
    prost::Message,
    wire::EventHeader,
};

use super::*;

/// Answers one request with these bytes, and tells what came.
fn answering(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut heard = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&heard).ends_with('}') {
            let n = stream.read(&mut part).expect("it goes on");
            heard.extend_from_slice(&part[..n]);
        }
        stream.write_all(answer.as_bytes()).expect("it listens");
        String::from_utf8(heard).expect("text")
    });
    (address, heard)
}

fn post(url: &str) -> Post {
    let header = EventHeader { seq: 5, kind: 10, ..EventHeader::default() };
    let body = MessagePosted { text: "Hello".into(), ..MessagePosted::default() };
    Post {
        webhook: WebhookId::from_bytes([1; 16]),
        url: url.into(),
        secret: [9; 32].into(),
        room: RoomId::from_bytes([2; 16]),
        seq: 5,
        event: compose(&header, &body.encode_to_vec()),
    }
}

fn outside(allowed: &[&str]) -> Outside {
    Outside::new(allowed.iter().map(|net| net.parse().expect("a network")).collect(), 60)
}

async fn answered(answer: &'static str) -> Result<(), PostError> {
    let (address, heard) = answering(answer);
    let result = outside(&["127.0.0.1/32"]).post(post(&format!("http://{address}/hook?a=b"))).await;
    let heard = heard.join().expect("heard");
    assert!(heard.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{heard}");
    result
}

#[tokio::test]
async fn a_post_is_signed_and_taken() {
    let (address, heard) = answering("HTTP/1.1 204 No Content\r\n\r\n");
    let url = format!("http://{address}/hook");
    assert_eq!(outside(&["127.0.0.0/8"]).post(post(&url)).await, Ok(()));
    let heard = heard.join().expect("heard");
    let (head, body) = heard.split_once("\r\n\r\n").expect("a head");
    let value = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
    };
    assert_eq!(value("host"), address.to_string());
    assert_eq!(value("content-type"), "application/json");
    assert_eq!(value("webhook-id"), id_of(&post(&url)));
    let timestamp = value("webhook-timestamp").parse().expect("a number");
    let signature = signature(&[9; 32], &value("webhook-id"), timestamp, body.as_bytes());
    assert_eq!(value("webhook-signature"), signature);
}

#[tokio::test]
async fn only_a_success_is_one() {
    for (answer, result) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Ok(())),
        ("HTTP/1.1 202 Accepted\r\n\r\n", Ok(())),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n",
            Err(PostError::Status(302, None)),
        ),
        ("HTTP/1.1 410 Gone\r\n\r\n", Err(PostError::Status(410, None))),
        ("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n", Err(PostError::Status(429, Some(7000)))),
        ("HTTP/1.1 500 No\r\nRetry-After: soon\r\n\r\n", Err(PostError::Status(500, None))),
        ("nonsense\r\n\r\n", Err(PostError::NotHttp)),
        ("", Err(PostError::NotHttp)),
    ] {
        assert_eq!(answered(answer).await, result, "{answer}");
    }
}

#[test]
fn a_date_says_how_long_to_wait() {
    let now_ms = 784_111_777_000;
    for (wish, wait) in [
        ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
        ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
        ("Sun Nov  6 08:49:37 1994", Some(0)),
        ("Sat, 05 Nov 1994 08:49:37 GMT", Some(0)),
        ("120", Some(120_000)),
        ("99999999999999999999999", None),
        ("-1", None),
        ("tomorrow", None),
        ("", None),
    ] {
        assert_eq!(retry_after_ms(wish, now_ms), wait, "{wish}");
    }
}

#[tokio::test]
async fn a_head_that_has_no_end_is_not_read_to_it() {
    let answer: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(64 * 1024)).into_boxed_str());
    let (address, _heard) = answering(answer);
    let url = format!("http://{address}/");
    assert_eq!(outside(&["127.0.0.1/32"]).post(post(&url)).await, Err(PostError::NotHttp));
}

#[tokio::test]
async fn nothing_goes_where_it_may_not() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("it can be asked");
    let port = listener.local_addr().expect("an address").port();
    for url in [
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        // A name that leads here is no way around it.
        format!("https://localhost:{port}/"),
        format!("http://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
    ] {
        let result = outside(&[]).post(post(&url)).await;
        assert_eq!(result, Err(PostError::NotAllowed), "{url}");
    }
    assert!(listener.accept().is_err(), "nobody came");
    // Where the name leads has to be allowed, not the name.
    let result = outside(&["10.0.0.0/8"]).post(post(&format!("http://localhost:{port}/"))).await;
    assert_eq!(result, Err(PostError::NotAllowed));
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("made");
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.expect("a key"))
        .expect("a certificate");
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut tls = rustls::ServerConnection::new(Arc::new(config)).expect("a connection");
        tls.complete_io(&mut stream).is_err()
    });
    let result = outside(&["127.0.0.1/32"]).post(post(&format!("https://{address}/"))).await;
    assert_eq!(result, Err(PostError::Tls));
    assert!(heard.join().expect("heard"), "nothing was said to it");
}
