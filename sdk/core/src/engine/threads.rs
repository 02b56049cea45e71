//! Threads: pages of those that are open, and the counts of those that the user follows.

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventBody, Rpc, rpc},
    ids::{RoomId, UserId},
    limits::SEQ_MAX,
    marker::Marker,
    thread::{FollowedThread, ListThreadsRequest, ListThreadsResponse, ThreadFollowed},
    wire::Error,
};
use prost::Message;

use super::{Engine, Purpose, page::TimelinePage, repair::Task, repair::is_transient};
use crate::{
    cache::ThreadRecord,
    counts::{Counts, Head},
    event::LogEvent,
    limits::THREADS_ASKED,
    time::Now,
    timeline::Scope,
};

impl Engine {
    /// A page of a thread, right before `before`.
    pub(super) fn put_thread_page(&mut self, scope: Scope, before: u64, page: TimelinePage) {
        self.learn_polls(scope.room, &page.polls);
        let first = page.events.first().map_or(before, LogEvent::seq);
        if let Some(open) = self.timelines.get_mut(&scope) {
            let (events, amendments) = (&page.events, &page.amendments);
            open.timeline.handle_older(first, events, amendments, page.at_start);
        }
        // What the log has is kept already.
        let known = self.rooms.get(scope.room).map(|record| record.log);
        let is_kept = |seq| known.is_some_and(|log| (log.from..=log.to).contains(&seq));
        for event in page.events.into_iter().chain(page.amendments) {
            if known.is_some() && !is_kept(event.seq()) {
                self.write_one(scope.room, event);
            }
        }
    }

    /// The room started over from its end: what its threads show may lack something.
    pub(super) fn restart_threads(&mut self, room: RoomId) {
        let threads: Vec<Scope> =
            self.timelines.keys().filter(|s| s.room == room && s.is_thread()).copied().collect();
        for scope in threads {
            if let Some(open) = self.timelines.get_mut(&scope) {
                open.timeline.handle_reset(u64::MAX, &[], &[], false);
                open.fills = 0;
            }
            self.fill(scope);
        }
    }

    /// What the user's own log says of threads.
    pub(super) fn handle_thread_news(&mut self, body: EventBody, now: Now) {
        match body {
            EventBody::ThreadFollowed(followed) => {
                if let Ok(room) = RoomId::parse(&followed.room) {
                    self.follow(room, &followed, now);
                }
            }
            EventBody::ThreadUnfollowed(gone) => {
                if let Ok(room) = RoomId::parse(&gone.room) {
                    self.unfollow(room, gone.root_seq);
                }
            }
            EventBody::ThreadMarkerMoved(moved) => {
                if let (Ok(room), Some(marker)) = (RoomId::parse(&moved.room), moved.marker) {
                    self.move_thread_marker(room, moved.root_seq, marker, now);
                }
            }
            // Counts of threads come with the room's digest.
            EventBody::Mentioned(_) | EventBody::MentionWithdrawn(_) => self.doubt_threads(now),
            _ => {}
        }
    }

    // Counts.

    /// What a digest says of the threads that the user follows in its room.
    pub(super) fn learn_threads(&mut self, room: RoomId, followed: &[FollowedThread]) {
        self.rooms.entry(room).threads = followed.iter().filter_map(record).collect();
    }

    /// The next event of a thread. Those that stand in none are the room's.
    pub(super) fn learn_from_thread(&mut self, room: RoomId, event: &LogEvent, me: UserId) {
        let header = &event.header;
        let is_by_blocked = self.is_by_blocked(event);
        let threads = &mut self.rooms.entry(room).threads;
        let Some(thread) = threads.iter_mut().find(|t| t.root_seq == header.thread_root_seq) else {
            return;
        };
        if event.seq() <= thread.head.seq {
            return;
        }
        thread.counts.handle_event(event, me, is_by_blocked);
        let before = thread.head;
        thread.head = Head {
            seq: header.seq,
            at_ms: header.at_ms,
            msg_no: before.msg_no.max(header.thread_no),
            del_no: before.del_no + event.deleted().len() as u64,
            ..before
        };
        self.threads_uncertain |= thread.counts.is_uncertain;
    }

