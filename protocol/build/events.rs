//! The `EventBody` enum and the event registry.

use std::fmt::Write;

use prost_reflect::{DescriptorPool, Value};

use super::{number, option, rust_path};

pub(crate) fn generate(pool: &DescriptorPool) -> String {
    let mut events: Vec<(u32, u32, bool, String, String)> = pool
        .all_messages()
        .filter_map(|message| {
            let rule = option(pool, &message.options(), "parlour.options.v1.event")?;
            let countable =
                matches!(rule.get_field_by_name("countable").as_deref(), Some(Value::Bool(true)));
            let (kind, log) = (number(&rule, "kind"), number(&rule, "log"));
            assert!(kind > 0 && log > 0, "{}: kind and log must be set", message.full_name());
            let path = rust_path(message.full_name());
            Some((kind, log, countable, message.name().to_owned(), path))
        })
        .collect();
    events.sort();
    for pair in events.windows(2) {
        assert!(pair[0].0 != pair[1].0, "{} and {} share a kind", pair[0].3, pair[1].3);
    }
    let mut out = String::from(
        "/// The body of an event, decoded.\n#[derive(Clone, PartialEq, Debug)]\n#[non_exhaustive]\npub enum EventBody {\n",
    );
    for (kind, _, _, name, path) in &events {
        writeln!(out, "    /// Kind {kind}.\n    {name}({path}),").expect("string");
    }
    out.push_str("    /// A kind this software doesn't know: keep it, count it, show a fallback.\n    Unknown {\n        /// The kind's number.\n        kind: u32,\n        /// The bytes as they came.\n        body: Hidden,\n    },\n}\n\nimpl EventBody {\n    /// Decodes a body of the given kind. Unknown kinds are no error.\n    #[allow(clippy::too_many_lines, reason = \"an arm per event\")]\n    pub fn decode(kind: u32, body: Bytes) -> Result<Self, prost::DecodeError> {\n        Ok(match kind {\n");
    for (kind, _, _, name, path) in &events {
        writeln!(
            out,
            "            {kind} => EventBody::{name}(<{path} as prost::Message>::decode(body)?),"
        )
        .expect("string");
    }
    out.push_str("            kind => EventBody::Unknown { kind, body: Hidden(body) },\n        })\n    }\n}\n\n/// Every event kind, by number.\npub const EVENT_RULES: &[EventRule] = &[\n");
    for (kind, log, countable, name, _) in &events {
        let log = ["Room", "User", "Ephemeral", "Org"][*log as usize - 1];
        writeln!(out, "    EventRule {{ kind: {kind}, name: {name:?}, log: EventLog::{log}, countable: {countable} }},").expect("string");
    }
    out.push_str("];\n\n");
    for (i, (_, _, _, _, path)) in events.iter().enumerate() {
        writeln!(
            out,
            "impl EventMessage for {path} {{\n    const RULE: EventRule = EVENT_RULES[{i}];\n}}"
        )
        .expect("string");
    }
    out
}
