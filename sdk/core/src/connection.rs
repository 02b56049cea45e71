//! One connection as a state machine: bytes of its lanes in, typed outputs and bytes out. It knows
//! calls but no method, and nothing of what came before or comes after this connection.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use parlour_protocol::{
    REV_MAX, REV_MIN,
    frame::{self, Splitter},
    limits::{
        CALLS_IN_FLIGHT_MAX, CONTROL_FRAME_BYTES_MAX, EVENT_FRAME_BYTES_MAX, MOVED_PADDING_BYTES,
    },
    wire::{
        Call, Cancel, ClientFrame, CloseCode, Delivery, Drain, Error, Goodbye, Hello, Intent, Ping,
        ServerFrame, Welcome, client_frame, reply, server_frame,
    },
};
use prost::Message;

use crate::{
    lanes::{EventLane, LaneError, Live, datagram},
    limits::{CALLS_WAITING_MAX, PING_EVERY, PONG_WITHIN, STALLED_AFTER, WELCOME_WITHIN},
    time::Now,
};

/// A feature number that never means anything (PROTOCOL.md, section 3): debug builds send it, so
/// that servers stay tolerant of what they don't know.
pub const GREASE_FEATURE: u32 = 31 * 5 + 27;

/// Names a call among those of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What the hello says, apart from what this crate knows by itself.
#[derive(Clone)]
pub struct Introduction {
    /// The JWT.
    pub token: String,
    /// This installation.
    pub device: parlour_protocol::ids::DeviceId,
    /// From the last welcome; empty for none.
    pub resume: Bytes,
    /// Which events the connection gets.
    pub delivery: Delivery,
    /// What of them it wants; empty for everything.
    pub intents: Vec<Intent>,
    /// Name and version of the software, for the server's logs.
    pub agent: String,
}

/// What a connection tells its owner.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The connection is established.
    Welcome(Box<Welcome>),
    /// The answer to a call.
    Reply(CallId, Result<Bytes, Error>),
    /// A ping was answered after this time.
    Pong(Duration),
    /// A newer token is wanted before this time, Unix milliseconds.
    ReauthRequired(u64),
    /// The server goes away.
    Drain(Drain),
    /// The server closes the connection.
    Goodbye(Goodbye),
    /// Events and other live things.
    Live(Live),
    /// The server hasn't answered for a while: the path may be dead.
    Stalled,
    /// The server doesn't answer any more.
    Lost,
}

/// Why a connection has to be closed by the client.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// A lane can't be read any further.
    #[error("{0}")]
    Lane(#[from] LaneError),
    /// Something other than a welcome came first, or a second welcome.
    #[error("unexpected frame")]
    UnexpectedFrame,
}

impl ConnectionError {
    /// The code to close the connection with.
    pub fn close_code(self) -> CloseCode {
        use parlour_protocol::frame::FrameError as F;
        match self {
            ConnectionError::Lane(LaneError::Frame(F::TooLarge)) => CloseCode::FrameTooLarge,
            ConnectionError::Lane(LaneError::CutOff | LaneError::Frame(F::Truncated)) => {
                CloseCode::TruncatedFrame
            }
            ConnectionError::Lane(LaneError::UnknownKind) => CloseCode::UnknownLane,
            ConnectionError::Lane(_) => CloseCode::MalformedFrame,
            ConnectionError::UnexpectedFrame => CloseCode::UnexpectedFrame,
        }
    }
}

/// More calls wait than this client holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls")]
pub struct TooManyCalls;

#[derive(Debug)]
enum Phase {
    Hello { until: Duration },
    Live,
    Over,
}

#[derive(Debug, Default)]
struct Pings {
    nonce: u64,
    sent_at: Option<Duration>,
    heard_at: Duration,
    is_stalled: bool,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    control: Splitter,
    events: EventLane,
    to_send: BytesMut,
    outputs: VecDeque<Output>,
    in_flight: BTreeSet<CallId>,
    in_flight_max: usize,
    waiting: VecDeque<(CallId, Bytes)>,
    pings: Pings,
}

