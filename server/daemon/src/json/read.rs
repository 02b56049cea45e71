//! From JSON to a request. Everything is checked before the message is made, so that a refusal can name
//! the field.

use base64::{
    Engine,
    alphabet::{STANDARD as PLAIN, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use bytes::Bytes;
use parlour_protocol::{
    limits::SEQ_MAX,
    wire::{Error, ErrorReason},
};
use prost::Message;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::{
    CONTRACT,
    fields::{Content, content, hex, uuid},
};

/// A message of that kind in the encoding of the wire. Nothing at all is a message without fields.
pub(crate) fn read(message: &MessageDescriptor, text: &[u8]) -> Result<Bytes, Error> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Bytes::new());
    }
    let mut value: Value = serde_json::from_slice(text).map_err(|error| {
        let at = format!("line {} column {}", error.line(), error.column());
        malformed(format!("the body is not JSON, as of {at}"))
    })?;
    encode(message, &mut value, "")
}

fn malformed(why: impl Into<String>) -> Error {
    Error::new(ErrorReason::MalformedRequest, why)
}

fn encode(message: &MessageDescriptor, value: &mut Value, path: &str) -> Result<Bytes, Error> {
    check_message(message, value, path)?;
    let made = DynamicMessage::deserialize(message.clone(), &*value);
    // Its own words would repeat what was sent.
    let made = made.map_err(|_| malformed("the body is not a request of this method"))?;
    Ok(made.encode_to_vec().into())
}

fn check_message(message: &MessageDescriptor, value: &mut Value, path: &str) -> Result<(), Error> {
    let Value::Object(object) = value else {
        return Err(match path {
            "" => malformed("the body is not a JSON object"),
            _ => Error::invalid(path, "is not an object"),
        });
    };
    check_names(message, object, path)?;
    name_payload(message, object);
    for (name, value) in object.iter_mut() {
        let field = field_of(message, name).expect("names were checked");
        check_field(&field, value, &join(path, name))?;
    }
    Ok(())
}

fn field_of(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Each field is known and there once, and of those of which there is one there is one.
fn check_names(
    message: &MessageDescriptor,
    object: &Map<String, Value>,
    path: &str,
) -> Result<(), Error> {
    let mut seen: Vec<FieldDescriptor> = Vec::with_capacity(object.len());
    for (name, value) in object {
        let Some(field) = field_of(message, name) else {
            // A name over that length isn't a mistake in writing.
            let shown: String = name.chars().take(64).collect();
            return Err(Error::invalid(join(path, &shown), "is not a field of this message"));
        };
        if seen.contains(&field) {
            return Err(Error::invalid(join(path, name), "is there twice"));
        }
        let oneof = field.containing_oneof().filter(|_| !value.is_null());
        let other = |other: &&FieldDescriptor| oneof.is_some() && other.containing_oneof() == oneof;
        if let Some(other) = seen.iter().find(other) {
            let problem = format!("can't stand beside {}", other.name());
            return Err(Error::invalid(join(path, name), problem));
        }
        if !value.is_null() {
            seen.push(field);
        }
    }
    Ok(())
}

fn check_field(field: &FieldDescriptor, value: &mut Value, path: &str) -> Result<(), Error> {
    if value.is_null() {
        return Ok(());
    }
    if field.cardinality() != Cardinality::Repeated {
        return check_single(field, value, path);
    }
    let Value::Array(items) = value else { return Err(Error::invalid(path, "is not an array")) };
    for (at, item) in items.iter_mut().enumerate() {
        check_single(field, item, &format!("{path}[{at}]"))?;
    }
    Ok(())
}

fn check_single(field: &FieldDescriptor, value: &mut Value, path: &str) -> Result<(), Error> {
    let problem = match field.kind() {
        Kind::Message(message) => return check_message(&message, value, path),
        Kind::Bytes => return check_bytes(field, value, path),
        Kind::Bool => (!value.is_boolean()).then_some("is not true or false"),
        Kind::String => (!value.is_string()).then_some("is not a string"),
        Kind::Enum(values) => {
            let is_known = match &*value {
                Value::String(name) => values.get_value_by_name(name).is_some(),
                value => whole(value).is_some_and(|n| i32::try_from(n).is_ok()),
            };
            (!is_known).then_some("is none of the values there are")
        }
        Kind::Double | Kind::Float => (!value.is_number()).then_some("is not a number"),
        kind => {
            let (from, to) = range(&kind);
            let fits = whole(value).is_some_and(|n| (from..=to).contains(&n));
            (!fits).then_some("is not a whole number within its bounds")
        }
    };
    match problem {
        Some(problem) => Err(Error::invalid(path, problem)),
        None => Ok(()),
    }
}

/// A whole number, as one or as a string of one: the JSON mapping takes both.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) if number.is_u64() => number.as_u64().map(i128::from),
        Value::Number(number) if number.is_i64() => number.as_i64().map(i128::from),
        // 1e3 is whole, too; beyond 2^53 nobody knows which number was meant.
        Value::Number(number) => number
            .as_f64()
            .filter(|n| n.fract() == 0.0 && n.abs() <= SEQ_MAX as f64)
            .map(|n| n as i128),
        Value::String(digits) if digits.len() <= 20 => digits.parse().ok(),
        _ => None,
    }
}

