//! A room's timeline: the fold of its events and of what waits in the outbox, as an observable
//! list. Events may come in any order and more than once; the result is the same.

mod fold;
mod item;
mod pins;
mod polls;
mod previews;
mod reactions;
mod threads;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{ClientRef, RoomId, UserId},
    interaction::Components,
    message::{MessageEdited, MessagePosted, MessagesDeleted},
    thread::Thread,
};
use prost::Message as _;

pub use item::{Delivery, Item, LinkPreview, Message, Notice, Place, Reaction, ThreadSummary};
pub use threads::Scope;

use crate::{
    attachment::{Attachment, attachments},
    diff::Diff,
    event::{LogEvent, groups},
    limits::TIMELINE_ITEMS_MAX,
    outbox::{Entry, Payload, State},
    polls::{NewPoll, Poll, PollRecord},
};
use fold::{Change, Fold};

/// The observable list of one room, or of one of its threads.
#[derive(Debug)]
pub struct Timeline {
    scope: Scope,
    me: Option<UserId>,
    fold: Fold,
    echoes: BTreeMap<u64, Echo>,
    items: VecDeque<Arc<Item>>,
    /// The first event that is shown; what is before may be loaded.
    from: u64,
    at_start: bool,
    diffs: Vec<Diff<Arc<Item>>>,
}

/// A message of the outbox, or one that was acknowledged and isn't in the log yet.
#[derive(Clone, Debug)]
struct Echo {
    client_ref: ClientRef,
    message: Message,
}

impl Timeline {
    /// An empty timeline. `me` is `None` before the first connection ever.
    pub fn new(scope: impl Into<Scope>, me: Option<UserId>) -> Self {
        Timeline {
            scope: scope.into(),
            me,
            fold: Fold::default(),
            echoes: BTreeMap::new(),
            items: VecDeque::new(),
            from: u64::MAX,
            at_start: false,
            diffs: Vec::new(),
        }
    }

    /// Everything, oldest first.
    pub fn items(&self) -> Vec<Arc<Item>> {
        self.items.iter().cloned().collect()
    }

    /// The first event shown; `u64::MAX` when none is.
    pub fn from(&self) -> u64 {
        self.from
    }

    /// Whether nothing comes before what is shown.
    pub fn is_at_start(&self) -> bool {
        self.at_start || self.from == 1
    }

    /// The changes since the last call.
    pub fn take_diffs(&mut self) -> Vec<Diff<Arc<Item>>> {
        std::mem::take(&mut self.diffs)
    }

    // Inputs.

    /// The user is known now.
    pub fn set_me(&mut self, me: UserId) {
        if self.me == Some(me) {
            return;
        }
        self.me = Some(me);
        for echo in self.echoes.clone().into_values() {
            let message = Message { sender: self.me, ..echo.message.clone() };
            self.put(Arc::new(Item::Message(message.clone())));
            if let Place::Outbox(order) = message.place {
                self.echoes.insert(order, Echo { message, ..echo });
            }
        }
    }

    /// The next events of the log.
    pub fn handle_live(&mut self, events: &[LogEvent]) {
        let scope = self.scope;
        for event in events.iter().filter(|event| scope.covers(event)) {
            self.from = self.from.min(event.seq());
            self.apply(event);
        }
        self.trim();
    }

    /// The message's time is over.
    pub fn handle_expired(&mut self, seq: u64) {
        if self.fold.has(seq) {
            let change = self.fold.delete(seq, seq);
            self.show(change);
        }
    }

    /// A page before what is shown, from `from` on, with the later events that amend it.
    pub fn handle_older(
        &mut self,
        from: u64,
        events: &[LogEvent],
        amendments: &[LogEvent],
        at_start: bool,
    ) {
        // Amendments first, so that each message appears as it is now.
        for event in amendments.iter().chain(events.iter().rev()) {
            self.apply(event);
        }
        self.from = self.from.min(from);
        self.at_start |= at_start;
    }

