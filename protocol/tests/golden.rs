//! Golden vectors: bytes of every message, made once and decoded for ever, and bytes no decoder may
//! take. `tests/golden/check.py` reads the same files with Python's protobuf.
//!
//! `PARLOUR_GOLDEN=add cargo test -p parlour-protocol --test golden` adds vectors for what has none
//! yet, message or field; it never touches those that are there.
#![allow(clippy::unwrap_used)] // A test's helpers fail by panicking.

mod common;
#[path = "golden/negative.rs"]
mod negative;
#[path = "golden/samples.rs"]
mod samples;

use std::{collections::BTreeSet, env, fs, path::PathBuf, sync::OnceLock};

use parlour_protocol::{generated::DESCRIPTORS, prost::DecodeError};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

/// Bytes that may be no message. What comes anew stands in the last file: the others are as large as a
/// file in git may be.
const NEGATIVE: [&str; 2] = ["negative.jsonl", "negative-2.jsonl"];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).unwrap()
}

/// The messages of the contract; the options that shape the generator aren't on the wire.
fn messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let ours = |name: &str| name.starts_with("parlour.") && !name.starts_with("parlour.options.");
    pool.all_messages().filter(|message| ours(message.full_name())).collect()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn read(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(path(name)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(name: &str, vectors: &[Value]) {
    let lines: Vec<String> = vectors.iter().map(ToString::to_string).collect();
    fs::write(path(name), lines.join("\n") + "\n").unwrap();
}

fn may_add() -> bool {
    env::var("PARLOUR_GOLDEN").is_ok_and(|word| word == "add")
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("{key} in {vector}"))
}

fn bytes(vector: &Value) -> Vec<u8> {
    let hex = text(vector, "hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes `bytes` as the message called `name` and encodes it again. `None`: no such message.
fn reencode(name: &str, bytes: &[u8]) -> Option<Result<Vec<u8>, DecodeError>> {
    common::CODECS.iter().find(|(known, _)| *known == name).map(|(_, codec)| codec(bytes))
}

fn name_and_case(vector: &Value) -> (String, String) {
    (text(vector, "message").to_owned(), text(vector, "case").to_owned())
}

/// Puts what is missing at the end of a file of vectors, if that was asked for.
fn add(name: &str, wanted: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut vectors = read(name);
    if may_add() {
        let known: BTreeSet<_> = vectors.iter().map(name_and_case).collect();
        vectors.extend(wanted.filter(|vector| !known.contains(&name_and_case(vector))));
        write(name, &vectors);
    }
    vectors
}

/// The vectors, with what is missing if that was asked for: once, as tests that write the same file
/// beside each other would read it half written and lose what it had.
fn vectors(pool: &DescriptorPool) -> Vec<Value> {
    static VECTORS: OnceLock<Vec<Value>> = OnceLock::new();
    VECTORS.get_or_init(|| read_or_add(pool)).clone()
}

fn read_or_add(pool: &DescriptorPool) -> Vec<Value> {
    let wanted = messages(pool).into_iter().flat_map(|message| {
        samples::samples(&message)
            .into_iter()
            .map(move |(case, sample)| vector(&message, &case, &sample))
    });
    let known = read("vectors.jsonl");
    let mut vectors = add("vectors.jsonl", wanted);
    // A field that came later: its message gets another full sample beside the old one.
    if may_add() {
        let later = messages(pool).into_iter().filter(|message| {
            let known = known.iter().filter(|vector| vector["message"] == message.full_name());
            known.clone().next().is_some()
                && message.fields().any(|field| !known.clone().any(|vector| has(vector, &field)))
        });
        for message in later {
            let samples = samples::samples(&message);
            let count = vectors.iter().filter(|v| v["message"] == message.full_name()).count();
            let full = samples.iter().filter(|(case, _)| case != "empty");
            vectors.extend(full.enumerate().map(|(n, (case, sample))| {
                vector(&message, &format!("{case} {}", count + n), sample)
            }));
        }
        write("vectors.jsonl", &vectors);
    }
    vectors
}

fn vector(message: &MessageDescriptor, case: &str, sample: &DynamicMessage) -> Value {
    json!({
        "message": message.full_name(),
        "case": case,
        "hex": hex(&prost_reflect::prost::Message::encode_to_vec(sample)),
        "json": serde_json::to_value(sample).unwrap(),
    })
}

fn has(vector: &Value, field: &prost_reflect::FieldDescriptor) -> bool {
    vector["json"].get(field.json_name()).is_some()
}

#[test]
fn every_message_has_a_codec_in_the_list() {
    for message in messages(&pool()) {
        let known = common::CODECS.iter().any(|(name, _)| *name == message.full_name());
        assert!(known, "add {} to tests/common/mod.rs", message.full_name());
    }
}

#[test]
fn golden_bytes_decode_and_encode_to_themselves() {
    let pool = pool();
    let vectors = vectors(&pool);
    assert!(!vectors.is_empty());
    for vector in &vectors {
        let (name, case) = name_and_case(vector);
        let bytes = bytes(vector);
        let again = reencode(&name, &bytes).expect("a known message").unwrap();
        if again == bytes {
            continue;
        }
        // prost writes all arms of a oneof where the first one stands, others by their numbers.
        let message = pool.get_message_by_name(&name).expect("a known message");
        let read = |bytes: &[u8]| DynamicMessage::decode(message.clone(), bytes).unwrap();
        let is_same = again.len() == bytes.len() && read(&again) == read(&bytes);
        assert!(is_same, "{name} {case}: {} is {}", text(vector, "hex"), hex(&again));
    }
}

#[test]
fn golden_bytes_mean_what_they_meant() {
    let pool = pool();
    for vector in vectors(&pool) {
        let (name, case) = name_and_case(&vector);
        let message = pool.get_message_by_name(&name).expect("a known message");
        let decoded = DynamicMessage::decode(message, &bytes(&vector)[..]).unwrap();
        assert_eq!(serde_json::to_value(&decoded).unwrap(), vector["json"], "{name} {case}");
    }
}

#[test]
fn every_field_of_every_message_is_in_some_vector() {
    let pool = pool();
    let vectors = vectors(&pool);
    for message in messages(&pool) {
        let name = message.full_name();
        let mine = || vectors.iter().filter(|vector| vector["message"] == name);
        assert!(mine().next().is_some(), "{name} has no vector; PARLOUR_GOLDEN=add makes it");
        for field in message.fields() {
            let seen = mine().any(|vector| has(vector, &field));
            assert!(seen, "{name}.{} is in no vector; PARLOUR_GOLDEN=add makes it", field.name());
        }
    }
}

#[test]
fn bytes_that_are_no_message_are_refused_and_odd_but_valid_ones_taken() {
    let pool = pool();
    let wanted = messages(&pool).into_iter().flat_map(|message| negative::cases(&message));
    let (last, full) = NEGATIVE.split_last().unwrap();
    let mut vectors: Vec<Value> = full.iter().flat_map(|name| read(name)).collect();
    let known: BTreeSet<_> = vectors.iter().map(name_and_case).collect();
    vectors.extend(add(last, wanted.filter(|vector| !known.contains(&name_and_case(vector)))));
    for message in messages(&pool) {
        let known = vectors.iter().any(|vector| vector["message"] == message.full_name());
        assert!(known, "{} has none; PARLOUR_GOLDEN=add makes them", message.full_name());
    }
    for vector in &vectors {
        let (name, case) = name_and_case(vector);
        let outcome = reencode(&name, &bytes(vector)).expect("a known message");
        let outcome = if outcome.is_ok() { "taken" } else { "refused" };
        assert_eq!(outcome, text(vector, "prost"), "{name} {case}");
    }
}

/// For runtimes of other languages: the contract in the form they load.
#[test]
fn the_descriptors_are_left_for_other_languages() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    fs::write(folder.join("parlour.binpb"), DESCRIPTORS).unwrap();
}
