//! Any sequence of what can happen to a session: valid frames, bytes that are none, cut anywhere,
//! answers, time. After each: one hello, no call before it is accepted, never too many in flight,
//! everything sent is a frame, and nothing comes after the close.
#![no_main]

use std::{sync::atomic::Ordering, time::Duration};

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use parlour_core::{
    admission::Refusal,
    session::{Output, Session},
};
use parlour_protocol::{
    frame::{self, Splitter},
    limits,
    prost::{Message, bytes::Bytes},
    wire::{
        Call, Cancel, ClientFrame, Error, ErrorReason, Hello, Ping, ServerFrame, SignIn, SignedIn,
        client_frame::Frame,
    },
};

#[derive(Arbitrary, Debug)]
enum Op {
    Hello {
        min_rev: u32,
        max_rev: u32,
        token: String,
    },
    Call {
        id: u8,
        method: u32,
        body: Vec<u8>,
    },
    /// Many calls with ids of their own, as a client makes that doesn't wait.
    Burst {
        from: u16,
        count: u16,
    },
    Cancel {
        id: u8,
    },
    Ping {
        nonce: u64,
    },
    Bytes(Vec<u8>),
    /// From here on frames come in pieces of this many bytes.
    Cut(u8),
    Admitted,
    Refused,
    Answered,
    Timeout {
        ms: u16,
    },
    End,
    SignIn {
        agent: String,
    },
    SignedIn(bool),
}

#[derive(Default)]
struct Seen {
    hellos: u32,
    sign_ins: usize,
    admitted: bool,
    closed: bool,
    in_flight: u32,
}

fuzz_target!(|input: (bool, Vec<Op>)| {
    let (established, ops) = input;
    let mut session = Session::new(Duration::ZERO);
    let mut seen = Seen::default();
    let (mut now, mut cut) = (Duration::ZERO, usize::MAX);
    // Half of them begin where most of a session's life is.
    let hello = Op::Hello { min_rev: 1, max_rev: 1, token: "t".into() };
    let prelude = if established { vec![hello, Op::Admitted] } else { Vec::new() };
    for op in prelude.into_iter().chain(ops) {
        match op {
            Op::Cut(size) => cut = usize::from(size).max(1),
            Op::Timeout { ms } => {
                now += Duration::from_millis(u64::from(ms));
                session.handle_timeout(now);
            }
            Op::End => session.handle_end(),
            Op::Admitted if seen.hellos > 0 => {
                seen.admitted = true;
                session.handle_admitted();
            }
            Op::Refused if seen.hellos > 0 && !seen.admitted => {
                session.handle_refused(Refusal::Revoked);
            }
            Op::Admitted | Op::Refused => {}
            // Also where none is under way: then it means nothing.
            Op::SignedIn(is_in) => {
                let error = || Error::new(ErrorReason::SignInRefused, "no");
                let result = is_in.then(SignedIn::default).ok_or_else(error);
                session.handle_signed_in(result, now);
            }
            Op::Answered if seen.in_flight > 0 => {
                seen.in_flight -= 1;
                session.calls().fetch_sub(1, Ordering::AcqRel);
            }
            Op::Answered => {}
            op => bytes(op).chunks(cut).for_each(|piece| session.handle_bytes(piece)),
        }
        check(&mut session, &mut seen);
        assert_eq!(session.calls().load(Ordering::Acquire), seen.in_flight);
        assert!(seen.closed || session.deadline().is_none_or(|at| at > now));
    }
});

/// What a client sends for this operation.
fn bytes(op: Op) -> Vec<u8> {
    let call = |id: u64, method, body: Vec<u8>| {
        Frame::Call(Call { id, method, body: Bytes::from(body), ..Call::default() })
    };
    let frames = match op {
        Op::Hello { min_rev, max_rev, token } => {
            vec![Frame::Hello(Hello { min_rev, max_rev, token, ..Hello::default() })]
        }
        Op::Call { id, method, body } => vec![call(u64::from(id), method, body)],
        Op::Burst { from, count } => (0..count % 400)
            .map(|nth| call(u64::from(from) + u64::from(nth), 1, Vec::new()))
            .collect(),
        Op::Cancel { id } => vec![Frame::Cancel(Cancel { id: u64::from(id) })],
        Op::Ping { nonce } => vec![Frame::Ping(Ping { nonce, ..Ping::default() })],
        Op::SignIn { agent } => vec![Frame::SignIn(SignIn { agent, ..SignIn::default() })],
        Op::Bytes(bytes) => return bytes,
        _ => Vec::new(),
    };
    let framed = |frame| frame::encode(&ClientFrame { frame: Some(frame) });
    frames.into_iter().flat_map(framed).collect()
}

/// Takes all that the session wants done and holds it against what was seen before.
fn check(session: &mut Session, seen: &mut Seen) {
    while let Some(output) = session.poll() {
        assert!(!seen.closed, "something comes after the close");
        match output {
            Output::Admit(_) => {
                seen.hellos += 1;
                assert_eq!(seen.hellos, 1);
            }
            Output::SignIn(_) => {
                assert_eq!(seen.hellos, 0, "a sign-in behind the hello");
                seen.sign_ins += 1;
                assert!(seen.sign_ins <= limits::SIGN_INS_MAX);
            }
            Output::Call(..) => {
                assert!(seen.admitted, "a call before the hello was accepted");
                seen.in_flight += 1;
                assert!(seen.in_flight as usize <= limits::CALLS_IN_FLIGHT_MAX);
            }
            Output::Cancel(_) => assert!(seen.admitted),
            Output::Send(bytes) => assert_is_a_frame(&bytes),
            Output::Close(..) => seen.closed = true,
        }
    }
}

fn assert_is_a_frame(bytes: &[u8]) {
    let mut splitter = Splitter::new(limits::CONTROL_FRAME_BYTES_MAX);
    splitter.push(bytes);
    let frame = splitter.next_frame().expect("a valid length").expect("a whole frame");
    assert!(ServerFrame::decode(frame).expect("a valid message").frame.is_some());
    assert_eq!(splitter.finish(), Ok(()));
}
