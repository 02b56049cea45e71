//! One person: does one thing after the other, remembers what was answered, and does again what wasn't.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    mem::{Discriminant, discriminant},
    sync::Arc,
};

use bytes::Bytes;
use parlour_daemon::clock::unix_ms;
use parlour_features::{
    raw::{CallError, Door},
    world::{client_ref, text},
};
use parlour_protocol::{
    app::{AppEvent, PublishRequest},
    draft::{MessageDraft, SetDraftRequest},
    marker::MarkReadRequest,
    message::{DeleteRequest, EditRequest, MessageEdited, SendRequest},
    pin::{PinRequest, UnpinRequest},
    poll::VoteRequest,
    reaction::{ReactRequest, UnreactRequest},
    saved::{SaveMessageRequest, UnsaveMessageRequest},
    schedule::{CancelScheduledRequest, ScheduleSendRequest},
    settings::{SetSettingsRequest, Settings},
    wire::Hello,
};
use prost::Message;
use tokio::sync::watch;

use super::{
    act::Act,
    ground::{Ground, OPTIONS, team},
    seen::{Facts, Key},
};
use crate::{report::Report, rng::Rng};

const EMOJI: [&str; 3] = ["👍", "🎉", ":name:"];
/// Messages that one waits to be sent at once.
const LATER_MAX: usize = 20;
const TEAMS: u64 = 12;
const DAY_MS: u64 = 24 * 3600 * 1000;

/// One thing to do: what is so behind it, and how.
#[derive(Clone, Debug)]
struct Step {
    key: Key,
    value: String,
    act: Act,
}

/// A person, over all of their connections.
#[derive(Debug)]
pub(super) struct Doer {
    index: usize,
    hello: Hello,
    ground: Arc<Ground>,
    rng: Rng,
    /// Begun, and not answered.
    current: Option<Step>,
    /// What may be so: one value, or two while nothing was answered.
    allowed: BTreeMap<Key, Vec<String>>,
    /// Own messages that are there, to be edited and deleted.
    own: VecDeque<u64>,
    later: Vec<Bytes>,
    refused: Vec<String>,
    acked: u64,
    /// What was answered at least once.
    did: HashSet<Discriminant<Act>>,
    told: u64,
    n: u64,
}