    /// What is shown has a gap to the newest events: start over from these.
    pub fn handle_reset(
        &mut self,
        from: u64,
        events: &[LogEvent],
        amendments: &[LogEvent],
        at_start: bool,
    ) {
        self.fold.start_over();
        self.items.clear();
        self.diffs.clear();
        self.from = u64::MAX;
        self.at_start = false;
        for (order, echo) in std::mem::take(&mut self.echoes) {
            // One that was acknowledged is in the log now, be it on this page or before it.
            if echo.message.delivery != Delivery::Sent {
                self.put(Arc::new(Item::Message(echo.message.clone())));
                self.echoes.insert(order, echo);
            }
        }
        self.handle_older(from, events, amendments, at_start);
        self.diffs = vec![Diff::Reset { items: self.items() }];
    }

    /// What the server says of the threads under messages.
    pub fn handle_threads(&mut self, threads: &[Thread]) {
        if self.scope.is_thread() {
            return;
        }
        for thread in threads {
            let change = self.fold.learn_thread(thread);
            self.show(change);
        }
    }

    /// What is known of some polls.
    pub fn handle_polls(&mut self, polls: &[PollRecord]) {
        for poll in polls {
            let change = self.fold.learn_poll(poll);
            self.show(change);
        }
    }

    /// Polls shown whose results aren't known, or old.
    pub fn polls_in_doubt(&self) -> impl Iterator<Item = u64> {
        self.fold.polls_in_doubt()
    }

    /// A row of the outbox is new or got further.
    pub fn handle_outbox(&mut self, entry: &Entry) {
        let delivery = delivery(&entry.state);
        match &entry.payload {
            Payload::Post { thread_root, .. }
                if thread_root.unwrap_or_default() != self.scope.root => {}
            Payload::Post { body, mentions, mentions_everyone, reply_to, thread_root, .. } => {
                let posted = MessagePosted::decode(body.clone()).unwrap_or_default();
                let mention_groups = groups(&posted);
                let message = Message {
                    room: self.scope.room,
                    place: Place::Outbox(entry.order),
                    sender: self.me,
                    at_ms: entry.created_ms,
                    expires_at_ms: None,
                    text: posted.text,
                    attachments: attachments(posted.attachments),
                    poll: posted.poll.map(new_poll),
                    components: posted.components.map(Arc::new).unwrap_or_default(),
                    is_edited: false,
                    is_deleted: false,
                    mentions: mentions.clone(),
                    mentions_everyone: *mentions_everyone,
                    mention_groups,
                    reply_to: *reply_to,
                    thread_root: *thread_root,
                    thread: None,
                    reactions: vec![],
                    link_previews: Arc::default(),
                    is_pinned: false,
                    client_ref: Some(entry.client_ref),
                    pending: None,
                    delivery,
                };
                self.put(Arc::new(Item::Message(message.clone())));
                self.echoes.insert(entry.order, Echo { client_ref: entry.client_ref, message });
            }
            Payload::Edit { target_seq, body } => {
                let text = MessageEdited::decode(body.clone()).map(|m| m.text).unwrap_or_default();
                self.overlay(*target_seq, entry.client_ref, Some(text), delivery);
            }
            Payload::Delete { target_seq } => {
                self.overlay(*target_seq, entry.client_ref, None, delivery);
            }
            _ => {
                let change = self.pending(entry, &delivery);
                self.show(change);
            }
        }
    }

    /// What an entry that is put to a message changes about it until the server has it.
    fn pending(&mut self, entry: &Entry, delivery: &Delivery) -> Change {
        let (fold, own) = (&mut self.fold, entry.client_ref);
        // Nobody wants to see an emoji or a vote that failed; it isn't there.
        let is_failed = matches!(delivery, Delivery::Failed(_));
        match &entry.payload {
            Payload::React { target_seq, emoji, .. } if is_failed => {
                fold.drop_reaction(*target_seq, emoji, own)
            }
            Payload::React { target_seq, emoji, on } => {
                fold.put_reaction(*target_seq, emoji, own, *on)
            }
            Payload::Pin { target_seq, .. } if is_failed => fold.drop_pin(*target_seq, own),
            Payload::Pin { target_seq, on } => fold.put_pin(*target_seq, own, *on),
            Payload::Vote { target_seq, .. } if is_failed => fold.drop_vote(*target_seq, own),
            Payload::Vote { target_seq, choices } => fold.put_vote(*target_seq, own, choices),
            Payload::ClosePoll { target_seq } if is_failed => fold.drop_close(*target_seq, own),
            Payload::ClosePoll { target_seq } => fold.put_close(*target_seq, own),
            Payload::HidePreviews { target_seq } if is_failed => fold.drop_hidden(*target_seq, own),
            Payload::HidePreviews { target_seq } => fold.put_hidden(*target_seq, own),
            // The first are items of their own, the last one shows once it has happened.
            Payload::Post { .. }
            | Payload::Edit { .. }
            | Payload::Delete { .. }
            | Payload::Publish { .. } => Change::None,
        }
    }

