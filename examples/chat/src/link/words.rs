//! What went wrong, in words for a person.

use parlour::{
    CallError, ConnectError, End, HistoryError, QueueError, SearchError, SendError, Stop,
    protocol::wire::{CloseCode, Error as Refusal, ErrorReason},
};

pub(crate) fn call_words(error: &CallError) -> String {
    match error {
        CallError::Refused(refusal) => refusal_words(refusal),
        error => error.to_string(),
    }
}

pub(crate) fn search_words(error: &SearchError) -> String {
    match error {
        SearchError::Call(error) => call_words(error),
        error => error.to_string(),
    }
}

pub(crate) fn queue_words(error: &QueueError) -> String {
    match error {
        QueueError::Failed(SendError::Refused(refusal)) => refusal_words(refusal),
        QueueError::Text => "a message has 1 byte to 16 KiB".to_owned(),
        error => error.to_string(),
    }
}

pub(crate) fn history_words(error: &HistoryError) -> String {
    format!("older messages can't be read: {error}")
}

/// A refusal by its reason; the server's own words where the reason says little.
pub(crate) fn refusal_words(refusal: &Refusal) -> String {
    let words = match ErrorReason::try_from(refusal.reason) {
        Ok(ErrorReason::RoomNotFound) => "there is no such room, or you aren't in it",
        Ok(ErrorReason::UserNotFound) => "nobody of that name has signed in here yet",
        Ok(ErrorReason::MessageNotFound) => "that message isn't there any more",
        Ok(ErrorReason::NotAllowed | ErrorReason::ScopeMissing) => "you may not do that",
        Ok(ErrorReason::RoomFull) => "the room is full",
        Ok(ErrorReason::RateLimited) => "too fast for the server; wait a moment",
        Ok(ErrorReason::ReadOnly) => "the server only lets read for now",
        Ok(ErrorReason::BlobTooLarge) => "the file is larger than the server takes",
        Ok(ErrorReason::MediaTypeRefused) => "the server doesn't take files of that kind",
        Ok(ErrorReason::QuotaExceeded) => "no more files can be uploaded for now",
        Ok(ErrorReason::BlobInfected) => "the server's scanner refuses the file",
        Ok(ErrorReason::BlobNotFound) => "that file isn't there any more",
        Ok(ErrorReason::DirectRoom) => "a conversation of two can't be changed like a group",
        _ => return refusal.to_string(),
    };
    words.to_owned()
}

/// Why there is no chat at all.
pub(crate) fn connect_words(error: &ConnectError) -> String {
    match error {
        ConnectError::Unreachable => "no connection in time: is the server there?".to_owned(),
        ConnectError::Unauthorized(code) => {
            format!("the server refuses the token (close code {code:#x})")
        }
        ConnectError::Token => {
            "to take an invite, say --account and what it is to be called".to_owned()
        }
        ConnectError::Stopped(stop) => stop_words(*stop),
        error => error.to_string(),
    }
}

pub(crate) fn stop_words(stop: Stop) -> String {
    match stop {
        Stop::Revoked => "your access was revoked".to_owned(),
        Stop::SignInRefused(reason) => sign_in_words(reason).to_owned(),
        Stop::Replaced => "this session goes on elsewhere; /reconnect takes it back".to_owned(),
        stop => stop.to_string(),
    }
}

fn sign_in_words(reason: i32) -> &'static str {
    match ErrorReason::try_from(reason) {
        Ok(ErrorReason::SignInRefused) => "the link or invite isn't good any more: ask for another",
        Ok(ErrorReason::LoginEnded) => "you were signed out: ask for another link",
        Ok(ErrorReason::SubjectTaken) => {
            "somebody is called that already: choose another --account"
        }
        Ok(ErrorReason::InvalidField) => "an account's name is 1 to 32 of a-z 0-9 . _ -",
        Ok(ErrorReason::AccountsDisabled) => "the server keeps no accounts: come with a token",
        _ => "the sign-in is refused",
    }
}

/// What ended the last connection, or attempt to make one, where that is worth a word.
pub(crate) fn end_words(end: End) -> Option<String> {
    let code = match end {
        End::NoToken => return Some("no token can be read".to_owned()),
        End::Knocking => return Some("somebody has to let you in first".to_owned()),
        End::Closed { code, .. } => {
            i32::try_from(code).ok().and_then(|c| CloseCode::try_from(c).ok())
        }
        _ => None,
    };
    let words = match code? {
        CloseCode::TokenInvalid => "the server refuses the token",
        CloseCode::TokenExpired => "the token has run out",
        CloseCode::Overloaded => "the server is busy",
        CloseCode::Draining => "the server is restarting",
        _ => return None,
    };
    Some(words.to_owned())
}
