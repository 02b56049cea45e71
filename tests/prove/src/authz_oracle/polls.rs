//! Polls: who votes, what has come of it, and who is told who has chosen what.

use std::collections::BTreeMap;

use parlour_protocol::{
    generated::rpc,
    poll::{ClosePollRequest, GetPollsRequest, ListVotersRequest, VoteRequest, Voter},
    wire::{ErrorReason, Event},
};

use super::{
    check,
    model::{MODERATE, REACT, Room, User},
    sending::{some_place, there},
    steps::{below, ended, someone_in},
    world::{USERS, World},
};
use crate::{report::Report, rng::Rng};

/// `PollVoted`.
const VOTED: u32 = 24;
/// What a poll offers.
pub(super) const OPTIONS: [&str; 3] = ["red", "green", "blue"];
/// How many of them one may choose.
pub(super) const CHOICES_MAX: u32 = 2;

/// A poll.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) anonymous: bool,
    pub(super) closed: bool,
    pub(super) votes: BTreeMap<User, Vec<u32>>,
}

/// Somebody votes, or looks at a poll.
pub(super) fn step(world: &mut World, rng: &mut Rng, report: &mut Report) {
    let (user, room) = someone_in(world, rng);
    let here: Vec<u64> =
        world.polls.range((room, 0)..(room + 1, 0)).map(|((_, at), _)| *at).collect();
    let seq = match here.len() {
        0 => some_place(world, rng, room),
        _ if rng.below(6) == 0 => some_place(world, rng, room),
        n => here[n - 1 - below(rng, n.min(3))],
    };
    match rng.below(8) {
        0..4 => vote(world, rng, user, (room, seq), report),
        4 if rng.below(3) == 0 => close(world, user, (room, seq), report),
        4..6 => state(world, user, (room, seq), report),
        _ => voters(world, user, (room, seq), report),
    }
}

/// Why there is no poll for somebody.
fn no_poll(world: &World, (room, seq): (Room, u64)) -> Option<ErrorReason> {
    match there(world, room, seq) {
        None => Some(ErrorReason::MessageNotFound),
        Some(said) => (!said.has_poll).then_some(ErrorReason::InvalidField),
    }
}

/// Why somebody can't write something there at all.
fn no_writing(world: &World, user: User, room: Room) -> Option<ErrorReason> {
    match (world.model.is_in(room, user), world.model.is_read_only(room)) {
        (false, _) => Some(ErrorReason::RoomNotFound),
        (true, true) => Some(ErrorReason::RoomArchived),
        (true, false) => None,
    }
}

fn vote(world: &mut World, rng: &mut Rng, user: User, at: (Room, u64), report: &mut Report) {
    let (room, target_seq) = at;
    let all = 0..OPTIONS.len() as u32;
    let choices: Vec<u32> = all.filter(|_| rng.below(2) == 0).take(CHOICES_MAX as usize).collect();
    let request = VoteRequest {
        room: world.rooms[room].clone(),
        client_ref: world.server.client_ref().to_field(),
        target_seq,
        choices: choices.clone(),
    };
    let result = world.call::<rpc::Vote>(user, &request, report);
    // Taking a vote back takes nothing.
    let may = choices.is_empty() || world.model.may(room, user, REACT);
    let closed = world.polls.get(&at).is_some_and(|poll| poll.closed);
    let expected = no_writing(world, user, room)
        .or((!may).then_some(ErrorReason::NotAllowed))
        .or_else(|| no_poll(world, at))
        .or(closed.then_some(ErrorReason::PollClosed));
    if ended(report, "vote", &result, expected)
        && let (Ok(done), Some(poll)) = (result, world.polls.get_mut(&at))
    {
        let before = poll.votes.insert(user, choices.clone()).unwrap_or_default();
        let is_new = before != choices;
        report.expect((done.seq > 0) == is_new, || format!("voted, anew: {is_new}"));
        world.totals.votes += u64::from(is_new);
        if is_new {
            check::everyone_heard(world, room, done.seq, report);
        }
    }
}

