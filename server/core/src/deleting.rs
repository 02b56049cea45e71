//! Deleting messages: what is written when one goes, or several at once, whoever lets them go.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use parlour_protocol::{
    app::AppEvent,
    event::{self, FLAG_ERASED, FLAG_EVERYONE, FLAG_GROUPS},
    generated::EventMessage,
    ids::{RoomId, UserId},
    limits::DELETED_AT_ONCE_MAX,
    message::{DeleteReason, MessagePosted, MessagesDeleted},
    wire::{Error, ErrorReason, EventHeader},
};
use prost::Message;

use crate::{
    done::committed,
    draft::{Draft, EffectsOf, Guard, NewEvent, Refused, RoomDraft, Submit, store_error},
    holds::{Holds, copy},
    kit::Ctx,
    limits::{DELETED_ATTACHMENTS_MAX, DELETED_MENTIONS_BYTES_MAX, GROUP_MEANT_MAX},
    mention_groups::meant_before,
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

/// What became of messages that were to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Messages and applications' events that were deleted now.
    pub deleted: u64,
    /// Those that can't be deleted, since rows about them can't be read.
    pub damaged: u64,
}

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
    let (version, holds) = held_at(ctx).await?;
    let mut draft = amendment(cell, guard, event);
    draft.keeping = Some(version);
    draft.thread = thread;
    let effects = go_with(ctx, &mut draft, header, &holds).await?;
    draft.effects = all_of(effects.into_iter().collect());
    Ok(draft)
}

/// What the organization holds, and the version of what is kept that is true of: what is decided on it isn't
/// committed after another hold, or another rule.
pub(crate) async fn held_at(ctx: &Ctx) -> Result<(u64, Holds), Error> {
    let version = ctx.directory().await?.keeping();
    let holds = Holds::load(ctx.store(), ctx.caller.org, ctx.now.unix_ms).await;
    Ok((version, holds.map_err(store_error)?))
}

/// The draft of an event that deletes several messages, all of them of one thread or none in one.
/// Applications' events among them lose what they carry.
pub(crate) async fn deletions(
    ctx: &Ctx,
    cell: Arc<RoomCell>,
    headers: Vec<EventHeader>,
    reason: DeleteReason,
    (version, holds): (u64, &Holds),
) -> Result<RoomDraft, Error> {
    let root = headers.first().map_or(0, |header| header.thread_root_seq);
    let thread = match root {
        0 => None,
        _ => Some(thread_with(ctx, cell.id, root, ThreadChange::Delete).await?),
    };
    let body = MessagesDeleted { reason: reason as i32 }.encode_to_vec().into();
    let event = NewEvent {
        is_anonymous: true,
        target_seqs: headers.iter().map(|header| header.seq).collect(),
        thread_root_seq: root,
        deletes: true,
        ..NewEvent::new(UserId::from_bytes([0; 16]), MessagesDeleted::RULE.kind, body)
    };
    let mut draft = RoomDraft::new(cell, Guard::Open, event);
    draft.keeping = Some(version);
    draft.thread = thread;
    let mut effects = Vec::new();
    for header in headers {
        if header.kind == MessagePosted::RULE.kind {
            draft.absent.push((Table::DELETED, room_seq(draft.cell.id, header.seq)));
            effects.extend(go_with(ctx, &mut draft, header, holds).await?);
        } else {
            erase(ctx, &mut draft, header, holds).await?;
        }
    }
    draft.effects = all_of(effects);
    Ok(draft)
}

fn all_of(effects: Vec<EffectsOf>) -> Option<EffectsOf> {
    if effects.is_empty() {
        return None;
    }
    Some(Arc::new(move |place| effects.iter().flat_map(|effects| effects(place)).collect()))
}

/// What goes with a deleted message, and what follows for those it mentioned.
async fn go_with(
    ctx: &Ctx,
    draft: &mut RoomDraft,
    header: EventHeader,
    holds: &Holds,
) -> Result<Option<EffectsOf>, Error> {
    let (room, target) = (draft.cell.id, header.seq);
    draft.puts.push(Put {
        table: Table::DELETED,
        key: room_seq(room, target),
        value: Some(match (header.thread_no, header.flags & FLAG_EVERYONE) {
            (0, 0) => Bytes::new(),
            (0, _) => Bytes::from_static(&TO_EVERYONE),
            _ => Bytes::from_static(&IN_THREAD),
        }),
    });
    let pin = room_seq(room, target);
    let pinned = ctx.store().get(Table::PINS, &pin).await.map_err(store_error)?;
    if pinned.is_some() {
        draft.change = Some(RoomChange::Pins);
    }
    // It goes with the message even if it is pinned only at this moment.
    draft.puts.push(Put { table: Table::PINS, key: pin, value: None });
    draft.puts.extend(end_of(ctx, room, target).await?);
    draft.erase_amendments_of.push(target);
    let meant = match header.flags & FLAG_GROUPS {
        0 => vec![],
        _ => meant_before(ctx, draft, target).await?,
    };
    let effects = withdrawals(room, &header, &unheard(ctx, room, &header).await?, meant);
    erase(ctx, draft, header, holds).await?;
    Ok(effects)
}

