//! Open timelines: what the cache has of them, pages before what is shown, whole histories.

use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::RoomId,
    sync::ReadTimelineRequest,
    wire::Error,
};

use super::{Action, Engine, Focus, LoadId, Notice, page::TimelinePage, repair::Task};
use crate::{
    cache::{Run, Write},
    event::LogEvent,
    limits::PAGE_EVENTS,
    timeline::Timeline,
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
}

/// What a read of the cache is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load {
    Opening(RoomId),
    Older(RoomId, u32),
}

impl Engine {
    /// Opens a room's timeline; [`Notice::Opened`] comes when what the cache has is there.
    pub fn open_timeline(&mut self, room: RoomId) {
        if let Some(open) = self.timelines.get(&room) {
            if !open.is_loading {
                self.notices.push_back(Notice::Opened(room));
            }
            return;
        }
        let mut timeline = Timeline::new(room, self.meta.user);
        self.show_unconfirmed(room, &mut timeline);
        self.timelines.insert(room, Open { timeline, is_loading: true, paging: None });
        self.load(Load::Opening(room), room, u64::MAX, PAGE_EVENTS);
        if self.config.focus == Focus::Focused {
            self.subscribe(vec![room]);
        }
    }

    /// An open timeline.
    pub fn timeline(&self, room: RoomId) -> Option<&Timeline> {
        self.timelines.get(&room).map(|open| &open.timeline)
    }

    /// Nobody looks at a timeline any more.
    pub fn close_timeline(&mut self, room: RoomId) {
        if self.timelines.remove(&room).is_some() {
            self.unsubscribe(room);
        }
    }

    /// Adds a page before what is shown; [`Notice::Paged`] comes when it is there.
    pub fn load_older(&mut self, room: RoomId, limit: u32) {
        let Some(open) = self.timelines.get_mut(&room) else {
            return self.notices.push_back(Notice::Paged(room, Err(PageError::Closed)));
        };
        if open.paging.is_some() {
            return;
        }
        let from = open.timeline.from();
        if open.timeline.is_at_start() {
            return self.notices.push_back(Notice::Paged(room, Ok(())));
        }
        open.paging = Some(limit);
        let cached = self.rooms.get(room).is_some_and(|r| !r.log.is_empty() && r.log.from < from);
        if cached || self.session.is_none() {
            self.load(Load::Older(room, limit), room, from, limit);
        } else {
            self.read_older(room, from, limit);
        }
    }

    fn load(&mut self, load: Load, room: RoomId, before: u64, limit: u32) {
        let id = LoadId(self.next_id());
        self.loads.insert(id, load);
        self.actions.push_back(Action::Load { id, room, before, limit: limit as usize });
    }

    fn read_older(&mut self, room: RoomId, from: u64, limit: u32) {
        // Nothing shown yet: the newest page is the one before the end.
        let before_seq = if from == u64::MAX { 0 } else { from };
        let request = ReadTimelineRequest { room: room.to_field(), before_seq, limit };
        let task = Task::Older(room, from, TimelinePage::default());
        self.start_bulk(rpc::ReadTimeline::METHOD.id, &request, task);
    }

    /// A timeline that shows less than a page, since little of its room was kept, gets one more.
    fn fill(&mut self, room: RoomId) {
        let logged = self.rooms.get(room).is_some_and(|record| !record.log.is_empty());
        let Some(open) = self.timelines.get(&room).filter(|_| logged && self.session.is_some())
        else {
            return;
        };
        if open.timeline.items().len() < PAGE_EVENTS as usize / 2 {
            self.load_older(room, PAGE_EVENTS);
        }
    }

    /// What the cache has; an unreadable cache has nothing.
    pub fn handle_loaded(&mut self, id: LoadId, runs: Vec<Run>) {
        match self.loads.remove(&id) {
            Some(Load::Opening(room)) => {
                self.show_runs(room, runs, usize::MAX);
                if let Some(open) = self.timelines.get_mut(&room) {
                    open.is_loading = false;
                }
                self.notices.push_back(Notice::Opened(room));
                self.catch_up(room);
                self.fill(room);
            }
            Some(Load::Older(room, limit)) => {
                let Some(from) = self.timelines.get(&room).map(|open| open.timeline.from()) else {
                    return;
                };
                if self.show_runs(room, runs, limit as usize) {
                    self.finish_paging(room, Ok(()));
                } else if self.session.is_some() {
                    self.read_older(room, from, limit);
                } else {
                    self.finish_paging(room, Err(PageError::Offline));
                }
            }
            None => {}
        }
    }

