//! Drafts: what a user has begun to write, on all their devices. Of what is kept for one place the last
//! counts; each change is told to the user's connections and stands in no log.

use bytes::Bytes;
use parlour_protocol::{
    draft::{
        DraftChanged, ListDraftsRequest, ListDraftsResponse, MessageDraft, SetDraftRequest,
        SetDraftResponse,
    },
    generated::{DraftService, EventMessage},
    ids::{RoomId, UserId},
    limits::{ATTACHMENTS_MAX, DRAFTS_MAX, MENTIONS_MAX, TEXT_BYTES_MAX},
    wire::{Ephemeral, Error, ErrorReason, EventFrame, event_frame::Frame},
};
use prost::Message;

use crate::{
    draft::{Draft, RowsDraft, store_error},
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    limits::{ANSWER_BYTES, OWN_BYTES_MAX},
    pages::after_key,
    ports::store::{Put, Scan, Shard},
    records::key,
    tables::Table,
};

impl DraftService<ServerKit> for Features {
    async fn set_draft(
        &self,
        ctx: &mut Ctx,
        request: SetDraftRequest,
    ) -> Result<Answer<SetDraftResponse>, Error> {
        let at_ms = ctx.now.unix_ms;
        let draft = MessageDraft { at_ms, ..request.draft.unwrap_or_default() };
        let is_gone = draft.text.is_empty() && draft.attachments.is_empty();
        // What is begun in a room that one has left since can be thrown away.
        let room = match is_gone {
            true => id_field("draft.room", RoomId::parse(&draft.room))?,
            false => ctx.room(&draft.room).await?.id,
        };
        check(&draft)?;
        let row =
            key(&[ctx.user().as_bytes(), room.as_bytes(), &draft.thread_root_seq.to_be_bytes()]);
        let before = ctx.store().get(Table::DRAFTS, &row).await.map_err(store_error)?;
        // An end is committed also where there is none: one that was set just before may not be yet.
        if before.is_none() && !is_gone {
            refuse_too_many(ctx).await?;
        }
        let value = (!is_gone).then(|| draft.encode_to_vec().into());
        let put = Put { table: Table::DRAFTS, key: row, value };
        let mut rows = RowsDraft::new(Shard::User(ctx.user()), vec![put]);
        rows.tells = Some((ctx.user(), told(ctx.user(), draft)));
        Ok(Answer::commit(Draft::Rows(Box::new(rows)), move |_| SetDraftResponse { at_ms }))
    }

    async fn list_drafts(
        &self,
        ctx: &mut Ctx,
        request: ListDraftsRequest,
    ) -> Result<Answer<ListDraftsResponse>, Error> {
        let mut scan = Scan::prefix(Table::DRAFTS, ctx.user().to_field(), DRAFTS_MAX);
        after_key(&mut scan, ctx.user(), &request.page)?;
        let (mut drafts, mut bytes) = (Vec::new(), 0);
        let mut next_page = Bytes::new();
        for (row_key, row) in ctx.store().scan(scan).await.map_err(store_error)? {
            // A damaged row hides none of the others.
            let Ok(draft) = MessageDraft::decode(row) else { continue };
            bytes += draft.encoded_len() + 8;
            if bytes > ANSWER_BYTES && !drafts.is_empty() {
                return Ok(Answer::Now(ListDraftsResponse { drafts, next_page }));
            }
            next_page = row_key.slice(16..);
            drafts.push(draft);
        }
        if drafts.len() < DRAFTS_MAX {
            next_page = Bytes::new();
        }
        Ok(Answer::Now(ListDraftsResponse { drafts, next_page }))
    }
}

fn check(draft: &MessageDraft) -> Result<(), Error> {
    if draft.text.len() > TEXT_BYTES_MAX {
        return Err(Error::invalid("draft.text", "is over 16 KiB"));
    }
    if draft.mentions.len() > MENTIONS_MAX {
        return Err(Error::invalid("draft.mentions", "are more than 100"));
    }
    for user in &draft.mentions {
        id_field("draft.mentions", UserId::parse(user))?;
    }
    if draft.attachments.len() > ATTACHMENTS_MAX {
        return Err(Error::invalid("draft.attachments", "are more than 50"));
    }
    if draft.encoded_len() > OWN_BYTES_MAX {
        return Err(Error::new(ErrorReason::BodyTooLarge, "a draft is at most 32 KiB"));
    }
    Ok(())
}

async fn refuse_too_many(ctx: &Ctx) -> Result<(), Error> {
    let many = Scan::prefix(Table::DRAFTS, ctx.user().to_field(), DRAFTS_MAX);
    match ctx.store().scan(many).await.map_err(store_error)?.len() {
        n if n >= DRAFTS_MAX => {
            Err(Error::new(ErrorReason::TooManyDrafts, "200 messages are begun"))
        }
        _ => Ok(()),
    }
}

/// The frame for the user's connections.
fn told(user: UserId, draft: MessageDraft) -> Bytes {
    let ephemeral = Ephemeral {
        room: draft.room.clone(),
        kind: DraftChanged::RULE.kind,
        body: DraftChanged { draft: Some(draft) }.encode_to_vec().into(),
        sender: user.to_field(),
    };
    parlour_protocol::frame::encode(&EventFrame { frame: Some(Frame::Ephemeral(ephemeral)) })
}
