//! Messages: send, edit, delete.

use std::sync::Arc;

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    event::{self, FLAG_ERASED, FLAG_EVERYONE},
    generated::{EventMessage, MessageService},
    ids::{RoomId, UserId},
    limits,
    message::{
        DeleteRequest, DeleteResponse, EditRequest, EditResponse, MentionWithdrawn, Mentioned,
        MessageDeleted, MessageEdited, MessagePosted, SendRequest, SendResponse,
    },
    wire::{Error, ErrorReason, EventHeader},
};
use prost::Message;

use crate::{
    draft::{Draft, EffectsOf, Guard, NewEvent, RoomDraft},
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit, id_field},
    messages::{own_ref, sent_before, target},
    ports::store::{Erase, LogKey, Put},
    records::{Effect, EffectRow, key, room_seq},
    rooms::RoomCell,
    tables::Table,
    unread::TO_EVERYONE,
};

impl MessageService<ServerKit> for Features {
    async fn send(
        &self,
        ctx: &mut Ctx,
        request: SendRequest,
    ) -> Result<Answer<SendResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let kind = MessagePosted::RULE.kind;
        let guard = match request.mention_everyone {
            true => ctx.check_all(&cell, &[Permission::Send, Permission::MentionEveryone]).await?,
            false => ctx.check(&cell, Permission::Send).await?,
        };
        let mentions = mentions(&request.mentions, &cell)?;
        let everyone = [u8::from(request.mention_everyone)];
        let reply_to = request.reply_to_seq.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![&request.body, &everyone];
        if request.reply_to_seq > 0 {
            parts.push(&reply_to);
        }
        parts.extend(request.mentions.iter().map(|user| &user[..]));
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let print = fingerprint(kind, &parts);
        // Hardly any message comes twice: whether this one did is asked once its commit has been
        // refused for it.
        if ctx.reruns > 0
            && let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await?
        {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(SendResponse { seq, at_ms, deduplicated: true }));
        }
        let body = request.body;
        text_body::<MessagePosted>(&body, |message| message.text.len())?;
        if request.reply_to_seq > 0 {
            target(ctx, &cell, request.reply_to_seq).await?;
        }
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            everyone: request.mention_everyone,
            mentions: mentions.clone(),
            target_seq: request.reply_to_seq,
            ..NewEvent::new(ctx.user(), kind, body)
        };
        let room = cell.id;
        let mut draft = RoomDraft::new(cell, guard, event);
        // Who is meant as part of everyone isn't meant twice.
        let named = if request.mention_everyone { vec![] } else { mentions };
        draft.effects = mention_effects(room, ctx.user(), named);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| SendResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn edit(
        &self,
        ctx: &mut Ctx,
        request: EditRequest,
    ) -> Result<Answer<EditResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let kind = MessageEdited::RULE.kind;
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let print = fingerprint(kind, &[&request.body, &request.target_seq.to_be_bytes()]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(EditResponse { seq, at_ms, deduplicated: true }));
        }
        let guard = ctx.check(&cell, Permission::Send).await?;
        text_body::<MessageEdited>(&request.body, |message| message.text.len())?;
        let target = target(ctx, &cell, request.target_seq).await?;
        if target.sender != ctx.user().as_bytes()[..] {
            return Err(Error::new(ErrorReason::NotAllowed, "only its sender edits a message"));
        }
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            target_seq: request.target_seq,
            ..NewEvent::new(ctx.user(), kind, request.body)
        };
        let draft = amendment(cell, guard, event);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| EditResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn delete(
        &self,
        ctx: &mut Ctx,
        request: DeleteRequest,
    ) -> Result<Answer<DeleteResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let kind = MessageDeleted::RULE.kind;
        let client_ref = own_ref(ctx, &request.client_ref)?;
        let print = fingerprint(kind, &[&request.target_seq.to_be_bytes()]);
        if let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await? {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(DeleteResponse { seq, at_ms, deduplicated: true }));
        }
        let header = target(ctx, &cell, request.target_seq).await?;
        // One's own goes whatever else one may do.
        let guard = match header.sender == ctx.user().as_bytes()[..] {
            true => ctx.check_all(&cell, &[]).await?,
            false => ctx.check(&cell, Permission::Moderate).await?,
        };
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            target_seq: request.target_seq,
            deletes: true,
            ..NewEvent::new(ctx.user(), kind, Bytes::new())
        };
        let room = cell.id;
        let mut draft = amendment(cell, guard, event);
        draft.puts.push(Put {
            table: Table::DELETED,
            key: room_seq(room, request.target_seq),
            value: Some(match header.flags & FLAG_EVERYONE {
                0 => Bytes::new(),
                _ => Bytes::from_static(&TO_EVERYONE),
            }),
        });
        draft.erase_amendments_of.push(request.target_seq);
        draft.effects = withdrawals(room, request.target_seq, &header);
        let tombstone = EventHeader { flags: header.flags | FLAG_ERASED, ..header };
        draft.erases.push(Erase {
            log: LogKey::Room(room),
            seq: request.target_seq,
            record: event::compose(&tombstone, &[]),
        });
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| DeleteResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }
}

