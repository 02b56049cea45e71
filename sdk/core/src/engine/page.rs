//! The items of history reads, their events as the bytes they came as.

use bytes::{Buf, Bytes};
use parlour_protocol::sync::SeqRange;
use prost::{
    Message,
    encoding::{WireType, decode_key, decode_varint, skip_field},
};

use crate::event::{LogEvent, Malformed, events_in, submessages};

/// A `ReadLogItem`.
pub(super) struct LogItem {
    pub(super) events: Vec<LogEvent>,
    /// The last number this item tells about.
    pub(super) covered_to: u64,
    pub(super) as_of_seq: u64,
}

impl LogItem {
    pub(super) fn parse(item: &Bytes) -> Result<Self, Malformed> {
        let events = events_in(1, item)?;
        let mut covered_to = events.last().map_or(0, LogEvent::seq);
        for tag in [2, 3] {
            for range in submessages(tag, item)? {
                covered_to = covered_to.max(SeqRange::decode(range)?.to_seq);
            }
        }
        Ok(LogItem { events, covered_to, as_of_seq: number(4, item)? })
    }
}

/// A `ReadTimelineItem`, or several of one page together.
#[derive(Debug, Default)]
pub(super) struct TimelinePage {
    pub(super) events: Vec<LogEvent>,
    pub(super) amendments: Vec<LogEvent>,
    pub(super) as_of_seq: u64,
    pub(super) at_start: bool,
}

impl TimelinePage {
    pub(super) fn add(&mut self, item: &Bytes) -> Result<(), Malformed> {
        self.events.extend(events_in(1, item)?);
        self.amendments.extend(events_in(2, item)?);
        self.as_of_seq = self.as_of_seq.max(number(3, item)?);
        self.at_start |= number(4, item)? != 0;
        Ok(())
    }

    /// The first number this page tells about, when it ends before `before`.
    pub(super) fn from(&self, before: u64) -> u64 {
        match self.events.iter().map(LogEvent::seq).min() {
            _ if self.at_start => 1,
            Some(first) => first,
            None => before,
        }
    }

    pub(super) fn sort(&mut self) {
        // Pieces of one page may come newest first.
        self.events.sort_by_key(LogEvent::seq);
        self.amendments.sort_by_key(LogEvent::seq);
    }
}

/// The last value of a varint field, 0 when it isn't there.
fn number(tag: u32, message: &Bytes) -> Result<u64, Malformed> {
    let mut rest = message.clone();
    let mut value = 0;
    while rest.has_remaining() {
        let (field, wire) = decode_key(&mut rest)?;
        if field == tag && wire == WireType::Varint {
            value = decode_varint(&mut rest)?;
        } else {
            skip_field(wire, field, &mut rest, Default::default())?;
        }
    }
    Ok(value)
}
