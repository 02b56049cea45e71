//! Open timelines: what the cache has of them, pages before what is shown, whole histories.

use std::ops::RangeInclusive;

use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::RoomId,
    sync::ReadTimelineRequest,
    thread::ReadThreadRequest,
    wire::Error,
};

use super::{Action, Engine, Focus, LoadId, Notice, page::TimelinePage, repair::Task};
use crate::{
    cache::{RoomRecord, Run, Write},
    event::{LogEvent, deleted_by},
    limits::{FILLS_MAX, PAGE_EVENTS, THREAD_CACHED_EVENTS},
    timeline::{Scope, Timeline},
};

/// Why a page of history couldn't be had.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PageError {
    /// It isn't in the cache and there is no connection.
    #[error("not in the cache, and there is no connection")]
    Offline,
    /// The answer was cut off.
    #[error("the answer was cut off")]
    Interrupted,
    /// The user isn't in the room.
    #[error("no longer in the room")]
    RoomLost,
    /// The server refused.
    #[error("refused: {0}")]
    Refused(Box<Error>),
    /// The timeline isn't open.
    #[error("the timeline is closed")]
    Closed,
}

/// A timeline somebody looks at.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) timeline: Timeline,
    is_loading: bool,
    /// A page before what is shown is wanted, of so many events.
    paging: Option<u32>,
    /// Pages in a row that were read since it shows little.
    pub(super) fills: u32,
}

/// What a read of the cache is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load {
    Opening(Scope),
    Older(Scope, u32),
}

impl Engine {
    /// Opens the timeline of a room or thread; [`Notice::Opened`] comes when what the cache has is
    /// there.
    pub fn open_timeline(&mut self, scope: impl Into<Scope>) {
        let scope = scope.into();
        if let Some(open) = self.timelines.get(&scope) {
            if !open.is_loading {
                self.notices.push_back(Notice::Opened(scope));
            }
            return;
        }
        let mut timeline = Timeline::new(scope, self.meta.user);
        if let Some(record) = self.rooms.get(scope.room) {
            timeline.handle_polls(&record.polls);
        }
        self.show_unconfirmed(scope.room, &mut timeline);
        let is_first = !self.is_open(scope.room);
        self.timelines.insert(scope, Open { timeline, is_loading: true, paging: None, fills: 0 });
        let limit = if scope.is_thread() { THREAD_CACHED_EVENTS } else { PAGE_EVENTS };
        self.load(Load::Opening(scope), scope.room, u64::MAX, limit);
        if is_first && self.config.focus == Focus::Focused {
            self.subscribe(vec![scope.room]);
        }
    }

    /// An open timeline.
    pub fn timeline(&self, scope: impl Into<Scope>) -> Option<&Timeline> {
        self.timelines.get(&scope.into()).map(|open| &open.timeline)
    }

    /// Nobody looks at a timeline any more.
    pub fn close_timeline(&mut self, scope: impl Into<Scope>) {
        let scope = scope.into();
        if self.timelines.remove(&scope).is_some() && !self.is_open(scope.room) {
            self.unsubscribe(scope.room);
        }
    }

    /// Whether somebody looks at a room or one of its threads.
    pub(super) fn is_open(&self, room: RoomId) -> bool {
        self.timelines.range(all_of(room)).next().is_some()
    }

    /// The open timelines of a room: its own, and those of its threads.
    pub(super) fn timelines_of(&mut self, room: RoomId) -> impl Iterator<Item = &mut Timeline> {
        self.timelines.range_mut(all_of(room)).map(|(_, open)| &mut open.timeline)
    }

    /// Adds a page before what is shown; [`Notice::Paged`] comes when it is there.
    pub fn load_older(&mut self, scope: impl Into<Scope>, limit: u32) {
        let scope = scope.into();
        let Some(open) = self.timelines.get_mut(&scope) else {
            return self.notices.push_back(Notice::Paged(scope, Err(PageError::Closed)));
        };
        if open.paging.is_some() {
            return;
        }
        let from = open.timeline.from();
        if open.timeline.is_at_start() {
            return self.notices.push_back(Notice::Paged(scope, Ok(())));
        }
        open.paging = Some(limit);
        let in_log = |r: &RoomRecord| !r.log.is_empty() && r.log.from < from;
        let cached = !scope.is_thread() && self.rooms.get(scope.room).is_some_and(in_log);
        if cached || self.session.is_none() {
            self.load(Load::Older(scope, limit), scope.room, from, limit);
        } else {
            self.read_older(scope, from, limit);
        }
    }