    /// A row of the outbox was acknowledged at this place, which the log may reach later.
    pub fn handle_sent(&mut self, entry: &Entry, seq: u64, at_ms: u64) {
        let Payload::Post { .. } = entry.payload else {
            let change = self.fold.settle(entry, seq, self.me);
            return self.show(change);
        };
        // Or it stands before what is shown: a client whose cache took too little sent it once more, and is told
        // that it was there.
        let is_before = seq < self.from && self.from < u64::MAX;
        if is_before || self.fold.has(seq) {
            return self.remove_echo(entry.order);
        }
        let Some(echo) = self.echoes.get_mut(&entry.order) else { return };
        (echo.message.delivery, echo.message.at_ms) = (Delivery::Sent, at_ms);
        let item = Arc::new(Item::Message(echo.message.clone()));
        self.put(item);
    }

    /// A row of the outbox is gone without having been sent.
    pub fn handle_discarded(&mut self, entry: &Entry) {
        match &entry.payload {
            Payload::Post { .. } => self.remove_echo(entry.order),
            Payload::Edit { target_seq, .. } | Payload::Delete { target_seq } => {
                let change = self.fold.drop_overlay(*target_seq, entry.client_ref);
                self.show(change);
            }
            Payload::React { target_seq, emoji, .. } => {
                let change = self.fold.drop_reaction(*target_seq, emoji, entry.client_ref);
                self.show(change);
            }
            Payload::Pin { target_seq, .. } => {
                let change = self.fold.drop_pin(*target_seq, entry.client_ref);
                self.show(change);
            }
            Payload::Vote { target_seq, .. } => {
                let change = self.fold.drop_vote(*target_seq, entry.client_ref);
                self.show(change);
            }
            Payload::ClosePoll { target_seq } => {
                let change = self.fold.drop_close(*target_seq, entry.client_ref);
                self.show(change);
            }
            Payload::HidePreviews { target_seq } => {
                let change = self.fold.drop_hidden(*target_seq, entry.client_ref);
                self.show(change);
            }
            Payload::Publish { .. } => {}
        }
    }

    fn overlay(
        &mut self,
        target: u64,
        client_ref: ClientRef,
        text: Option<String>,
        delivery: Delivery,
    ) {
        let change = self.fold.put_overlay(target, client_ref, text, delivery);
        self.show(change);
    }

    fn apply(&mut self, event: &LogEvent) {
        if !self.scope.covers(event) {
            return;
        }
        if !self.scope.is_thread() && event.header.thread_root_seq > 0 {
            let change = self.fold.apply_to_thread(event);
            return self.show(change);
        }
        if event.header.kind == MessagesDeleted::RULE.kind {
            // A thread shows few of the room's.
            let is_shown = |seq: &&u64| !self.scope.is_thread() || self.fold.has(**seq);
            let targets: Vec<u64> = event.deleted().iter().filter(is_shown).copied().collect();
            for target in &targets {
                let change = self.fold.delete(*target, event.seq());
                self.show(change);
            }
            return;
        }
        let echo = event.client_ref().and_then(|client_ref| {
            let of_it = |(_, echo): &(&u64, &Echo)| echo.client_ref == client_ref;
            let mine = event.sender() == self.me;
            self.echoes.iter().find(of_it).filter(|_| mine).map(|(order, _)| *order)
        });
        let change = self.fold.apply(event);
        match (echo, change) {
            (Some(order), Change::Shown(seq)) => self.replace_echo(order, seq),
            (Some(order), _) => self.remove_echo(order),
            (None, change) => self.show(change),
        }
    }

