//! Which events a filter lets through.

use bytes::Bytes;
use parlour_protocol::{
    app::AppEvent,
    event::FLAG_ERASED,
    generated::EventMessage,
    limits::{APP_NAME_BYTES_MAX, FILTER_NAMES_MAX},
    message::{MessageDeleted, MessageEdited, MessagePosted, MessagesDeleted},
    pin::{MessagePinned, MessageUnpinned},
    preview::{LinkPreviewsAdded, LinkPreviewsHidden},
    reaction::{ReactionAdded, ReactionWithdrawn},
    room::{MemberBanned, MemberRemoved, MemberUnbanned, MembersAdded},
    webhook::{EventFilter, EventGroup},
    wire::{Error, EventHeader},
};

/// What an event is about.
pub fn group_of(kind: u32) -> EventGroup {
    use EventGroup as G;
    let is = |kinds: &[u32]| kinds.contains(&kind);
    match kind {
        _ if kind == MessagePosted::RULE.kind => G::Messages,
        _ if is(&[MessageEdited::RULE.kind, LinkPreviewsAdded::RULE.kind]) => G::Edits,
        _ if kind == LinkPreviewsHidden::RULE.kind => G::Edits,
        _ if is(&[MessageDeleted::RULE.kind, MessagesDeleted::RULE.kind]) => G::Deletes,
        _ if kind == AppEvent::RULE.kind => G::Apps,
        _ if is(&[ReactionAdded::RULE.kind, ReactionWithdrawn::RULE.kind]) => G::Reactions,
        _ if is(&[MessagePinned::RULE.kind, MessageUnpinned::RULE.kind]) => G::Pins,
        _ if is(&[MembersAdded::RULE.kind, MemberRemoved::RULE.kind]) => G::Members,
        _ if is(&[MemberBanned::RULE.kind, MemberUnbanned::RULE.kind]) => G::Members,
        _ => G::Room,
    }
}

/// Whether a filter lets an event through.
pub fn lets_through(filter: &EventFilter, header: &EventHeader, body: &Bytes, own: &[u8]) -> bool {
    // Of an application's event that was deleted there is nothing to tell.
    if header.kind == AppEvent::RULE.kind && header.flags & FLAG_ERASED != 0 {
        return false;
    }
    if filter.skip_own && header.sender == own {
        return false;
    }
    if filter.groups.is_empty() && filter.app_names.is_empty() {
        return true;
    }
    if filter.groups.contains(&(group_of(header.kind) as i32)) {
        return true;
    }
    header.kind == AppEvent::RULE.kind
        && !filter.app_names.is_empty()
        && AppEvent::name_in(body)
            .is_some_and(|name| filter.app_names.iter().any(|wanted| is_named(wanted, &name)))
}

/// Whether a name is the wanted one, or one below it.
fn is_named(wanted: &str, name: &str) -> bool {
    if wanted.ends_with('.') { name.starts_with(wanted) } else { name == wanted }
}

/// The name of an application's event.
trait Named {
    fn name_in(body: &Bytes) -> Option<String>;
}

impl Named for AppEvent {
    fn name_in(body: &Bytes) -> Option<String> {
        use prost::Message;
        AppEvent::decode(body.clone()).ok().map(|event| event.name)
    }
}

/// Refuses a filter that isn't one.
pub fn check_filter(filter: &EventFilter) -> Result<(), Error> {
    let is_group = |group: &i32| {
        EventGroup::try_from(*group).is_ok_and(|group| group != EventGroup::Unspecified)
    };
    if filter.groups.len() > EVENT_GROUPS_MAX || !filter.groups.iter().all(is_group) {
        return Err(Error::invalid("filter.groups", "are not groups of events, each once"));
    }
    let plain = |name: &String| {
        (1..=APP_NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
    };
    if filter.app_names.len() > FILTER_NAMES_MAX || !filter.app_names.iter().all(plain) {
        return Err(Error::invalid("filter.app_names", "are not 20 names of events at most"));
    }
    Ok(())
}

/// As many as there are.
const EVENT_GROUPS_MAX: usize = 8;

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
