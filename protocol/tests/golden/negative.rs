//! Bytes that are no message, and some that are odd but valid, with what each decoder makes of them.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, prost::Message};
use serde_json::{Value, json};

/// A field number no message uses.
const UNKNOWN: u32 = 1_000;
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const DELIMITED: u32 = 2;
const GROUP_START: u32 = 3;
const GROUP_END: u32 = 4;
const FIXED32: u32 = 5;

/// The vectors of one message: bytes, and what prost and Python's protobuf make of them.
pub(crate) fn cases(message: &MessageDescriptor) -> Vec<Value> {
    let mut cases = Cases { message: message.full_name().to_owned(), out: Vec::new() };
    cases.of_the_wire();
    cases.tolerated();
    let samples = super::samples::samples(message);
    let full = samples.iter().find(|(case, _)| case == "full");
    if let Some((_, sample)) = full {
        let bytes = sample.encode_to_vec();
        cases.refused("truncated", &bytes[..bytes.len() - 1]);
        let mut trailing = bytes;
        trailing.push(0x80);
        cases.refused("half a key at the end", &trailing);
    }
    if let Some(field) = message.fields().next() {
        cases.of_its_first_field(&field);
    }
    if let Some(field) = message.fields().find(|field| field.kind() == Kind::String) {
        let bad = [&key(field.number(), DELIMITED)[..], &[3, b'a', 0xff, 0xfe]].concat();
        cases.refused("invalid utf-8", &bad);
        let surrogate = [&key(field.number(), DELIMITED)[..], &[3, 0xed, 0xa0, 0x80]].concat();
        cases.refused("utf-8 of a surrogate", &surrogate);
    }
    cases.out
}

struct Cases {
    message: String,
    out: Vec<Value>,
}

impl Cases {
    fn push(&mut self, case: &str, bytes: &[u8], prost: &str, python: &str) {
        self.out.push(json!({
            "message": self.message,
            "case": case,
            "hex": super::hex(bytes),
            "prost": prost,
            "python": python,
        }));
    }

    fn refused(&mut self, case: &str, bytes: &[u8]) {
        self.push(case, bytes, "refused", "refused");
    }

    /// What breaks the wire format itself, whatever the message.
    fn of_the_wire(&mut self) {
        let key = |kind| key(UNKNOWN, kind);
        self.refused("over-long varint", &[&key(VARINT)[..], &[0x80; 10], &[1]].concat());
        self.refused("varint without end", &[&key(VARINT)[..], &[0xff; 20]].concat());
        self.refused("length bomb", &[&key(DELIMITED)[..], &varint(0x7fff_ffff)].concat());
        self.refused("length of 64 bits", &[&key(DELIMITED)[..], &varint(u64::MAX)].concat());
        let depth = 120;
        let deep = [key(GROUP_START).repeat(depth), key(GROUP_END).repeat(depth)].concat();
        self.refused("deep nesting", &deep);
        self.refused("group without end", &key(GROUP_START));
        self.refused("end without group", &key(GROUP_END));
        let crossed =
            [&key(GROUP_START)[..], &super::negative::key(UNKNOWN + 1, GROUP_END)].concat();
        self.refused("group with another's end", &crossed);
        self.refused("field number zero", &[0, 0]);
        self.refused("wire type six", &key(6));
        self.refused("wire type seven", &key(7));
        self.refused("key of 64 bits", &[&varint(u64::MAX - 7)[..], &[0]].concat());
    }

    /// What a newer peer may send: taken by everyone.
    fn tolerated(&mut self) {
        let key = |kind| key(UNKNOWN, kind);
        let parts: &[&[u8]] = &[
            &key(VARINT),
            &[0x96, 0x01],
            &key(FIXED64),
            &[1; 8],
            &key(DELIMITED),
            &[3, 1, 2, 3],
            &key(FIXED32),
            &[1; 4],
            &key(GROUP_START),
            &key(VARINT),
            &[1],
            &key(GROUP_END),
        ];
        self.push("unknown fields", &parts.concat(), "taken", "taken");
        let wide = [&key(VARINT)[..], &[0x81, 0x80, 0x80, 0x00]].concat();
        self.push("varint longer than need be", &wide, "taken", "taken");
    }

    /// A known field in a wire type that isn't its own: an error to prost, an unknown field to
    /// Python. Both are allowed; nobody sends it.
    fn of_its_first_field(&mut self, field: &FieldDescriptor) {
        let is_fixed64 = matches!(field.kind(), Kind::Fixed64 | Kind::Sfixed64 | Kind::Double);
        let other = if is_fixed64 { FIXED32 } else { FIXED64 };
        let bytes = [&key(field.number(), other)[..], &[1; 8]].concat();
        let bytes = if is_fixed64 { &bytes[..bytes.len() - 4] } else { &bytes };
        self.push("wrong wire type", bytes, "refused", "taken");
        let is_delimited = matches!(field.kind(), Kind::String | Kind::Bytes | Kind::Message(_));
        if is_delimited {
            let bomb = [&key(field.number(), DELIMITED)[..], &varint(0x7fff_ffff)].concat();
            self.refused("length bomb in its first field", &bomb);
        }
    }
}

fn key(number: u32, kind: u32) -> Vec<u8> {
    varint(u64::from(number << 3 | kind))
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