impl Doer {
    pub(super) fn new(index: usize, hello: Hello, ground: Arc<Ground>, seed: u64) -> Doer {
        let told = ground.thread;
        Doer {
            index,
            hello,
            ground,
            rng: Rng::new(seed),
            current: None,
            allowed: BTreeMap::new(),
            own: VecDeque::new(),
            later: vec![],
            refused: vec![],
            acked: 0,
            did: HashSet::new(),
            told,
            n: 0,
        }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn hello(&self) -> Hello {
        self.hello.clone()
    }

    pub(super) fn did(&self) -> &HashSet<Discriminant<Act>> {
        &self.did
    }

    /// Whether something was begun and not answered.
    pub(super) fn is_waiting(&self) -> bool {
        self.current.is_some()
    }

    /// Acts on one connection until it is lost or `stop` changes.
    pub(super) async fn act(mut self, door: Door, mut stop: watch::Receiver<bool>) -> Doer {
        let connected = tokio::select! {
            client = door.connect(self.hello.clone()) => client,
            _ = stop.wait_for(|stop| *stop) => return self,
        };
        let Ok(client) = connected else { return self };
        loop {
            let is_again = self.current.is_some();
            let step = self.current.take().unwrap_or_else(|| self.think());
            self.current = Some(step.clone());
            let answer = tokio::select! {
                answer = step.act.carry_out(&client) => answer,
                _ = stop.wait_for(|stop| *stop) => return self,
            };
            match answer {
                Ok(seq) => self.settle(step, seq),
                Err(CallError::Lost(_)) => return self,
                // Cancelled the first time already, and gone.
                Err(CallError::Refused(_)) if is_again && matches!(step.act, Act::Cancel(_)) => {
                    self.settle(step, 0);
                }
                Err(CallError::Refused(error)) => {
                    self.refused.push(format!("{:?}: {error}", step.key));
                    self.current = None;
                }
            }
        }
    }

    /// What was answered is so.
    fn settle(&mut self, step: Step, seq: u64) {
        self.current = None;
        self.acked += 1;
        self.did.insert(discriminant(&step.act));
        self.told = self.told.max(seq);
        self.allowed.insert(step.key, vec![step.value]);
        match step.act {
            Act::Send(_) => {
                self.own.push_back(seq);
                let said = self.said(self.n);
                self.allowed.entry(Key::Text(seq)).or_insert_with(|| vec![said]);
            }
            Act::Schedule(request) => self.later.push(request.id),
            _ => {}
        }
    }

    /// Compares what one is told with what there is; from then on that is so. How much was answered.
    pub(super) fn check(&mut self, seen: &Facts, report: &mut Report) -> u64 {
        let index = self.index;
        for refused in self.refused.drain(..) {
            report.violation(&format!("doer {index} was refused {refused}"));
        }
        for (key, allowed) in &mut self.allowed {
            let is = seen.get(key).cloned().unwrap_or_default();
            report.expect(key.fits(&is, allowed), || {
                format!("doer {index}: {key:?} is {is:?} instead of {allowed:?}")
            });
            if !matches!(key, Key::Read) {
                *allowed = vec![is];
            }
        }
        // It will be done again, and may be so by the next time.
        if let Some(step) = &self.current {
            self.allowed.entry(step.key.clone()).or_default().push(step.value.clone());
        }
        std::mem::take(&mut self.acked)
    }

    fn said(&self, n: u64) -> String {
        format!("doer {} says {n}", self.index)
    }

    /// Thinks of something to do, and knows from here on that it may be so.
    fn think(&mut self) -> Step {
        let step = match self.rng.below(100) {
            0..22 => self.post(false),
            22..36 => self.post(true),
            36..50 => self.react(),
            50..58 => self.edit().unwrap_or_else(|| self.post(false)),
            58..64 => self.delete().unwrap_or_else(|| self.post(false)),
            64..71 => self.vote(),
            71..78 => self.save(),
            78..83 => self.draft(),
            83..87 => self.later(),
            87..91 => self.read(),
            91..94 => self.keyword(),
            _ if self.index == 0 => self.as_owner(),
            _ => self.post(false),
        };
        let allowed = self.allowed.entry(step.key.clone()).or_insert_with(|| vec![String::new()]);
        allowed.push(step.value.clone());
        step
    }

    fn post(&mut self, in_thread: bool) -> Step {
        self.n += 1;
        let thread_root_seq = if in_thread { self.ground.thread } else { 0 };
        let request = text(&self.ground.room, &self.said(self.n));
        let key = Key::There(request.client_ref.clone());
        Step { key, value: "1".into(), act: Act::Send(SendRequest { thread_root_seq, ..request }) }
    }

    fn react(&mut self) -> Step {
        let target_seq = self.one_lasting();
        let emoji = EMOJI[self.rng.below(3) as usize].to_owned();
        let (room, client_ref) = (self.ground.room.clone(), client_ref());
        let key = Key::Reaction(target_seq, emoji.clone());
        if self.rng.below(3) == 0 {
            let act = Act::Unreact(UnreactRequest { room, client_ref, target_seq, emoji });
            return Step { key, value: String::new(), act };
        }
        let act = Act::React(ReactRequest { room, client_ref, target_seq, emoji });
        Step { key, value: "1".into(), act }
    }

    fn edit(&mut self) -> Option<Step> {
        let at = self.rng.below(self.own.len().max(1) as u64) as usize;
        let target_seq = *self.own.get(at)?;
        self.n += 1;
        let value = format!("doer {} corrects {}", self.index, self.n);
        let body = MessageEdited { text: value.clone(), ..MessageEdited::default() };
        let (room, client_ref, body) =
            (self.ground.room.clone(), client_ref(), body.encode_to_vec().into());
        let act = Act::Edit(EditRequest { room, client_ref, target_seq, body });
        Some(Step { key: Key::Text(target_seq), value, act })
    }

    fn delete(&mut self) -> Option<Step> {
        let target_seq = self.own.pop_front()?;
        let (room, client_ref) = (self.ground.room.clone(), client_ref());
        let act = Act::Delete(DeleteRequest { room, client_ref, target_seq });
        Some(Step { key: Key::Text(target_seq), value: "deleted".into(), act })
    }

    fn vote(&mut self) -> Step {
        let chosen = self.rng.below(1 << OPTIONS);
        let choices: Vec<u32> = (0..OPTIONS).filter(|n| chosen & (1 << n) != 0).collect();
        // Whoever takes back what they never chose has done nothing.
        let value = if choices.is_empty() { String::new() } else { format!("{choices:?}") };
        let (room, client_ref, target_seq) =
            (self.ground.room.clone(), client_ref(), self.ground.poll);
        let act = Act::Vote(VoteRequest { room, client_ref, target_seq, choices });
        Step { key: Key::Vote, value, act }
    }

    fn save(&mut self) -> Step {
        let (room, seq) = (self.ground.room.clone(), self.one_lasting());
        let key = Key::Saved(seq);
        if self.rng.below(3) == 0 {
            let act = Act::Unsave(UnsaveMessageRequest { room, seq });
            return Step { key, value: String::new(), act };
        }
        Step { key, value: "1".into(), act: Act::Save(SaveMessageRequest { room, seq }) }
    }

    fn draft(&mut self) -> Step {
        self.n += 1;
        let is_gone = self.rng.below(4) == 0;
        let value = if is_gone { String::new() } else { format!("begun {}", self.n) };
        let (room, text) = (self.ground.room.clone(), value.clone());
        let draft = Some(MessageDraft { room, text, ..MessageDraft::default() });
        Step { key: Key::Draft, value, act: Act::Draft(SetDraftRequest { draft }) }
    }

    fn later(&mut self) -> Step {
        if self.later.len() >= LATER_MAX || !self.later.is_empty() && self.rng.below(3) == 0 {
            let at = self.rng.below(self.later.len() as u64) as usize;
            let id = self.later.swap_remove(at);
            let act = Act::Cancel(CancelScheduledRequest { id: id.clone() });
            return Step { key: Key::Later(id), value: String::new(), act };
        }
        let send = text(&self.ground.room, "later");
        let send = Some(SendRequest { client_ref: Bytes::new(), ..send });
        let (id, send_at_ms) = (client_ref(), unix_ms() + DAY_MS);
        let act = Act::Schedule(ScheduleSendRequest { id: id.clone(), send_at_ms, send });
        Step { key: Key::Later(id), value: "1".into(), act }
    }

    fn read(&mut self) -> Step {
        let (room, seq) = (self.ground.room.clone(), self.told);
        let act = Act::Read(MarkReadRequest { room, seq });
        Step { key: Key::Read, value: seq.to_string(), act }
    }

    fn keyword(&mut self) -> Step {
        self.n += 1;
        let value = format!("word{}", self.n);
        let settings = Settings { keywords: vec![value.clone()], ..Settings::default() };
        let act = Act::Settings(SetSettingsRequest { settings: Some(settings) });
        Step { key: Key::Keyword, value, act }
    }

    /// What only the first of them does: they own the group, and may change the directory.
    fn as_owner(&mut self) -> Step {
        let room = self.ground.room.clone();
        match self.rng.below(3) {
            0 => {
                self.n += 1;
                let key = format!("team{}", self.rng.below(TEAMS));
                let value = format!("Team {}", self.n);
                let act = Act::Directory(team(&key, &value));
                Step { key: Key::Team(key), value, act }
            }
            1 => {
                let client_ref = client_ref();
                let name = "com.example.done".to_owned();
                let body = AppEvent { name, ..AppEvent::default() }.encode_to_vec().into();
                let key = Key::There(client_ref.clone());
                let act = Act::Publish(PublishRequest { room, client_ref, body });
                Step { key, value: "1".into(), act }
            }
            _ => {
                let (target_seq, client_ref) = (self.one_lasting(), client_ref());
                let key = Key::Pin(target_seq);
                if self.rng.below(3) == 0 {
                    let act = Act::Unpin(UnpinRequest { room, client_ref, target_seq });
                    return Step { key, value: String::new(), act };
                }
                let act = Act::Pin(PinRequest { room, client_ref, target_seq });
                Step { key, value: "1".into(), act }
            }
        }
    }

    fn one_lasting(&mut self) -> u64 {
        self.ground.lasting[self.rng.below(self.ground.lasting.len() as u64) as usize]
    }
}
