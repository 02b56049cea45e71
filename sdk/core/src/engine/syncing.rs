//! What changed while the client was away: the user's own log, digests of rooms, the watermark.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use parlour_protocol::{
    generated::{EventBody, Rpc, rpc},
    ids::RoomId,
    limits::SEQ_MAX,
    presence::StatusChanged,
    sync::{Digests, RoomDigest, SyncDone, SyncItem, SyncRequest, sync_item},
};
use prost::Message;

use super::{BulkId, Engine, Interaction, Notice, OwnChange, repair::Task};
use crate::{
    cache::RoomRecord,
    counts::{Counts, Head},
    event::{LogEvent, Malformed, events_in, submessages},
    limits::{EVENTS_SINCE_MAX, FIRST_DIGESTS, READ_AGAIN_AFTER, WAITING_EVENTS_MAX},
    settings::{RoomSettings, Settings},
    time::{Now, sooner},
};

/// One sync under way.
#[derive(Debug, Default)]
pub(super) struct Syncing {
    seen: BTreeSet<RoomId>,
    /// Whether the digests of all rooms come, so that one that doesn't is gone.
    is_full: bool,
    /// How far the user's log goes that comes; it may come in several items.
    as_of: u64,
    /// What the user's own log has said of rooms since: their digests may be older than that.
    since: BTreeMap<RoomId, Vec<LogEvent>>,
}

impl Engine {
    pub(super) fn start_sync(&mut self) {
        if self.bulks.values().any(|task| matches!(task, Task::Sync(_))) {
            return;
        }
        let request = SyncRequest {
            incarnation: self.meta.incarnation.map_or(Bytes::new(), |i| i.to_field()),
            user_seq: self.meta.user_seq,
            watermark_ms: self.meta.watermark_ms,
            first: FIRST_DIGESTS,
        };
        let is_full = request.watermark_ms == 0;
        let syncing = Syncing { is_full, ..Syncing::default() };
        self.start_bulk(rpc::Sync::METHOD.id, &request, Task::Sync(syncing));
    }

    fn sync_soon(&mut self, now: Now) {
        self.sync_at = sooner(self.sync_at, Some(now.elapsed + READ_AGAIN_AFTER));
    }

    pub(super) fn handle_sync_item(
        &mut self,
        id: BulkId,
        item: Bytes,
        now: Now,
    ) -> Result<(), Malformed> {
        match SyncItem::decode(item.clone())?.item {
            Some(sync_item::Item::User(delta)) => {
                if delta.reset {
                    self.ask_settings();
                    self.meta.user_seq = delta.as_of_seq.min(SEQ_MAX);
                    if let Some(Task::Sync(syncing)) = self.bulks.get_mut(&id) {
                        syncing.is_full = true;
                        syncing.as_of = delta.as_of_seq.min(SEQ_MAX);
                    }
                } else {
                    let raw = submessages(1, &item)?.pop().unwrap_or_default();
                    if self.screen_as_of == 0 {
                        self.screen_as_of = delta.as_of_seq.min(SEQ_MAX);
                    }
                    if let Some(Task::Sync(syncing)) = self.bulks.get_mut(&id) {
                        syncing.as_of = delta.as_of_seq.min(SEQ_MAX);
                    }
                    for event in events_in(1, &raw)? {
                        self.handle_user_event(&event, now);
                    }
                }
                self.meta_changed = true;
                self.drain_user_events(now);
            }
            Some(sync_item::Item::Digests(digests)) => {
                self.end_user_log(id, now);
                for digest in &digests.rooms {
                    if let Some(room) = self.handle_digest(id, digest, now)
                        && let Some(Task::Sync(syncing)) = self.bulks.get_mut(&id)
                    {
                        syncing.seen.insert(room);
                    }
                }
            }
            Some(sync_item::Item::FirstScreen(digests)) => self.show_first(&digests),
            Some(sync_item::Item::Done(done)) => {
                self.end_user_log(id, now);
                self.handle_sync_done(id, done, now);
            }
            None => {}
        }
        Ok(())
    }

    /// All of the user's log has come, whatever of it can't be read.
    fn end_user_log(&mut self, id: BulkId, now: Now) {
        let Some(Task::Sync(syncing)) = self.bulks.get(&id) else { return };
        if syncing.as_of > self.meta.user_seq {
            self.meta.user_seq = syncing.as_of;
            self.meta_changed = true;
            self.drain_user_events(now);
        }
    }

