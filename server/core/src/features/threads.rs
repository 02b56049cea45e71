//! Threads: who follows which, how far they have read, and pages of replies.

use std::cmp::Reverse;

use bytes::Bytes;
use parlour_protocol::{
    generated::{ThreadService, ThreadServiceBulk},
    ids::RoomId,
    limits::{THREAD_PAGE_MAX, TIMELINE_PAGE_MAX},
    marker::{Marker, Unread},
    thread::{
        FollowThreadRequest, FollowThreadResponse, FollowedThread, ListThreadsRequest,
        ListThreadsResponse, MarkThreadReadRequest, MarkThreadReadResponse,
        MarkThreadUnreadRequest, MarkThreadUnreadResponse, ReadThreadItem, ReadThreadRequest,
        Thread, ThreadFollowed, ThreadMarkerMoved, ThreadUnfollowed, UnfollowThreadRequest,
        UnfollowThreadResponse,
    },
    wire::{Error, Event},
};
use prost::Message;

use crate::{
    draft::{Draft, room_not_found, store_error},
    kit::{Answer, Ctx, Features, ServerKit, Sink},
    limits::{ANSWER_BYTES, FOLLOWED_LISTED_MAX, FOLLOWED_LOOKED_AT_MAX, ITEM_BYTES},
    pages::{amendments, beyond, only, read},
    polls::poll_state,
    ports::store::{Put, Scan},
    records::{key, trailing_seq},
    rooms::RoomCell,
    tables::Table,
    threads::{followed_thread, follows, load, not_followed, thread_key, thread_of, user_thread},
    unread::{thread_marker, thread_unread},
};

