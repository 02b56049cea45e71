//! The session machine: the control lane's bytes in, orders out. No socket, no clock.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use parlour_protocol::{
    frame::{self, FrameError, Splitter},
    limits,
    wire::{
        Call, ClientFrame, CloseCode, Error, ErrorReason, Goodbye, Hello, PasskeyChallenge, Pong,
        ReauthRequired, Reply, ServerFrame, SignIn, SignInResult, SignedIn, client_frame, reply,
        server_frame::Frame, sign_in_result,
    },
};
use prost::Message;

use crate::{
    admission::Refusal,
    chain::{Chains, Link},
    draft::Again,
    ports::auth::TokenError,
    shown::shows,
};

/// What the session wants done.
pub enum Output {
    /// Decide on this hello, then call [`Session::handle_admitted`] or
    /// [`Session::handle_refused`].
    Admit(Box<Hello>),
    /// Decide on this sign-in, then call [`Session::handle_signed_in`].
    SignIn(Box<SignIn>),
    /// Run this call under this id. Calls come out in the order they came in.
    Call(u64, Again),
    /// Nobody waits for that call any more.
    Cancel(u64),
    /// Send these bytes on the control lane.
    Send(Bytes),
    /// Say goodbye, then close the connection with this code.
    Close(CloseCode, &'static str),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Admit(hello) => write!(f, "Admit({hello:?})"),
            Output::SignIn(sign_in) => write!(f, "SignIn({sign_in:?})"),
            Output::Call(call, again) => write!(f, "Call({call}, {again:?})"),
            Output::Cancel(call) => write!(f, "Cancel({call})"),
            // An answer may be a key that is told this once.
            Output::Send(bytes) => write!(f, "Send(<{} bytes>)", bytes.len()),
            Output::Close(code, why) => write!(f, "Close({code:?}, {why:?})"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    AwaitingHello { until: Duration },
    SigningIn,
    Admitting,
    Established,
    Closed,
}

/// One connection's control lane.
pub struct Session {
    state: State,
    splitter: Splitter,
    // Shared with whoever answers, here or in the hub.
    calls: Arc<AtomicU32>,
    chains: Arc<Chains>,
    // Calls that came so far.
    count: u64,
    // Sign-ins that came so far.
    sign_ins: usize,
    // Calls that came right behind the hello wait for its answer.
    early: VecDeque<Bytes>,
    outputs: VecDeque<Output>,
}

shows! { Session { state, count, sign_ins } }

impl Session {
    /// A session that waits for its hello.
    pub fn new(now: Duration) -> Self {
        Session {
            state: State::AwaitingHello { until: now + limits::HELLO_WITHIN },
            splitter: Splitter::new(limits::CONTROL_FRAME_BYTES_MAX),
            calls: Arc::new(AtomicU32::new(0)),
            chains: Arc::default(),
            count: 0,
            sign_ins: 0,
            early: VecDeque::new(),
            // Most of the time there is one, and an idle connection keeps the place.
            outputs: VecDeque::with_capacity(1),
        }
    }

    /// Takes bytes of the control lane.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.state == State::Closed {
            return;
        }
        self.splitter.push(bytes);
        loop {
            match self.splitter.next_frame() {
                Ok(Some(frame)) => self.handle_frame(frame),
                Ok(None) => return,
                Err(error) => return self.close_for(error),
            }
            if self.state == State::Closed {
                return;
            }
        }
    }

    /// The client ended or reset its control lane.
    pub fn handle_end(&mut self) {
        match self.splitter.finish() {
            Ok(()) => self.close(CloseCode::ControlLost, "control lane ended"),
            Err(error) => self.close_for(error),
        }
    }

    /// The hello was accepted and the welcome sent.
    pub fn handle_admitted(&mut self) {
        if self.state != State::Admitting {
            return;
        }
        self.state = State::Established;
        while let Some(frame) = self.early.pop_front() {
            self.handle_frame(frame);
        }
    }

    /// A sign-in was decided on: says what became of it, and waits for what comes next.
    pub fn handle_signed_in(&mut self, result: Result<SignedIn, Error>, now: Duration) {
        self.handle_sign_in(result.map(sign_in_result::Result::SignedIn), now);
    }

    /// What was to be decided on only asked for a challenge.
    pub fn handle_challenge(&mut self, result: Result<PasskeyChallenge, Error>, now: Duration) {
        self.handle_sign_in(result.map(sign_in_result::Result::Challenge), now);
    }

    fn handle_sign_in(&mut self, result: Result<sign_in_result::Result, Error>, now: Duration) {
        if self.state != State::SigningIn {
            return;
        }
        self.state = State::AwaitingHello { until: now + limits::HELLO_WITHIN };
        let result = result.unwrap_or_else(sign_in_result::Result::Error);
        let result = SignInResult { result: Some(result) };
        self.outputs.push_back(Output::Send(server_frame(Frame::SignInResult(result))));
        while !matches!(self.state, State::SigningIn | State::Admitting)
            && let Some(frame) = self.early.pop_front()
        {
            self.handle_frame(frame);
        }
    }

