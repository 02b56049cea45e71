//! Polls: what was chosen is learned with pages of history and counted on from there with what is heard.
//! Where something may be missing, and somebody looks, the server is asked.

use std::{collections::BTreeSet, slice};

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventBody, Rpc, rpc},
    ids::{RoomId, UserId},
    limits::POLLS_PER_CALL_MAX,
    poll::{GetPollsRequest, GetPollsResponse, PollState, PollVoteCast},
    wire::Error,
};
use prost::Message;

use super::{Engine, Purpose};
use crate::{
    event::LogEvent,
    limits::POLLS_PER_ROOM_MAX,
    outbox::{Entry, Payload},
    polls::PollRecord,
};

impl Engine {
    /// What the server says of some polls.
    pub(super) fn learn_polls(&mut self, room: RoomId, states: &[PollState]) {
        for state in states {
            self.change_poll(room, state.target_seq, |poll| poll.learn(state));
        }
    }

    /// The next event of a room's log.
    pub(super) fn learn_from_poll(
        &mut self,
        room: RoomId,
        event: &LogEvent,
        body: &EventBody,
        me: UserId,
    ) {
        let (seq, target) = (event.seq(), event.header.target_seq);
        match body {
            EventBody::MessagePosted(posted) if !event.is_erased() => {
                let Some(asked) = &posted.poll else { return };
                let options = asked.options.len();
                self.change_poll(room, seq, |poll| *poll = PollRecord::new(seq, options));
            }
            EventBody::PollVoted(vote) => {
                self.change_poll(room, target, |poll| poll.handle_vote(event, vote, me));
                self.ask_polls(room);
            }
            EventBody::PollClosed(_) => self.change_poll(room, target, |poll| {
                poll.is_closed = true;
                poll.as_of = poll.as_of.max(seq);
            }),
            EventBody::MessageDeleted(_) | EventBody::MessagesDeleted(_) => {
                let polls = &mut self.rooms.entry(room).polls;
                polls.retain(|poll| !event.deleted().contains(&poll.seq));
            }
            _ => {}
        }
    }

    /// The user has voted on one of their devices, where the vote itself doesn't say so.
    pub(super) fn learn_own_vote(&mut self, cast: &PollVoteCast) {
        let Ok(room) = RoomId::parse(&cast.room) else { return };
        let of_it = |poll: &PollRecord| poll.seq == cast.target_seq;
        if self.rooms.get(room).is_some_and(|record| record.polls.iter().any(of_it)) {
            self.change_poll(room, cast.target_seq, |poll| {
                poll.handle_own(&cast.choices, cast.seq)
            });
        }
    }

    /// The server has a vote, or a poll's end, at `seq`.
    pub(super) fn settle_poll(&mut self, entry: &Entry, seq: u64) {
        match &entry.payload {
            Payload::Vote { target_seq, choices } if seq > 0 => {
                self.change_poll(entry.room, *target_seq, |poll| poll.handle_own(choices, seq));
            }
            Payload::ClosePoll { target_seq } => {
                self.change_poll(entry.room, *target_seq, |poll| poll.is_closed = true);
            }
            _ => {}
        }
    }

    /// The room's log was left for a while: votes may be missing.
    pub(super) fn doubt_polls(&mut self, room: RoomId) {
        let polls = &mut self.rooms.entry(room).polls;
        polls.iter_mut().for_each(|poll| poll.is_stale = true);
        let polls = polls.clone();
        self.timelines_of(room).for_each(|timeline| timeline.handle_polls(&polls));
    }

    /// Of more than a room keeps, the one that nothing has happened in for longest is forgotten.
    fn change_poll(&mut self, room: RoomId, seq: u64, change: impl FnOnce(&mut PollRecord)) {
        if self.rooms.get(room).is_none() {
            return;
        }
        let polls = &mut self.rooms.entry(room).polls;
        let at = polls.iter().position(|poll| poll.seq == seq).unwrap_or_else(|| {
            polls.push(PollRecord::unknown(seq));
            polls.len() - 1
        });
        change(&mut polls[at]);
        let changed = polls[at].clone();
        if polls.len() > POLLS_PER_ROOM_MAX
            && let Some(oldest) = (0..polls.len()).min_by_key(|at| polls[*at].as_of)
        {
            polls.remove(oldest);
        }
        self.changed_rooms.insert(room);
        self.timelines_of(room)
            .for_each(|timeline| timeline.handle_polls(slice::from_ref(&changed)));
    }

    /// Asks for the polls that are shown and not known as they are.
    pub(super) fn ask_polls(&mut self, room: RoomId) {
        let is_asked = |purpose: &Purpose| matches!(purpose, Purpose::Polls(of) if *of == room);
        if self.session.is_none() || self.calls.values().any(is_asked) {
            return;
        }
        let in_doubt: BTreeSet<u64> =
            self.timelines_of(room).flat_map(|timeline| timeline.polls_in_doubt()).collect();
        // The newest are looked at.
        let target_seqs: Vec<u64> = in_doubt.into_iter().rev().take(POLLS_PER_CALL_MAX).collect();
        if target_seqs.is_empty() {
            return;
        }
        let body = GetPollsRequest { room: room.to_field(), target_seqs }.encode_to_vec().into();
        self.start_call(rpc::GetPolls::METHOD.id, body, Purpose::Polls(room));
    }

    pub(super) fn handle_polls(&mut self, room: RoomId, result: Result<Bytes, Error>) {
        let Ok(Ok(answer)) = result.map(GetPollsResponse::decode) else { return };
        self.learn_polls(room, &answer.polls);
        // What was heard meanwhile may be further than what was read.
        let is_stale = |poll: &PollRecord| {
            poll.is_stale && answer.polls.iter().any(|state| state.target_seq == poll.seq)
        };
        if self.rooms.get(room).is_some_and(|record| record.polls.iter().any(is_stale)) {
            self.ask_polls(room);
        }
    }
}
