//! Signals of applications: told to those who hear the room just now, and never in the way of events.

use bytes::Bytes;
use parlour_protocol::wire::{Ephemeral, event_frame::Frame};

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
        if let Some(user) = only_to {
            if cell.is_member(user) {
                self.push_to_user(user, frame);
            }
            return;
        }
        let Some(mut audience) = self.audiences.remove(&cell.id) else { return };
        self.check_audience(&mut audience, &cell, None);
        for index in &audience.full {
            let Some(conn) = self.conns[*index as usize].as_mut() else { continue };
            // What may be lost isn't put behind what waits already.
            if conn.outbox.bytes() > SIGNALS_BEHIND_BYTES_MAX {
                continue;
            }
            conn.outbox.push_room(cell.id, frame.clone(), 0);
            self.mark_dirty(*index);
        }
        self.audiences.insert(cell.id, audience);
    }
}
