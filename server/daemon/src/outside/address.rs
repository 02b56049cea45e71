//! Which addresses are public ones: whoever names another one must not make the server ask what only it can
//! reach.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A range of addresses, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    base: IpAddr,
    bits: u8,
}

/// Not a range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a range of addresses, such as 10.0.0.0/8")]
pub(crate) struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (base, bits) = text.split_once('/').ok_or(NetworkError)?;
        let base: IpAddr = base.parse().map_err(|_| NetworkError)?;
        let bits: u8 = bits.parse().map_err(|_| NetworkError)?;
        let max = if base.is_ipv4() { 32 } else { 128 };
        if bits <= max { Ok(Network { base, bits }) } else { Err(NetworkError) }
    }
}

impl Network {
    /// Whether an address is in it.
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                begins_alike(u32::from(base).into(), u32::from(address).into(), 32, self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                begins_alike(base.into(), address.into(), 128, self.bits)
            }
            _ => false,
        }
    }
}

fn begins_alike(a: u128, b: u128, width: u32, bits: u8) -> bool {
    let rest = width - u32::from(bits);
    a.checked_shr(rest).unwrap_or(0) == b.checked_shr(rest).unwrap_or(0)
}

/// Whether an address is one of the public Internet (RFC 6890 and the registries that it made). One that
/// only carries another, as a mapped or translated one, is what it carries.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(carried) => is_public_v4(carried),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Unicast, as far as any was given out: what is local, unspecified or for groups is none of it.
    (0x2000..=0x3fff).contains(&a)
        // Protocols' own, Teredo among them, and what is for documents.
        && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
        && !(a == 0x3fff && b < 0x1000)
}

/// The address that another one carries: mapped, compatible, translated (RFC 6052), or 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let last = |address: Ipv6Addr| {
        let [.., a, b, c, d] = address.octets();
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(last(address)),
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
