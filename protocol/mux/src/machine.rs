//! The machine: messages in, messages out, lanes between.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::{
    frame::{Frame, LaneId},
    limits::{
        CLIENT_CREDIT_FIRST, DATAGRAM_BYTES_MAX, DATAGRAMS_MAX, LANES_FIRST, REASON_BYTES_MAX,
        SERVER_CREDIT_FIRST, WINDOW, WINDOWS_MAX,
    },
    receiving::{ReadError, Receiving},
    sending::{Sending, WriteError, Written},
};

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that opened the connection, and opens lanes in both directions.
    Client,
    /// The one that opens lanes on which only it speaks.
    Server,
}

/// The other side broke a rule of the carrier; the connection can't go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other side broke a rule: {0}")]
pub struct Broken(pub &'static str);

/// How a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// From this side.
    Local,
    /// By the other side, with its code and reason.
    Remote {
        /// A close code of the protocol.
        code: u32,
        /// For logs.
        reason: String,
    },
    /// Without a word.
    Lost,
}

/// What has happened, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The other side has opened a lane.
    Opened,
    /// A lane may be opened.
    Available,
    /// Something can be read, the end included.
    Readable(LaneId),
    /// There is room again, or never will be.
    Writable(LaneId),
    /// All that was written has been handed to the carrier, or nobody wants it.
    Settled(LaneId),
    /// A datagram has come.
    Datagram,
    /// The connection has ended.
    Closed,
}

struct Lane {
    send: Option<Sending>,
    recv: Option<Receiving>,
}

impl Lane {
    fn is_over(&self) -> bool {
        self.send.as_ref().is_none_or(Sending::is_ended)
            && self.recv.as_ref().is_none_or(Receiving::is_done)
    }
}

/// See the module.
pub struct Mux {
    side: Side,
    lanes: BTreeMap<LaneId, Lane>,
    // Lanes opened so far, by this side and by the other.
    opened: u32,
    opened_by_other: u32,
    accepted: u32,
    // How many lanes the client may have opened in all, and how many of that it knows of.
    allowed: u32,
    allowed_told: u32,
    // Whether the other side may have whole windows under way.
    is_wide: bool,
    turns: u64,
    datagrams: VecDeque<Bytes>,
    datagrams_in: VecDeque<Bytes>,
    events: VecDeque<Event>,
    closing: Option<Frame>,
    closed: Option<Closed>,
}

impl Mux {
    /// One end of a new connection.
    pub fn new(side: Side) -> Self {
        Mux {
            side,
            lanes: BTreeMap::new(),
            opened: 0,
            opened_by_other: 0,
            accepted: 0,
            allowed: LANES_FIRST,
            allowed_told: LANES_FIRST,
            is_wide: side == Side::Client,
            turns: 0,
            datagrams: VecDeque::new(),
            datagrams_in: VecDeque::new(),
            events: VecDeque::new(),
            closing: None,
            closed: None,
        }
    }

    /// A message has come.
    pub fn handle_message(&mut self, message: Bytes) -> Result<(), Broken> {
        if self.closed.is_some() {
            return Ok(());
        }
        let frame = Frame::decode(message).ok_or(Broken("a malformed message"))?;
        match frame {
            Frame::Data { lane, bytes, is_last } => self.handle_data(lane, &bytes, is_last),
            Frame::Reset { lane, code } => self.handle_reset(lane, code),
            Frame::Stop { lane, code } => self.handle_stop(lane, code),
            Frame::Credit { lane, total } => self.handle_credit(lane, total),
            Frame::Lanes { count } => self.handle_lanes(count),
            Frame::Datagram(bytes) => {
                self.handle_datagram(&bytes);
                Ok(())
            }
            Frame::Close { code, reason } => {
                self.end(Closed::Remote { code, reason });
                Ok(())
            }
            Frame::Unknown => Ok(()),
        }
    }

