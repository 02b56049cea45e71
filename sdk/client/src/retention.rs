//! How long a room keeps its messages.

use std::time::Duration;

use parlour_protocol::{compliance::GetRetentionRequest, generated::rpc};

use crate::{Room, error::CallError};

impl Room {
    /// How long messages are kept here; `None` for ever. Older ones are deleted.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND` when the user isn't in it; otherwise when the client is gone.
    pub async fn retention(&self) -> Result<Option<Duration>, CallError> {
        let request = GetRetentionRequest { room: self.id().to_field() };
        let answer = self.handle().call::<rpc::GetRetention>(request).await?;
        let max_age_s = answer.rule.map_or(0, |rule| rule.max_age_s);
        Ok(Some(max_age_s).filter(|s| *s > 0).map(|s| Duration::from_secs(s.into())))
    }
}
