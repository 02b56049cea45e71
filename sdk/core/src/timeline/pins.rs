//! Which messages are pinned: of the events about one message the newest counts, in whatever order
//! they come.

use std::collections::BTreeMap;

use parlour_protocol::{
    generated::EventMessage,
    ids::ClientRef,
    pin::{MessagePinned, MessageUnpinned},
};

use crate::event::LogEvent;

/// Whether an event pins its message or takes its pin off; `None` for other events.
pub(super) fn of(event: &LogEvent) -> Option<bool> {
    match event.header.kind {
        kind if kind == MessagePinned::RULE.kind => Some(true),
        kind if kind == MessageUnpinned::RULE.kind => Some(false),
        _ => None,
    }
}

/// All that is known of pins.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// By message: the newest event and what it says.
    known: BTreeMap<u64, (u64, bool)>,
    /// What the user did that the server doesn't have yet, by message.
    pending: BTreeMap<u64, (ClientRef, bool)>,
}

impl Pins {
    /// Takes in an event; whether it says anything new. Of more than `pending_max` messages the
    /// oldest are forgotten: they are the last to be looked at.
    pub(super) fn apply(&mut self, target: u64, seq: u64, on: bool, pending_max: usize) -> bool {
        let newest = self.known.entry(target).or_default();
        if newest.0 >= seq {
            return false;
        }
        *newest = (seq, on);
        if self.known.len() > pending_max {
            self.known.pop_first();
        }
        true
    }

    /// The user did something that isn't sent yet. Of two the later one is shown.
    pub(super) fn put_pending(&mut self, target: u64, client_ref: ClientRef, on: bool) {
        self.pending.insert(target, (client_ref, on));
    }

    /// It won't be sent, or it was.
    pub(super) fn drop_pending(&mut self, target: u64, client_ref: ClientRef) {
        if self.pending.get(&target).is_some_and(|(of, _)| *of == client_ref) {
            self.pending.remove(&target);
        }
    }

    /// The server has it at `seq`, or had it already (0): its event says the same.
    pub(super) fn settle(&mut self, target: u64, client_ref: ClientRef, seq: u64, on: bool) {
        self.drop_pending(target, client_ref);
        if seq > 0 {
            self.apply(target, seq, on, usize::MAX);
        }
    }

    pub(super) fn forget_to(&mut self, seq: u64) {
        self.known = self.known.split_off(&(seq + 1));
    }

    /// Whether a message is pinned.
    pub(super) fn shown(&self, target: u64) -> bool {
        let pending = self.pending.get(&target).map(|(_, on)| *on);
        pending.or(self.known.get(&target).map(|(_, on)| *on)).unwrap_or(false)
    }
}
