//! When to order: a machine that is told the time and what became of things, and says what is to be
//! done. It asks nobody and sleeps nowhere.

use std::time::Duration;

use crate::{
    AcmeError, Told,
    limits::{
        AGAIN_FIRST, AGAIN_MAX, AGAIN_MAX_URGENT, RENEWAL_INFO_AGAIN, RENEWAL_INFO_EVERY,
        RESTART_GAP, RETRY_AFTER_MAX, UNREACHED_FIRST, WISH_GAP,
    },
};

/// From when to when a certificate holds, as Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The first second.
    pub from: Duration,
    /// The last one.
    pub until: Duration,
}

/// What is to be known of attempts over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Attempts that have failed since the last one that succeeded.
    pub failures: u32,
    /// When the last one began that the CA has heard of, as Unix time; zero for never.
    pub last_at: Duration,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Order a certificate.
    Order,
    /// Ask the CA when to renew the one there is.
    Ask,
    /// Nothing until then.
    Wait(Duration),
}

/// See the module.
#[derive(Debug)]
pub struct Schedule {
    held: Option<Term>,
    // When the CA would like it renewed, and a time within that.
    window: Option<(Duration, Duration)>,
    renew_at: Option<Duration>,
    // When to ask the CA for that.
    ask_at: Option<Duration>,
    past: Past,
    // No attempt before.
    again_at: Duration,
}

impl Schedule {
    /// With the certificate there is for the names, if there is one, and what is known of attempts.
    pub fn new(held: Option<Term>, past: Past) -> Self {
        let again_at = match past.last_at {
            Duration::ZERO => Duration::ZERO,
            at => at + RESTART_GAP,
        };
        let ask_at = held.map(|term| term.from);
        Schedule { held, window: None, renew_at: None, ask_at, past, again_at }
    }

    /// What is to be done now.
    pub fn next(&self, now: Duration) -> Step {
        let order_at = self.order_at(now);
        match self.ask_at {
            _ if order_at <= now => Step::Order,
            Some(at) if at <= now => Step::Ask,
            Some(at) => Step::Wait(order_at.min(at)),
            None => Step::Wait(order_at),
        }
    }

    /// When the next order is made, as far as is known now; it may be over.
    pub fn order_at(&self, now: Duration) -> Duration {
        let due = self.held.map_or(now, |term| self.renewed_at(term));
        // A clock that was set back doesn't make anybody wait for what it showed before.
        let is_sound = self.again_at <= now + RETRY_AFTER_MAX;
        if is_sound { due.max(self.again_at) } else { due }
    }

    /// What is to be kept over a restart.
    pub fn past(&self) -> Past {
        self.past
    }

    /// An attempt begins.
    pub fn handle_begun(&mut self, now: Duration) {
        self.past.last_at = now;
    }

    /// It has brought a certificate. One that would have to be renewed at once counts as a failure,
    /// or a CA would be asked without end.
    pub fn handle_issued(
        &mut self,
        term: Term,
        now: Duration,
        chance: u32,
    ) -> Result<(), AcmeError> {
        let Past { failures, last_at } = self.past;
        *self = Schedule::new(Some(term), Past { failures: 0, last_at });
        self.again_at = now + WISH_GAP;
        if self.renewed_at(term) > now {
            return Ok(());
        }
        self.past.failures = failures;
        let error = AcmeError::Unusable("it would have to be renewed at once".into());
        self.handle_failed(&error, now, chance);
        Err(error)
    }

    /// It has failed. `chance` is any number: it spreads the next attempts of many servers.
    pub fn handle_failed(&mut self, error: &AcmeError, now: Duration, chance: u32) {
        self.past.failures = self.past.failures.saturating_add(1);
        let first = if error.counts() { AGAIN_FIRST } else { UNREACHED_FIRST };
        let doubled = first.saturating_mul(1 << (self.past.failures - 1).min(16));
        let left = self.held.map_or(Duration::ZERO, |term| term.until.saturating_sub(now));
        let most = (left / 4).clamp(AGAIN_MAX_URGENT, AGAIN_MAX);
        let mut pause = spread(doubled.min(most), chance);
        if let AcmeError::RateLimited { again_after: Some(after), .. } = error {
            pause = pause.max((*after).min(RETRY_AFTER_MAX));
        }
        self.again_at = now + pause;
        if !error.counts() {
            self.past.last_at = Duration::ZERO;
        }
    }

    /// Whoever runs the server has changed something: what has failed is tried again at once.
    pub fn handle_wish(&mut self, now: Duration) {
        let soon = match self.past.last_at {
            Duration::ZERO => now,
            at => now.max(at + WISH_GAP),
        };
        if self.past.failures > 0 || self.held.is_none() {
            self.again_at = soon.min(now + WISH_GAP);
        }
    }

    /// The CA has said when to renew, or couldn't be asked.
    pub fn handle_told(&mut self, told: Option<Told>, now: Duration, chance: u32) {
        let Some(told) = told else {
            self.ask_at = Some(now + RENEWAL_INFO_AGAIN);
            return;
        };
        let (least, most) = RENEWAL_INFO_EVERY;
        self.ask_at = told.again_after.map(|after| now + after.clamp(least, most));
        // A time once chosen stays, or asking often would move it forwards.
        if told.window != self.window {
            self.window = told.window;
            let within = |(start, end): (Duration, Duration)| {
                start + end.saturating_sub(start).mul_f64(fraction(chance))
            };
            self.renew_at = told.window.map(within);
        }
    }

    /// Two thirds through its time, or when the CA would like it, unless that is too late.
    fn renewed_at(&self, term: Term) -> Duration {
        let whole = term.until.saturating_sub(term.from);
        let latest = term.from + whole * 9 / 10;
        self.renew_at.unwrap_or(term.from + whole * 2 / 3).min(latest)
    }
}

/// From 0 to 1.
fn fraction(chance: u32) -> f64 {
    f64::from(chance) / f64::from(u32::MAX)
}

/// From three to five quarters of it.
fn spread(pause: Duration, chance: u32) -> Duration {
    pause.mul_f64(0.75 + fraction(chance) / 2.0)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
