//! A peer that says anything, while the server's side of a WebSocket is read and written: no panic, and no
//! more memory than the bounds say.
#![no_main]

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use parlour_mux::{Mux, Side, limits};

#[derive(Arbitrary, Debug)]
enum Step {
    /// Any bytes.
    Raw(Vec<u8>),
    /// What begins like a message about a lane.
    About {
        kind: u8,
        lane: u8,
        rest: Vec<u8>,
    },
    Welcome,
    Accept,
    Open,
    Read {
        lane: u8,
        bytes: u16,
    },
    Write {
        lane: u8,
        bytes: u16,
    },
    Finish(u8),
    Reset(u8),
    Stop(u8),
    Send(u8),
}

const LANES: usize = 17;

fuzz_target!(|steps: Vec<Step>| {
    let mut mux = Mux::new(Side::Server);
    for step in steps {
        let heard = match step {
            Step::Raw(bytes) => mux.handle_message(bytes.into()),
            Step::About { kind, lane, rest } => {
                let mut bytes = vec![kind % 9, lane % 40];
                bytes.extend(rest);
                mux.handle_message(bytes.into())
            }
            Step::Welcome => {
                mux.allow_lanes(LANES as u32);
                mux.widen();
                Ok(())
            }
            step => {
                act(&mut mux, step);
                Ok(())
            }
        };
        if heard.is_err() {
            return;
        }
        while mux.poll_event().is_some() {}
        let first = limits::CLIENT_CREDIT_FIRST as usize * (LANES + 1);
        let most = limits::WINDOWS_MAX as usize + limits::WINDOW as usize + first;
        assert!(mux.unread_bytes() <= most, "{} bytes wait to be read", mux.unread_bytes());
    }
});

fn act(mux: &mut Mux, step: Step) {
    match step {
        Step::Accept => drop(mux.accept()),
        Step::Open => drop(mux.open()),
        Step::Read { lane, bytes } => drop(mux.read(lane.into(), usize::from(bytes).max(1))),
        Step::Write { lane, bytes } => {
            let _ = mux.write(lane.into(), &mut [vec![7; bytes.into()].into()]);
        }
        Step::Finish(lane) => mux.finish(lane.into()),
        Step::Reset(lane) => mux.reset(lane.into(), 1),
        Step::Stop(lane) => mux.stop(lane.into(), 1),
        Step::Send(count) => (0..count).for_each(|_| drop(mux.poll_message())),
        Step::Raw(_) | Step::About { .. } | Step::Welcome => {}
    }
}
