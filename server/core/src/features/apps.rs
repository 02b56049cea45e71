//! Events of applications: under names of their own, kept in the room's log or only told to those who
//! hear the room just now.

use bytes::Bytes;
use parlour_protocol::{
    access::Permission,
    app::{AppEvent, AppSignal, PublishRequest, PublishResponse, SignalRequest, SignalResponse},
    generated::{AppService, EventMessage},
    limits::{
        APP_NAME_BYTES_MAX, APP_PAYLOAD_BYTES_MAX, APP_SIGNAL_BYTES_MAX, BODY_BYTES_MAX,
        MEDIA_TYPE_BYTES_MAX,
    },
    room::RoomKind,
    wire::{Error, ErrorReason},
};

use crate::{
    draft::{Draft, Guard, NewEvent, RoomDraft, SignalDraft},
    identity::fingerprint,
    kit::{Answer, Ctx, Features, ServerKit},
    messages::{own_ref, sent_before},
    rooms::RoomCell,
};

/// Tokens with this scope publish in every room their user is in: those of services, which nobody
/// makes an admin for that.
const PUBLISH_SCOPE: &str = "events:publish";

/// Names under this are ours.
const RESERVED: &str = "parlour.";

impl AppService<ServerKit> for Features {
    async fn publish(
        &self,
        ctx: &mut Ctx,
        request: PublishRequest,
    ) -> Result<Answer<PublishResponse>, Error> {
        let PublishRequest { room, client_ref, body } = request;
        let cell = ctx.open_room(&room).await?;
        let guard = may_publish(ctx, &cell).await?;
        let client_ref = own_ref(ctx, &client_ref)?;
        let kind = AppEvent::RULE.kind;
        let print = fingerprint(kind, &[&body]);
        if ctx.reruns > 0
            && let Some(sent) = sent_before(ctx, cell.id, client_ref, print).await?
        {
            let (seq, at_ms) = (sent.seq, sent.at_ms);
            return Ok(Answer::Now(PublishResponse { seq, at_ms, deduplicated: true }));
        }
        let AppEvent { name, content_type, payload } = decoded(&body)?;
        check(&name, &content_type, &payload, APP_PAYLOAD_BYTES_MAX)?;
        let event = NewEvent {
            client_ref: Some((client_ref, print)),
            ..NewEvent::new(ctx.user(), kind, body)
        };
        let draft = RoomDraft::new(cell, guard, event);
        Ok(Answer::commit(Draft::Room(Box::new(draft)), |done| PublishResponse {
            seq: done.seq,
            at_ms: done.at_ms,
            deduplicated: false,
        }))
    }

    async fn signal(
        &self,
        ctx: &mut Ctx,
        request: SignalRequest,
    ) -> Result<Answer<SignalResponse>, Error> {
        let cell = ctx.open_room(&request.room).await?;
        let guard = may_publish(ctx, &cell).await?;
        let AppSignal { name, content_type, payload } = decoded(&request.body)?;
        check(&name, &content_type, &payload, APP_SIGNAL_BYTES_MAX)?;
        let draft = SignalDraft {
            cell,
            guard,
            only_to: None,
            sender: ctx.user(),
            kind: AppSignal::RULE.kind,
            body: request.body,
        };
        Ok(Answer::commit(Draft::Signal(Box::new(draft)), |_| SignalResponse {}))
    }
}

/// What the draft of a caller who may publish is guarded by.
async fn may_publish(ctx: &Ctx, cell: &RoomCell) -> Result<Guard, Error> {
    let needs: &[Permission] = match ctx.caller.has_scope(PUBLISH_SCOPE) {
        // Whoever may not write to somebody tells them nothing that way, either.
        true if cell.read(|room| room.kind == RoomKind::Direct) => &[Permission::Send],
        true => &[],
        false => &[Permission::PublishEvents],
    };
    ctx.check_all(cell, needs).await
}

fn decoded<M: EventMessage>(body: &Bytes) -> Result<M, Error> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Error::new(ErrorReason::BodyTooLarge, "the body is over 60 KiB"));
    }
    M::decode(body.clone()).map_err(|_| Error::invalid("body", "is not a valid message"))
}

fn check(name: &str, content_type: &str, payload: &[u8], bytes_max: usize) -> Result<(), Error> {
    check_name(name).map_err(|problem| Error::invalid("body.name", problem))?;
    if !is_media_type(content_type) {
        return Err(Error::invalid(
            "body.content_type",
            "is not a media type of 127 bytes at most",
        ));
    }
    if payload.len() > bytes_max {
        let problem = format!("is over {} KiB", bytes_max / 1024);
        return Err(Error::invalid("body.payload", problem));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > APP_NAME_BYTES_MAX {
        return Err("is over 128 bytes");
    }
    let is_label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_lowercase())
            && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    if !name.contains('.') || !name.split('.').all(is_label) {
        return Err("is not a domain name turned round, such as com.example.build.finished");
    }
    if name.starts_with(RESERVED) { Err("begins with what is reserved") } else { Ok(()) }
}

/// `type/subtype` of RFC 9110 section 8.3.1, maybe with parameters; or nothing.
fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let whole = text.split(';').next().unwrap_or_default().trim_end();
    let is_plain = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    let is_typed = whole.split_once('/').is_some_and(|(a, b)| is_token(a) && is_token(b));
    text.is_empty() || (text.len() <= MEDIA_TYPE_BYTES_MAX && is_plain && is_typed)
}

#[cfg(test)]
#[path = "apps_tests.rs"]
mod tests;
