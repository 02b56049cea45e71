//! What the socket peers say inside WebSocket messages: Socket.IO's packets (protocol 5 over
//! Engine.IO 4), and our own letters over plain `ws`.

use super::world;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Socketio,
    Ws,
}

/// What a message means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The server asks for the greeting with the token.
    Greet,
    /// Answer with these bytes.
    Answer(&'static [u8]),
    /// The session's private id, for recovery.
    Session(Option<String>),
    Ready,
    Post(u64),
    Ack(u64),
    Page,
    BulkDone,
    Refused(String),
    Nothing,
}

/// Acknowledgement numbers from here on belong to pages.
pub(crate) const PAGES: u64 = 1 << 40;

const POST: &[u8] = br#"42["m",""#;
const POST_FULL: &[u8] = br#"42["m",{"#;
const FULL_TEXT: &[u8] = br#""text":""#;

impl Dialect {
    pub(crate) fn path(self, token: &str) -> String {
        match self {
            Dialect::Socketio => "/socket.io/?EIO=4&transport=websocket".to_owned(),
            Dialect::Ws => format!("/?token={token}"),
        }
    }

    /// The first message of a client, once asked for. `resume`: private id and last offset.
    pub(crate) fn greeting(token: &str, resume: Option<(&str, &str)>) -> String {
        match resume {
            None => format!(r#"40{{"token":"{token}"}}"#),
            Some((pid, offset)) => {
                format!(r#"40{{"token":"{token}","pid":"{pid}","offset":"{offset}"}}"#)
            }
        }
    }

    pub(crate) fn post(self, room: &str, text: &str, number: u64) -> String {
        match self {
            Dialect::Socketio => format!(r#"42{number}["post","{room}","{text}"]"#),
            Dialect::Ws => format!("p{room}\n{text}"),
        }
    }

    pub(crate) fn bulk(bytes: usize) -> String {
        format!(r#"42["bulk",{bytes}]"#)
    }

    pub(crate) fn page(room: &str, before: u64, limit: u32) -> String {
        format!(r#"42{PAGES}["page","{room}",{before},{limit}]"#)
    }

    pub(crate) fn hear(self, text: &[u8]) -> Heard {
        match self {
            Dialect::Socketio => hear_socketio(text),
            Dialect::Ws => hear_ws(text),
        }
    }
}

fn hear_ws(text: &[u8]) -> Heard {
    match text.first() {
        Some(b'm') => world::number(&text[1..]).map_or(Heard::Nothing, Heard::Post),
        Some(b'a') => world::number(&text[1..]).map_or(Heard::Nothing, Heard::Ack),
        Some(b'r') => Heard::Ready,
        _ => Heard::Nothing,
    }
}

fn hear_socketio(text: &[u8]) -> Heard {
    if let Some(rest) = text.strip_prefix(POST) {
        return world::number(rest).map_or(Heard::Nothing, Heard::Post);
    }
    match text {
        [b'0', ..] => Heard::Greet,
        [b'2', ..] => Heard::Answer(b"3"),
        [b'4', b'0', rest @ ..] => Heard::Session(private_id(rest)),
        [b'4', b'4', ..] => Heard::Refused(String::from_utf8_lossy(text).into_owned()),
        [b'4', b'3', rest @ ..] => hear_ack(rest),
        _ => hear_event(text),
    }
}

fn hear_ack(rest: &[u8]) -> Heard {
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0u64, |value, byte| value * 10 + u64::from(byte - b'0'));
    if number >= PAGES { Heard::Page } else { Heard::Ack(number) }
}

fn hear_event(text: &[u8]) -> Heard {
    if text.starts_with(POST_FULL) {
        let at = text.windows(FULL_TEXT.len()).position(|part| part == FULL_TEXT);
        let number = at.and_then(|at| world::number(&text[at + FULL_TEXT.len()..]));
        return number.map_or(Heard::Nothing, Heard::Post);
    }
    if text.starts_with(br#"42["ready""#) {
        return Heard::Ready;
    }
    if text.starts_with(br#"42["bulk-end""#) {
        return Heard::BulkDone;
    }
    Heard::Nothing
}

fn private_id(json: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    value["pid"].as_str().map(ToOwned::to_owned)
}

/// The offset that recovery appends to an event: its last string.
pub(crate) fn offset(text: &[u8]) -> Option<&str> {
    let end = text.len().checked_sub(2).filter(|at| &text[*at..] == br#""]"#)?;
    let start = text[..end].iter().rposition(|byte| *byte == b'"')? + 1;
    std::str::from_utf8(&text[start..end]).ok()
}

#[cfg(test)]
#[path = "dialect_tests.rs"]
mod tests;
