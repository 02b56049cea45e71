//! What the user has begun to write.

use std::fmt;

use parlour_protocol::{
    draft::{ListDraftsRequest, MessageDraft, SetDraftRequest},
    generated::rpc,
    ids::{RoomId, UserId},
};
use parlour_sdk_core::attachment::Attachment;

use crate::{error::CallError, handle::Handle, room::Draft};

/// What the user has begun to write, on all their devices: one for each room and thread. Nobody else
/// hears of it. That one has changed elsewhere comes with [`Client::own_changes`](crate::Client).
#[derive(Clone, Debug)]
pub struct Drafts {
    handle: Handle,
}

/// Something begun.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where.
    pub room: RoomId,
    /// What, and in which thread. Nothing mentions everyone before it is sent.
    pub draft: Draft,
    /// Since when, Unix milliseconds.
    pub at_ms: u64,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text is the user's: never in a log.
        f.debug_struct("Begun")
            .field("room", &self.room)
            .field("at_ms", &self.at_ms)
            .finish_non_exhaustive()
    }
}

impl Begun {
    pub(crate) fn parse(draft: MessageDraft) -> Option<Self> {
        let attachments = draft.attachments.into_iter().filter_map(Attachment::from_wire);
        Some(Begun {
            room: RoomId::parse(&draft.room).ok()?,
            at_ms: draft.at_ms,
            draft: Draft {
                text: draft.text,
                attachments: attachments.collect(),
                mentions: draft.mentions.iter().filter_map(|u| UserId::parse(u).ok()).collect(),
                reply_to: Some(draft.reply_to_seq).filter(|seq| *seq > 0),
                thread_root: Some(draft.thread_root_seq).filter(|seq| *seq > 0),
                ..Draft::default()
            },
        })
    }
}

impl Drafts {
    pub(crate) fn new(handle: Handle) -> Self {
        Drafts { handle }
    }

    /// Keeps what is begun in a room, or in the draft's thread there, in place of what was. One without
    /// text and attachments is gone. To be called when the user pauses, not with every key.
    ///
    /// # Errors
    /// `INVALID_FIELD` and `BODY_TOO_LARGE` for what is over a bound, `TOO_MANY_DRAFTS` above 200;
    /// otherwise when the client is gone.
    pub async fn set(&self, room: RoomId, draft: &Draft) -> Result<(), CallError> {
        let draft = MessageDraft {
            room: room.to_field(),
            thread_root_seq: draft.thread_root.unwrap_or_default(),
            text: draft.text.clone(),
            reply_to_seq: draft.reply_to.unwrap_or_default(),
            mentions: draft.mentions.iter().map(|user| user.to_field()).collect(),
            attachments: draft.attachments.iter().map(Attachment::to_wire).collect(),
            at_ms: 0,
        };
        let request = SetDraftRequest { draft: Some(draft) };
        self.handle.call::<rpc::SetDraft>(request).await.map(drop)
    }

    /// All of them.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn list(&self) -> Result<Vec<Begun>, CallError> {
        let mut begun = Vec::new();
        let mut request = ListDraftsRequest::default();
        loop {
            let answer = self.handle.call::<rpc::ListDrafts>(request).await?;
            begun.extend(answer.drafts.into_iter().filter_map(Begun::parse));
            if answer.next_page.is_empty() {
                return Ok(begun);
            }
            request = ListDraftsRequest { page: answer.next_page };
        }
    }
}