impl ThreadService<ServerKit> for Features {
    async fn follow_thread(
        &self,
        ctx: &mut Ctx,
        request: FollowThreadRequest,
    ) -> Result<Answer<FollowThreadResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let (thread, _) = thread_of(ctx, &cell, request.root_seq).await?;
        let state = thread.state();
        if follows(ctx.store(), ctx.user(), cell.id, request.root_seq).await? {
            let thread = Some(followed_thread(ctx, cell.id, state).await?);
            return Ok(Answer::Now(FollowThreadResponse { thread }));
        }
        let at = state.last_seq.max(request.root_seq);
        let (set_at_seq, at_ms) = (cell.head().seq, ctx.now.unix_ms);
        let marker =
            Marker { seq: at, msg_no: state.thread_no, set_at_seq, at_ms, ..Marker::default() };
        let (room, root_seq) = (cell.id.to_field(), request.root_seq);
        let body = ThreadFollowed { room: room.clone(), root_seq, marker: Some(marker) };
        let mut draft = ctx.own_draft(&body).await?;
        let row = user_thread(ctx.user(), cell.id, root_seq);
        let value = Some(Bytes::from(marker.encode_to_vec()));
        draft.puts = vec![
            Put { table: Table::THREAD_FOLLOWS, key: row.clone(), value: Some(Bytes::new()) },
            Put { table: Table::THREAD_MARKERS, key: row, value },
        ];
        let (marker, unread) = (Some(marker), Some(Unread::default()));
        let thread = Some(FollowedThread { room, thread: Some(state), marker, unread });
        let answer = FollowThreadResponse { thread };
        Ok(Answer::commit(Draft::User(Box::new(draft)), move |_| answer))
    }

    async fn unfollow_thread(
        &self,
        ctx: &mut Ctx,
        request: UnfollowThreadRequest,
    ) -> Result<Answer<UnfollowThreadResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        if !follows(ctx.store(), ctx.user(), cell.id, request.root_seq).await? {
            return Ok(Answer::Now(UnfollowThreadResponse {}));
        }
        let body = ThreadUnfollowed { room: cell.id.to_field(), root_seq: request.root_seq };
        let mut draft = ctx.own_draft(&body).await?;
        let row = user_thread(ctx.user(), cell.id, request.root_seq);
        draft.puts = [Table::THREAD_FOLLOWS, Table::THREAD_MARKERS]
            .map(|table| Put { table, key: row.clone(), value: None })
            .into();
        Ok(Answer::commit(Draft::User(Box::new(draft)), |_| UnfollowThreadResponse {}))
    }

    async fn mark_thread_read(
        &self,
        ctx: &mut Ctx,
        request: MarkThreadReadRequest,
    ) -> Result<Answer<MarkThreadReadResponse>, Error> {
        let (cell, thread) = followed(ctx, &request.room, request.root_seq).await?;
        let (room, user) = (cell.id, ctx.user());
        let in_force = thread_marker(ctx.store(), user, room, thread.root_seq).await?;
        let seq = request.seq.min(thread.last_seq);
        let (marker, draft) = if seq <= in_force.seq {
            (in_force, None)
        } else {
            let marker = marker_at(ctx, &cell, &thread, seq).await?;
            (marker, Some(moved(ctx, room, thread.root_seq, marker).await?))
        };
        let unread = thread_unread(ctx.store(), user, room, &thread, marker).await?;
        let (marker, unread) = (Some(marker), Some(unread));
        let answer = MarkThreadReadResponse { marker, unread };
        Ok(match draft {
            Some(draft) => Answer::commit(draft, move |_| answer),
            None => Answer::Now(answer),
        })
    }

    async fn mark_thread_unread(
        &self,
        ctx: &mut Ctx,
        request: MarkThreadUnreadRequest,
    ) -> Result<Answer<MarkThreadUnreadResponse>, Error> {
        let (cell, thread) = followed(ctx, &request.room, request.root_seq).await?;
        let at = marker_at(ctx, &cell, &thread, request.seq).await?;
        // One before the reply: seqs between two replies are none of the thread's.
        let marker =
            Marker { seq: at.seq.saturating_sub(1), msg_no: at.msg_no.saturating_sub(1), ..at };
        let unread = thread_unread(ctx.store(), ctx.user(), cell.id, &thread, marker).await?;
        let draft = moved(ctx, cell.id, thread.root_seq, marker).await?;
        let (marker, unread) = (Some(marker), Some(unread));
        let answer = MarkThreadUnreadResponse { marker, unread };
        Ok(Answer::commit(draft, move |_| answer))
    }

    async fn list_threads(
        &self,
        ctx: &mut Ctx,
        request: ListThreadsRequest,
    ) -> Result<Answer<ListThreadsResponse>, Error> {
        let size = match request.page_size as usize {
            0 => 50,
            n if n <= THREAD_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 100")),
        };
        let after = match request.page.len() {
            0 => None,
            32 => Some(request.page),
            _ => return Err(Error::invalid("page", "is not from an answer")),
        };
        let (mut threads, mut bytes) = (Vec::new(), 0);
        let mut all = all_followed(ctx).await?.into_iter();
        let mut last = Bytes::new();
        for (place, room, thread) in all.by_ref() {
            if after.as_ref().is_some_and(|after| place >= *after) {
                continue;
            }
            let followed = followed_thread(ctx, room, thread).await?;
            if request.unread_only && followed.unread.is_none_or(|unread| unread.messages == 0) {
                continue;
            }
            bytes += followed.encoded_len();
            if threads.len() == size || bytes > ANSWER_BYTES {
                return Ok(Answer::Now(ListThreadsResponse { threads, next_page: last }));
            }
            threads.push(followed);
            last = place;
        }
        Ok(Answer::Now(ListThreadsResponse { threads, next_page: Bytes::new() }))
    }
}

