//! Turns `proto/` into Rust: messages by prost, and from our own options the method table,
//! service traits, dispatch, typed calls, the `EventBody` enum and log-safe `Debug`.

#[path = "build/debug.rs"]
mod debug;
#[path = "build/events.rs"]
mod events;
#[path = "build/methods.rs"]
mod methods;

use std::{env, error::Error, fs, path::Path, path::PathBuf};

use prost_reflect::{DescriptorPool, DynamicMessage, Value};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut files = Vec::new();
    collect(Path::new("proto"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let pool = compiler.descriptor_pool();

    let mut fds = compiler.file_descriptor_set();
    fds.file.retain(|file| file.package().starts_with("parlour."));
    prost_build::Config::new()
        .bytes(["."])
        .skip_debug(["."])
        // Part of what clients compare.
        .message_attribute("parlour.interaction.v1.Components", "#[derive(Eq)]")
        .message_attribute("parlour.interaction.v1.ComponentRow", "#[derive(Eq)]")
        .message_attribute("parlour.interaction.v1.Component", "#[derive(Eq)]")
        .message_attribute("parlour.interaction.v1.Select", "#[derive(Eq)]")
        .enum_attribute("parlour.interaction.v1.Component.kind", "#[derive(Eq)]")
        // Large, and rare among events, all of which would be as large.
        .boxed("parlour.webhook.v1.WebhookCreated.webhook")
        .boxed("parlour.webhook.v1.WebhooksChanged.webhook")
        .include_file("messages.rs")
        .compile_fds(fds)?;

    fs::write(out.join("methods.rs"), methods::generate(&pool))?;
    fs::write(out.join("events.rs"), events::generate(&pool))?;
    fs::write(out.join("debug.rs"), debug::generate(&pool))?;
    // Whole and with our options: tests and other languages read the contract from it.
    fs::write(out.join("parlour.binpb"), pool.encode_to_vec())?;
    Ok(())
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            into.push(path);
        }
    }
    Ok(())
}

/// The Rust path of a message or enum type, seen from inside `generated`.
fn rust_path(full_name: &str) -> String {
    format!("super::messages::{}", full_name.replace('.', "::"))
}

/// `RoomEvents` to `room_events`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// `room_events` to `RoomEvents`.
fn camel(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut chars = part.chars();
            chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
        })
        .collect()
}

/// One of our options on a method or message.
fn option(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name)?;
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).into_owned() {
        Value::Message(message) => Some(message),
        _ => None,
    }
}

fn number(message: &DynamicMessage, field: &str) -> u32 {
    match message.get_field_by_name(field).as_deref() {
        Some(Value::U32(n)) => *n,
        Some(Value::EnumNumber(n)) => *n as u32,
        _ => 0,
    }
}
