//! Polls that tests ask and vote in.

use bytes::Bytes;
use parlour_core::{ports::store::Scan, tables::Table};
use parlour_inproc::{Server, message};
use parlour_protocol::{
    generated::{EventBody, rpc},
    message::*,
    poll::*,
    sync::*,
    wire::{Error, ErrorReason, Event},
};
use prost::Message;

pub(crate) fn lunch(max_choices: u32, anonymous: bool) -> Poll {
    let option = |text: &str| PollOption { text: text.into(), emoji: String::new() };
    let options = ["Pizza", "Soup", "Salad"].map(option).into();
    Poll { question: "Lunch?".into(), options, max_choices, anonymous, closes_at_ms: 0 }
}

pub(crate) fn ask(server: &mut Server, by: usize, room: &Bytes, poll: Poll) -> u64 {
    try_ask(server, by, room, poll).unwrap().seq
}

pub(crate) fn asking(server: &mut Server, room: &Bytes, poll: Poll) -> SendRequest {
    let body = MessagePosted { poll: Some(poll), ..MessagePosted::default() };
    SendRequest { body: body.encode_to_vec().into(), ..message(server, room, "") }
}

pub(crate) fn try_ask(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    poll: Poll,
) -> Result<SendResponse, Error> {
    let request = asking(server, room, poll);
    server.call::<rpc::Send>(by, &request)
}

pub(crate) fn voting(
    server: &mut Server,
    room: &Bytes,
    target_seq: u64,
    choices: &[u32],
) -> VoteRequest {
    let (room, choices) = (room.clone(), choices.to_vec());
    VoteRequest { room, client_ref: server.client_ref().to_field(), target_seq, choices }
}

pub(crate) fn vote(server: &mut Server, by: usize, room: &Bytes, seq: u64, choices: &[u32]) -> u64 {
    try_vote(server, by, room, seq, choices).unwrap().seq
}

pub(crate) fn try_vote(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    seq: u64,
    choices: &[u32],
) -> Result<VoteResponse, Error> {
    let request = voting(server, room, seq, choices);
    server.call::<rpc::Vote>(by, &request)
}

pub(crate) fn close(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    target_seq: u64,
) -> Result<u64, Error> {
    let client_ref = server.client_ref().to_field();
    let request = ClosePollRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::ClosePoll>(by, &request).map(|answer| answer.seq)
}

pub(crate) fn delete(server: &mut Server, by: usize, room: &Bytes, target_seq: u64) {
    let client_ref = server.client_ref().to_field();
    let request = DeleteRequest { room: room.clone(), client_ref, target_seq };
    server.call::<rpc::Delete>(by, &request).unwrap();
}

pub(crate) fn poll(server: &mut Server, by: usize, room: &Bytes, seq: u64) -> PollState {
    let request = GetPollsRequest { room: room.clone(), target_seqs: vec![seq] };
    server.call::<rpc::GetPolls>(by, &request).unwrap().polls.remove(0)
}

pub(crate) fn voters(
    server: &mut Server,
    by: usize,
    room: &Bytes,
    seq: u64,
) -> Result<Vec<(Bytes, Vec<u32>)>, Error> {
    let (mut voters, mut page) = (vec![], Bytes::new());
    loop {
        let request = ListVotersRequest { room: room.clone(), target_seq: seq, page, page_size: 2 };
        let answer = server.call::<rpc::ListVoters>(by, &request)?;
        assert!(answer.voters.len() <= 2);
        voters.extend(answer.voters.into_iter().map(|voter| (voter.user, voter.choices)));
        page = answer.next_page;
        if page.is_empty() {
            return Ok(voters);
        }
    }
}

pub(crate) fn log(server: &mut Server, by: usize, room: &Bytes) -> Vec<Event> {
    let request = ReadLogRequest { room: room.clone(), from_seq: 1, ..Default::default() };
    let items = server.bulk::<rpc::ReadLog>(by, &request).unwrap();
    items.into_iter().flat_map(|item| item.events).collect()
}

pub(crate) fn body(event: &Event) -> EventBody {
    EventBody::decode(event.header.as_ref().unwrap().kind, event.body.clone()).unwrap()
}

/// What follows from the log alone, as a client counts it.
pub(crate) fn counted(events: &[Event], seq: u64) -> (Vec<u64>, u64) {
    let (mut counts, mut voters) = (vec![0u64; 3], 0u64);
    for event in events.iter().filter(|e| e.header.as_ref().unwrap().target_seq == seq) {
        let EventBody::PollVoted(vote) = body(event) else { continue };
        vote.choices.iter().for_each(|place| counts[*place as usize] += 1);
        vote.before.iter().for_each(|place| counts[*place as usize] -= 1);
        voters += u64::from(!vote.choices.is_empty());
        voters -= u64::from(!vote.before.is_empty());
    }
    (counts, voters)
}

pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorReason {
    ErrorReason::try_from(result.unwrap_err().reason).unwrap()
}

pub(crate) fn rows(server: &Server, table: Table) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let scan = Scan::prefix(table, Bytes::new(), 100_000);
    runtime.block_on(server.node.store.scan(scan)).unwrap().len()
}
