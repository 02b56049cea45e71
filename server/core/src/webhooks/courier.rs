//! The courier: says which event of which webhook is to be posted next, and keeps what became of it.
//! Driven from outside, step by step; whatever goes wrong, it can be opened anew and goes on.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{OrgId, RoomId, UserId, WebhookId},
    limits::SEQ_MAX,
    webhook::{WebhookAction, WebhookState, WebhookStopped, WebhooksChanged},
    wire::Event,
};
use prost::Message;

use super::{
    filter::lets_through,
    line::Line,
    rows::{MarkRow, Scope, StateRow, Webhook},
    start::start_of,
    under_way::UnderWay,
};
use crate::{
    draft::{Draft, Guard, NewEvent, OrgDraft, RoomDraft, RowsDraft},
    identity,
    limits::{
        ITEM_BYTES, SCAN_ROWS, WEBHOOK_KEPT_EVERY, WEBHOOK_LOOKS_A_TURN, WEBHOOK_LOOKS_AT_ONCE,
        WEBHOOK_MARKS_AT_ONCE, WEBHOOK_READS, WEBHOOK_STOP_AGAIN,
    },
    node::Node,
    ports::{
        clock::Now,
        posts::{Post, PostError},
        store::{LogKey, ReadRange, Scan, StoreError, Stored},
    },
    records::key,
    rooms::head_counters,
    tables::Table,
};

/// Names a life of a webhook: what was begun in another one means nothing to it.
pub type LineKey = (Scope, WebhookId);

/// What the organization's log says of who did it, where nobody asked for it.
const PARLOUR: &str = "parlour";

/// An event to be posted.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whose.
    pub line: LineKey,
    /// Of which of its lives.
    pub epoch: u32,
    /// What.
    pub post: Post,
}

/// A webhook that has to be stopped.
#[derive(Debug)]
pub struct Stop {
    /// Which.
    pub line: LineKey,
    /// Why.
    pub state: WebhookState,
    /// What says so.
    pub draft: Draft,
}

/// See the module.
pub struct Courier {
    node: Arc<Node>,
    lines: BTreeMap<LineKey, Line>,
    // The one that had its turn last.
    turn: Option<LineKey>,
    under_way: UnderWay,
    kept_at: Duration,
}

impl Courier {
    /// Opens the node's webhooks and looks for what they haven't posted.
    pub async fn open(node: Arc<Node>) -> Result<Courier, StoreError> {
        let mut courier = Courier {
            node,
            lines: BTreeMap::new(),
            turn: None,
            under_way: UnderWay::default(),
            kept_at: Duration::ZERO,
        };
        // From here on nothing is missed.
        courier.node.webhooks.set_used(true);
        courier.reload().await?;
        Ok(courier)
    }

    /// Takes the hints.
    pub async fn hear(&mut self) -> Result<(), StoreError> {
        if self.node.webhooks.take_change() {
            self.reload().await?;
        }
        for room in self.node.webhooks.take_rooms() {
            self.note(room).await?;
        }
        Ok(())
    }

    /// Looks for what nobody gave a hint of.
    pub async fn look_around(&mut self) -> Result<(), StoreError> {
        let hooks: Vec<Webhook> = self.lines.values().map(|line| line.hook.clone()).collect();
        for hook in hooks {
            let (at, rooms) = ((hook.scope, hook.id), self.rooms_of(&hook).await?);
            if let Some(line) = self.lines.get_mut(&at) {
                rooms.iter().for_each(|room| line.wait(*room));
            }
            self.settle(at, &rooms).await?;
        }
        Ok(())
    }

    /// Webhooks that there are, and how many of them are stopped.
    pub fn count(&self) -> (usize, usize) {
        let stopped = self.lines.values().filter(|line| !line.is_active()).count();
        (self.lines.len(), stopped)
    }

    /// Reads all webhooks; those that are as before go on.
    async fn reload(&mut self) -> Result<(), StoreError> {
        let mut before = std::mem::take(&mut self.lines);
        let mut scan = Scan::prefix(Table::WEBHOOKS, Bytes::new(), SCAN_ROWS);
        loop {
            let rows = self.node.store.scan(scan.clone()).await?;
            for (row_key, value) in &rows {
                let Some(hook) = Webhook::parse(row_key, value.clone()) else { continue };
                let at = (hook.scope, hook.id);
                match before.remove(&at).filter(|line| line.hook.row.epoch == hook.row.epoch) {
                    Some(line) => drop(self.lines.insert(at, line)),
                    None => self.begin(hook).await?,
                }
            }
            let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else { break };
            scan.from = key(&[row, &[0]]);
        }
        self.node.webhooks.set_used(!self.lines.is_empty());
        Ok(())
    }

