//! PROTOCOL.md says what the code does: its tables and byte examples are made from the code.
//! `UPDATE=1 cargo test -p parlour-protocol --test protocol_md` writes them anew.

#![allow(missing_docs)]

use std::fmt::Write;

use bytes::Bytes;
use parlour_protocol::{
    error::{Reconnect, reconnect_after},
    event, frame,
    generated::{EVENT_RULES, EventLog, Lane, METHODS, Rpc, rpc},
    ids::{RoomId, uuid_v7},
    message::{MessagePosted, SendRequest, SendResponse},
    prost::Message,
    wire::{
        Call, ClientFrame, CloseCode, ErrorReason, EventHeader, Hello, LaneKind, LaneOpen, Reply,
        Retry, ServerFrame, client_frame, reply, server_frame,
    },
};

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for line in bytes.chunks(24) {
        let line: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
        let _ = writeln!(out, "    {}", line.join(" "));
    }
    out
}

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

fn examples() -> String {
    let room = RoomId::from_bytes([0x11; 16]);
    let client_ref = uuid_v7(1_700_000_000_000, [0x22; 10]);
    let hello = ClientFrame {
        frame: Some(client_frame::Frame::Hello(Hello {
            min_rev: 1,
            max_rev: 1,
            token: "eyJ...".into(),
            device: Bytes::from_static(&[0x33; 16]),
            delivery: 1,
            ..Hello::default()
        })),
    };
    let body: Bytes =
        MessagePosted { text: "Hello".into(), ..MessagePosted::default() }.encode_to_vec().into();
    let send = SendRequest {
        room: room.to_field(),
        client_ref: Bytes::copy_from_slice(&client_ref),
        body: body.clone(),
        ..SendRequest::default()
    };
    let call = ClientFrame {
        frame: Some(client_frame::Frame::Call(Call {
            id: 1,
            method: rpc::Send::METHOD.id,
            body: send.encode_to_vec().into(),
            chain: 0,
        })),
    };
    let response = SendResponse { seq: 2, at_ms: 1_700_000_000_123, deduplicated: false };
    let answer = ServerFrame {
        frame: Some(server_frame::Frame::Reply(Reply {
            id: 1,
            result: Some(reply::Result::Body(response.encode_to_vec().into())),
        })),
    };
    let header = EventHeader {
        seq: 2,
        at_ms: 1_700_000_000_123,
        sender: Bytes::from_static(&[0x44; 16]),
        kind: 10,
        client_ref: Bytes::copy_from_slice(&client_ref),
        msg_no: 1,
        ..EventHeader::default()
    };
    let echo = event::room_events_frame(room, &[event::compose(&header, &body)]);
    let lane = frame::encode(&LaneOpen { kind: LaneKind::Event as i32 });
    let parts: [(&str, Bytes); 5] = [
        (
            "`Hello` with revision 1, token `eyJ...`, device 33 33 ..., on the control lane",
            frame::encode(&hello),
        ),
        ("`LaneOpen{EVENT}`, the first frame of the event lane", lane),
        (
            "`Call{1, 30}` with a `SendRequest` to room 11 11 ..., text `Hello`",
            frame::encode(&call),
        ),
        ("`Reply{1}` with a `SendResponse`: seq 2", frame::encode(&answer)),
        ("`EventFrame` with the echo, from user 44 44 ...", echo),
    ];
    let mut out = String::new();
    for (what, bytes) in parts {
        let _ = writeln!(out, "{what}:\n\n{}", hex(&bytes));
    }
    out.trim_end().to_owned() + "\n"
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
        ("examples", examples()),
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
