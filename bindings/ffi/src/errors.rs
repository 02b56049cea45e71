//! What can go wrong, per operation as in the Rust client. Languages branch on the variant, then on
//! the refusal's reason, and never on a text.

use parlour::protocol::wire::{self, ErrorClass, ErrorReason};

use crate::runtime::Broken;

/// What the server refused, and why.
#[derive(Clone, Debug, PartialEq, uniffi::Record)]
pub struct Refusal {
    /// The class, such as `NOT_FOUND`: for software that doesn't know the reason.
    pub class_name: String,
    /// The reason, such as `USER_NOT_FOUND`; empty for one that this version doesn't know.
    pub reason: String,
    /// Its number in the registry.
    pub reason_number: i32,
    /// Whether the same call may succeed later.
    pub retry: Retry,
    /// With `Retry::AfterDelay`, how much later.
    pub retry_after_ms: u64,
    /// Which fields were wrong.
    pub violations: Vec<Violation>,
    /// For logs, in English, without anybody's data.
    pub explanation: String,
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Violation {
    /// The field's path.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Whether, and after what, the same call may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Retry {
    /// It will fail the same way.
    Never,
    /// At once.
    Same,
    /// After `retry_after_ms`.
    AfterDelay,
    /// On a new connection.
    Reconnect,
    /// With a new token.
    AfterReauth,
    /// After reading the room or log again.
    AfterResync,
}

impl From<wire::Error> for Refusal {
    fn from(error: wire::Error) -> Self {
        Refusal {
            class_name: of_class(error.class),
            reason: of_reason(error.reason),
            reason_number: error.reason,
            retry: Retry::from(error.retry()),
            retry_after_ms: error.retry_after_ms,
            violations: error.violations.into_iter().map(Violation::from).collect(),
            explanation: error.message,
        }
    }
}

impl From<wire::Violation> for Violation {
    fn from(violation: wire::Violation) -> Self {
        Violation { field: violation.field, problem: violation.problem }
    }
}

impl From<wire::Retry> for Retry {
    fn from(retry: wire::Retry) -> Self {
        match retry {
            wire::Retry::Unspecified | wire::Retry::Never => Retry::Never,
            wire::Retry::Same => Retry::Same,
            wire::Retry::AfterDelay => Retry::AfterDelay,
            wire::Retry::Reconnect => Retry::Reconnect,
            wire::Retry::AfterReauth => Retry::AfterReauth,
            wire::Retry::AfterResync => Retry::AfterResync,
        }
    }
}

fn of_reason(reason: i32) -> String {
    let name = ErrorReason::try_from(reason).map_or("", |reason| reason.as_str_name());
    name.trim_start_matches("ERROR_REASON_").to_owned()
}

fn of_class(class: i32) -> String {
    let name = ErrorClass::try_from(class).map_or("", |class| class.as_str_name());
    name.trim_start_matches("ERROR_CLASS_").to_owned()
}

/// Why a client couldn't be started or connected.
#[derive(Clone, Debug, PartialEq, thiserror::Error, uniffi::Error)]
pub enum ConnectError {
    /// The address isn't `host:port`.
    #[error("the address is not host:port")]
    Address,
    /// The WebSocket's address isn't `wss://host/path` or `ws://host/path`.
    #[error("the WebSocket's address is not wss://host/path")]
    WebSocketUrl,
    /// There is neither a token nor a login that is kept.
    #[error("no token and no login")]
    NoToken,
    /// What is to be trusted can't be read or set up.
    #[error("trust: {detail}")]
    Trust {
        /// For people.
        detail: String,
    },
    /// The cache can't be opened.
    #[error("{detail}")]
    Cache {
        /// For people.
        detail: String,
    },
    /// No connection could be made in time.
    #[error("no connection in time")]
    Unreachable,
    /// Somebody answered whose certificate isn't believed.
    #[error("{detail}")]
    Untrusted {
        /// For people.
        detail: String,
    },
    /// The server refused the token, with this close code.
    #[error("token refused, close code {code:#x}")]
    Unauthorized {
        /// The close code.
        code: u32,
    },
    /// The login that was kept can't be read.
    #[error("the login can't be read: {detail}")]
    Login {
        /// For people.
        detail: String,
    },
    /// Somebody has to let the user in first.
    #[error("somebody has to let you in first")]
    Knocking,
    /// The client won't connect by itself.
    #[error("{detail}")]
    Stopped {
        /// For people.
        detail: String,
    },
    /// The runtime has ended.
    #[error("the client is closed")]
    Closed,
    /// A bug in the client.
    #[error("the client panicked")]
    Panicked,
}

impl From<parlour::ConnectError> for ConnectError {
    fn from(error: parlour::ConnectError) -> Self {
        use parlour::ConnectError as From;
        let detail = error.to_string();
        match error {
            From::Address => ConnectError::Address,
            From::WebSocketUrl => ConnectError::WebSocketUrl,
            From::Token => ConnectError::NoToken,
            From::Trust(_) => ConnectError::Trust { detail },
            From::Cache(_) => ConnectError::Cache { detail },
            From::Untrusted(_) => ConnectError::Untrusted { detail },
            From::Unauthorized(code) => ConnectError::Unauthorized { code },
            From::Login(_) => ConnectError::Login { detail },
            From::Knocking => ConnectError::Knocking,
            From::Stopped(parlour::Stop::TokenRefused(code)) => ConnectError::Unauthorized { code },
            From::Stopped(_) => ConnectError::Stopped { detail },
            _ => ConnectError::Unreachable,
        }
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error, uniffi::Error)]
pub enum CallError {
    /// The server refused it.
    #[error("refused: {}", .refusal.explanation)]
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// What was given as an id isn't one.
    #[error("not an id")]
    NotAnId,
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
    /// A bug in the client.
    #[error("the client panicked")]
    Panicked,
}

impl From<parlour::CallError> for CallError {
    fn from(error: parlour::CallError) -> Self {
        use parlour::CallError as From;
        match error {
            From::Refused(refusal) => CallError::Refused { refusal: (*refusal).into() },
            From::TooLarge => CallError::TooLarge,
            From::TooManyCalls => CallError::TooManyCalls,
            From::Closed => CallError::Closed,
            _ => CallError::Malformed,
        }
    }
}

/// Why something wasn't queued or sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error, uniffi::Error)]
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
    /// The server refused it.
    #[error("refused: {}", .refusal.explanation)]
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// The user is no longer in the room.
    #[error("no longer in the room")]
    RoomLost,
    /// It was taken out of the outbox.
    #[error("discarded")]
    Discarded,
    /// What was given as an id isn't one.
    #[error("not an id")]
    NotAnId,
    /// The client is gone. What was queued is kept in its cache.
    #[error("the client is closed")]
    Closed,
    /// A bug in the client.
    #[error("the client panicked")]
    Panicked,
}