    fn handle_datagram(&mut self, bytes: &[u8]) {
        // Nobody listens before a client is known.
        if self.side == Side::Server && !self.is_wide {
            return;
        }
        if self.datagrams_in.len() == DATAGRAMS_MAX {
            self.datagrams_in.pop_front();
        }
        // A copy, or what waits would hold all that came with it.
        self.datagrams_in.push_back(Bytes::copy_from_slice(bytes));
        self.events.push_back(Event::Datagram);
    }

    fn handle_data(&mut self, id: LaneId, bytes: &[u8], is_last: bool) -> Result<(), Broken> {
        let Some(lane) = self.lane_of_other(id)? else { return Ok(()) };
        let recv = lane.recv.as_mut().ok_or(Broken("data on a lane of one's own"))?;
        if !recv.push(bytes, is_last) {
            return Err(Broken("data beyond the credit or the end"));
        }
        self.events.push_back(Event::Readable(id));
        self.tidy(id);
        Ok(())
    }

    fn handle_reset(&mut self, id: LaneId, code: u32) -> Result<(), Broken> {
        let Some(lane) = self.lane_of_other(id)? else { return Ok(()) };
        let recv = lane.recv.as_mut().ok_or(Broken("a reset of a lane of one's own"))?;
        if recv.reset(code) {
            self.events.push_back(Event::Readable(id));
        }
        self.tidy(id);
        Ok(())
    }

    fn handle_stop(&mut self, id: LaneId, code: u32) -> Result<(), Broken> {
        let Some(lane) = self.lane_of_other(id)? else { return Ok(()) };
        let send = lane.send.as_mut().ok_or(Broken("a stop of a lane nobody writes to"))?;
        if send.stop(code) {
            self.events.extend([Event::Writable(id), Event::Settled(id)]);
        }
        Ok(())
    }

    fn handle_credit(&mut self, id: LaneId, total: u64) -> Result<(), Broken> {
        let Some(lane) = self.lane_of_other(id)? else { return Ok(()) };
        let send = lane.send.as_mut().ok_or(Broken("credit for a lane nobody writes to"))?;
        send.grant(total);
        Ok(())
    }

    fn handle_lanes(&mut self, count: u32) -> Result<(), Broken> {
        if self.side == Side::Server {
            return Err(Broken("leave to open lanes is the server's to give"));
        }
        if count > self.allowed {
            self.allowed = count;
            self.events.push_back(Event::Available);
        }
        Ok(())
    }

    /// The lane the other side speaks of, which may open it thereby; `None` if it is over.
    fn lane_of_other(&mut self, id: LaneId) -> Result<Option<&mut Lane>, Broken> {
        let (is_ours, index) = (self.is_ours(id), id / 2);
        if is_ours && index >= self.opened {
            return Err(Broken("a lane that was never opened"));
        }
        if !is_ours && index >= self.opened_by_other {
            if self.side == Side::Server && index >= self.allowed {
                return Err(Broken("more lanes than are allowed"));
            }
            if self.side == Side::Client && index >= LANES_FIRST {
                return Err(Broken("more lanes than a server has"));
            }
            // Those below it as well, as in QUIC: what was opened first may speak last.
            while self.opened_by_other <= index {
                self.insert(self.opened_by_other * 2 + id % 2);
                self.opened_by_other += 1;
            }
            self.events.push_back(Event::Opened);
        }
        Ok(self.lanes.get_mut(&id))
    }

    fn is_ours(&self, id: LaneId) -> bool {
        id.is_multiple_of(2) == (self.side == Side::Client)
    }

    fn insert(&mut self, id: LaneId) {
        let is_clients = id.is_multiple_of(2);
        let (sends, receives) = match self.side {
            Side::Client => (is_clients, true),
            Side::Server => (true, is_clients),
        };
        let (send_credit, recv_credit) = match self.side {
            Side::Client => (CLIENT_CREDIT_FIRST, SERVER_CREDIT_FIRST),
            Side::Server => (SERVER_CREDIT_FIRST, CLIENT_CREDIT_FIRST),
        };
        let send = sends.then(|| Sending::new(send_credit, 0));
        let recv = receives.then(|| Receiving::new(recv_credit));
        self.lanes.insert(id, Lane { send, recv });
    }

