//! What the pages say of themselves that messages lead to. They belong to one text of a message: with
//! another text they mean nothing, whatever comes first.

use std::{collections::BTreeMap, sync::Arc};

use parlour_protocol::{
    generated::EventMessage,
    ids::ClientRef,
    preview::{LinkPreviewsAdded, LinkPreviewsHidden},
};
use prost::Message;

use super::item::LinkPreview;
use crate::event::LogEvent;

/// What an event says of a message's previews.
pub(super) enum Said {
    /// They are these, of the text at that place.
    Added(u64, Arc<[LinkPreview]>),
    /// There are none any more.
    Hidden,
}

/// What an event says of previews; `None` for other events.
pub(super) fn of(event: &LogEvent) -> Option<Said> {
    match event.header.kind {
        kind if kind == LinkPreviewsHidden::RULE.kind => Some(Said::Hidden),
        kind if kind == LinkPreviewsAdded::RULE.kind => {
            // One that was erased, with its message, says nothing.
            let added = LinkPreviewsAdded::decode(event.body.clone()).unwrap_or_default();
            let previews = added.previews.into_iter().map(|preview| LinkPreview {
                url: preview.url,
                title: preview.title,
                description: preview.description,
                site_name: preview.site_name,
            });
            Some(Said::Added(added.text_seq, previews.collect()))
        }
        _ => None,
    }
}

/// All that is known of previews.
#[derive(Debug, Default)]
pub(super) struct Previews {
    known: BTreeMap<u64, Known>,
    /// What the user has hidden that the server doesn't have yet, by message.
    pending: BTreeMap<u64, ClientRef>,
}

#[derive(Debug, Default)]
struct Known {
    /// Of the newest text that any are known of.
    text_seq: u64,
    previews: Arc<[LinkPreview]>,
    is_hidden: bool,
}

impl Previews {
    /// Takes in what was said of a message; whether that is new. Of more than `pending_max` messages the
    /// oldest are forgotten: they are the last to be looked at.
    pub(super) fn apply(&mut self, target: u64, said: Said, pending_max: usize) -> bool {
        let known = self.known.entry(target).or_default();
        let is_new = match said {
            Said::Hidden => !std::mem::replace(&mut known.is_hidden, true),
            Said::Added(text_seq, previews) if text_seq > known.text_seq => {
                (known.text_seq, known.previews) = (text_seq, previews);
                true
            }
            Said::Added(..) => false,
        };
        if self.known.len() > pending_max {
            self.known.pop_first();
        }
        is_new
    }

    /// The message is deleted, and with it what its links said.
    pub(super) fn forget(&mut self, target: u64) {
        self.known.remove(&target);
    }

    /// The user has hidden them, and that isn't sent yet.
    pub(super) fn put_pending(&mut self, target: u64, client_ref: ClientRef) {
        self.pending.insert(target, client_ref);
    }

    /// It won't be sent, or it was.
    pub(super) fn drop_pending(&mut self, target: u64, client_ref: ClientRef) {
        if self.pending.get(&target) == Some(&client_ref) {
            self.pending.remove(&target);
        }
    }

    pub(super) fn forget_to(&mut self, seq: u64) {
        self.known = self.known.split_off(&(seq + 1));
    }

    /// Those of a message whose text is that at `text_seq`.
    pub(super) fn shown(&self, target: u64, text_seq: u64) -> Arc<[LinkPreview]> {
        let known = self.known.get(&target).filter(|_| !self.pending.contains_key(&target));
        let fits = |known: &&Known| known.text_seq == text_seq && !known.is_hidden;
        known.filter(fits).map(|known| known.previews.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "previews_tests.rs"]
mod tests;
