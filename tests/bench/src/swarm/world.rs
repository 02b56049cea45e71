//! Who is there and which rooms they are in: the same for every subject.

use crate::harness::token;

/// Digits a post's text begins with.
pub(crate) const NUMBER_DIGITS: usize = 10;
/// A post's text, in bytes.
pub(crate) const POST_BYTES: usize = 200;

const FILLER: &str = "what people write to each other in a room of a chat is mostly short and \
    plain, so this text of two hundred bytes stands for all of it, letters and spaces with a full \
    stop at the end of the line, and a bit more so that it is long enough for anything we ask.";

/// Users 0 to `users`, and the members of each room.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) users: usize,
    pub(crate) rooms: Vec<Vec<usize>>,
    /// Posts' text, in bytes.
    pub(crate) post_bytes: usize,
    /// How many of the users want whole events of all rooms; the others want to know that there are some.
    /// `None` for all. Peers don't know the difference.
    pub(crate) listening: Option<usize>,
}

impl World {
    /// Everyone in one room.
    pub(crate) fn one_room(users: usize) -> Self {
        Self { users, rooms: vec![(0..users).collect()], post_bytes: POST_BYTES, listening: None }
    }

    /// Everyone in one room, and another of the last user alone, for transfers to read.
    pub(crate) fn with_archive(users: usize) -> Self {
        Self {
            users,
            rooms: vec![(0..users).collect(), vec![users - 1]],
            post_bytes: POST_BYTES,
            listening: None,
        }
    }

    /// Teams of `size`, with `rooms_each` rooms a team.
    pub(crate) fn teams(users: usize, size: usize, rooms_each: usize) -> Self {
        let team = |first: usize| (first..users.min(first + size)).collect::<Vec<_>>();
        let rooms = (0..users).step_by(size).flat_map(|first| vec![team(first); rooms_each]);
        Self { users, rooms: rooms.collect(), post_bytes: POST_BYTES, listening: None }
    }

    /// The user's name in tokens.
    pub(crate) fn subject(user: usize) -> String {
        format!("u{user}")
    }

    /// The room's name for peers, where the application names rooms.
    pub(crate) fn room_name(room: usize) -> String {
        format!("room{room}")
    }

    /// A token for the user.
    pub(crate) fn token(&self, user: usize) -> String {
        let rooms: Vec<String> = (self.rooms.iter().enumerate())
            .filter(|(_, members)| members.binary_search(&user).is_ok())
            .map(|(room, _)| Self::room_name(room))
            .collect();
        token::token(&Self::subject(user), &rooms)
    }

    /// A post's text.
    pub(crate) fn text(&self, number: u64) -> String {
        let mut text = format!("{number:0NUMBER_DIGITS$} ");
        while text.len() < self.post_bytes {
            let more = FILLER.len().min(self.post_bytes - text.len());
            text.push_str(&FILLER[..more]);
        }
        text
    }
}

/// The number a post's text begins with.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    let digits = text.get(..NUMBER_DIGITS)?;
    digits.iter().try_fold(0u64, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0'))
    })
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
