//! `Debug` that is safe to log: numbers and structure, never the content of a string or of
//! bytes.

use std::fmt::Write;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::{camel, rust_path, snake};

pub(crate) fn generate(pool: &DescriptorPool) -> String {
    let mut out = String::new();
    for message in pool.all_messages() {
        if message.full_name().starts_with("parlour.") {
            struct_impl(&mut out, &message);
            // An `optional` field is a oneof of its own in the descriptors only.
            for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
                let package = rust_path(message.package_name());
                let path = format!("{package}::{}::{}", snake(message.name()), camel(oneof.name()));
                let fields: Vec<FieldDescriptor> = oneof.fields().collect();
                enum_impl(&mut out, &path, &camel(oneof.name()), &fields);
            }
        }
    }
    for item in pool.all_enums() {
        if item.full_name().starts_with("parlour.") {
            let path = rust_path(item.full_name());
            writeln!(out, "impl fmt::Debug for {path} {{\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n        f.write_str(self.as_str_name())\n    }}\n}}\n").expect("string");
        }
    }
    out
}

fn hidden(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::String | Kind::Bytes)
}

fn struct_impl(out: &mut String, message: &MessageDescriptor) {
    let (path, name) = (rust_path(message.full_name()), message.name());
    writeln!(out, "impl fmt::Debug for {path} {{\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n        f.debug_struct({name:?})").expect("string");
    let mut oneofs = Vec::new();
    for field in message.fields() {
        let name = field.name();
        let oneof = field.containing_oneof();
        let is_optional = oneof.as_ref().is_some_and(|oneof| oneof.is_synthetic());
        if let Some(oneof) = oneof.filter(|oneof| !oneof.is_synthetic()) {
            if !oneofs.contains(&oneof.name().to_owned()) {
                let oneof = oneof.name();
                writeln!(out, "            .field({oneof:?}, &self.{oneof})").expect("string");
                oneofs.push(oneof.to_owned());
            }
        } else if hidden(&field) && is_optional {
            writeln!(
                out,
                "            .field({name:?}, &self.{name}.as_ref().map(|value| format_bytes(value.len())))"
            )
            .expect("string");
        } else if hidden(&field) {
            let what = if field.is_list() { "items" } else { "bytes" };
            writeln!(
                out,
                "            .field({name:?}, &format_args!(\"<{{}} {what}>\", self.{name}.len()))"
            )
            .expect("string");
        } else {
            writeln!(out, "            .field({name:?}, &self.{name})").expect("string");
        }
    }
    out.push_str("            .finish()\n    }\n}\n\n");
}

fn enum_impl(out: &mut String, path: &str, name: &str, fields: &[FieldDescriptor]) {
    writeln!(out, "impl fmt::Debug for {path} {{\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{\n        match self {{").expect("string");
    for field in fields {
        let variant = camel(field.name());
        let shown =
            if hidden(field) { "&format_args!(\"<{} bytes>\", value.len())" } else { "value" };
        writeln!(out, "            Self::{variant}(value) => f.debug_tuple(\"{name}::{variant}\").field({shown}).finish(),").expect("string");
    }
    out.push_str("        }\n    }\n}\n\n");
}
