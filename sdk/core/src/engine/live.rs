//! What the event lane and datagrams say: the next events of rooms, heads, gaps, typing.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventBody, EventMessage, Rpc, rpc},
    ids::{BlobHash, RoomId, UserId},
    limits::{SEQ_MAX, SUBSCRIPTIONS_MAX},
    sync::{SubscribeRequest, SubscribeResponse},
    typing::Typing,
    wire::{Ephemeral, Error, RoomPulse},
};
use prost::Message;

use super::{Engine, Focus, Notice, Purpose, repair::is_transient};
use crate::{
    cache::{Run, Write},
    counts::{Head, head_of_pulse},
    event::{LogEvent, deleted_by},
    lanes::Live,
    limits::WAITING_EVENTS_MAX,
    time::Now,
};

impl Engine {
    /// Something live.
    pub fn handle_live(&mut self, live: Live, now: Now) {
        if self.session.is_none() {
            return;
        }
        match live {
            Live::Room(room, events) => self.handle_room_events(room, events, now),
            Live::Stretch { room, from, head, events } => {
                self.handle_stretch(room, from, &head, events, now);
            }
            Live::User(events) => self.handle_user_events(events, now),
            Live::Pulse(pulse) => self.handle_pulse(&pulse, now),
            Live::Gap(pulses) => {
                let rooms = pulses.iter().filter_map(|p| RoomId::parse(&p.room).ok()).collect();
                pulses.iter().for_each(|pulse| self.handle_missed(pulse, now));
                self.subscribe(rooms);
            }
            Live::Heads(pulses, user_seq) => {
                pulses.iter().for_each(|pulse| self.handle_missed(pulse, now));
                if user_seq > self.meta.user_seq {
                    self.start_sync();
                }
            }
            Live::Ephemeral(ephemeral) => self.handle_ephemeral(&ephemeral, now),
            Live::Presence(update) => self.handle_presence(update),
        }
    }

    pub(super) fn handle_room_events(&mut self, room: RoomId, events: Vec<LogEvent>, now: Now) {
        let Some(first) = events.first().map(LogEvent::seq) else { return };
        if self.rooms.get(room).is_none() {
            // Its RoomGained is on the way; until then the server is asked what it is.
            self.start_log(room, first - 1);
            self.describe(room);
        }
        let was_unread = self.rooms.entry(room).log.is_empty();
        let mut next = self.rooms.entry(room).log.to + 1;
        let mut ready = Vec::new();
        for event in events {
            if event.seq() == next {
                next += 1;
                ready.push(event);
            } else if event.seq() > next {
                let waiting = &mut self.logs.entry(room).or_default().waiting;
                waiting.insert(event.seq(), event);
                if waiting.len() > WAITING_EVENTS_MAX {
                    waiting.pop_last();
                }
            }
        }
        self.accept(room, ready, next - 1, now);
        self.catch_up(room);
        if was_unread {
            self.fill_open(room);
        }
    }

    /// Takes the next events of a room's log, which then is known up to `to`; and after them those
    /// that have waited for them.
    pub(super) fn accept(&mut self, room: RoomId, events: Vec<LogEvent>, to: u64, now: Now) {
        let (mut events, mut to) = (events, to);
        if let Some(log) = self.logs.get_mut(&room) {
            log.waiting = log.waiting.split_off(&(to + 1));
            while let Some(event) = log.waiting.remove(&(to + 1)) {
                to += 1;
                events.push(event);
            }
        }
        let Some(known_to) = self.rooms.get(room).map(|record| record.log.to) else { return };
        if to <= known_to {
            return;
        }
        let Some(me) = self.session.as_ref().map(|session| session.me) else { return };
        let erased = deleted_by(&events);
        for event in &events {
            self.handle_echo(event, me);
            self.notify(room, event, me, now);
            self.learn_from_event(room, event, me, now);
        }
        let record = self.rooms.entry(room);
        record.log.to = to;
        self.settle(room, to);
        let record = self.rooms.entry(room);
        // Withheld and damaged ones at the end count as seen, too.
        record.head.seq = record.head.seq.max(to);
        if record.counts.is_uncertain || self.threads_uncertain {
            self.recount_soon(now);
        }
        self.expiring.note(room, &events);
        self.timelines_of(room).for_each(|timeline| timeline.handle_live(&events));
        self.write_run(Run::new(room, known_to + 1, to, events.clone()));
        if !erased.is_empty() {
            self.erase_under_way(room, &erased);
            self.writes.push(Write::Erase(room, erased));
        }
        self.changed(room);
        if !events.is_empty() {
            self.notices.push_back(Notice::Events(room, events));
        }
    }