    async fn begin(&mut self, hook: Webhook) -> Result<(), StoreError> {
        let secret = self.node.sealer.open(&hook.row.secret);
        let state = self.node.store.get(Table::WEBHOOK_STATES, &hook.key()).await?;
        let state = state.and_then(|state| StateRow::decode(state).ok());
        let mut line = Line::new(hook, secret.unwrap_or_default(), state);
        if line.secret.is_empty() && line.is_active() {
            // Sealed by another installation: what it signed with is lost.
            line.state.problem = "its secret can't be opened".into();
            line.stops = Some(WebhookState::Failed);
        }
        let (at, rooms) = ((line.hook.scope, line.hook.id), self.rooms_of(&line.hook).await?);
        rooms.iter().for_each(|room| line.wait(*room));
        self.lines.insert(at, line);
        self.settle(at, &rooms).await
    }

    /// Where it begins in rooms is settled when they are first heard of, not when it comes to look at
    /// them: that may be days later, while what it posts isn't taken.
    async fn settle(&mut self, at: LineKey, rooms: &[RoomId]) -> Result<(), StoreError> {
        for room in rooms {
            match self.mark(at, *room).await {
                Ok(_) | Err(StoreError::Damaged) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn rooms_of(&self, hook: &Webhook) -> Result<Vec<RoomId>, StoreError> {
        match hook.scope {
            Scope::Room(room) => Ok(vec![room]),
            Scope::Account(user) => match hook.org() {
                Some(org) => self.node.rooms_of(org, user).await,
                None => Ok(vec![]),
            },
        }
    }

    /// A room's log has an event more.
    async fn note(&mut self, room: RoomId) -> Result<(), StoreError> {
        let own = (Scope::Room(room), WebhookId::from_bytes([0; 16]));
        for (_, line) in self.lines.range_mut(own..).take_while(|((scope, _), _)| *scope == own.0) {
            line.wait(room);
        }
        // Just committed to, so it is in memory.
        let Some(cell) = self.node.rooms.cached(room) else { return Ok(()) };
        // Accounts come behind rooms.
        let first = (Scope::Account(UserId::from_bytes([0; 16])), WebhookId::from_bytes([0; 16]));
        let mut new = Vec::new();
        for (at, line) in self.lines.range_mut(first..) {
            if let Scope::Account(user) = at.0
                && cell.is_member(user)
            {
                line.wait(room);
                new.extend(line.mark(room).is_none().then_some(*at));
            }
        }
        for at in new {
            self.settle(at, &[room]).await?;
        }
        Ok(())
    }

    /// The next event to be posted, if there is one and somebody may be told of it now. Each webhook has
    /// its turn.
    pub async fn next(&mut self, now: Now) -> Result<Option<Delivery>, StoreError> {
        let after = self.turn.map_or(Unbounded, Excluded);
        let keys = self.lines.range((after, Unbounded)).chain(&self.lines).map(|(key, _)| *key);
        let keys: Vec<LineKey> = keys.take(self.lines.len()).collect();
        let mut looks = 0;
        for at in keys {
            // What is in much that isn't wanted is in nobody's way: others have their turn meanwhile.
            for _ in 0..WEBHOOK_LOOKS_A_TURN {
                let looked = match self.next_of(at, now).await {
                    // A room that can't be read is in no other's way.
                    Err(StoreError::Damaged) => break,
                    looked => looked?,
                };
                let Some(delivery) = looked else { break };
                looks += 1;
                if delivery.is_some() || looks == WEBHOOK_LOOKS_AT_ONCE {
                    self.turn = Some(at);
                    return Ok(delivery);
                }
            }
        }
        Ok(None)
    }

    /// Looks at one room of a webhook; `None` where there is nothing more to look at.
    async fn next_of(
        &mut self,
        at: LineKey,
        now: Now,
    ) -> Result<Option<Option<Delivery>>, StoreError> {
        let Some(line) = self.lines.get_mut(&at) else { return Ok(None) };
        if !self.under_way.has_place(at, &line.hook) {
            return Ok(None);
        }
        let Some(room) = line.take_room(now.elapsed) else { return Ok(None) };
        let hook = line.hook.clone();
        if !self.may_read(&hook, room).await? {
            if let (Scope::Room(_), Some(line)) = (hook.scope, self.lines.get_mut(&at)) {
                line.stops = Some(WebhookState::NoAccess);
            }
            return Ok(Some(None));
        }
        let mark = self.mark(at, room).await?;
        let range = ReadRange {
            from: mark + 1,
            to: SEQ_MAX,
            reverse: false,
            records_max: WEBHOOK_READS,
            bytes_max: ITEM_BYTES,
        };
        let stretch = self.node.store.read(LogKey::Room(room), range).await?;
        let Some(line) = self.lines.get_mut(&at) else { return Ok(None) };
        let last = stretch.last().map(|stored| stored.seq);
        for Stored { seq, record } in stretch {
            // One that can't be read doesn't hold up the others.
            let Some(event) = record.filter(|record| is_wanted(&hook, record)) else { continue };
            if seq > mark + 1 {
                line.move_mark(room, seq - 1);
            }
            line.posting = Some((room, seq));
            self.under_way.begin(at, &hook);
            let (url, secret) = (line.url.clone(), line.secret.clone());
            let post = Post { webhook: hook.id, url, secret, room, seq, event };
            return Ok(Some(Some(Delivery { line: at, epoch: hook.row.epoch, post })));
        }
        if let Some(last) = last {
            line.move_mark(room, last);
            line.wait(room);
        }
        Ok(Some(None))
    }

    /// How far a webhook has come in a room.
    async fn mark(&mut self, at: LineKey, room: RoomId) -> Result<u64, StoreError> {
        let Some(line) = self.lines.get_mut(&at) else { return Ok(SEQ_MAX) };
        if let Some(mark) = line.mark(room) {
            return Ok(mark);
        }
        let store = &*self.node.store;
        let row = store.get(Table::WEBHOOK_MARKS, &line.hook.mark_key(room)).await?;
        if let Some(row) = row.and_then(|row| MarkRow::decode(row).ok()) {
            line.recall(room, row.seq);
            return Ok(row.seq);
        }
        let head = head_counters(store, LogKey::Room(room)).await?.seq;
        let start = start_of(store, &line.hook, room, head).await?;
        line.move_mark(room, start);
        Ok(start)
    }

    /// Whether whoever owns a webhook may read that room. Operators, who are in none, may.
    async fn may_read(&self, hook: &Webhook, room: RoomId) -> Result<bool, StoreError> {
        let Some((org, owner)) = hook.org().zip(hook.owner()) else { return Ok(false) };
        let Some(cell) = self.node.room(org, room).await? else { return Ok(false) };
        let directory = self.node.directory(org).await?;
        let is_out = directory.read(|directory| directory.is_deactivated(owner));
        Ok(owner == identity::operator_id(org) || (cell.is_member(owner) && !is_out))
    }

    /// What became of a delivery.
    pub fn handle_posted(
        &mut self,
        at: LineKey,
        epoch: u32,
        result: Result<(), PostError>,
        now: Now,
    ) {
        self.under_way.end(at);
        let mut random = [0; 8];
        self.node.entropy.fill(&mut random);
        let give_up_after_ms =
            self.node.webhooks.port().map_or(u64::MAX, |port| port.give_up_after_ms());
        let line = self.lines.get_mut(&at).filter(|line| line.hook.row.epoch == epoch);
        let Some(line) = line else { return };
        match result {
            // What can't be written never will be.
            Ok(()) | Err(PostError::Unwritable) => line.handle_taken(),
            Err(error) => {
                let random = u64::from_be_bytes(random);
                line.handle_failed(error, now, random, give_up_after_ms);
            }
        }
    }

    /// What keeps how far webhooks have come: now and then, as what was posted twice does no harm.
    pub fn take_drafts(&mut self, now: Now) -> Vec<Draft> {
        if now.elapsed < self.kept_at + WEBHOOK_KEPT_EVERY {
            return vec![];
        }
        let with_news: Vec<&mut Line> =
            self.lines.values_mut().filter(|line| line.has_news()).collect();
        if !with_news.is_empty() {
            self.kept_at = now.elapsed;
        }
        let draft = |line: &mut Line| {
            let puts = line.take_puts(WEBHOOK_MARKS_AT_ONCE);
            let absent = vec![line.hook.guard()];
            let rows = RowsDraft { absent, ..RowsDraft::new(line.hook.shard(), puts) };
            Draft::Rows(Box::new(rows))
        };
        with_news.into_iter().map(draft).collect()
    }

    /// Whether one has to be stopped.
    pub fn has_stops(&self) -> bool {
        self.lines.values().any(|line| line.stops.is_some())
    }

    /// A webhook that has to be stopped, with what says so. Once it is committed or refused, say
    /// [`Courier::handle_stopped`], [`Courier::handle_outdated`] or [`Courier::handle_unstoppable`].
    pub async fn next_stop(&mut self, now: Now) -> Result<Option<Stop>, StoreError> {
        loop {
            let due = |line: &Line| line.stops.filter(|_| line.stop_at <= now.elapsed);
            let found = self.lines.iter().find_map(|(at, line)| Some((*at, due(line)?)));
            let Some((at, state)) = found else { return Ok(None) };
            match self.stop_of(at, state).await {
                Ok(Some(draft)) => return Ok(Some(Stop { line: at, state, draft })),
                // What it was about is gone.
                Ok(None) => drop(self.lines.remove(&at)),
                // One room or organization that can't be read holds up none of the others.
                Err(StoreError::Damaged) => self.handle_unstoppable(at, now),
                Err(error) => return Err(error),
            }
        }
    }

    async fn stop_of(&self, at: LineKey, state: WebhookState) -> Result<Option<Draft>, StoreError> {
        let line = &self.lines[&at];
        let hook = line.hook.clone();
        let row = StateRow { state: state as i32, ..line.state.clone() };
        let puts = vec![hook.state_put(&row)];
        let org = hook.org().unwrap_or(OrgId::from_bytes([0; 16]));
        let draft = match at.0 {
            Scope::Room(room) => {
                let Some(cell) = self.node.room(org, room).await? else { return Ok(None) };
                let event = WebhookStopped {
                    webhook: hook.id.to_field(),
                    name: hook.row.name.clone(),
                    state: state as i32,
                };
                let by: UserId = identity::operator_id(org);
                let body = event.encode_to_vec().into();
                let event = NewEvent::new(by, WebhookStopped::RULE.kind, body);
                let draft = RoomDraft {
                    puts,
                    absent: vec![hook.guard()],
                    ..RoomDraft::new(cell, Guard::Open, event)
                };
                Draft::Room(Box::new(draft))
            }
            Scope::Account(_) => {
                let mut view = hook.public_view();
                view.state = state as i32;
                let event = WebhooksChanged {
                    actor: PARLOUR.into(),
                    action: WebhookAction::Stopped as i32,
                    subject: hook.row.subject.clone(),
                    webhook: Some(Box::new(view)),
                    ..WebhooksChanged::default()
                };
                let cell = self.node.directory(org).await?;
                let draft = OrgDraft {
                    version: cell.head().seq,
                    cell,
                    sender: identity::operator_id(org),
                    kind: WebhooksChanged::RULE.kind,
                    body: event.encode_to_vec().into(),
                    changes: vec![],
                    puts,
                    absent: vec![hook.guard()],
                    jobs: vec![],
                    closes: None,
                };
                Draft::Org(Box::new(draft))
            }
        };
        Ok(Some(draft))
    }

    /// What stops a webhook is committed; otherwise it is asked for again.
    pub fn handle_stopped(&mut self, at: LineKey, state: WebhookState) {
        if let Some(line) = self.lines.get_mut(&at) {
            line.state.state = state as i32;
            line.stops = None;
        }
    }

    /// What stops a webhook can't be committed now: others have their turn, and it comes again later.
    pub fn handle_unstoppable(&mut self, at: LineKey, now: Now) {
        if let Some(line) = self.lines.get_mut(&at) {
            line.stop_at = now.elapsed + WEBHOOK_STOP_AGAIN;
        }
    }

    /// A webhook isn't any more what was known of it: it is read again.
    pub fn handle_outdated(&mut self, at: LineKey) {
        self.lines.remove(&at);
        self.node.webhooks.note_change();
    }

    /// When there is something to do again by itself.
    pub fn deadline(&self, now: Now) -> Option<Duration> {
        // What waits for a place has nothing to do until a post has ended.
        let may = |(at, line): (&LineKey, &Line)| {
            line.due_at().filter(|_| self.under_way.has_place(*at, &line.hook))
        };
        let due = self.lines.iter().filter_map(may).min();
        let keeps = self.lines.values().any(Line::has_news);
        let kept_at = keeps.then(|| (self.kept_at + WEBHOOK_KEPT_EVERY).max(now.elapsed));
        let stops_at = self.lines.values().filter(|line| line.stops.is_some());
        let stops_at = stops_at.map(|line| line.stop_at.max(now.elapsed)).min();
        due.into_iter().chain(kept_at).chain(stops_at).min()
    }
}

fn is_wanted(hook: &Webhook, record: &Bytes) -> bool {
    let Ok(Event { header: Some(header), body }) = Event::decode(record.clone()) else {
        return false;
    };
    let filter = hook.row.filter.clone().unwrap_or_default();
    lets_through(&filter, &header, &body, &hook.row.owner)
}
