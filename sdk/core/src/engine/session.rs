//! The beginning and the end of a connection, and answers to calls.

use bytes::Bytes;
use parlour_protocol::{
    generated::{Rpc, rpc},
    ids::{Incarnation, RoomId, UserId},
    room::{CreateGroupResponse, GetRoomRequest, GetRoomResponse, OpenDirectResponse, Room},
    wire::{Error, ErrorReason, Retry, Welcome},
};
use prost::Message;

use super::{Action, Engine, Notice, OwnChange, Purpose, repair::Task};
use crate::{
    cache::{LogRange, Write},
    connection::CallId,
    event::Malformed,
    time::Now,
};

/// What is known while there is a connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) me: UserId,
    pub(super) is_synced: bool,
}

impl Engine {
    /// A connection was welcomed, in place of the one before if there is one. What was under way
    /// there is asked again here.
    pub fn handle_welcome(&mut self, welcome: &Welcome, now: Now) -> Result<(), Malformed> {
        let me = UserId::parse(&welcome.user).map_err(|_| Malformed)?;
        let incarnation = Incarnation::parse(&welcome.incarnation).map_err(|_| Malformed)?;
        self.handle_disconnected();
        let other_user = self.meta.user.is_some_and(|known| known != me);
        if other_user {
            // Another user's words are never sent in this one's name.
            self.writes.push(Write::ResetOutbox);
            self.outbox = Default::default();
            self.settled = Default::default();
        }
        if other_user || self.meta.incarnation.is_some_and(|known| known != incarnation) {
            // What was acknowledged by a store that is gone, and isn't known to be in this one.
            let settled = std::mem::take(&mut self.settled).into_values().flatten();
            self.outbox.put_back(settled.map(|(_, (entry, _))| entry));
            self.forget();
        }
        self.meta.user = Some(me);
        self.meta.incarnation = Some(incarnation);
        self.meta.resume = welcome.resume.clone();
        self.meta_changed = true;
        self.clock_offset_ms = welcome.server_time_ms as i64 - now.unix_ms as i64;
        self.session = Some(Session { me, is_synced: false });
        for open in self.timelines.values_mut() {
            open.timeline.set_me(me);
        }
        self.notices.push_back(Notice::ReceiptsMissed);
        self.notices.push_back(Notice::Own(OwnChange::Missed));
        self.ask_blocked();
        self.start_sync();
        self.page_again();
        self.resubscribe();
        self.outbox.handle_connected();
        self.send_outbox(now);
        self.repeat_calls();
        self.ask_again();
        self.send_marks();
        self.presence_connected(now);
        let unknown: Vec<RoomId> =
            self.rooms.iter().filter(|r| !r.is_described()).map(|r| r.id).collect();
        unknown.into_iter().for_each(|room| self.describe(room));
        Ok(())
    }

    /// The connection is gone. Pages of history wait for the next one, unless
    /// [`Engine::stop_paging`] says that none is on its way.
    pub fn handle_disconnected(&mut self) {
        if self.session.take().is_none() {
            return;
        }
        self.outbox.handle_disconnected();
        self.presence_disconnected();
        self.calls.retain(|_, purpose| matches!(purpose, Purpose::App { .. }));
        for (id, task) in std::mem::take(&mut self.bulks) {
            self.actions.push_back(Action::CancelBulk(id));
            self.keep_asking(id, task);
        }
        // Orders for a connection that is gone; reads of the cache are still wanted.
        self.actions.retain(|a| matches!(a, Action::Load { .. } | Action::CancelBulk(_)));
        self.logs.clear();
        self.user_waiting.clear();
        self.unheard.clear();
        self.sync_at = None;
        self.repair_at = None;
        self.recount_at = None;
        self.refresh_outbox_items();
    }

    /// The answer to a call.
    pub fn handle_reply(&mut self, id: CallId, result: Result<Bytes, Error>, now: Now) {
        match self.calls.remove(&id) {
            Some(Purpose::App { method, body }) => {
                self.handle_app_reply(id, method, body, result, now)
            }
            Some(Purpose::Send(client_ref)) => self.handle_send_reply(client_ref, result, now),
            Some(Purpose::Mark { room, seq }) => {
                self.handle_mark_reply(room, seq, result, now);
            }
            Some(Purpose::Describe(room)) => match result.map(GetRoomResponse::decode) {
                Ok(Ok(GetRoomResponse { room: Some(described), as_of_seq }))
                    if self.rooms.get(room).is_some() =>
                {
                    self.learn_room(&described, as_of_seq);
                }
                Err(error) if error.reason == ErrorReason::RoomNotFound as i32 => {
                    self.lose_room(room);
                }
                _ => {}
            },
            Some(Purpose::Subscribe(rooms)) => self.handle_subscribed(rooms, result, now),
            Some(Purpose::Polls(room)) => self.handle_polls(room, result),
            Some(Purpose::Settings) => self.handle_settings_reply(result),
            Some(Purpose::Blocked) => self.handle_blocked_reply(result),
            Some(Purpose::Quiet) => self.handle_quiet_reply(result),
            Some(Purpose::Say) => self.handle_said(result, now),
            Some(Purpose::Threads) => self.handle_threads(result, now),
            Some(Purpose::Watch { add, remove }) => self.handle_watched(add, remove, result, now),
            None => {}
        }
    }

