//! Fields of bytes that people would rather not write in base64: ids, hashes, and messages within
//! messages.

use prost_reflect::FieldDescriptor;

/// Names of fields that hold SHA-256 hashes.
const HASHES: &[&str] = &["hash", "attachments"];
/// Names of fields whose bytes mean nothing to anybody but their reader.
const OPAQUE: &[&str] = &["body", "next_page", "padding", "page", "payload", "resume", "waveform"];

/// What the bytes of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// An id of 16 bytes, or whatever else has that length.
    Id,
    /// A SHA-256 hash.
    Hash,
    /// A message of that name.
    Message(&'static str),
    /// The body of the event whose header stands beside it.
    EventBody,
    /// What an application makes of it; JSON where `content_type` says so.
    Payload,
    /// Nobody else's business.
    Opaque,
}

/// What a field of bytes holds.
pub(crate) fn content(field: &FieldDescriptor) -> Content {
    match field.full_name() {
        "parlour.message.v1.SendRequest.body" => {
            Content::Message("parlour.message.v1.MessagePosted")
        }
        "parlour.message.v1.EditRequest.body" => {
            Content::Message("parlour.message.v1.MessageEdited")
        }
        "parlour.app.v1.PublishRequest.body" => Content::Message("parlour.app.v1.AppEvent"),
        "parlour.app.v1.SignalRequest.body" => Content::Message("parlour.app.v1.AppSignal"),
        "parlour.wire.v1.Event.body" => Content::EventBody,
        "parlour.app.v1.AppEvent.payload" | "parlour.app.v1.AppSignal.payload" => Content::Payload,
        _ if HASHES.contains(&field.name()) => Content::Hash,
        _ if OPAQUE.contains(&field.name()) => Content::Opaque,
        _ => Content::Id,
    }
}

/// The bytes of a UUID as it is printed: 8-4-4-4-12 hexadecimal digits. Base64 of RFC 4648 section 4 has
/// no hyphen, so nothing is both.
pub(super) fn uuid(text: &str) -> Option<[u8; 16]> {
    let is_shaped =
        text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
    if !is_shaped {
        return None;
    }
    let digits: String = text.split('-').collect();
    hex(&digits)
}

/// That many bytes in hexadecimal digits.
pub(super) fn hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; N];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(out)
}

/// A UUID as it is printed.
pub(super) fn print_uuid(bytes: [u8; 16]) -> String {
    let digits = print_hex(&bytes);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// In hexadecimal digits.
pub(super) fn print_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
