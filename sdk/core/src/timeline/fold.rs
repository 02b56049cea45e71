//! The fold: base events, for each the newest edit, whether it is deleted, and what people put to it. Nothing here depends
//! on the order in which events come.

use std::{collections::BTreeMap, sync::Arc};

use parlour_protocol::{
    generated::{EventBody, EventMessage},
    ids::{ClientRef, RoomId, UserId},
    message::{MessageDeleted, MessageEdited, MessagePosted},
    thread::Thread,
};
use prost::Message as _;

use super::{
    item::{Delivery, Item, Message, Notice, Place},
    pins::{self, Pins},
    polls::{self, Polls},
    previews::{self, Previews},
    reactions::{self, Reactions},
    threads::Threads,
};
use crate::{
    attachment::attachments,
    event::{LogEvent, groups},
    limits::PENDING_AMENDMENTS_MAX,
    outbox::{Entry, Payload},
    polls::PollRecord,
};

/// What an input changes about the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing one can see.
    None,
    /// The item at this place is new or another.
    Shown(u64),
}

#[derive(Debug)]
struct Overlay {
    client_ref: ClientRef,
    /// `None` for a delete.
    text: Option<String>,
    delivery: Delivery,
}

/// All that is known of the events shown.
#[derive(Debug, Default)]
pub(super) struct Fold {
    base: BTreeMap<u64, LogEvent>,
    edits: BTreeMap<u64, (u64, MessageEdited)>,
    deletes: BTreeMap<u64, u64>,
    overlays: BTreeMap<u64, Overlay>,
    reactions: Reactions,
    threads: Threads,
    pins: Pins,
    polls: Polls,
    previews: Previews,
}

impl Fold {
    pub(super) fn has(&self, seq: u64) -> bool {
        self.base.contains_key(&seq)
    }

    pub(super) fn apply(&mut self, event: &LogEvent) -> Change {
        let target = event.header.target_seq;
        if event.header.kind == MessageEdited::RULE.kind {
            // An erased edit belongs to a deleted message.
            match MessageEdited::decode(event.body.clone()) {
                Ok(edit) if !event.is_erased() => self.edit(target, event.seq(), edit),
                _ => Change::None,
            }
        } else if event.header.kind == MessageDeleted::RULE.kind {
            self.delete(target, event.seq())
        } else if let Some((emoji, on)) = reactions::of(event) {
            let Some(sender) = event.sender() else { return Change::None };
            let pending_max = self.base.len() + PENDING_AMENDMENTS_MAX;
            match self.reactions.apply(target, emoji, sender, event.seq(), on, pending_max) {
                true => Change::Shown(target),
                false => Change::None,
            }
        } else if let Some(on) = pins::of(event) {
            let pending_max = self.base.len() + PENDING_AMENDMENTS_MAX;
            match self.pins.apply(target, event.seq(), on, pending_max) {
                true => Change::Shown(target),
                false => Change::None,
            }
        } else if let Some(said) = previews::of(event) {
            let pending_max = self.base.len() + PENDING_AMENDMENTS_MAX;
            match !self.deletes.contains_key(&target)
                && self.previews.apply(target, said, pending_max)
            {
                true => Change::Shown(target),
                false => Change::None,
            }
        } else if polls::is_about(event) {
            Change::None
        } else {
            self.insert(event)
        }
    }

    /// An event of a thread, which isn't shown itself.
    pub(super) fn apply_to_thread(&mut self, event: &LogEvent) -> Change {
        let pending_max = self.base.len() + PENDING_AMENDMENTS_MAX;
        match self.threads.apply(event, pending_max) {
            true => Change::Shown(event.header.thread_root_seq),
            false => Change::None,
        }
    }

    /// What the server says of a thread.
    pub(super) fn learn_thread(&mut self, thread: &Thread) -> Change {
        match self.threads.learn(thread, self.base.len() + PENDING_AMENDMENTS_MAX) {
            true => Change::Shown(thread.root_seq),
            false => Change::None,
        }
    }

    /// What is known of a poll.
    pub(super) fn learn_poll(&mut self, record: &PollRecord) -> Change {
        match self.polls.learn(record, self.base.len() + PENDING_AMENDMENTS_MAX) {
            true => Change::Shown(record.seq),
            false => Change::None,
        }
    }

    /// Polls shown of which the server has to be asked.
    pub(super) fn polls_in_doubt(&self) -> impl Iterator<Item = u64> {
        self.polls.in_doubt().filter(|seq| !self.deletes.contains_key(seq))
    }

    /// Nothing but what was said of polls, which doesn't come again with the events.
    pub(super) fn start_over(&mut self) {
        *self = Fold { polls: self.polls.start_over(), ..Fold::default() };
    }

