//! What the user's organization has, and how much it may have.

use parlour_protocol::{
    generated::rpc,
    quota::{GetUsageRequest, Quotas as WireQuotas},
};

use crate::{Directory, error::CallError};

/// What an organization has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// People and programs that can come in.
    pub users: u64,
    /// Those of them who came in within the last 30 days.
    pub active_users: u64,
    /// Groups, archived ones included.
    pub groups: u64,
    /// Direct rooms.
    pub direct_rooms: u64,
    /// Rooms of the directory.
    pub nodes: u64,
    /// Messages that were ever posted into rooms, without replies in threads.
    pub messages: u64,
    /// The same of replies in threads.
    pub replies: u64,
    /// Attachments and pictures, each once.
    pub attachment_bytes: u64,
    /// Devices that are connected.
    pub devices: u64,
    /// As of when `active_users`, `direct_rooms`, `messages` and `replies` are, Unix milliseconds; the others
    /// are as of now.
    pub counted_at_ms: u64,
    /// How much there may be.
    pub quotas: Quotas,
}

/// How much an organization may have; `None` is without a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quotas {
    /// People and programs that can come in.
    pub users: Option<u64>,
    /// Groups, archived ones included.
    pub groups: Option<u64>,
    /// Bytes of attachments and pictures.
    pub attachment_bytes: Option<u64>,
    /// Devices that are connected at the same time.
    pub devices: Option<u64>,
}

impl Directory {
    /// What the organization has, and how much of it there may be.
    ///
    /// # Errors
    /// `SCOPE_MISSING` without `admin:usage`; otherwise as the server refuses, or when the client is gone.
    pub async fn usage(&self) -> Result<Usage, CallError> {
        let answer = self.handle().call::<rpc::GetUsage>(GetUsageRequest {}).await?;
        let usage = answer.usage.unwrap_or_default();
        Ok(Usage {
            users: usage.users,
            active_users: usage.active_users,
            groups: usage.groups,
            direct_rooms: usage.direct_rooms,
            nodes: usage.nodes,
            messages: usage.messages,
            replies: usage.replies,
            attachment_bytes: usage.attachment_bytes,
            devices: usage.devices,
            counted_at_ms: usage.counted_at_ms,
            quotas: bounds(answer.quotas.unwrap_or_default()),
        })
    }
}

fn bounds(wire: WireQuotas) -> Quotas {
    let bound = |most: Option<u64>| most.filter(|most| *most > 0);
    Quotas {
        users: bound(wire.users),
        groups: bound(wire.groups),
        attachment_bytes: bound(wire.attachment_bytes),
        devices: bound(wire.devices),
    }
}