    /// Rooms to be shown while the log comes. Nothing is read of them, or told, before it has.
    fn show_first(&mut self, digests: &Digests) {
        if self.meta.watermark_ms > 0 {
            return;
        }
        self.screen_as_of = 0;
        for digest in &digests.rooms {
            if let Some(room) = self.learn_digest(digest) {
                self.screen.insert(room);
            }
        }
    }

    /// A digest may have been read before what the user's own log has said of the room meanwhile: that is
    /// heard once more, behind it.
    fn handle_digest(&mut self, id: BulkId, digest: &RoomDigest, now: Now) -> Option<RoomId> {
        let room = RoomId::parse(&digest.room.as_ref()?.id).ok()?;
        let mut since = match self.bulks.get_mut(&id) {
            Some(Task::Sync(syncing)) => {
                let as_of = syncing.as_of;
                let mut since = syncing.since.remove(&room).unwrap_or_default();
                since.retain(|event| event.seq() > as_of);
                since
            }
            _ => vec![],
        };
        let is_lost = |event: &LogEvent| matches!(event.decoded(), EventBody::RoomLost(_));
        if since.iter().any(is_lost) {
            return None;
        }
        self.learn_digest(digest)?;
        // The room has gone on, so the digest said nothing of threads that only it can count.
        let is_uncounted =
            |record: &RoomRecord| record.threads.iter().any(|t| t.counts.is_uncertain);
        if self.rooms.get(room).is_some_and(is_uncounted) {
            self.doubt_threads(now);
        }
        for event in since.drain(..) {
            self.handle_own(&event, now);
        }
        self.catch_up(room);
        Some(room)
    }

    fn learn_digest(&mut self, digest: &RoomDigest) -> Option<RoomId> {
        let described = digest.room.as_ref()?;
        let room = RoomId::parse(&described.id).ok()?;
        let head = Head::of_digest(digest);
        let is_new = self.rooms.get(room).is_none_or(|record| record.head.seq == 0);
        if is_new {
            self.start_log(room, head.seq);
        }
        let record = self.rooms.entry(room);
        // What else it would have told is asked for.
        let is_late = !record.describe(described, digest.seq);
        record.settings = digest.settings.as_ref().map(RoomSettings::of_wire).unwrap_or_default();
        if is_new || head.seq >= record.head.seq {
            let (marker, unread) = (digest.marker, digest.unread);
            let own_seq = record.counts.own_seq;
            record.counts =
                Counts::of_digest(marker.unwrap_or_default(), unread.unwrap_or_default(), own_seq);
            record.head = head;
            record.counts.assume_read(record.unsent_read, head);
            self.learn_threads(room, &digest.threads);
        } else {
            // Live news went past it. What came before those, and wasn't told, it alone knows.
            record.counts.doubt();
        }
        if is_late {
            self.describe(room);
        }
        self.changed(room);
        Some(room)
    }

    fn handle_sync_done(&mut self, id: BulkId, done: SyncDone, now: Now) {
        self.meta.watermark_ms = done.watermark_ms;
        self.meta_changed = true;
        self.screen.clear();
        self.screen_as_of = 0;
        let Some(Task::Sync(syncing)) = self.bulks.get_mut(&id) else { return };
        let (is_full, seen) = (syncing.is_full, std::mem::take(&mut syncing.seen));
        if is_full {
            // A room gained in this very moment has an event behind this answer; it is asked for.
            let gone: Vec<RoomId> =
                self.rooms.iter().map(|r| r.id).filter(|room| !seen.contains(room)).collect();
            for room in gone {
                if self.rooms.get(room).is_some_and(|record| record.is_described()) {
                    self.describe(room);
                }
            }
        } else if done.room_count as usize != self.rooms.len() {
            self.meta.watermark_ms = 0;
            self.sync_soon(now);
        }
        if let Some(session) = &mut self.session {
            session.is_synced = true;
        }
        if self.rooms.iter().any(|record| record.counts.is_uncertain) {
            self.recount_soon(now);
        }
        self.ask_threads(Bytes::new());
        self.notices.push_back(Notice::Synced);
        self.repair_all();
        self.continue_downloads();
    }

