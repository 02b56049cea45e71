//! A request to the HTTP port, by hand.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

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

/// The value of a metric without labels, or of one with exactly these labels.
pub fn metric(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line?.parse().ok()
}
