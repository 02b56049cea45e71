//! As much of WebSocket (RFC 6455) as a client of our own peers needs: one upgrade, whole text
//! messages both ways, pings and closes.

/// The upgrade request for a path.
pub(crate) fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
}

/// The length of the answer's head once it is whole; an error if it isn't an upgrade.
pub(crate) fn upgraded(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    if bytes.starts_with(b"HTTP/1.1 101") {
        return Ok(Some(end + 4));
    }
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Err(format!("not upgraded: {}", String::from_utf8_lossy(line)))
}

/// Appends a frame as a client sends it. The mask is all zeros, which is a mask like any other to
/// the server and saves the generator the work.
pub(crate) fn put(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        len @ 0..=125 => out.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// A text message.
pub(crate) const TEXT: u8 = 1;
/// The end.
pub(crate) const CLOSE: u8 = 8;
/// Is anyone there?
pub(crate) const PING: u8 = 9;
/// The answer to a ping.
pub(crate) const PONG: u8 = 10;

/// The first frame of `bytes` if it is whole: opcode, where its payload is, and where it ends.
pub(crate) fn take(bytes: &[u8]) -> Option<(u8, std::ops::Range<usize>)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (start, len) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = start + usize::try_from(len).ok()?;
    (bytes.len() >= end).then_some((first & 0x0f, start..end))
}

#[cfg(test)]
#[path = "websocket_tests.rs"]
mod tests;
