//! What is posted: the event in the form that calls over HTTP answer with under `?plain`.

use parlour_core::ports::posts::Post;
use parlour_protocol::{prost::Message, wire::Event};
use serde_json::{Value, json};

use crate::json::{CONTRACT, Form, write};

/// The post's body; `None` for an event that can't be written.
pub(super) fn body(post: &Post) -> Option<Vec<u8>> {
    let header = Event::decode(post.event.clone()).ok()?.header?;
    let event = CONTRACT.pool.get_message_by_name("parlour.wire.v1.Event")?;
    let event = write(&event, post.event.clone(), Form::Plain).ok()?;
    let kind = CONTRACT.bodies.get(&header.kind).map_or("Unknown", |body| body.name()).to_owned();
    let value: Value = json!({
        "type": kind,
        "timestamp": rfc3339(header.at_ms),
        "data": {
            "webhook": post.webhook.to_string(),
            "room": post.room.to_string(),
            "event": event,
        },
    });
    serde_json::to_vec(&value).ok()
}

/// A time as RFC 3339 has it, in UTC.
fn rfc3339(unix_ms: u64) -> String {
    let (days, of_day) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hours, minutes) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (seconds, ms) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z")
}

/// The date of a day since 1970: years are taken to begin in March, so that leap days come last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next, month, day)
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