impl From<parlour::SendError> for QueueError {
    fn from(error: parlour::SendError) -> Self {
        use parlour::SendError as From;
        match error {
            From::Refused(refusal) => QueueError::Refused { refusal: (*refusal).into() },
            From::RoomLost => QueueError::RoomLost,
            _ => QueueError::Discarded,
        }
    }
}

impl From<parlour::QueueError> for QueueError {
    fn from(error: parlour::QueueError) -> Self {
        use parlour::QueueError as From;
        match error {
            From::Text => QueueError::Text,
            From::Attachments => QueueError::Attachments,
            From::Mentions => QueueError::Mentions,
            From::Event => QueueError::Event,
            From::Full => QueueError::Full,
            From::NotSent => QueueError::NotSent,
            From::NotDurable => QueueError::NotDurable,
            From::Failed(error) => error.into(),
            _ => QueueError::Closed,
        }
    }
}

/// Why a page of history isn't there.
#[derive(Clone, Debug, PartialEq, thiserror::Error, uniffi::Error)]
pub enum HistoryError {
    /// It isn't in the cache and there is no connection.
    #[error("not in the cache, and there is no connection")]
    Offline,
    /// The answer was cut off.
    #[error("the answer was cut off")]
    Interrupted,
    /// The user isn't in the room.
    #[error("no longer in the room")]
    RoomLost,
    /// The server refused it.
    #[error("refused: {}", .refusal.explanation)]
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// The timeline or the client is gone.
    #[error("the client is closed")]
    Closed,
    /// A bug in the client.
    #[error("the client panicked")]
    Panicked,
}

impl From<parlour::HistoryError> for HistoryError {
    fn from(error: parlour::HistoryError) -> Self {
        use parlour::PageError as Page;
        match error {
            parlour::HistoryError::Page(Page::Offline) => HistoryError::Offline,
            parlour::HistoryError::Page(Page::Interrupted) => HistoryError::Interrupted,
            parlour::HistoryError::Page(Page::RoomLost) => HistoryError::RoomLost,
            parlour::HistoryError::Page(Page::Refused(refusal)) => {
                HistoryError::Refused { refusal: (*refusal).into() }
            }
            _ => HistoryError::Closed,
        }
    }
}

