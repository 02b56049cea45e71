//! Receipts as they happen: in small rooms, and never in the way of events.

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{RoomId, UserId},
    receipt::ReadReceipt,
    room::RoomKind,
    wire::{Ephemeral, Intent, event_frame::Frame},
};
use prost::Message;

use super::{Hub, audience::event_frame};
use crate::{draft::ReceiptDraft, limits, rooms::RoomCell};

impl Hub {
    /// A marker has moved. Of several of one user the newest is told, with the next pulses.
    pub(super) fn note_receipt(&mut self, user: UserId, receipt: ReceiptDraft) {
        let room = receipt.cell.id;
        let members = receipt.cell.read(|room| room.members.len());
        if members > limits::RECEIPTS_LIVE_MEMBERS_MAX || !self.audiences.contains_key(&room) {
            return;
        }
        self.receipts.entry(room).or_default().insert(user, receipt.read);
        self.pulse_at.get_or_insert(std::time::Duration::ZERO);
    }

    /// Tells the receipts that are due.
    pub(super) fn send_receipts(&mut self) {
        for (room, reads) in std::mem::take(&mut self.receipts) {
            let Some(cell) = self.node.rooms.cached(room) else { continue };
            if self.is_apart_now(&cell) {
                continue;
            }
            let Some(mut audience) = self.audiences.remove(&room) else { continue };
            self.check_audience(&mut audience, &cell, None);
            for (user, read) in reads.into_iter().filter(|(user, _)| cell.is_member(*user)) {
                let frame = receipt_frame(room, user, &read);
                for index in &audience.full {
                    self.push_receipt(*index, room, &frame);
                }
            }
            self.audiences.insert(room, audience);
        }
    }

    /// Whether it is a direct room and one of the two has blocked the other since the receipt was
    /// noted. Who was asked for it then: whom they have blocked is in memory.
    fn is_apart_now(&self, cell: &RoomCell) -> bool {
        let two = cell.read(|room| (room.kind == RoomKind::Direct).then(|| room.members.clone()));
        let Some(two) = two else { return false };
        let has_blocked = |user: &UserId| {
            let log = self.node.users.cached(*user);
            log.is_some_and(|log| two.iter().any(|other| log.is_known_apart(*other)))
        };
        two.iter().any(has_blocked)
    }

    /// What may be lost isn't put behind what waits already.
    fn push_receipt(&mut self, index: u32, room: RoomId, frame: &Bytes) {
        let Some(conn) = self.conns[index as usize].as_mut() else { return };
        let is_behind = conn.outbox.bytes() > limits::RECEIPTS_BEHIND_BYTES_MAX;
        if is_behind || !conn.wants(Intent::Receipts) {
            return;
        }
        conn.outbox.push_room(room, frame.clone(), 0);
        self.mark_dirty(index);
    }
}

fn receipt_frame(room: RoomId, user: UserId, read: &ReadReceipt) -> Bytes {
    event_frame(Frame::Ephemeral(Ephemeral {
        room: room.to_field(),
        kind: ReadReceipt::RULE.kind,
        body: read.encode_to_vec().into(),
        sender: user.to_field(),
    }))
}