fn range(kind: &Kind) -> (i128, i128) {
    match kind {
        Kind::Uint32 | Kind::Fixed32 => (0, u32::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => (0, u64::MAX.into()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// Bytes in base64, an id or a hash as it is printed, or the message that they encode.
fn check_bytes(field: &FieldDescriptor, value: &mut Value, path: &str) -> Result<(), Error> {
    let content = content(field);
    let bytes = match (&mut *value, content) {
        (object @ Value::Object(_), Content::Message(name)) => {
            let message = CONTRACT.pool.get_message_by_name(name).expect("it is in the contract");
            encode(&message, object, path)?.to_vec()
        }
        (Value::String(text), content) => {
            let bytes = match content {
                Content::Hash => hex::<32>(text).map(|hash| hash.to_vec()),
                Content::Id => uuid(text).map(|id| id.to_vec()),
                _ => None,
            };
            let bytes = bytes.or_else(|| base64(text));
            bytes.ok_or_else(|| Error::invalid(path, expected(content)))?
        }
        // JSON within JSON is kept as its text.
        (json, Content::Payload) => json.to_string().into_bytes(),
        (_, content) => return Err(Error::invalid(path, expected(content))),
    };
    *value = Value::String(STANDARD.encode(bytes));
    Ok(())
}

fn expected(content: Content) -> &'static str {
    match content {
        Content::Id => "is neither a UUID nor base64",
        Content::Hash => "is neither 64 hexadecimal digits nor base64",
        Content::Message(_) => "is neither an object nor base64",
        Content::EventBody | Content::Payload | Content::Opaque => "is not base64",
    }
}

/// Of either alphabet, with padding or without, as the JSON mapping has it.
fn base64(text: &str) -> Option<Vec<u8>> {
    const EITHER: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&PLAIN, EITHER);
    const SAFE: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, EITHER);
    STANDARD.decode(text).or_else(|_| SAFE.decode(text)).ok()
}

/// A payload that was given as JSON is called that, unless it is called something else.
fn name_payload(message: &MessageDescriptor, object: &mut Map<String, Value>) {
    let is_payload =
        |field: &FieldDescriptor| field.kind() == Kind::Bytes && content(field) == Content::Payload;
    let Some(field) = message.fields().find(is_payload) else { return };
    let is_json = object.get(field.name()).is_some_and(|it| !it.is_string() && !it.is_null());
    if is_json && !object.contains_key("content_type") && !object.contains_key("contentType") {
        object.insert("contentType".to_owned(), Value::String("application/json".to_owned()));
    }
}
