//! Polls of the messages shown: what was chosen, and what the user has chosen that the server doesn't
//! have yet.

use std::collections::{BTreeMap, BTreeSet};

use parlour_protocol::{
    generated::EventMessage,
    ids::ClientRef,
    message::MessagePosted,
    poll::{self as wire, PollClosed, PollVoted},
};

use crate::{
    event::{LogEvent, submessages},
    polls::{NewPoll, Poll, PollRecord},
};

/// Whether an event is about a poll: what it says is in the poll's record.
pub(super) fn is_about(event: &LogEvent) -> bool {
    [PollVoted::RULE.kind, PollClosed::RULE.kind].contains(&event.header.kind)
}

/// Whether an event is a message that asks something.
fn asks(event: &LogEvent) -> bool {
    event.header.kind == MessagePosted::RULE.kind
        && submessages(4, &event.body).is_ok_and(|polls| !polls.is_empty())
}

/// All that is known of polls.
#[derive(Debug, Default)]
pub(super) struct Polls {
    shown: BTreeSet<u64>,
    known: BTreeMap<u64, PollRecord>,
    /// The user's own votes that the server doesn't have yet.
    votes: BTreeMap<u64, (ClientRef, Vec<u32>)>,
    /// Polls that the user closes.
    closing: BTreeMap<u64, ClientRef>,
}

impl Polls {
    /// A message is shown.
    pub(super) fn note(&mut self, event: &LogEvent) {
        if asks(event) {
            self.shown.insert(event.seq());
        }
    }

    /// What is known of a poll; whether that is anything new. Of more than `pending_max` those of the
    /// oldest messages are forgotten.
    pub(super) fn learn(&mut self, record: &PollRecord, pending_max: usize) -> bool {
        if self.known.get(&record.seq) == Some(record) {
            return false;
        }
        self.known.insert(record.seq, record.clone());
        if self.known.len() > pending_max {
            self.known.pop_first();
        }
        true
    }

    /// Polls shown of which the server has to be asked.
    pub(super) fn in_doubt(&self) -> impl Iterator<Item = u64> {
        let is_known = |seq: &u64| self.known.get(seq).is_some_and(|record| !record.is_stale);
        self.shown.iter().copied().filter(move |seq| !is_known(seq))
    }

    /// The user votes. Of two votes the later one is shown.
    pub(super) fn put_vote(&mut self, target: u64, client_ref: ClientRef, choices: &[u32]) {
        let mut choices = choices.to_vec();
        choices.sort_unstable();
        self.votes.insert(target, (client_ref, choices));
    }

    /// It won't be sent, or it was.
    pub(super) fn drop_vote(&mut self, target: u64, client_ref: ClientRef) {
        if self.votes.get(&target).is_some_and(|(of, _)| *of == client_ref) {
            self.votes.remove(&target);
        }
    }

    /// The user closes a poll.
    pub(super) fn put_close(&mut self, target: u64, client_ref: ClientRef) {
        self.closing.insert(target, client_ref);
    }

    /// It won't be sent, or it was.
    pub(super) fn drop_close(&mut self, target: u64, client_ref: ClientRef) {
        if self.closing.get(&target) == Some(&client_ref) {
            self.closing.remove(&target);
        }
    }

    pub(super) fn forget_to(&mut self, seq: u64) {
        self.shown = self.shown.split_off(&(seq + 1));
        self.known = self.known.split_off(&(seq + 1));
    }

    /// Nothing is shown any more; what is known stays.
    pub(super) fn start_over(&mut self) -> Self {
        self.shown.clear();
        std::mem::take(self)
    }

    /// What is to be seen of a message's poll.
    pub(super) fn shown(&self, target: u64, asked: wire::Poll) -> Poll {
        let unknown = PollRecord::default();
        let record = self.known.get(&target).unwrap_or(&unknown);
        let own = self.votes.get(&target).map_or(&record.own, |(_, choices)| choices);
        Poll {
            asked: NewPoll::from_wire(asked),
            tally: record.tally(own),
            own: own.clone(),
            is_closed: record.is_closed || self.closing.contains_key(&target),
        }
    }
}
