//! Audiences: which connections hear which room, checked against its members at delivery.

use std::time::Duration;

use bytes::Bytes;
use parlour_protocol::{
    frame,
    ids::{RoomId, UserId},
    wire::{Delivery, Ephemeral, EventFrame, Gap, Intent, RoomPulse, event_frame::Frame},
};

use super::{
    Conn, Hub,
    intents::{Own, Told},
    outbox::Fits,
};
use crate::{
    draft::{Committed, ConnId, Draft, GainsRoom, Refused, Submission, Then},
    limits,
    rooms::RoomCell,
};

/// The connections that hear a room.
#[derive(Debug, Default)]
pub(super) struct Audience {
    // The version of the room that the connections were checked against; 0 for not checked.
    version: u64,
    pub(super) full: Vec<u32>,
    pulse: Vec<u32>,
    // When they were told last.
    pub(super) told_at: Option<Duration>,
}

impl Audience {
    /// How many get whole events.
    pub(super) fn hearers(&self) -> usize {
        self.full.len()
    }

    fn remove(&mut self, index: u32) {
        for list in [&mut self.full, &mut self.pulse] {
            if let Some(at) = list.iter().position(|i| *i == index) {
                list.swap_remove(at);
            }
        }
    }
}

/// A frame of the event lane.
pub(super) fn event_frame(arm: Frame) -> Bytes {
    frame::encode(&EventFrame { frame: Some(arm) })
}

impl Hub {
    /// Puts events of a room into the outboxes of those who may hear it. `leaving` is heard one last
    /// time: their own removal.
    pub(super) fn publish(&mut self, mut told: Told<'_>, leaving: Option<UserId>, now: Duration) {
        let cell = told.cell;
        self.active.insert(cell.id);
        let Some(mut audience) = self.audiences.remove(&cell.id) else { return };
        self.check_audience(&mut audience, cell, leaving);
        audience.told_at = Some(now);
        let mut degrade = Vec::new();
        for index in &audience.full {
            let Some(conn) = self.conns[*index as usize].as_mut() else { continue };
            let (frame, events) = match &mut conn.filter {
                None => (told.frame.clone(), told.records.len()),
                Some(filter) => match told.of(filter, conn.caller.user) {
                    Some(wanted) => wanted,
                    None => {
                        self.pulse_at.get_or_insert(Duration::ZERO);
                        continue;
                    }
                },
            };
            self.totals.deliveries += 1;
            self.totals.events += events as u64;
            if conn.outbox.push_room(cell.id, frame, events) == Fits::Degrade {
                degrade.push(*index);
            }
            if !conn.is_dirty {
                conn.is_dirty = true;
                self.dirty.push(*index);
            }
        }
        for index in &audience.pulse {
            if let Some(conn) = self.conns[*index as usize].as_mut() {
                let own = told.own(conn.caller.user);
                let waiting = conn.pulses.entry(cell.id).or_default();
                *waiting = own.max(*waiting);
                self.pulse_at.get_or_insert(Duration::ZERO);
            }
        }
        self.audiences.insert(cell.id, audience);
        for index in degrade {
            self.degrade(index);
        }
    }

    /// Drops connections of users who aren't members (any more). Free unless members changed.
    pub(super) fn check_audience(
        &mut self,
        audience: &mut Audience,
        cell: &RoomCell,
        leaving: Option<UserId>,
    ) {
        let (version, members) = cell.read(|state| (state.version, state.members.clone()));
        if audience.version == version {
            return;
        }
        let conns = &mut self.conns;
        let mut may_hear = |index: &u32| {
            let Some(conn) = conns[*index as usize].as_mut() else { return false };
            let user = conn.caller.user;
            let may = members.contains(&user) || leaving == Some(user);
            if !may {
                conn.forget(cell.id);
            }
            may
        };
        audience.full.retain(&mut may_hear);
        audience.pulse.retain(&mut may_hear);
        audience.version = if leaving.is_some() { 0 } else { version };
    }