    fn handle_app_reply(
        &mut self,
        id: CallId,
        method: u32,
        body: Bytes,
        result: Result<Bytes, Error>,
        now: Now,
    ) {
        if let Err(error) = &result
            && error.retry == Retry::Reconnect as i32
        {
            // Not a failure: the next connection answers it.
            self.calls.insert(id, Purpose::App { method, body });
            return;
        }
        if let Ok(answer) = &result {
            self.learn_from_reply(method, &body, answer, now);
        }
        self.notices.push_back(Notice::Reply(id, result));
    }

    /// Answers that tell about rooms tell the list of rooms too.
    fn learn_from_reply(&mut self, method: u32, request: &Bytes, answer: &Bytes, now: Now) {
        let answer = answer.clone();
        let room = match method {
            m if m == rpc::OpenDirect::METHOD.id => {
                OpenDirectResponse::decode(answer).ok().and_then(|answer| Some((answer.room?, 0)))
            }
            m if m == rpc::CreateGroup::METHOD.id => {
                CreateGroupResponse::decode(answer).ok().and_then(|answer| Some((answer.room?, 0)))
            }
            m if m == rpc::GetRoom::METHOD.id => {
                let answer = GetRoomResponse::decode(answer).ok();
                answer.and_then(|answer| Some((answer.room?, answer.as_of_seq)))
            }
            m if m == rpc::MarkUnread::METHOD.id => {
                return self.learn_marker(request, answer, now);
            }
            _ => None,
        };
        if let Some((room, as_of_seq)) = room {
            self.learn_room(&room, as_of_seq);
        }
    }

    pub(super) fn learn_room(&mut self, described: &Room, as_of_seq: u64) {
        if let Ok(room) = RoomId::parse(&described.id) {
            self.rooms.entry(room).describe(described, as_of_seq);
            self.changed(room);
        }
    }

    /// Asks what a room is that is only known by its events.
    pub(super) fn describe(&mut self, room: RoomId) {
        let under_way = |p: &Purpose| matches!(p, Purpose::Describe(other) if *other == room);
        if self.session.is_some() && !self.calls.values().any(under_way) {
            let body = GetRoomRequest { room: room.to_field() }.encode_to_vec().into();
            self.start_call(rpc::GetRoom::METHOD.id, body, Purpose::Describe(room));
        }
    }

    /// The user isn't in the room any more.
    pub(super) fn lose_room(&mut self, room: RoomId) {
        if self.rooms.remove(room).is_none() {
            return self.settle(room, u64::MAX - 1);
        }
        self.changed_rooms.remove(&room);
        self.logs.remove(&room);
        self.downloads.remove(&room);
        let of_room = |task: &Task| task.room() == Some(room);
        let gone: Vec<_> =
            self.bulks.iter().filter(|(_, task)| of_room(task)).map(|(id, _)| *id).collect();
        for id in gone {
            self.bulks.remove(&id);
            self.actions.push_back(Action::CancelBulk(id));
        }
        self.writes.push(Write::RoomGone(room));
        self.fail_room(room);
        self.stop_paging_of(room);
        for timeline in self.timelines_of(room) {
            timeline.handle_reset(u64::MAX, &[], &[], false);
        }
        self.notices.push_back(Notice::RoomLost(room));
        // Its lanes are free for others.
        self.continue_downloads();
    }

    /// Drops what came from another store or belongs to another user.
    fn forget(&mut self) {
        self.writes.push(Write::Reset);
        self.changed_rooms.clear();
        self.rooms.clear();
        self.early_marks.clear();
        self.screen.clear();
        self.screen_as_of = 0;
        self.meta.user_seq = 0;
        self.meta.settings = Default::default();
        self.meta.quiet_until_ms = 0;
        self.meta.watermark_ms = 0;
        self.forget_presence();
        self.downloads.values_mut().for_each(|progress| *progress = Default::default());
        for open in self.timelines.values_mut() {
            open.timeline.handle_reset(u64::MAX, &[], &[], false);
        }
        self.refresh_outbox_items();
    }

    fn repeat_calls(&mut self) {
        for (id, purpose) in &self.calls {
            if let Purpose::App { method, body } = purpose {
                let (method, body) = (*method, body.clone());
                self.actions.push_back(Action::Call { id: *id, method, body, chain: 0 });
            }
        }
    }

    /// A room without anything known about its log before `to`.
    pub(super) fn start_log(&mut self, room: RoomId, to: u64) {
        self.rooms.entry(room).log = LogRange::empty_after(to);
        self.doubt_polls(room);
        self.settle(room, to);
    }
}
