//! Where a webhook begins in a room's log: not before it was made, nor before its owner came.

use parlour_protocol::{
    generated::EventMessage,
    ids::RoomId,
    room::{MembersAdded, RoomCreated},
    webhook::WebhookCreated,
    wire::Event,
};
use prost::Message;

use super::rows::Webhook;
use crate::{
    limits::{ITEM_BYTES, ITEM_EVENTS, WEBHOOK_LOOKS_BACK},
    ports::store::{LogKey, ReadRange, Store, StoreError},
};

/// How far a webhook has come in a room that it hasn't read yet. It looks back no further than
/// [`WEBHOOK_LOOKS_BACK`] events.
pub(super) async fn start_of(
    store: &dyn Store,
    hook: &Webhook,
    room: RoomId,
    head: u64,
) -> Result<u64, StoreError> {
    let earliest = head.saturating_sub(WEBHOOK_LOOKS_BACK);
    let mut to = head;
    while to > earliest {
        let range = ReadRange {
            from: earliest + 1,
            to,
            reverse: true,
            records_max: ITEM_EVENTS,
            bytes_max: ITEM_BYTES,
        };
        let stretch = store.read(LogKey::Room(room), range).await?;
        let Some(last) = stretch.last().map(|stored| stored.seq) else { break };
        for stored in stretch {
            let event = stored.record.and_then(|record| Event::decode(record).ok());
            // One that can't be read says nothing.
            let Some(event) = event else { continue };
            if is_before(hook, &event) {
                return Ok(stored.seq);
            }
            if begins(hook, event) {
                return Ok(stored.seq - 1);
            }
        }
        to = last - 1;
    }
    Ok(earliest)
}

fn is_before(hook: &Webhook, event: &Event) -> bool {
    let kind = event.header.as_ref().map_or(0, |header| header.kind);
    let at_ms = event.header.as_ref().map_or(0, |header| header.at_ms);
    // The one that says it was made is the first, whatever the clock did meanwhile.
    kind != WebhookCreated::RULE.kind && at_ms < hook.row.created_ms
}

fn begins(hook: &Webhook, Event { header, body }: Event) -> bool {
    let owner = &hook.row.owner;
    match header.map_or(0, |header| header.kind) {
        kind if kind == WebhookCreated::RULE.kind => WebhookCreated::decode(body)
            .ok()
            .and_then(|made| made.webhook)
            .is_some_and(|made| made.id[..] == hook.id.as_bytes()[..]),
        // A room's own webhook began with its making, whoever came since.
        _ if !hook.row.room.is_empty() => false,
        kind if kind == MembersAdded::RULE.kind => {
            MembersAdded::decode(body).is_ok_and(|added| added.users.contains(owner))
        }
        kind if kind == RoomCreated::RULE.kind => {
            RoomCreated::decode(body).is_ok_and(|created| created.members.contains(owner))
        }
        _ => false,
    }
}