    /// Sends something ephemeral to everyone in the room but its sender's own connection.
    pub fn handle_ephemeral(
        &mut self,
        from: ConnId,
        room: RoomId,
        notice: &Ephemeral,
        out: &mut Vec<ConnId>,
    ) -> Option<Bytes> {
        let heard = self.conn_mut(from)?.rooms.contains(&room);
        let user = self.conn_mut(from)?.caller.user;
        let cell = self.node.rooms.cached(room)?;
        if !heard || !cell.is_member(user) {
            return None;
        }
        let mut audience = self.audiences.remove(&room)?;
        self.check_audience(&mut audience, &cell, None);
        for index in &audience.full {
            if let Some(conn) = &self.conns[*index as usize]
                && conn.id != from
                && conn.wants(Intent::Typing)
            {
                out.push(conn.id);
            }
        }
        self.audiences.insert(room, audience);
        Some(prost::Message::encode_to_vec(notice).into())
    }

    /// Sends something ephemeral on the event lane, where datagrams can't be used.
    pub fn handle_ephemeral_frame(&mut self, id: ConnId, frame: Bytes) {
        if self.conn_mut(id).is_some() {
            self.push_kept(id.index, frame);
        }
    }

    /// The reader is too slow: what waits for rooms is left out, and pulses come instead.
    pub(super) fn degrade(&mut self, index: u32) {
        let Some(conn) = self.conns[index as usize].as_mut() else { return };
        // What waits for a room may be from before the user left it: that room's end, and what comes
        // after it, isn't theirs to know.
        let mut rooms = conn.outbox.leave_out();
        rooms.retain(|room| conn.rooms.contains(room));
        if rooms.is_empty() {
            return;
        }
        conn.lagging.extend(rooms.iter().copied());
        rooms.iter().for_each(|room| conn.forget_left_out(*room));
        let mut pulses = Vec::with_capacity(rooms.len());
        for room in rooms {
            if let Some(audience) = self.audiences.get_mut(&room) {
                audience.remove(index);
                audience.pulse.push(index);
            }
            pulses.extend(self.node.rooms.cached(room).map(|cell| cell.pulse()));
        }
        self.totals.gaps += 1;
        self.push_kept(index, event_frame(Frame::Gap(Gap { rooms: pulses })));
    }

    pub(super) fn push_to_user(&mut self, user: UserId, frame: Bytes) {
        for index in self.by_user.get(&user).cloned().unwrap_or_default() {
            self.push_kept(index, frame.clone());
        }
    }

    pub(super) fn push_kept(&mut self, index: u32, frame: Bytes) {
        let Some(conn) = self.conns[index as usize].as_mut() else { return };
        let fits = conn.outbox.push_kept(frame);
        self.totals.deliveries += 1;
        self.totals.events += 1;
        self.mark_dirty(index);
        self.enforce(index, fits);
    }

    /// The user's connections hear a room from here on. What was told between the event that
    /// brought them in and now went past them: a pulse says so.
    pub(super) fn user_gains_room(&mut self, user: UserId, gains: &GainsRoom) {
        let room = gains.cell.id;
        let cell = self.node.rooms.cached(room).unwrap_or_else(|| gains.cell.clone());
        // What waits to be told reaches them, too, and shows the gap by itself.
        let missed = cell.head().seq > gains.seq && !self.untold.holds(room);
        for index in self.by_user.get(&user).cloned().unwrap_or_default() {
            if self.join_audience(index, room) && missed && cell.is_member(user) {
                self.push_kept(index, event_frame(Frame::Pulse(cell.pulse())));
            }
        }
    }

    pub(super) fn user_loses_room(&mut self, user: UserId, room: RoomId) {
        for index in self.by_user.get(&user).cloned().unwrap_or_default() {
            if let Some(conn) = self.conns[index as usize].as_mut() {
                conn.forget(room);
            }
            if let Some(audience) = self.audiences.get_mut(&room) {
                audience.remove(index);
            }
        }
    }

