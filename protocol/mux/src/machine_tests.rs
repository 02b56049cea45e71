//! Two ends back to back: what each may, and what it may not.

use proptest::prelude::*;

use super::*;
use crate::limits::{DATA_BYTES, UNSENT_BYTES_MAX};

/// Everything that either has to say reaches the other.
fn exchange(client: &mut Mux, server: &mut Mux) {
    loop {
        let (up, down) = (client.poll_message(), server.poll_message());
        if up.is_none() && down.is_none() {
            return;
        }
        up.into_iter().for_each(|message| server.handle_message(message).unwrap());
        down.into_iter().for_each(|message| client.handle_message(message).unwrap());
    }
}

fn pair() -> (Mux, Mux) {
    (Mux::new(Side::Client), Mux::new(Side::Server))
}

fn write(mux: &mut Mux, lane: LaneId, text: &'static str) {
    let written = mux.write(lane, &mut [Bytes::from_static(text.as_bytes())]).unwrap();
    assert_eq!(written.bytes, text.len());
}

fn read(mux: &mut Mux, lane: LaneId) -> String {
    let mut text = String::new();
    while let Ok(Some(bytes)) = mux.read(lane, 1024) {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text
}

fn fill(mux: &mut Mux, lane: LaneId) -> usize {
    let mut filled = 0;
    while let Ok(written) = mux.write(lane, &mut [Bytes::from(vec![7; UNSENT_BYTES_MAX])]) {
        filled += written.bytes;
    }
    filled
}

#[test]
fn a_lane_carries_bytes_both_ways_and_ends_both_ways() {
    let (mut client, mut server) = pair();
    let lane = client.open().unwrap();
    write(&mut client, lane, "call");
    client.finish(lane);
    exchange(&mut client, &mut server);
    assert_eq!(server.accept(), Some(lane));
    assert_eq!(read(&mut server, lane), "call");
    assert_eq!(server.read(lane, 10), Ok(None));
    write(&mut server, lane, "answer");
    server.finish(lane);
    exchange(&mut client, &mut server);
    assert_eq!(client.read(lane, 10), Ok(Some(Bytes::from_static(b"answer"))));
    assert_eq!(client.read(lane, 10), Ok(None));
    assert!(client.lanes.is_empty() && server.lanes.is_empty());
}

#[test]
fn the_server_speaks_on_a_lane_of_its_own() {
    let (mut client, mut server) = pair();
    let lane = server.open().unwrap();
    assert_eq!(lane, 1);
    write(&mut server, lane, "event");
    exchange(&mut client, &mut server);
    assert_eq!(client.accept(), Some(1));
    assert_eq!(read(&mut client, 1), "event");
    let answer = Frame::Data { lane: 1, bytes: Bytes::from_static(b"no"), is_last: false };
    assert!(server.handle_message(answer.encode()).is_err());
}

#[test]
fn who_reads_nothing_gets_no_more_than_the_window() {
    let (mut client, mut server) = pair();
    let lane = server.open().unwrap();
    let mut sent = 0;
    loop {
        let filled = fill(&mut server, lane);
        exchange(&mut client, &mut server);
        if filled == 0 {
            break;
        }
        sent += filled;
    }
    let arrived = usize::try_from(SERVER_CREDIT_FIRST).unwrap();
    assert_eq!(sent, arrived + UNSENT_BYTES_MAX);
    // Half of it read makes room for as much again.
    let mut read = 0;
    while read < arrived / 2 {
        read += client.read(lane, 4096).unwrap().unwrap().len();
    }
    exchange(&mut client, &mut server);
    assert!(fill(&mut server, lane) > 0);
}

#[test]
fn a_client_has_a_small_window_until_it_is_widened() {
    let (mut client, mut server) = pair();
    let lane = client.open().unwrap();
    let first = usize::try_from(CLIENT_CREDIT_FIRST).unwrap();
    assert_eq!(fill(&mut client, lane), UNSENT_BYTES_MAX);
    exchange(&mut client, &mut server);
    assert_eq!(fill(&mut client, lane), first);
    server.widen();
    exchange(&mut client, &mut server);
    assert_eq!(fill(&mut client, lane), UNSENT_BYTES_MAX);
}

#[test]
fn data_beyond_the_credit_breaks_a_rule() {
    let mut server = Mux::new(Side::Server);
    let bytes = Bytes::from(vec![0; usize::try_from(CLIENT_CREDIT_FIRST).unwrap() + 1]);
    let message = Frame::Data { lane: 0, bytes, is_last: false };
    assert!(server.handle_message(message.encode()).is_err());
}

#[test]
fn more_lanes_than_allowed_break_a_rule_and_one_that_is_over_makes_room() {
    let (mut client, mut server) = pair();
    let (_, second) = (client.open().unwrap(), client.open().unwrap());
    assert_eq!(client.open(), None);
    let data = |lane| Frame::Data { lane, bytes: Bytes::new(), is_last: false }.encode();
    assert!(Mux::new(Side::Server).handle_message(data(4)).is_err());
    write(&mut client, second, "x");
    client.finish(second);
    exchange(&mut client, &mut server);
    assert_eq!(client.open(), None);
    assert_eq!(read(&mut server, second), "x");
    server.finish(second);
    exchange(&mut client, &mut server);
    assert_eq!(client.open(), Some(4));
    server.allow_lanes(17);
    exchange(&mut client, &mut server);
    assert_eq!(std::iter::from_fn(|| client.open()).count(), 15);
}

#[test]
fn what_was_opened_first_may_speak_last() {
    let (mut client, mut server) = pair();
    let (first, second) = (client.open().unwrap(), client.open().unwrap());
    write(&mut client, second, "b");
    exchange(&mut client, &mut server);
    assert_eq!((server.accept(), server.accept()), (Some(first), Some(second)));
    write(&mut client, first, "a");
    exchange(&mut client, &mut server);
    assert_eq!((read(&mut server, first), read(&mut server, second)), ("a".into(), "b".into()));
}

#[test]
fn higher_priority_goes_first_and_equals_take_turns() {
    let (mut client, mut server) = pair();
    let (bulk, other) = (client.open().unwrap(), client.open().unwrap());
    write(&mut client, bulk, "0");
    write(&mut client, other, "2");
    exchange(&mut client, &mut server);
    let event = server.open().unwrap();
    for lane in [bulk, other, event] {
        server.write(lane, &mut [Bytes::from(vec![1; DATA_BYTES * 2])]).unwrap();
    }
    server.set_priority(event, 1);
    let mut order = vec![];
    while let Some(message) = server.poll_message() {
        if let Some(Frame::Data { lane, .. }) = Frame::decode(message) {
            order.push(lane);
        }
    }
    assert_eq!(order, [event, event, bulk, other, bulk, other]);
}

#[test]
fn a_stopped_lane_is_reset_by_who_writes() {
    let (mut client, mut server) = pair();
    let lane = client.open().unwrap();
    write(&mut client, lane, "x");
    exchange(&mut client, &mut server);
    server.stop(lane, 9);
    exchange(&mut client, &mut server);
    let more = client.write(lane, &mut [Bytes::from_static(b"more")]);
    assert_eq!(more, Err(WriteError::Stopped(9)));
    server.reset(lane, 5);
    exchange(&mut client, &mut server);
    assert_eq!(client.read(lane, 10), Err(ReadError::Reset(5)));
    assert!(client.lanes.is_empty() && server.lanes.is_empty());
}

#[test]
fn a_close_is_told_with_code_and_reason_and_nothing_comes_after_it() {
    let (mut client, mut server) = pair();
    let lane = client.open().unwrap();
    write(&mut client, lane, "x");
    server.close(0x206, "gone");
    exchange(&mut client, &mut server);
    assert_eq!(client.closed(), Some(&Closed::Remote { code: 0x206, reason: "gone".to_owned() }));
    assert_eq!(server.closed(), Some(&Closed::Local));
    assert_eq!((client.poll_message(), server.poll_message()), (None, None));
    assert_eq!(client.open(), None);
}

#[test]
fn old_datagrams_give_way_and_those_of_strangers_are_passed_over() {
    let (mut client, mut server) = pair();
    assert!(client.send_datagram(Bytes::from_static(b"early")));
    exchange(&mut client, &mut server);
    assert_eq!(server.read_datagram(), None);
    server.widen();
    for number in 0..=DATAGRAMS_MAX {
        assert!(client.send_datagram(Bytes::from(vec![u8::try_from(number).unwrap()])));
    }
    assert!(!client.send_datagram(Bytes::from(vec![0; DATAGRAM_BYTES_MAX + 1])));
    exchange(&mut client, &mut server);
    assert_eq!(server.read_datagram().unwrap()[0], 1);
    assert_eq!(std::iter::from_fn(|| server.read_datagram()).count(), DATAGRAMS_MAX - 1);
}

#[derive(Clone, Debug)]
enum Step {
    Open(bool),
    Write(bool, usize, usize),
    Finish(bool, usize),
    Reset(bool, usize),
    Stop(bool, usize),
    Read(bool, usize, usize),
    Carry(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let lane = 0..4_usize;
    prop_oneof![
        any::<bool>().prop_map(Step::Open),
        (any::<bool>(), lane.clone(), 0..100_000_usize).prop_map(|(a, b, c)| Step::Write(a, b, c)),
        (any::<bool>(), lane.clone()).prop_map(|(a, b)| Step::Finish(a, b)),
        (any::<bool>(), lane.clone()).prop_map(|(a, b)| Step::Reset(a, b)),
        (any::<bool>(), lane.clone()).prop_map(|(a, b)| Step::Stop(a, b)),
        (any::<bool>(), lane, 1..100_000_usize).prop_map(|(a, b, c)| Step::Read(a, b, c)),
        any::<bool>().prop_map(Step::Carry),
        any::<bool>().prop_map(Step::Carry),
    ]
}

/// What one side has written to a lane and the other has read: each byte says where it stands.
#[derive(Default)]
struct Book {
    written: BTreeMap<(bool, LaneId), u64>,
    read: BTreeMap<(bool, LaneId), u64>,
}

impl Book {
    fn take(&mut self, step: Step, muxes: &mut [Mux; 2]) -> Result<(), TestCaseError> {
        let at = |is_server: bool| usize::from(is_server);
        let pick = |mux: &Mux, nth: usize| {
            let count = mux.lanes.len().max(1);
            mux.lanes.keys().nth(nth % count).copied()
        };
        match step {
            Step::Open(server) => drop(muxes[at(server)].open()),
            Step::Write(server, nth, count) => {
                let mux = &mut muxes[at(server)];
                let Some(lane) = pick(mux, nth) else { return Ok(()) };
                let place = self.written.entry((server, lane)).or_default();
                let bytes: Vec<u8> = (*place..*place + count as u64).map(|at| at as u8).collect();
                if let Ok(written) = mux.write(lane, &mut [Bytes::from(bytes)]) {
                    *place += written.bytes as u64;
                }
            }
            Step::Finish(server, nth) => {
                if let Some(lane) = pick(&muxes[at(server)], nth) {
                    muxes[at(server)].finish(lane);
                }
            }
            Step::Reset(server, nth) => {
                if let Some(lane) = pick(&muxes[at(server)], nth) {
                    muxes[at(server)].reset(lane, 1);
                }
            }
            Step::Stop(server, nth) => {
                if let Some(lane) = pick(&muxes[at(server)], nth) {
                    muxes[at(server)].stop(lane, 2);
                }
            }
            Step::Read(server, nth, count) => {
                let mux = &mut muxes[at(server)];
                let Some(lane) = pick(mux, nth) else { return Ok(()) };
                if let Ok(Some(bytes)) = mux.read(lane, count) {
                    let place = self.read.entry((!server, lane)).or_default();
                    for byte in bytes {
                        prop_assert_eq!(byte, *place as u8);
                        *place += 1;
                    }
                }
            }
            Step::Carry(server) => {
                if let Some(message) = muxes[at(server)].poll_message() {
                    let heard = muxes[at(!server)].handle_message(message);
                    prop_assert!(heard.is_ok(), "{heard:?}");
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_both_do_no_rule_is_broken_and_no_byte_moves(
        steps in proptest::collection::vec(step(), 1..400)
    ) {
        let mut muxes = [Mux::new(Side::Client), Mux::new(Side::Server)];
        let mut book = Book::default();
        muxes[1].allow_lanes(6);
        muxes[0].open();
        for step in steps {
            // A server opens one lane in its life.
            if !matches!(step, Step::Open(true)) || muxes[1].opened == 0 {
                book.take(step, &mut muxes)?;
            }
            while muxes[0].poll_event().is_some() || muxes[1].poll_event().is_some() {}
        }
        for (lane, read) in &book.read {
            prop_assert!(read <= &book.written[lane]);
        }
    }

    #[test]
    fn arbitrary_messages_never_panic(messages in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..40), 1..40)
    ) {
        let mut server = Mux::new(Side::Server);
        for message in messages {
            if server.handle_message(Bytes::from(message)).is_err() {
                break;
            }
            while server.poll_message().is_some() {}
        }
    }
}