    /// Puts a run behind the one before where they meet: live events come one by one.
    pub(super) fn write_run(&mut self, run: Run) {
        if let Some(Write::Run(last)) = self.writes.last_mut()
            && last.room == run.room
            && last.to + 1 == run.from
        {
            last.to = run.to;
            last.events.extend(run.events);
        } else {
            self.writes.push(Write::Run(run));
        }
    }

    pub(super) fn learn_from_event(
        &mut self,
        room: RoomId,
        event: &LogEvent,
        me: UserId,
        now: Now,
    ) {
        if let Some(sender) = event.sender()
            && parlour_protocol::generated::event_rule(event.header.kind)
                .is_some_and(|rule| rule.countable)
        {
            self.rooms.handle_typing(room, sender, false, now);
        }
        if event.header.thread_root_seq > 0 {
            self.learn_from_thread(room, event, me);
        }
        let body = event.decoded();
        self.learn_from_poll(room, event, &body, me);
        let is_by_blocked = self.is_by_blocked(event);
        let record = self.rooms.entry(room);
        let is_of_room = event.header.thread_root_seq == 0;
        if event.seq() > record.head.seq {
            if is_of_room {
                record.counts.handle_event(event, me, is_by_blocked);
            }
            let at_ms = record.head.at_ms;
            record.head = Head::of_event(&event.header);
            // What nobody did is no news of the room.
            if matches!(body, EventBody::MessagesDeleted(_)) {
                record.head.at_ms = at_ms;
            }
        } else if is_of_room {
            let head = record.head;
            record.counts.handle_late_event(event, me, head);
        }
        if event.seq() <= record.told_seq {
            return;
        }
        match body {
            EventBody::RoomRenamed(renamed) => record.name = renamed.name,
            EventBody::RoomHandedOver(over) => record.creator = UserId::parse(&over.to).ok(),
            EventBody::TopicChanged(changed) => record.topic = changed.topic,
            EventBody::RoomArchived(archived) => record.is_archived = archived.archived,
            EventBody::RoomOpened(opened) => record.is_open = opened.open,
            EventBody::RoomAvatarChanged(changed) => {
                record.avatar = BlobHash::parse(&changed.avatar).ok();
            }
            EventBody::SlowModeChanged(changed) => record.slow_mode_s = changed.seconds,
            EventBody::MessageExpiryChanged(changed) => record.message_expiry_s = changed.seconds,
            EventBody::MemberBanned(banned) if banned.was_member => {
                record.member_count = record.member_count.saturating_sub(1);
            }
            EventBody::MembersAdded(added) => record.member_count += added.users.len() as u32,
            EventBody::MemberRemoved(_) => {
                record.member_count = record.member_count.saturating_sub(1);
            }
            _ => return,
        }
        record.told_seq = event.seq();
    }

    pub(super) fn handle_pulse(&mut self, pulse: &RoomPulse, now: Now) {
        let Ok(room) = RoomId::parse(&pulse.room) else { return };
        let Some(record) = self.rooms.get(room) else { return self.describe(room) };
        let head = head_of_pulse(pulse, record.head);
        self.jump(room, head, now);
        self.learn_own(room, pulse, now);
        self.catch_up(room);
    }

    /// The head of a room of which something wasn't told: whether the user wrote there isn't known.
    fn handle_missed(&mut self, pulse: &RoomPulse, now: Now) {
        let record = RoomId::parse(&pulse.room).ok().and_then(|room| self.rooms.get(room));
        let moved = record.filter(|record| record.head.seq < pulse.seq).map(|record| record.id);
        self.handle_pulse(pulse, now);
        if let Some(room) = moved {
            self.rooms.entry(room).counts.doubt();
        }
    }