impl ThreadServiceBulk<ServerKit> for Features {
    async fn read_thread(
        &self,
        ctx: &mut Ctx,
        request: ReadThreadRequest,
        out: &mut Sink<ReadThreadItem>,
    ) -> Result<(), Error> {
        let cell = ctx.room(&request.room).await?;
        let limit = match request.limit as usize {
            0 => 50,
            n if n <= TIMELINE_PAGE_MAX => n,
            _ => return Err(Error::invalid("limit", "is over 500")),
        };
        let as_of_seq = cell.head().seq;
        let root_seq = request.root_seq;
        if root_seq == 0 || root_seq > as_of_seq {
            return Err(Error::invalid("root_seq", "is not in the room's log"));
        }
        let thread = load(ctx.store(), cell.id, root_seq).await.map_err(store_error)?;
        let before = match request.before_seq {
            0 => as_of_seq + 1,
            before => before.min(as_of_seq + 1),
        };
        let (seqs, at_start) = page(ctx, &cell, &thread, before, limit).await?;
        let item = ReadThreadItem { as_of_seq, thread: Some(thread), ..Default::default() };
        let mut rest = &seqs[..];
        while !rest.is_empty() {
            if !cell.is_member(ctx.user()) {
                return Err(room_not_found());
            }
            let (mut events, mut found, mut polls, mut bytes) = (vec![], vec![], vec![], 0);
            while let Some((seq, others)) = rest.split_first().filter(|_| bytes < ITEM_BYTES) {
                let event = event_at(ctx, cell.id, *seq).await?;
                bytes += event.as_ref().map_or(0, Bytes::len);
                events.extend(event);
                found.extend(amendments(ctx, &cell, *seq, *seq, as_of_seq).await?);
                polls.extend(poll_state(ctx, cell.id, *seq).await?);
                rest = others;
            }
            found.sort_by_key(|event| event.header.as_ref().map_or(0, |header| header.seq));
            let item = ReadThreadItem {
                amendments: found,
                at_start: at_start && rest.is_empty(),
                polls,
                ..item.clone()
            };
            send(out, &events, item).await?;
        }
        if seqs.is_empty() {
            send(out, &[], ReadThreadItem { at_start, ..item }).await?;
        }
        Ok(())
    }
}

async fn send(
    out: &mut Sink<ReadThreadItem>,
    events: &[Bytes],
    mut item: ReadThreadItem,
) -> Result<(), Error> {
    let as_of_seq = item.as_of_seq;
    let mut rest = beyond(&mut item.amendments, ITEM_BYTES);
    out.send_with_events(1, events, &item).await?;
    while !rest.is_empty() {
        let mut amendments = rest;
        rest = beyond(&mut amendments, ITEM_BYTES);
        out.send(&ReadThreadItem { as_of_seq, amendments, ..Default::default() }).await?;
    }
    Ok(())
}

/// Places of a page's events in order, and whether nothing comes before them.
async fn page(
    ctx: &Ctx,
    cell: &RoomCell,
    thread: &Thread,
    before: u64,
    limit: usize,
) -> Result<(Vec<u64>, bool), Error> {
    let of_thread = thread_key(cell.id, thread.root_seq);
    let mut seqs = Vec::with_capacity(limit);
    // Pages are asked for before the first reply of the page that came last.
    let known = event_at(ctx, cell.id, before.min(thread.last_seq)).await?;
    let known = known.and_then(|event| Event::decode(event).ok()?.header);
    let known = known.filter(|header| header.thread_root_seq == thread.root_seq);
    let mut to = match known.map_or(0, |header| header.thread_no) {
        0 => thread.thread_no + 1,
        no => no + 1,
    };
    while seqs.len() < limit && to > 1 {
        let scan = Scan {
            table: Table::THREAD_LOG,
            from: of_thread.clone(),
            to: Some(key(&[&of_thread, &to.to_be_bytes()])),
            reverse: true,
            rows_max: limit,
        };
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        let Some((last, _)) = rows.last() else { break };
        to = trailing_seq(last).unwrap_or(1);
        let found = rows.iter().filter_map(|(_, seq)| trailing_seq(seq));
        seqs.extend(found.filter(|seq| *seq < before));
    }
    let at_start = seqs.len() <= limit && to <= 1;
    seqs.truncate(limit);
    if at_start && before > thread.root_seq {
        seqs.push(thread.root_seq);
    }
    seqs.reverse();
    Ok((seqs, at_start))
}

