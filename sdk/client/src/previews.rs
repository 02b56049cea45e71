//! Previews of links: taking them away.

use parlour_sdk_core::outbox::Payload;

use crate::{Room, error::QueueError};

impl Room {
    /// Takes the previews of the links in the message at `seq` away for everyone, for good: the user's own,
    /// or any for whoever moderates the room. They are gone here at once, and for others when there is a
    /// connection.
    ///
    /// # Errors
    /// When the server refuses: `MESSAGE_NOT_FOUND`, `NOT_ALLOWED`.
    pub async fn hide_link_previews(&self, seq: u64) -> Result<(), QueueError> {
        self.put(Payload::HidePreviews { target_seq: seq }).await?.sent().await.map(drop)
    }
}
