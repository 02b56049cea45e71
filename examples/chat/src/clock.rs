//! Times of day and days as people at this terminal read them.

use chrono::{DateTime, Datelike, Local, NaiveDate, NaiveDateTime};

/// The user's own time there and then, summer time and all.
fn local(at_ms: u64) -> NaiveDateTime {
    let at = i64::try_from(at_ms).ok().and_then(DateTime::from_timestamp_millis);
    at.unwrap_or_default().with_timezone(&Local).naive_local()
}

/// How far clocks here are ahead of UTC now.
pub(crate) fn utc_offset_minutes() -> i32 {
    Local::now().offset().local_minus_utc() / 60
}

/// `14:02`.
pub(crate) fn time_of_day(at_ms: u64) -> String {
    local(at_ms).format("%H:%M").to_string()
}

/// The day of a time.
pub(crate) fn day(at_ms: u64) -> NaiveDate {
    local(at_ms).date()
}

/// `Today`, `Yesterday`, `Tuesday, 24 November`, with the year when it is another.
pub(crate) fn day_name(at_ms: u64, now_ms: u64) -> String {
    let (then, today) = (day(at_ms), day(now_ms));
    if then == today {
        "Today".to_owned()
    } else if Some(then) == today.pred_opt() {
        "Yesterday".to_owned()
    } else if then.year() == today.year() {
        then.format("%A, %-d %B").to_string()
    } else {
        then.format("%A, %-d %B %Y").to_string()
    }
}
