//! Unread counts by subtraction (PROTOCOL.md, section 9): what an event, a pulse or a marker
//! changes about them.

use parlour_protocol::{
    generated::{EventMessage, event_rule},
    ids::UserId,
    limits::SEQ_MAX,
    marker::{Marker, Unread},
    message::MessagesDeleted,
    sync::RoomDigest,
    wire::{EventHeader, RoomPulse},
};

use crate::event::LogEvent;

/// The newest known place of a room's log and its counters there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The last event.
    pub seq: u64,
    /// When it happened; of a pulse, when the last whole event did.
    pub at_ms: u64,
    /// Countable messages.
    pub msg_no: u64,
    /// Messages to everyone.
    pub bcast_no: u64,
    /// Deletes.
    pub del_no: u64,
}

impl Head {
    /// The head a digest tells.
    pub fn of_digest(digest: &RoomDigest) -> Self {
        let RoomDigest { seq, at_ms, msg_no, bcast_no, del_no, .. } = *digest;
        Head { seq: seq.min(SEQ_MAX), at_ms, msg_no, bcast_no, del_no }
    }

    /// The head after an event.
    pub fn of_event(header: &EventHeader) -> Self {
        let EventHeader { seq, at_ms, msg_no, bcast_no, del_no, .. } = *header;
        Head { seq, at_ms, msg_no, bcast_no, del_no }
    }
}

/// A user's marker in a room and what is unread after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// The server's marker.
    pub marker: Marker,
    /// The user's own last message; it may stand in for the marker.
    pub own_seq: u64,
    /// Countable messages after the place in force, without deleted ones.
    pub messages: u64,
    /// Of those, the ones that mention the user or everyone.
    pub mentions: u64,
    /// The counts may be too high: the digest is to be read again.
    pub is_uncertain: bool,
    /// The last event that was seen to mention the user, since the server has counted. Not kept in
    /// caches.
    pub mention_seq: u64,
}

impl Counts {
    /// The counts of a digest.
    pub fn of_digest(marker: Marker, unread: Unread, own_seq: u64) -> Self {
        let Unread { messages, mentions } = unread;
        Counts { marker, own_seq, messages, mentions, ..Counts::default() }
    }

    /// Everything up to here counts as read.
    pub fn read_seq(&self) -> u64 {
        if self.own_seq > self.marker.seq && self.own_seq > self.marker.set_at_seq {
            self.own_seq
        } else {
            self.marker.seq
        }
    }

    /// The next event of the room's log, or of the thread whose counts these are. What stands in
    /// threads isn't the room's to count, and mentions by somebody whom the user has blocked aren't.
    pub fn handle_event(&mut self, event: &LogEvent, me: UserId, is_by_blocked: bool) {
        let header = &event.header;
        let gone = event.deleted().iter().filter(|seq| **seq > self.read_seq()).count() as u64;
        if gone > 0 {
            // Whether a deleted one mentioned somebody isn't known here, nor, of several, whether all of
            // them were counted.
            self.is_uncertain |=
                self.mentions > 0 || header.kind == MessagesDeleted::RULE.kind && self.messages > 0;
            self.messages = self.messages.saturating_sub(gone);
            self.mentions = self.mentions.min(self.messages);
        }
        if !event_rule(header.kind).is_some_and(|rule| rule.countable) {
            return;
        }
        if event.sender() == Some(me) {
            self.own_seq = header.seq;
            if self.read_seq() == header.seq {
                (self.messages, self.mentions, self.is_uncertain) = (0, 0, false);
                return;
            }
        }
        if header.seq > self.read_seq() && !event.is_erased() {
            self.messages += 1;
            let to_me =
                !is_by_blocked && header.mentions.iter().any(|user| user[..] == me.as_bytes()[..]);
            self.mentions += u64::from(to_me || event.mentions_everyone());
            if to_me {
                self.mention_seq = header.seq;
            }
        }
    }

    /// An event the counts already cover, read later: an own message among them still moves the
    /// place in force.
    pub fn handle_late_event(&mut self, event: &LogEvent, me: UserId, head: Head) {
        let countable = event_rule(event.header.kind).is_some_and(|rule| rule.countable);
        if countable && event.sender() == Some(me) && event.seq() > self.read_seq() {
            self.own_seq = self.own_seq.max(event.seq());
            if self.read_seq() == event.seq() {
                let after = head.msg_no.saturating_sub(event.header.msg_no);
                self.messages = self.messages.min(after);
                self.mentions = self.mentions.min(self.messages);
            }
        }
    }

    /// The room moved on without its events being seen.
    pub fn handle_jump(&mut self, from: Head, to: Head) {
        self.messages += to.msg_no.saturating_sub(from.msg_no);
        self.mentions += to.bcast_no.saturating_sub(from.bcast_no);
        self.is_uncertain |= to.del_no != from.del_no && self.messages > 0;
    }

    /// The user wrote a message that isn't seen itself; `msg_no` is the room's there.
    pub fn handle_own(&mut self, seq: u64, msg_no: u64, head: Head) {
        if seq <= self.read_seq() {
            return;
        }
        self.own_seq = self.own_seq.max(seq);
        if self.read_seq() == seq {
            self.count_from(msg_no, head);
        }
    }

    /// The user's own log says that an event mentions them: was that counted? A head that told of it
    /// didn't say, and the server counts it a moment after it tells of the event.
    pub fn knows_mention(&self, seq: u64) -> bool {
        seq <= self.read_seq() || seq == self.mention_seq
    }

    /// The counts may be too high: something of the room wasn't told.
    pub fn doubt(&mut self) {
        self.is_uncertain |= self.messages > 0;
    }

    fn count_from(&mut self, msg_no: u64, head: Head) {
        self.messages = head.msg_no.saturating_sub(msg_no);
        self.is_uncertain = self.messages > 0 && (head.del_no > 0 || self.mentions > 0);
        self.mentions = self.mentions.min(self.messages);
    }

    /// The marker is at another place; the counts follow by subtraction.
    pub fn handle_marker(&mut self, marker: Marker, head: Head) {
        if marker == self.marker {
            return;
        }
        self.marker = marker;
        if self.read_seq() >= head.seq {
            (self.messages, self.mentions, self.is_uncertain) = (0, 0, false);
        } else if self.read_seq() == self.marker.seq {
            self.count_from(self.marker.msg_no, head);
        }
    }

    /// The answer to a change of the marker, with counts up to `as_of`.
    pub fn handle_answer(&mut self, marker: Marker, unread: Unread, as_of: Head, head: Head) {
        let Unread { messages, mentions } = unread;
        let own_seq = self.own_seq;
        *self = Counts { marker, own_seq, messages, mentions, ..Counts::default() };
        if head.seq > as_of.seq {
            // What came since is known as far as it was told: whose it is, and whether it mentions.
            self.handle_jump(as_of, head);
            self.doubt();
        }
    }

    /// Shows everything up to `seq` as read before the server has said so.
    pub fn assume_read(&mut self, seq: u64, head: Head) {
        if seq >= head.seq {
            (self.messages, self.mentions) = (0, 0);
        }
    }
}

/// The head a pulse tells; its time is the one known before.
pub fn head_of_pulse(pulse: &RoomPulse, before: Head) -> Head {
    let RoomPulse { seq, msg_no, bcast_no, del_no, .. } = *pulse;
    Head { seq: seq.min(SEQ_MAX), at_ms: before.at_ms, msg_no, bcast_no, del_no }
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
