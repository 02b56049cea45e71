//! Private rooms: one for each user, which only they read, and in which programs post notices.

use std::sync::Arc;

use parlour_protocol::{
    generated::{EventMessage, PrivateRoomService},
    ids::UserId,
    message::MessagePosted,
    room::{
        OpenPrivateRoomRequest, OpenPrivateRoomResponse, PostNoticeRequest, PostNoticeResponse,
        RoomKind,
    },
    wire::{Error, ErrorReason},
};

use crate::{
    draft::{Draft, Guard, NewEvent, RoomDraft, store_error},
    expiry::expires,
    groups::{creation, new_state, resolve},
    identity::{self, fingerprint},
    kit::{Answer, Ctx, Features, ServerKit},
    messages::{attachments, carry, own_ref, post_body, sent_before},
    rooms::RoomCell,
};

impl PrivateRoomService<ServerKit> for Features {
    async fn open_private_room(
        &self,
        ctx: &mut Ctx,
        _request: OpenPrivateRoomRequest,
    ) -> Result<Answer<OpenPrivateRoomResponse>, Error> {
        let user = ctx.user();
        if let Some(cell) = private_room(ctx, user).await? {
            let room = Some(cell.describe(user));
            return Ok(Answer::Now(OpenPrivateRoomResponse { room, created: false }));
        }
        let draft = making(ctx, user);
        let room = Some(draft.cell.describe(user));
        Ok(Answer::commit(Draft::Room(Box::new(draft)), move |_| OpenPrivateRoomResponse {
            room,
            created: true,
        }))
    }

    async fn post_notice(
        &self,
        ctx: &mut Ctx,
        request: PostNoticeRequest,
    ) -> Result<Answer<PostNoticeResponse>, Error> {
        let PostNoticeRequest { to, client_ref, body, attachments: hashes } = request;
        let to = resolve(ctx, "to", to.as_ref()).await?;
        let client_ref = own_ref(ctx, &client_ref)?;
        let posted = post_body(&body, &hashes)?;
        if posted.poll.is_some() {
            return Err(Error::invalid("body.poll", "is not for notices"));
        }
        if !posted.mention_groups.is_empty() {
            return Err(Error::invalid("body.mention_groups", "is not for notices"));
        }
        let room = identity::private_room_id(ctx.caller.org, to);
        let kind = MessagePosted::RULE.kind;
        let print = fingerprint(kind, &[&body]);
        if let Some(sent) = sent_before(ctx, room, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(PostNoticeResponse { seq, at_ms, deduplicated: true }));
        }
        ctx.check_posted(&posted).await?;
        refuse_gone(ctx, to).await?;
        if ctx.blocked_by(to).await?.contains(&ctx.user()) {
            let what = "the user has blocked the caller";
            return Err(Error::new(ErrorReason::NotAllowed, what));
        }
        let attachments = attachments(ctx, &hashes, &posted.attachments).await?;
        let Some(cell) = private_room(ctx, to).await? else {
            // First the room: a notice that stood in it from the start would be history.
            let draft = RoomDraft { is_first_half: true, ..making(ctx, to) };
            return Ok(Answer::commit(Draft::Room(Box::new(draft)), |_| Default::default()));
        };
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            attachments,
            ..NewEvent::new(ctx.user(), kind, body)
        };
        // Whoever posts isn't in the room, which stays as it is.
        let mut draft = RoomDraft::new(cell, Guard::Open, event);
        carry(&mut draft, ctx.caller.org, None);
        expires(&mut draft, ctx.now.unix_ms);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| PostNoticeResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }
}

async fn private_room(ctx: &Ctx, user: UserId) -> Result<Option<Arc<RoomCell>>, Error> {
    let id = identity::private_room_id(ctx.caller.org, user);
    ctx.node.rooms.get(ctx.store(), id).await.map_err(store_error)
}

/// The draft of a private room, which is its user's whoever has it made.
fn making(ctx: &Ctx, user: UserId) -> RoomDraft {
    let mut state = new_state(ctx, RoomKind::User, String::new(), [user].into());
    state.creator = user;
    creation(ctx, identity::private_room_id(ctx.caller.org, user), state)
}

/// Nobody reads what is posted to a hook, or to somebody who is shut out.
async fn refuse_gone(ctx: &Ctx, user: UserId) -> Result<(), Error> {
    let row = ctx.user_row(user).await?.unwrap_or_default();
    if row.deactivated || row.is_hook {
        return Err(Error::new(ErrorReason::UserNotFound, "nobody is there to read it"));
    }
    Ok(())
}