    /// Shows what the cache has right before what is shown; whether there was anything. Stale
    /// events are better than none while there is no connection.
    fn show_runs(&mut self, room: RoomId, runs: Vec<Run>, limit: usize) -> bool {
        let Some(record) = self.rooms.get(room) else { return false };
        let offline = self.session.is_none();
        let (fresh_from, log_to) = (record.log.from, record.log.to);
        let Some(open) = self.timelines.get_mut(&room) else { return false };
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
        if events.is_empty() {
            return false;
        }
        if events.len() > limit {
            events.truncate(limit);
            next = events.last().map_or(next, LogEvent::seq);
        }
        events.reverse();
        open.timeline.handle_older(next, &events, &[], next == 1);
        true
    }

    pub(super) fn handle_older(&mut self, room: RoomId, before: u64, mut page: TimelinePage) {
        page.finish();
        let Some(open) = self.timelines.get_mut(&room) else { return };
        let before = if before == u64::MAX { page.as_of_seq + 1 } else { before };
        // The timeline started over meanwhile: this page doesn't belong before it.
        if open.timeline.from() != before && open.timeline.from() != u64::MAX {
            return self.page_again();
        }
        self.put_before(room, before, page);
        self.finish_paging(room, Ok(()));
    }

    /// A page right before `before`, which is where the timeline begins, or the log.
    pub(super) fn put_before(&mut self, room: RoomId, before: u64, page: TimelinePage) {
        let from = page.from(before).min(before);
        let mut page = page;
        // What the log has from `before` on is whole already.
        page.events.retain(|event| event.seq() < before);
        if let Some(open) = self.timelines.get_mut(&room) {
            open.timeline.handle_older(from, &page.events, &page.amendments, page.at_start);
        }
        if from < before {
            self.write_run(Run::new(room, from, before - 1, page.events));
        }
        for event in page.amendments.into_iter().filter(|event| event.seq() >= before) {
            let seq = event.seq();
            self.writes.push(Write::Run(Run::new(room, seq, seq, vec![event])));
        }
        if self.rooms.get(room).is_some_and(|record| record.log.from == before) {
            self.rooms.entry(room).log.from = from;
            self.changed_rooms.insert(room);
        }
    }

    pub(super) fn finish_paging(&mut self, room: RoomId, result: Result<(), PageError>) {
        if let Some(open) = self.timelines.get_mut(&room)
            && open.paging.take().is_some()
        {
            self.notices.push_back(Notice::Paged(room, result));
        }
    }

    /// Reads pages that are wanted and on no way yet: those of a connection that is gone, or cut
    /// off, or read for a timeline that has started over.
    pub(super) fn page_again(&mut self) {
        let wanted: Vec<(RoomId, u64, u32)> = self
            .timelines
            .iter()
            .filter(|(room, _)| !self.is_loading_older(**room))
            .filter_map(|(room, open)| Some((*room, open.timeline.from(), open.paging?)))
            .collect();
        for (room, from, limit) in wanted {
            let is_read = |task: &Task| matches!(task, Task::Older(of, ..) if *of == room);
            if self.session.is_some() && !self.bulks.values().any(is_read) {
                self.read_older(room, from, limit);
            }
        }
    }

    fn is_loading_older(&self, room: RoomId) -> bool {
        self.loads.values().any(|load| matches!(load, Load::Older(of, _) if *of == room))
    }

    /// There is no connection and none on its way: pages that were read from the server don't
    /// come.
    pub fn stop_paging(&mut self) {
        let rooms: Vec<RoomId> =
            self.timelines.keys().filter(|room| !self.is_loading_older(**room)).copied().collect();
        for room in rooms {
            self.finish_paging(room, Err(PageError::Interrupted));
        }
    }
}
