//! The document as a whole: schemathesis holds a server against it elsewhere.

use serde_json::Value;

use super::*;

fn parsed() -> Value {
    serde_json::from_slice(document()).expect("JSON")
}

#[test]
fn every_call_that_needs_no_connection_is_described_in_words() {
    let document = parsed();
    let paths = document["paths"].as_object().expect("paths");
    for (name, entry) in &CONTRACT.methods {
        let described = paths.get(&format!("/parlour/v1/rpc/{name}"));
        assert_eq!(described.is_some(), !entry.method.needs_connection, "{name}");
        if let Some(described) = described {
            let about = described["post"]["description"].as_str().unwrap_or_default();
            assert!(about.len() > 10, "{name} has no comment in its proto file");
        }
    }
    assert!(paths.contains_key("/parlour/v1/hooks/{secret}"));
    assert!(paths.len() > 50, "{}", paths.len());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, whole: &Value, seen: &mut usize) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(to)) = object.get("$ref") {
                    let pointer = to.strip_prefix('#').expect("within the document");
                    let found = whole.pointer(pointer);
                    assert!(found.is_some_and(|found| !found.is_null()), "{to}");
                    *seen += 1;
                }
                object.values().for_each(|value| walk(value, whole, seen));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, whole, seen)),
            _ => {}
        }
    }
    let (document, mut seen) = (parsed(), 0);
    walk(&document, &document, &mut seen);
    assert!(seen > 100, "{seen}");
}
