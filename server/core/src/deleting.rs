//! Deleting a message: what is written when one goes, whoever lets it go.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    event::{self, FLAG_ERASED, FLAG_EVERYONE},
    ids::{RoomId, UserId},
    wire::{Error, EventHeader},
};

use crate::{
    draft::{Guard, NewEvent, RoomDraft, store_error},
    kit::Ctx,
    mentions::withdrawals,
    messages::release,
    polls::end_of,
    ports::store::{Erase, LogKey, Put},
    records::{key, room_seq},
    rooms::{RoomCell, RoomChange},
    tables::Table,
    threads::{ThreadChange, thread_with},
    unread::{IN_THREAD, TO_EVERYONE},
};

/// A draft of something about an earlier message that isn't deleted.
pub(crate) fn amendment(cell: Arc<RoomCell>, guard: Guard, event: NewEvent) -> RoomDraft {
    let (room, target) = (cell.id, event.target_seq);
    let kind = event.kind.to_be_bytes();
    let mut draft = RoomDraft::new(cell, guard, event);
    draft.absent.push((Table::DELETED, room_seq(room, target)));
    let index = key(&[room.as_bytes(), &target.to_be_bytes()]);
    draft.seq_puts.push((Table::AMENDMENTS, index, Bytes::copy_from_slice(&kind)));
    draft
}

/// The draft of a delete, of the message with that header.
pub(crate) async fn deletion(
    ctx: &Ctx,
    cell: Arc<RoomCell>,
    guard: Guard,
    header: EventHeader,
    event: NewEvent,
) -> Result<RoomDraft, Error> {
    let (room, target) = (cell.id, header.seq);
    let thread = match header.thread_no {
        0 => None,
        _ => Some(thread_with(ctx, room, header.thread_root_seq, ThreadChange::Delete).await?),
    };
    let event = NewEvent {
        target_seq: target,
        thread_root_seq: header.thread_root_seq,
        deletes: true,
        ..event
    };
    let mut draft = amendment(cell, guard, event);
    draft.puts.push(Put {
        table: Table::DELETED,
        key: room_seq(room, target),
        value: Some(match (&thread, header.flags & FLAG_EVERYONE) {
            (Some(_), _) => Bytes::from_static(&IN_THREAD),
            (None, 0) => Bytes::new(),
            (None, _) => Bytes::from_static(&TO_EVERYONE),
        }),
    });
    draft.thread = thread;
    let pin = room_seq(room, target);
    let pinned = ctx.store().get(Table::PINS, &pin).await.map_err(store_error)?;
    draft.change = pinned.map(|_| RoomChange::Pins);
    // It goes with the message even if it is pinned only at this moment.
    draft.puts.push(Put { table: Table::PINS, key: pin, value: None });
    draft.puts.extend(release(ctx, room, &header).await?);
    draft.puts.extend(end_of(ctx, room, target).await?);
    draft.erase_amendments_of.push(target);
    draft.effects = withdrawals(room, &header, &unheard(ctx, room, &header).await?);
    let flags = header.flags | FLAG_ERASED;
    let tombstone = EventHeader { flags, attachments: vec![], ..header };
    draft.erases.push(Erase {
        log: LogKey::Room(room),
        seq: target,
        record: event::compose(&tombstone, &[]),
    });
    Ok(draft)
}

/// Those whom it mentions and who weren't told, as they had blocked its sender.
async fn unheard(ctx: &Ctx, room: RoomId, header: &EventHeader) -> Result<Vec<UserId>, Error> {
    let Ok(sender) = UserId::parse(&header.sender) else { return Ok(vec![]) };
    let mut unheard = Vec::new();
    for user in header.mentions.iter().filter_map(|user| UserId::parse(user).ok()) {
        if !ctx.blocked_by(user).await?.contains(&sender) {
            continue;
        }
        let mention = room_seq(room, header.seq);
        let (table, row) = match header.thread_root_seq {
            0 => (Table::MENTIONS, key(&[user.as_bytes(), &mention])),
            root => {
                let thread = room_seq(room, root);
                let row = key(&[user.as_bytes(), &thread, &header.seq.to_be_bytes()]);
                (Table::THREAD_MENTIONS, row)
            }
        };
        if ctx.store().get(table, &row).await.map_err(store_error)?.is_none() {
            unheard.push(user);
        }
    }
    Ok(unheard)
}
