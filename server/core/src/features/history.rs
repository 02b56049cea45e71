//! History: stretches of a room's log, and pages of its timeline.

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::RoomId,
    limits,
    message::{MessageDeleted, MessageEdited},
    sync::{ReadLogItem, ReadLogRequest, ReadTimelineItem, ReadTimelineRequest, SeqRange},
    wire::{Error, Event},
};
use prost::Message;
use std::collections::BTreeMap;

use crate::{
    draft::{room_not_found, store_error},
    kit::{Ctx, Sink},
    limits::{ITEM_BYTES, ITEM_EVENTS, SCAN_ROWS},
    ports::store::{LogKey, ReadRange, Scan, Stored},
    records::{key, trailing_seq},
    rooms::RoomCell,
    tables::Table,
};

pub(super) async fn read_log(
    ctx: &Ctx,
    request: ReadLogRequest,
    out: &mut Sink<ReadLogItem>,
) -> Result<(), Error> {
    let cell = ctx.room(&request.room).await?;
    let as_of_seq = cell.head().seq;
    let to = match request.to_seq {
        0 => as_of_seq,
        to => to.min(as_of_seq),
    };
    let mut from = request.from_seq.max(1);
    let mut left = match request.limit {
        0 => usize::MAX,
        limit => limit as usize,
    };
    while from <= to && left > 0 {
        // A member who was removed in the meantime hears no more.
        if !cell.is_member(ctx.user()) {
            return Err(room_not_found());
        }
        let records_max = left.min(ITEM_EVENTS);
        let range = ReadRange { from, to, reverse: false, records_max, bytes_max: ITEM_BYTES };
        let page = read(ctx, cell.id, range).await?;
        let Some(last) = page.last_seq else { break };
        let item = ReadLogItem { damaged: page.damaged, as_of_seq, ..Default::default() };
        out.send_with_events(1, &page.events, &item).await?;
        left -= page.count;
        from = last + 1;
    }
    if from > to {
        let item = ReadLogItem { as_of_seq, ..Default::default() };
        out.send(&item).await?;
    }
    Ok(())
}

struct Page {
    events: Vec<Bytes>,
    seqs: Vec<u64>,
    damaged: Vec<SeqRange>,
    last_seq: Option<u64>,
    count: usize,
}

async fn read(ctx: &Ctx, room: RoomId, range: ReadRange) -> Result<Page, Error> {
    let stored = ctx.store().read(LogKey::Room(room), range).await.map_err(store_error)?;
    let last_seq = stored.last().map(|stored| stored.seq);
    let mut page =
        Page { events: vec![], seqs: vec![], damaged: vec![], last_seq, count: stored.len() };
    for Stored { seq, record } in stored {
        match record {
            Some(record) => {
                page.events.push(record);
                page.seqs.push(seq);
            }
            None => page.damaged.push(SeqRange { from_seq: seq, to_seq: seq }),
        }
    }
    Ok(page)
}

pub(super) async fn read_timeline(
    ctx: &Ctx,
    request: ReadTimelineRequest,
    out: &mut Sink<ReadTimelineItem>,
) -> Result<(), Error> {
    let cell = ctx.room(&request.room).await?;
    let mut left = match request.limit as usize {
        0 => 50,
        n if n <= limits::TIMELINE_PAGE_MAX => n,
        _ => return Err(Error::invalid("limit", "is over 500")),
    };
    let as_of_seq = cell.head().seq;
    let mut to = match request.before_seq {
        0 => as_of_seq,
        before => (before - 1).min(as_of_seq),
    };
    while left > 0 && to > 0 {
        if !cell.is_member(ctx.user()) {
            return Err(room_not_found());
        }
        let range =
            ReadRange { from: 1, to, reverse: true, records_max: left, bytes_max: ITEM_BYTES };
        let mut page = read(ctx, cell.id, range).await?;
        let Some(first) = page.last_seq else { break };
        page.events.reverse();
        page.seqs.reverse();
        let amendments = amendments(ctx, &cell, first, to, as_of_seq).await?;
        left -= page.count.min(left);
        to = first - 1;
        let item = ReadTimelineItem {
            damaged: page.damaged,
            as_of_seq,
            at_start: to == 0,
            amendments,
            ..Default::default()
        };
        out.send_with_events(1, &page.events, &item).await?;
    }
    if as_of_seq == 0 || (to == 0 && request.before_seq == 1) {
        let item = ReadTimelineItem { as_of_seq, at_start: true, ..Default::default() };
        out.send(&item).await?;
    }
    Ok(())
}

/// For each message of the page, the newest edit and the delete that came after the page.
async fn amendments(
    ctx: &Ctx,
    cell: &RoomCell,
    first: u64,
    last: u64,
    as_of_seq: u64,
) -> Result<Vec<Event>, Error> {
    let newest = index(ctx, cell.id, first, last, as_of_seq).await?;
    let mut events = Vec::new();
    for seq in newest.into_values() {
        let range =
            ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: ITEM_BYTES };
        let page = read(ctx, cell.id, range).await?;
        // A damaged amendment doesn't hide the page.
        events.extend(page.events.into_iter().filter_map(|event| Event::decode(event).ok()));
    }
    events.sort_by_key(|event| event.header.as_ref().map_or(0, |header| header.seq));
    Ok(events)
}

/// (target, kind) to the newest amendment after `last`.
async fn index(
    ctx: &Ctx,
    room: RoomId,
    first: u64,
    last: u64,
    as_of_seq: u64,
) -> Result<BTreeMap<(u64, u32), u64>, Error> {
    let mut newest = BTreeMap::new();
    let mut from = key(&[room.as_bytes(), &first.to_be_bytes()]);
    let to = key(&[room.as_bytes(), &(last + 1).to_be_bytes()]);
    loop {
        let scan = Scan {
            table: Table::AMENDMENTS,
            from: from.clone(),
            to: Some(to.clone()),
            reverse: false,
            rows_max: SCAN_ROWS,
        };
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        for (row, kind) in &rows {
            let target = row.get(16..24).and_then(trailing_seq).unwrap_or_default();
            let seq = trailing_seq(row).unwrap_or_default();
            let kind = kind[..].try_into().map(u32::from_be_bytes).unwrap_or_default();
            let known = kind == MessageEdited::RULE.kind || kind == MessageDeleted::RULE.kind;
            if known && seq > last && seq <= as_of_seq {
                newest.insert((target, kind), seq);
            }
        }
        let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(newest);
        };
        from = key(&[row, &[0]]);
    }
}
