//! From when to when a certificate holds, read from its DER without a parser for all of X.509.

use std::time::Duration;

/// A certificate's time, as Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second in which it holds.
    pub not_before: Duration,
    /// The last one.
    pub not_after: Duration,
}

impl Validity {
    /// Reads the validity of a certificate (RFC 5280 section 4.1); `None` where it isn't one.
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut fields, _) = element(certificate)?;
        let (tag, _, rest) = element(fields)?;
        if tag == 0xa0 {
            fields = rest; // the version, which is optional
        }
        for _serial_algorithm_issuer in 0..3 {
            fields = element(fields)?.2;
        }
        let (_, validity, _) = element(fields)?;
        let (kind, from, rest) = element(validity)?;
        let (kind_to, to, _) = element(rest)?;
        Some(Validity { not_before: time(kind, from)?, not_after: time(kind_to, to)? })
    }

    /// Whether it holds at this time.
    pub fn holds(&self, unix: Duration) -> bool {
        self.not_before <= unix && unix <= self.not_after
    }

    /// When half of its time is over.
    pub fn half(&self) -> Duration {
        self.not_before + self.not_after.saturating_sub(self.not_before) / 2
    }
}

/// Tag, content and what follows of the first element.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (digits, after) = rest.split_at_checked(count)?;
        length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// UTCTime (`YYMMDDHHMMSSZ`) or GeneralizedTime (`YYYYMMDDHHMMSSZ`); before 1970 counts as 1970.
fn time(tag: u8, text: &[u8]) -> Option<Duration> {
    let digits = text.strip_suffix(b"Z")?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        let digits = digits.get(range)?;
        Some(digits.iter().fold(0_i64, |n, digit| n * 10 + i64::from(digit - b'0')))
    };
    let (year, at) = match (tag, digits.len()) {
        (0x17, 12) => {
            let short = number(0..2)?;
            (if short < 50 { 2000 + short } else { 1900 + short }, 2)
        }
        (0x18, 14) => (number(0..4)?, 4),
        _ => return None,
    };
    let part = |i: usize| number(at + 2 * i..at + 2 * i + 2);
    let days = days_since_1970(year, part(0)?, part(1)?);
    let seconds = ((days * 24 + part(2)?) * 60 + part(3)?) * 60 + part(4)?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// Days from 1970-01-01 in the Gregorian calendar: years are counted from March, so that the
/// leap day is the last one of a year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
#[path = "validity_tests.rs"]
mod tests;
