//! Rates and levels that a file may say and that mean nothing.

use super::{ConfigError, Limits};
use crate::limits::{BURST_MAX, RATE_MAX, RATE_MIN};

impl Limits {
    /// Refuses rates that are no rates: those of nobody, of no number, or with nothing at once.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let rates = [
            ("limits.connects_per_second_per_address", self.connects_per_second_per_address),
            ("limits.calls_per_second_per_user", self.calls_per_second_per_user),
            ("limits.calls_per_second_per_device", self.calls_per_second_per_device),
            ("limits.calls_per_second_per_organization", self.calls_per_second_per_organization),
            ("limits.failures_per_second_per_address", self.failures_per_second_per_address),
        ];
        // Not a number is in no range.
        if let Some((key, _)) =
            rates.into_iter().find(|(_, rate)| !(RATE_MIN..=RATE_MAX).contains(rate))
        {
            return Err(ConfigError::Value { key, problem: "is not 0.001 to 1000000 per second" });
        }
        let bursts = [
            ("limits.connects_burst_per_address", self.connects_burst_per_address),
            ("limits.calls_burst_per_user", self.calls_burst_per_user),
            ("limits.calls_burst_per_device", self.calls_burst_per_device),
            ("limits.calls_burst_per_organization", self.calls_burst_per_organization),
            ("limits.failures_burst_per_address", self.failures_burst_per_address),
        ];
        if let Some((key, _)) =
            bursts.into_iter().find(|(_, burst)| !(1..=BURST_MAX).contains(burst))
        {
            return Err(ConfigError::Value { key, problem: "is not 1 to 1000000" });
        }
        if self.connections_max == 0 {
            let (key, problem) = ("limits.connections_max", "must be at least 1");
            return Err(ConfigError::Value { key, problem });
        }
        Ok(())
    }
}

/// Whether it is a level, or a filter of which each part says for what. A filter takes a single word that is no
/// level for the name of a crate, and then nothing is logged at all.
pub(super) fn is_log_filter(text: &str) -> bool {
    let is_level = |part: &str| part.parse::<tracing::level_filters::LevelFilter>().is_ok();
    let says_for_what = |part: &str| part.contains(['=', '[']) || part.starts_with("parlour");
    let parts = text.split(',').map(str::trim);
    !text.trim().is_empty()
        && parts.into_iter().all(|part| is_level(part) || says_for_what(part))
        && tracing_subscriber::EnvFilter::try_new(text).is_ok()
}
