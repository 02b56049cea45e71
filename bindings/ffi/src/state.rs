//! Where a client stands.

use parlour::{End, Stop, protocol::wire::CloseCode};

use crate::pull::{Pull, Unnamed};

/// Where a client stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum State {
    /// A connection is being made.
    Connecting,
    /// Connected.
    Live,
    /// Not connected. Reading and writing go on with the cache and the outbox.
    Offline {
        /// When the next attempt comes, Unix milliseconds.
        retry_at_ms: u64,
        /// The close code, where the server closed the connection.
        code: Option<u32>,
    },
    /// Not connected, and not by itself again.
    Stopped {
        /// For people.
        detail: String,
        /// The close code that it comes from, where it comes from one.
        code: Option<u32>,
    },
    /// Disconnected for good.
    Closed,
}

impl From<parlour::State> for State {
    fn from(state: parlour::State) -> Self {
        match state {
            parlour::State::Connecting => State::Connecting,
            parlour::State::Live => State::Live,
            parlour::State::Offline { retry_at_ms, after } => {
                State::Offline { retry_at_ms, code: code(after) }
            }
            parlour::State::Stopped(stop) => {
                State::Stopped { detail: stop.to_string(), code: stopped_by(stop) }
            }
            _ => State::Closed,
        }
    }
}

fn code(after: End) -> Option<u32> {
    match after {
        End::Closed { code, .. } => Some(code),
        _ => None,
    }
}

fn stopped_by(stop: Stop) -> Option<u32> {
    match stop {
        Stop::Revoked => Some(CloseCode::Revoked as u32),
        Stop::NoCommonRevision => Some(CloseCode::NoCommonRevision as u32),
        Stop::Replaced => Some(CloseCode::Replaced as u32),
        Stop::TokenRefused(code) | Stop::Protocol(code) => Some(code),
        _ => None,
    }
}

/// What a close code is called, such as `TOKEN_EXPIRED`; `CODE_` and its number where this version doesn't
/// know it.
#[uniffi::export]
pub fn close_code_name(code: u32) -> String {
    let known = i32::try_from(code).ok().and_then(|code| CloseCode::try_from(code).ok());
    let name = known.map(|code| code.as_str_name().trim_start_matches("CLOSE_CODE_").to_owned());
    name.unwrap_or_else(|| format!("CODE_{code}"))
}

/// Where a client stands, now and whenever that changes. Ends with the client.
#[derive(uniffi::Object)]
pub struct States {
    pub(crate) pull: Pull<Unnamed<parlour::State>>,
}

#[uniffi::export]
impl States {
    /// Waits until there is something to take; `false` when nothing comes any more.
    pub async fn ready(&self) -> bool {
        self.pull.ready().await
    }

    /// What has come, at most so many.
    pub fn take(&self, max: u32) -> Vec<State> {
        self.pull.take(max).into_iter().map(State::from).collect()
    }
}
