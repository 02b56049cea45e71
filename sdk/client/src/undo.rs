//! What can be undone for a while: it waits in the outbox, on the disk as everything there, and goes out when the
//! time is over, or with the next start of a client that ends before.

use std::time::Duration;

use parlour_sdk_core::outbox::Payload;

use crate::{Draft, Room, error::QueueError, room::QueuedSend};

impl Room {
    /// Writes a message down as [`Room::queue`] does, and keeps it back for that long, during which
    /// [`QueuedSend::discard`] takes it back. What is sent meanwhile doesn't wait for it.
    ///
    /// # Errors
    /// As [`Room::queue`].
    pub async fn queue_after(
        &self,
        message: impl Into<Draft>,
        wait: Duration,
    ) -> Result<QueuedSend, QueueError> {
        self.put_after(message.into().payload()?, wait).await
    }

    /// Deletes the message at `seq` in a while: for the user it is gone at once, and
    /// [`QueuedSend::discard`] brings it back. Others see it until then.
    ///
    /// # Errors
    /// When the outbox is full.
    pub async fn delete_after(&self, seq: u64, wait: Duration) -> Result<QueuedSend, QueueError> {
        self.put_after(Payload::Delete { target_seq: seq }, wait).await
    }
}
