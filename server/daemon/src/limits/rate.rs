//! What one server limits: calls by user, device and organization; connections, sign-ins and wrong tokens by
//! address.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

pub use parlour_core::rate::{Admission, Bucket, Buckets, Rate, Wait};
use parlour_protocol::{
    generated::{Rpc, method, rpc::Reauth},
    ids::{DeviceId, OrgId, UserId},
};

use super::attempts::Attempts;
use crate::metrics::LimitedBy;

/// An address as limits see it: IPv4 as it is, IPv6 by its /64, since one subscriber has a whole
/// one. An IPv4 address mapped into IPv6 counts as IPv4.
pub fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut bytes = v6.octets();
            bytes[8..].fill(0);
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        v4 => v4,
    }
}

/// What is limited, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Calls of one user over all their connections.
    pub calls_per_user: Rate,
    /// Calls of one device.
    pub calls_per_device: Rate,
    /// Calls of all users of one organization.
    pub calls_per_organization: Rate,
    /// New connections from one address.
    pub connects_per_address: Rate,
    /// Wrong tokens from one address.
    pub failures_per_address: Rate,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallOf {
    /// The user.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// The organization, where the call counts as one of its.
    pub org: Option<OrgId>,
}

/// Too many of somebody's calls: try again after a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Whose.
    pub by: LimitedBy,
    /// The time.
    pub wait: Wait,
}

/// The limits of one server: asked by the connection driver before a call or a handshake.
#[derive(Debug)]
pub struct RateLimits {
    users: Buckets<UserId>,
    devices: Buckets<(UserId, DeviceId)>,
    orgs: Buckets<OrgId>,
    addresses: Buckets<IpAddr>,
    sign_ins: Buckets<IpAddr>,
    /// Attempts to come in.
    pub attempts: Attempts,
}

impl RateLimits {
    /// Empty tables.
    pub fn new(rates: Rates) -> Self {
        let keys_max = super::RATE_KEYS_MAX;
        RateLimits {
            users: Buckets::new(rates.calls_per_user, keys_max),
            devices: Buckets::new(rates.calls_per_device, keys_max),
            orgs: Buckets::new(rates.calls_per_organization, keys_max),
            addresses: Buckets::new(rates.connects_per_address, keys_max),
            sign_ins: Buckets::new(
                Rate::new(super::SIGN_INS_PER_SECOND, super::SIGN_INS_BURST),
                keys_max,
            ),
            attempts: Attempts::new(rates.failures_per_address, keys_max),
        }
    }

    /// Puts other rates in force.
    pub fn configure(&mut self, rates: Rates) {
        self.users.set_rate(rates.calls_per_user);
        self.devices.set_rate(rates.calls_per_device);
        self.orgs.set_rate(rates.calls_per_organization);
        self.addresses.set_rate(rates.connects_per_address);
        self.attempts.set_rate(rates.failures_per_address);
    }

    /// A call. The device is asked first: one device gone wild doesn't use up what the user's other
    /// devices have; then the user, so that one user doesn't use up what the organization has.
    pub fn call(&mut self, of: CallOf, now: Duration) -> Result<(), Limited> {
        let by = |by| move |wait| Limited { by, wait };
        // Devices count by user, or one could empty another's bucket by naming its id.
        self.devices.take((of.user, of.device), 1, now).map_err(by(LimitedBy::Device))?;
        self.users.take(of.user, 1, now).map_err(by(LimitedBy::User))?;
        match of.org {
            Some(org) => self.orgs.take(org, 1, now).map_err(by(LimitedBy::Organization)),
            None => Ok(()),
        }
    }

    /// A sign-in with a code or a password.
    pub fn sign_in(&mut self, from: IpAddr, now: Duration) -> Admission {
        self.sign_ins.take(address_key(from), 1, now)
    }

    /// A new connection.
    pub fn connect(&mut self, from: IpAddr, now: Duration) -> Admission {
        self.addresses.take(address_key(from), 1, now)
    }
}

/// Whether a call counts as one of its organization's: what ends a flood, and the renewal of a token that
/// keeps somebody connected through it, must not wait for its end.
pub fn counts_for_org(number: u32) -> bool {
    number != Reauth::METHOD.id
        && !method(number).is_some_and(|method| method.scope.starts_with("admin:"))
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
