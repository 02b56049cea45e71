//! What a message said before it was edited.

use parlour_protocol::{
    generated::{EventBody, rpc},
    message::ReadEditsRequest,
};
use parlour_sdk_core::event::events_in;

use crate::{Room, error::CallError};

/// What a message said at some time.
#[derive(Clone, PartialEq, Eq)]
pub struct Version {
    /// The number in the log: of the message for the first version, else of the edit.
    pub seq: u64,
    /// Since when it said so, Unix milliseconds.
    pub at_ms: u64,
    /// What it said.
    pub text: String,
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The text is the user's: never in a log.
        let text = format_args!("<{} bytes>", self.text.len());
        f.debug_struct("Version")
            .field("seq", &self.seq)
            .field("text", &text)
            .finish_non_exhaustive()
    }
}

impl Room {
    /// Every version of the message at `seq`, the first one first. What the server can't read is
    /// left out.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND`, also for a deleted one; `ROOM_NOT_FOUND` when the user isn't in it;
    /// otherwise when the client is gone.
    pub async fn edits(&self, seq: u64) -> Result<Vec<Version>, CallError> {
        let request = ReadEditsRequest { room: self.id().to_field(), target_seq: seq };
        let mut versions = Vec::new();
        for item in self.handle().ask_bulk::<rpc::ReadEdits>(request).await? {
            for event in events_in(1, &item).map_err(|_| CallError::Malformed)? {
                let text = match event.decoded() {
                    EventBody::MessagePosted(message) => message.text,
                    EventBody::MessageEdited(edit) => edit.text,
                    _ => continue,
                };
                versions.push(Version { seq: event.seq(), at_ms: event.header.at_ms, text });
            }
        }
        Ok(versions)
    }
}