impl Connection {
    /// A connection whose handshake is done: the hello waits in [`Connection::poll_transmit`].
    pub fn new(introduction: &Introduction, now: Now) -> Self {
        let mut connection = Connection {
            phase: Phase::Hello { until: now.elapsed + WELCOME_WITHIN },
            control: Splitter::new(CONTROL_FRAME_BYTES_MAX),
            events: EventLane::default(),
            to_send: BytesMut::new(),
            outputs: VecDeque::new(),
            in_flight: BTreeSet::new(),
            in_flight_max: CALLS_IN_FLIGHT_MAX,
            waiting: VecDeque::new(),
            pings: Pings { heard_at: now.elapsed, ..Pings::default() },
        };
        connection.transmit(client_frame::Frame::Hello(Hello {
            min_rev: REV_MIN,
            max_rev: REV_MAX,
            features: if cfg!(debug_assertions) { vec![GREASE_FEATURE] } else { Vec::new() },
            token: introduction.token.clone(),
            device: introduction.device.to_field(),
            resume: introduction.resume.clone(),
            delivery: introduction.delivery as i32,
            agent: introduction.agent.clone(),
            intents: introduction.intents.iter().map(|intent| *intent as i32).collect(),
        }));
        connection
    }

    // Inputs.

    /// Bytes of the control lane.
    pub fn handle_control(&mut self, bytes: &[u8], now: Now) -> Result<(), ConnectionError> {
        self.heard(now);
        self.control.push(bytes);
        while let Some(frame) = self.control.next_frame().map_err(LaneError::from)? {
            let frame = ServerFrame::decode(frame).map_err(|_| LaneError::Malformed)?;
            if let Some(frame) = frame.frame {
                self.handle_frame(frame, now)?;
            }
        }
        Ok(())
    }

    /// Bytes of the event lane. What comes before the welcome is told behind it.
    pub fn handle_events(&mut self, bytes: &[u8], now: Now) -> Result<(), ConnectionError> {
        self.heard(now);
        self.events.push(bytes);
        self.read_events()
    }

    fn read_events(&mut self) -> Result<(), ConnectionError> {
        if matches!(self.phase, Phase::Hello { .. }) {
            return Ok(());
        }
        while let Some(live) = self.events.next_live()? {
            self.outputs.push_back(Output::Live(live));
        }
        Ok(())
    }

    /// A datagram.
    pub fn handle_datagram(&mut self, bytes: Bytes, now: Now) {
        self.heard(now);
        self.outputs.extend(datagram(bytes).map(Output::Live));
    }