/// A draft of something about an earlier message that isn't deleted.
fn amendment(cell: Arc<RoomCell>, guard: Guard, event: NewEvent) -> RoomDraft {
    let (room, target) = (cell.id, event.target_seq);
    let kind = event.kind.to_be_bytes();
    let mut draft = RoomDraft::new(cell, guard, event);
    draft.absent.push((Table::DELETED, room_seq(room, target)));
    let index = key(&[room.as_bytes(), &target.to_be_bytes()]);
    draft.seq_puts.push((Table::AMENDMENTS, index, Bytes::copy_from_slice(&kind)));
    draft
}

/// Refuses a body that is too large, malformed, or without text.
fn text_body<M: EventMessage>(body: &Bytes, text_len: fn(&M) -> usize) -> Result<(), Error> {
    if body.len() > limits::BODY_BYTES_MAX {
        return Err(Error::new(ErrorReason::BodyTooLarge, "the body is over 60 KiB"));
    }
    let message =
        M::decode(body.clone()).map_err(|_| Error::invalid("body", "is not a valid message"))?;
    match text_len(&message) {
        0 => Err(Error::invalid("body.text", "is empty")),
        n if n > limits::TEXT_BYTES_MAX => Err(Error::invalid("body.text", "is over 16 KiB")),
        _ => Ok(()),
    }
}

fn mentions(fields: &[Bytes], cell: &RoomCell) -> Result<Vec<UserId>, Error> {
    if fields.len() > limits::MENTIONS_MAX {
        return Err(Error::invalid("mentions", "are more than 100"));
    }
    let mut users = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let user = id_field("mentions", UserId::parse(field))?;
        if !cell.is_member(user) {
            return Err(Error::invalid(format!("mentions[{i}]"), "is not in the room"));
        }
        users.push(user);
    }
    users.sort_unstable();
    users.dedup();
    Ok(users)
}

/// What a message means to those it mentions: an entry in their own logs, and a row to count.
fn mention_effects(room: RoomId, sender: UserId, users: Vec<UserId>) -> Option<EffectsOf> {
    let others: Vec<Bytes> =
        users.iter().filter(|user| **user != sender).map(|user| user.to_field()).collect();
    if others.is_empty() {
        return None;
    }
    Some(Arc::new(move |seq| {
        let body = Mentioned { room: room.to_field(), seq, sender: sender.to_field() };
        vec![Effect {
            users: others.clone(),
            kind: Mentioned::RULE.kind,
            body: body.encode_to_vec().into(),
            rows: vec![mention_row(room, seq, true)],
            gains_room: false,
        }]
    }))
}

fn withdrawals(room: RoomId, seq: u64, header: &EventHeader) -> Option<EffectsOf> {
    if header.flags & FLAG_EVERYONE != 0 {
        return None;
    }
    let users: Vec<Bytes> =
        header.mentions.iter().filter(|user| **user != header.sender).cloned().collect();
    if users.is_empty() {
        return None;
    }
    Some(Arc::new(move |_| {
        let body = MentionWithdrawn { room: room.to_field(), seq };
        vec![Effect {
            users: users.clone(),
            kind: MentionWithdrawn::RULE.kind,
            body: body.encode_to_vec().into(),
            rows: vec![mention_row(room, seq, false)],
            gains_room: false,
        }]
    }))
}

fn mention_row(room: RoomId, seq: u64, present: bool) -> EffectRow {
    EffectRow { table: u32::from(Table::MENTIONS.id()), rest: room_seq(room, seq), present }
}
