//! Why drafts aren't committed, and what callers are told.

use parlour_protocol::wire::{Error, ErrorReason};

use crate::{chain::chain_broken, ports::store::StoreError};

/// Why a draft was not committed.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// What it was decided on has changed: run the handler again.
    #[error("decided on an old state")]
    Stale,
    /// A row that had to be absent is there.
    #[error("a row is there already")]
    Exists,
    /// The caller was revoked meanwhile.
    #[error("revoked")]
    Revoked,
    /// The sender is no longer in the room.
    #[error("sender is not in the room")]
    NotMember,
    /// The room is archived.
    #[error("room is archived")]
    Archived,
    /// The sender may no longer do that.
    #[error("a permission is missing")]
    NotAllowed,
    /// The handler decided so.
    #[error("{0}")]
    Decided(Box<Error>),
    /// Too many drafts are waiting.
    #[error("too many drafts are waiting")]
    Busy,
    /// A call before it in its chain was refused.
    #[error("a call before it was refused")]
    ChainBroken,
    /// The connection would watch more users than it may.
    #[error("too many are watched")]
    TooManyWatched,
    /// It is about the connection it was asked on, and there is none.
    #[error("there is no connection")]
    NoConnection,
    /// The store can't take it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        match refused {
            Refused::Revoked => Error::new(ErrorReason::TokenRevoked, "revoked"),
            Refused::NotMember => room_not_found(),
            Refused::Archived => room_archived(),
            Refused::NotAllowed => not_allowed(),
            Refused::Decided(error) => *error,
            Refused::ChainBroken => chain_broken(),
            Refused::NoConnection => needs_connection(),
            Refused::TooManyWatched => Error::invalid("add", "are more than 1,000 with the others"),
            Refused::Busy | Refused::Stale | Refused::Exists => {
                Error::new(ErrorReason::RateLimited, "too much at once")
            }
            Refused::Store(error) => store_error(error),
        }
    }
}

/// The one answer for rooms that don't exist and rooms one may not see.
pub fn room_not_found() -> Error {
    Error::new(ErrorReason::RoomNotFound, "no such room")
}

/// The answer where a call is about the connection it is made on, and there is none.
pub fn needs_connection() -> Error {
    Error::new(ErrorReason::NeedsConnection, "there is no connection that it could be about")
}

/// The answer to whoever lacks a permission.
pub fn not_allowed() -> Error {
    Error::new(ErrorReason::NotAllowed, "a permission is missing")
}

/// The answer to whoever writes into an archived room.
pub fn room_archived() -> Error {
    Error::new(ErrorReason::RoomArchived, "the room is archived")
}

/// A store's error as callers see it.
pub fn store_error(error: StoreError) -> Error {
    let reason = match error {
        StoreError::ReadOnly => ErrorReason::ReadOnly,
        StoreError::Damaged => ErrorReason::DataDamaged,
        _ => ErrorReason::StoreUnavailable,
    };
    Error::new(reason, error.to_string())
}