    /// Puts a connection into a room's audience; `false` if it is there already.
    pub(super) fn join_audience(&mut self, index: u32, room: RoomId) -> bool {
        let Some(conn) = self.conns[index as usize].as_mut() else { return false };
        if !conn.rooms.insert(room) {
            return false;
        }
        let full = conn.hears_in_full(room);
        let audience = self.audiences.entry(room).or_default();
        // They are checked against the members at the next delivery.
        audience.version = 0;
        if full {
            audience.full.push(index)
        } else {
            audience.pulse.push(index)
        }
        true
    }

    pub(super) fn leave_audience(&mut self, index: u32, room: RoomId) {
        if let Some(audience) = self.audiences.get_mut(&room) {
            audience.remove(index);
            if audience.full.is_empty() && audience.pulse.is_empty() {
                self.audiences.remove(&room);
            }
        }
    }

    pub(super) fn subscribe(&mut self, submission: Submission) {
        let Submission { draft: Draft::Subscribe(draft), then } = submission else { return };
        let Then::Reply { conn: id, .. } = &then else {
            return self.refuse(then, Refused::NoConnection);
        };
        let (id, mut heads) = (*id, Vec::<RoomPulse>::with_capacity(draft.add.len()));
        let Some(conn) = self.conn_mut(id) else { return };
        let mut after = conn.subscribed.clone();
        after.extend(draft.add.iter().map(|cell| cell.id));
        for room in &draft.remove {
            after.remove(room);
        }
        if after.len() > parlour_protocol::limits::SUBSCRIPTIONS_MAX {
            return self.refuse(then, Refused::Busy);
        }
        for cell in draft.add {
            // Membership may have ended since the handler looked.
            let Some(conn) = self.conn_mut(id) else { return };
            if !cell.is_member(conn.caller.user) {
                continue;
            }
            conn.lagging.remove(&cell.id);
            conn.pulses.remove(&cell.id);
            conn.forget_left_out(cell.id);
            if conn.caller.delivery == Delivery::Focused {
                conn.subscribed.insert(cell.id);
            }
            heads.push(cell.pulse());
            self.rejoin(id.index, cell.id);
        }
        for room in draft.remove {
            let Some(conn) = self.conn_mut(id) else { return };
            conn.subscribed.remove(&room);
            if conn.rooms.contains(&room) {
                self.rejoin(id.index, room);
            }
        }
        self.answer(then, Committed { heads, ..Committed::default() });
    }

    fn rejoin(&mut self, index: u32, room: RoomId) {
        self.leave_audience(index, room);
        if let Some(conn) = self.conns[index as usize].as_mut() {
            conn.rooms.remove(&room);
        }
        self.join_audience(index, room);
    }

    /// Sends the pulses that are due.
    pub(super) fn send_pulses(&mut self, now: Duration) {
        for index in 0..self.conns.len() {
            let Some(conn) = self.conns[index].as_mut() else { continue };
            let mut rooms: Vec<(RoomId, Own)> = conn.pulses.drain().collect();
            rooms.sort_unstable();
            for (room, own) in rooms {
                let Some(cell) = self.node.rooms.cached(room) else { continue };
                self.push_kept(index as u32, event_frame(Frame::Pulse(own.on(cell.pulse()))));
            }
        }
        self.tell_left_out();
        self.send_receipts();
        self.pulse_at = None;
        self.sweep_at = self.sweep_at.min(now + limits::SWEEP_EVERY);
    }
}

impl Conn {
    fn hears_in_full(&self, room: RoomId) -> bool {
        !self.lagging.contains(&room)
            && (self.caller.delivery != Delivery::Focused || self.subscribed.contains(&room))
    }

    fn forget(&mut self, room: RoomId) {
        self.rooms.remove(&room);
        self.subscribed.remove(&room);
        self.lagging.remove(&room);
        self.pulses.remove(&room);
        self.forget_left_out(room);
    }
}
