//! Read markers: private, one per user and room.

use bytes::Bytes;
use parlour_protocol::{
    generated::MarkerService,
    marker::{
        MarkReadRequest, MarkReadResponse, MarkUnreadRequest, MarkUnreadResponse, Marker,
        MarkerMoved, Unread,
    },
    receipt::ReadReceipt,
    wire::{Error, Event, RoomPulse},
};
use prost::Message;

use crate::{
    draft::{Draft, ReceiptDraft, UserDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit},
    ports::store::{LogKey, Put, ReadRange, StoreError},
    records::user_room,
    rooms::RoomCell,
    settings::settings,
    tables::Table,
    unread::{marker_in_force, stored_marker, unread},
};

impl MarkerService<ServerKit> for Features {
    async fn mark_read(
        &self,
        ctx: &mut Ctx,
        request: MarkReadRequest,
    ) -> Result<Answer<MarkReadResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let head = cell.head();
        let seq = request.seq.min(head.seq);
        let set = stored_marker(ctx.store(), ctx.user(), cell.id).await?;
        let in_force = marker_in_force(ctx.store(), ctx.user(), cell.id, set).await?;
        if seq <= in_force.seq {
            // An own message since the marker was read is among what the client hears next.
            let head = cell.head();
            let unread = Some(unread(ctx.store(), ctx.user(), cell.id, head, in_force).await?);
            let (marker, head) = (Some(in_force), Some(cell.pulse_at(head)));
            return Ok(Answer::Now(MarkReadResponse { marker, unread, head }));
        }
        let marker = marker_at(ctx, &cell, seq, head.seq).await?;
        let (mut draft, unread, head) = moved(ctx, &cell, marker).await?;
        if !ctx.is_peer_apart(&cell).await?
            && !settings(ctx.store(), ctx.user()).await?.hide_receipts
        {
            let read = ReadReceipt { seq: marker.seq, at_ms: marker.at_ms };
            draft.receipt = Some(ReceiptDraft { cell, read });
        }
        let draft = Draft::User(Box::new(draft));
        Ok(Answer::commit(draft, move |_| MarkReadResponse {
            marker: Some(marker),
            unread: Some(unread),
            head: Some(head),
        }))
    }

    async fn mark_unread(
        &self,
        ctx: &mut Ctx,
        request: MarkUnreadRequest,
    ) -> Result<Answer<MarkUnreadResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let head = cell.head();
        if request.seq == 0 || request.seq > head.seq {
            return Err(Error::invalid("seq", "is not in the room's log"));
        }
        let marker = marker_at(ctx, &cell, request.seq - 1, head.seq).await?;
        let (draft, unread, head) = moved(ctx, &cell, marker).await?;
        let draft = Draft::User(Box::new(draft));
        Ok(Answer::commit(draft, move |_| MarkUnreadResponse {
            marker: Some(marker),
            unread: Some(unread),
            head: Some(head),
        }))
    }
}

/// A marker at `seq`, with the counters the room had there.
async fn marker_at(ctx: &Ctx, cell: &RoomCell, seq: u64, head: u64) -> Result<Marker, Error> {
    if seq == 0 {
        return Ok(Marker { set_at_seq: head, at_ms: ctx.now.unix_ms, ..Marker::default() });
    }
    let range =
        ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: usize::MAX };
    let read = ctx.store().read(LogKey::Room(cell.id), range).await.map_err(store_error)?;
    let record = read.into_iter().next().and_then(|stored| stored.record);
    let event = record.map(Event::decode).transpose().ok().flatten();
    let header = event.and_then(|event| event.header);
    let header = header.ok_or_else(|| store_error(StoreError::Damaged))?;
    let (msg_no, bcast_no) = (header.msg_no, header.bcast_no);
    Ok(Marker { seq, msg_no, bcast_no, set_at_seq: head, at_ms: ctx.now.unix_ms })
}

async fn moved(
    ctx: &Ctx,
    cell: &RoomCell,
    marker: Marker,
) -> Result<(UserDraft, Unread, RoomPulse), Error> {
    let head = cell.head();
    let unread = unread(ctx.store(), ctx.user(), cell.id, head, marker).await?;
    let body = MarkerMoved { room: cell.id.to_field(), marker: Some(marker) };
    let mut draft = ctx.own_draft(&body).await?;
    draft.puts.push(Put {
        table: Table::MARKERS,
        key: user_room(ctx.user(), cell.id),
        value: Some(Bytes::from(marker.encode_to_vec())),
    });
    Ok((draft, unread, cell.pulse_at(head)))
}
