//! When to connect, when to wait, when to ask for a token, when to stop. It opens nothing itself:
//! its owner dials when told and reports how that went.

use std::time::Duration;

use parlour_protocol::error::{Reconnect, reconnect_after};

use crate::{
    limits::{
        BACKOFF_BASE, BACKOFF_MAX, KNOCK_AGAIN_AFTER, RETRY_AFTER_MAX, SECOND_WITHIN, STABLE_AFTER,
        TOKENS_REFUSED_MAX,
    },
    time::Now,
};

/// Delays between attempts, with full jitter: a random part of twice the last bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next delay. `random` is uniform.
    pub fn next_delay(&mut self, random: u64) -> Duration {
        let bound = BACKOFF_BASE.saturating_mul(1 << self.attempts.min(16)).min(BACKOFF_MAX);
        self.attempts = self.attempts.saturating_add(1);
        part_of(bound, random)
    }

    /// Starts anew.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// A uniformly random part of a duration.
pub fn part_of(whole: Duration, random: u64) -> Duration {
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % micros.saturating_add(1).max(1))
}

/// How a connection, or the attempt to make one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed it with this code and asks to wait that long (0: no wish).
    Closed {
        /// The close code.
        code: u32,
        /// Milliseconds, 0 for the client's own back-off.
        retry_after_ms: u64,
    },
    /// The path or the server is gone.
    Lost,
    /// No connection could be made.
    Unreachable,
    /// Somebody answered whose certificate isn't believed: not the server, or one set up otherwise.
    Untrusted(Distrust),
    /// No token could be had from the application.
    NoToken,
    /// Somebody has to let the user in first; the client asks again.
    Knocking,
}

/// Why a certificate isn't believed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It has ended, or hasn't begun yet: one of the two clocks may be wrong.
    #[error("it is not valid at this time")]
    Expired,
    /// Nobody who is trusted has signed it.
    #[error("nobody who is trusted has signed it")]
    Issuer,
    /// It is of another name than the address, or can't be read: both are the same alert.
    #[error("it is not of this name, or broken")]
    Name,
    /// It isn't the one with the fingerprint that was given.
    #[error("its fingerprint is another one")]
    Fingerprint,
    /// It is broken, revoked, or not for servers.
    #[error("it is of no use")]
    Unusable,
}

/// Why a client doesn't connect again by itself.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The token was revoked.
    #[error("revoked")]
    Revoked,
    /// Server and client have no revision of the protocol in common.
    #[error("client and server have no protocol revision in common")]
    NoCommonRevision,
    /// The same session is connected from elsewhere.
    #[error("the session was taken over by another connection")]
    Replaced,
    /// One token after the other was refused, the last with this close code. The application has to
    /// get one that is good.
    #[error("tokens are refused, close code {0:#x}")]
    TokenRefused(u32),
    /// The sign-in was refused for this reason, an `ErrorReason`: the application has to sign in anew.
    #[error("the sign-in is refused, reason {0}")]
    SignInRefused(i32),
    /// The server refused what this client sent: a bug in one of them.
    #[error("protocol error, close code {0:#x}")]
    Protocol(u32),
}

/// What the owner does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Get a token; `fresh` when the last one was refused. Report with `handle_token`.
    GetToken {
        /// Whether the one at hand is of no use.
        fresh: bool,
    },
    /// Connect and say hello.
    Dial,
}

/// Where the client stands, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// An attempt is being made.
    Connecting,
    /// Connected.
    Live {
        /// Since when.
        since: Duration,
    },
    /// Not connected; the next attempt comes at this time.
    Waiting {
        /// On the monotonic clock.
        until: Duration,
        /// What went wrong.
        after: End,
    },
    /// Not connected, and not by itself again.
    Stopped(Stop),
}

/// The policy of one client.
#[derive(Debug)]
pub struct Supervisor {
    phase: Phase,
    backoff: Backoff,
    /// When the last attempt began.
    began_at: Duration,
    needs_token: bool,
    /// Tokens refused since the last welcome.
    refusals: u32,
    order: Option<Order>,
    /// A second connection is made beside the live one from this time on.
    second_at: Option<Duration>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Supervisor {
            phase: Phase::Connecting,
            backoff: Backoff::default(),
            began_at: Duration::ZERO,
            needs_token: false,
            refusals: 0,
            order: Some(Order::GetToken { fresh: false }),
            second_at: None,
        }
    }
}