    fn load(&mut self, load: Load, room: RoomId, before: u64, limit: u32) {
        let id = LoadId(self.next_id());
        self.loads.insert(id, load);
        self.actions.push_back(Action::Load { id, room, before, limit: limit as usize });
    }

    fn read_older(&mut self, scope: Scope, from: u64, limit: u32) {
        // Nothing shown yet: the newest page is the one before the end.
        let before_seq = if from == u64::MAX { 0 } else { from };
        let task = Task::Older(scope, from, TimelinePage::default());
        let room = scope.room.to_field();
        if scope.is_thread() {
            let request = ReadThreadRequest { room, root_seq: scope.root, before_seq, limit };
            self.start_bulk(rpc::ReadThread::METHOD.id, &request, task);
        } else {
            let request = ReadTimelineRequest { room, before_seq, limit };
            self.start_bulk(rpc::ReadTimeline::METHOD.id, &request, task);
        }
    }

    /// A timeline that shows less than a page, since little of its room was kept, or much of that is
    /// edits and deletes, gets one more, and another one until it is enough.
    pub(super) fn fill(&mut self, scope: Scope) {
        let logged = self.rooms.get(scope.room).is_some_and(|record| !record.log.is_empty());
        let Some(open) = self.timelines.get_mut(&scope).filter(|_| self.session.is_some()) else {
            return;
        };
        let shows_little = open.timeline.items().len() < PAGE_EVENTS as usize / 2;
        if !shows_little || open.timeline.is_at_start() {
            open.fills = 0;
        } else if (logged || scope.is_thread()) && open.fills < FILLS_MAX {
            open.fills += 1;
            self.load_older(scope, PAGE_EVENTS);
        }
    }

    /// Events may be the first that is known of a room, before anybody has read of it what an open
    /// timeline is to show: it shows what stands before them, too.
    pub(super) fn fill_open(&mut self, room: RoomId) {
        let is_unread = self.rooms.get(room).is_none_or(|record| record.log.is_empty());
        if is_unread || self.bulks.values().any(|task| task.repairs() == Some(room)) {
            return;
        }
        let open = self.timelines.range(all_of(room)).filter(|(_, open)| !open.is_loading);
        let scopes: Vec<Scope> = open.map(|(scope, _)| *scope).collect();
        scopes.into_iter().for_each(|scope| self.fill(scope));
    }

    /// What the cache has; an unreadable cache has nothing.
    pub fn handle_loaded(&mut self, id: LoadId, runs: Vec<Run>) {
        match self.loads.remove(&id) {
            Some(Load::Opening(scope)) => {
                self.show_runs(scope, runs, usize::MAX);
                if let Some(open) = self.timelines.get_mut(&scope) {
                    open.is_loading = false;
                }
                self.notices.push_back(Notice::Opened(scope));
                self.catch_up(scope.room);
                self.ask_polls(scope.room);
                self.fill(scope);
            }
            Some(Load::Older(scope, limit)) => {
                let Some(from) = self.timelines.get(&scope).map(|open| open.timeline.from()) else {
                    return;
                };
                if self.show_runs(scope, runs, limit as usize) {
                    self.ask_polls(scope.room);
                    self.finish_paging(scope, Ok(()));
                } else if self.session.is_some() {
                    self.read_older(scope, from, limit);
                } else {
                    self.finish_paging(scope, Err(PageError::Offline));
                }
            }
            None => {}
        }
    }

    /// Shows what the cache has right before what is shown; whether there was anything. Stale
    /// events are better than none while there is no connection.
    fn show_runs(&mut self, scope: Scope, runs: Vec<Run>, limit: usize) -> bool {
        let Some(record) = self.rooms.get(scope.room) else { return false };
        let offline = self.session.is_none();
        let (fresh_from, log_to) = (record.log.from, record.log.to);
        let Some(open) = self.timelines.get_mut(&scope) else { return false };
        let mut next = match open.timeline.from() {
            u64::MAX if offline => u64::MAX,
            // What was accepted while the cache was read is shown already.
            u64::MAX => log_to + 1,
            from => from,
        };
        let mut events: Vec<LogEvent> = Vec::new();
        for run in runs {
            let touches = next == u64::MAX || run.to + 1 >= next;
            let usable = !run.is_stale && run.to >= fresh_from && touches;
            if !usable && !offline || events.len() >= limit {
                break;
            }
            events.extend(run.events.into_iter().rev().filter(|event| event.seq() < next));
            next = next.min(run.from);
        }
        events.retain(|event| scope.covers(event));
        if events.is_empty() {
            return false;
        }
        if events.len() > limit {
            events.truncate(limit);
            next = events.last().map_or(next, LogEvent::seq);
        }
        events.reverse();
        open.timeline.handle_older(next, &events, &[], next <= scope.root.max(1));
        self.expiring.note(scope.room, &events);
        true
    }