async fn event_at(ctx: &Ctx, room: RoomId, seq: u64) -> Result<Option<Bytes>, Error> {
    // One that can't be read doesn't hide the others.
    Ok(read(ctx, room, only(seq)).await?.events.pop())
}

/// A followed thread of a room the caller is in.
async fn followed(
    ctx: &Ctx,
    room: &[u8],
    root_seq: u64,
) -> Result<(std::sync::Arc<RoomCell>, Thread), Error> {
    let cell = ctx.room(room).await?;
    if !follows(ctx.store(), ctx.user(), cell.id, root_seq).await? {
        return Err(not_followed());
    }
    let thread = load(ctx.store(), cell.id, root_seq).await.map_err(store_error)?;
    Ok((cell, thread))
}

/// Every thread that the caller follows and may read, the newest reply first, with its place in
/// that order.
async fn all_followed(ctx: &Ctx) -> Result<Vec<(Bytes, RoomId, Thread)>, Error> {
    let mut all = Vec::new();
    let prefix = Bytes::copy_from_slice(ctx.user().as_bytes());
    let mut scan = Scan::prefix(Table::THREAD_FOLLOWS, prefix, FOLLOWED_LOOKED_AT_MAX);
    loop {
        let rows = ctx.store().scan(scan.clone()).await.map_err(store_error)?;
        for (row, _) in &rows {
            let room = row.get(16..32).and_then(|room| RoomId::parse(room).ok());
            let Some((room, root_seq)) = room.zip(trailing_seq(row)) else { continue };
            let cell = ctx.node.room(ctx.caller.org, room).await.map_err(store_error)?;
            if cell.is_none_or(|cell| !cell.is_member(ctx.user())) {
                continue;
            }
            let thread = load(ctx.store(), room, root_seq).await.map_err(store_error)?;
            let at = thread.last_at_ms.to_be_bytes();
            let place = key(&[&at, room.as_bytes(), &root_seq.to_be_bytes()]);
            all.push((place, room, thread));
        }
        let Some((row, _)) = rows.last().filter(|_| rows.len() == FOLLOWED_LOOKED_AT_MAX) else {
            break;
        };
        if all.len() >= FOLLOWED_LISTED_MAX {
            break;
        }
        scan.from = key(&[row, &[0]]);
    }
    all.sort_by(|(a, ..), (b, ..)| Reverse(a).cmp(&Reverse(b)));
    Ok(all)
}

/// A marker at the root or a reply.
async fn marker_at(ctx: &Ctx, cell: &RoomCell, thread: &Thread, seq: u64) -> Result<Marker, Error> {
    let (set_at_seq, at_ms) = (cell.head().seq, ctx.now.unix_ms);
    if seq == thread.root_seq {
        return Ok(Marker { seq, set_at_seq, at_ms, ..Marker::default() });
    }
    let missing = || Error::invalid("seq", "is not of the thread");
    let event = match seq {
        0 => None,
        _ if seq > cell.head().seq => None,
        _ => event_at(ctx, cell.id, seq).await?,
    };
    let header = event.and_then(|event| Event::decode(event).ok()?.header).ok_or_else(missing)?;
    if header.thread_root_seq != thread.root_seq || header.thread_no == 0 {
        return Err(missing());
    }
    Ok(Marker { seq, msg_no: header.thread_no, bcast_no: 0, set_at_seq, at_ms })
}

async fn moved(ctx: &Ctx, room: RoomId, root_seq: u64, marker: Marker) -> Result<Draft, Error> {
    let body = ThreadMarkerMoved { room: room.to_field(), root_seq, marker: Some(marker) };
    let mut draft = ctx.own_draft(&body).await?;
    draft.puts.push(Put {
        table: Table::THREAD_MARKERS,
        key: user_thread(ctx.user(), room, root_seq),
        value: Some(Bytes::from(marker.encode_to_vec())),
    });
    Ok(Draft::User(Box::new(draft)))
}