    /// The time of [`Connection::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Now) {
        let Some(due) = self.poll_timeout() else { return };
        if due > now.elapsed {
            return;
        }
        match self.phase {
            Phase::Live if self.pings.sent_at.is_none() => self.ping(now),
            Phase::Live if !self.pings.is_stalled => {
                self.pings.is_stalled = true;
                self.outputs.push_back(Output::Stalled);
            }
            Phase::Over => {}
            Phase::Hello { .. } | Phase::Live => {
                self.phase = Phase::Over;
                self.outputs.push_back(Output::Lost);
            }
        }
    }

    fn heard(&mut self, now: Now) {
        self.pings.heard_at = now.elapsed;
        self.pings.is_stalled = false;
    }

    fn handle_frame(
        &mut self,
        frame: server_frame::Frame,
        now: Now,
    ) -> Result<(), ConnectionError> {
        use server_frame::Frame as F;
        let output = match (frame, &self.phase) {
            (F::Goodbye(goodbye), _) => {
                self.phase = Phase::Over;
                Output::Goodbye(goodbye)
            }
            (F::Welcome(welcome), Phase::Hello { .. }) => {
                self.phase = Phase::Live;
                let announced = welcome.limits.as_ref().map_or(0, |l| l.calls_in_flight_max);
                self.in_flight_max = (announced as usize).max(CALLS_IN_FLIGHT_MAX);
                self.outputs.push_back(Output::Welcome(Box::new(welcome)));
                return self.read_events();
            }
            (F::Welcome(_) | F::SignInResult(_), _) | (_, Phase::Hello { .. }) => {
                return Err(ConnectionError::UnexpectedFrame);
            }
            (F::Reply(reply), _) => return self.handle_reply(reply),
            (F::Pong(pong), _) => {
                let Some(sent_at) = self.pings.sent_at.take_if(|_| pong.nonce == self.pings.nonce)
                else {
                    return Ok(());
                };
                Output::Pong(now.elapsed.saturating_sub(sent_at))
            }
            (F::ReauthRequired(required), _) => Output::ReauthRequired(required.deadline_ms),
            (F::Drain(drain), _) => Output::Drain(drain),
        };
        self.outputs.push_back(output);
        Ok(())
    }

    fn handle_reply(
        &mut self,
        reply: parlour_protocol::wire::Reply,
    ) -> Result<(), ConnectionError> {
        let id = CallId(reply.id);
        // The answer to a cancelled call may still be on its way: it means nothing then.
        if !self.in_flight.remove(&id) {
            return Ok(());
        }
        let result = match reply.result {
            Some(reply::Result::Body(body)) => Ok(body),
            Some(reply::Result::Error(error)) => Err(error),
            // An empty body is an arm that is left out by no encoder, yet means the same.
            None => Ok(Bytes::new()),
        };
        self.outputs.push_back(Output::Reply(id, result));
        self.send_waiting();
        Ok(())
    }

    // Commands.

    /// Makes a call. Ids are the caller's to choose, each once per client. Over the announced
    /// number of calls in flight it waits here.
    pub fn call(
        &mut self,
        id: CallId,
        method: u32,
        body: Bytes,
        chain: u64,
    ) -> Result<(), TooManyCalls> {
        if self.waiting.len() >= CALLS_WAITING_MAX {
            return Err(TooManyCalls);
        }
        let call = client_frame::Frame::Call(Call { id: id.0, method, body, chain });
        self.waiting.push_back((id, frame::encode(&ClientFrame { frame: Some(call) })));
        self.send_waiting();
        Ok(())
    }

    /// Stops waiting for a call's answer. It may have taken effect.
    pub fn cancel(&mut self, id: CallId) {
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != id);
        if before == self.waiting.len() && self.in_flight.remove(&id) {
            self.transmit(client_frame::Frame::Cancel(Cancel { id: id.0 }));
            self.send_waiting();
        }
    }

    /// Asks at once whether the server is there, unless that was asked already.
    pub fn ping(&mut self, now: Now) {
        if matches!(self.phase, Phase::Live) && self.pings.sent_at.is_none() {
            self.send_ping(Bytes::new(), now);
        }
    }

    /// The client has moved to another address: asks whether the server is there, whatever was
    /// asked before, and pads the question, so that the server may send there at once.
    pub fn ping_from_new_address(&mut self, now: Now) {
        if matches!(self.phase, Phase::Live) {
            self.send_ping(Bytes::from_static(&[0; MOVED_PADDING_BYTES]), now);
        }
    }

    fn send_ping(&mut self, padding: Bytes, now: Now) {
        self.pings.nonce += 1;
        self.pings.sent_at = Some(now.elapsed);
        let ping = Ping { nonce: self.pings.nonce, padding };
        self.transmit(client_frame::Frame::Ping(ping));
    }

    fn send_waiting(&mut self) {
        while self.in_flight.len() < self.in_flight_max {
            let Some((id, bytes)) = self.waiting.pop_front() else { break };
            self.in_flight.insert(id);
            self.to_send.extend_from_slice(&bytes);
        }
    }

    fn transmit(&mut self, frame: client_frame::Frame) {
        frame::encode_into(&ClientFrame { frame: Some(frame) }, &mut self.to_send);
    }

    // Outputs.

    /// Bytes for the control lane.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        (!self.to_send.is_empty()).then(|| self.to_send.split().freeze())
    }

    /// The next output.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Connection::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Hello { until } => Some(until),
            Phase::Live => Some(match self.pings.sent_at {
                Some(sent_at) => {
                    let wait = if self.pings.is_stalled { PONG_WITHIN } else { STALLED_AFTER };
                    sent_at.max(self.pings.heard_at) + wait
                }
                None if self.is_busy() => self.pings.heard_at + STALLED_AFTER,
                None => self.pings.heard_at + PING_EVERY,
            }),
            Phase::Over => None,
        }
    }

    /// Whether more of the event lane is to be read: before the welcome as much is kept as a frame may
    /// have, and the rest stays with the server.
    pub fn wants_events(&self) -> bool {
        let is_early = matches!(self.phase, Phase::Hello { .. });
        !is_early || self.events.buffered() < EVENT_FRAME_BYTES_MAX
    }

    /// Whether calls wait for an answer.
    pub fn is_busy(&self) -> bool {
        !self.in_flight.is_empty() || !self.waiting.is_empty()
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
