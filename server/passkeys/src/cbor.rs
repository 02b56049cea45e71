//! As much of CBOR (RFC 8949) as it takes to walk over a value without understanding it. Lengths are
//! definite, as authenticators write them (CTAP 2.2, section 8).

use crate::{error::PasskeyError, limits::CBOR_DEPTH_MAX};

/// What a value is, by its first byte.
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// The kind of the next value, its number, and what follows those.
pub(crate) fn head(from: &[u8]) -> Result<(u8, u64, &[u8]), PasskeyError> {
    let (&first, rest) = from.split_first().ok_or(PasskeyError::Malformed)?;
    let length = match first & 31 {
        number @ 0..24 => return Ok((first >> 5, u64::from(number), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return Err(PasskeyError::Malformed),
    };
    let (number, rest) = split(rest, length)?;
    let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    Ok((first >> 5, number, rest))
}

/// The bytes or the text that comes next, and what follows.
pub(crate) fn string(from: &[u8], kind: u8) -> Result<(&[u8], &[u8]), PasskeyError> {
    match head(from)? {
        (found, length, rest) if found == kind => split(rest, length),
        _ => Err(PasskeyError::Malformed),
    }
}

/// What follows the next value.
pub(crate) fn skip(from: &[u8]) -> Result<&[u8], PasskeyError> {
    skip_within(from, CBOR_DEPTH_MAX)
}

fn skip_within(from: &[u8], depth: usize) -> Result<&[u8], PasskeyError> {
    let depth = depth.checked_sub(1).ok_or(PasskeyError::Malformed)?;
    let (kind, number, mut rest) = head(from)?;
    let values = match kind {
        BYTES | TEXT => return Ok(split(rest, number)?.1),
        ARRAY => number,
        MAP => number.checked_mul(2).ok_or(PasskeyError::Malformed)?,
        TAG => 1,
        // Numbers, and simple values whose bits were read as their number.
        0 | 1 | SIMPLE => 0,
        _ => return Err(PasskeyError::Malformed),
    };
    // A value is a byte at least, so a large number ends where the bytes do.
    for _ in 0..values {
        rest = skip_within(rest, depth)?;
    }
    Ok(rest)
}

pub(crate) fn split(from: &[u8], at: u64) -> Result<(&[u8], &[u8]), PasskeyError> {
    let at = usize::try_from(at).map_err(|_| PasskeyError::Malformed)?;
    from.split_at_checked(at).ok_or(PasskeyError::Malformed)
}