    // The user's own log.

    /// Live events of the user's own log.
    pub(super) fn handle_user_events(&mut self, events: Vec<LogEvent>, now: Now) {
        for event in events {
            if event.seq() > self.meta.user_seq && self.user_waiting.len() < WAITING_EVENTS_MAX {
                self.user_waiting.insert(event.seq(), event);
            }
        }
        self.drain_user_events(now);
        if !self.user_waiting.is_empty() {
            self.start_sync();
        }
    }

    fn drain_user_events(&mut self, now: Now) {
        while let Some((seq, event)) = self.user_waiting.pop_first() {
            if seq > self.meta.user_seq + 1 {
                self.user_waiting.insert(seq, event);
                break;
            }
            self.handle_user_event(&event, now);
        }
    }

    fn handle_user_event(&mut self, event: &LogEvent, now: Now) {
        if event.seq() <= self.meta.user_seq {
            return;
        }
        self.meta.user_seq = event.seq();
        self.meta_changed = true;
        let room = room_of(event);
        let is_shown = |room| self.screen.contains(&room);
        if event.seq() <= self.screen_as_of && room.is_some_and(is_shown) {
            return;
        }
        self.keep_for_digests(room, event);
        self.handle_own(event, now);
        self.tell_own(&event.decoded());
    }

    /// A sync under way may bring a digest that is older.
    fn keep_for_digests(&mut self, room: Option<RoomId>, event: &LogEvent) {
        let Some(room) = room else { return };
        // A room that one has come into begins anew, and what a digest says of it is newer.
        let is_gained = matches!(event.decoded(), EventBody::RoomGained(_));
        for task in self.bulks.values_mut() {
            let Task::Sync(syncing) = task else { continue };
            if is_gained {
                syncing.since.remove(&room);
            } else if event.seq() > syncing.as_of {
                let since = syncing.since.entry(room).or_default();
                // The last ones say how it is.
                if since.len() == EVENTS_SINCE_MAX {
                    since.remove(0);
                }
                since.push(event.clone());
            }
        }
    }

    fn handle_own(&mut self, event: &LogEvent, now: Now) {
        match event.decoded() {
            EventBody::RoomGained(gained) => {
                let Some(described) = gained.room else { return };
                let Ok(room) = RoomId::parse(&described.id) else { return };
                // To a new device everything is new: it begins with what its first sync gives.
                if self.meta.watermark_ms > 0 {
                    self.follow_from(room, gained.seq.min(SEQ_MAX), event.header.at_ms);
                }
                let record = self.rooms.entry(room);
                // What its events have told already isn't in it.
                let is_late = !record.is_described() && gained.seq < record.told_seq;
                self.learn_room(&described, gained.seq);
                if is_late {
                    self.describe(room);
                }
                self.catch_up(room);
            }
            EventBody::RoomLost(lost) => {
                if let Ok(room) = RoomId::parse(&lost.room) {
                    self.lose_room(room);
                }
            }
            EventBody::MarkerMoved(moved) => {
                let (Ok(room), Some(marker)) = (RoomId::parse(&moved.room), moved.marker) else {
                    return;
                };
                if self.rooms.get(room).is_some() {
                    let record = self.rooms.entry(room);
                    let head = record.head;
                    record.counts.handle_marker(marker, head);
                    self.changed(room);
                    self.recount_soon(now);
                }
            }
            EventBody::PollVoteCast(cast) => self.learn_own_vote(&cast),
            EventBody::RoomSettingsChanged(changed) => {
                if let Ok(room) = RoomId::parse(&changed.room) {
                    self.learn_room_settings(room, changed.settings.as_ref());
                }
            }
            EventBody::SettingsChanged(changed) => {
                self.meta.settings = Settings::of_wire(changed.settings.unwrap_or_default());
                let settings = self.meta.settings.clone();
                self.notices.push_back(Notice::Own(OwnChange::Settings(settings)));
            }
            EventBody::StatusChanged(StatusChanged { settings: Some(settings) }) => {
                self.learn_quiet(settings.do_not_disturb_until_ms);
                self.notices.push_back(Notice::Settings(settings.into()));
            }
            // Whole events count mentions by themselves; without them the server tells.
            EventBody::Mentioned(mentioned) if mentioned.thread_root_seq == 0 => {
                let seq = mentioned.seq;
                self.doubt_counts(&mentioned.room, |room| !room.counts.knows_mention(seq), now);
            }
            EventBody::MentionWithdrawn(gone) if gone.thread_root_seq == 0 => {
                self.doubt_counts(&gone.room, |record| record.counts.mentions > 0, now);
            }
            EventBody::ScheduledChanged(changed) => {
                self.notices.push_back(Notice::Own(OwnChange::Scheduled(changed)));
            }
            EventBody::ReminderChanged(changed) => {
                self.notices.push_back(Notice::Own(OwnChange::Reminder(changed)));
            }
            EventBody::CommandInvoked(invoked) => {
                self.notices.push_back(Notice::Interaction(Interaction::Command(invoked)));
            }
            EventBody::ComponentUsed(used) => {
                self.notices.push_back(Notice::Interaction(Interaction::Component(used)));
            }
            EventBody::BlockChanged(change) => self.learn_block(&change),
            body => self.handle_thread_news(body, now),
        }
    }

