//! What features that are about messages have in common: a client's own ids, and the messages they
//! name.

use bytes::Bytes;
use parlour_protocol::{
    blob::{Attachment, Blob},
    event::FLAG_ERASED,
    generated::EventMessage,
    ids::{BlobHash, ClientRef, OrgId, RoomId, UserId, uuid_v7_ms},
    limits,
    message::{MessagePosted, SendResponse},
    poll::Poll,
    wire::{Error, ErrorReason, Event, EventHeader},
};
use prost::Message;

use crate::{
    blobs::{
        blob_not_found, hash_field,
        rows::{blob_row, claim_row, due_after, due_end, due_put, use_prefix},
    },
    components::check_components,
    draft::{RoomDraft, store_error},
    kit::{Ctx, id_field},
    limits::REF_AHEAD_MS_MAX,
    polls::{PollRow, check_poll},
    ports::{
        blobs::BlobKey,
        store::{LogKey, Put, ReadRange, Store, StoreError},
    },
    records::{SendRow, key},
    rooms::RoomCell,
    tables::Table,
};

/// The client's own id, if it is one and within the window in which it is remembered.
pub(crate) fn own_ref(ctx: &Ctx, field: &[u8]) -> Result<ClientRef, Error> {
    check_ref(ctx.now.unix_ms, field)
}

/// The same for whoever has no context.
pub(crate) fn check_ref(now_ms: u64, field: &[u8]) -> Result<ClientRef, Error> {
    let client_ref = id_field("client_ref", ClientRef::parse(field))?;
    let made_ms = uuid_v7_ms(client_ref.as_bytes())
        .ok_or_else(|| Error::invalid("client_ref", "is not a UUIDv7"))?;
    let oldest = now_ms.saturating_sub(limits::REF_WINDOW.as_millis() as u64);
    if made_ms < oldest || made_ms > now_ms + REF_AHEAD_MS_MAX {
        let what = "client_ref is not of the last thirty days";
        return Err(Error::new(ErrorReason::RefExpired, what));
    }
    Ok(client_ref)
}

/// What was made of the same ref before.
pub(crate) async fn sent_before(
    ctx: &Ctx,
    room: RoomId,
    client_ref: ClientRef,
    print: u64,
) -> Result<Option<SendRow>, Error> {
    sent_by(ctx.store(), room, ctx.user(), client_ref, print).await
}

/// The same of any sender.
pub(crate) async fn sent_by(
    store: &dyn Store,
    room: RoomId,
    sender: UserId,
    client_ref: ClientRef,
    print: u64,
) -> Result<Option<SendRow>, Error> {
    let row = key(&[room.as_bytes(), sender.as_bytes(), client_ref.as_bytes()]);
    let Some(row) = store.get(Table::SENDS, &row).await.map_err(store_error)? else {
        return Ok(None);
    };
    let row = SendRow::decode(row).map_err(|_| store_error(StoreError::Damaged))?;
    if row.fingerprint != print {
        let what = "client_ref was used for something else";
        return Err(Error::new(ErrorReason::RefConflict, what));
    }
    Ok(Some(row))
}

/// The header of the message to amend, if it is one and not deleted.
pub(crate) async fn target(ctx: &Ctx, cell: &RoomCell, seq: u64) -> Result<EventHeader, Error> {
    let missing = || Error::new(ErrorReason::MessageNotFound, "no such message");
    if seq == 0 || seq > cell.head().seq {
        return Err(missing());
    }
    let range =
        ReadRange { from: seq, to: seq, reverse: false, records_max: 1, bytes_max: usize::MAX };
    let log = LogKey::Room(cell.id);
    let read = ctx.store().read(log, range).await.map_err(store_error)?;
    let stored = read.into_iter().next().ok_or_else(missing)?;
    let damaged = || store_error(StoreError::Damaged);
    let event = Event::decode(stored.record.ok_or_else(damaged)?).map_err(|_| damaged())?;
    let header = event.header.ok_or_else(damaged)?;
    let amendable = header.kind == MessagePosted::RULE.kind && header.flags & FLAG_ERASED == 0;
    if amendable { Ok(header) } else { Err(missing()) }
}

/// The attachments a message is sent with: each once, and all of them the caller's to send.
pub(crate) async fn attachments(
    ctx: &Ctx,
    fields: &[Bytes],
    described: &[Attachment],
) -> Result<Vec<BlobHash>, Error> {
    if fields.len() > limits::ATTACHMENTS_MAX {
        return Err(Error::invalid("attachments", "are more than 50"));
    }
    let mut hashes = Vec::with_capacity(fields.len());
    for (i, field) in fields.iter().enumerate() {
        let name = format!("attachments[{i}]");
        let hash = hash_field(&name, field)?;
        if hashes.contains(&hash) {
            return Err(Error::invalid(name, "is there twice"));
        }
        let key = BlobKey { org: ctx.caller.org, hash };
        let claim = claim_row(ctx.store(), ctx.user(), key).await.map_err(store_error)?;
        // Spared first: what is found here then stays until long after this call.
        let is_claimed = claim.is_some_and(|claim| claim.holds(ctx.now.unix_ms))
            && ctx.node.attachments.spare(key);
        let blob = blob_row(ctx.store(), key).await.map_err(store_error)?;
        let blob = blob.filter(|_| is_claimed).ok_or_else(blob_not_found)?;
        let said = described.get(i).and_then(|attachment| attachment.blob.as_ref());
        if !said.is_some_and(|said| is_true(said, &blob)) {
            let name = format!("body.attachments[{i}].blob");
            return Err(Error::invalid(name, "isn't what the server has found"));
        }
        hashes.push(hash);
    }
    Ok(hashes)
}

