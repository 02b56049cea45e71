//! Gaps: what a room misses is read from its log when it is little, else the room starts over from
//! its end. Also the bulk lanes on which all of this is read.

use std::collections::BTreeMap;

use bytes::Bytes;
use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::{ClientRef, RoomId, UserId},
    sync::{ReadLogRequest, ReadTimelineRequest},
    wire::{Error, ErrorReason, Retry},
};
use prost::Message;

use super::syncing::Syncing;
use super::{
    Action, BulkId, Engine, Focus, Notice, PageError, asking::Asked, download::Block,
    page::LogItem, page::TimelinePage, stretch::head_before,
};
use crate::{
    cache::{LogRange, Run, Write},
    event::{LogEvent, Malformed},
    lanes::Bulk,
    limits::{CATCH_UP_EVENTS_MAX, CATCH_UPS_AT_ONCE, PAGE_EVENTS, READ_AGAIN_AFTER},
    time::{Now, sooner},
    timeline::Scope,
};

/// Events of a room that came before the ones before them.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) waiting: BTreeMap<u64, LogEvent>,
}

/// What a bulk lane reads.
#[derive(Debug)]
pub(super) enum Task {
    Sync(Syncing),
    /// The events after the last one known.
    CatchUp(RoomId),
    /// The newest page of a room that starts over.
    Newest(RoomId, TimelinePage),
    /// A page before what is shown.
    Older(Scope, u64, TimelinePage),
    /// An entry of the outbox whose ref expired.
    Search {
        room: RoomId,
        client_ref: ClientRef,
    },
    /// A stretch of the log for the cache, before what is there.
    Download(RoomId, Block),
    /// What the application asks for.
    Asked(Asked),
}

impl Task {
    pub(super) fn room(&self) -> Option<RoomId> {
        match self {
            Task::Sync(_) | Task::Asked(_) => None,
            Task::CatchUp(room) | Task::Newest(room, _) => Some(*room),
            Task::Older(scope, ..) => Some(scope.room),
            Task::Search { room, .. } | Task::Download(room, _) => Some(*room),
        }
    }

    pub(super) fn repairs(&self) -> Option<RoomId> {
        match self {
            Task::CatchUp(room) | Task::Newest(room, _) => Some(*room),
            _ => None,
        }
    }
}

/// Whether the same may be asked again, and answered.
pub(super) fn is_transient(error: &Error) -> bool {
    let again = [Retry::Same, Retry::AfterDelay, Retry::Reconnect, Retry::AfterReauth];
    again.iter().any(|retry| *retry as i32 == error.retry)
}

impl Engine {
    pub(super) fn start_bulk(&mut self, method: u32, request: &impl Message, task: Task) {
        let id = BulkId(self.next_id());
        self.bulks.insert(id, task);
        let body = request.encode_to_vec().into();
        self.actions.push_back(Action::Bulk { id, method, body });
    }

    /// Something a bulk lane says.
    pub fn handle_bulk(&mut self, id: BulkId, bulk: Bulk, now: Now) {
        let handled = match bulk {
            Bulk::Item(item) => self.handle_item(id, item, now),
            Bulk::End => {
                if let Some(task) = self.bulks.remove(&id) {
                    self.handle_end(id, task, now);
                }
                Ok(())
            }
            Bulk::Failed(error) => {
                self.handle_bulk_failed(id, &error, now);
                Ok(())
            }
        };
        if handled.is_err() {
            self.actions.push_back(Action::CancelBulk(id));
            self.handle_bulk_cut(id, now);
        }
    }

    /// A bulk lane was cut off, or couldn't be opened.
    pub fn handle_bulk_cut(&mut self, id: BulkId, now: Now) {
        let Some(task) = self.bulks.remove(&id) else { return };
        match task {
            Task::Sync(_) => {
                self.sync_at = sooner(self.sync_at, Some(now.elapsed + READ_AGAIN_AFTER));
            }
            Task::Search { client_ref, .. } => self.outbox.handle_search_failed(client_ref, now),
            Task::Asked(asked) => self.handle_asking_cut(id, asked, now),
            Task::CatchUp(_) | Task::Newest(_, _) | Task::Older(..) | Task::Download(..) => {
                self.repair_at = sooner(self.repair_at, Some(now.elapsed + READ_AGAIN_AFTER));
            }
        }
    }