    fn insert(&mut self, event: &LogEvent) -> Change {
        let seq = event.seq();
        match self.base.get(&seq) {
            // Of a message and its tombstone the tombstone is the later state.
            Some(known) if known.is_erased() || !event.is_erased() => Change::None,
            _ => {
                self.polls.note(event);
                self.base.insert(seq, event.clone());
                Change::Shown(seq)
            }
        }
    }

    fn edit(&mut self, target: u64, seq: u64, edit: MessageEdited) -> Change {
        if self.edits.get(&target).is_some_and(|(known, _)| *known >= seq) {
            return Change::None;
        }
        self.edits.insert(target, (seq, edit));
        // The oldest targets are the last to be looked at.
        if self.edits.len() > self.base.len() + PENDING_AMENDMENTS_MAX {
            self.edits.pop_first();
        }
        Change::Shown(target)
    }

    pub(super) fn delete(&mut self, target: u64, seq: u64) -> Change {
        self.deletes.insert(target, seq);
        self.edits.remove(&target);
        self.previews.forget(target);
        if let Some(known) = self.base.get_mut(&target).filter(|known| !known.is_erased()) {
            *known = known.erased();
        }
        if self.deletes.len() > self.base.len() + PENDING_AMENDMENTS_MAX {
            self.deletes.pop_first();
        }
        Change::Shown(target)
    }

    pub(super) fn put_overlay(
        &mut self,
        target: u64,
        client_ref: ClientRef,
        text: Option<String>,
        delivery: Delivery,
    ) -> Change {
        // Of two changes of one message the later one is shown, until it is done.
        self.overlays.insert(target, Overlay { client_ref, text, delivery });
        Change::Shown(target)
    }

    pub(super) fn drop_overlay(&mut self, target: u64, client_ref: ClientRef) -> Change {
        if self.overlays.get(&target).is_some_and(|overlay| overlay.client_ref == client_ref) {
            self.overlays.remove(&target);
            return Change::Shown(target);
        }
        Change::None
    }

    /// A change the server took at `seq`: its event will say the same.
    pub(super) fn settle(&mut self, entry: &Entry, seq: u64, me: Option<UserId>) -> Change {
        match &entry.payload {
            Payload::Post { .. } | Payload::Publish { .. } => Change::None,
            Payload::Edit { target_seq, body } => {
                self.drop_overlay(*target_seq, entry.client_ref);
                match MessageEdited::decode(body.clone()) {
                    Ok(edit) if !self.deletes.contains_key(target_seq) => {
                        self.edit(*target_seq, seq, edit);
                    }
                    _ => {}
                }
                Change::Shown(*target_seq)
            }
            Payload::Delete { target_seq } => {
                self.drop_overlay(*target_seq, entry.client_ref);
                self.delete(*target_seq, seq)
            }
            Payload::React { target_seq, emoji, on } => {
                self.reactions.settle(*target_seq, emoji, entry.client_ref, seq, *on, me);
                Change::Shown(*target_seq)
            }
            Payload::Pin { target_seq, on } => {
                self.pins.settle(*target_seq, entry.client_ref, seq, *on);
                Change::Shown(*target_seq)
            }
            // What came of it is in the poll's record.
            Payload::Vote { target_seq, .. } => self.drop_vote(*target_seq, entry.client_ref),
            Payload::ClosePoll { target_seq } => self.drop_close(*target_seq, entry.client_ref),
            Payload::HidePreviews { target_seq } => {
                self.previews.apply(*target_seq, previews::Said::Hidden, usize::MAX);
                self.drop_hidden(*target_seq, entry.client_ref)
            }
        }
    }

    pub(super) fn forget_to(&mut self, seq: u64) {
        self.base = self.base.split_off(&(seq + 1));
        self.edits = self.edits.split_off(&(seq + 1));
        self.deletes = self.deletes.split_off(&(seq + 1));
        self.reactions.forget_to(seq);
        self.threads.forget_to(seq);
        self.pins.forget_to(seq);
        self.polls.forget_to(seq);
        self.previews.forget_to(seq);
    }

    /// A reaction of the user's own that the server doesn't have yet.
    pub(super) fn put_reaction(
        &mut self,
        target: u64,
        emoji: &str,
        client_ref: ClientRef,
        on: bool,
    ) -> Change {
        self.reactions.put_pending(target, emoji, client_ref, on);
        Change::Shown(target)
    }

    /// It won't reach the server.
    pub(super) fn drop_reaction(
        &mut self,
        target: u64,
        emoji: &str,
        client_ref: ClientRef,
    ) -> Change {
        self.reactions.drop_pending(target, emoji, client_ref);
        Change::Shown(target)
    }

    /// A pin, or one taken off, that the server doesn't have yet.
    pub(super) fn put_pin(&mut self, target: u64, client_ref: ClientRef, on: bool) -> Change {
        self.pins.put_pending(target, client_ref, on);
        Change::Shown(target)
    }

    /// It won't reach the server.
    pub(super) fn drop_pin(&mut self, target: u64, client_ref: ClientRef) -> Change {
        self.pins.drop_pending(target, client_ref);
        Change::Shown(target)
    }