/// What it says leaves the disk, unless it is held.
async fn erase(
    ctx: &Ctx,
    draft: &mut RoomDraft,
    header: EventHeader,
    holds: &Holds,
) -> Result<(), Error> {
    let room = draft.cell.id;
    if holds.has(room, &header.sender) {
        let kept = copy(ctx.store(), ctx.caller.org, room, header.seq).await;
        draft.puts.extend(kept.map_err(store_error)?);
        draft.is_held = true;
    } else {
        draft.puts.extend(release(ctx, room, &header).await?);
    }
    let flags = header.flags | FLAG_ERASED;
    let (log, seq) = (LogKey::Room(room), header.seq);
    let tombstone = EventHeader { flags, attachments: vec![], ..header };
    draft.erases.push(Erase { log, seq, record: event::compose(&tombstone, &[]) });
    Ok(())
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

/// Deletes messages and applications' events, with as few events as can be. `false` where something
/// about them has changed meanwhile, and they are to be read again.
pub(crate) async fn delete_all(
    hub: &Arc<dyn Submit>,
    ctx: &Ctx,
    (cell, headers): (&Arc<RoomCell>, Vec<EventHeader>),
    reason: DeleteReason,
    at: (u64, &Holds),
    gone: &mut Gone,
) -> Result<bool, Error> {
    let mut waiting = VecDeque::from(apart(headers));
    while let Some(headers) = waiting.pop_front() {
        let count = headers.len() as u64;
        let alone = (count > 1).then(|| headers.clone());
        let draft = match deletions(ctx, cell.clone(), headers, reason, at).await {
            Ok(draft) => draft,
            // One whose rows can't be read doesn't keep the others.
            Err(error) if error.reason == ErrorReason::DataDamaged as i32 => {
                match alone {
                    Some(headers) => waiting.extend(headers.into_iter().map(|one| vec![one])),
                    None => gone.damaged += 1,
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        match committed(hub, Draft::Room(Box::new(draft))).await {
            Ok(_) => gone.deleted += count,
            Err(Refused::Stale | Refused::Exists) => return Ok(false),
            Err(refused) => return Err(refused.into()),
        }
    }
    Ok(true)
}

/// Whether it is a message or an application's event that has something to lose.
pub(crate) fn is_whole(header: &EventHeader) -> bool {
    [MessagePosted::RULE.kind, AppEvent::RULE.kind].contains(&header.kind)
        && header.flags & FLAG_ERASED == 0
}

/// What one event each can delete: of one thread, or of none, and no more than one commit holds.
fn apart(headers: Vec<EventHeader>) -> Vec<Vec<EventHeader>> {
    #[derive(Default)]
    struct Part {
        headers: Vec<EventHeader>,
        attachments: usize,
        bytes: usize,
    }
    let mut full = Vec::new();
    let mut parts: BTreeMap<u64, Part> = BTreeMap::new();
    for header in headers {
        let part = parts.entry(header.thread_root_seq).or_default();
        // About what withdrawing its mentions takes in the outbox.
        let of_groups = if header.flags & FLAG_GROUPS == 0 { 0 } else { GROUP_MEANT_MAX };
        let bytes = match header.mentions.len() + of_groups {
            0 => 0,
            mentions => 200 + 20 * mentions,
        };
        if !part.headers.is_empty()
            && (part.headers.len() >= DELETED_AT_ONCE_MAX
                || part.attachments + header.attachments.len() > DELETED_ATTACHMENTS_MAX
                || part.bytes + bytes > DELETED_MENTIONS_BYTES_MAX)
        {
            full.push(std::mem::take(part).headers);
        }
        part.attachments += header.attachments.len();
        part.bytes += bytes;
        part.headers.push(header);
    }
    full.extend(parts.into_values().map(|part| part.headers));
    full
}
