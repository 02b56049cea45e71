//! Stretches of a room's log of which only some events are wanted. What was left out isn't a gap; and what
//! the cache has of the room ends there, so that nothing seems whole that isn't.

use parlour_protocol::{generated::event_rule, ids::RoomId, limits::SEQ_MAX, wire::RoomPulse};

use super::{Engine, Notice};
use crate::{
    cache::Write,
    counts::{Head, head_of_pulse},
    event::{LogEvent, deleted_by},
    limits::CATCH_UP_EVENTS_MAX,
    time::Now,
};

impl Engine {
    pub(super) fn handle_stretch(
        &mut self,
        room: RoomId,
        from: u64,
        head: &RoomPulse,
        events: Vec<LogEvent>,
        now: Now,
    ) {
        let (from, to) = (from.clamp(1, SEQ_MAX), head.seq.min(SEQ_MAX));
        if self.rooms.get(room).is_none() {
            self.start_log(room, from - 1);
            self.describe(room);
        }
        let known_to = self.rooms.entry(room).log.to;
        let is_whole = events.len() as u64 == (to + 1).saturating_sub(from);
        if is_whole && from <= known_to + 1 {
            return self.handle_room_events(room, events, now);
        }
        let is_far = known_to == 0 || from.saturating_sub(known_to + 1) > CATCH_UP_EVENTS_MAX;
        match from > known_to + 1 {
            // Somebody looks at the room, or wants all of it: all of it is read.
            _ if self.is_open(room) || self.downloads.contains_key(&room) => {
                return self.handle_pulse(head, now);
            }
            // More is missed than is read behind: it goes on from here.
            true if is_far => self.skip_to(room, from - 1),
            true => return self.handle_pulse(head, now),
            false => {}
        }
        let known_to = self.rooms.entry(room).log.to;
        let events: Vec<LogEvent> =
            events.into_iter().filter(|e| e.seq() > known_to && e.seq() <= to).collect();
        if to > known_to {
            self.take_part(room, head, to, events, now);
        }
        self.catch_up(room);
    }

    /// Takes some of the next events of a room's log, which from then on is known from behind `to` on.
    fn take_part(
        &mut self,
        room: RoomId,
        head: &RoomPulse,
        to: u64,
        events: Vec<LogEvent>,
        now: Now,
    ) {
        let Some(me) = self.session.as_ref().map(|session| session.me) else { return };
        for event in &events {
            self.jump(room, head_before(event), now);
            self.handle_echo(event, me);
            self.notify(room, event, me, now);
            self.learn_from_event(room, event, me, now);
        }
        let before = self.rooms.entry(room).head;
        self.jump(room, head_of_pulse(head, before), now);
        self.learn_own(room, head, now);
        self.expiring.note(room, &events);
        self.skip_to(room, to);
        let erased = deleted_by(&events);
        if !erased.is_empty() {
            self.erase_under_way(room, &erased);
            self.writes.push(Write::Erase(room, erased));
        }
        self.changed(room);
        if !events.is_empty() {
            self.notices.push_back(Notice::Events(room, events));
        }
    }
}

/// The head of a room before an event of it.
pub(super) fn head_before(event: &LogEvent) -> Head {
    let mut head = Head::of_event(&event.header);
    let countable = event_rule(event.header.kind).is_some_and(|rule| rule.countable);
    let is_countable = countable && event.header.thread_root_seq == 0;
    head.seq = head.seq.saturating_sub(1);
    head.msg_no = head.msg_no.saturating_sub(u64::from(is_countable));
    head.bcast_no =
        head.bcast_no.saturating_sub(u64::from(is_countable && event.mentions_everyone()));
    head.del_no = head.del_no.saturating_sub(event.deleted().len() as u64);
    head
}
