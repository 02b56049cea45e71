//! From an answer to JSON: as proto3 has it, or plainer for people.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use parlour_protocol::wire::{Error, ErrorReason};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::{
    CONTRACT,
    fields::{Content, content, print_hex, print_uuid},
};

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In base64, as proto3 has it.
    Canonical,
    /// Ids as UUIDs, hashes in hexadecimal digits, bodies of events as objects. Everything else as
    /// ever; what is written so can be read, too.
    Plain,
}

/// Messages within messages are opened this deep.
const DEPTH_MAX: usize = 4;

/// A message of that kind as JSON.
pub(crate) fn write(message: &MessageDescriptor, bytes: Bytes, form: Form) -> Result<Value, Error> {
    let internal = || Error::new(ErrorReason::Internal, "an answer isn't what it should be");
    let decoded = DynamicMessage::decode(message.clone(), bytes).map_err(|_| internal())?;
    let mut value = serde_json::to_value(&decoded).map_err(|_| internal())?;
    if form == Form::Plain {
        plain(message, &mut value, 0);
    }
    Ok(value)
}

fn plain(message: &MessageDescriptor, value: &mut Value, depth: usize) {
    let body = event_body(message, value);
    let is_json = is_json(value);
    let Value::Object(object) = value else { return };
    for (name, value) in object.iter_mut() {
        let Some(field) = message.get_field_by_json_name(name) else { continue };
        let items = match value {
            Value::Array(items) => items.iter_mut().collect(),
            value => vec![value],
        };
        for item in items {
            match field.kind() {
                Kind::Message(message) => plain(&message, item, depth),
                Kind::Bytes => plain_bytes(&field, item, body.as_ref(), is_json, depth),
                _ => {}
            }
        }
    }
}

fn plain_bytes(
    field: &FieldDescriptor,
    value: &mut Value,
    body: Option<&MessageDescriptor>,
    is_json: bool,
    depth: usize,
) {
    let Some(bytes) = value.as_str().and_then(|text| STANDARD.decode(text).ok()) else { return };
    let of_message = |message: &MessageDescriptor| {
        let opened = DynamicMessage::decode(message.clone(), &bytes[..]).ok()?;
        let mut value = serde_json::to_value(&opened).ok()?;
        plain(message, &mut value, depth + 1);
        Some(value)
    };
    let opened = match content(field) {
        Content::Id => bytes.as_slice().try_into().ok().map(print_uuid).map(Value::String),
        Content::Hash if bytes.len() == 32 => Some(Value::String(print_hex(&bytes))),
        Content::EventBody if depth < DEPTH_MAX => body.and_then(of_message),
        Content::Message(name) if depth < DEPTH_MAX => {
            CONTRACT.pool.get_message_by_name(name).as_ref().and_then(of_message)
        }
        // A string would be read as base64, so it stays that.
        Content::Payload if is_json => {
            serde_json::from_slice(&bytes).ok().filter(|json: &Value| !json.is_string())
        }
        _ => None,
    };
    if let Some(opened) = opened {
        *value = opened;
    }
}

/// Which message the body of an event is, by its header.
fn event_body(message: &MessageDescriptor, value: &Value) -> Option<MessageDescriptor> {
    if message.full_name() != "parlour.wire.v1.Event" {
        return None;
    }
    let kind = value.get("header")?.get("kind")?.as_u64()?;
    CONTRACT.bodies.get(&u32::try_from(kind).ok()?).cloned()
}

fn is_json(value: &Value) -> bool {
    let kind = value.get("contentType").and_then(Value::as_str).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}
