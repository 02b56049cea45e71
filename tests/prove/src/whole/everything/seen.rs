//! What there is behind a kill: the room's log, read on, and the rows beside it, as the server answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use parlour_features::{
    raw::{Client, Door},
    world::text_of,
};
use parlour_protocol::{
    directory::ListNodesRequest,
    draft::ListDraftsRequest,
    event::FLAG_ERASED,
    generated::{EventMessage, rpc},
    message::{MessageDeleted, MessageEdited, MessagePosted},
    pin::{ListPinsRequest, MessagePinned, MessageUnpinned},
    poll::{GetPollsRequest, PollVoted},
    reaction::{ReactionAdded, ReactionWithdrawn},
    receipt::ListReceiptsRequest,
    saved::ListSavedRequest,
    schedule::ListScheduledRequest,
    settings::GetSettingsRequest,
    thread::ReadThreadRequest,
    wire::{Event, EventHeader},
};
use prost::Message;

use super::{
    doer::Doer,
    ground::{Ground, OPTIONS},
};
use crate::{report::Report, whole::history};

/// Something about which there is one truth at a time. Reactions, votes and what follows are the one's who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// How many events have this id.
    There(Bytes),
    Text(u64),
    Reaction(u64, String),
    Pin(u64),
    Vote,
    Saved(u64),
    Draft,
    Later(Bytes),
    Read,
    Keyword,
    Team(String),
}

impl Key {
    /// Whether it may be so. Markers only move on, and sending moves them too.
    pub(super) fn fits(&self, is: &str, allowed: &[String]) -> bool {
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        match self {
            Key::Read => allowed.iter().any(|least| number(is) >= number(least)),
            _ => allowed.iter().any(|allowed| allowed == is),
        }
    }
}

/// What is so; what isn't there has no value.
pub(super) type Facts = BTreeMap<Key, String>;

type Sender = Bytes;

/// The room's log, and what it says together.
#[derive(Debug)]
pub(super) struct Seen {
    ground: Arc<Ground>,
    seq: u64,
    msg_no: u64,
    refs: BTreeMap<Bytes, u64>,
    texts: BTreeMap<u64, String>,
    reactions: BTreeSet<(u64, String, Sender)>,
    pins: BTreeSet<u64>,
    votes: BTreeMap<Sender, Vec<u32>>,
    replies: u64,
}

impl Seen {
    pub(super) fn new(ground: Arc<Ground>) -> Seen {
        Seen {
            ground,
            seq: 0,
            msg_no: 0,
            refs: BTreeMap::new(),
            texts: BTreeMap::new(),
            reactions: BTreeSet::new(),
            pins: BTreeSet::new(),
            votes: BTreeMap::new(),
            replies: 0,
        }
    }

    /// Reads the log on, and holds what is counted beside it against it.
    pub(super) async fn read(&mut self, door: &Door, doers: &[Doer], report: &mut Report) {
        let reader = door.connect(doers[0].hello()).await.expect("a reader is welcome");
        match history::read(&reader, &self.ground.room, self.seq + 1).await {
            Ok(events) => events.iter().for_each(|event| self.take(event, report)),
            Err(problem) => report.violation(&problem),
        }
        self.check_beside(&reader, report).await;
    }

