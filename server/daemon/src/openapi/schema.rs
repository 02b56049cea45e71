//! JSON schemas of messages: what is read and what is written, in one.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::comments::comment;
use crate::json::{CONTRACT, Content, content};

/// The schemas that are referred to, each once.
#[derive(Debug, Default)]
pub(super) struct Schemas {
    made: BTreeMap<String, Value>,
}

impl Schemas {
    /// A reference to a message's schema, which is made if it isn't there.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        let name = message.full_name().to_owned();
        if !self.made.contains_key(&name) {
            // There first, so that a message which holds itself ends.
            self.made.insert(name.clone(), Value::Null);
            let schema = self.describe(message);
            self.made.insert(name.clone(), schema);
        }
        reference(&name)
    }

    /// All of them, and that of errors.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        self.made.insert("Error".to_owned(), error());
        self.made.into_iter().collect()
    }

    fn describe(&mut self, message: &MessageDescriptor) -> Value {
        let mut properties = Map::new();
        for field in message.fields() {
            let mut schema = self.field(&field);
            let mut about = comment(&field.parent_message().parent_file(), field.path());
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            if let Some(oneof) = oneof {
                about += &format!(" One of `{}`.", oneof.name());
            }
            if !about.is_empty() {
                schema["description"] = about.trim().into();
            }
            properties.insert(field.json_name().to_owned(), schema);
        }
        let mut schema = json!({
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        let about = comment(&message.parent_file(), message.path());
        if !about.is_empty() {
            schema["description"] = about.into();
        }
        schema
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let single = match field.kind() {
            Kind::Message(message) => self.message(&message),
            Kind::Enum(values) => self.values(&values),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => self.bytes(field),
            Kind::Double | Kind::Float => json!({ "type": "number" }),
            Kind::Uint64 | Kind::Fixed64 => long(r"^[0-9]{1,20}$", json!({ "minimum": 0 })),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => long(r"^-?[0-9]{1,19}$", json!({})),
            Kind::Uint32 | Kind::Fixed32 => {
                json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX })
            }
        };
        match field.is_list() {
            true => json!({ "type": "array", "items": single }),
            false => single,
        }
    }

    fn values(&mut self, values: &EnumDescriptor) -> Value {
        let name = values.full_name().to_owned();
        let names: Vec<String> = values.values().map(|value| value.name().to_owned()).collect();
        let mut schema = json!({ "anyOf": [
            { "type": "string", "enum": names },
            { "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX },
        ] });
        let about = comment(&values.parent_file(), values.path());
        if !about.is_empty() {
            schema["description"] = about.into();
        }
        self.made.entry(name.clone()).or_insert(schema);
        reference(&name)
    }

    fn bytes(&mut self, field: &FieldDescriptor) -> Value {
        let base64 = json!({ "type": "string", "contentEncoding": "base64" });
        match content(field) {
            Content::Message(name) => {
                let message = CONTRACT.pool.get_message_by_name(name);
                let message = message.expect("it is in the contract");
                json!({ "anyOf": [self.message(&message), base64] })
            }
            Content::EventBody => {
                let object = json!({ "type": "object" });
                json!({ "anyOf": [base64, object] })
            }
            // Whatever an application makes of it.
            Content::Payload => json!({}),
            Content::Id => json!({
                "type": "string",
                "examples": ["01900000-0000-7000-8000-000000000000"],
            }),
            Content::Hash | Content::Opaque => base64,
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// 64 bits are written as strings, since JavaScript's numbers end before them.
fn long(pattern: &str, bounds: Value) -> Value {
    let mut number = json!({ "type": "integer" });
    if let (Value::Object(number), Value::Object(bounds)) = (&mut number, bounds) {
        number.extend(bounds);
    }
    json!({ "anyOf": [{ "type": "string", "pattern": pattern }, number] })
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "Why a call failed. Programs branch on `reason`, and on `code` for a reason they \
            don't know; never on `message`.",
        "required": ["code", "reason", "message", "retry"],
        "properties": {
            "code": { "type": "string", "description": "The class, one of the gRPC codes." },
            "reason": { "type": "string", "description": "The reason, of an open list." },
            "message": { "type": "string", "description": "For logs, in English." },
            "retry": {
                "type": "string",
                "enum": [
                    "NEVER", "SAME", "AFTER_DELAY", "RECONNECT", "AFTER_REAUTH", "AFTER_RESYNC",
                ],
                "description": "Whether, and after what, the same call may succeed.",
            },
            "retryAfterMs": { "type": "integer", "minimum": 1 },
            "violations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "problem"],
                    "properties": {
                        "field": { "type": "string" },
                        "problem": { "type": "string" },
                    },
                },
            },
        },
    })
}
