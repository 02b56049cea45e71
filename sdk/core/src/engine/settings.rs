//! Settings, and what follows from them: notifications. Receipts of others, applications' signals, and
//! what the user keeps for themselves.

use std::collections::BTreeSet;

use bytes::Bytes;
use parlour_protocol::{
    app::AppSignal,
    draft::DraftChanged,
    generated::{EventMessage, Rpc, rpc},
    ids::{RoomId, UserId},
    interaction::InteractionAnswered,
    limits::SEQ_MAX,
    people::{BlockChanged, ListBlockedRequest, ListBlockedResponse},
    presence::{SetStatusRequest, SetStatusResponse},
    receipt::ReadReceipt,
    settings::{self as wire, GetSettingsRequest, GetSettingsResponse},
    wire::{Ephemeral, Error},
};
use prost::Message;

use super::{Engine, Interaction, Notice, OwnChange, Purpose, Receipt};
use crate::{
    event::LogEvent,
    settings::{RoomSettings, Settings},
    time::Now,
};

impl Engine {
    /// What the user wants everywhere, as far as the server has told.
    pub fn settings(&self) -> &Settings {
        &self.meta.settings
    }

    /// Of whom the user wants to hear nothing, as far as the server has told.
    pub fn blocked(&self) -> &BTreeSet<UserId> {
        &self.meta.blocked
    }

    pub(super) fn is_by_blocked(&self, event: &LogEvent) -> bool {
        event.sender().is_some_and(|user| self.meta.blocked.contains(&user))
    }

    /// The user's own log doesn't tell what came before it.
    pub(super) fn ask_settings(&mut self) {
        let body = GetSettingsRequest {}.encode_to_vec().into();
        self.start_call(rpc::GetSettings::METHOD.id, body, Purpose::Settings);
        self.meta.knows_blocked = false;
        self.ask_blocked();
        // A request that changes nothing, whose answer says what is set.
        let body = SetStatusRequest::default().encode_to_vec().into();
        self.start_call(rpc::SetStatus::METHOD.id, body, Purpose::Quiet);
    }

    /// Whom the user has blocked, unless it is known: the last answer may have been lost, or the cache
    /// may be an older client's.
    pub(super) fn ask_blocked(&mut self) {
        if !self.meta.knows_blocked {
            let body = ListBlockedRequest {}.encode_to_vec().into();
            self.start_call(rpc::ListBlocked::METHOD.id, body, Purpose::Blocked);
        }
    }

    pub(super) fn handle_quiet_reply(&mut self, result: Result<Bytes, Error>) {
        if let Ok(Ok(answer)) = result.map(SetStatusResponse::decode) {
            self.learn_quiet(answer.settings.unwrap_or_default().do_not_disturb_until_ms);
        }
    }

    pub(super) fn learn_quiet(&mut self, until_ms: u64) {
        self.meta.quiet_until_ms = until_ms;
        self.meta_changed = true;
    }

    pub(super) fn handle_settings_reply(&mut self, result: Result<Bytes, Error>) {
        // A server that knows no settings has none.
        if let Ok(Ok(answer)) = result.map(GetSettingsResponse::decode) {
            self.meta.settings = Settings::of_wire(answer.settings.unwrap_or_default());
            self.meta_changed = true;
        }
    }

    pub(super) fn handle_blocked_reply(&mut self, result: Result<Bytes, Error>) {
        let Ok(Ok(answer)) = result.map(ListBlockedResponse::decode) else { return };
        if answer.as_of_seq < self.meta.user_seq {
            // What came since isn't in it, and was learned already.
            return self.ask_blocked();
        }
        let users = answer.users.iter().filter_map(|user| UserId::parse(user).ok());
        let blocked: BTreeSet<UserId> = users.collect();
        if blocked != self.meta.blocked {
            self.meta.blocked = blocked;
            self.notices.push_back(Notice::Own(OwnChange::Missed));
        }
        self.meta.knows_blocked = true;
        self.meta_changed = true;
    }

    pub(super) fn learn_block(&mut self, change: &BlockChanged) {
        let Ok(user) = UserId::parse(&change.user) else { return };
        match change.blocked {
            true => self.meta.blocked.insert(user),
            false => self.meta.blocked.remove(&user),
        };
        self.meta_changed = true;
        self.notices.push_back(Notice::Own(OwnChange::Blocked(user, change.blocked)));
    }

    pub(super) fn learn_room_settings(
        &mut self,
        room: RoomId,
        settings: Option<&wire::RoomSettings>,
    ) {
        if self.rooms.get(room).is_some() {
            let settings = settings.map(RoomSettings::of_wire).unwrap_or_default();
            self.rooms.entry(room).settings = settings;
            self.changed(room);
        }
    }

    /// The next event of a room's log: is it worth a notification?
    pub(super) fn notify(&mut self, room: RoomId, event: &LogEvent, me: UserId, now: Now) {
        let now_ms = self.server_ms(now);
        let Some(record) = self.rooms.get(room).filter(|_| !self.is_by_blocked(event)) else {
            return;
        };
        let quiet_until_ms = self.meta.quiet_until_ms;
        // Who is in a node, or in one below it, is in its room, and only they are.
        let is_in = |node| self.rooms.get(node).is_some_and(|room| room.is_described());
        if let Some(reason) =
            self.meta.settings.notifies(record, event, me, quiet_until_ms, now_ms, is_in)
        {
            self.notices.push_back(Notice::Notify(room, Box::new(event.clone()), reason));
        }
    }

    pub(super) fn handle_receipt(&mut self, room: RoomId, user: UserId, notice: &Ephemeral) {
        if notice.kind == ReadReceipt::RULE.kind
            && let Ok(read) = ReadReceipt::decode(notice.body.clone())
        {
            let receipt = Receipt { user, seq: read.seq.min(SEQ_MAX), at_ms: read.at_ms };
            self.notices.push_back(Notice::Receipt(room, receipt));
        }
    }

    pub(super) fn handle_draft(&mut self, sender: UserId, notice: &Ephemeral) {
        if notice.kind == DraftChanged::RULE.kind
            && self.meta.user == Some(sender)
            && let Ok(DraftChanged { draft: Some(draft) }) =
                DraftChanged::decode(notice.body.clone())
        {
            self.notices.push_back(Notice::Own(OwnChange::Draft(draft)));
        }
    }

    pub(super) fn handle_signal(&mut self, room: RoomId, sender: UserId, notice: &Ephemeral) {
        if notice.kind == AppSignal::RULE.kind
            && let Ok(signal) = AppSignal::decode(notice.body.clone())
        {
            self.notices.push_back(Notice::Signal(room, sender, signal));
        }
    }

    pub(super) fn handle_response(&mut self, room: RoomId, sender: UserId, notice: &Ephemeral) {
        if notice.kind == InteractionAnswered::RULE.kind
            && let Ok(answered) = InteractionAnswered::decode(notice.body.clone())
        {
            let response = Interaction::Response(room, sender, answered);
            self.notices.push_back(Notice::Interaction(response));
        }
    }
}
