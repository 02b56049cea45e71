//! Presence: what connections say goes to the board, and what it makes of it to those who watch.

use parlour_protocol::{
    generated::EventMessage,
    ids::UserId,
    limits::{
        EVENT_FRAME_BYTES_MAX, PRESENCE_WATCHED_MAX, PRESENCE_WATCHED_PER_CALL_MAX,
        REACTION_BYTES_MAX, STATUS_BYTES_MAX,
    },
    people::BlockChanged,
    presence::{PresenceUpdate, StatusChanged, WatchPresenceResponse},
    wire::event_frame::Frame,
};
use prost::Message;

use super::{Hub, audience::event_frame};
use crate::{
    draft::{
        Committed, ConnId, Draft, PresenceDraft, PresenceWish, Refused, RowsDraft, Submission,
        Then, UserDraft,
    },
    introduction::{has_guest_scope, is_guest},
    limits,
    node::Caller,
    ports::{
        clock::Now,
        store::{Put, Shard},
    },
    presence::last_seen_put,
    tables::Table,
};

/// The presence of one user, in bytes: ids, states, times and marks take less than 56.
const PRESENCE_BYTES_MAX: usize = STATUS_BYTES_MAX + REACTION_BYTES_MAX + 56;
/// Everybody a connection watches fits a frame of updates, and everybody of one call its answer.
const _: () = assert!(PRESENCE_WATCHED_MAX * PRESENCE_BYTES_MAX < EVENT_FRAME_BYTES_MAX);
const _: () = assert!(PRESENCE_WATCHED_PER_CALL_MAX * PRESENCE_BYTES_MAX < limits::ANSWER_BYTES);

impl Hub {
    /// A connection says, or hears, something else of presence.
    pub(super) fn handle_presence(&mut self, submission: Submission) {
        let Submission { draft: Draft::Presence(draft), then } = submission else { return };
        let Then::Reply { conn: id, .. } = &then else {
            return self.refuse(then, Refused::NoConnection);
        };
        let Some(conn) = self.conn_mut(*id) else { return };
        let (id, user, is_closing) = (conn.id, conn.caller.user, conn.is_closing);
        let PresenceDraft { now, what } = *draft;
        let presence = match what {
            // It was ended already.
            _ if is_closing => WatchPresenceResponse::default(),
            PresenceWish::Say(card, activity) => {
                self.presence.handle_word(id, &card, activity, now);
                WatchPresenceResponse::default()
            }
            PresenceWish::Watch { add, remove } => {
                let seen = add.into_iter().filter(|(_, log)| !log.is_known_apart(user));
                let add = seen.map(|(watched, _)| watched).collect();
                match self.presence.handle_watch(id, user, add, &remove, now) {
                    Ok(answer) => answer,
                    Err(_) => return self.refuse(then, Refused::TooManyWatched),
                }
            }
        };
        self.answer(then, Committed { presence, ..Committed::default() });
    }

    /// An event of a user's own log was committed; whoever has set something is shown with it.
    pub(super) fn settings_committed(&mut self, draft: &UserDraft) {
        if draft.kind != StatusChanged::RULE.kind {
            return;
        }
        let is_new = |put: &&Put| put.table == Table::STATUS && put.value.is_some();
        let card = self.node.cards.cached(draft.cell.id);
        if let (Some(put), Some(card)) = (draft.puts.iter().find(is_new), card) {
            card.apply_put(put);
            self.presence.handle_set(card.user);
            if !card.shares_last_seen() {
                // Once more, for one that was on its way to the store meanwhile.
                self.presence.forget_seen(card.user);
                self.keep_last_seen(card.user, None);
            }
        }
    }

    /// Rows of users were committed: who watches one hears that it is another now.
    pub(super) fn users_committed(&mut self, puts: &[Put]) {
        for card in self.node.cards.note(puts) {
            self.presence.handle_set(card.user);
        }
    }

    /// Whom somebody has blocked doesn't see them any more.
    pub(super) fn block_committed(&mut self, draft: &UserDraft) {
        if draft.kind != BlockChanged::RULE.kind {
            return;
        }
        let Ok(change) = BlockChanged::decode(draft.body.clone()) else { return };
        let Ok(user) = UserId::parse(&change.user) else { return };
        draft.cell.note_blocked(user, change.blocked);
        if change.blocked {
            self.presence.handle_apart(draft.cell.id, user);
        }
    }

    /// Time passes for presence: what doesn't hold any more, and whom to tell.
    pub(super) fn tell_presence(&mut self, now: Now) {
        self.presence.handle_timeout(now);
        while let Some(id) = self.presence.poll_due() {
            let Some(conn) = self.conn_mut(id) else { continue };
            if conn.outbox.holds_presence() {
                self.presence.put_off(id, now.elapsed);
                continue;
            }
            let caller = conn.caller.clone();
            let update = self.presence.take_changes(id, self.is_guest(&caller), now);
            if !update.people.is_empty() {
                self.push_presence(id, update);
            }
        }
        self.keep_seen(now);
    }

    /// When users were there last goes to the store, a few at a time: where thousands leave at once,
    /// nobody's message has to wait for that.
    fn keep_seen(&mut self, now: Now) {
        while self.pending.len() < limits::LAST_SEEN_PENDING_MAX {
            let Some((user, at_ms)) = self.presence.poll_seen() else { return };
            self.keep_last_seen(user, Some(at_ms));
        }
        self.presence.keep_later(now.elapsed);
    }

    fn keep_last_seen(&mut self, user: UserId, at_ms: Option<u64>) {
        self.handle_submission(Submission {
            draft: Draft::Rows(Box::new(RowsDraft::new(
                Shard::User(user),
                vec![last_seen_put(user, at_ms)],
            ))),
            // Where it can't be kept, it is told less exactly after a restart.
            then: Then::Callback(Box::new(|_| {})),
        });
    }

    fn is_guest(&self, caller: &Caller) -> bool {
        match self.node.directories.cached(caller.org) {
            Some(cell) => cell.read(|directory| is_guest(directory, caller)),
            // It is being read anew, and has said what it says now.
            None => has_guest_scope(caller),
        }
    }

    fn push_presence(&mut self, id: ConnId, update: PresenceUpdate) {
        let frame = event_frame(Frame::Presence(update));
        let Some(conn) = self.conn_mut(id) else { return };
        conn.outbox.push_presence(frame);
        self.totals.deliveries += 1;
        self.totals.events += 1;
        self.mark_dirty(id.index);
    }
}
