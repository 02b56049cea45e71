//! How much organizations may have unless something else is set for one.

use parlour_core::quotas::Quota;
use serde::Deserialize;

use super::Config;

/// `[quotas]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Quotas {
    /// People and programs of one organization; 0 without a bound.
    pub users: u64,
    /// Its groups; 0 without a bound.
    pub groups: u64,
    /// Its devices that are connected at the same time; 0 without a bound.
    pub devices: u64,
}

impl Config {
    /// What holds for organizations of which nothing else is set.
    pub fn quota(&self) -> Quota {
        let Quotas { users, groups, devices } = self.quotas;
        let attachment_bytes = self.blobs.organization_max_mb.saturating_mul(1024 * 1024);
        Quota { users, groups, attachment_bytes, devices }
    }
}
