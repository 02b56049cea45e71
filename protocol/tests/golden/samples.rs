//! Messages with every field set to a value that follows from the field's name, so that a second
//! run makes the same bytes.

use prost_reflect::{
    Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value,
};

/// How deep messages are filled; deeper ones are left empty, so that a recursive message ends.
const DEPTH_MAX: u32 = 4;

/// `empty`, `full`, and for each further arm of each oneof one named after the arm.
pub(crate) fn samples(message: &MessageDescriptor) -> Vec<(String, DynamicMessage)> {
    let mut all = vec![("empty".to_owned(), DynamicMessage::new(message.clone()))];
    if message.fields().next().is_none() {
        return all;
    }
    all.push(("full".to_owned(), filled(message, 0)));
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        for arm in oneof.fields().skip(1) {
            let mut sample = filled(message, 0);
            sample.set_field(&arm, value(&arm, 0));
            all.push((arm.name().to_owned(), sample));
        }
    }
    all
}

fn filled(message: &MessageDescriptor, depth: u32) -> DynamicMessage {
    let mut out = DynamicMessage::new(message.clone());
    if depth < DEPTH_MAX {
        for field in message.fields().filter(is_first_arm) {
            out.set_field(&field, value(&field, depth));
        }
    }
    out
}

fn is_first_arm(field: &FieldDescriptor) -> bool {
    let first = field.containing_oneof().and_then(|oneof| oneof.fields().next());
    first.is_none_or(|first| first == *field)
}

fn value(field: &FieldDescriptor, depth: u32) -> Value {
    if field.is_map() {
        let kind = field.kind();
        let entry = kind.as_message().expect("a map's entry is a message");
        let key = match single(&entry.map_entry_key_field(), 0, depth) {
            Value::String(key) => MapKey::String(key),
            Value::U32(key) => MapKey::U32(key),
            Value::U64(key) => MapKey::U64(key),
            other => panic!("no sample for a map's key {other:?}"),
        };
        let value = single(&entry.map_entry_value_field(), 0, depth);
        return Value::Map([(key, value)].into());
    }
    if field.cardinality() == Cardinality::Repeated {
        return Value::List((0..2).map(|nth| single(field, nth, depth)).collect());
    }
    single(field, 0, depth)
}

fn single(field: &FieldDescriptor, nth: u64, depth: u32) -> Value {
    let seed = hash(field.full_name()).wrapping_add(nth);
    // Small numbers and large ones, so that every length of a varint occurs; never the default.
    let wide = (seed >> (seed % 60)).max(1);
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::Uint32 | Kind::Fixed32 => Value::U32((wide as u32).max(1)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(wide),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-((wide as u16).max(1) as i32)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(-((wide as u32).max(1) as i64)),
        Kind::Float => Value::F32(0.5 + nth as f32),
        Kind::Double => Value::F64(0.25 + nth as f64),
        Kind::String => Value::String(format!("{} é {nth}", field.name())),
        Kind::Bytes => {
            let half = seed.to_be_bytes();
            Value::Bytes([half, half.map(|byte| !byte)].concat().into())
        }
        Kind::Enum(one) => {
            let values: Vec<_> = one.values().filter(|value| value.number() != 0).collect();
            Value::EnumNumber(values[seed as usize % values.len()].number())
        }
        Kind::Message(message) => Value::Message(filled(&message, depth + 1)),
    }
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
