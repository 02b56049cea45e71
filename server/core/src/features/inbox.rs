//! The inbox: messages that mention the caller, wherever they are.

use bytes::Bytes;
use parlour_protocol::{
    event::FLAG_ERASED,
    generated::InboxServiceBulk,
    ids::RoomId,
    inbox::{Mention, ReadMentionsItem, ReadMentionsRequest},
    limits::MENTION_PAGE_MAX,
    wire::{Error, Event, EventHeader},
};
use prost::Message;

use crate::{
    draft::store_error,
    kit::{Ctx, Features, ServerKit, Sink},
    limits::{ITEM_BYTES, MENTIONS_LOOKED_AT_MAX, SCAN_ROWS},
    pages::{amendments, only, read},
    ports::store::Scan,
    records::{key, trailing_seq},
    rooms::RoomCell,
    tables::Table,
    threads::follows,
    unread::{marker_in_force, stored_marker, thread_marker},
};

impl InboxServiceBulk<ServerKit> for Features {
    async fn read_mentions(
        &self,
        ctx: &mut Ctx,
        request: ReadMentionsRequest,
        out: &mut Sink<ReadMentionsItem>,
    ) -> Result<(), Error> {
        let limit = match request.limit as usize {
            0 => 30,
            n if n <= MENTION_PAGE_MAX => n,
            _ => return Err(Error::invalid("limit", "is over 100")),
        };
        let mine = Bytes::copy_from_slice(ctx.user().as_bytes());
        let mut to = match request.page.len() {
            0 => None,
            32 => Some(key(&[&mine, &request.page])),
            _ => return Err(Error::invalid("page", "is not from an answer")),
        };
        let (mut item, mut bytes) = (ReadMentionsItem::default(), 0);
        let (mut found, mut looked_at) = (0, 0);
        let mut before = Bytes::new();
        loop {
            let mut scan = Scan::prefix(Table::INBOX, mine.clone(), SCAN_ROWS);
            (scan.to, scan.reverse) = (to.or(scan.to), true);
            let rows = ctx.store().scan(scan).await.map_err(store_error)?;
            for (row, _) in &rows {
                looked_at += 1;
                // Where little is unread, the caller comes again rather than waits.
                if looked_at > MENTIONS_LOOKED_AT_MAX {
                    item.next_page = before.slice(16..);
                    return out.send(&item).await;
                }
                before = row.clone();
                let Some(mention) = mention(ctx, row).await? else { continue };
                if request.unread_only && !mention.unread {
                    continue;
                }
                bytes += mention.encoded_len();
                item.mentions.push(mention);
                found += 1;
                if found == limit {
                    item.next_page = row.slice(16..);
                    return out.send(&item).await;
                }
                if bytes > ITEM_BYTES {
                    out.send(&std::mem::take(&mut item)).await?;
                    bytes = 0;
                }
            }
            let Some((last, _)) = rows.last().filter(|_| rows.len() == SCAN_ROWS) else {
                return out.send(&item).await;
            };
            to = Some(last.clone());
        }
    }
}

/// What a row stands for, if the caller may still read it.
async fn mention(ctx: &Ctx, row: &Bytes) -> Result<Option<Mention>, Error> {
    let room = row.get(24..40).and_then(|room| RoomId::parse(room).ok());
    let Some((room, seq)) = room.zip(trailing_seq(row)) else { return Ok(None) };
    let cell = ctx.node.room(ctx.caller.org, room).await.map_err(store_error)?;
    let Some(cell) = cell.filter(|cell| cell.is_member(ctx.user())) else { return Ok(None) };
    // One that can't be read doesn't hide the others.
    let event = read(ctx, room, only(seq)).await?.events.pop();
    let Some(event) = event.and_then(|event| Event::decode(event).ok()) else { return Ok(None) };
    let Some(header) = event.header.as_ref().filter(|header| header.flags & FLAG_ERASED == 0)
    else {
        return Ok(None);
    };
    let unread = is_unread(ctx, &cell, header).await?;
    let amendments = amendments(ctx, &cell, seq, seq, cell.head().seq).await?;
    Ok(Some(Mention { room: room.to_field(), message: Some(event), amendments, unread }))
}

async fn is_unread(ctx: &Ctx, cell: &RoomCell, header: &EventHeader) -> Result<bool, Error> {
    let (store, user, root) = (ctx.store(), ctx.user(), header.thread_root_seq);
    let marker = match root {
        0 => {
            let set = stored_marker(store, user, cell.id).await?;
            marker_in_force(store, user, cell.id, set).await?
        }
        _ if !follows(store, user, cell.id, root).await? => return Ok(false),
        _ => thread_marker(store, user, cell.id, root).await?,
    };
    Ok(header.seq > marker.seq)
}