    /// What the user wrote of what a pulse stands for.
    pub(super) fn learn_own(&mut self, room: RoomId, pulse: &RoomPulse, now: Now) {
        let Some(record) = self.rooms.get(room).filter(|_| pulse.own_seq > 0) else { return };
        let head = record.head;
        let counts = &mut self.rooms.entry(room).counts;
        counts.handle_own(pulse.own_seq.min(SEQ_MAX), pulse.own_msg_no, head);
        if counts.is_uncertain {
            self.recount_soon(now);
        }
        self.changed(room);
    }

    /// The room goes on without its events being seen.
    pub(super) fn jump(&mut self, room: RoomId, head: Head, now: Now) {
        let Some(before) = self.rooms.get(room).map(|record| record.head) else { return };
        if head.seq <= before.seq {
            return;
        }
        let mut head = head;
        if head.msg_no > before.msg_no {
            head.at_ms = before.at_ms.max(self.server_ms(now));
        }
        let record = self.rooms.entry(room);
        record.counts.handle_jump(before, head);
        record.head = head;
        self.threads_uncertain |= !record.threads.is_empty();
        self.changed(room);
        self.recount_soon(now);
    }

    fn handle_ephemeral(&mut self, ephemeral: &Ephemeral, now: Now) {
        let (Ok(room), Ok(sender)) =
            (RoomId::parse(&ephemeral.room), UserId::parse(&ephemeral.sender))
        else {
            return;
        };
        self.handle_receipt(room, sender, ephemeral);
        self.handle_signal(room, sender, ephemeral);
        self.handle_response(room, sender, ephemeral);
        self.handle_draft(sender, ephemeral);
        let is_me = self.meta.user == Some(sender);
        if ephemeral.kind == Typing::RULE.kind
            && !is_me
            && !self.meta.blocked.contains(&sender)
            && let Ok(typing) = Typing::decode(ephemeral.body.clone())
        {
            self.rooms.handle_typing(room, sender, typing.active, now);
        }
    }

    // Subscriptions.

    /// Whole events of these rooms are wanted on this connection.
    pub(super) fn subscribe(&mut self, rooms: Vec<RoomId>) {
        if self.session.is_none() {
            return;
        }
        for rooms in rooms.chunks(SUBSCRIPTIONS_MAX) {
            let add = rooms.iter().map(|room| room.to_field()).collect();
            let body = SubscribeRequest { add, remove: Vec::new() }.encode_to_vec().into();
            let purpose = Purpose::Subscribe(rooms.to_vec());
            self.start_call(rpc::Subscribe::METHOD.id, body, purpose);
        }
    }

    pub(super) fn unsubscribe(&mut self, room: RoomId) {
        if self.session.is_some() && self.config.focus == Focus::Focused {
            let remove = vec![room.to_field()];
            let body = SubscribeRequest { add: Vec::new(), remove }.encode_to_vec().into();
            self.unheard.remove(&room);
            self.start_call(rpc::Subscribe::METHOD.id, body, Purpose::Subscribe(Vec::new()));
        }
    }

    pub(super) fn resubscribe(&mut self) {
        if self.config.focus == Focus::Focused && !self.timelines.is_empty() {
            let rooms: BTreeSet<RoomId> = self.timelines.keys().map(|scope| scope.room).collect();
            self.subscribe(rooms.into_iter().collect());
        }
    }

    pub(super) fn handle_subscribed(
        &mut self,
        rooms: Vec<RoomId>,
        result: Result<Bytes, Error>,
        now: Now,
    ) {
        match result.map(SubscribeResponse::decode) {
            Ok(Ok(answer)) => answer.heads.iter().for_each(|pulse| self.handle_pulse(pulse, now)),
            // Until it is asked again these rooms are told by their heads only.
            Err(error) if is_transient(&error) && !rooms.is_empty() => {
                self.unheard.extend(rooms);
                self.repair_soon(now);
            }
            _ => {}
        }
    }

    /// Asks again for rooms whose whole events were refused for a while.
    pub(super) fn subscribe_again(&mut self) {
        let mut rooms = std::mem::take(&mut self.unheard);
        rooms.retain(|room| self.config.focus == Focus::All || self.is_open(*room));
        self.subscribe(rooms.into_iter().collect());
    }
}