    /// A vote of the user's own that the server doesn't have yet.
    pub(super) fn put_vote(
        &mut self,
        target: u64,
        client_ref: ClientRef,
        choices: &[u32],
    ) -> Change {
        self.polls.put_vote(target, client_ref, choices);
        Change::Shown(target)
    }

    /// It won't reach the server, or it has.
    pub(super) fn drop_vote(&mut self, target: u64, client_ref: ClientRef) -> Change {
        self.polls.drop_vote(target, client_ref);
        Change::Shown(target)
    }

    /// A poll's end that the server doesn't have yet.
    pub(super) fn put_close(&mut self, target: u64, client_ref: ClientRef) -> Change {
        self.polls.put_close(target, client_ref);
        Change::Shown(target)
    }

    /// It won't reach the server, or it has.
    pub(super) fn drop_close(&mut self, target: u64, client_ref: ClientRef) -> Change {
        self.polls.drop_close(target, client_ref);
        Change::Shown(target)
    }

    /// Previews hidden that the server doesn't know of yet.
    pub(super) fn put_hidden(&mut self, target: u64, client_ref: ClientRef) -> Change {
        self.previews.put_pending(target, client_ref);
        Change::Shown(target)
    }

    /// It won't reach the server, or it has.
    pub(super) fn drop_hidden(&mut self, target: u64, client_ref: ClientRef) -> Change {
        self.previews.drop_pending(target, client_ref);
        Change::Shown(target)
    }

    pub(super) fn item(&self, room: RoomId, seq: u64, me: Option<UserId>) -> Option<Arc<Item>> {
        let event = self.base.get(&seq)?;
        let (sender, at_ms) = (event.sender(), event.header.at_ms);
        if event.header.kind != MessagePosted::RULE.kind {
            return Some(Arc::new(Item::Notice(Notice {
                seq,
                at_ms,
                sender,
                body: event.decoded(),
            })));
        }
        let is_deleted = event.is_erased() || self.deletes.contains_key(&seq);
        let edit = self.edits.get(&seq).filter(|_| !is_deleted);
        let overlay = self.overlays.get(&seq).filter(|_| !is_deleted);
        let posted = match event.decoded() {
            EventBody::MessagePosted(message) if !is_deleted => message,
            _ => MessagePosted::default(),
        };
        let mention_groups = groups(&posted);
        let text = match overlay {
            _ if is_deleted => String::new(),
            Some(Overlay { text: Some(text), .. }) => text.clone(),
            Some(Overlay { text: None, delivery, .. }) if !is_failed(delivery) => String::new(),
            _ => edit.map_or(posted.text, |(_, edit)| edit.text.clone()),
        };
        // An edit says all that is offered from then on.
        let components = match edit {
            Some((_, edit)) => edit.components.clone(),
            None => posted.components,
        };
        let deleting = overlay.is_some_and(|o| o.text.is_none() && !is_failed(&o.delivery));
        Some(Arc::new(Item::Message(Message {
            room,
            place: Place::Log(seq),
            sender,
            at_ms,
            expires_at_ms: Some(event.header.expires_at_ms).filter(|at_ms| *at_ms > 0),
            text,
            attachments: if deleting { vec![] } else { attachments(posted.attachments) },
            poll: posted.poll.filter(|_| !deleting).map(|asked| self.polls.shown(seq, asked)),
            components: components.filter(|_| !deleting).map(Arc::new).unwrap_or_default(),
            is_edited: edit.is_some() || overlay.is_some_and(|o| o.text.is_some()),
            is_deleted: is_deleted || deleting,
            mentions: event.header.mentions.iter().filter_map(|u| UserId::parse(u).ok()).collect(),
            mentions_everyone: event.mentions_everyone(),
            mention_groups,
            reply_to: Some(event.header.target_seq).filter(|seq| *seq > 0),
            thread_root: Some(event.header.thread_root_seq).filter(|seq| *seq > 0),
            thread: self.threads.shown(seq),
            reactions: match is_deleted || deleting {
                true => vec![],
                false => self.reactions.shown(seq, me),
            },
            link_previews: match is_deleted || overlay.is_some_and(changes) {
                true => Arc::default(),
                false => self.previews.shown(seq, edit.map_or(seq, |(edited, _)| *edited)),
            },
            is_pinned: !is_deleted && !deleting && self.pins.shown(seq),
            client_ref: event.client_ref(),
            pending: overlay.map(|overlay| overlay.client_ref),
            delivery: overlay.map_or(Delivery::Sent, |overlay| overlay.delivery.clone()),
        })))
    }
}

/// Whether the message has another text, or none, as soon as the server has it.
fn changes(overlay: &Overlay) -> bool {
    overlay.text.is_some() || !is_failed(&overlay.delivery)
}

fn is_failed(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Failed(_))
}
