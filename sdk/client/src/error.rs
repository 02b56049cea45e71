//! What can go wrong, per operation.

use std::sync::Arc;

use parlour_protocol::wire::{Error as Refusal, ErrorReason};
pub use parlour_sdk_core::{
    engine::PageError,
    outbox::SendError,
    reconnect::{Distrust, Stop},
};

/// Why a call failed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The server refused it: branch on the reason, and for one that isn't known on the class.
    #[error("refused: {0}")]
    Refused(Box<Refusal>),
    /// The answer isn't what the method answers.
    #[error("the answer is malformed")]
    Malformed,
    /// The answer is more than the client holds at once.
    #[error("the answer is too large")]
    TooLarge,
    /// More calls wait than the client holds.
    #[error("too many calls")]
    TooManyCalls,
    /// The client is gone.
    #[error("the client is closed")]
    Closed,
}

impl CallError {
    /// The server's reason, if it refused and the reason is known.
    pub fn reason(&self) -> Option<ErrorReason> {
        match self {
            CallError::Refused(refusal) => ErrorReason::try_from(refusal.reason).ok(),
            _ => None,
        }
    }
}

/// Why something wasn't queued or sent.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QueueError {
    /// The text is empty or over 16 KiB.
    #[error("text is empty or too long")]
    Text,
    /// More than 50 attachments.
    #[error("too many attachments")]
    Attachments,
    /// More than 100 users are mentioned.
    #[error("too many mentions")]
    Mentions,
    /// An application's event is larger than it may be.
    #[error("the event is too large")]
    Event,
    /// The outbox holds as much as it may.
    #[error("the outbox is full")]
    Full,
    /// The message isn't in the log yet, so that it can't be changed there.
    #[error("the message isn't sent yet")]
    NotSent,
    /// It couldn't be written down; it is sent all the same while the client runs.
    #[error("the cache can't be written")]
    NotDurable,
    /// It was queued and failed.
    #[error("{0}")]
    Failed(#[from] SendError),
    /// The client is gone. What was queued is kept in its cache.
    #[error("the client is closed")]
    Closed,
}

/// Why a page of history isn't there.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistoryError {
    /// It couldn't be had.
    #[error("{0}")]
    Page(#[from] PageError),
    /// The client is gone.
    #[error("the client is closed")]
    Closed,
}

/// Why nobody is watched.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// With those in other lists they would be more than 1,000.
    #[error("too many are watched")]
    TooMany,
    /// The client is gone.
    #[error("the client is closed")]
    Closed,
}

/// Why a client couldn't be started or connected.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address isn't `host:port`.
    #[error("the address is not host:port")]
    Address,
    /// The WebSocket's address isn't `wss://host/path` or `ws://host/path`.
    #[error("the WebSocket's address is not wss://host/path")]
    WebSocketUrl,
    /// Neither a token nor a sign-in was given to the builder, and no login is kept.
    #[error("no token, no sign-in and no login")]
    Token,
    /// What is to be trusted can't be read or set up.
    #[error("trust: {0}")]
    Trust(Arc<rustls::Error>),
    /// The cache can't be opened.
    #[error("{0}")]
    Cache(#[from] parlour_sdk_core::cache::CacheError),
    /// No connection could be made in time.
    #[error("no connection in time")]
    Unreachable,
    /// Somebody answered whose certificate isn't believed.
    #[error("the server's certificate isn't believed: {0}")]
    Untrusted(Distrust),
    /// The server refused the token, with this close code.
    #[error("token refused, close code {0:#x}")]
    Unauthorized(u32),
    /// The login that was kept can't be read.
    #[error("the login can't be read: {0}")]
    Login(Arc<std::io::Error>),
    /// Somebody has to let the user in first: connect again later, with the same cache.
    #[error("somebody has to let you in first")]
    Knocking,
    /// The client won't connect by itself.
    #[error("{0}")]
    Stopped(Stop),
}