fn close(world: &mut World, user: User, at: (Room, u64), report: &mut Report) {
    let (room, target_seq) = at;
    let client_ref = world.server.client_ref().to_field();
    let request = ClosePollRequest { room: world.rooms[room].clone(), client_ref, target_seq };
    let result = world.call::<rpc::ClosePoll>(user, &request, report);
    // Between two of whom one has blocked the other it is more than to read and to delete.
    let is_own = there(world, room, target_seq).is_some_and(|said| said.by == user);
    let may = is_own && !world.model.is_apart(room) || world.model.may(room, user, MODERATE);
    let expected = no_writing(world, user, room)
        .or_else(|| no_poll(world, at))
        .or((!may).then_some(ErrorReason::NotAllowed));
    if ended(report, "close a poll", &result, expected)
        && let Some(poll) = world.polls.get_mut(&at)
    {
        poll.closed = true;
    }
}

/// What has been chosen, told to those who are in the room, and to each what they have chosen themselves.
fn state(world: &mut World, user: User, at: (Room, u64), report: &mut Report) {
    let (room, seq) = at;
    let request = GetPollsRequest { room: world.rooms[room].clone(), target_seqs: vec![seq] };
    let result = world.call::<rpc::GetPolls>(user, &request, report);
    let is_in = world.model.is_in(room, user);
    if !ended(report, "polls", &result, (!is_in).then_some(ErrorReason::RoomNotFound)) {
        return;
    }
    let found = result.ok().and_then(|answer| answer.polls.into_iter().next());
    let found = found.map(|poll| (poll.counts, poll.voters, poll.own, poll.closed_seq > 0));
    let expected = world.polls.get(&at).map(|poll| {
        let count = |option: usize| {
            poll.votes.values().filter(|chosen| chosen.contains(&(option as u32))).count() as u64
        };
        let counts: Vec<u64> = (0..OPTIONS.len()).map(count).collect();
        let voters = poll.votes.values().filter(|chosen| !chosen.is_empty()).count() as u64;
        (counts, voters, poll.votes.get(&user).cloned().unwrap_or_default(), poll.closed)
    });
    report.expect(found == expected, || {
        format!("{} is told {found:?}, not {expected:?}", USERS[user])
    });
}

/// Nobody is told who has voted in an anonymous poll.
fn voters(world: &mut World, user: User, at: (Room, u64), report: &mut Report) {
    let (room, target_seq) = at;
    let request =
        ListVotersRequest { room: world.rooms[room].clone(), target_seq, ..Default::default() };
    let result = world.call::<rpc::ListVoters>(user, &request, report);
    let is_in = world.model.is_in(room, user);
    let poll = world.polls.get(&at);
    let anonymous = poll.is_some_and(|poll| poll.anonymous);
    let expected = (!is_in)
        .then_some(ErrorReason::RoomNotFound)
        .or_else(|| no_poll(world, at))
        .or(anonymous.then_some(ErrorReason::PollAnonymous));
    if ended(report, "voters", &result, expected)
        && let (Ok(listed), Some(poll)) = (result, poll)
    {
        let of = |voter: Voter| (voter.user, voter.choices);
        let found: BTreeMap<_, _> = listed.voters.into_iter().map(of).collect();
        let voted = poll.votes.iter().filter(|(_, chosen)| !chosen.is_empty());
        let expected =
            voted.map(|(user, chosen)| (world.user_field(*user), chosen.clone())).collect();
        report.expect(found == expected, || format!("other voters in room {room}"));
    }
}

/// A vote in an anonymous poll names nobody, wherever it is told; any other says whose it is.
pub(super) fn names(world: &World, room: Room, event: &Event, report: &mut Report) {
    let Some(header) = event.header.as_ref().filter(|header| header.kind == VOTED) else { return };
    let anonymous = world.anonymous.contains(&(room, header.target_seq));
    let is_named = !header.sender.is_empty() || !header.client_ref.is_empty();
    report.expect(is_named != anonymous, || {
        format!("vote {} of room {room}, anonymous: {anonymous}", header.seq)
    });
}

/// What one's own log says of one's vote in an anonymous poll.
pub(super) fn is_own_vote(world: &World, user: User, at: (Room, u64), choices: &[u32]) -> bool {
    let voted = world.polls.get(&at).and_then(|poll| poll.votes.get(&user));
    voted.is_none_or(|voted| voted == choices) && world.anonymous.contains(&at)
}
