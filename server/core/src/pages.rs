//! Events of a room's log as they are stored, and what came later about them.

use std::collections::BTreeMap;

use bytes::Bytes;
use parlour_protocol::{
    generated::EventMessage,
    ids::{RoomId, UserId},
    message::{MessageDeleted, MessageEdited},
    pin::{MessagePinned, MessageUnpinned},
    preview::{LinkPreviewsAdded, LinkPreviewsHidden},
    sync::SeqRange,
    wire::{Error, Event},
};
use prost::Message;

use crate::{
    draft::store_error,
    kit::Ctx,
    limits::{ITEM_BYTES, SCAN_ROWS},
    ports::store::{LogKey, ReadRange, Scan, Stored},
    records::{key, room_seq, trailing_seq},
    rooms::RoomCell,
    tables::Table,
};

/// A stretch of a log.
pub(crate) struct Page {
    /// In the order read.
    pub(crate) events: Vec<Bytes>,
    /// Their numbers.
    pub(crate) seqs: Vec<u64>,
    /// Those that can't be read.
    pub(crate) damaged: Vec<SeqRange>,
    /// The last number read; `None` where there was nothing.
    pub(crate) last_seq: Option<u64>,
    /// How many were read, damaged ones included.
    pub(crate) count: usize,
}

/// Reads a stretch of a room's log.
pub(crate) async fn read(ctx: &Ctx, room: RoomId, range: ReadRange) -> Result<Page, Error> {
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

/// A scan of a user's rows goes on behind the key that an answer before named.
pub(crate) fn after_key(scan: &mut Scan, user: UserId, page: &[u8]) -> Result<(), Error> {
    match page.len() {
        0 => {}
        1..=24 => scan.from = key(&[user.as_bytes(), page, &[0]]),
        _ => return Err(Error::invalid("page", "is not of an answer")),
    }
    Ok(())
}

/// The one event with this number.
pub(crate) fn only(seq: u64) -> ReadRange {
    ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: ITEM_BYTES }
}

/// Takes out what is more than so many bytes.
pub(crate) fn beyond(events: &mut Vec<Event>, bytes_max: usize) -> Vec<Event> {
    let mut bytes = 0;
    let fit = events.iter().take_while(|event| {
        bytes += event.encoded_len();
        bytes <= bytes_max
    });
    // At least one, or there would be no end.
    let fit = fit.count().max(1).min(events.len());
    events.split_off(fit)
}

/// For each message of the page, what came after the page: the newest edit, the delete, whether it is
/// pinned, its links' previews, and the newest of each user about each emoji.
pub(crate) async fn amendments(
    ctx: &Ctx,
    cell: &RoomCell,
    first: u64,
    last: u64,
    as_of_seq: u64,
) -> Result<Vec<Event>, Error> {
    let newest = index(ctx, cell.id, first, last, as_of_seq).await?;
    let reactions = reactions(ctx, cell.id, first, last, as_of_seq).await?;
    let mut told = Vec::with_capacity(newest.len() + reactions.len());
    for ((target, class), seq) in newest {
        // What an edit said, or what was behind its links, is about to go with a deleted message.
        let has_text = [MessageEdited::RULE.kind, LinkPreviewsAdded::RULE.kind].contains(&class);
        let gone = room_seq(cell.id, target);
        if !has_text || ctx.store().get(Table::DELETED, &gone).await.map_err(store_error)?.is_none()
        {
            told.push(seq);
        }
    }
    told.extend(reactions);
    let mut events = Vec::new();
    for seq in told {
        let page = read(ctx, cell.id, only(seq)).await?;
        // A damaged amendment doesn't hide the page.
        events.extend(page.events.into_iter().filter_map(|event| Event::decode(event).ok()));
    }
    events.sort_by_key(|event| event.header.as_ref().map_or(0, |header| header.seq));
    Ok(events)
}

/// Amendments of which only the newest counts, as the kind of one of them.
fn class(kind: u32) -> Option<u32> {
    let alone = [
        MessageEdited::RULE.kind,
        MessageDeleted::RULE.kind,
        MessagePinned::RULE.kind,
        LinkPreviewsAdded::RULE.kind,
    ];
    match kind {
        kind if alone.contains(&kind) => Some(kind),
        kind if kind == MessageUnpinned::RULE.kind => Some(MessagePinned::RULE.kind),
        // None are added behind it.
        kind if kind == LinkPreviewsHidden::RULE.kind => Some(LinkPreviewsAdded::RULE.kind),
        _ => None,
    }
}

/// (target, class) to the newest amendment after `last`.
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
            if let Some(what) = class(kind).filter(|_| seq > last && seq <= as_of_seq) {
                newest.insert((target, what), seq);
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
