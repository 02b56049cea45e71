//! PROTOCOL.md says what the code does: its tables and byte examples are made from the code.
//! `UPDATE=1 cargo test -p parlour-protocol --test protocol_md` writes them anew.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used)] // A test's helpers fail by panicking.

#[path = "protocol_md/examples.rs"]
mod examples;

use std::fmt::Write;

use parlour_protocol::{
    error::{Reconnect, reconnect_after},
    generated::{EVENT_RULES, EventLog, Lane, METHODS},
    wire::{CloseCode, ErrorReason, Retry},
};

fn methods() -> String {
    let mut out = String::from("| number | method | lane | scope |\n|---|---|---|---|\n");
    for method in METHODS {
        let lane = match method.lane {
            Lane::Control => "control",
            Lane::Bulk => "bulk",
        };
        let _ = writeln!(out, "| {} | `{}` | {lane} | {} |", method.id, method.name, method.scope);
    }
    out
}

fn events() -> String {
    let mut out = String::from("| kind | body | log | countable |\n|---|---|---|---|\n");
    for rule in EVENT_RULES {
        let log = match rule.log {
            EventLog::Room => "room",
            EventLog::User => "user",
            EventLog::Ephemeral => "none, ephemeral",
            EventLog::Org => "organization",
        };
        let countable = if rule.countable { "yes" } else { "" };
        let _ = writeln!(out, "| {} | `{}` | {log} | {countable} |", rule.kind, rule.name);
    }
    out
}

fn reasons() -> String {
    let mut out = String::from("| number | reason | class | retry |\n|---|---|---|---|\n");
    // With gaps, since reasons are numbered by what they are about.
    for number in 1..1000 {
        let Ok(reason) = ErrorReason::try_from(number) else { continue };
        let name = reason.as_str_name().trim_start_matches("ERROR_REASON_");
        let class = reason.error_class().as_str_name().trim_start_matches("ERROR_CLASS_");
        let retry = match reason.retry() {
            Retry::Unspecified | Retry::Never => "never",
            Retry::Same => "at once",
            Retry::AfterDelay => "after `retry_after_ms`",
            Retry::Reconnect => "on a new connection",
            Retry::AfterReauth => "with a new token",
            Retry::AfterResync => "after reading the log",
        };
        let _ = writeln!(out, "| {number} | `{name}` | {class} | {retry} |");
    }
    out
}

fn close_codes() -> String {
    let mut out = String::from("| code | name | the client |\n|---|---|---|\n");
    for number in 0..0x500u32 {
        let Ok(code) = CloseCode::try_from(number as i32) else { continue };
        let name = code.as_str_name().trim_start_matches("CLOSE_CODE_");
        let then = match reconnect_after(number) {
            Reconnect::Now => "connects again",
            Reconnect::BackOff => "backs off, then connects again",
            Reconnect::WithNewToken => "gets a new token, then connects again",
            Reconnect::Never => "doesn't connect again by itself",
        };
        let _ = writeln!(out, "| 0x{number:x} | `{name}` | {then} |");
    }
    out
}

/// The least that is announced, in the words of the contract.
fn limits() -> String {
    let least = examples::least();
    let size = |bytes: u32| match bytes / 1024 {
        kib if kib % 1024 == 0 => format!("{} MiB", kib / 1024),
        kib => format!("{kib} KiB"),
    };
    let rows = [
        ("control_frame_bytes_max", size(least.control_frame_bytes_max)),
        ("bulk_frame_bytes_max", size(least.bulk_frame_bytes_max)),
        ("body_bytes_max", size(least.body_bytes_max)),
        ("text_bytes_max", size(least.text_bytes_max)),
        ("mentions_max", least.mentions_max.to_string()),
        ("calls_in_flight_max", least.calls_in_flight_max.to_string()),
        ("bulk_lanes_max", least.bulk_lanes_max.to_string()),
        ("subscriptions_max", least.subscriptions_max.to_string()),
        ("group_members_max", least.group_members_max.to_string()),
    ];
    let mut out = String::from("| field | at least |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(out, "| `{name}` | {value} |");
    }
    out
}

#[test]
fn the_contract_says_what_the_code_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../PROTOCOL.md");
    let mut text = std::fs::read_to_string(path).unwrap();
    let sections = [
        ("methods", methods()),
        ("events", events()),
        ("reasons", reasons()),
        ("close codes", close_codes()),
        ("limits", limits()),
        ("examples", examples::examples()),
        ("messages", examples::socket_messages()),
    ];
    for (name, made) in sections {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let from = text.find(&open).unwrap_or_else(|| panic!("no mark {open}")) + open.len();
        let to = from + text[from..].find(&close).unwrap_or_else(|| panic!("no mark {close}"));
        if std::env::var_os("UPDATE").is_some() {
            text.replace_range(from..to, &made);
            std::fs::write(path, &text).unwrap();
        } else {
            assert_eq!(&text[from..to], made, "PROTOCOL.md, {name}: run with UPDATE=1");
        }
    }
}
