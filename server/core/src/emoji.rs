//! Emoji, as reactions and statuses have them.

use parlour_protocol::{limits::REACTION_BYTES_MAX, wire::Error};

/// Refuses a field that isn't an emoji or the name of one: something without letters of its own, or
/// `:name:`.
pub(crate) fn check_emoji(field: &str, emoji: &str) -> Result<(), Error> {
    let named = emoji.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    let fits = (1..=REACTION_BYTES_MAX).contains(&emoji.len())
        && match named {
            Some(name) => {
                let plain =
                    |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_+-".contains(&b);
                !name.is_empty() && name.bytes().all(plain)
            }
            None => {
                // Keycaps begin with a digit, and joined emoji have joiners and selectors in them.
                let odd = |c: char| is_letter(c) || c.is_control() || c.is_whitespace();
                !emoji.is_ascii() && !emoji.chars().any(odd)
            }
        };
    if fits { Ok(()) } else { Err(Error::invalid(field, "is not an emoji or :name:")) }
}

/// Letters, but those that are emoji by themselves: an i, an M, and lettered squares.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, '\u{2139}' | '\u{24c2}' | '\u{1f130}'..='\u{1f189}')
}

#[cfg(test)]
#[path = "emoji_tests.rs"]
mod tests;