/// Whether what a message says of a blob is so. Where the server has found nothing, others may know.
fn is_true(said: &Blob, found: &Blob) -> bool {
    let agrees = |said: u64, found: u64| found == 0 || said == found;
    said.size == found.size
        && said.media_type == found.media_type
        && said.has_preview == found.has_preview
        && agrees(said.width.into(), found.width.into())
        && agrees(said.height.into(), found.height.into())
        && agrees(said.duration_ms, found.duration_ms)
}

/// What a deleted message no longer uses: it is looked at soon whether anybody does.
pub(crate) async fn release(
    ctx: &Ctx,
    room: RoomId,
    header: &EventHeader,
) -> Result<Vec<Put>, Error> {
    let mut puts = Vec::new();
    for hash in header.attachments.iter().filter_map(|hash| BlobHash::parse(hash).ok()) {
        let key = BlobKey { org: ctx.caller.org, hash };
        let prefix = use_prefix(key, room);
        let used = [&prefix[..], &header.seq.to_be_bytes()].concat().into();
        puts.push(Put { table: Table::BLOB_USES, key: used, value: None });
        puts.push(due_put(key, ctx.now.unix_ms, ctx.user()));
        // The claim it was sent with has served its purpose, and keeps nothing any more.
        let Ok(sender) = UserId::parse(&header.sender) else { continue };
        let claim = claim_row(ctx.store(), sender, key).await.map_err(store_error)?;
        if let Some(claim) = claim.filter(|claim| claim.at_ms <= header.at_ms) {
            puts.push(due_end(key, due_after(claim.at_ms), sender));
        }
    }
    Ok(puts)
}

/// The rows of what a message carries.
pub(crate) fn carry(draft: &mut RoomDraft, org: OrgId, poll: Option<&Poll>) {
    let room = draft.cell.id;
    for hash in &draft.event.attachments {
        let prefix = use_prefix(BlobKey { org, hash: *hash }, room);
        draft.seq_puts.push((Table::BLOB_USES, prefix, Bytes::new()));
    }
    if let Some(poll) = poll {
        let row = PollRow::new(poll).encode_to_vec().into();
        draft.seq_puts.push((Table::POLLS, room.to_field(), row));
    }
}

/// The answer to what was sent before.
pub(crate) fn repeated(sent: SendRow) -> SendResponse {
    SendResponse { seq: sent.seq, at_ms: sent.at_ms, deduplicated: true }
}

/// A body, unless it is too large or malformed.
pub(crate) fn message_body<M: EventMessage>(body: &Bytes) -> Result<M, Error> {
    if body.len() > limits::BODY_BYTES_MAX {
        return Err(Error::new(ErrorReason::BodyTooLarge, "the body is over 60 KiB"));
    }
    M::decode(body.clone()).map_err(|_| Error::invalid("body", "is not a valid message"))
}

/// A text, unless it is too long, or empty where it mayn't be.
pub(crate) fn check_text(text: &str, may_be_empty: bool) -> Result<(), Error> {
    match text.len() {
        0 if !may_be_empty => Err(Error::invalid("body.text", "is empty")),
        n if n > limits::TEXT_BYTES_MAX => Err(Error::invalid("body.text", "is over 16 KiB")),
        _ => Ok(()),
    }
}

/// Refuses a body that doesn't describe its attachments as they are, or has neither them nor a poll nor
/// text.
pub(crate) fn post_body(body: &Bytes, attachments: &[Bytes]) -> Result<MessagePosted, Error> {
    let message: MessagePosted = message_body(body)?;
    check_text(&message.text, !attachments.is_empty() || message.poll.is_some())?;
    message.poll.as_ref().map(check_poll).transpose()?;
    message.components.as_ref().map(check_components).transpose()?;
    let hash_of = |attachment: &Attachment| attachment.blob.as_ref().map(|blob| blob.hash.clone());
    let described = message.attachments.iter().map(hash_of);
    if !described.eq(attachments.iter().cloned().map(Some)) {
        return Err(Error::invalid("body.attachments", "are not those of the request"));
    }
    for (i, attachment) in message.attachments.iter().enumerate() {
        let field = |name| format!("body.attachments[{i}].{name}");
        let is_path = attachment.name.contains(['/', '\\', '\0']);
        if attachment.name.len() > limits::FILE_NAME_BYTES_MAX || is_path {
            return Err(Error::invalid(field("name"), "is over 255 bytes, or a path"));
        }
        if attachment.description.len() > limits::DESCRIPTION_BYTES_MAX {
            return Err(Error::invalid(field("description"), "is over 1 KiB"));
        }
        let blob = attachment.blob.as_ref();
        if blob.is_some_and(|blob| blob.waveform.len() > limits::WAVEFORM_MAX) {
            return Err(Error::invalid(field("blob.waveform"), "has over 128 values"));
        }
    }
    Ok(message)
}