    /// What has changed for the user in a room, and of which no list of ours is kept.
    fn tell_own(&mut self, body: &EventBody) {
        let (room, change): (_, fn(RoomId, u64) -> OwnChange) = match body {
            EventBody::MessageSaved(saved) => {
                ((&saved.room, saved.seq), |room, seq| OwnChange::Saved(room, seq, true))
            }
            EventBody::MessageUnsaved(saved) => {
                ((&saved.room, saved.seq), |room, seq| OwnChange::Saved(room, seq, false))
            }
            EventBody::ThreadFollowed(thread) => ((&thread.room, thread.root_seq), |room, root| {
                OwnChange::Followed(room, root, true)
            }),
            EventBody::ThreadUnfollowed(thread) => {
                ((&thread.room, thread.root_seq), |room, root| {
                    OwnChange::Followed(room, root, false)
                })
            }
            EventBody::Mentioned(one) => {
                ((&one.room, one.seq), |room, seq| OwnChange::Mentioned(room, seq, true))
            }
            EventBody::MentionWithdrawn(one) => {
                ((&one.room, one.seq), |room, seq| OwnChange::Mentioned(room, seq, false))
            }
            _ => return,
        };
        if let Ok(id) = RoomId::parse(room.0) {
            self.notices.push_back(Notice::Own(change(id, room.1)));
        }
    }

    /// The user is in a room from this event of it on: what comes after is news. The room may be known
    /// already, from a digest with what came since, or from a pulse.
    fn follow_from(&mut self, room: RoomId, seq: u64, at_ms: u64) {
        let follows_later = |record: &RoomRecord| record.log.is_empty() && record.log.to > seq;
        let is_unplaced = |record: &RoomRecord| record.log.is_empty() && record.log.to == 0;
        match self.rooms.get(room) {
            Some(record) if follows_later(record) || is_unplaced(record) => {}
            Some(_) => return,
            None => {}
        }
        self.start_log(room, seq);
        let record = self.rooms.entry(room);
        if record.head.seq < seq {
            record.head.seq = seq;
            record.head.at_ms = at_ms;
        }
    }

    fn doubt_counts(&mut self, room: &Bytes, if_so: impl FnOnce(&RoomRecord) -> bool, now: Now) {
        let Ok(room) = RoomId::parse(room) else { return };
        if self.rooms.get(room).is_some_and(if_so) {
            self.rooms.entry(room).counts.is_uncertain = true;
            self.recount_soon(now);
        }
    }
}

/// The room that an event of the user's own log is about, where a digest of it says the same.
fn room_of(event: &LogEvent) -> Option<RoomId> {
    let room = match event.decoded() {
        EventBody::RoomGained(gained) => gained.room?.id,
        EventBody::RoomLost(lost) => lost.room,
        EventBody::MarkerMoved(moved) => moved.room,
        EventBody::RoomSettingsChanged(changed) => changed.room,
        EventBody::Mentioned(mentioned) => mentioned.room,
        EventBody::MentionWithdrawn(gone) => gone.room,
        EventBody::ThreadFollowed(followed) => followed.room,
        EventBody::ThreadUnfollowed(gone) => gone.room,
        EventBody::ThreadMarkerMoved(moved) => moved.room,
        _ => return None,
    };
    RoomId::parse(&room).ok()
}