/// Why nothing was searched.
#[derive(Clone, Debug, PartialEq, thiserror::Error, uniffi::Error)]
pub enum SearchError {
    /// What was typed has a day that is none, or `has:` with something that can't be searched for.
    #[error("what was typed can't be searched for")]
    Typed,
    /// Nobody of that name has ever connected to this organization.
    #[error("there is no such user")]
    NoSuchUser {
        /// The name.
        name: String,
    },
    /// The user is in no room of that name.
    #[error("there is no such room")]
    NoSuchRoom {
        /// The name.
        name: String,
    },
    /// The server refuses, or the client is gone.
    #[error("{error}")]
    Call {
        /// Which of these.
        error: CallError,
    },
}

impl From<parlour::SearchError> for SearchError {
    fn from(error: parlour::SearchError) -> Self {
        match error {
            parlour::SearchError::NoSuchUser(name) => SearchError::NoSuchUser { name },
            parlour::SearchError::NoSuchRoom(name) => SearchError::NoSuchRoom { name },
            parlour::SearchError::Call(error) => SearchError::Call { error: error.into() },
            _ => SearchError::Call { error: CallError::Malformed },
        }
    }
}

impl From<Broken> for SearchError {
    fn from(broken: Broken) -> Self {
        SearchError::Call { error: broken.into() }
    }
}

/// Why a file wasn't transferred.
#[derive(Clone, Debug, PartialEq, thiserror::Error, uniffi::Error)]
pub enum TransferError {
    /// The server refused it.
    #[error("refused: {}", .refusal.explanation)]
    Refused {
        /// Why.
        refusal: Refusal,
    },
    /// The file here can't be read or written.
    #[error("file: {detail}")]
    File {
        /// For people.
        detail: String,
    },
    /// A file of no bytes, which no message can carry.
    #[error("the file is empty")]
    Empty,
    /// The file is more than the caller wants in memory.
    #[error("the file is too large")]
    TooLarge,
    /// The bytes that came aren't the attachment's.
    #[error("the file came damaged")]
    Damaged,
    /// It is cut off again and again although there is a connection.
    #[error("the transfer is cut off again and again")]
    Interrupted,
    /// The message isn't in the log yet, or has no such attachment.
    #[error("there is no such attachment")]
    NotThere,
    /// The server says what the protocol doesn't have.
    #[error("the answer is malformed")]
    Malformed,
    /// The client is gone.
    #[error("the client is closed")]
    Closed,
    /// A bug in the client.
    #[error("the client panicked")]
    Panicked,
}

impl From<parlour::TransferError> for TransferError {
    fn from(error: parlour::TransferError) -> Self {
        use parlour::TransferError as From;
        match error {
            From::Refused(refusal) => TransferError::Refused { refusal: (*refusal).into() },
            From::File(error) => TransferError::File { detail: error.to_string() },
            From::Empty => TransferError::Empty,
            From::TooLarge => TransferError::TooLarge,
            From::Damaged => TransferError::Damaged,
            From::Interrupted => TransferError::Interrupted,
            From::Closed => TransferError::Closed,
            _ => TransferError::Malformed,
        }
    }
}

/// Why nobody is watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum WatchError {
    /// With those in other lists they would be more than 1,000.
    #[error("too many are watched")]
    TooMany,
    /// What was given as an id isn't one.
    #[error("not an id")]
    NotAnId,
    /// The client is gone.
    #[error("the client is closed")]
    Closed,
    /// A bug in the client.
    #[error("the client panicked")]
    Panicked,
}

impl From<parlour::WatchError> for WatchError {
    fn from(error: parlour::WatchError) -> Self {
        match error {
            parlour::WatchError::TooMany => WatchError::TooMany,
            _ => WatchError::Closed,
        }
    }
}

/// Those that have a word for what breaks any work.
macro_rules! can_break {
    ($($error:ident),*) => {$(
        impl From<Broken> for $error {
            fn from(broken: Broken) -> Self {
                match broken {
                    Broken::Panicked => $error::Panicked,
                    Broken::Ended => $error::Closed,
                }
            }
        }
    )*};
}

can_break!(ConnectError, CallError, QueueError, HistoryError, TransferError, WatchError);

/// Those that have a word for an id that is none.
macro_rules! can_misname {
    ($($error:ident),*) => {$(
        impl From<crate::ids::NotAnId> for $error {
            fn from(_: crate::ids::NotAnId) -> Self {
                $error::NotAnId
            }
        }
    )*};
}

can_misname!(CallError, QueueError, WatchError);

impl From<crate::ids::NotAnId> for SearchError {
    fn from(error: crate::ids::NotAnId) -> Self {
        SearchError::Call { error: error.into() }
    }
}
