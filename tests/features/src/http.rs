//! A request to the HTTP port, by hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Asks for a path, with a bearer token or without.
pub fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let bearer = bearer.unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: parlour\r\n{bearer}Connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).expect("the http port is open");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("10 s are a valid timeout");
    stream.write_all(request.as_bytes()).expect("the http port takes a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the http port answers within 10 s");
    let answer = String::from_utf8(answer).expect("answers are text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Answer { status: status.expect("an answer has a status"), body: body.to_owned() }
}

/// The value of a metric without labels, or of one with exactly these labels.
pub fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line?.parse().ok()
}
