//! Sync: the user's own log since a cursor, then digests of rooms, newest first. What a first screen needs
//! doesn't wait for a long log.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parlour_protocol::{
    event,
    ids::RoomId,
    limits::DIGEST_THREADS_MAX,
    settings::RoomSettings,
    sync::{Digests, RoomDigest, SyncDone, SyncItem, SyncRequest, UserDelta, sync_item::Item},
    wire::{Error, Event},
};
use prost::Message;

use crate::{
    draft::store_error,
    kit::{Ctx, Sink},
    limits::{self, ITEM_BYTES, ITEM_DIGESTS, ITEM_EVENTS},
    ports::store::{LogKey, ReadRange},
    records::Counters,
    rooms::{RoomCell, decode_head},
    settings::room_settings,
    threads::followed_in,
    unread::{marker_in_force, stored_marker, unread},
};

/// Most digests in the first frame.
const FIRST_MAX: u32 = 200;
const FIRST_DEFAULT: u32 = 20;
/// Most events of the user's own log that come before the first digests.
const DELTA_BEFORE_SCREEN: u64 = 16;

pub(super) async fn sync(
    ctx: &Ctx,
    request: SyncRequest,
    out: &mut Sink<SyncItem>,
) -> Result<(), Error> {
    // Taken before anything is read: what is committed later will be found the next time.
    let watermark_ms = ctx.node.log_time.watermark(ctx.node.now().unix_ms);
    let same = request.incarnation == ctx.node.incarnation.as_bytes()[..];
    let head = ctx.user_log().await?.head().seq;
    let behind = head.checked_sub(request.user_seq);
    let reset = !same || behind.is_none_or(|n| n > limits::USER_DELTA_MAX);
    let since_ms = if reset { 0 } else { request.watermark_ms };

    let all = ctx.node.rooms_of(ctx.caller.org, ctx.user()).await.map_err(store_error)?;
    let rooms = changed_rooms(ctx, &all, since_ms).await?;
    let first = match request.first {
        0 => FIRST_DEFAULT,
        n => n.min(FIRST_MAX),
    } as usize;
    let (screen, rest) = rooms.split_at(first.min(rooms.len()));
    // A new device draws a screen before a long log has come; who has rooms already has something to show.
    let is_new = !reset && request.watermark_ms == 0 && request.user_seq == 0;
    if is_new && head > DELTA_BEFORE_SCREEN {
        let digests = digests_of(ctx, screen).await?;
        out.send(&SyncItem { item: Some(Item::FirstScreen(digests)) }).await?;
    }
    user_delta(ctx, request.user_seq, head, reset, out).await?;
    send_digests(ctx, screen, out).await?;
    for chunk in rest.chunks(ITEM_DIGESTS) {
        send_digests(ctx, chunk, out).await?;
    }
    let done = SyncDone { watermark_ms, room_count: all.len() as u32 };
    out.send(&SyncItem { item: Some(Item::Done(done)) }).await
}

async fn user_delta(
    ctx: &Ctx,
    after: u64,
    head: u64,
    reset: bool,
    out: &mut Sink<SyncItem>,
) -> Result<(), Error> {
    let mut from = if reset { head + 1 } else { after + 1 };
    let mut first = true;
    while from <= head || first {
        let range = ReadRange {
            from,
            to: head,
            reverse: false,
            records_max: ITEM_EVENTS,
            bytes_max: ITEM_BYTES,
        };
        let read = if from <= head {
            ctx.store().read(LogKey::User(ctx.user()), range).await.map_err(store_error)?
        } else {
            vec![]
        };
        from = read.last().map_or(head + 1, |stored| stored.seq + 1);
        let events: Vec<Bytes> = read.into_iter().filter_map(|stored| stored.record).collect();
        out.send_raw(user_item(&events, reset, head)).await?;
        first = false;
    }
    Ok(())
}

/// A `SyncItem` with stored events as the bytes they are.
fn user_item(events: &[Bytes], reset: bool, as_of_seq: u64) -> Bytes {
    let mut delta = BytesMut::new();
    event::put_events(1, events, &mut delta);
    let rest = UserDelta { events: Vec::<Event>::new(), reset, as_of_seq };
    rest.encode(&mut delta).expect("BytesMut grows");
    let mut item = BytesMut::with_capacity(delta.len() + 8);
    event::put_events(1, &[delta.freeze()], &mut item);
    item.freeze()
}

/// The rooms that changed since then and their heads, newest first.
async fn changed_rooms(
    ctx: &Ctx,
    all: &[RoomId],
    since_ms: u64,
) -> Result<Vec<(RoomId, Counters)>, Error> {
    let mut rooms = Vec::with_capacity(all.len());
    let since_ms = since_ms.saturating_sub(limits::WATERMARK_OVERLAP_MS);
    for chunk in all.chunks(1000) {
        let logs: Vec<LogKey> = chunk.iter().map(|room| LogKey::Room(*room)).collect();
        let heads = ctx.store().heads(&logs).await.map_err(store_error)?;
        for (room, head) in chunk.iter().zip(heads) {
            // A head that can't be read isn't a reason to hide the other rooms.
            let Ok(head) = decode_head(head) else { continue };
            if head.changed_since(since_ms) {
                rooms.push((*room, head));
            }
        }
    }
    rooms.sort_by_key(|(_, head)| std::cmp::Reverse(head.news_at_ms()));
    Ok(rooms)
}

async fn send_digests(
    ctx: &Ctx,
    rooms: &[(RoomId, Counters)],
    out: &mut Sink<SyncItem>,
) -> Result<(), Error> {
    let digests = digests_of(ctx, rooms).await?;
    out.send(&SyncItem { item: Some(Item::Digests(digests)) }).await
}

async fn digests_of(ctx: &Ctx, rooms: &[(RoomId, Counters)]) -> Result<Digests, Error> {
    let mut digests = Vec::with_capacity(rooms.len());
    for (room, _) in rooms {
        let cell = ctx.node.room(ctx.caller.org, *room).await.map_err(store_error)?;
        let Some(cell) = cell.filter(|cell| cell.is_member(ctx.user())) else { continue };
        digests.push(digest(ctx, &cell).await?);
    }
    Ok(Digests { rooms: digests })
}

async fn digest(ctx: &Ctx, cell: &Arc<RoomCell>) -> Result<RoomDigest, Error> {
    let user = ctx.user();
    let (room, head) = cell.describe_at_head(user);
    let set = stored_marker(ctx.store(), user, cell.id).await?;
    let marker = marker_in_force(ctx.store(), user, cell.id, set).await?;
    let unread = unread(ctx.store(), user, cell.id, head, marker).await?;
    let threads = followed_in(ctx, cell.id, DIGEST_THREADS_MAX).await?;
    let settings = room_settings(ctx.store(), user, cell.id).await?;
    Ok(RoomDigest {
        room: Some(room),
        seq: head.seq,
        at_ms: head.news_at_ms(),
        msg_no: head.msg_no,
        bcast_no: head.bcast_no,
        del_no: head.del_no,
        marker: Some(marker),
        unread: Some(unread),
        threads,
        settings: Some(settings).filter(|settings| *settings != RoomSettings::default()),
    })
}