    fn take(&mut self, event: &Event, report: &mut Report) {
        let header = event.header.clone().unwrap_or_default();
        self.seq += 1;
        let seq = self.seq;
        report.expect(header.seq == seq, || format!("{} instead of {seq}", header.seq));
        if !header.client_ref.is_empty() {
            *self.refs.entry(header.client_ref.clone()).or_default() += 1;
        }
        let target = header.target_seq;
        match header.kind {
            kind if kind == MessagePosted::RULE.kind => self.take_message(&header, event, report),
            kind if kind == MessageEdited::RULE.kind => {
                let edited = MessageEdited::decode(event.body.clone()).unwrap_or_default();
                // It may have been deleted since, and its corrections with it.
                if header.flags & FLAG_ERASED == 0 {
                    self.texts.insert(target, edited.text);
                }
            }
            kind if kind == MessageDeleted::RULE.kind => {
                self.texts.insert(target, "deleted".into());
            }
            kind if kind == ReactionAdded::RULE.kind => {
                let emoji = ReactionAdded::decode(event.body.clone()).unwrap_or_default().emoji;
                self.reactions.insert((target, emoji, header.sender));
            }
            kind if kind == ReactionWithdrawn::RULE.kind => {
                let emoji = ReactionWithdrawn::decode(event.body.clone()).unwrap_or_default().emoji;
                self.reactions.remove(&(target, emoji, header.sender));
            }
            kind if kind == MessagePinned::RULE.kind => drop(self.pins.insert(target)),
            kind if kind == MessageUnpinned::RULE.kind => drop(self.pins.remove(&target)),
            kind if kind == PollVoted::RULE.kind => self.take_vote(&header, event, report),
            _ => {}
        }
    }

    fn take_message(&mut self, header: &EventHeader, event: &Event, report: &mut Report) {
        let text = match header.flags & FLAG_ERASED {
            0 => text_of(&event.body),
            _ => "deleted".into(),
        };
        self.texts.insert(header.seq, text);
        if header.thread_root_seq > 0 {
            self.replies += 1;
            let (is, counts) = (header.thread_no, self.replies);
            return report.expect(is == counts, || format!("reply {counts} is counted as {is}"));
        }
        self.msg_no += 1;
        let (is, counts) = (header.msg_no, self.msg_no);
        report.expect(is == counts, || format!("message {counts} is counted as {is}"));
    }

    fn take_vote(&mut self, header: &EventHeader, event: &Event, report: &mut Report) {
        let vote = PollVoted::decode(event.body.clone()).unwrap_or_default();
        let before = self.votes.insert(header.sender.clone(), vote.choices).unwrap_or_default();
        report.expect(before == vote.before, || {
            format!(
                "seq {}: a vote stands behind {:?} instead of {before:?}",
                header.seq, vote.before
            )
        });
    }

    /// Pins, the poll's result and the thread have rows of their own, written with the events.
    async fn check_beside(&self, reader: &Client, report: &mut Report) {
        let Ground { room, poll, thread, .. } = &*self.ground;
        let request = ListPinsRequest { room: room.clone() };
        let items = reader.bulk::<rpc::ListPins>(&request).await.expect("pins are listed");
        let pins = items.iter().flat_map(|item| &item.pins).map(|pin| pin.target_seq);
        let pins: BTreeSet<u64> = pins.collect();
        report.expect(pins == self.pins, || format!("pinned is {pins:?}, not {:?}", self.pins));
        let request = GetPollsRequest { room: room.clone(), target_seqs: vec![*poll] };
        let polls = reader.call::<rpc::GetPolls>(&request).await.expect("polls are told").polls;
        let state = polls.into_iter().next().unwrap_or_default();
        let count = |n| self.votes.values().filter(|choices| choices.contains(&n)).count() as u64;
        let counts: Vec<u64> = (0..OPTIONS).map(count).collect();
        // Nobody has voted yet: nothing is counted.
        let is: Vec<u64> = (0..OPTIONS as usize)
            .map(|n| state.counts.get(n).copied().unwrap_or_default())
            .collect();
        report.expect(is == counts, || format!("the poll says {is:?}, the votes {counts:?}"));
        let request =
            ReadThreadRequest { room: room.clone(), root_seq: *thread, before_seq: 0, limit: 1 };
        let items = reader.bulk::<rpc::ReadThread>(&request).await.expect("threads are read");
        let told = items.into_iter().find_map(|item| item.thread).unwrap_or_default().thread_no;
        report.expect(told == self.replies, || {
            format!("the thread counts {told} replies of {}", self.replies)
        });
    }

