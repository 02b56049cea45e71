//! Connections coming and going.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use parlour_protocol::{
    error::{Reconnect, reconnect_after},
    ids::RoomId,
    session::SessionInfo,
    wire::CloseCode,
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Conn, Hub, Outbox, Output, intents::Filter, outbox::Fits};
use crate::{
    draft::{Closes, Committed, ConnId, Draft, SessionsDraft, SessionsFound, Submission},
    limits,
    node::Caller,
    session::goodbye,
};

impl Hub {
    /// Whether a caller's organization has as many devices connected as it may, and this isn't one of them.
    pub fn is_full_for(&self, caller: &Caller) -> bool {
        !self.has_device(caller) && self.node.quotas.is_full_of_devices(caller.org)
    }

    /// Whether the caller's device is connected.
    fn has_device(&self, caller: &Caller) -> bool {
        let mut conns = self.by_user.get(&caller.user).into_iter().flatten();
        conns.any(|index| {
            let conn = self.conns[*index as usize].as_ref();
            conn.is_some_and(|conn| conn.caller.device == caller.device)
        })
    }

    /// A caller was admitted: from now on the user's own log is heard. `None` if the user has
    /// too many connections already.
    pub fn handle_connected(
        &mut self,
        caller: Arc<Caller>,
        calls: Arc<AtomicU32>,
    ) -> Option<ConnId> {
        let is_new = !self.has_device(&caller);
        let of_user = self.by_user.entry(caller.user).or_default();
        if of_user.len() >= limits::CONNECTIONS_PER_USER_MAX {
            return None;
        }
        if is_new {
            self.node.quotas.note_device(caller.org, true);
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.conns.push(None);
            self.uses.push(0);
            (self.conns.len() - 1) as u32
        });
        of_user.push(index);
        self.uses[index as usize] += 1;
        let id = ConnId { index, use_no: self.uses[index as usize] };
        let filter = caller.intents.map(|intents| Box::new(Filter::new(intents)));
        self.conns[index as usize] = Some(Conn {
            id,
            caller,
            filter,
            calls,
            outbox: Outbox::default(),
            rooms: FxHashSet::default(),
            subscribed: FxHashSet::default(),
            lagging: FxHashSet::default(),
            pulses: FxHashMap::default(),
            reauth_deadline_ms: None,
            is_dirty: false,
            is_closing: false,
        });
        Some(id)
    }

    /// The rooms of a connection, read after it was connected so that none gained meanwhile is
    /// missed; then its welcome.
    pub fn handle_rooms(&mut self, id: ConnId, rooms: &[RoomId], welcome: Bytes) {
        if self.conn_mut(id).is_none() {
            return;
        }
        for room in rooms {
            self.join_audience(id.index, *room);
        }
        self.handle_notice(id, welcome);
    }

    /// The client has said that it goes. Its presence ends at once, while that of one that is only
    /// [gone](Hub::handle_disconnected) may be back in a moment.
    pub fn handle_left(&mut self, id: ConnId) {
        self.presence.handle_left(id);
    }

    /// The connection is gone.
    pub fn handle_disconnected(&mut self, id: ConnId) {
        if self.conn_mut(id).is_none() {
            return;
        }
        let Some(conn) = self.conns[id.index as usize].take() else { return };
        self.presence.handle_lost(id);
        for room in conn.rooms {
            self.leave_audience(id.index, room);
        }
        if let Some(of_user) = self.by_user.get_mut(&conn.caller.user) {
            of_user.retain(|index| *index != id.index);
            if of_user.is_empty() {
                self.by_user.remove(&conn.caller.user);
            }
        }
        self.free.push(id.index);
        if !self.has_device(&conn.caller) {
            self.node.quotas.note_device(conn.caller.org, false);
        }
    }

    /// Closes a connection, with a goodbye.
    pub fn close(&mut self, id: ConnId, code: CloseCode, why: &'static str) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.is_closing {
            return;
        }
        conn.is_closing = true;
        conn.outbox.push_control(goodbye(code, 0, why));
        if reconnect_after(code as u32) == Reconnect::Never {
            self.presence.handle_left(id);
        }
        self.mark_dirty(id.index);
        self.outputs.push_back(Output::Close { conn: id, code, why });
    }

    /// Sends a frame on every connection's control lane.
    pub fn handle_notice_to_all(&mut self, frame: &Bytes) {
        let ids: Vec<ConnId> = self.conns.iter().flatten().map(|conn| conn.id).collect();
        for id in ids {
            self.handle_notice(id, frame.clone());
        }
    }

    /// Closes every connection.
    pub fn close_all(&mut self, code: CloseCode, why: &'static str) {
        let ids: Vec<ConnId> = self.conns.iter().flatten().map(|conn| conn.id).collect();
        for id in ids {
            self.close(id, code, why);
        }
    }

    /// Answers who is connected.
    pub(super) fn list_sessions(&mut self, submission: Submission) {
        let Submission { draft: Draft::Sessions(draft), then } = submission else { return };
        let SessionsDraft { org, user, from, max } = *draft;
        // One that was revoked may still be closing; nothing is done for it any more.
        let is_it = |conn: &&Conn| {
            conn.caller.org == org
                && user.is_none_or(|user| conn.caller.user == user)
                && !conn.caller.revoked.load(Ordering::Acquire)
        };
        let rest = self.conns.iter().skip(from as usize).flatten();
        let mut rest = rest.filter(is_it);
        let sessions = rest.by_ref().take(max).map(|conn| info(&conn.caller)).collect();
        let next = rest.next().map(|conn| conn.id.index);
        let sessions = SessionsFound { sessions, next };
        self.answer(then, Committed { sessions, ..Committed::default() });
    }

    /// The connections that come with what is revoked.
    pub(super) fn revoked(&self, closes: &Closes) -> Vec<ConnId> {
        let hit = |conn: &&Conn| match closes {
            Closes::User(user) => conn.caller.user == *user,
            Closes::Session(session) => conn.caller.session == *session,
            Closes::Tokens(ids) => conn
                .caller
                .with_auth(|auth| auth.token_id.as_ref().is_some_and(|token| ids.contains(token))),
        };
        self.conns.iter().flatten().filter(hit).map(|conn| conn.id).collect()
    }

    /// Whether what a connection asks for comes too late.
    pub(super) fn is_revoked(&self, id: ConnId) -> bool {
        let conn = self.conns.get(id.index as usize).and_then(Option::as_ref);
        conn.is_some_and(|conn| conn.id == id && conn.caller.revoked.load(Ordering::Acquire))
    }

    /// Closes them. Nothing that they have asked for and that isn't committed is done.
    pub(super) fn close_revoked(&mut self, ids: &[ConnId]) {
        for id in ids {
            if let Some(conn) = self.conn_mut(*id) {
                conn.caller.revoked.store(true, Ordering::Release);
            }
            self.close(*id, CloseCode::Revoked, "revoked");
        }
    }

    pub(super) fn mark_dirty(&mut self, index: u32) {
        if let Some(conn) = self.conns[index as usize].as_mut()
            && !conn.is_dirty
        {
            conn.is_dirty = true;
            self.dirty.push(index);
        }
    }

    pub(super) fn enforce(&mut self, index: u32, fits: Fits) {
        if fits == Fits::Close
            && let Some(conn) = &self.conns[index as usize]
        {
            let id = conn.id;
            self.close(id, CloseCode::TooSlow, "too much waits to be read");
        }
    }
}

fn info(caller: &Caller) -> SessionInfo {
    let (carrier, address) = caller.link.place.get().copied().unwrap_or_default();
    SessionInfo {
        session: caller.session.to_field(),
        user: caller.user.to_field(),
        subject: caller.subject.to_string(),
        device: caller.device.to_field(),
        agent: caller.link.agent.to_string(),
        carrier: carrier as i32,
        since_ms: caller.link.since_ms,
        address: address.map(|address| address.to_string()).unwrap_or_default(),
    }
}
