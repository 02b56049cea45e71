//! A request to the HTTP port, by hand.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// An answer comes within this time.
const WITHIN: Duration = Duration::from_secs(10);

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
    ask(address, path, token).unwrap_or_else(|error| panic!("http doesn't answer: {error}"))
}

/// Asks for a path where there may be no answer.
pub fn try_get(address: SocketAddr, path: &str) -> Option<Answer> {
    ask(address, path, None).ok()
}

fn ask(address: SocketAddr, path: &str, token: Option<&str>) -> io::Result<Answer> {
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let bearer = bearer.unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: parlour\r\n{bearer}Connection: close\r\n\r\n");
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(invalid)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer { status: status.ok_or_else(invalid)?, body: body.to_owned() })
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Its lines, the first one included.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(": ")?;
            given.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Any request; `headers` are whole lines, each with its end.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &[u8],
) -> io::Result<Reply> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: parlour\r\n{headers}Content-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.write_all(head.as_bytes())?;
    // It may have refused and closed before all is written.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(invalid)?;
    let head = String::from_utf8_lossy(&answer[..at]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Reply { status: status.ok_or_else(invalid)?, head, body: answer[at + 4..].to_vec() })
}

/// A call of the protocol in JSON: the status, and the answer's lines of JSON, one of most methods.
pub fn call(address: SocketAddr, token: &str, method: &str, body: &Value) -> (u16, Vec<Value>) {
    let headers = bearer(token);
    let path = format!("/parlour/v1/rpc/{method}");
    let reply = request(address, "POST", &path, &headers, body.to_string().as_bytes());
    let reply = reply.unwrap_or_else(|error| panic!("http doesn't answer: {error}"));
    (reply.status, reply.lines())
}

/// The headers of a call in JSON.
pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n")
}

impl Reply {
    /// The body as lines of JSON.
    pub fn lines(&self) -> Vec<Value> {
        let body = match self.header("transfer-encoding") {
            Some("chunked") => unchunked(&self.body),
            _ => self.body.clone(),
        };
        serde_json::Deserializer::from_slice(&body).into_iter().map_while(Result::ok).collect()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        self.lines().into_iter().next().unwrap_or_default()
    }
}

/// A body without the lengths of its chunks (RFC 9112 section 7.1).
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = std::str::from_utf8(&rest[..at]).ok();
        let length = length.and_then(|hex| usize::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let end = at + 2 + length;
        if length == 0 || end + 2 > rest.len() {
            break;
        }
        body.extend_from_slice(&rest[at + 2..end]);
        rest = &rest[end + 2..];
    }
    body
}

/// The value of a metric without labels, or of one with exactly these labels.
pub fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line?.parse().ok()
}
