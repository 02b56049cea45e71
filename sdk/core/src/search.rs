//! What people type into a search field, as what is searched for: the same in every app.
//!
//! | typed | means |
//! |---|---|
//! | `lunch noon` | both words, in any order |
//! | `"lunch at noon"` | these words, one right after another |
//! | `from:@ann`, `from:me` | sent by her, or by oneself; several: by one of them |
//! | `in:#lunch`, `in:"Lunch club"`, `in:@ann` | in the room of that name, of that id, or alone with her; several: in one of them |
//! | `has:link`, `has:file` | there is one in it |
//! | `before:2026-01-31` | sent before that day |
//! | `after:2026-01-31` | sent on that day or later |
//! | `on:2026-01-31` | sent on that day |
//!
//! Anything else is words.
//!
//! ```
//! use parlour_sdk_core::search::Typed;
//!
//! let typed: Typed = "lunch from:@ann in:#food has:link \"at noon\" after:2026-01-31".parse()?;
//! assert_eq!((typed.text.as_str(), &typed.phrases[0][..]), ("lunch", "at noon"));
//! assert_eq!((&typed.from[0][..], &typed.rooms[0][..], typed.has_link), ("ann", "food", true));
//! // Where clocks are an hour ahead of UTC:
//! assert_eq!(typed.after.map(|day| day.begins_ms(60)), Some(1_769_814_000_000));
//! # Ok::<(), parlour_sdk_core::search::TypedError>(())
//! ```

use std::str::FromStr;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// A search as it was typed, with names that nobody has looked up yet.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// Words, each of which has to be there.
    pub text: String,
    /// Words that have to stand together.
    pub phrases: Vec<String>,
    /// Subjects of senders, without the `@`; `me` is whoever searches.
    pub from: Vec<String>,
    /// Names or ids of rooms, without the `#`; with `@`, of whom one is alone with there.
    pub rooms: Vec<String>,
    /// There is a link.
    pub has_link: bool,
    /// There is a file.
    pub has_file: bool,
    /// On that day or later.
    pub after: Option<Day>,
    /// Before that day.
    pub before: Option<Day>,
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What somebody looks for is theirs: never in a log.
        f.debug_struct("Typed").field("phrases", &self.phrases.len()).finish_non_exhaustive()
    }
}

/// Why what was typed can't be searched for.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedError {
    /// Behind `before:`, `after:` or `on:` is no day such as 2026-01-31.
    #[error("a day is written like 2026-01-31")]
    Day,
    /// Behind `has:` is neither `link` nor `file`.
    #[error("a message has a link or a file")]
    Has,
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// Days since 1970-01-01.
    number: i64,
}

impl FromStr for Day {
    type Err = TypedError;

    /// Reads `2026-01-31`.
    fn from_str(text: &str) -> Result<Self, TypedError> {
        let mut parts = text.split('-').map(|part| {
            let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<i64>().ok().filter(|_| is_number)
        });
        let mut next = || parts.next().flatten().ok_or(TypedError::Day);
        let (year, month, day) = (next()?, next()?, next()?);
        if parts.next().is_some() || !(1970..=9999).contains(&year) {
            return Err(TypedError::Day);
        }
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(TypedError::Day),
        };
        if !(1..=days).contains(&day) {
            return Err(TypedError::Day);
        }
        // Years that begin in March have their odd day at the end.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let before_year = 365 * year + year / 4 - year / 100 + year / 400;
        let before_month = (153 * month + 2) / 5;
        Ok(Day { number: before_year + before_month + day - 1 - 719_468 })
    }
}

impl Day {
    /// When it begins where clocks are so many minutes ahead of UTC, Unix milliseconds.
    pub fn begins_ms(self, utc_offset_minutes: i32) -> u64 {
        let begins = self.number * DAY_MS - i64::from(utc_offset_minutes) * 60_000;
        u64::try_from(begins).unwrap_or(0)
    }

    /// The day after it.
    pub fn next(self) -> Day {
        Day { number: self.number + 1 }
    }
}

impl FromStr for Typed {
    type Err = TypedError;

    fn from_str(text: &str) -> Result<Self, TypedError> {
        let mut typed = Typed::default();
        for Part { key, value, is_quoted } in parts(text) {
            match key {
                Some("from") => typed.from.push(without(value, '@')),
                Some("in") => typed.rooms.push(without(value, '#')),
                Some("has") => match value.to_lowercase().as_str() {
                    "link" => typed.has_link = true,
                    "file" => typed.has_file = true,
                    _ => return Err(TypedError::Has),
                },
                Some("before") => typed.before = Some(value.parse()?),
                Some("after") => typed.after = Some(value.parse()?),
                Some("on") => {
                    let day: Day = value.parse()?;
                    (typed.after, typed.before) = (Some(day), Some(day.next()));
                }
                _ if is_quoted => typed.phrases.push(value.to_owned()),
                _ => {
                    let space = if typed.text.is_empty() { "" } else { " " };
                    typed.text.push_str(space);
                    typed.text.push_str(value);
                }
            }
        }
        Ok(typed)
    }
}

fn without(value: &str, sign: char) -> String {
    value.strip_prefix(sign).unwrap_or(value).to_owned()
}

/// Something between spaces, or between quotes.
struct Part<'a> {
    key: Option<&'static str>,
    value: &'a str,
    is_quoted: bool,
}

const KEYS: [&str; 6] = ["from", "in", "has", "before", "after", "on"];

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let key = KEYS.into_iter().find(|key| {
            let after = rest.get(key.len()..).and_then(|after| after.strip_prefix(':'));
            let is_key = rest.get(..key.len()).is_some_and(|at| at.eq_ignore_ascii_case(key));
            // One with nothing behind it is a word like others.
            is_key && after.is_some_and(|after| after.starts_with(|c: char| !c.is_whitespace()))
        });
        let value = key.map_or(rest, |key| &rest[key.len() + 1..]);
        let (value, after, is_quoted) = match value.strip_prefix('"') {
            // Quotes that nobody has closed yet go on to the end.
            Some(quoted) => {
                let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                (value, after, true)
            }
            None => {
                let (value, after) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
                (value, after, false)
            }
        };
        if !value.trim().is_empty() {
            parts.push(Part { key, value, is_quoted });
        }
        rest = after.trim_start();
    }
    parts
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
