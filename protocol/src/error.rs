//! The error registry: what each reason and close code means for whoever gets it.

use std::fmt;

use crate::wire::{CloseCode, Error, ErrorClass, ErrorReason, Retry, Violation};

impl ErrorReason {
    /// The class of a reason.
    #[allow(clippy::too_many_lines, reason = "one table, which the compiler keeps complete")]
    pub fn error_class(self) -> ErrorClass {
        use ErrorClass as C;
        use ErrorReason as R;
        match self {
            R::Unspecified => C::Unknown,
            R::InvalidField
            | R::MalformedRequest
            | R::BodyTooLarge
            | R::BlobTooLarge
            | R::MediaTypeRefused
            | R::BlobMismatch => C::InvalidArgument,
            R::UnknownMethod => C::Unimplemented,
            R::TooManyCalls
            | R::RoomFull
            | R::RateLimited
            | R::TooManyReactions
            | R::TooManyPins
            | R::TooManySaved
            | R::TooManyBlocked
            | R::TooManyEmoji
            | R::TooManyBans
            | R::SlowMode
            | R::QuotaExceeded
            | R::TooManyUploads
            | R::TooManyHooks
            | R::TooManyPasskeys
            | R::TooManyScheduled
            | R::TooManyReminders
            | R::TooManyDrafts
            | R::TooManyKeys
            | R::TooManyRules
            | R::TooManyHolds
            | R::TooManyReports
            | R::TooManyWebhooks => C::ResourceExhausted,
            R::RoomNotFound
            | R::UserNotFound
            | R::MessageNotFound
            | R::NodeNotFound
            | R::BlobNotFound
            | R::AccountNotFound
            | R::InviteNotFound
            | R::HookNotFound
            | R::EmojiNotFound
            | R::CommandNotFound
            | R::ComponentNotFound
            | R::ScheduledNotFound
            | R::KeyNotFound
            | R::ReportNotFound
            | R::WebhookNotFound => C::NotFound,
            R::NotAllowed
            | R::ScopeMissing
            | R::BlobInfected
            | R::WordRefused
            | R::WrongPassword => C::PermissionDenied,
            R::RefConflict | R::SubjectTaken | R::EmojiTaken => C::AlreadyExists,
            R::RefExpired
            | R::DirectRoom
            | R::DirectoryRoom
            | R::RoomArchived
            | R::WrongIncarnation
            | R::ThreadNotFollowed
            | R::SearchDisabled
            | R::AccountsDisabled
            | R::PasskeysDisabled
            | R::KnockWaiting
            | R::NeedsConnection
            | R::InteractionOver
            | R::PollClosed
            | R::PollAnonymous
            | R::ServiceAccount
            | R::NotDeactivated
            | R::ReportDecided
            | R::UserHeld
            | R::WebhooksDisabled => C::FailedPrecondition,
            R::ReadOnly | R::StoreUnavailable | R::Draining | R::SearchUnavailable => {
                C::Unavailable
            }
            R::DataDamaged => C::DataLoss,
            R::TokenInvalid
            | R::TokenExpired
            | R::TokenRevoked
            | R::SubjectChanged
            | R::SignInRefused
            | R::LoginEnded => C::Unauthenticated,
            R::ChainBroken => C::Aborted,
            R::Internal => C::Internal,
        }
    }

    /// Whether a call that failed for this reason may be made again.
    pub fn retry(self) -> Retry {
        use ErrorReason as R;
        match self {
            R::TooManyCalls
            | R::RateLimited
            | R::SlowMode
            | R::ReadOnly
            | R::StoreUnavailable
            | R::SearchUnavailable
            | R::KnockWaiting => Retry::AfterDelay,
            R::ChainBroken => Retry::Same,
            R::Draining => Retry::Reconnect,
            R::TokenInvalid | R::TokenExpired => Retry::AfterReauth,
            R::RefExpired | R::WrongIncarnation => Retry::AfterResync,
            _ => Retry::Never,
        }
    }
}

impl Error {
    /// An error with the class and retry rule of its reason. `message` is for logs and holds no
    /// user data.
    pub fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        let retry = reason.retry();
        Error {
            class: reason.error_class() as i32,
            reason: reason as i32,
            message: message.into(),
            retry: retry as i32,
            retry_after_ms: if retry == Retry::AfterDelay { 1000 } else { 0 },
            violations: Vec::new(),
        }
    }

    /// One wrong field.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        let violation = Violation { field: field.into(), problem: problem.into() };
        let mut error = Error::new(ErrorReason::InvalidField, "a field is not valid");
        error.violations.push(violation);
        error
    }

    /// The same error, to be tried again after this many milliseconds.
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.retry = Retry::AfterDelay as i32;
        self.retry_after_ms = ms;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ErrorReason::try_from(self.reason) {
            Ok(reason) => write!(f, "{}: {}", reason.as_str_name(), self.message)?,
            Err(_) => write!(f, "reason {}: {}", self.reason, self.message)?,
        }
        for violation in &self.violations {
            write!(f, " ({}: {})", violation.field, violation.problem)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// What a client does about a closed connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// At once, then with back-off.
    Now,
    /// With back-off and jitter from the start.
    BackOff,
    /// Once it has a new token.
    WithNewToken,
    /// Not by itself.
    Never,
}

/// What to do about a close code; unknown ones mean back off.
pub fn reconnect_after(code: u32) -> Reconnect {
    match i32::try_from(code).ok().and_then(|code| CloseCode::try_from(code).ok()) {
        Some(CloseCode::TokenInvalid | CloseCode::TokenExpired | CloseCode::ReauthTimeout) => {
            Reconnect::WithNewToken
        }
        Some(
            CloseCode::Revoked
            | CloseCode::NoCommonRevision
            | CloseCode::FrameTooLarge
            | CloseCode::MalformedFrame
            | CloseCode::UnexpectedFrame
            | CloseCode::ClientDone
            | CloseCode::Replaced,
        ) => Reconnect::Never,
        Some(CloseCode::HelloTimeout | CloseCode::TooSlow | CloseCode::ControlLost) => {
            Reconnect::Now
        }
        _ => Reconnect::BackOff,
    }
}
