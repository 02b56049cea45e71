//! Where a client stands.

use parlour_sdk_core::reconnect::{End, Stop};

/// Where a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// A connection is being made.
    Connecting,
    /// Connected.
    Live,
    /// Not connected. Reading and writing go on with the cache and the outbox.
    Offline {
        /// When the next attempt comes, Unix milliseconds.
        retry_at_ms: u64,
        /// What ended the last attempt or connection.
        after: End,
    },
    /// Not connected, and not by itself again; see [`Client::reconnect`](crate::Client::reconnect).
    Stopped(Stop),
    /// Disconnected for good.
    Closed,
}
