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
        let mut amendments = amendments(ctx, &cell, first, to, as_of_seq).await?;
        let mut rest = beyond(&mut amendments, ITEM_BYTES);
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
        while !rest.is_empty() {
            let mut amendments = rest;
            rest = beyond(&mut amendments, ITEM_BYTES);
            out.send(&ReadTimelineItem { as_of_seq, amendments, ..Default::default() }).await?;
        }
    }
    if as_of_seq == 0 || (to == 0 && request.before_seq == 1) {
        let item = ReadTimelineItem { as_of_seq, at_start: true, ..Default::default() };
        out.send(&item).await?;
    }
    Ok(())
}

/// Takes out what is more than so many bytes.
fn beyond(events: &mut Vec<Event>, bytes_max: usize) -> Vec<Event> {
    let mut bytes = 0;
    let fit = events.iter().take_while(|event| {
        bytes += event.encoded_len();
        bytes <= bytes_max
    });
    // At least one, or there would be no end.
    let fit = fit.count().max(1).min(events.len());
    events.split_off(fit)
}

/// For each message of the page, what came after the page: the newest edit, the delete, and the
/// newest of each user about each emoji.
async fn amendments(
    ctx: &Ctx,
    cell: &RoomCell,
    first: u64,
    last: u64,
    as_of_seq: u64,
) -> Result<Vec<Event>, Error> {
    let newest = index(ctx, cell.id, first, last, as_of_seq).await?;
    let reactions = reactions(ctx, cell.id, first, last, as_of_seq).await?;
    let mut events = Vec::new();
    for seq in newest.into_values().chain(reactions) {
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

/// The newest reaction of each user with each emoji to the page's messages, where it came after the
/// page.
async fn reactions(
    ctx: &Ctx,
    room: RoomId,
    first: u64,
    last: u64,
    as_of_seq: u64,
) -> Result<Vec<u64>, Error> {
    let mut newest: BTreeMap<Bytes, u64> = BTreeMap::new();
    let mut from = key(&[room.as_bytes(), &first.to_be_bytes()]);
    let to = key(&[room.as_bytes(), &(last + 1).to_be_bytes()]);
    loop {
        let scan = Scan {
            table: Table::REACTIONS,
            from: from.clone(),
            to: Some(to.clone()),
            reverse: false,
            rows_max: SCAN_ROWS,
        };
        let rows = ctx.store().scan(scan).await.map_err(store_error)?;
        for (row, _) in &rows {
            let Some(seq) = trailing_seq(row).filter(|seq| *seq <= as_of_seq) else { continue };
            let of = newest.entry(row.slice(..row.len() - 8)).or_default();
            *of = seq.max(*of);
        }
        let Some((row, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
            return Ok(newest.into_values().filter(|seq| *seq > last).collect());
        };
        from = key(&[row, &[0]]);
    }
}
