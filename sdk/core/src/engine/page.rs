//! The items of history reads, their events as the bytes they came as.

use bytes::{Buf, Bytes};
use parlour_protocol::{limits::SEQ_MAX, poll::PollState, sync::SeqRange, thread::Thread};
use prost::{
    Message,
    encoding::{WireType, decode_key, decode_varint, skip_field},
};

use crate::{
    event::{LogEvent, Malformed, Packer, events_in, submessages, take_delimited},
    limits::RUN_EVENTS,
};

/// A `ReadLogItem`.
pub(super) struct LogItem {
    pub(super) events: Vec<LogEvent>,
    /// The last number this item tells about.
    pub(super) covered_to: u64,
}

impl LogItem {
    pub(super) fn parse(item: &Bytes) -> Result<Self, Malformed> {
        let events = events_in(1, item)?;
        let mut covered_to = events.last().map_or(0, LogEvent::seq);
        for tag in [2, 3] {
            for range in submessages(tag, item)? {
                covered_to = covered_to.max(SeqRange::decode(range)?.to_seq.min(SEQ_MAX));
            }
        }
        Ok(LogItem { events, covered_to })
    }
}

/// A `ReadLogItem` whose events are kept, not looked at.
#[derive(Debug, Default)]
pub(super) struct LogPieces {
    /// The first number of each piece of at most `RUN_EVENTS` events, and the events, packed.
    pub(super) packed: Vec<(u64, Bytes)>,
    /// The last number this item tells about.
    pub(super) covered_to: u64,
}

impl LogPieces {
    /// Events have numbers from `next` to `end`, and ascending. Those of messages that were
    /// deleted since they were asked for lose their bodies here.
    pub(super) fn parse(
        item: &Bytes,
        next: u64,
        end: u64,
        deleted: &[u64],
    ) -> Result<Self, Malformed> {
        let (mut rest, mut pieces, mut next) = (item.clone(), LogPieces::default(), next);
        let mut packer = Packer::default();
        let mut first = next;
        while rest.has_remaining() {
            let (field, wire) = decode_key(&mut rest)?;
            match (field, wire) {
                (1, WireType::LengthDelimited) => {
                    let mut event = LogEvent::parse(take_delimited(&mut rest)?)?;
                    let seq = event.seq();
                    if seq < next || seq > end {
                        return Err(Malformed);
                    }
                    if !event.is_erased() && event.goes_with(deleted) {
                        event = event.erased();
                    }
                    if packer.len() == RUN_EVENTS {
                        pieces.packed.push((first, packer.finish()));
                    }
                    if packer.len() == 0 {
                        first = seq;
                    }
                    packer.push(&event.raw);
                    pieces.covered_to = pieces.covered_to.max(seq);
                    next = seq + 1;
                }
                (2 | 3, WireType::LengthDelimited) => {
                    let range = SeqRange::decode(take_delimited(&mut rest)?)?;
                    if range.to_seq > end {
                        return Err(Malformed);
                    }
                    pieces.covered_to = pieces.covered_to.max(range.to_seq);
                }
                _ => skip_field(wire, field, &mut rest, Default::default())?,
            }
        }
        if packer.len() > 0 {
            pieces.packed.push((first, packer.finish()));
        }
        Ok(pieces)
    }
}

/// A `ReadTimelineItem` or `ReadThreadItem`, or several of one page together.
#[derive(Debug, Default)]
pub(super) struct TimelinePage {
    pub(super) events: Vec<LogEvent>,
    pub(super) amendments: Vec<LogEvent>,
    /// What stands under some of them.
    pub(super) threads: Vec<Thread>,
    /// What was chosen in the polls among them.
    pub(super) polls: Vec<PollState>,
    pub(super) as_of_seq: u64,
    pub(super) at_start: bool,
    /// Messages deleted since it was asked for.
    pub(super) deleted: Vec<u64>,
}

impl TimelinePage {
    pub(super) fn add(&mut self, item: &Bytes) -> Result<(), Malformed> {
        self.events.extend(events_in(1, item)?);
        self.amendments.extend(events_in(2, item)?);
        self.as_of_seq = self.as_of_seq.max(number(3, item)?.min(SEQ_MAX));
        self.at_start |= number(4, item)? != 0;
        for thread in submessages(6, item)? {
            self.threads.push(Thread::decode(thread)?);
        }
        for poll in submessages(7, item)? {
            self.polls.push(PollState::decode(poll)?);
        }
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

    /// All of it is here: brought into order, without the bodies of what is deleted by now.
    pub(super) fn finish(&mut self) {
        let deleted = &self.deleted;
        let bodies = self.events.iter_mut().chain(&mut self.amendments);
        for event in bodies.filter(|event| !event.is_erased() && event.goes_with(deleted)) {
            *event = event.erased();
        }
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
