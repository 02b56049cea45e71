//! Receipts: how far others have read. Markers are kept, so whoever comes back sees it, too.

use parlour_protocol::{
    generated::ReceiptService,
    ids::UserId,
    limits::MEMBER_PAGE_MAX,
    receipt::{ListReceiptsRequest, ListReceiptsResponse, Receipt},
    wire::Error,
};

use crate::{
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    rooms::member_page,
    settings::settings,
    unread::{marker_in_force, stored_marker},
};

impl ReceiptService<ServerKit> for Features {
    async fn list_receipts(
        &self,
        ctx: &mut Ctx,
        request: ListReceiptsRequest,
    ) -> Result<Answer<ListReceiptsResponse>, Error> {
        let cell = ctx.room(&request.room).await?;
        let size = match request.page_size as usize {
            0 => 100,
            n if n <= MEMBER_PAGE_MAX => n,
            _ => return Err(Error::invalid("page_size", "is over 500")),
        };
        let after = match &request.page[..] {
            [] => None,
            page => Some(id_field("page", UserId::parse(page))?),
        };
        let state = cell.state();
        let as_of_seq = state.head.seq;
        if settings(ctx.store(), ctx.user()).await?.hide_receipts {
            let answer = ListReceiptsResponse { as_of_seq, ..Default::default() };
            return Ok(Answer::Now(answer));
        }
        let (members, more) = member_page(&state, after, size);
        let mut receipts = Vec::with_capacity(members.len());
        for user in &members {
            if ctx.is_apart_in(&cell, *user).await? {
                continue;
            }
            receipts.extend(receipt_of(ctx, cell.id, *user).await?);
        }
        let last = members.last().filter(|_| more);
        let next_page = last.map(|user| user.to_field()).unwrap_or_default();
        Ok(Answer::Now(ListReceiptsResponse { receipts, next_page, as_of_seq }))
    }
}

/// How far the user has read, unless they hide it or have read nothing yet.
async fn receipt_of(
    ctx: &Ctx,
    room: parlour_protocol::ids::RoomId,
    user: UserId,
) -> Result<Option<Receipt>, Error> {
    let store = ctx.store();
    if settings(store, user).await?.hide_receipts {
        return Ok(None);
    }
    let set = stored_marker(store, user, room).await?;
    let marker = marker_in_force(store, user, room, set).await?;
    let (user, seq, at_ms) = (user.to_field(), marker.seq, marker.at_ms);
    // Where a marker began isn't something that was read.
    Ok(Some(Receipt { user, seq, at_ms }).filter(|receipt| receipt.at_ms > 0))
}