    fn handle_bulk_failed(&mut self, id: BulkId, error: &Error, now: Now) {
        if matches!(self.bulks.get(&id), Some(Task::Asked(_))) {
            return self.handle_asking_failed(id, error, now);
        }
        let gone = error.reason == ErrorReason::RoomNotFound as i32;
        if gone && let Some(room) = self.bulks.get(&id).and_then(Task::room) {
            self.stop_paging_of(room);
            // Asked once more in a way whose answer is certain. If the room is there after all,
            // what was read here is read again.
            self.handle_bulk_cut(id, now);
            return self.describe(room);
        }
        // What may be tried again is, by itself.
        if is_transient(error) {
            return self.handle_bulk_cut(id, now);
        }
        let refused = PageError::Refused(Box::new(error.clone()));
        match self.bulks.get(&id) {
            Some(Task::Download(room, _)) => {
                let room = *room;
                self.bulks.remove(&id);
                self.stop_download(room);
                self.notices.push_back(Notice::Downloaded(room, Err(refused)));
            }
            Some(Task::Older(scope, ..)) => {
                let scope = *scope;
                self.bulks.remove(&id);
                self.finish_paging(scope, Err(refused));
            }
            _ => self.handle_bulk_cut(id, now),
        }
    }

    fn handle_item(&mut self, id: BulkId, item: Bytes, now: Now) -> Result<(), Malformed> {
        match self.bulks.get_mut(&id) {
            Some(Task::Sync(_)) => self.handle_sync_item(id, item, now),
            Some(Task::Newest(_, page) | Task::Older(_, _, page)) => page.add(&item),
            Some(Task::CatchUp(room)) => {
                let room = *room;
                self.handle_catch_up(room, LogItem::parse(&item)?, now);
                Ok(())
            }
            Some(Task::Search { .. }) => {
                let Some(me) = self.session.as_ref().map(|session| session.me) else {
                    return Ok(());
                };
                for event in LogItem::parse(&item)?.events {
                    self.handle_echo(&event, me);
                }
                Ok(())
            }
            Some(Task::Download(room, block)) => {
                let room = *room;
                self.writes.extend(block.add(room, &item)?.into_iter().map(Write::Packed));
                Ok(())
            }
            Some(Task::Asked(asked)) => {
                if !asked.add(item) {
                    self.give_up_asking(id);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn handle_end(&mut self, id: BulkId, task: Task, now: Now) {
        match task {
            Task::Sync(_) => {}
            Task::CatchUp(room) => self.repair_next(room),
            Task::Newest(room, page) => {
                self.handle_newest(room, page, now);
                self.repair_next(room);
                self.continue_downloads();
            }
            Task::Older(scope, before, page) => self.handle_older(scope, before, page),
            Task::Search { client_ref, .. } => self.finish_search(client_ref),
            Task::Download(room, block) => self.handle_downloaded(room, block),
            Task::Asked(asked) => {
                self.notices.push_back(Notice::Answered(id, Ok(asked.into_items())));
            }
        }
    }

    // Catching up.

    /// Whether a timeline is open that has nothing yet. A log without events has been read once its
    /// beginning is known.
    fn wants_newest(&self, room: RoomId) -> bool {
        self.timeline(room).is_some_and(|timeline| !timeline.is_at_start())
    }

    /// Reads what a room misses, if it misses anything that is wanted.
    pub(super) fn catch_up(&mut self, room: RoomId) {
        let Some(record) = self.rooms.get(room) else { return };
        let waiting_to = self.logs.get(&room).and_then(|log| log.waiting.keys().next().copied());
        let wanted_to = record.head.seq.max(waiting_to.unwrap_or(0));
        let is_open = self.is_open(room);
        let never_read = record.log.is_empty() && self.wants_newest(room);
        if self.session.is_none() || (wanted_to <= record.log.to && !never_read) {
            return;
        }
        // Whole events come of this room: what is missing is a gap in what the application sees.
        let is_followed = is_open || waiting_to.is_some() || self.config.focus == Focus::All;
        let missing = wanted_to.saturating_sub(record.log.to);
        let (head, to) = (record.head.seq, record.log.to);
        // Events begin at 1: it isn't known yet from where on this one is followed.
        let is_unplaced = to == 0 && waiting_to.is_none();
        if !is_open && (is_unplaced || !is_followed) {
            // Nobody looks at it: as long as nothing of it is kept, it goes on from its head.
            if record.log.is_empty() {
                self.start_log(room, head);
                self.changed_rooms.insert(room);
            }
            return;
        }
        if !is_open && missing > CATCH_UP_EVENTS_MAX {
            return self.skip_to(room, head.max(waiting_to.map_or(0, |seq| seq - 1)));
        }
        let busy = self.bulks.values().filter(|task| task.repairs().is_some()).count();
        let under_way = self.bulks.values().any(|task| task.repairs() == Some(room));
        if under_way || (!is_open && busy >= CATCH_UPS_AT_ONCE) {
            return;
        }
        if never_read || missing > CATCH_UP_EVENTS_MAX {
            let request =
                ReadTimelineRequest { room: room.to_field(), before_seq: 0, limit: PAGE_EVENTS };
            let task = Task::Newest(room, TimelinePage::default());
            self.start_bulk(rpc::ReadTimeline::METHOD.id, &request, task);
        } else {
            let request =
                ReadLogRequest { room: room.to_field(), from_seq: to + 1, to_seq: 0, limit: 0 };
            self.start_bulk(rpc::ReadLog::METHOD.id, &request, Task::CatchUp(room));
        }
    }

    /// The device has another address. What was on its way to the old one comes again on the event
    /// lane, but a round trip later, and holds up what follows; so the rooms that matter most, the
    /// open ones first, are read on lanes of their own.
    pub fn handle_network_changed(&mut self) {
        if self.session.is_none() {
            return;
        }
        let newest_first = self.rooms.items().into_iter().map(|room| room.id);
        let (open, others): (Vec<_>, Vec<_>) = newest_first.partition(|room| self.is_open(*room));
        let others = others.into_iter().filter(|_| self.config.focus == Focus::All);
        let rooms: Vec<RoomId> = open.into_iter().chain(others).take(CATCH_UPS_AT_ONCE).collect();
        rooms.into_iter().for_each(|room| self.read_on(room));
    }

    /// Reads what a room's log has after the last event known, even if nothing tells of more.
    fn read_on(&mut self, room: RoomId) {
        let Some(record) = self.rooms.get(room) else { return };
        let never_read = record.log.is_empty() && self.wants_newest(room);
        let missing = record.head.seq.saturating_sub(record.log.to);
        let starts_over = |task: &Task| matches!(task, Task::Newest(of, _) if *of == room);
        if never_read || missing > CATCH_UP_EVENTS_MAX || self.bulks.values().any(starts_over) {
            return;
        }
        let from_seq = record.log.to + 1;
        // The answer to one from the old address may be lost.
        let same = |task: &Task| matches!(task, Task::CatchUp(of) if *of == room);
        for (id, _) in self.bulks.extract_if(.., |_, task| same(task)) {
            self.actions.push_back(Action::CancelBulk(id));
        }
        let request = ReadLogRequest { room: room.to_field(), from_seq, to_seq: 0, limit: 0 };
        self.start_bulk(rpc::ReadLog::METHOD.id, &request, Task::CatchUp(room));
    }

    /// Catches up whatever is behind, as many rooms at once as may be.
    pub(super) fn repair_all(&mut self) {
        let behind = |r: &&crate::cache::RoomRecord| r.head.seq > r.log.to;
        let mut rooms: Vec<RoomId> = self.rooms.iter().filter(behind).map(|r| r.id).collect();
        rooms.extend(self.logs.keys());
        rooms.extend(self.timelines.keys().map(|scope| scope.room));
        for room in rooms {
            self.catch_up(room);
            self.ask_polls(room);
        }
        self.page_again();
        self.ask_again();
        self.subscribe_again();
        self.continue_downloads();
    }

    fn repair_next(&mut self, done: RoomId) {
        self.catch_up(done);
        let behind = |r: &&crate::cache::RoomRecord| r.head.seq > r.log.to;
        let next: Vec<RoomId> = self
            .rooms
            .iter()
            .filter(behind)
            .map(|record| record.id)
            .filter(|room| *room != done)
            .take(CATCH_UPS_AT_ONCE)
            .collect();
        next.into_iter().for_each(|room| self.catch_up(room));
        self.fill_open(done);
    }

    fn handle_catch_up(&mut self, room: RoomId, item: LogItem, now: Now) {
        let Some(to) = self.rooms.get(room).map(|record| record.log.to) else { return };
        let mut ready: Vec<LogEvent> =
            item.events.into_iter().filter(|event| event.seq() > to).collect();
        ready.dedup_by_key(|event| event.seq());
        self.accept(room, ready, item.covered_to.max(to), now);
    }

    /// Gives up what is between, of a room that nobody looks at.
    pub(super) fn skip_to(&mut self, room: RoomId, to: u64) {
        self.mark_stale(room);
        self.start_log(room, to);
        if let Some(log) = self.logs.get_mut(&room) {
            log.waiting = log.waiting.split_off(&(to + 1));
        }
        self.changed_rooms.insert(room);
        // What has waited goes on from here.
        let waiting: Vec<LogEvent> = self
            .logs
            .get_mut(&room)
            .map(|log| std::mem::take(&mut log.waiting).into_values().collect())
            .unwrap_or_default();
        if !waiting.is_empty() {
            self.logs.entry(room).or_default().waiting =
                waiting.into_iter().map(|event| (event.seq(), event)).collect();
        }
        self.continue_downloads();
    }

    fn handle_newest(&mut self, room: RoomId, mut page: TimelinePage, now: Now) {
        let Some(record) = self.rooms.get(room) else { return };
        page.finish();
        self.expiring.note(room, &page.events);
        let log = record.log;
        if !log.is_empty() && page.as_of_seq + 1 >= log.from && page.as_of_seq <= log.to {
            // Live events came meanwhile: the page stands before them.
            return self.put_before(room, log.from, page);
        }
        if page.as_of_seq < log.to {
            return self.repair_soon(now);
        }
        let to = page.as_of_seq;
        let from = page.from(to + 1);
        if !log.is_empty() {
            self.mark_stale(room);
        }
        let Some(me) = self.session.as_ref().map(|session| session.me) else { return };
        for event in &page.events {
            self.handle_echo(event, me);
        }
        self.learn_news(room, &page.events, me, now);
        let mut events = page.events.clone();
        events.extend(page.amendments.iter().filter(|e| (from..=to).contains(&e.seq())).cloned());
        events.sort_by_key(LogEvent::seq);
        events.dedup_by_key(|event| event.seq());
        if from <= to {
            self.writes.push(Write::Run(Run::new(room, from, to, events)));
        }
        let record = self.rooms.entry(room);
        record.log = LogRange { from, to };
        record.head.seq = record.head.seq.max(to);
        self.settle(room, to);
        self.doubt_polls(room);
        self.learn_polls(room, &page.polls);
        if let Some(open) = self.timelines.get_mut(&Scope::from(room)) {
            open.timeline.handle_reset(from, &page.events, &page.amendments, page.at_start);
            open.timeline.handle_threads(&page.threads);
            open.fills = 0;
        }
        self.restart_threads(room);
        self.refresh_outbox_items();
        self.changed(room);
        // Those that waited behind the page.
        self.accept(room, Vec::new(), to, now);
        self.drain_waiting(room, now);
    }

    /// Events of a page that nothing has told of yet: they count, as live ones do.
    fn learn_news(&mut self, room: RoomId, events: &[LogEvent], me: UserId, now: Now) {
        let known_to = self.rooms.entry(room).head.seq;
        let news = &events[events.partition_point(|event| event.seq() <= known_to)..];
        let Some(first) = news.first() else { return };
        self.jump(room, head_before(first), now);
        for event in news {
            self.learn_from_event(room, event, me, now);
        }
        if first.seq() > known_to + 1 {
            self.rooms.entry(room).counts.doubt();
            self.recount_soon(now);
        }
    }

    /// What is kept of the room may lack what came later.
    fn mark_stale(&mut self, room: RoomId) {
        self.writes.push(Write::Stale(room));
        self.restart_download(room);
    }

    fn drain_waiting(&mut self, room: RoomId, now: Now) {
        let Some(to) = self.rooms.get(room).map(|record| record.log.to) else { return };
        let next = self.logs.get_mut(&room).and_then(|log| log.waiting.remove(&(to + 1)));
        if let Some(event) = next {
            self.accept(room, vec![event], to + 1, now);
        }
    }

    /// Repairs what is left to repair after a while.
    pub(super) fn repair_soon(&mut self, now: Now) {
        self.repair_at = sooner(self.repair_at, Some(now.elapsed + READ_AGAIN_AFTER));
    }
}
