//! Reporting messages to the organization's moderators.

use parlour_protocol::{
    generated::rpc,
    moderation::{ReportMessageRequest, ReportReason},
};

use crate::{Room, error::CallError};

impl Room {
    /// Reports a message to the organization's moderators, with what it says now. The note is the user's
    /// own words. Nobody else hears of it, and once is enough: until it is decided, another report of the
    /// same message changes nothing. Needs a connection.
    ///
    /// # Errors
    /// `MESSAGE_NOT_FOUND` where it is deleted, `INVALID_FIELD` for one of the user's own or a note over
    /// 1,000 bytes, `RATE_LIMITED` or `TOO_MANY_REPORTS` for too much of it; otherwise when the client is
    /// gone.
    pub async fn report(
        &self,
        seq: u64,
        reason: ReportReason,
        note: &str,
    ) -> Result<(), CallError> {
        let (room, note) = (self.id().to_field(), note.to_owned());
        let request = ReportMessageRequest { room, seq, reason: reason as i32, note };
        self.handle().call::<rpc::ReportMessage>(request).await.map(drop)
    }
}
