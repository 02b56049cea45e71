//! Signals of applications: told to those who hear the room just now, and never in the way of events.

use bytes::Bytes;
use parlour_protocol::{
    ids::RoomId,
    wire::{Ephemeral, Intent, event_frame::Frame},
};

use super::{Hub, audience::event_frame};
use crate::{
    draft::{Committed, Draft, SignalDraft, Submission},
    limits::SIGNALS_BEHIND_BYTES_MAX,
};

impl Hub {
    /// An application tells something. Nobody hears it who isn't in the room by now, and nothing is
    /// told for somebody who may not any more.
    pub(super) fn handle_signal(&mut self, submission: Submission) {
        let Submission { draft: Draft::Signal(draft), then } = submission else { return };
        match self.check_guard(&draft.cell, draft.guard) {
            Ok(()) => {
                self.tell_signal(*draft);
                self.answer(then, Committed::default());
            }
            Err(refused) => self.refuse(then, refused),
        }
    }

    fn tell_signal(&mut self, draft: SignalDraft) {
        let SignalDraft { cell, sender, kind, body, only_to, .. } = draft;
        let frame: Bytes = event_frame(Frame::Ephemeral(Ephemeral {
            room: cell.id.to_field(),
            kind,
            body,
            sender: sender.to_field(),
        }));
        if let Some(user) = only_to.filter(|user| cell.is_member(*user)) {
            for index in self.by_user.get(&user).cloned().unwrap_or_default() {
                self.push_signal(index, cell.id, &frame);
            }
        }
        if only_to.is_some() {
            return;
        }
        let Some(mut audience) = self.audiences.remove(&cell.id) else { return };
        self.check_audience(&mut audience, &cell, None);
        for index in &audience.full {
            let conn = self.conns[*index as usize].as_ref();
            if !conn.is_some_and(|conn| conn.wants(Intent::Signals)) {
                continue;
            }
            self.push_signal(*index, cell.id, &frame);
        }
        self.audiences.insert(cell.id, audience);
    }

    /// What may be lost isn't put behind what waits already.
    fn push_signal(&mut self, index: u32, room: RoomId, frame: &Bytes) {
        let Some(conn) = self.conns[index as usize].as_mut() else { return };
        if conn.outbox.bytes() <= SIGNALS_BEHIND_BYTES_MAX {
            conn.outbox.push_room(room, frame.clone(), 0);
            self.mark_dirty(index);
        }
    }
}
