//! What an event makes of the poll it is about.

use prost::Message;

use super::place::Overlay;
use crate::{
    draft::RoomDraft,
    polls::{PollChange, PollDraft, PollRow, VoteRow, vote_key},
    ports::store::{Batch, Put},
    records::{Counters, room_seq},
    tables::Table,
};

impl Overlay {
    /// Whether something of the group changes what a draft about a poll was decided on.
    pub(super) fn poll_must_wait(&self, draft: &RoomDraft) -> bool {
        let Some(PollDraft { cell, change }) = &draft.poll else { return false };
        let Some((poll, voted)) = self.polls.get(&(cell.room, cell.target_seq)) else {
            return false;
        };
        let votes_twice = matches!(change, PollChange::Vote(vote) if voted.contains(&vote.voter));
        votes_twice || poll.closed_seq > 0
    }

    /// The poll with a draft's event.
    pub(super) fn poll(&mut self, of: &PollDraft, next: Counters) -> PollRow {
        let key = (of.cell.room, of.cell.target_seq);
        let (before, voted) =
            self.polls.entry(key).or_insert_with(|| (of.cell.state(), Default::default()));
        *before = std::mem::take(before).after(&of.change, next.seq);
        if let PollChange::Vote(vote) = &of.change {
            voted.insert(vote.voter);
        }
        before.clone()
    }
}

/// What a vote, or a poll's end, writes about it.
pub(super) fn put_poll(of: &PollDraft, poll: &PollRow, next: Counters, batch: &mut Batch) {
    let (room, target_seq) = (of.cell.room, of.cell.target_seq);
    let value = Some(poll.encode_to_vec().into());
    batch.puts.push(Put { table: Table::POLLS, key: room_seq(room, target_seq), value });
    if let PollChange::Vote(vote) = &of.change {
        let key = vote_key(room, target_seq, vote.voter, vote.number);
        let value = Some(VoteRow::new(vote.now, next.seq).encode_to_vec().into());
        batch.puts.push(Put { table: Table::POLL_VOTES, key, value });
    }
}