    pub(super) fn handle_older(&mut self, scope: Scope, before: u64, mut page: TimelinePage) {
        page.finish();
        self.expiring.note(scope.room, &page.events);
        let Some(open) = self.timelines.get_mut(&scope) else { return };
        let shown_from = open.timeline.from();
        let started_over = shown_from == u64::MAX && before != u64::MAX;
        let before = if before == u64::MAX { page.as_of_seq + 1 } else { before };
        // The timeline started over meanwhile: this page doesn't belong before it.
        if started_over || (shown_from != before && shown_from != u64::MAX) {
            return self.page_again();
        }
        if scope.is_thread() {
            self.put_thread_page(scope, before, page);
        } else {
            self.put_before(scope.room, before, page);
        }
        self.finish_paging(scope, Ok(()));
    }

    /// A page right before `before`, which is where the timeline begins, or the log.
    pub(super) fn put_before(&mut self, room: RoomId, before: u64, page: TimelinePage) {
        let from = page.from(before).min(before);
        let mut page = page;
        self.learn_polls(room, &page.polls);
        // What the log has from `before` on is whole already.
        page.events.retain(|event| event.seq() < before);
        if let Some(open) = self.timelines.get_mut(&Scope::from(room)) {
            open.timeline.handle_threads(&page.threads);
            open.timeline.handle_older(from, &page.events, &page.amendments, page.at_start);
        }
        // What is older may be in the cache from another time.
        let deleted = deleted_by(page.events.iter().chain(&page.amendments));
        if from < before {
            self.write_run(Run::new(room, from, before - 1, page.events));
        }
        if !deleted.is_empty() {
            self.writes.push(Write::Erase(room, deleted));
        }
        for event in page.amendments.into_iter().filter(|event| event.seq() >= before) {
            self.write_one(room, event);
        }
        if self.rooms.get(room).is_some_and(|record| record.log.from == before) {
            self.rooms.entry(room).log.from = from;
            self.changed_rooms.insert(room);
        }
    }

    /// Keeps an event by itself.
    pub(super) fn write_one(&mut self, room: RoomId, event: LogEvent) {
        let seq = event.seq();
        self.writes.push(Write::Run(Run::new(room, seq, seq, vec![event])));
    }

    pub(super) fn finish_paging(&mut self, scope: Scope, result: Result<(), PageError>) {
        if let Some(open) = self.timelines.get_mut(&scope)
            && open.paging.take().is_some()
        {
            let is_there = result.is_ok();
            self.notices.push_back(Notice::Paged(scope, result));
            if is_there {
                self.fill(scope);
            }
        }
    }

    /// The user isn't in the room any more.
    pub(super) fn stop_paging_of(&mut self, room: RoomId) {
        let scopes: Vec<Scope> = self.timelines.range(all_of(room)).map(|(s, _)| *s).collect();
        for scope in scopes {
            self.finish_paging(scope, Err(PageError::RoomLost));
        }
    }

    /// Reads pages that are wanted and on no way yet: those of a connection that is gone, or cut
    /// off, or read for a timeline that has started over.
    pub(super) fn page_again(&mut self) {
        let wanted: Vec<(Scope, u64, u32)> = self
            .timelines
            .iter()
            .filter(|(scope, _)| !self.is_loading_older(**scope))
            .filter_map(|(scope, open)| Some((*scope, open.timeline.from(), open.paging?)))
            .collect();
        for (scope, from, limit) in wanted {
            let is_read = |task: &Task| matches!(task, Task::Older(of, ..) if *of == scope);
            if self.session.is_some() && !self.bulks.values().any(is_read) {
                self.read_older(scope, from, limit);
            }
        }
    }

    fn is_loading_older(&self, scope: Scope) -> bool {
        self.loads.values().any(|load| matches!(load, Load::Older(of, _) if *of == scope))
    }

    /// There is no connection and none on its way: pages that were read from the server don't
    /// come.
    pub fn stop_paging(&mut self) {
        let scopes: Vec<Scope> = self
            .timelines
            .keys()
            .filter(|scope| !self.is_loading_older(**scope))
            .copied()
            .collect();
        for scope in scopes {
            self.finish_paging(scope, Err(PageError::Interrupted));
        }
    }
}

fn all_of(room: RoomId) -> RangeInclusive<Scope> {
    Scope::from(room)..=Scope::thread(room, u64::MAX)
}