    /// A lane that is over is forgotten; the client may open another one for it.
    fn tidy(&mut self, id: LaneId) {
        if self.lanes.get(&id).is_some_and(Lane::is_over) {
            self.lanes.remove(&id);
            if self.side == Side::Server && id.is_multiple_of(2) {
                self.allowed = self.allowed.saturating_add(1);
            }
        }
    }

    /// What has happened since it was last asked.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next message for the other side. What rules and ends comes first, then datagrams, then lanes
    /// by their priority, and those of the same in turns.
    pub fn poll_message(&mut self) -> Option<Bytes> {
        if let Some(close) = self.closing.take() {
            return Some(close.encode());
        }
        if self.closed.is_some() {
            return None;
        }
        if let Some(frame) = self.next_rule() {
            return Some(frame.encode());
        }
        if let Some(bytes) = self.datagrams.pop_front() {
            return Some(Frame::Datagram(bytes).encode());
        }
        let ready = self.lanes.iter().filter_map(|(id, lane)| Some((*id, lane.send.as_ref()?)));
        let ready = ready.filter(|(_, send)| send.has_data());
        let (id, _) = ready.min_by_key(|(_, send)| (-send.priority, send.turn))?;
        self.turns += 1;
        let send = self.lanes.get_mut(&id)?.send.as_mut()?;
        send.turn = self.turns;
        let (bytes, is_last, wakes) = send.take_data();
        if wakes {
            self.events.push_back(Event::Writable(id));
        }
        if is_last {
            self.events.push_back(Event::Settled(id));
            self.tidy(id);
        }
        Some(Frame::Data { lane: id, bytes, is_last }.encode())
    }

    fn next_rule(&mut self) -> Option<Frame> {
        if self.side == Side::Server && self.allowed > self.allowed_told {
            self.allowed_told = self.allowed;
            return Some(Frame::Lanes { count: self.allowed });
        }
        let window = if self.is_wide { WINDOW } else { CLIENT_CREDIT_FIRST };
        let open: u64 =
            self.lanes.values().filter_map(|lane| lane.recv.as_ref()).map(Receiving::open).sum();
        let mut found = None;
        for (id, lane) in &mut self.lanes {
            let lane_id = *id;
            let reset = lane.send.as_mut().and_then(Sending::take_reset);
            found = reset.map(|code| Frame::Reset { lane: lane_id, code });
            if let (None, Some(recv)) = (&found, &mut lane.recv) {
                let stop = recv.take_stop().map(|code| Frame::Stop { lane: lane_id, code });
                // Control always gets its share.
                let is_within = lane_id == 0 || open - recv.open() + window <= WINDOWS_MAX;
                found = stop.or_else(|| {
                    let total = is_within.then(|| recv.take_credit(window)).flatten()?;
                    Some(Frame::Credit { lane: lane_id, total })
                });
            }
            if found.is_some() {
                break;
            }
        }
        if let Some(Frame::Reset { lane, .. }) = found {
            self.events.push_back(Event::Settled(lane));
            self.tidy(lane);
        }
        found
    }

    /// Opens a lane: in both directions on the client's side, one to speak on on the server's. `None`
    /// while the client may have no more.
    pub fn open(&mut self) -> Option<LaneId> {
        if self.closed.is_some() || (self.side == Side::Client && self.opened >= self.allowed) {
            return None;
        }
        let id = self.opened * 2 + u32::from(self.side == Side::Server);
        self.opened += 1;
        self.insert(id);
        Some(id)
    }

    /// The next lane that the other side has opened.
    pub fn accept(&mut self) -> Option<LaneId> {
        if self.accepted == self.opened_by_other {
            return None;
        }
        let id = self.accepted * 2 + u32::from(self.side == Side::Client);
        self.accepted += 1;
        Some(id)
    }