    /// The hello was refused.
    pub fn handle_refused(&mut self, refusal: Refusal) {
        let why = match refusal {
            Refusal::NoCommonRevision => "no revision in common",
            Refusal::MalformedHello => "hello is malformed",
            Refusal::Token(TokenError::KeysUnavailable) => "keys of tokens are not available",
            Refusal::Token(_) => "token was refused",
            Refusal::Revoked => "token is revoked",
            Refusal::TooOften(_) => "wrong tokens or keys come too often",
            Refusal::Unavailable => "store is unavailable",
        };
        self.close(refusal.close_code(), why);
    }

    /// Calls in flight: whoever answers one takes it off.
    pub fn calls(&self) -> Arc<AtomicU32> {
        self.calls.clone()
    }

    /// Time passes.
    pub fn handle_timeout(&mut self, now: Duration) {
        if matches!(self.state, State::AwaitingHello { until } if now >= until) {
            self.close(CloseCode::HelloTimeout, "no hello came");
        }
    }

    /// When [`Session::handle_timeout`] is to be called next.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::AwaitingHello { until } => Some(until),
            _ => None,
        }
    }

    /// Ends the session from this side.
    pub fn close(&mut self, code: CloseCode, why: &'static str) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.early.clear();
            self.outputs.push_back(Output::Close(code, why));
        }
    }

    /// Whether the hello was accepted.
    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn close_for(&mut self, error: FrameError) {
        let (code, why) = match error {
            FrameError::TooLarge => (CloseCode::FrameTooLarge, "frame is over 64 KiB"),
            FrameError::Truncated => (CloseCode::TruncatedFrame, "lane ended within a frame"),
            _ => (CloseCode::MalformedFrame, "frame length is malformed"),
        };
        self.close(code, why);
    }

    fn handle_frame(&mut self, frame: Bytes) {
        if matches!(self.state, State::Admitting | State::SigningIn) {
            // Their bytes are bounded by the transport's budget, but empty frames cost none.
            if self.early.len() >= limits::CALLS_IN_FLIGHT_MAX {
                return self.close(CloseCode::Flood, "too many frames before the welcome");
            }
            self.early.push_back(frame);
            return;
        }
        let Ok(message) = ClientFrame::decode(frame) else {
            return self.close(CloseCode::MalformedFrame, "frame is not a valid message");
        };
        use client_frame::Frame as In;
        match (message.frame, &self.state) {
            (Some(In::Hello(hello)), State::AwaitingHello { .. }) => {
                self.state = State::Admitting;
                self.outputs.push_back(Output::Admit(Box::new(hello)));
            }
            (Some(In::SignIn(sign_in)), State::AwaitingHello { .. }) => {
                self.sign_ins += 1;
                if self.sign_ins > limits::SIGN_INS_MAX {
                    return self.close(CloseCode::Flood, "too many sign-ins");
                }
                self.state = State::SigningIn;
                self.outputs.push_back(Output::SignIn(Box::new(sign_in)));
            }
            (Some(In::SignIn(_)), _) => {
                self.close(CloseCode::UnexpectedFrame, "a sign-in behind the hello");
            }
            (Some(In::Hello(_)), _) => self.close(CloseCode::UnexpectedFrame, "a second hello"),
            (_, State::AwaitingHello { .. }) => {
                self.close(CloseCode::UnexpectedFrame, "the first frame is not a hello");
            }
            (Some(In::Call(call)), _) => self.handle_call(call),
            (Some(In::Cancel(cancel)), _) => {
                self.outputs.push_back(Output::Cancel(cancel.id));
            }
            (Some(In::Ping(ping)), _) => {
                let pong = Frame::Pong(Pong { nonce: ping.nonce });
                self.outputs.push_back(Output::Send(server_frame(pong)));
            }
            // An arm of the future.
            (None, _) => {}
        }
    }

    fn handle_call(&mut self, call: Call) {
        let Call { id, method, body, chain } = call;
        self.count += 1;
        let again = Again::first(method, body, Link::new(&self.chains, chain, self.count));
        if self.calls.load(Ordering::Acquire) as usize >= limits::CALLS_IN_FLIGHT_MAX {
            again.break_chain();
            let error = Error::new(ErrorReason::TooManyCalls, "too many calls in flight");
            self.outputs.push_back(Output::Send(reply_frame(id, Err(error.after_ms(100)))));
            return;
        }
        self.calls.fetch_add(1, Ordering::AcqRel);
        self.outputs.push_back(Output::Call(id, again));
    }
}

/// One frame from the server.
pub fn server_frame(frame: Frame) -> Bytes {
    frame::encode(&ServerFrame { frame: Some(frame) })
}

/// The answer to a call, as a frame.
pub fn reply_frame(id: u64, result: Result<Bytes, Error>) -> Bytes {
    let result = match result {
        Ok(body) => reply::Result::Body(body),
        Err(error) => reply::Result::Error(error),
    };
    server_frame(Frame::Reply(Reply { id, result: Some(result) }))
}

/// The last words before a close, as a frame.
pub fn goodbye(code: CloseCode, retry_after_ms: u64, why: &str) -> Bytes {
    server_frame(Frame::Goodbye(Goodbye {
        code: code as i32,
        retry_after_ms,
        message: why.to_owned(),
    }))
}

/// The request for a new token, as a frame.
pub fn reauth_required(deadline_ms: u64) -> Bytes {
    server_frame(Frame::ReauthRequired(ReauthRequired { deadline_ms }))
}