    /// The log has what an echo stood for: in place where nothing stands between.
    fn replace_echo(&mut self, order: u64, seq: u64) {
        self.echoes.remove(&order);
        let Some(item) = self.fold.item(self.scope.room, seq, self.me) else { return };
        let (Ok(at), Err(to)) = (self.find(Place::Outbox(order)), self.find(Place::Log(seq)))
        else {
            return self.put(item);
        };
        if at == to {
            self.items[at] = item.clone();
            self.diffs.push(Diff::Update { index: at, item });
        } else {
            self.items.remove(at);
            self.diffs.push(Diff::Remove { index: at });
            self.put(item);
        }
    }

    fn show(&mut self, change: Change) {
        if let Change::Shown(seq) = change
            && let Some(item) = self.fold.item(self.scope.room, seq, self.me)
        {
            self.put(item);
        }
    }

    fn put(&mut self, item: Arc<Item>) {
        match self.find(item.place()) {
            Ok(index) if self.items[index] == item => {}
            Ok(index) => {
                self.items[index] = item.clone();
                self.diffs.push(Diff::Update { index, item });
            }
            Err(index) => {
                self.items.insert(index, item.clone());
                self.diffs.push(Diff::Insert { index, item });
            }
        }
    }

    fn remove_echo(&mut self, order: u64) {
        self.echoes.remove(&order);
        if let Ok(index) = self.find(Place::Outbox(order)) {
            self.items.remove(index);
            self.diffs.push(Diff::Remove { index });
        }
    }

    fn find(&self, place: Place) -> Result<usize, usize> {
        self.items.binary_search_by_key(&place, |item| item.place())
    }

    /// A list that is never paged doesn't grow for ever.
    fn trim(&mut self) {
        while self.items.len() > TIMELINE_ITEMS_MAX {
            let Some(Place::Log(seq)) = self.items.front().map(|item| item.place()) else { return };
            self.items.pop_front();
            self.diffs.push(Diff::Remove { index: 0 });
            self.fold.forget_to(seq);
            self.from = seq + 1;
            self.at_start = false;
        }
    }
}

/// Messages of a room as they are by now, of which events and amendments came outside of its
/// timeline.
pub fn messages(
    room: RoomId,
    me: Option<UserId>,
    events: &[LogEvent],
    amendments: &[LogEvent],
) -> Vec<Arc<Item>> {
    // Each where it stands, be it the room or a thread.
    let roots: BTreeSet<u64> = events.iter().map(|event| event.header.thread_root_seq).collect();
    let mut items = Vec::with_capacity(events.len());
    for root in roots {
        let here: Vec<LogEvent> =
            events.iter().filter(|e| e.header.thread_root_seq == root).cloned().collect();
        let mut timeline = Timeline::new(Scope { room, root }, me);
        timeline.handle_older(1, &here, amendments, true);
        items.extend(timeline.items());
    }
    items
}

/// An encoded `MessagePosted`.
pub fn post_body(
    text: &str,
    attachments: &[Attachment],
    poll: Option<&NewPoll>,
    components: Option<Components>,
    mention_groups: &[RoomId],
) -> Bytes {
    let mention_groups = mention_groups.iter().map(|group| group.to_field()).collect();
    let attachments = attachments.iter().map(Attachment::to_wire).collect();
    let (text, poll) = (text.to_owned(), poll.map(NewPoll::to_wire));
    MessagePosted { text, attachments, poll, components, mention_groups }.encode_to_vec().into()
}

/// A poll that the server doesn't have yet.
fn new_poll(asked: parlour_protocol::poll::Poll) -> Poll {
    let tally = PollRecord::new(0, asked.options.len()).tally(&[]);
    Poll { asked: NewPoll::from_wire(asked), tally, own: vec![], is_closed: false }
}

/// An encoded `MessageEdited`.
pub fn edit_body(text: &str) -> Bytes {
    MessageEdited { text: text.to_owned(), components: None }.encode_to_vec().into()
}

fn delivery(state: &State) -> Delivery {
    match state {
        State::Queued { .. } | State::Held { .. } => Delivery::Queued,
        State::Sending | State::Searching => Delivery::Sending,
        State::Failed(error) => Delivery::Failed(error.clone()),
    }
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