    fn send_half(&mut self, id: LaneId) -> Option<&mut Sending> {
        self.lanes.get_mut(&id)?.send.as_mut()
    }

    /// Writes as much as there is room for; what was written is taken out of the chunks.
    pub fn write(&mut self, id: LaneId, chunks: &mut [Bytes]) -> Result<Written, WriteError> {
        self.send_half(id).map_or(Err(WriteError::Closed), |send| send.write(chunks))
    }

    /// Nothing more comes on a lane.
    pub fn finish(&mut self, id: LaneId) {
        if let Some(send) = self.send_half(id) {
            send.finish();
        }
    }

    /// Gives a lane up: what waits isn't sent.
    pub fn reset(&mut self, id: LaneId, code: u32) {
        if let Some(send) = self.send_half(id) {
            send.reset(code);
        }
    }

    /// Lanes with a higher priority go first; 0 without this.
    pub fn set_priority(&mut self, id: LaneId, priority: i32) {
        if let Some(send) = self.send_half(id) {
            send.priority = priority;
        }
    }

    /// Whether nothing of the lane waits to be sent.
    pub fn is_settled(&self, id: LaneId) -> bool {
        let send = self.lanes.get(&id).and_then(|lane| lane.send.as_ref());
        send.is_none_or(Sending::is_settled)
    }

    /// The next bytes of a lane, at most that many; `None` at its end.
    pub fn read(&mut self, id: LaneId, bytes_max: usize) -> Result<Option<Bytes>, ReadError> {
        let recv = self.lanes.get_mut(&id).and_then(|lane| lane.recv.as_mut());
        let read = recv.map_or(Err(ReadError::Closed), |recv| recv.read(bytes_max));
        self.tidy(id);
        read
    }

    /// Asks the other side to write no more.
    pub fn stop(&mut self, id: LaneId, code: u32) {
        if let Some(recv) = self.lanes.get_mut(&id).and_then(|lane| lane.recv.as_mut()) {
            recv.stop(code);
        }
        self.tidy(id);
    }

    /// Sends a datagram, in place of older ones if too many wait; `false` if it is too large.
    pub fn send_datagram(&mut self, bytes: Bytes) -> bool {
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return false;
        }
        if self.datagrams.len() == DATAGRAMS_MAX {
            self.datagrams.pop_front();
        }
        self.datagrams.push_back(bytes);
        true
    }

    /// A datagram that has come.
    pub fn read_datagram(&mut self) -> Option<Bytes> {
        self.datagrams_in.pop_front()
    }

    /// The client may have that many lanes open at once from now on; never fewer than before.
    pub fn allow_lanes(&mut self, at_once: u32) {
        let open = self.lanes.keys().filter(|id| id.is_multiple_of(2)).count();
        let over = self.opened_by_other.saturating_sub(u32::try_from(open).unwrap_or(u32::MAX));
        self.allowed = self.allowed.max(over.saturating_add(at_once));
    }

    /// The client may have as much of a lane under way from now on as the protocol allows.
    pub fn widen(&mut self) {
        self.is_wide = true;
    }

    /// Ends the connection; what waits is lost.
    pub fn close(&mut self, code: u32, reason: &str) {
        if self.closed.is_none() {
            let mut end = reason.len().min(REASON_BYTES_MAX);
            while !reason.is_char_boundary(end) {
                end -= 1;
            }
            self.closing = Some(Frame::Close { code, reason: reason[..end].to_owned() });
            self.end(Closed::Local);
        }
    }

    /// The carrier is gone.
    pub fn handle_lost(&mut self) {
        self.closing = None;
        self.end(Closed::Lost);
    }

    fn end(&mut self, how: Closed) {
        if self.closed.is_none() {
            self.closed = Some(how);
            self.events.push_back(Event::Closed);
        }
    }

    /// Bytes that have come and wait to be read.
    pub fn unread_bytes(&self) -> usize {
        self.lanes.values().filter_map(|lane| lane.recv.as_ref()).map(Receiving::unread).sum()
    }

    /// How it has ended, if it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
