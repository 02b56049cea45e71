//! History: stretches of a room's log, and pages of its timeline.

use parlour_protocol::{
    limits,
    sync::{ReadLogItem, ReadLogRequest, ReadTimelineItem, ReadTimelineRequest},
    wire::Error,
};

use crate::{
    draft::room_not_found,
    kit::{Ctx, Sink},
    limits::{ITEM_BYTES, ITEM_EVENTS},
    pages::{amendments, beyond, read},
    polls::polls_in,
    ports::store::ReadRange,
    threads::threads_under,
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
        let threads = threads_under(ctx, cell.id, first, to).await?;
        let polls = polls_in(ctx, cell.id, first, to).await?;
        left -= page.count.min(left);
        to = first - 1;
        let item = ReadTimelineItem {
            damaged: page.damaged,
            as_of_seq,
            at_start: to == 0,
            amendments,
            threads,
            polls,
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