impl Supervisor {
    /// Where the client stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What the owner does next, once.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.order.take()
    }

    /// When [`Supervisor::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Waiting { until, .. } => Some(until),
            Phase::Live { .. } => self.second_at,
            Phase::Connecting | Phase::Stopped(_) => None,
        }
    }

    /// The time of [`Supervisor::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.poll_timeout().is_none_or(|due| due > now.elapsed) {
            return;
        }
        match self.phase {
            Phase::Waiting { .. } => self.attempt(now),
            Phase::Live { .. } => self.second(),
            Phase::Connecting | Phase::Stopped(_) => {}
        }
    }

    /// The application gave a token.
    pub fn handle_token(&mut self) {
        self.needs_token = false;
        if !matches!(self.phase, Phase::Stopped(_)) {
            self.order = Some(Order::Dial);
        }
    }

    /// A connection was welcomed.
    pub fn handle_welcome(&mut self, now: Now) {
        self.second_at = None;
        self.refusals = 0;
        self.phase = Phase::Live { since: now.elapsed };
    }

    /// The connection in use, or the attempt to make the first one, has ended.
    pub fn handle_end(&mut self, end: End, now: Now, random: u64) {
        let stable = match self.phase {
            Phase::Live { since } => now.elapsed.saturating_sub(since) >= STABLE_AFTER,
            Phase::Connecting => false,
            Phase::Waiting { .. } | Phase::Stopped(_) => return,
        };
        self.second_at = None;
        if stable {
            self.backoff.reset();
        }
        let was_live = matches!(self.phase, Phase::Live { .. });
        let (what, wish) = match end {
            End::Closed { code, retry_after_ms } => {
                (reconnect_after(code), Duration::from_millis(retry_after_ms).min(RETRY_AFTER_MAX))
            }
            // A path that died under a good connection is worth an attempt at once.
            End::Lost if was_live => (Reconnect::Now, Duration::ZERO),
            End::Lost | End::Unreachable | End::Untrusted(_) | End::NoToken => {
                (Reconnect::BackOff, Duration::ZERO)
            }
            End::Knocking => (Reconnect::BackOff, KNOCK_AGAIN_AFTER),
        };
        let delay = match what {
            Reconnect::Never => {
                self.phase = Phase::Stopped(stop(end));
                return;
            }
            Reconnect::WithNewToken => {
                self.needs_token = true;
                self.refusals += u32::from(!was_live);
                if self.refusals >= TOKENS_REFUSED_MAX {
                    self.phase = Phase::Stopped(stop(end));
                    return;
                }
                // A live connection whose token ran out gets a new one at once; a token refused
                // in a hello is not asked for in a tight loop.
                if was_live && stable { Duration::ZERO } else { self.backoff.next_delay(random) }
            }
            Reconnect::Now if was_live && stable => Duration::ZERO,
            Reconnect::Now | Reconnect::BackOff => self.backoff.next_delay(random),
        };
        let until = match end {
            // Nobody heard the attempt, and it took long: its time counts as a part of the wait.
            End::Unreachable => (self.began_at + delay).max(now.elapsed),
            // What the server asks for is a minimum, to which the jitter is added.
            _ => now.elapsed + wish + delay,
        };
        self.phase = Phase::Waiting { until, after: end };
        if until == now.elapsed {
            self.attempt(now);
        }
    }

    /// The sign-in was refused: no attempt would be of any use.
    pub fn handle_sign_in_refused(&mut self, reason: i32) {
        self.second_at = None;
        self.order = None;
        self.phase = Phase::Stopped(Stop::SignInRefused(reason));
    }

    /// An attempt to make a second connection beside the live one failed: the live one goes on.
    pub fn handle_second_failed(&mut self, now: Now, random: u64) {
        if self.second_at.is_some() {
            let delay = self.backoff.next_delay(random).min(SECOND_WITHIN);
            self.second_at = Some(now.elapsed + delay);
        }
    }

    /// The device has another network: whoever waits connects now, and a live connection gets a
    /// second one beside it, in case its path is dead. The first that answers is kept.
    pub fn handle_network_changed(&mut self, now: Now) {
        self.backoff.reset();
        match self.phase {
            // An attempt under way is one over the old network.
            Phase::Waiting { .. } | Phase::Connecting => self.attempt(now),
            Phase::Live { .. } => self.handle_stalled(now),
            Phase::Stopped(_) => {}
        }
    }

    /// The application is shown again. Whoever waits connects now: the clock may have stood still while the device
    /// slept, and people look. The pauses go on from where they were, so that a server which is down isn't
    /// asked more often than it can bear.
    pub fn handle_foreground(&mut self, now: Now) {
        if matches!(self.phase, Phase::Waiting { .. }) {
            self.attempt(now);
        }
    }

    /// The live connection may be dead: a second one is made beside it, unless that is under way.
    pub fn handle_stalled(&mut self, now: Now) {
        if matches!(self.phase, Phase::Live { .. }) && self.second_at.is_none() {
            self.second_at = Some(now.elapsed);
            self.second();
        }
    }

    /// The live connection's path was shown to work: no second connection is wanted.
    pub fn handle_path_alive(&mut self) {
        self.second_at = None;
        if matches!(self.phase, Phase::Live { .. }) {
            self.order = None;
        }
    }

    /// The server drains: a second connection is made after a random part of the jitter.
    pub fn handle_drain(&mut self, jitter_ms: u64, now: Now, random: u64) {
        if matches!(self.phase, Phase::Live { .. }) {
            let jitter = Duration::from_millis(jitter_ms).min(RETRY_AFTER_MAX);
            self.second_at = Some(now.elapsed + part_of(jitter, random));
        }
    }

    /// The application asks for another attempt after a stop, with a new token.
    pub fn handle_restart(&mut self, now: Now) {
        if matches!(self.phase, Phase::Stopped(_) | Phase::Waiting { .. }) {
            self.backoff.reset();
            self.refusals = 0;
            self.needs_token = true;
            self.attempt(now);
        }
    }

    fn attempt(&mut self, now: Now) {
        self.began_at = now.elapsed;
        self.phase = Phase::Connecting;
        self.order = Some(Order::GetToken { fresh: self.needs_token });
    }

    fn second(&mut self) {
        self.order = Some(Order::GetToken { fresh: false });
        // Asked once; a failure sets the time again.
        self.second_at = Some(Duration::MAX);
    }
}

fn stop(end: End) -> Stop {
    use parlour_protocol::wire::CloseCode;
    let End::Closed { code, .. } = end else { return Stop::Protocol(0) };
    if reconnect_after(code) == Reconnect::WithNewToken {
        return Stop::TokenRefused(code);
    }
    match i32::try_from(code).ok().and_then(|code| CloseCode::try_from(code).ok()) {
        Some(CloseCode::Revoked) => Stop::Revoked,
        Some(CloseCode::NoCommonRevision) => Stop::NoCommonRevision,
        Some(CloseCode::Replaced) => Stop::Replaced,
        _ => Stop::Protocol(code),
    }
}

#[cfg(test)]
#[path = "reconnect_tests.rs"]
mod tests;
