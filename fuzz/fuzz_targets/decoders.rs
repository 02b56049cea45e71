//! Any bytes, decoded as every message and every event body: no panic, and what is decoded encodes
//! to bytes that mean the same.
#![no_main]

#[path = "../../protocol/tests/common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;
use parlour_protocol::{
    generated::{EVENT_RULES, EventBody},
    prost::bytes::Bytes,
};

fuzz_target!(|bytes: &[u8]| {
    for (name, codec) in common::CODECS {
        let Ok(once) = codec(bytes) else { continue };
        let twice = codec(&once).expect("what prost wrote, prost reads");
        assert_eq!(once, twice, "{name}");
    }
    for rule in EVENT_RULES {
        // Its result is the codec's, seen above; only a panic would be news.
        let _ = EventBody::decode(rule.kind, Bytes::copy_from_slice(bytes));
    }
});
