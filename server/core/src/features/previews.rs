//! Link previews: taking those of a message away. What adds them isn't a call.

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    generated::{EventMessage, PreviewService},
    preview::{HideLinkPreviewsRequest, HideLinkPreviewsResponse, LinkPreviewsHidden},
    wire::Error,
};

use crate::{
    deleting::amendment,
    draft::{Draft, NewEvent, store_error},
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit},
    messages::{own_ref, sent_before, target},
    ports::store::Put,
    records::room_seq,
    tables::Table,
};

impl PreviewService<ServerKit> for Features {
    async fn hide_link_previews(
        &self,
        ctx: &mut Ctx,
        request: HideLinkPreviewsRequest,
    ) -> Result<Answer<HideLinkPreviewsResponse>, Error> {
        let HideLinkPreviewsRequest { room, client_ref, target_seq } = request;
        let cell = ctx.open_room(&room).await?;
        let kind = LinkPreviewsHidden::RULE.kind;
        let client_ref = own_ref(ctx, &client_ref)?;
        let print = fingerprint(kind, &[&target_seq.to_be_bytes()]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(HideLinkPreviewsResponse { seq, at_ms, deduplicated: true }));
        }
        let message = target(ctx, &cell, target_seq).await?;
        // As with deleting: one's own are one's own whatever else one may do.
        let guard = match message.sender == ctx.user().as_bytes()[..] {
            true => ctx.check_all(&cell, &[]).await?,
            false => ctx.check(&cell, Permission::Moderate).await?,
        };
        let row = room_seq(cell.id, target_seq);
        let hidden = ctx.store().get(Table::PREVIEWS_HIDDEN, &row).await.map_err(store_error)?;
        // They are never shown again, so nothing that is under way changes that.
        if hidden.is_some() {
            return Ok(Answer::Now(HideLinkPreviewsResponse::default()));
        }
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            target_seq,
            thread_root_seq: message.thread_root_seq,
            ..NewEvent::new(ctx.user(), kind, Bytes::new())
        };
        let mut draft = amendment(cell, guard, event);
        draft.absent.push((Table::PREVIEWS_HIDDEN, row.clone()));
        let value = Some(Bytes::new());
        draft.puts.push(Put { table: Table::PREVIEWS_HIDDEN, key: row, value });
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| HideLinkPreviewsResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }
}
