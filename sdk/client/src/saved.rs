//! Messages that the user keeps for themselves.

use parlour_protocol::{
    generated::rpc,
    ids::RoomId,
    limits::SAVED_PAGE_MAX,
    saved::{ListSavedRequest, SaveMessageRequest, UnsaveMessageRequest},
};

use crate::{error::CallError, handle::Handle};

/// What the user has saved, on all their devices; nobody else hears of it. Cheap to clone; it doesn't
/// keep the client alive.
#[derive(Clone, Debug)]
pub struct Saved {
    handle: Handle,
}

/// A message that is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavedMessage {
    /// Its room.
    pub room: RoomId,
    /// Its number in the room's log.
    pub seq: u64,
    /// Since when, Unix milliseconds.
    pub saved_at_ms: u64,
    /// Whether it can't be read any more: it is deleted, or the user isn't in its room. It counts
    /// until it is taken off the list.
    pub is_gone: bool,
}

impl Saved {
    pub(crate) fn new(handle: Handle) -> Self {
        Saved { handle }
    }

    /// All of them, the newest first.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn list(&self) -> Result<Vec<SavedMessage>, CallError> {
        let mut saved = Vec::new();
        let mut request =
            ListSavedRequest { page_size: SAVED_PAGE_MAX as u32, ..Default::default() };
        loop {
            let answer = self.handle.call::<rpc::ListSaved>(request.clone()).await?;
            saved.extend(answer.saved.into_iter().filter_map(parse));
            if answer.next_page.is_empty() {
                return Ok(saved);
            }
            request.page = answer.next_page;
        }
    }

    /// Saves the message at `seq` of a room. Does nothing where it is saved already.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND`, `MESSAGE_NOT_FOUND`, `TOO_MANY_SAVED`; otherwise when the client is gone.
    pub async fn save(&self, room: RoomId, seq: u64) -> Result<(), CallError> {
        let request = SaveMessageRequest { room: room.to_field(), seq };
        self.handle.call::<rpc::SaveMessage>(request).await.map(drop)
    }

    /// Takes a message off the list, also one that can't be read any more. Does nothing where it
    /// isn't there.
    ///
    /// # Errors
    /// When the server refuses or the client is gone.
    pub async fn unsave(&self, room: RoomId, seq: u64) -> Result<(), CallError> {
        let request = UnsaveMessageRequest { room: room.to_field(), seq };
        self.handle.call::<rpc::UnsaveMessage>(request).await.map(drop)
    }
}

fn parse(saved: parlour_protocol::saved::SavedMessage) -> Option<SavedMessage> {
    Some(SavedMessage {
        room: RoomId::parse(&saved.room).ok()?,
        seq: saved.seq,
        saved_at_ms: saved.saved_at_ms,
        is_gone: saved.gone,
    })
}
