//! What a user wants of rooms and everywhere, and what they are notified of because of that.

use parlour_protocol::{
    generated::{EventBody, EventMessage},
    ids::{RoomId, UserId},
    message::MessagePosted,
    room::RoomKind,
    settings as wire,
};

use crate::{cache::RoomRecord, event::LogEvent};

/// What a user is notified of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Every message.
    All,
    /// Mentions of the user or of everyone, keywords, replies in followed threads.
    Mentions,
    /// Nothing.
    Nothing,
}

/// What a user wants of one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomSettings {
    /// `None`: as the user's [`Settings`] say.
    pub level: Option<Level>,
    /// Nothing is notified until then, Unix milliseconds; 0 for not muted.
    pub muted_until_ms: u64,
    /// Stands at the top of lists.
    pub is_favourite: bool,
    /// Under which heading it is listed; at most 64 bytes.
    pub section: String,
}

/// What a user wants everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `None`: everything in direct rooms, mentions in others.
    pub level: Option<Level>,
    /// Words that notify like a mention, compared without regard to case; at most 50 of at most 64
    /// bytes.
    pub keywords: Vec<String>,
    /// Others don't see how far the user has read, nor the user how far they have.
    pub hide_receipts: bool,
}

/// Why a message is worth a notification. Of several reasons the first of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It mentions the user.
    Mention,
    /// It mentions everyone.
    Everyone,
    /// It mentions a group that the user is in.
    Group,
    /// One of the user's keywords is in it.
    Keyword,
    /// It stands in a thread that the user follows.
    Thread,
    /// Every message of its room is.
    Message,
}

impl RoomSettings {
    /// As it came.
    pub fn of_wire(settings: &wire::RoomSettings) -> Self {
        RoomSettings {
            level: level_of_wire(settings.level),
            muted_until_ms: settings.muted_until_ms,
            is_favourite: settings.favourite,
            section: settings.section.clone(),
        }
    }

    /// As it is sent.
    pub fn to_wire(&self) -> wire::RoomSettings {
        wire::RoomSettings {
            level: level_to_wire(self.level),
            muted_until_ms: self.muted_until_ms,
            favourite: self.is_favourite,
            section: self.section.clone(),
        }
    }
}

impl Settings {
    /// As it came.
    pub fn of_wire(settings: wire::Settings) -> Self {
        Settings {
            level: level_of_wire(settings.level),
            keywords: settings.keywords,
            hide_receipts: settings.hide_receipts,
        }
    }

    /// As it is sent.
    pub fn to_wire(&self) -> wire::Settings {
        wire::Settings {
            level: level_to_wire(self.level),
            keywords: self.keywords.clone(),
            hide_receipts: self.hide_receipts,
        }
    }

    /// Whether the user is notified of an event, and why. Own messages, deleted ones and what is read
    /// already are no news, and nothing is before `quiet_until_ms`. Whether the user is in a group says
    /// `is_in`.
    pub fn notifies(
        &self,
        room: &RoomRecord,
        event: &LogEvent,
        me: UserId,
        quiet_until_ms: u64,
        now_ms: u64,
        is_in: impl Fn(RoomId) -> bool,
    ) -> Option<Reason> {
        let header = &event.header;
        let is_message = header.kind == MessagePosted::RULE.kind && !event.is_erased();
        if !is_message || event.sender() == Some(me) {
            return None;
        }
        if now_ms < quiet_until_ms.max(room.settings.muted_until_ms) {
            return None;
        }
        let thread = room.threads.iter().find(|t| t.root_seq == header.thread_root_seq);
        let read_seq = match (header.thread_root_seq, thread) {
            (0, _) => room.counts.read_seq().max(room.unsent_read),
            (_, Some(thread)) => thread.counts.read_seq(),
            (_, None) => 0,
        };
        if header.seq <= read_seq {
            return None;
        }
        let is_mine = [RoomKind::Direct as i32, RoomKind::User as i32].contains(&room.kind);
        let usual = if is_mine { Level::All } else { Level::Mentions };
        let level = room.settings.level.or(self.level).unwrap_or(usual);
        if level == Level::Nothing {
            return None;
        }
        let mine = |user: &bytes::Bytes| user[..] == me.as_bytes()[..];
        if header.mentions.iter().any(mine) {
            Some(Reason::Mention)
        } else if event.mentions_everyone() {
            Some(Reason::Everyone)
        } else if event.mention_groups().into_iter().any(is_in) {
            Some(Reason::Group)
        } else if self.has_keyword(event) {
            Some(Reason::Keyword)
        } else if header.thread_root_seq > 0 {
            thread.map(|_| Reason::Thread)
        } else {
            (level == Level::All).then_some(Reason::Message)
        }
    }

    /// A keyword counts as a whole word.
    fn has_keyword(&self, event: &LogEvent) -> bool {
        if self.keywords.is_empty() {
            return false;
        }
        let EventBody::MessagePosted(message) = event.decoded() else { return false };
        let text = message.text.to_lowercase();
        let is_whole = |at: usize, word: &str| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        };
        self.keywords.iter().any(|word| {
            let word = word.trim().to_lowercase();
            !word.is_empty() && text.match_indices(&word).any(|(at, _)| is_whole(at, &word))
        })
    }
}

fn level_of_wire(level: i32) -> Option<Level> {
    match wire::NotificationLevel::try_from(level) {
        Ok(wire::NotificationLevel::All) => Some(Level::All),
        Ok(wire::NotificationLevel::Mentions) => Some(Level::Mentions),
        Ok(wire::NotificationLevel::Nothing) => Some(Level::Nothing),
        Ok(wire::NotificationLevel::Unspecified) | Err(_) => None,
    }
}

fn level_to_wire(level: Option<Level>) -> i32 {
    let level = match level {
        None => wire::NotificationLevel::Unspecified,
        Some(Level::All) => wire::NotificationLevel::All,
        Some(Level::Mentions) => wire::NotificationLevel::Mentions,
        Some(Level::Nothing) => wire::NotificationLevel::Nothing,
    };
    level as i32
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
