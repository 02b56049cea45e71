//! What one server limits: calls by user and device, connections and sign-ins by address.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

pub use parlour_core::rate::{Admission, Bucket, Buckets, Rate, Wait};
use parlour_protocol::ids::{DeviceId, UserId};

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
    /// New connections from one address.
    pub connects_per_address: Rate,
}

/// The limits of one server: asked by the connection driver before a call or a handshake.
#[derive(Debug)]
pub struct RateLimits {
    users: Buckets<UserId>,
    devices: Buckets<(UserId, DeviceId)>,
    addresses: Buckets<IpAddr>,
    sign_ins: Buckets<IpAddr>,
}

impl RateLimits {
    /// Empty tables.
    pub fn new(rates: Rates) -> Self {
        let keys_max = super::RATE_KEYS_MAX;
        RateLimits {
            users: Buckets::new(rates.calls_per_user, keys_max),
            devices: Buckets::new(rates.calls_per_device, keys_max),
            addresses: Buckets::new(rates.connects_per_address, keys_max),
            sign_ins: Buckets::new(
                Rate::new(super::SIGN_INS_PER_SECOND, super::SIGN_INS_BURST),
                keys_max,
            ),
        }
    }

    /// Puts other rates in force.
    pub fn configure(&mut self, rates: Rates) {
        self.users.set_rate(rates.calls_per_user);
        self.devices.set_rate(rates.calls_per_device);
        self.addresses.set_rate(rates.connects_per_address);
    }

    /// A call. The device is asked first: one device gone wild doesn't use up what the user's
    /// other devices have.
    pub fn call(&mut self, user: UserId, device: DeviceId, now: Duration) -> Admission {
        // Devices count by user, or one could empty another's bucket by naming its id.
        self.devices.take((user, device), 1, now)?;
        self.users.take(user, 1, now)
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

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