    /// The user follows a thread from now on. What is in it may have been seen before or not at all:
    /// the server tells.
    pub(super) fn follow(&mut self, room: RoomId, followed: &ThreadFollowed, now: Now) {
        let Some(record) = self.rooms.get(room) else { return };
        let (head, root_seq) = (record.head.seq, followed.root_seq.min(SEQ_MAX));
        let marker = followed.marker.unwrap_or_default();
        let threads = &mut self.rooms.entry(room).threads;
        threads.retain(|thread| thread.root_seq != root_seq);
        let seq = marker.seq.min(head);
        threads.push(ThreadRecord {
            root_seq,
            head: Head { seq, msg_no: marker.msg_no, ..Head::default() },
            // Replies that came before this did aren't counted.
            counts: Counts { marker, is_uncertain: true, ..Counts::default() },
        });
        self.changed(room);
        self.doubt_threads(now);
    }

    /// The user follows a thread no longer.
    pub(super) fn unfollow(&mut self, room: RoomId, root_seq: u64) {
        if self.rooms.get(room).is_some() {
            self.rooms.entry(room).threads.retain(|thread| thread.root_seq != root_seq);
            self.changed(room);
        }
    }

    /// The user's marker in a thread is at another place.
    pub(super) fn move_thread_marker(
        &mut self,
        room: RoomId,
        root_seq: u64,
        marker: Marker,
        now: Now,
    ) {
        if self.rooms.get(room).is_none() {
            return;
        }
        let threads = &mut self.rooms.entry(room).threads;
        let Some(thread) = threads.iter_mut().find(|thread| thread.root_seq == root_seq) else {
            return;
        };
        let head = thread.head;
        thread.counts.handle_marker(marker, head);
        let is_uncertain = thread.counts.is_uncertain;
        self.changed(room);
        if is_uncertain {
            self.doubt_threads(now);
        }
    }

    /// Asks for the counts of threads, soon and once for all of them.
    pub(super) fn doubt_threads(&mut self, now: Now) {
        self.threads_uncertain = true;
        self.recount_soon(now);
    }

    /// Digests of rooms that changed have them. One under way may have been read before.
    pub(super) fn recount_threads(&mut self, now: Now) {
        if !self.threads_uncertain {
            return;
        }
        if self.bulks.values().any(|task| matches!(task, Task::Sync(_))) {
            return self.recount_soon(now);
        }
        self.threads_uncertain = false;
        self.start_sync();
    }

    /// Digests left these out: nothing has happened in their rooms, so the server is asked for them.
    pub(super) fn ask_threads(&mut self, page: Bytes) {
        let is_uncertain = |thread: &ThreadRecord| thread.counts.is_uncertain;
        let is_asking = self.calls.values().any(|purpose| matches!(purpose, Purpose::Threads));
        if is_asking || !self.rooms.iter().any(|record| record.threads.iter().any(is_uncertain)) {
            return;
        }
        let request = ListThreadsRequest { page, page_size: THREADS_ASKED, unread_only: false };
        let body = request.encode_to_vec().into();
        self.start_call(rpc::ListThreads::METHOD.id, body, Purpose::Threads);
    }

    pub(super) fn handle_threads(&mut self, result: Result<Bytes, Error>, now: Now) {
        let answer = match result.map(ListThreadsResponse::decode) {
            Ok(Ok(answer)) => answer,
            Err(error) if is_transient(&error) => return self.doubt_threads(now),
            // The next sync asks again.
            _ => return,
        };
        for followed in &answer.threads {
            let (Ok(room), Some(new)) = (RoomId::parse(&followed.room), record(followed)) else {
                continue;
            };
            if self.rooms.get(room).is_none() {
                continue;
            }
            let threads = &mut self.rooms.entry(room).threads;
            let known = threads.iter_mut().find(|known| known.root_seq == new.root_seq);
            if let Some(known) = known
                && known.counts.is_uncertain
                && new.head.seq >= known.head.seq
            {
                *known = new;
                self.changed(room);
            }
        }
        if !answer.next_page.is_empty() {
            self.ask_threads(answer.next_page);
        }
    }
}

fn record(followed: &FollowedThread) -> Option<ThreadRecord> {
    let thread = followed.thread.as_ref()?;
    let (marker, unread) =
        (followed.marker.unwrap_or_default(), followed.unread.unwrap_or_default());
    Some(ThreadRecord {
        root_seq: thread.root_seq.min(SEQ_MAX),
        head: Head {
            seq: thread.changed_seq.min(SEQ_MAX),
            at_ms: thread.last_at_ms,
            msg_no: thread.thread_no,
            bcast_no: 0,
            del_no: thread.deleted,
        },
        counts: Counts::of_digest(marker, unread, 0),
    })
}