    /// What one of them is told, with the room's log.
    pub(super) async fn of(&self, door: &Door, doer: &Doer) -> Facts {
        let client = door.connect(doer.hello()).await.expect("everybody is welcome");
        let me = client.welcome().user.clone();
        let mut facts = own(&client, &self.ground.room, &me).await;
        let count = |(id, n): (&Bytes, &u64)| (Key::There(id.clone()), n.to_string());
        facts.extend(self.refs.iter().map(count));
        facts.extend(self.texts.iter().map(|(seq, text)| (Key::Text(*seq), text.clone())));
        facts.extend(self.pins.iter().map(|seq| (Key::Pin(*seq), "1".to_owned())));
        let own = self.reactions.iter().filter(|(.., sender)| *sender == me);
        facts.extend(own.map(|(seq, emoji, _)| (Key::Reaction(*seq, emoji.clone()), "1".into())));
        let request =
            GetPollsRequest { room: self.ground.room.clone(), target_seqs: vec![self.ground.poll] };
        let polls = client.call::<rpc::GetPolls>(&request).await.expect("polls are told").polls;
        facts.extend(
            polls
                .first()
                .filter(|poll| !poll.own.is_empty())
                .map(|poll| (Key::Vote, format!("{:?}", poll.own))),
        );
        facts
    }

    /// What was deleted is gone from the log, and nothing else is.
    pub(super) async fn read_again(&self, door: &Door, doers: &[Doer], report: &mut Report) {
        let reader = door.connect(doers[0].hello()).await.expect("a reader is welcome");
        let events = history::read(&reader, &self.ground.room, 1).await.unwrap_or_default();
        report.expect(events.len() as u64 == self.seq, || "the log is of another length".into());
        for event in events {
            let header = event.header.unwrap_or_default();
            if header.kind != MessagePosted::RULE.kind {
                continue;
            }
            let is_deleted = self.texts.get(&header.seq).is_some_and(|text| text == "deleted");
            let is_erased = header.flags & FLAG_ERASED != 0 && text_of(&event.body).is_empty();
            report.expect(is_deleted == is_erased, || {
                format!("seq {}: deleted {is_deleted}, erased {is_erased}", header.seq)
            });
        }
    }
}

/// What somebody has for themselves.
async fn own(client: &Client, room: &Bytes, me: &Bytes) -> Facts {
    let mut facts = Facts::new();
    let saved = ListSavedRequest { page_size: 100, ..ListSavedRequest::default() };
    let saved = client.call::<rpc::ListSaved>(&saved).await.expect("saved messages are listed");
    facts.extend(saved.saved.iter().map(|one| (Key::Saved(one.seq), "1".to_owned())));
    let drafts = client.call::<rpc::ListDrafts>(&ListDraftsRequest::default()).await;
    let drafts = drafts.expect("drafts are listed").drafts;
    facts.extend(drafts.into_iter().map(|draft| (Key::Draft, draft.text)));
    let later = client.call::<rpc::ListScheduled>(&ListScheduledRequest::default()).await;
    let later = later.expect("what is sent later is listed").scheduled;
    facts.extend(later.into_iter().map(|one| (Key::Later(one.id), "1".to_owned())));
    let settings = client.call::<rpc::GetSettings>(&GetSettingsRequest {}).await;
    let keywords = settings.expect("settings are told").settings.unwrap_or_default().keywords;
    facts.extend(keywords.into_iter().map(|word| (Key::Keyword, word)));
    let receipts = ListReceiptsRequest { room: room.clone(), ..ListReceiptsRequest::default() };
    let receipts = client.call::<rpc::ListReceipts>(&receipts).await.expect("receipts are told");
    let own = receipts.receipts.iter().find(|receipt| receipt.user == *me);
    facts.extend(own.map(|receipt| (Key::Read, receipt.seq.to_string())));
    let nodes = ListNodesRequest { page_size: 100, ..ListNodesRequest::default() };
    let nodes = client.call::<rpc::ListNodes>(&nodes).await.map(|told| told.nodes);
    let nodes = nodes.unwrap_or_default().into_iter();
    facts.extend(nodes.map(|node| (Key::Team(node.key), node.name)));
    facts
}
